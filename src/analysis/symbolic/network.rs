//! Addresses inside some networks and outside others.

use crate::model::Cidr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Clients that are in no network anybody writes into a configuration: those reserved for documentation, then a public one.
const STRANGERS: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9)),
];

/// Returns an address that is in each network said to hold it and in none said not to; `None` when there is none.
pub(super) fn some_address(networks: &[(Cidr, bool)]) -> Option<IpAddr> {
    let fits = |ip: &IpAddr| networks.iter().all(|(network, inside)| network.contains(*ip) == *inside);
    if let Some(stranger) = STRANGERS.into_iter().find(fits) {
        return Some(stranger);
    }
    // Networks are inside each other or apart: the smallest that must hold it is all that counts.
    let smallest = networks.iter().filter(|(_, inside)| *inside).map(|(network, _)| *network).max_by_key(Cidr::bits);
    let not: Vec<Cidr> = networks.iter().filter(|(_, inside)| !inside).map(|(network, _)| *network).collect();
    let places = match smallest {
        Some(network) => vec![network],
        None => [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)].into_iter().filter_map(|ip| Cidr::new(ip, 0)).collect(),
    };
    places.into_iter().find_map(|place| outside(place, &not)).filter(fits)
}

/// Returns an address of `place` in none of `not`, looking at one half after the other.
fn outside(place: Cidr, not: &[Cidr]) -> Option<IpAddr> {
    let holds = |outer: &Cidr, inner: &Cidr| outer.bits() <= inner.bits() && outer.contains(inner.address());
    if not.iter().any(|network| holds(network, &place)) {
        return None;
    }
    let within: Vec<Cidr> = not.iter().copied().filter(|network| holds(&place, network)).collect();
    if within.is_empty() {
        return Some(not_the_first(place));
    }
    halves(place).into_iter().flatten().find_map(|half| outside(half, &within))
}

/// Returns an address in `network`, not its first, which often is the network's own.
fn not_the_first(network: Cidr) -> IpAddr {
    match network.address() {
        IpAddr::V4(ip) if network.bits() < 31 => Ipv4Addr::from(u32::from(ip) | 1).into(),
        IpAddr::V6(ip) if network.bits() < 127 => Ipv6Addr::from(u128::from(ip) | 1).into(),
        ip => ip,
    }
}

fn halves(place: Cidr) -> [Option<Cidr>; 2] {
    let bits = place.bits() + 1;
    let upper = match place.address() {
        IpAddr::V4(ip) => 32_u32.checked_sub(u32::from(bits)).map(|shift| IpAddr::from(Ipv4Addr::from(u32::from(ip) | (1 << shift)))),
        IpAddr::V6(ip) => 128_u32.checked_sub(u32::from(bits)).map(|shift| IpAddr::from(Ipv6Addr::from(u128::from(ip) | (1 << shift)))),
    };
    [Cidr::new(place.address(), bits), upper.and_then(|upper| Cidr::new(upper, bits))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_found_between_networks() {
        let find = |yes: &[&str], no: &[&str]| {
            let networks: Vec<_> = yes.iter().map(|text| (network(text), true)).chain(no.iter().map(|text| (network(text), false))).collect();
            some_address(&networks).map(|ip| ip.to_string())
        };
        assert_eq!(find(&[], &["10.0.0.0/8"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(find(&["10.0.0.0/8"], &["10.0.0.0/9"]).as_deref(), Some("10.128.0.1"));
        assert_eq!(find(&["10.0.0.0/8", "10.1.0.0/16"], &["10.1.0.0/17", "10.1.128.0/18"]).as_deref(), Some("10.1.192.1"));
        assert_eq!(find(&["10.0.0.0/8", "11.0.0.0/8"], &[]), None);
        assert_eq!(find(&["10.0.0.0/31"], &["10.0.0.0/32", "10.0.0.1/32"]), None);
        assert_eq!(find(&[], &["0.0.0.0/0"]).as_deref(), Some("2001:db8::9"));
        assert_eq!(find(&[], &["0.0.0.0/0", "::/0"]), None);
    }
}
