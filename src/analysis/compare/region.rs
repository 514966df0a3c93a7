//! From changed pairs to regions: who is affected, in the configuration's own words.

use super::effect::effects;
use super::hosts::ANY_OTHER;
use super::seeds::Extra;
use super::{Change, Pair};
use crate::analysis::equality::moved_share;
use crate::analysis::route::test_words;
use crate::analysis::trace::{Choice, Trace};
use crate::model::{Condition, Field, Matcher, Model, TableId, TableKind, Test};
use std::collections::{BTreeMap, BTreeSet};

/// The most routes or hosts a region names one by one.
const MOST_NAMED: usize = 3;

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
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for (at, one) in tried.iter().enumerate() {
        if let Some(group) = members.get_mut(one.group) {
            group.push(at);
        }
    }
    let words = Words { was, now, tried, groups, members };
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
    found.into_iter().enumerate().map(change).collect()
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
    /// The requests tried of each group.
    members: Vec<Vec<usize>>,
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
        let mut by_group: BTreeMap<usize, Vec<&Tried>> = BTreeMap::new();
        for one in pairs.iter().filter_map(|at| self.tried.get(*at)) {
            by_group.entry(one.group).or_default().push(one);
        }
        let mut hosts: Vec<String> = Vec::new();
        let mut known_hosts: BTreeSet<String> = BTreeSet::new();
        // Groups whose requests are described alike share a clause.
        let mut clauses: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
        for (group, members) in by_group {
            let Some(words) = self.groups.get(group) else { continue };
            let clause = match wording {
                Wording::Described => self.which(group, &members, &inside),
                Wording::ByExample => such_as(&members),
            };
            // A route by host is no path: it says which of the group's hosts these are.
            let asked = self.host_asked(group, &members, &inside).filter(|host| words.hosts.contains(host));
            let (clause, named) = asked.map_or_else(|| (clause, words.hosts.clone()), |host| (String::new(), vec![host]));
            hosts.extend(named.iter().filter(|host| known_hosts.insert((*host).clone())).cloned());
            let entry = clauses.iter_mut().find(|(known, known_hosts, _)| *known == clause && *known_hosts == named);
            match entry {
                Some((_, _, doors)) => doors.push(words.door.clone()),
                None => clauses.push((clause, named, vec![words.door.clone()])),
            }
        }
        Change { region: self.sentence(clauses), hosts, pairs, exact: false, behaviour_only: false }
    }

    /// Puts the clauses together: hosts with the same clause in one breath.
    fn sentence(&self, clauses: Vec<(String, Vec<String>, Vec<String>)>) -> String {
        let mut merged: Vec<(String, Vec<String>)> = Vec::new();
        for (clause, hosts, doors) in clauses {
            let holds = |group: &&GroupWords| hosts.iter().all(|host| group.hosts.contains(host));
            let all_doors: BTreeSet<&String> = self.groups.iter().filter(holds).map(|group| &group.door).collect();
            let doors: BTreeSet<&String> = doors.iter().collect();
            let door =
                if doors.len() < all_doors.len() { doors.iter().map(|door| door.as_str()).collect::<Vec<_>>().join(" and ") } else { String::new() };
            let clause = [door, clause].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            match merged.iter_mut().find(|(known, _)| *known == clause) {
                Some((_, known)) => known.extend(hosts),
                None => merged.push((clause, hosts)),
            }
        }
        let sentence = |(clause, hosts): (String, Vec<String>)| {
            let hosts = host_clause(hosts);
            if clause.is_empty() { hosts } else { format!("{hosts}, {clause}") }
        };
        merged.into_iter().map(sentence).collect::<Vec<_>>().join("; ")
    }

    /// Returns which requests of a group of hosts `members` are, the others being those of the group that are not `inside`.
    fn which(&self, group: usize, members: &[&Tried], inside: &BTreeSet<usize>) -> String {
        let all = self.members.get(group).into_iter().flatten();
        let outside: Vec<&Tried> = all.filter(|at| !inside.contains(at)).filter_map(|at| self.tried.get(*at)).collect();
        let extras = common_extras(members, &outside);
        // Every path, but not with what sets the others apart.
        let plain = |one: &&Tried| one.extras.is_empty();
        if extras.is_empty() && !outside.is_empty() && members.iter().any(plain) && !outside.iter().any(plain) {
            let mut except: Vec<String> = outside.iter().map(|one| one.extras.iter().map(Extra::words).collect::<Vec<_>>().join(" and ")).collect();
            except.sort();
            except.dedup();
            if except.len() <= MOST_NAMED {
                return format!("except {}", except.join(", "));
            }
        }
        // Only what differs in the path is left to say, once the extras are said.
        let outside: Vec<&Tried> = if extras.is_empty() { outside } else { outside.into_iter().filter(|one| one.extras == extras).collect() };
        let path = self.path_clause(members, &outside);
        let parts = std::iter::once(path).chain(extras.iter().map(Extra::words)).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Returns the host that the route of `members` asks for, where that alone tells them from the others of their group.
    fn host_asked(&self, group: usize, members: &[&Tried], inside: &BTreeSet<usize>) -> Option<String> {
        let all = self.members.get(group).into_iter().flatten();
        let outside: Vec<&Tried> = all.filter(|at| !inside.contains(at)).filter_map(|at| self.tried.get(*at)).collect();
        let plain = |one: &&Tried| one.extras.is_empty();
        let now = |one: &&Tried| decider(self.now, &one.pair.now);
        let ours: BTreeSet<Decider> = members.iter().map(now).collect();
        let [one] = conditions(self.now, &members.first()?.pair.now, &ours)[..] else { return None };
        let Some(Condition::Test(test)) = one else { return None };
        let alone = !outside.is_empty() && members.iter().all(plain) && outside.iter().all(plain);
        match &test.matcher {
            Matcher::Equals { text, .. }
                if alone && test.subject.as_field() == Some(&Field::Host) && !outside.iter().any(|one| ours.contains(&now(one))) =>
            {
                text.as_literal().map(str::to_ascii_lowercase)
            }
            _ => None,
        }
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
            return format!("path {}", parts.join(" and "));
        }
        such_as(members)
    }
}

/// Returns requests in words, by one of them.
fn such_as(members: &[&Tried]) -> String {
    let shortest = members.first().map(|one| one.pair.now.request.target.clone()).unwrap_or_default();
    if members.len() == 1 { format!("path {shortest}") } else { format!("paths such as {shortest}") }
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

/// Returns the routes `ours` in words; where one of them takes every path, what the others take away from it.
fn routes_clause(ours: &[Option<&Condition>], theirs: &[Option<&Condition>]) -> String {
    let takes_all = |condition: Option<&Condition>| condition.is_none_or(|condition| path_test(condition).is_some_and(is_root));
    if ours.iter().any(|condition| takes_all(*condition)) {
        let taken = all_route_words(theirs);
        return match taken.as_slice() {
            [] => String::new(),
            few if few.len() <= MOST_NAMED => {
                format!("path {}", few.iter().map(|words| format!("not {words}")).collect::<Vec<_>>().join(" and "))
            }
            _ => "path that no other route takes".to_owned(),
        };
    }
    let mut named = all_route_words(ours);
    let more = named.len().saturating_sub(MOST_NAMED);
    named.truncate(MOST_NAMED);
    let listed = named.join(" or ");
    if more == 0 { format!("path {listed}") } else { format!("path {listed} or {more} more routes") }
}

/// Returns the routes in words, the shortest first. A path that only redirects into the directory of the same name is not worth a word.
fn all_route_words(conditions: &[Option<&Condition>]) -> Vec<String> {
    let words: BTreeSet<String> = conditions.iter().flatten().map(|condition| route_words(condition)).collect();
    let mut kept: Vec<String> = words.iter().filter(|one| !words.contains(&format!("under {one}/"))).cloned().collect();
    kept.sort_by_key(|words| (words.len(), words.clone()));
    kept
}

fn is_root(test: &Test) -> bool {
    matches!(&test.matcher, Matcher::Prefix { text, .. } if &**text == "/" || text.is_empty())
}

/// Returns the first test on the path that must hold.
fn path_test(condition: &Condition) -> Option<&Test> {
    match condition {
        Condition::Test(test) => Some(test).filter(|test| test.subject.as_field() == Some(&Field::Path)),
        Condition::All(all) => all.iter().find_map(path_test),
        Condition::Any(any) => any.first().and_then(path_test).filter(|_| any.len() == 1),
        Condition::Always | Condition::Not(_) | Condition::Opaque(_) => None,
    }
}

/// Returns the condition of a route in words that follow `path`: `under /static/`.
fn route_words(condition: &Condition) -> String {
    let Some(test) = path_test(condition) else {
        return match condition {
            Condition::Test(test) => format!("where {}", test_words(test)),
            Condition::Opaque(opaque) => format!("where {}", opaque.text),
            Condition::Always | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => "under further conditions".to_owned(),
        };
    };
    match &test.matcher {
        Matcher::Equals { text, .. } => text.as_literal().unwrap_or("computed").to_owned(),
        Matcher::Prefix { text, .. } if text.ends_with('/') => format!("under {text}"),
        Matcher::Prefix { text, .. } => format!("beginning with {text}"),
        Matcher::Suffix { text, .. } => format!("ending with {text}"),
        Matcher::Contains { text, .. } => format!("containing {text}"),
        Matcher::Regex(regex) => format!("matching {}", regex.pattern),
        Matcher::Segment { text, .. } => format!("with a part {text}"),
        Matcher::Network(_) | Matcher::Truthy { .. } | Matcher::Number(_) | Matcher::Length(_) | Matcher::Present | Matcher::Element(_) => {
            test_words(test)
        }
    }
}

/// Returns the hosts as the beginning of a region.
fn host_clause(hosts: Vec<String>) -> String {
    let mut named: Vec<String> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut other = false;
    for host in hosts {
        if host == ANY_OTHER {
            other = true;
        } else if known.insert(host.clone()) {
            named.push(host);
        }
    }
    let other_words = "any host that no virtual host names";
    let named = match named.as_slice() {
        [] => return if other { other_words.to_owned() } else { "any host".to_owned() },
        [one] => format!("host {one}"),
        few if few.len() <= MOST_NAMED => format!("hosts {}", few.join(" and ")),
        [first, second, rest @ ..] => format!("hosts {first}, {second} and {} more", rest.len()),
    };
    if other { format!("{named} and {other_words}") } else { named }
}
