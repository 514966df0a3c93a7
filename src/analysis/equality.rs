//! When two destinations are the same one, and how much of the traffic moves between two that are not.
//!
//! Names do not count: two pools are the same when their members and behaviour are, in whatever order they are written.

use super::destination::{Alternative, Destination, ServerShare, ServerState};
use std::collections::BTreeMap;

/// Shares closer than this are equal; they come from integer weights, so real differences are far larger.
const TOLERANCE: f64 = 1e-9;

impl Destination {
    /// Returns whether a client could tell no difference, in what it gets and from where: pool names, the order of members and [`behaviour`](Destination::Forward)
    /// (timeouts, retries, limits) do not count; who serves, with which share, what the upstream is asked for and how much is broken do.
    pub fn same_effect(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Forward { servers: ours, upstream_uri: uri, broken_share: broken, .. },
                Self::Forward { servers: theirs, upstream_uri: other_uri, broken_share: other_broken, .. },
            ) => uri == other_uri && (broken - other_broken).abs() < TOLERANCE && same_servers(ours, theirs),
            (Self::Opaque { reason: ours, alternatives: a }, Self::Opaque { reason: theirs, alternatives: b }) => {
                ours == theirs && same_alternatives(a, b, Self::same_effect)
            }
            _ => self == other,
        }
    }

    /// Returns whether nothing at all differs but names and order: [`same_effect`](Self::same_effect) and the same behaviour.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Forward { behaviour: ours, .. }, Self::Forward { behaviour: theirs, .. }) => ours == theirs && self.same_effect(other),
            (Self::Opaque { reason: ours, alternatives: a }, Self::Opaque { reason: theirs, alternatives: b }) => {
                ours == theirs && same_alternatives(a, b, Self::same)
            }
            _ => self == other,
        }
    }
}

/// Returns the fraction of requests, 0..=1, that gets another server (or another kind of answer) than before.
///
/// Between two forwards it is the part of the shares that has changed hands: 0 for the same shares, 1 when no server is common. Everything else is 0
/// when the two are the same and 1 when they are not. Opaque destinations with the same alternatives are compared one by one, the worst counts.
pub fn moved_share(was: &Destination, now: &Destination) -> f64 {
    match (was, now) {
        (Destination::Forward { servers: before, .. }, Destination::Forward { servers: after, .. }) => {
            let (before, after) = (by_address(before), by_address(after));
            if before.is_empty() && after.is_empty() {
                return if was.same_effect(now) { 0.0 } else { 1.0 };
            }
            let kept: f64 = before.iter().map(|(address, (share, _))| share.min(after.get(address).map_or(0.0, |(share, _)| *share))).sum();
            let all: f64 = before.values().map(|(share, _)| share).sum::<f64>().max(after.values().map(|(share, _)| share).sum());
            if all < TOLERANCE { 0.0 } else { ((all - kept) / all).clamp(0.0, 1.0) }
        }
        (Destination::Opaque { alternatives: before, .. }, Destination::Opaque { alternatives: after, .. })
            if before.len() == after.len() && !before.is_empty() =>
        {
            before.iter().zip(after).map(|(b, a)| if b.when == a.when { moved_share(&b.outcome, &a.outcome) } else { 1.0 }).fold(0.0, f64::max)
        }
        _ if was.same_effect(now) => 0.0,
        _ => 1.0,
    }
}

/// Returns the servers by address, the shares of an address that is listed twice added up.
fn by_address(servers: &[ServerShare]) -> BTreeMap<&str, (f64, ServerState)> {
    let mut all: BTreeMap<&str, (f64, ServerState)> = BTreeMap::new();
    for server in servers {
        let entry = all.entry(&server.address).or_insert((0.0, server.state));
        entry.0 += server.share;
    }
    all
}

/// Returns whether the same servers get the same shares and are as they were. Servers without a share only matter by their state.
fn same_servers(ours: &[ServerShare], theirs: &[ServerShare]) -> bool {
    let (ours, theirs) = (by_address(ours), by_address(theirs));
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|((address, (share, state)), (other_address, (other_share, other_state)))| {
            address == other_address && state == other_state && (share - other_share).abs() < TOLERANCE
        })
}

/// Returns whether both can turn out in the same ways under the same conditions.
fn same_alternatives(ours: &[Alternative], theirs: &[Alternative], same: fn(&Destination, &Destination) -> bool) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.when == b.when && same(&a.outcome, &b.outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(pool: &str, servers: &[(&str, f64)]) -> Destination {
        Destination::Forward {
            pool: pool.to_owned(),
            servers: servers
                .iter()
                .map(|(address, share)| ServerShare { address: (*address).to_owned(), share: *share, state: ServerState::Ok })
                .collect(),
            upstream_uri: "/".to_owned(),
            broken_share: 0.0,
            behaviour: String::new(),
        }
    }

    #[test]
    fn names_and_order_do_not_count() {
        assert!(forward("a", &[("x", 0.25), ("y", 0.75)]).same(&forward("b", &[("y", 0.75), ("x", 0.25)])));
        assert!(!forward("a", &[("x", 0.25), ("y", 0.75)]).same(&forward("a", &[("x", 0.75), ("y", 0.25)])));
        assert!(forward("a", &[("x", 1.0)]).same(&forward("a", &[("x", 0.5), ("x", 0.5)])));
    }

    #[test]
    fn the_moved_share_is_what_changed_hands() {
        let four = forward("p", &[("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)]);
        let heavy = forward("p", &[("a", 0.05), ("b", 0.05), ("c", 0.05), ("e", 0.85)]);
        assert!((moved_share(&four, &heavy) - 0.85).abs() < 1e-9);
        assert!(moved_share(&four, &four) < 1e-9);
        assert!((moved_share(&four, &Destination::Close) - 1.0).abs() < 1e-9);
    }
}
