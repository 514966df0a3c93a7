//! From changed pairs to regions: who is affected, in the configuration's own words.

use super::effect::effects;
use super::hosts::ANY_OTHER;
use super::seeds::Extra;
use super::words::{Others, host_words, path_of, routes_clause};
use super::{Change, Pair};
use crate::analysis::equality::moved_share;
use crate::analysis::trace::{Choice, Trace};
use crate::model::{Cidr, Condition, Model, Request, TableId, TableKind};
use std::collections::{BTreeMap, BTreeSet};

/// The most routes or hosts a region names one by one.
pub(super) const MOST_NAMED: usize = 3;

/// How often a request may be looked at to tell the changes apart in words; the most harmful come first.
const MOST_LOOKS: usize = 300_000;

/// A pair with where it came from.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) pair: Pair,
    /// The group of hosts.
    pub(super) group: usize,
    pub(super) extras: Vec<Extra>,
    /// How far it is from what a person would type.
    pub(super) oddity: (usize, usize, u8, usize),
}

/// A group of hosts as sentences name it.
#[derive(Clone, Debug)]
pub(super) struct GroupWords {
    pub(super) hosts: Vec<String>,
    /// Which of `hosts` the hosts that are tried are, by their text; empty where one of them speaks for all.
    pub(super) tried: BTreeMap<String, usize>,
    /// The networks that clients are asked about.
    pub(super) networks: Vec<Cidr>,
    /// Whether the host chooses a virtual host at this door.
    pub(super) by_name: bool,
    /// The port or scheme, where the gateway has several doors.
    pub(super) door: String,
    /// The gateway, and whether the hosts came to be named or ceased to be: what happens to them then has a reason of its own.
    pub(super) cause: Cause,
}

/// A gateway, and how its hosts came to be named or ceased to be.
pub(super) type Cause = (String, Option<(bool, bool)>);

/// Returns the changes among `tried`, which are in witness order, most harmful first. Indexes in them are those of `tried`.
pub(super) fn regions(was: &Model, now: &Model, tried: &[Tried], groups: &[GroupWords]) -> Vec<Change> {
    let mut by_effect: BTreeMap<(&Cause, String, String), Vec<usize>> = BTreeMap::new();
    for (at, one) in tried.iter().enumerate() {
        let Pair { was, now } = &one.pair;
        if !was.destination.same(&now.destination) {
            let Some(group) = groups.get(one.group) else { continue };
            let (before, after) = effects(&one.pair);
            let key = (&group.cause, before, after);
            by_effect.entry(key).or_default().push(at);
        }
    }
    // What the first reading of a template shows is not shown again for the others.
    for (key, pairs) in &mut by_effect {
        let in_first = |at: &usize| tried.get(*at).is_some_and(|one| one.pair.now.gateway.as_deref() == Some(key.0.0.as_str()));
        if pairs.iter().any(in_first) {
            pairs.retain(in_first);
        }
    }
    let mut members: BTreeMap<Part, Vec<usize>> = BTreeMap::new();
    for (at, one) in tried.iter().enumerate() {
        if let Some(group) = groups.get(one.group) {
            members.entry((one.group, group.host(one))).or_default().push(at);
        }
    }
    let named = groups.iter().map(|group| group.hosts.iter().map(String::as_str).collect()).collect();
    let words = Words { was, now, tried, groups, named, members };
    let mut found: Vec<(bool, Vec<usize>)> = by_effect.into_values().map(|pairs| (words.behaviour_only(&pairs), pairs)).collect();
    let harm = |pairs: &[usize]| {
        let pair = pairs.first().and_then(|at| tried.get(*at)).map(|one| &one.pair);
        pair.map_or((0.0, 0.0, 0.0), |pair| {
            let (before, after) = (pair.was.destination.broken_share(), pair.now.destination.broken_share());
            ((after - before).max(0.0), after, moved_share(&pair.was.destination, &pair.now.destination))
        })
    };
    found.sort_by(|a, b| {
        let (ours, theirs) = (harm(&a.1), harm(&b.1));
        let by_harm = theirs.0.total_cmp(&ours.0).then(theirs.1.total_cmp(&ours.1)).then(theirs.2.total_cmp(&ours.2));
        a.0.cmp(&b.0).then(by_harm).then_with(|| a.1.cmp(&b.1))
    });
    let change = |(at, (behaviour_only, pairs))| {
        let wording = if at == 0 || at * tried.len() < MOST_LOOKS { Wording::Described } else { Wording::ByExample };
        Change { behaviour_only, ..words.change(pairs, wording) }
    };
    let mut changes: Vec<Change> = found.into_iter().enumerate().map(change).collect();
    // What two regions have in common tells neither from the other.
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for change in &changes {
        *times.entry(change.region.clone()).or_default() += 1;
    }
    for change in changes.iter_mut().filter(|change| times.get(&change.region).is_some_and(|times| *times > 1)) {
        *change = Change { behaviour_only: change.behaviour_only, ..words.change(std::mem::take(&mut change.pairs), Wording::ByExample) };
    }
    changes
}

/// How a region is put into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wording {
    /// By what tells it from all other requests; costs the more, the more there are.
    Described,
    /// By one of its requests.
    ByExample,
}

struct Words<'a> {
    was: &'a Model,
    now: &'a Model,
    tried: &'a [Tried],
    groups: &'a [GroupWords],
    /// The hosts of each group.
    named: Vec<BTreeSet<&'a str>>,
    /// The requests tried of each part.
    members: BTreeMap<Part, Vec<usize>>,
}

/// A group of hosts, and the one of them (index into [`GroupWords::hosts`]) where each is described by itself.
type Part = (usize, Option<usize>);

/// What the region has of some hosts of a group.
struct Clause {
    /// Which of their requests; empty for all.
    text: String,
    /// Indexes into [`GroupWords::hosts`].
    hosts: BTreeSet<usize>,
    group: usize,
}

impl GroupWords {
    /// Returns the host of `one` among ours, where hosts are told apart.
    fn host(&self, one: &Tried) -> Option<usize> {
        if self.tried.len() < 2 {
            return None;
        }
        self.tried.get(&one.pair.now.request.host).copied().or_else(|| self.other())
    }

    fn other(&self) -> Option<usize> {
        self.hosts.iter().rposition(|host| host == ANY_OTHER)
    }

    /// Adds to `extras` the network that the client of `request` is in: the narrowest that is asked about.
    pub(super) fn add_client(&self, request: &Request, extras: &mut Vec<Extra>) {
        let Some(client) = request.from.filter(|_| !extras.iter().any(|extra| matches!(extra, Extra::From(_)))) else { return };
        let around = self.networks.iter().filter(|network| network.contains(client)).max_by_key(|network| network.bits());
        extras.extend(around.map(|network| Extra::From(*network)));
    }

    /// Returns what "any other host" means beside the hosts at `chosen`.
    fn others(&self, chosen: &BTreeSet<usize>) -> Others {
        let told = self.tried.len() > 1 && self.other().is_some_and(|other| chosen.contains(&other));
        let but = self.hosts.iter().enumerate().filter(|(at, _)| told && !chosen.contains(at)).map(|(_, host)| host.clone()).collect();
        Others { by_name: self.by_name, but }
    }
}

/// The route that decided, as [`Choice::Route`] has it.
type Decider = Option<(TableId, usize)>;

impl Words<'_> {
    fn behaviour_only(&self, pairs: &[usize]) -> bool {
        pairs.iter().filter_map(|at| self.tried.get(*at)).all(|one| one.pair.was.destination.same_effect(&one.pair.now.destination))
    }

    /// Returns the change that `pairs` are.
    fn change(&self, pairs: Vec<usize>, wording: Wording) -> Change {
        let inside: BTreeSet<usize> = pairs.iter().copied().collect();
        let mut parts: BTreeMap<Part, Vec<&Tried>> = BTreeMap::new();
        for one in pairs.iter().filter_map(|at| self.tried.get(*at)) {
            let Some(words) = self.groups.get(one.group) else { continue };
            parts.entry((one.group, words.host(one))).or_default().push(one);
        }
        // Parts whose requests are described alike share a clause.
        let mut clauses: Vec<Clause> = Vec::new();
        for (part, members) in parts {
            let Some(group) = self.groups.get(part.0) else { continue };
            let text = match wording {
                Wording::Described => self.which(part, &members, &inside),
                Wording::ByExample => such_as(&members),
            };
            let hosts = part.1.map_or_else(|| (0..group.hosts.len()).collect(), |at| BTreeSet::from([at]));
            match clauses.iter_mut().find(|known| known.text == text && known.group == part.0) {
                Some(known) => known.hosts.extend(hosts),
                None => clauses.push(Clause { text, hosts, group: part.0 }),
            }
        }
        for clause in &mut clauses {
            let Some(group) = self.groups.get(clause.group) else { continue };
            // What holds for each that was tried holds for those that go the same way.
            if group.tried.values().all(|host| clause.hosts.contains(host)) {
                clause.hosts = (0..group.hosts.len()).collect();
            }
        }
        let (region, hosts) = self.sentence(&clauses);
        Change { region, hosts, pairs, exact: false, behaviour_only: false }
    }

    /// Puts the clauses together: hosts with the same clause in one breath. Returns the hosts of all of them too.
    fn sentence(&self, clauses: &[Clause]) -> (String, Vec<String>) {
        let mut merged: Vec<(String, Vec<String>, Others)> = Vec::new();
        let mut done: BTreeSet<(&str, Vec<&str>)> = BTreeSet::new();
        let named = |clause: &Clause| -> Vec<&str> {
            let group = self.groups.get(clause.group);
            clause.hosts.iter().filter_map(|at| group?.hosts.get(*at)).map(String::as_str).collect()
        };
        for clause in clauses {
            let hosts = named(clause);
            if !done.insert((&clause.text, hosts.clone())) {
                continue;
            }
            let alike = clauses.iter().filter(|other| other.text == clause.text && named(other) == hosts);
            let doors: BTreeSet<&str> = alike.filter_map(|one| self.groups.get(one.group)).map(|group| group.door.as_str()).collect();
            let holds = |at: &usize| self.named.get(*at).is_some_and(|known| hosts.iter().all(|host| known.contains(host)));
            let all_doors: BTreeSet<&str> =
                (0..self.groups.len()).filter(holds).filter_map(|at| self.groups.get(at)).map(|group| group.door.as_str()).collect();
            let door = if doors.len() < all_doors.len() { doors.into_iter().collect::<Vec<_>>().join(" and ") } else { String::new() };
            let text = [door.as_str(), &clause.text].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            let others = self.groups.get(clause.group).map_or_else(Others::default, |group| group.others(&clause.hosts));
            let hosts = hosts.into_iter().map(str::to_owned);
            match merged.iter_mut().find(|(known, ..)| *known == text) {
                Some((_, known, known_others)) => {
                    known.extend(hosts);
                    known_others.join(others);
                }
                None => merged.push((text, hosts.collect(), others)),
            }
        }
        let mut named: Vec<String> = Vec::new();
        let mut sentences: Vec<String> = Vec::new();
        for (text, hosts, others) in merged {
            let (words, hosts) = host_words(&hosts, &others);
            named.extend(hosts);
            sentences.push(if text.is_empty() { words } else { format!("{words}, {text}") });
        }
        let mut known: BTreeSet<String> = BTreeSet::new();
        named.retain(|host| known.insert(host.clone()));
        (sentences.join("; "), named)
    }

    /// Returns which requests of a part `members` are, the others being those of the part that are not `inside`.
    fn which(&self, part: Part, members: &[&Tried], inside: &BTreeSet<usize>) -> String {
        let all = self.members.get(&part).into_iter().flatten();
        let outside: Vec<&Tried> = all.filter(|at| !inside.contains(at)).filter_map(|at| self.tried.get(*at)).collect();
        let extras = common_extras(members, &outside);
        // Every path, but not with what sets the others apart.
        let plain = |one: &&Tried| one.extras.is_empty();
        if extras.is_empty() && !outside.is_empty() && members.iter().any(plain) && !outside.iter().any(plain) {
            let except: BTreeSet<&[Extra]> = outside.iter().map(|one| one.extras.as_slice()).collect();
            if except.len() <= MOST_NAMED {
                return format!("except {}", any_of(&except).join(", "));
            }
        }
        // Only what differs in the path is left to say, once the extras are said: for that, look at the others that have what one of these has.
        let said: Vec<String> = if extras.is_empty() {
            one_of_extras(members, &outside).into_iter().collect()
        } else {
            extras.iter().map(|extra| narrowed(extra, &outside)).collect()
        };
        let kinds: BTreeSet<&[Extra]> = members.iter().map(|one| one.extras.as_slice()).collect();
        let outside = if said.is_empty() { outside } else { outside.into_iter().filter(|one| kinds.contains(one.extras.as_slice())).collect() };
        let path = self.path_clause(members, &outside);
        std::iter::once(path).chain(said).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn path_clause(&self, members: &[&Tried], outside: &[&Tried]) -> String {
        if outside.is_empty() {
            return String::new();
        }
        let cell = |one: &&Tried| (decider(self.was, &one.pair.was), decider(self.now, &one.pair.now));
        let ours: BTreeSet<(Decider, Decider)> = members.iter().map(cell).collect();
        let theirs: BTreeSet<(Decider, Decider)> = outside.iter().map(cell).collect();
        let after = |cells: &BTreeSet<(Decider, Decider)>| cells.iter().map(|cell| cell.1).collect::<BTreeSet<Decider>>();
        let before = |cells: &BTreeSet<(Decider, Decider)>| cells.iter().map(|cell| cell.0).collect::<BTreeSet<Decider>>();
        let Some(one) = members.first() else { return String::new() };
        let now_clause = |ours: &BTreeSet<Decider>, theirs: &BTreeSet<Decider>| {
            routes_clause(&conditions(self.now, &one.pair.now, ours), &conditions(self.now, &one.pair.now, theirs))
        };
        let was_clause = |ours: &BTreeSet<Decider>, theirs: &BTreeSet<Decider>| {
            routes_clause(&conditions(self.was, &one.pair.was, ours), &conditions(self.was, &one.pair.was, theirs))
        };
        if after(&ours).is_disjoint(&after(&theirs)) {
            return now_clause(&after(&ours), &after(&theirs));
        }
        if before(&ours).is_disjoint(&before(&theirs)) {
            return was_clause(&before(&ours), &before(&theirs));
        }
        if ours.is_disjoint(&theirs) {
            // What is decided here now, as far as it was decided there before.
            let here = after(&ours);
            let rivals: BTreeSet<(Decider, Decider)> = theirs.into_iter().filter(|cell| here.contains(&cell.1)).collect();
            let parts = [now_clause(&here, &BTreeSet::new()), was_clause(&before(&ours), &before(&rivals))];
            let parts: Vec<&str> = parts.iter().map(|part| part.strip_prefix("path ").unwrap_or(part)).filter(|part| !part.is_empty()).collect();
            return path_of(&parts.join(" and "));
        }
        such_as(members)
    }
}

/// Returns requests in words, by one of them.
fn such_as(members: &[&Tried]) -> String {
    let shortest = members.first().map(|one| one.pair.now.request.target.clone()).unwrap_or_default();
    let only = members.iter().all(|one| one.pair.now.request.target == shortest);
    if only { format!("path {shortest}") } else { format!("paths such as {shortest}") }
}

/// Returns the conditions of the routes that decided, in the gateway `trace` went through.
fn conditions<'m>(model: &'m Model, trace: &Trace, deciders: &BTreeSet<Decider>) -> Vec<Option<&'m Condition>> {
    let gateway = trace.gateway_in(model);
    let condition = |decider: &Decider| {
        let (table, route) = (*decider)?;
        Some(&gateway?.tables.get(table.0)?.routes.get(route)?.when)
    };
    deciders.iter().map(condition).collect()
}

/// Returns the last route by path that a trace took.
fn decider(model: &Model, trace: &Trace) -> Decider {
    let gateway = trace.gateway_in(model)?;
    trace.steps.iter().rev().find_map(|step| match step.choice {
        Choice::Route(table, route) => gateway.tables.get(table.0).filter(|table| table.kind == TableKind::Routes).map(|_| (table, route)),
        Choice::Listener | Choice::Otherwise(_) | Choice::Action | Choice::Outcome | Choice::Pool => None,
    })
}

/// Returns what all of `members` have that not all the others have too.
fn common_extras(members: &[&Tried], outside: &[&Tried]) -> Vec<Extra> {
    let mut common: Vec<Extra> = members.first().map(|one| one.extras.clone()).unwrap_or_default();
    common.retain(|extra| members.iter().all(|one| one.extras.contains(extra)));
    if outside.is_empty() || outside.iter().all(|one| common.iter().all(|extra| one.extras.contains(extra))) {
        return Vec::new();
    }
    common
}

/// Returns each of `sets` in words; clients are named together: `client in 10.0.0.0/8 or 192.168.0.0/16`.
fn any_of(sets: &BTreeSet<&[Extra]>) -> Vec<String> {
    let mut networks = Vec::new();
    let mut words = Vec::new();
    for set in sets {
        match set {
            [Extra::From(network)] => networks.push(network.to_string()),
            _ => words.push(set.iter().map(Extra::words).collect::<Vec<_>>().join(" and ")),
        }
    }
    if !networks.is_empty() {
        words.push(format!("client in {}", networks.join(" or ")));
    }
    words
}

/// Returns `extra` in words; of a network, without the smaller ones in it that are others'.
fn narrowed(extra: &Extra, outside: &[&Tried]) -> String {
    let Extra::From(network) = extra else { return extra.words() };
    let smaller = |other: &&Cidr| other.bits() > network.bits() && network.contains(other.address());
    let others = outside.iter().flat_map(|one| &one.extras).filter_map(|extra| if let Extra::From(other) = extra { Some(other) } else { None });
    let inner: BTreeSet<String> = others.filter(smaller).map(ToString::to_string).collect();
    if inner.is_empty() || inner.len() > MOST_NAMED {
        return extra.words();
    }
    format!("{} but not in {}", extra.words(), inner.into_iter().collect::<Vec<_>>().join(" or "))
}

/// Returns in words the few extras of which each of `members` has one and none of the others has any: `client in 10.0.0.0/8 or 192.168.0.0/16`.
fn one_of_extras(members: &[&Tried], outside: &[&Tried]) -> Option<String> {
    let elsewhere: BTreeSet<&Extra> = outside.iter().flat_map(|one| &one.extras).collect();
    let own: BTreeSet<&Extra> = members.iter().flat_map(|one| &one.extras).filter(|extra| !elsewhere.contains(extra)).collect();
    let covers = members.iter().all(|one| one.extras.iter().any(|extra| own.contains(extra)));
    if outside.is_empty() || own.is_empty() || own.len() > MOST_NAMED || !covers {
        return None;
    }
    let own: BTreeSet<&[Extra]> = own.into_iter().map(std::slice::from_ref).collect();
    Some(any_of(&own).join(" or "))
}
