//! Requests that a change treats otherwise, seen from the two pools they end in: before and after.

use super::RuleContext;
use super::arrival::{Arrival, arrivals, outcome_line};
use super::idle::serves;
use crate::analysis::Trace;
use crate::model::{
    Existence, Forward, Gateway, Inventory, LoadFact, LoadSubject, Member, MemberState, Model, Next, Outcome, Pool, PoolId, Quantity, Step, Target,
};
use std::collections::{BTreeMap, BTreeSet};

/// Requests that go from one pool to one pool (the same one, mostly) and that the change touches.
#[derive(Debug)]
pub(super) struct Passage<'a> {
    /// The gateway's id.
    pub(super) gateway: &'a str,
    /// Where they went.
    pub(super) was: Stop<'a>,
    /// Where they go.
    pub(super) now: Stop<'a>,
    /// The requests, as indexes of pairs.
    pub(super) pairs: BTreeSet<usize>,
}

/// A pool, and how requests are handed to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop<'a> {
    /// What else is known on that side.
    pub(super) inventory: &'a Inventory,
    /// The pool.
    pub(super) pool: &'a Pool,
    /// How they are handed over; `None` where several ways lead here and differ.
    pub(super) forward: Option<&'a Forward>,
}

/// Returns the passages of all changed requests, by gateway and the names of the pools.
pub(super) fn passages<'c, 'a>(cx: &'c RuleContext<'a>) -> &'c [Passage<'a>] {
    cx.shared.passages.get_or_init(|| find(cx))
}

fn find<'a>(cx: &RuleContext<'a>) -> Vec<Passage<'a>> {
    let mut found: BTreeMap<(&str, &str, &str, [usize; 2]), Passage<'a>> = BTreeMap::new();
    if cx.comparison.changes.is_empty() {
        return Vec::new();
    }
    let (before, after) = (forwards(cx.base.model), forwards(cx.head.model));
    for at in cx.comparison.changes.iter().flat_map(|change| change.pairs.iter().copied()) {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let was = arrivals(cx.base.model, &pair.was);
        for now in arrivals(cx.head.model, &pair.now) {
            let Some(was) = was.iter().find(|was| was.when == now.when) else { continue };
            let (Some((old, from)), Some((new, to))) = (stop(cx.base.model, was, &before), stop(cx.head.model, &now, &after)) else { continue };
            let gateway = now.key().0;
            let entry = found.entry((gateway, was.name, now.name, [from, to]));
            entry.or_insert_with(|| Passage { gateway, was: old, now: new, pairs: BTreeSet::new() }).pairs.insert(at);
        }
    }
    found.into_values().collect()
}

/// The forwards that lead to a pool, by gateway and pool.
type Forwards<'a> = BTreeMap<(&'a str, PoolId), Vec<&'a Forward>>;

fn forwards(model: &Model) -> Forwards<'_> {
    let mut found: Forwards<'_> = BTreeMap::new();
    for gateway in &model.gateways {
        let steps = gateway.tables.iter().flat_map(|table| table.routes.iter().map(|route| &route.step).chain([&table.otherwise]));
        for step in steps {
            forwards_of(step, gateway, &mut found);
        }
    }
    found
}

fn forwards_of<'a>(step: &'a Step, gateway: &'a Gateway, found: &mut Forwards<'a>) {
    match &step.next {
        Next::Try { otherwise, .. } => forwards_of(otherwise, gateway, found),
        Next::Split(ways) => ways.iter().for_each(|(_, step)| forwards_of(step, gateway, found)),
        Next::End(outcome) => {
            if let Outcome::Forward(forward) = &**outcome
                && let Target::Pool(id) = forward.target
            {
                found.entry((&gateway.id, id)).or_default().push(forward);
            }
        }
        Next::Table(_) | Next::Restart(_) | Next::Fallback => {}
    }
}

/// Returns the pool of `arrival` with the way there, and a number that tells the ways to one pool apart.
fn stop<'a>(model: &'a Model, arrival: &Arrival<'a>, forwards: &Forwards<'a>) -> Option<(Stop<'a>, usize)> {
    let (gateway, pool) = (arrival.gateway?, arrival.pool?);
    let id = PoolId(gateway.pools.iter().position(|one| std::ptr::eq(one, pool))?);
    let ways = forwards.get(&(&*gateway.id, id)).map_or(&[][..], Vec::as_slice);
    let by_line = |trace: &Trace| {
        let line = outcome_line(trace)?;
        ways.iter().position(|forward| forward.label == *line)
    };
    let alike = |ways: &[&Forward]| {
        ways.split_first().is_some_and(|(first, rest)| rest.iter().all(|one| one.timeouts == first.timeouts && one.retry == first.retry))
    };
    let way = if arrival.when.is_none() { by_line(arrival.trace) } else { None }.or_else(|| alike(ways).then_some(0));
    let forward = way.and_then(|way| ways.get(way).copied());
    Some((Stop { inventory: &model.inventory, pool, forward }, way.unwrap_or(usize::MAX)))
}

impl<'a> Stop<'a> {
    /// Returns the members that get requests in ordinary times and can answer them: active ones, or the backups where there is no active one.
    pub(super) fn usable(&self) -> Vec<&'a Member> {
        let able = |state: MemberState| {
            self.pool.members.iter().filter(|member| member.state == state && serves(self.inventory, self.pool, member)).collect::<Vec<_>>()
        };
        let active = able(MemberState::Active);
        if active.is_empty() { able(MemberState::Backup) } else { active }
    }

    /// Returns the usable members by their addresses: one that is written twice is one server.
    pub(super) fn servers(&self) -> BTreeSet<String> {
        self.usable().iter().map(|member| member.address.to_string()).collect()
    }

    /// Returns whether a backup can take over.
    pub(super) fn has_backup(&self) -> bool {
        let usable = self.usable();
        let backup = |member: &&Member| member.state == MemberState::Backup && serves(self.inventory, self.pool, member);
        self.pool.members.iter().filter(backup).any(|member| !usable.iter().any(|one| one.address == member.address))
    }

    /// Returns whether a request that cannot reach a member is given to another one.
    pub(super) fn retries(&self) -> bool {
        self.forward.is_some_and(|forward| forward.retry.on_connect_failure && forward.retry.attempts != Some(1))
    }

    /// Returns where the hosts of the usable members stand; `None` unless it is said of all of them.
    pub(super) fn zones(&self) -> Option<BTreeSet<&'a str>> {
        self.usable()
            .into_iter()
            .map(|member| match self.inventory.existence(&member.address.host) {
                Existence::Known(host) => host.service.zone.as_ref().map(|(zone, _)| &**zone),
                Existence::Missing(_) | Existence::Unknown => None,
            })
            .collect()
    }
}

/// Returns what `inventory` says of `quantity` for the pool `name` or for requests with these hosts and paths: of the pool itself first, then of the
/// longest path that covers every request, then of the one host. Of several sources the largest amount counts.
pub(super) fn load<'a>(inventory: &'a Inventory, quantity: Quantity, name: &str, requests: &[(&str, &str)]) -> Option<&'a LoadFact> {
    let of = |wanted: &dyn Fn(&LoadSubject) -> bool| {
        let facts = inventory.loads.iter().filter(|fact| fact.quantity == quantity && wanted(&fact.subject));
        facts.max_by(|a, b| a.amount.total_cmp(&b.amount))
    };
    let covers = |prefix: &str| {
        let below = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'));
        !requests.is_empty() && requests.iter().all(|(_, path)| below(path))
    };
    let longest = inventory.loads.iter().filter_map(|fact| match &fact.subject {
        LoadSubject::Path(path) if fact.quantity == quantity && &**path != "/" && covers(path) => Some(path),
        LoadSubject::Path(_) | LoadSubject::Everything | LoadSubject::Host(_) | LoadSubject::Pool(_) => None,
    });
    let longest = longest.max_by_key(|path| path.len());
    of(&|subject| matches!(subject, LoadSubject::Pool(pool) if **pool == *name))
        .or_else(|| longest.and_then(|path| of(&|subject| matches!(subject, LoadSubject::Path(one) if one == path))))
        .or_else(|| {
            of(&|subject| matches!(subject, LoadSubject::Host(host) if !requests.is_empty() && requests.iter().all(|(asked, _)| *asked == &**host)))
        })
}

impl Passage<'_> {
    /// Returns the hosts and paths of the requests.
    pub(super) fn asked<'c>(&self, cx: &RuleContext<'c>) -> Vec<(&'c str, &'c str)> {
        let requests = self.pairs.iter().filter_map(|at| cx.comparison.pairs.get(*at)).map(|pair| &pair.now.request);
        requests.map(|request| (&*request.host, request.target.split('?').next().unwrap_or_default())).collect()
    }
}
