//! What somebody may have meant: names and addresses a slip of the finger away, and what stands around an address.

use super::RuleContext;
use crate::model::{Host, Inventory, InventoryHost};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Returns the one inventory host whose address or name is a single slip (one character more, less, other, or two swapped) from `host`, and
/// which no pool uses on either side. `None` when there are several: then it would be a guess.
pub(super) fn host_like<'a>(cx: &RuleContext<'a>, host: &Host) -> Option<(&'a InventoryHost, String)> {
    let wrong = host.to_string();
    let gateways = cx.base.model.gateways.iter().chain(&cx.head.model.gateways);
    let used: BTreeSet<String> =
        gateways.flat_map(|gateway| &gateway.pools).flat_map(|pool| &pool.members).map(|member| member.address.host.to_string()).collect();
    let mut found = Vec::new();
    for known in &cx.head.model.inventory.hosts {
        let addresses = known.addresses.iter().map(ToString::to_string);
        let names = std::iter::once(&known.name).chain(&known.aliases).map(ToString::to_string);
        let like: Vec<String> = match host {
            Host::Ip(_) => addresses.filter(|address| slips(&wrong, address) == 1).collect(),
            Host::Name(_) => names.filter(|name| slips(&wrong, name) == 1).collect(),
            Host::Unix(_) | Host::Hole(_) => Vec::new(),
        };
        found.extend(like.into_iter().filter(|text| !used.contains(text)).map(|text| (known, text)));
    }
    match found.len() {
        1 => found.pop(),
        _ => None,
    }
}

/// Returns the hosts that `inventory` has in the same /24 as `ip`: `.11 to .14 and .21`; `None` when there is none, or for IPv6.
pub(super) fn neighbours(inventory: &Inventory, ip: IpAddr) -> Option<String> {
    let IpAddr::V4(ip) = ip else { return None };
    let network = |ip: Ipv4Addr| u32::from(ip) >> 8;
    let addresses = inventory.hosts.iter().flat_map(|host| &host.addresses).filter_map(|known| match known {
        IpAddr::V4(known) if network(*known) == network(ip) => Some(u32::from(*known) & 0xff),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    });
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for last in addresses.collect::<BTreeSet<u32>>() {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == last => *end = last,
            _ => runs.push((last, last)),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .flat_map(|(start, end)| match end - start {
            0 => vec![format!(".{start}")],
            1 => vec![format!(".{start}"), format!(".{end}")],
            _ => vec![format!(".{start} to .{end}")],
        })
        .collect();
    if texts.is_empty() { None } else { Some(super::words::list(&texts)) }
}

/// Returns how many slips (a character more, less or other, two neighbours swapped) lie between two texts; 3 stands for 3 and more.
pub(super) fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    // Three rows of the usual table: swaps look two rows back.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0).min(3)
}

/// Returns the name that `word` is one or two slips away from, never one of which nothing would be left.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(80).flat_map(char::to_lowercase).collect();
    let close = names.into_iter().map(|name| (slips(&word, &name.to_ascii_lowercase()), name)).min_by_key(|(slips, _)| *slips)?;
    (close.0 <= 2 && close.0 < close.1.chars().count()).then_some(close.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_at_most_two_slips_away() {
        let nearest = |word| nearest(word, ["help", "ack", "waive"]);
        assert_eq!(nearest("HLEP"), Some("help"));
        assert_eq!(nearest("wave"), Some("waive"));
        assert_eq!(nearest("deploy"), None);
        assert_eq!(super::nearest("x", ["a"]), None);
    }

    #[test]
    fn slips_are_counted() {
        assert_eq!(slips("10.20.1.15", "10.20.1.51"), 1);
        assert_eq!(slips("web_pool", "web_pool"), 0);
        assert_eq!(slips("web_pool", "web-pool"), 1);
        assert_eq!(slips("web_pool", "webpools"), 2);
        assert_eq!(slips("api", "statics"), 3);
        assert_eq!(slips("", "ab"), 2);
    }
}
