//! The exact part of a comparison: requests made from the cells that the symbolic walk found, each tried on both sides.

use super::door::Door;
use super::region::Cause;
use super::seeds::Extra;
use super::{Survey, Work};
use crate::analysis::destination::Destination;
use crate::analysis::prints::Prints;
use crate::analysis::route::{Entrance, sent_path, target};
use crate::analysis::symbolic::{Asker, Difference, Stop, differences};
use crate::model::{Name, Normalization, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most cells with the same was and now of which a request is tried; the others are the same region.
const MOST_ALIKE: usize = 30;

/// The most other hosts that a request is tried for, where its cell does not say which host.
const MOST_HOSTS: usize = 6;

/// The most cells of which requests are tried.
const MOST_CELLS: usize = 2_000;

/// How often a changed request may be looked up among the cells.
const MOST_LOOKS: usize = 200_000;

/// Why it is not exact where a listener refuses names.
const HANDSHAKES: &str = "which names a handshake is refused for was only tried";

/// The rank of hosts that nobody would think of.
const UNNAMED: u8 = 5;

/// A request with the group of its host and how far-fetched that host is.
type Witness = (Request, (usize, u8));

/// What was found symbolically.
#[derive(Debug, Default)]
pub(super) struct Exactly {
    askers: BTreeMap<Normalization, Asker>,
    /// By door.
    found: Vec<Vec<Difference>>,
    /// The doors of which not everything was walked: a change there may be in no cell.
    stopped: BTreeSet<usize>,
    /// Why it is not all, sorted.
    pub(super) reasons: BTreeSet<String>,
    /// How often the evaluator did not agree.
    pub(super) disagreements: usize,
}

impl Exactly {
    /// Walks all doors.
    pub(super) fn new<'m>(survey: &Survey<'_, 'm>, doors: &[Door<'m>], prints: [&[&Prints<'m>]; 2]) -> Self {
        let mut exactly = Self::default();
        if doors.is_empty() {
            exactly.reasons.insert("nothing listens on either side".to_owned());
        }
        let gateways = survey.was.model.gateways.iter().chain(&survey.now.model.gateways);
        for listener in gateways.flat_map(|gateway| &gateway.listeners).filter(|listener| listener.url_port().is_none()) {
            exactly.reasons.insert(format!("no request can be made for a listener at {}", listener.address));
        }
        for door in doors {
            if door.handshakes_differ() {
                exactly.reasons.insert(HANDSHAKES.to_owned());
            }
            let sides = [(door.was, prints[0]), (door.now, prints[1])].map(|(entrance, prints)| {
                let entrance: Entrance<'m> = entrance?;
                let found = prints.iter().find(|prints| std::ptr::eq(prints.gateway, entrance.gateway)).copied()?;
                Some((entrance, found))
            });
            let mut rules = sides.iter().flatten().map(|(entrance, _)| entrance.gateway.normalization);
            let Some(first) = rules.next() else {
                exactly.found.push(Vec::new());
                continue;
            };
            if rules.any(|other| other != first) {
                exactly.reasons.insert("both sides read paths in different ways".to_owned());
            }
            let asker = exactly.askers.entry(first).or_insert_with(|| Asker::new(Rc::clone(&survey.now.patterns), first));
            let (found, complete) = differences(asker, sides);
            if !complete {
                exactly.stopped.insert(exactly.found.len());
                exactly.reasons.insert("there is more here than can be followed".to_owned());
            }
            exactly.found.push(found);
        }
        exactly
    }

    /// Returns whether `request` is in one of the cells that were found, at any door; its host counts.
    #[cfg(test)]
    pub(super) fn finds(&mut self, request: &Request) -> bool {
        let (found, askers) = (&self.found, &mut self.askers);
        askers.values_mut().any(|asker| found.iter().flatten().any(|one| asker.covers(&one.cell, request, !one.any_host).unwrap_or(true)))
    }

    /// Returns whether all that changes was found, as far as is known so far.
    pub(super) fn is_exact(&self) -> bool {
        self.reasons.is_empty() && self.disagreements == 0
    }

    /// Returns why not all that changes is known to be found, sorted; our own mistakes too.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut all = self.reasons.clone();
        if self.disagreements > 0 {
            let times = if self.disagreements == 1 { "once".to_owned() } else { format!("{} times", self.disagreements) };
            all.insert(format!("what was worked out for all requests at once was not what a request gets, {times}, which is a defect of Waypost"));
        }
        all.into_iter().collect()
    }

    /// Counts the changed requests of `survey` that are in no cell: cases that the walk has missed.
    pub(super) fn check(&mut self, survey: &Survey<'_, '_>, doors: &[Door<'_>], groups: &BTreeMap<usize, usize>) {
        let changed = survey.tried.iter().filter(|one| !one.pair.was.destination.same(&one.pair.now.destination));
        let mut looks = 0;
        for one in changed {
            let Some(at) = groups.get(&one.group) else { continue };
            let (Some(door), Some(found)) = (doors.get(*at), self.found.get(*at)) else { continue };
            // Where the walk stopped, and of who is refused in the handshake, there are no cells, which is a reason of its own.
            if door.handshakes_differ() || self.stopped.contains(at) {
                continue;
            }
            looks += found.len();
            if looks > MOST_LOOKS {
                return;
            }
            let rules = door.was.or(door.now).map(|one| one.gateway.normalization);
            let Some(asker) = rules.and_then(|rules| self.askers.get_mut(&rules)) else { continue };
            let covers = |difference: &Difference| asker.covers(&difference.cell, &one.pair.now.request, !difference.any_host);
            let mut covered = found.iter().map(covers);
            if !covered.any(|covers| covers.unwrap_or(true)) {
                self.disagreements += 1;
            }
        }
    }

    fn asker(&mut self, door: &Door<'_>) -> Option<&mut Asker> {
        let rules = door.was.or(door.now)?.gateway.normalization;
        self.askers.get_mut(&rules)
    }
}

impl<'m> Survey<'_, 'm> {
    /// Tries a request of each cell that was found.
    pub(super) fn try_found(&mut self, exactly: &mut Exactly, doors: &[Door<'m>], work: &[Work<'_, 'm>]) {
        // One of each kind first, so that a limit cuts off what is told already.
        let mut alike: BTreeMap<(usize, &[String; 2]), usize> = BTreeMap::new();
        let found = std::mem::take(&mut exactly.found);
        let mut cells: Vec<(usize, usize, &Difference)> = Vec::new();
        for (at, difference) in found.iter().enumerate().flat_map(|(at, found)| found.iter().map(move |one| (at, one))) {
            let known = alike.entry((at, &difference.forms)).or_default();
            if *known < MOST_ALIKE {
                cells.push((*known, at, difference));
            }
            *known += 1;
        }
        cells.sort_by_key(|(known, ..)| *known);
        for (known, at, difference) in cells.into_iter().take(MOST_CELLS) {
            if known > 0 && self.now.patterns.spent() > super::MOST_WORK / 3 {
                break;
            }
            let Some(door) = doors.get(at) else { continue };
            match self.witnesses(exactly, door, work, (difference, known == 0)) {
                Ok(requests) => self.try_cell(exactly, door, difference, requests),
                Err(_stop) => {
                    exactly.reasons.insert("there is more here than can be followed".to_owned());
                    break;
                }
            }
        }
        exactly.found = found;
    }

    /// Returns requests of a cell with the groups of their hosts, by group: hosts that reach the same virtual hosts by name and by default are two
    /// groups, and a sentence names each.
    fn witnesses(
        &mut self,
        exactly: &mut Exactly,
        door: &Door<'m>,
        work: &[Work<'_, 'm>],
        (difference, first_of_kind): (&Difference, bool),
    ) -> Result<Vec<Vec<Witness>>, Stop> {
        let Some(asker) = exactly.asker(door) else { return Ok(Vec::new()) };
        let here = || work.iter().filter(|one| std::ptr::eq(one.door, door));
        let mut first = None;
        for (one, host) in here().flat_map(|one| one.hosts.iter().map(move |host| (one, host))) {
            let request = door.request(&host.text, "/");
            if asker.covers_host(&difference.cell, &request)? {
                first = Some((one, request));
                break;
            }
        }
        let plain = first.as_ref().map_or_else(|| door.request("other.example", "/"), |(_, request)| request.clone());
        let requests = asker.requests(&difference.cell, &plain)?;
        let mut all = vec![self.placed(door, work, requests.clone())];
        // A sentence names each host for which it was seen.
        if let (Some((one, _)), Some(request), true) = (&first, requests.first(), first_of_kind && !difference.cell.names_host()) {
            for host in one.hosts.iter().filter(|host| host.text != request.host).take(MOST_HOSTS) {
                let other = Request { host: host.text.clone(), ..request.clone() };
                all.push(self.placed(door, work, vec![other]));
            }
        }
        let tables = first.map(|(one, _)| one).filter(|_| difference.any_host);
        for one in here().filter(|one| tables.is_some_and(|first| first.group != one.group && one.reaches_as(first))) {
            let Some(host) = one.hosts.first() else { continue };
            let others = requests.iter().map(|request| Request { host: host.text.clone(), ..request.clone() });
            all.push(self.placed(door, work, others.collect()));
        }
        Ok(all)
    }

    fn placed(&mut self, door: &Door<'m>, work: &[Work<'_, 'm>], requests: Vec<Request>) -> Vec<Witness> {
        let place = |request: Request| {
            let group = self.group_of(door, work, &request);
            (request, group)
        };
        requests.into_iter().map(place).collect()
    }

    fn group_of(&mut self, door: &Door<'m>, work: &[Work<'_, 'm>], request: &Request) -> (usize, u8) {
        let reached = super::hosts::reached(self.was, self.now, door, &request.host);
        let known = work.iter().filter(|one| std::ptr::eq(one.door, door)).find(|one| one.reached == reached);
        if let Some(known) = known {
            let host = known.hosts.iter().find(|host| host.text == request.host);
            return (known.group, host.map_or(UNNAMED, |host| host.rank));
        }
        let cause: Cause = (door.now.or(door.was).map(|one| one.gateway.id.to_string()).unwrap_or_default(), None);
        let door = format!("{} port {}", if door.tls { "https" } else { "http" }, door.port);
        self.words.push(super::region::GroupWords {
            hosts: vec![request.host.clone()],
            tried: BTreeMap::new(),
            networks: Vec::new(),
            by_name: true,
            door,
            cause,
        });
        (self.words.len() - 1, UNNAMED)
    }

    fn try_witness(&mut self, door: &Door<'m>, (group, rank): (usize, u8), request: Request) -> bool {
        let extras = extras(&request);
        self.try_one((door, group), rank, request, extras)
    }

    /// Returns whether `request` goes elsewhere as the same request does when a person types it: then that one is told, and this one is not.
    fn is_told_plainly(&mut self, door: &Door<'m>, place: (usize, u8), request: &Request) -> bool {
        let Some(typed) = typed(door, request) else { return false };
        let (odd, plain) = (self.pair(door, request), self.pair(door, &typed));
        let alike = one_kind(&odd.was.destination, &plain.was.destination) && one_kind(&odd.now.destination, &plain.now.destination);
        alike && odd.changes() && plain.changes() && self.try_witness(door, place, typed)
    }

    fn try_cell(&mut self, exactly: &mut Exactly, door: &Door<'m>, difference: &Difference, requests: Vec<Vec<Witness>>) {
        let mut changed = false;
        let none = requests.iter().all(Vec::is_empty);
        for requests in requests {
            let mut tried = requests.into_iter();
            changed |= tried.any(|(request, place)| self.is_told_plainly(door, place, &request) || self.try_witness(door, place, request));
        }
        if changed {
            return;
        }
        match difference.cell.unfollowed() {
            Some(why) => {
                exactly.reasons.insert(why.to_owned());
            }
            None if difference.guessed => {
                exactly.reasons.insert("a text is made of parts of a match that cannot be followed".to_owned());
            }
            None if door.refuses_names() => {
                exactly.reasons.insert(HANDSHAKES.to_owned());
            }
            None if none => {
                exactly.reasons.insert("of some requests that may go elsewhere none could be written down".to_owned());
            }
            None => exactly.disagreements += 1,
        }
    }
}

/// Returns `request` as a person would type it, where it is spelled otherwise and the proxy takes both for the same path; `?` without a query says nothing.
fn typed(door: &Door<'_>, request: &Request) -> Option<Request> {
    let rules = door.now.or(door.was)?.gateway.normalization;
    let (path, query) = request.target.split_once('?').map_or((request.target.as_str(), ""), |(path, query)| (path, query));
    let path = if rules.decode_path { sent_path(&target(path, rules).ok()?.path, rules) } else { path.to_owned() };
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    (target != request.target).then(|| Request { target, ..request.clone() })
}

/// Returns whether requests that end so are told in one sentence: what exactly the upstream is asked for, or where a redirect leads, is not in it.
fn one_kind(one: &Destination, other: &Destination) -> bool {
    match (one, other) {
        (Destination::Forward { pool, servers, .. }, Destination::Forward { pool: other_pool, servers: others, .. }) => {
            pool == other_pool && servers == others
        }
        (Destination::Redirect { status, .. }, Destination::Redirect { status: other, .. }) => status == other,
        _ => one.same(other),
    }
}

/// Returns what `request` has besides host and path.
fn extras(request: &Request) -> Vec<Extra> {
    let mut extras = Vec::new();
    if request.method != "GET" {
        extras.push(Extra::Method(request.method.clone()));
    }
    if let Some((_, query)) = request.target.split_once('?') {
        extras.push(Extra::Query(query.to_owned()));
    }
    for (name, value) in &request.headers {
        if &**name == "cookie" {
            let pairs = value.split(';').filter_map(|pair| pair.trim().split_once('='));
            extras.extend(pairs.map(|(name, value)| Extra::Cookie(name.into(), value.to_owned())));
        } else {
            extras.push(Extra::Header(Name::clone(name), value.clone()));
        }
    }
    extras
}
