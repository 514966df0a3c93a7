//! Pools that requests reach and that have nobody to serve them, since this change.

use super::arrival::{Arrival, arrivals, served};
use super::{RuleContext, words::EPSILON};
use crate::model::{Existence, Inventory, Member, MemberState, Pool};
use std::collections::{BTreeMap, BTreeSet};

/// A pool of head without a member that can serve, whose requests were served on base.
#[derive(Debug)]
pub(super) struct Idle<'a> {
    /// The gateway.
    pub(super) gateway: &'a str,
    /// The pool.
    pub(super) pool: &'a Pool,
    /// What the pool was on base: the one of that name, else the one these requests went to if they share a server.
    pub(super) was: Option<&'a Pool>,
    /// The requests, as indexes of pairs.
    pub(super) pairs: BTreeSet<usize>,
    /// The fraction of them that gets an error; less than 1 where something answers in the pool's place.
    pub(super) broken: f64,
    /// Why nobody serves.
    pub(super) cause: Cause,
    /// A line of the proxy's that sends requests here.
    pub(super) sent_by: Option<&'a crate::model::Label>,
}

/// Why a pool has nobody to serve, so that one cause is told by one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Every member that served on base was taken out of service or out of the pool: `traffic/drain-all`.
    Drained,
    /// No member exists: `traffic/missing-server` says it of each.
    Missing,
    /// Anything else: `traffic/no-healthy-server`.
    Other,
}

/// Returns the pools that this change leaves without anybody to serve, by gateway and name.
pub(super) fn idle_pools<'a>(cx: &RuleContext<'a>) -> Vec<Idle<'a>> {
    let mut found: BTreeMap<(&str, &str), Idle<'a>> = BTreeMap::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        // Silent: nobody was served there before.
        if !served(&pair.was.destination) {
            continue;
        }
        for now in arrivals(cx.head.model, &pair.now) {
            let Some(pool) = now.pool else { continue };
            // Silent: part of the members could not be read, or somebody serves.
            if !pool.complete || serving(&cx.head.model.inventory, pool) {
                continue;
            }
            let was = base_pool(cx, &now, at);
            // Silent: it was like this before, and what else these requests can reach (a file, another pool) has not changed.
            if was.is_some_and(|was| !serving(&cx.base.model.inventory, was)) && reached_before(cx, &now, at) {
                continue;
            }
            let (gateway, name) = now.key();
            let cause = cause(cx, pool, was);
            let sent_by = super::arrival::outcome_line(&pair.now);
            let idle =
                found.entry((gateway, name)).or_insert_with(|| Idle { gateway, pool, was, pairs: BTreeSet::new(), broken: 0.0, cause, sent_by });
            idle.pairs.insert(at);
            idle.broken = idle.broken.max(now.broken_share);
        }
    }
    found.into_values().collect()
}

/// Returns whether `member` gets requests and can answer them.
pub(super) fn serves(inventory: &Inventory, pool: &Pool, member: &Member) -> bool {
    in_service(member)
        && !matches!(inventory.existence(&member.address.host), Existence::Missing(_))
        && inventory.probe_refused(pool, member).is_none()
}

/// Returns whether a member of `pool` serves.
pub(super) fn serving(inventory: &Inventory, pool: &Pool) -> bool {
    pool.members.iter().any(|member| serves(inventory, pool, member))
}

/// Returns whether `member` is meant to get requests, now or when others fail.
fn in_service(member: &Member) -> bool {
    match member.state {
        MemberState::Active => member.weight > 0,
        MemberState::Backup => true,
        MemberState::Down | MemberState::Drained => false,
    }
}

fn base_pool<'a>(cx: &RuleContext<'a>, now: &Arrival<'a>, at: usize) -> Option<&'a Pool> {
    let pool = now.pool?;
    let base = cx.base.model.gateways.iter().find(|base| now.gateway.is_some_and(|gateway| gateway.id == base.id));
    let named = base.and_then(|base| base.pools.iter().find(|was| was.declared && was.name == pool.name));
    named.or_else(|| {
        let pair = cx.comparison.pairs.get(at)?;
        let was = arrivals(cx.base.model, &pair.was).into_iter().filter_map(|was| was.pool);
        was.into_iter().find(|was| was.members.iter().any(|member| pool.members.iter().any(|now| now.address == member.address)))
    })
}

fn reached_before(cx: &RuleContext<'_>, now: &Arrival<'_>, at: usize) -> bool {
    let Some(pair) = cx.comparison.pairs.get(at) else { return false };
    arrivals(cx.base.model, &pair.was).iter().any(|was| was.name == now.name || was.same_shares(now))
}

fn cause(cx: &RuleContext<'_>, pool: &Pool, was: Option<&Pool>) -> Cause {
    let missing = |member: &Member| matches!(cx.head.model.inventory.existence(&member.address.host), Existence::Missing(_));
    let took_part = was.is_some_and(|was| serving(&cx.base.model.inventory, was));
    if took_part && !pool.members.iter().any(in_service) {
        Cause::Drained
    } else if !pool.members.is_empty() && pool.members.iter().all(missing) {
        Cause::Missing
    } else {
        Cause::Other
    }
}

impl Idle<'_> {
    /// Returns whether its requests end in errors, rather than in what answers in the pool's place.
    pub(super) fn hurts(&self) -> bool {
        self.broken > 1.0 - EPSILON
    }

    /// Returns whether `member` of the pool served on base.
    pub(super) fn served_before(&self, inventory: &Inventory, member: &Member) -> bool {
        let Some(was) = self.was else { return false };
        was.members.iter().find(|was| was.address == member.address).is_some_and(|before| serves(inventory, was, before))
    }
}
