//! `resilience/single-point-of-failure`.

use crate::model::{Existence, Label, Member, MemberState};
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::passage::{Passage, passages};
use crate::policy::words::count;
use crate::policy::{Finding, RuleContext, Severity, Tree};

rule! {
    /// ## What it checks
    ///
    /// Whether requests that several servers could answer depend on a single one since this change, or several places (zones, racks) on a
    /// single one.
    ///
    /// ## Why it matters
    ///
    /// All works until that server restarts, is patched, or dies; then nobody is served. What was one of two failures away is now one.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream web_pool {
    ///     server 10.20.1.11:8080;   # the second one is removed
    /// }
    /// ```
    ///
    /// ```text
    /// only 10.20.1.11:8080 is left to answer requests to shop.example.com; until now 2 servers could
    /// help: keep a second server in `web_pool`, be it a backup
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep a second server, be it a backup, and in another place if there is one.
    ///
    /// It is a **warning**; servers that are marked down, drained or given weight 0 are maintenance and only worth an `info`.
    ///
    /// ## When it stays silent
    ///
    /// - There was one server before, or a backup is left.
    /// - The others are there but no host has their addresses: `traffic/missing-server` says so.
    /// - The requests are split out to a route of their own whose pool is new.
    /// - Nobody says where the servers stand. Part of the member list could not be read, or a member is a name that may stand for several.
    ///
    /// ## Where it has hurt
    ///
    /// - Cloudflare, 17 July 2020: all backbone traffic came to one place.
    pub static SINGLE_POINT_OF_FAILURE = { id: "resilience/single-point-of-failure", category: SinglePointOfFailure, severity: Warning, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for passage in passages(cx) {
        // Silent: not all members are known.
        if !passage.was.pool.complete || !passage.now.pool.complete {
            continue;
        }
        out.extend(one_server(cx, passage).or_else(|| one_zone(cx, passage)));
    }
}

fn one_server(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (before, after) = (passage.was.servers(), passage.now.servers());
    let [left] = passage.now.usable().into_iter().take(2).collect::<Vec<&Member>>()[..] else { return None };
    // Silent: it was one before, one of several takes over, or a name that may stand for several addresses.
    let is_name = matches!(left.address.host, crate::model::Host::Name(_) | crate::model::Host::Hole(_));
    if before.len() + usize::from(passage.was.has_backup()) < 2 || after.len() != 1 || passage.now.has_backup() || is_name {
        return None;
    }
    // Silent: the others are there but do not exist; traffic/missing-server says so.
    let missing = |member: &Member| matches!(passage.now.inventory.existence(&member.address.host), Existence::Missing(_));
    if passage.now.pool.members.iter().any(missing) {
        return None;
    }
    // Silent: the whole pool is another one; where its requests come from keeps its servers.
    if before.is_disjoint(&after) && passage.was.pool.name != passage.now.pool.name && still_used(cx, passage) {
        return None;
    }
    let parked = |member: &&Member| matches!(member.state, MemberState::Down | MemberState::Drained) || member.weight == 0;
    let others = passage.now.pool.members.iter().filter(|member| member.address != left.address).collect::<Vec<_>>();
    let maintenance = !others.is_empty() && others.iter().any(parked);
    let name = &passage.now.pool.name;
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let message = format!(
        "only {} is left to answer requests {whose}; until now {} could",
        left.address,
        count(before.len() + usize::from(before.len() == 1), "server")
    );
    let severity = if maintenance { Severity::Info } else { Severity::Warning };
    let help = format!("keep a second server in `{name}`, be it a backup");
    Some(finding(cx, passage, (severity, &left.label), (message, help), &format!("while {} is down", left.address)))
}

/// Returns whether other requests still go where those of `passage` came from: then a part was split out.
fn still_used(cx: &RuleContext<'_>, passage: &Passage<'_>) -> bool {
    let name = &passage.was.pool.name;
    let stays = |(at, pair): (usize, &crate::analysis::Pair)| {
        !passage.pairs.contains(&at) && pair.now.pool_in(cx.head.model).is_some_and(|pool| pool.name == *name)
    };
    cx.comparison.pairs.iter().enumerate().any(stays)
}

fn one_zone(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (before, after) = (passage.was.zones()?, passage.now.zones()?);
    // Silent: it was one place before, or is more than one still.
    if before.len() < 2 || after.len() != 1 {
        return None;
    }
    let (zone, left) = (after.first()?, passage.now.usable());
    let name = &passage.now.pool.name;
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let message = format!(
        "all servers left to answer requests {whose} stand in {zone}; until now they stood in {}",
        crate::policy::words::list(&before.iter().copied().collect::<Vec<_>>())
    );
    let help = format!("keep a server of `{name}` in another place");
    Some(finding(cx, passage, (Severity::Warning, &left.first()?.label), (message, help), &format!("while {zone} is down")))
}

fn finding(
    cx: &RuleContext<'_>,
    passage: &Passage<'_>,
    (severity, line): (Severity, &Label),
    (message, help): (String, String),
    when: &str,
) -> Finding {
    Finding {
        rule: SINGLE_POINT_OF_FAILURE.id,
        severity,
        message,
        help,
        tree: Tree::Head,
        span: line.span.clone(),
        when: Some(when.to_owned()),
        identity: format!("{}|{}|{}", SINGLE_POINT_OF_FAILURE.id, passage.gateway, passage.now.pool.name),
        requests: witnesses(cx.comparison, &passage.pairs),
    }
}
