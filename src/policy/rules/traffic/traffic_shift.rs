//! `traffic/traffic-shift`.

use crate::model::Label;
use crate::policy::arrival::{Arrival, arrivals, changes_of, outcome_line, route_line, whose, witnesses};
use crate::policy::hosts::same_host;
use crate::policy::words::{EPSILON, of_requests, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// One server has much of a region when it has at least this share of it.
const MUCH: f64 = 0.5;
/// A server is overloaded by concentration when it has this many times what any server had before.
const TWICE: f64 = 2.0;
/// The shares are uneven when one server has this many times its even part.
const UNEVEN: f64 = 1.5;

rule! {
    /// ## What it checks
    ///
    /// Whether the change concentrates requests: one server would get much more of them than any server got before, or most of them change
    /// hands by weight.
    ///
    /// ## Why it matters
    ///
    /// A server that carried a quarter of the load rarely survives all of it. Weights look harmless: `weight=17` says nothing until it is
    /// added up with its neighbours. And what is wrong with that one server (an address that does not exist, an old version) is then wrong
    /// for most users.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream web_pool {
    ///     server 10.20.1.11:8080 weight=1;    # these three: 5 each, with a fourth one
    ///     server 10.20.1.12:8080 weight=1;
    ///     server 10.20.1.13:8080 weight=1;
    ///     server 10.20.1.15:8080 weight=17;   # new
    /// }
    /// ```
    ///
    /// ```text
    /// 10.20.1.15:8080 alone would get 85 % of requests to shop.example.com outside /static/; no server had more than 25 % until now
    /// help: spread the weights of `web_pool`, or raise this one in steps
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Spread the weights, or raise the share in steps and watch.
    /// - When the server is really that much larger, say so in the pull request and let somebody who knows it agree.
    ///
    /// It is an **error** when, in a pool that keeps some of its servers, one server would get at least half of a region and at least twice
    /// what any single server of that region had. It is a **warning** when more than half of a region's requests change hands within such
    /// a pool and the result is uneven; when a route is pointed to other servers altogether and one of them gets that much; and when removing
    /// servers leaves one with more than twice what any had.
    ///
    /// ## When it stays silent
    ///
    /// - Servers are added or removed and the rest share evenly; two become one, as in any maintenance.
    /// - A pool is renamed, or another with as many servers takes its place.
    /// - Requests that were not forwarded before (new routes, hosts and pools), or are not any more.
    /// - The name of a pool is left without one: `config/dangling-reference` says so.
    /// - A new, more specific route takes some requests out of a route that stays.
    /// - Part of the member list could not be read: then shares are not known.
    ///
    /// ## Where it has hurt
    ///
    /// - Cloudflare, 17 July 2020: one change to weights of routes drew all backbone traffic to Atlanta.
    pub static TRAFFIC_SHIFT = { id: "traffic/traffic-shift", category: TrafficShift, severity: Error, check: check }
}

/// What happens to the shares of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shift {
    /// Most requests change hands, unevenly.
    Moved,
    /// Servers were removed and one carries more than twice what any had.
    Fewer,
    /// Other servers altogether, and one of them carries at least twice what any had.
    Elsewhere,
    /// One server of a pool that keeps some carries at least twice what any had.
    Concentrated,
}

/// The facts of one finding: the server that gets most, in one pool.
struct Receiver<'a> {
    gateway: &'a str,
    pool: &'a str,
    address: String,
    line: &'a Label,
    shift: Shift,
    /// Its share; the most that any server had.
    share: f64,
    peak: f64,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &str, String), Receiver<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let was = arrivals(cx.base.model, &pair.was);
        for now in arrivals(cx.head.model, &pair.now) {
            let Some(was) = was.iter().find(|was| was.when == now.when) else { continue };
            // Silent: shares are not known, or the pool is a name that no pool has any more (config/dangling-reference says so).
            if !was.complete() || !now.complete() || is_dangling(was, &now) {
                continue;
            }
            let Some(receiver) = receiver(cx, was, &now) else { continue };
            let entry = found.entry((receiver.gateway, receiver.pool, receiver.address.clone())).or_insert(receiver);
            entry.pairs.insert(at);
        }
    }
    out.extend(found.values().map(|receiver| receiver.finding(cx)));
}

/// Returns the server that gets much more than before, if there is one.
fn receiver<'a>(cx: &RuleContext<'a>, was: &Arrival<'a>, now: &Arrival<'a>) -> Option<Receiver<'a>> {
    let (before, after) = (shares(was), shares(now));
    let (address, share) = after.iter().fold(None, |best: Option<(&str, f64)>, (address, share)| match best {
        Some((_, most)) if most >= *share => best,
        _ => Some((*address, *share)),
    })?;
    let peak = before.values().copied().fold(0.0, f64::max);
    // Silent: nobody was there to have a share.
    if peak < EPSILON {
        return None;
    }
    let shift = shift(&before, &after, (address, share), peak)?;
    let kept = before.keys().any(|address| after.contains_key(address));
    let line = if kept || was.name == now.name {
        now.line(address)?
    } else {
        // Silent: another virtual host answers; other rules are about that.
        let hosts = was.trace.virtual_host_in(cx.base.model).zip(now.trace.virtual_host_in(cx.head.model));
        if hosts.is_none_or(|(was, now)| !same_host(was, now)) {
            return None;
        }
        // Silent: a new route takes requests out of one that stays; that is what routes are for.
        let (old, new) = (route_line(cx.base.model, was.trace)?, route_line(cx.head.model, now.trace)?);
        if old.text != new.text {
            return None;
        }
        outcome_line(now.trace)?
    };
    let (gateway, pool) = now.key();
    Some(Receiver { gateway, pool, address: address.to_owned(), line, shift, share, peak, pairs: BTreeSet::new() })
}

/// Returns whether `now` is a bare name that was a pool.
fn is_dangling(was: &Arrival<'_>, now: &Arrival<'_>) -> bool {
    was.pool.is_some_and(|pool| pool.declared) && now.pool.is_some_and(|pool| !pool.declared) && was.name == now.name
}

/// Returns what happens between two sets of shares; `None` is nothing to speak of.
fn shift(before: &BTreeMap<&str, f64>, after: &BTreeMap<&str, f64>, (address, share): (&str, f64), peak: f64) -> Option<Shift> {
    let moved: f64 = after.iter().map(|(address, share)| (share - before.get(address).unwrap_or(&0.0)).max(0.0)).sum();
    let even = share <= UNEVEN / crowd(after) + EPSILON;
    let times = share / peak;
    // Silent: the receiver had more than it gets.
    if share <= before.get(address).unwrap_or(&0.0) + EPSILON {
        return None;
    }
    let concentrated = share >= MUCH - EPSILON && times >= TWICE - EPSILON;
    if !before.keys().any(|address| after.contains_key(address)) {
        // Two in place of four share evenly, as in any maintenance.
        return (concentrated && (!even || after.len() == 1 || times > TWICE + EPSILON)).then_some(Shift::Elsewhere);
    }
    // An even spread over fewer servers is lost capacity. One server alone is even, too: there the question is whether it carried its part before.
    if only_fewer(before, after) || (even && after.len() > 1) {
        return (concentrated && times > TWICE + EPSILON).then_some(Shift::Fewer);
    }
    if concentrated {
        return Some(Shift::Concentrated);
    }
    (moved > MUCH + EPSILON && !even).then_some(Shift::Moved)
}

/// Returns whether `after` is `before` with members taken out: those left keep their proportions and had a fair part before.
fn only_fewer(before: &BTreeMap<&str, f64>, after: &BTreeMap<&str, f64>) -> bool {
    let fair = 0.5 / crowd(before);
    let grown: Vec<Option<f64>> =
        after.iter().map(|(address, share)| before.get(address).filter(|was| **was >= fair).map(|was| share / was)).collect();
    let first = grown.first().copied().flatten();
    after.len() < before.len() && first.is_some_and(|first| grown.iter().all(|grown| grown.is_some_and(|grown| (grown / first - 1.0).abs() < 0.01)))
}

/// Returns how many servers share the requests.
fn crowd(shares: &BTreeMap<&str, f64>) -> f64 {
    f64::from(u32::try_from(shares.len().max(1)).unwrap_or(u32::MAX))
}

/// Returns the servers that get requests, with their shares.
fn shares<'a>(arrival: &Arrival<'a>) -> BTreeMap<&'a str, f64> {
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for server in arrival.servers.iter().filter(|server| server.share > EPSILON) {
        *shares.entry(&server.address).or_default() += server.share;
    }
    shares
}

impl Receiver<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (address, pool) = (&self.address, self.pool);
        let whose = whose(&changes_of(cx.comparison, &self.pairs), pool);
        let requests = of_requests(self.share);
        let peak = percent(self.peak);
        let (message, help) = match self.shift {
            Shift::Moved => (
                format!("{address} would get {requests} {whose}; most of them change servers"),
                format!("spread the weights of `{pool}`, or move the requests in steps"),
            ),
            Shift::Fewer => (
                format!("{address} alone would get {requests} {whose}; no server had more than {peak} until now"),
                format!("keep more servers in `{pool}`, or make sure that {address} carries this load"),
            ),
            Shift::Elsewhere => (
                format!("{address} alone would get {requests} {whose}; until now they went to other servers, with at most {peak} to each"),
                format!("make sure that {address} carries this load"),
            ),
            Shift::Concentrated => (
                format!("{address} alone would get {requests} {whose}; no server had more than {peak} until now"),
                format!("spread the weights of `{pool}`, or raise this one in steps"),
            ),
        };
        Finding {
            rule: TRAFFIC_SHIFT.id,
            severity: if self.shift == Shift::Concentrated { Severity::Error } else { Severity::Warning },
            message,
            help,
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{pool}|{address}", TRAFFIC_SHIFT.id, self.gateway),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::scene::say;

    fn shift_of(before: &[(&'static str, f64)], after: &[(&'static str, f64)]) -> Option<Shift> {
        let (before, after): (BTreeMap<&str, f64>, BTreeMap<&str, f64>) = (before.iter().copied().collect(), after.iter().copied().collect());
        let peak = before.values().copied().fold(0.0, f64::max);
        let most = after.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        shift(&before, &after, (most.0, *most.1), peak)
    }

    #[test]
    fn one_server_with_most_of_the_weight_is_concentration() {
        let four = [("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)];
        assert_eq!(shift_of(&four, &[("a", 0.05), ("b", 0.05), ("c", 0.05), ("e", 0.85)]), Some(Shift::Concentrated));
        assert_eq!(shift_of(&four, &[("a", 0.85), ("b", 0.05), ("c", 0.05), ("d", 0.05)]), Some(Shift::Concentrated));
        // A canary that had 5 % gets all: it never carried its part.
        assert_eq!(shift_of(&[("a", 0.475), ("b", 0.475), ("canary", 0.05)], &[("canary", 1.0)]), Some(Shift::Concentrated));
    }

    #[test]
    fn most_requests_on_another_server_are_a_move() {
        assert_eq!(shift_of(&[("a", 1.0)], &[("a", 0.15), ("b", 0.85)]), Some(Shift::Moved));
    }

    #[test]
    fn capacity_that_comes_and_goes_evenly_is_no_shift() {
        let four = [("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)];
        let third = 1.0 / 3.0;
        assert_eq!(shift_of(&[("a", 1.0)], &[("a", third), ("b", third), ("c", third)]), None);
        assert_eq!(shift_of(&four, &[("a", third), ("b", third), ("c", third)]), None);
        assert_eq!(shift_of(&four, &[("a", 0.5), ("b", 0.5)]), None);
        assert_eq!(shift_of(&[("a", 0.5), ("b", 0.5)], &[("a", 1.0)]), None);
        assert_eq!(shift_of(&four, &[("a", 0.5), ("e", 0.5)]), None);
        assert_eq!(shift_of(&four, &[("a", 1.0)]), Some(Shift::Fewer));
    }

    #[test]
    fn as_many_servers_in_place_of_others_are_no_shift() {
        assert_eq!(shift_of(&[("a", 0.5), ("b", 0.5)], &[("c", 0.5), ("d", 0.5)]), None);
        assert_eq!(shift_of(&[("a", 1.0)], &[("b", 1.0)]), None);
        assert_eq!(shift_of(&[("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)], &[("e", 0.5), ("f", 0.5)]), None);
        assert_eq!(shift_of(&[("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)], &[("e", 0.7), ("f", 0.3)]), Some(Shift::Elsewhere));
        assert_eq!(shift_of(&[("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25)], &[("e", 1.0)]), Some(Shift::Elsewhere));
    }

    const URLS: [&str; 2] = ["http://a.example/", "http://a.example/blog/"];
    const HOST: &str = "pool blog: 10.0.1.1:80\nhost a.example\n/ -> web\n";

    #[test]
    fn the_line_of_the_server_that_gets_most_is_named() {
        let base = format!("pool web: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, 10.0.0.4:80\n{HOST}");
        let head = format!("pool web: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, 10.0.0.5:80 weight=17\n{HOST}");
        insta::assert_debug_snapshot!(say(&base, &head, &URLS), @r#"
        [
            "error traffic/traffic-shift: 10.0.0.5:80 alone would get 85 % of requests to a.example; no server had more than 25 % until now @ web: server 10.0.0.5:80 weight=17",
        ]
        "#);
    }

    #[test]
    fn a_route_pointed_to_one_server_is_a_warning_and_one_split_out_is_none() {
        let base = format!("pool web: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, 10.0.0.4:80\n{HOST}");
        insta::assert_debug_snapshot!(say(&base, &base.replace("/ -> web", "/ -> blog"), &URLS[..1]), @r#"
        [
            "warning resilience/single-point-of-failure: only 10.0.1.1:80 is left to answer requests to a.example; until now 4 servers could @ blog: server 10.0.1.1:80",
            "warning traffic/traffic-shift: 10.0.1.1:80 alone would get all requests to a.example; until now they went to other servers, with at most 25 % to each @ to blog",
        ]
        "#);
        assert!(say(&base, &format!("{base}/blog/ -> blog"), &URLS).is_empty());
    }
}
