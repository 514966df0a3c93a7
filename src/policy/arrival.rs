//! Requests arriving at pools: the comparison seen from the pools' side.

use super::words::{self, EPSILON};
use crate::analysis::{Change, Choice, Comparison, Destination, ServerShare, Trace};
use crate::model::{Gateway, Host, Label, Member, Model, Pool, Request, TableKind};
use std::collections::BTreeSet;

/// The most requests a finding shows.
const WITNESSES: usize = 5;

/// One request arriving at one pool.
#[derive(Clone, Debug)]
pub(super) struct Arrival<'a> {
    /// Its way.
    pub(super) trace: &'a Trace,
    /// The gateway it came through.
    pub(super) gateway: Option<&'a Gateway>,
    /// The pool, where the configuration has it; `None` for an address computed at request time.
    pub(super) pool: Option<&'a Pool>,
    /// The pool's name, or the address.
    pub(super) name: &'a str,
    /// Who gets it.
    pub(super) servers: &'a [ServerShare],
    /// The fraction of such requests that gets an error.
    pub(super) broken_share: f64,
    /// A server that fails is not the end: the next one is tried.
    pub(super) retried: bool,
    /// What must hold for the request to arrive here, where something opaque decides.
    pub(super) when: Option<String>,
}

/// Returns where `trace` arrives: one pool, or each of those that something opaque chooses between, or none.
pub(super) fn arrivals<'a>(model: &'a Model, trace: &'a Trace) -> Vec<Arrival<'a>> {
    let gateway = trace.gateway_in(model);
    let mut found = Vec::new();
    let mut open: Vec<(&Destination, Option<String>)> = vec![(&trace.destination, None)];
    while let Some((destination, when)) = open.pop() {
        match destination {
            Destination::Forward { pool: name, servers, broken_share, .. } => {
                let by_id = trace.pool.filter(|_| when.is_none()).and_then(|id| gateway?.pools.get(id.0));
                let pool = by_id.or_else(|| gateway?.pools.iter().find(|pool| *pool.name == **name));
                found.push(Arrival { trace, gateway, pool, name, servers, broken_share: *broken_share, retried: destination.retried(), when });
            }
            Destination::Opaque { alternatives, .. } => {
                open.extend(alternatives.iter().rev().map(|alternative| (&*alternative.outcome, Some(alternative.when.clone()))));
            }
            Destination::Redirect { .. }
            | Destination::Respond { .. }
            | Destination::Files { .. }
            | Destination::Reject { .. }
            | Destination::Close
            | Destination::None => {}
        }
    }
    found
}

impl<'a> Arrival<'a> {
    /// Returns what makes two arrivals end at the same pool: gateway and name.
    pub(super) fn key(&self) -> (&'a str, &'a str) {
        (self.gateway.map_or("", |gateway| &gateway.id), self.name)
    }

    /// Returns the share of the server at `address`, which may stand in the pool more than once.
    pub(super) fn share(&self, address: &str) -> f64 {
        self.servers.iter().filter(|server| server.address == address).map(|server| server.share).sum()
    }

    /// Returns the line that puts `address` into the pool: of several the heaviest; without a pool the line that computes the address.
    pub(super) fn line(&self, address: &str) -> Option<&'a Label> {
        self.line_where(|member| member.address.to_string() == address)
    }

    /// Returns the line of `address`, whose host is `host`, as [`Arrival::line`] does; the host is looked at first, which is quick in long pools.
    pub(super) fn line_of(&self, address: &str, host: &Host) -> Option<&'a Label> {
        self.line_where(|member| member.address.host == *host && member.address.to_string() == address)
    }

    fn line_where(&self, wanted: impl Fn(&Member) -> bool) -> Option<&'a Label> {
        let members = self.pool.iter().flat_map(|pool| &pool.members).filter(|member| wanted(member));
        let heaviest = members
            .reduce(|best, member| if (member.state, -i64::from(member.weight)) < (best.state, -i64::from(best.weight)) { member } else { best });
        heaviest.map(|member| &member.label).or_else(|| outcome_line(self.trace))
    }

    /// Returns the pool's members with their shares.
    pub(super) fn members(&self) -> Vec<(&'a Member, f64)> {
        let Some(pool) = self.pool else { return Vec::new() };
        let same = pool.members.len() == self.servers.len();
        let share = |at: usize, member: &Member| {
            let address = member.address.to_string();
            match self.servers.get(at).filter(|server| same && server.address == address) {
                Some(server) => server.share,
                None => self.share(&address),
            }
        };
        pool.members.iter().enumerate().map(|(at, member)| (member, share(at, member))).collect()
    }

    /// Returns whether the shares are known: the whole member list could be read.
    pub(super) fn complete(&self) -> bool {
        self.pool.is_none_or(|pool| pool.complete)
    }

    /// Returns whether both go to the same servers with the same shares, whatever the pools are called.
    pub(super) fn same_shares(&self, other: &Arrival<'_>) -> bool {
        let addresses = |arrival: &Arrival<'_>| -> BTreeSet<String> { arrival.servers.iter().map(|server| server.address.clone()).collect() };
        let all = addresses(self);
        all == addresses(other) && all.iter().all(|address| (self.share(address) - other.share(address)).abs() < EPSILON)
    }
}

/// Returns the pools that take over from those `trace` arrives at, when these answer with certain statuses.
pub(super) fn fallbacks<'a>(model: &'a Model, trace: &Trace) -> Vec<(&'a Gateway, &'a Pool)> {
    let Some(gateway) = trace.gateway_in(model) else { return Vec::new() };
    let arrived: Vec<&str> = arrivals(model, trace).iter().map(|arrival| arrival.name).collect();
    let pools = trace.pools.iter().filter_map(|id| gateway.pools.get(id.0));
    pools.filter(|pool| !arrived.contains(&&*pool.name)).map(|pool| (gateway, pool)).collect()
}

/// Returns the line of the outcome of `trace`.
pub(super) fn outcome_line(trace: &Trace) -> Option<&Label> {
    trace.steps.iter().rev().find(|step| step.choice == Choice::Outcome).or_else(|| trace.steps.last()).map(|step| &step.label)
}

/// Returns the line of the route of a virtual host that took the request of `trace`, the innermost one.
pub(super) fn route_line<'a>(model: &Model, trace: &'a Trace) -> Option<&'a Label> {
    let gateway = trace.gateway_in(model)?;
    let is_route = |choice: Choice| match choice {
        Choice::Route(table, _) => gateway.tables.get(table.0).is_some_and(|table| table.kind == TableKind::Routes),
        Choice::Listener | Choice::Otherwise(_) | Choice::Action | Choice::Outcome | Choice::Pool => false,
    };
    trace.steps.iter().rev().find(|step| is_route(step.choice)).map(|step| &step.label)
}

/// Returns the changes that one of `pairs` belongs to, in their order.
pub(super) fn changes_of<'a>(comparison: &'a Comparison, pairs: &BTreeSet<usize>) -> Vec<&'a Change> {
    comparison.changes.iter().filter(|change| change.pairs.iter().any(|pair| pairs.contains(pair))).collect()
}

/// Returns the hosts of `changes` in their order, once each.
pub(super) fn hosts_of(changes: &[&Change]) -> Vec<String> {
    let mut known = BTreeSet::new();
    changes.iter().flat_map(|change| &change.hosts).filter(|host| known.insert(*host)).cloned().collect()
}

/// Returns the requests of `changes` as they read after the word "requests": `to shop.example.com outside /static/`.
/// `pool` is named where several regions share it, because then no one region tells all.
pub(super) fn whose(changes: &[&Change], pool: &str) -> String {
    match changes {
        [] => format!("to `{pool}`"),
        [change] => words::to_region(&change.hosts, &change.region),
        [first, rest @ ..] => {
            if rest.iter().all(|change| change.region == first.region) {
                return words::to_region(&first.hosts, &first.region);
            }
            if pool.is_empty() {
                return format!("to {}", words::list(&hosts_of(changes)));
            }
            format!("that reach `{pool}` ({})", words::list(&hosts_of(changes)))
        }
    }
}

/// Returns the requests at `pairs` that a finding shows: those of changes first, each once, a few.
pub(super) fn witnesses(comparison: &Comparison, pairs: &BTreeSet<usize>) -> Vec<Request> {
    let changed = comparison.changes.iter().flat_map(|change| &change.pairs).copied().filter(|pair| pairs.contains(pair));
    let mut found: Vec<Request> = Vec::new();
    for pair in changed.chain(pairs.iter().copied()) {
        let Some(pair) = comparison.pairs.get(pair) else { continue };
        if !found.contains(&pair.now.request) {
            found.push(pair.now.request.clone());
        }
        if found.len() == WITNESSES {
            break;
        }
    }
    found
}

/// Returns whether somebody got an answer there that was meant for them: not a refusal, and not an error every time.
/// What cannot be read counts as served: it is not for a rule to guess that nobody would miss it.
pub(super) fn served(destination: &Destination) -> bool {
    match destination {
        Destination::Forward { broken_share, .. } => *broken_share < 1.0 - EPSILON,
        Destination::Redirect { .. } | Destination::Respond { .. } | Destination::Files { .. } => true,
        Destination::Opaque { alternatives, .. } => alternatives.is_empty() || alternatives.iter().any(|alternative| served(&alternative.outcome)),
        Destination::Reject { .. } | Destination::Close | Destination::None => false,
    }
}

/// Returns where requests end, in a few words: `go to web_pool`, `are redirected to …`.
pub(crate) fn goes(destination: &Destination) -> String {
    match destination {
        Destination::Forward { pool, .. } => format!("go to `{pool}`"),
        Destination::Redirect { status, location } => format!("are redirected to {location} ({status})"),
        Destination::Respond { status } => format!("are answered with {status}"),
        Destination::Files { root } => format!("are served from files in {root}"),
        Destination::Reject { status } => format!("are refused with {status}"),
        Destination::Close => "have their connection closed".to_owned(),
        Destination::None => "are answered by nobody".to_owned(),
        Destination::Opaque { .. } => "go where the configuration does not tell".to_owned(),
    }
}
