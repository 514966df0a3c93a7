//! Which requests go somewhere else.
//!
//! What changes is worked out for sets of requests ([`exact`], over [`super::symbolic`]) and tried: requests made of the patterns of both sides go through the
//! evaluator, to check it, to describe it, and to find what lies beyond its budget. Where that is not all (`exact: false`) the reasons are said.

mod candidates;
mod door;
mod effect;
mod exact;
mod hosts;
mod region;
mod seeds;
#[cfg(test)]
mod tests;
mod words;

use super::prints::Prints;
use super::route::{Engine, Entrance, Patterns};
use super::trace::{Trace, trace_at, unserved};
use crate::model::{Gateway, Model, PoolId, Request, TableId};
use candidates::{Half, Plan, Workshop};
use door::{Door, doors};
use exact::Exactly;
use hosts::{Host, Reached, groups};
use region::{GroupWords, Tried, regions};
use seeds::Extra;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a change does to requests.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The regions that changed, most harmful first.
    pub changes: Vec<Change>,
    /// Every candidate request with its way on both sides, unchanged ones too; rules find witnesses here.
    pub pairs: Vec<Pair>,
    /// Whether "no change" means that there is none.
    pub exact: bool,
    /// The comparison stopped at a limit: what lies far from the change was not tried.
    pub limited: bool,
    /// Why it is not exact, in words that follow "because", sorted.
    pub reasons: Vec<String>,
    /// How often what was worked out for a set of requests was not what the evaluator says of one of them. Each is a defect of ours.
    pub disagreements: usize,
}

/// One request on both sides.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Before.
    pub was: Trace,
    /// After.
    pub now: Trace,
}

impl Pair {
    /// Returns whether the request goes elsewhere.
    fn changes(&self) -> bool {
        !self.was.destination.same(&self.now.destination)
    }
}

/// Requests that share where they went and where they go.
#[derive(Clone, Debug)]
pub struct Change {
    /// The requests in the config's own words: `host shop.example.com, path not under /static/`.
    pub region: String,
    /// The hosts of the region as a person would name them (`shop.example.com`, `any other host`), for sentences.
    pub hosts: Vec<String>,
    /// Indexes into [`Comparison::pairs`], the request a person would type first; never empty.
    pub pairs: Vec<usize>,
    /// Whether the region is all of the requests with this was and now.
    pub exact: bool,
    /// The same servers get the same requests; only how they are treated differs (timeouts, retries, limits, balancing).
    pub behaviour_only: bool,
}

impl Comparison {
    /// Returns the pair a person would type first of `change`.
    pub fn witness(&self, change: &Change) -> Option<&Pair> {
        change.pairs.first().and_then(|at| self.pairs.get(*at))
    }

    /// Returns the pairs that can end, after the change, in this pool of this gateway, changed or not; the one a person would type first comes first.
    pub fn reaching_now<'a>(&'a self, gateway: &'a str, pool: PoolId) -> impl Iterator<Item = &'a Pair> {
        self.pairs.iter().filter(move |pair| pair.now.pools.contains(&pool) && pair.now.gateway.as_deref() == Some(gateway))
    }

    /// Returns the pairs that could end, before the change, in this pool of this gateway; the one a person would type first comes first.
    pub fn reaching_before<'a>(&'a self, gateway: &'a str, pool: PoolId) -> impl Iterator<Item = &'a Pair> {
        self.pairs.iter().filter(move |pair| pair.was.pools.contains(&pool) && pair.was.gateway.as_deref() == Some(gateway))
    }
}

/// The most requests that are traced on both sides.
const MOST_PAIRS: usize = 20_000;

/// The most work, as [`Patterns::spend`] counts it: some seconds. What is near the change is tried first.
const MOST_WORK: u64 = 3_000_000;

/// The requests that are traced on both sides whatever the work.
const FEW_PAIRS: usize = 30;

/// The part of [`MOST_WORK`] that finding out which virtual hosts there are may take.
const MOST_WORK_ON_HOSTS: u64 = MOST_WORK / 3;

/// The most requests for one group of hosts whose virtual hosts are the same before and after: enough to show where they go.
const MOST_UNCHANGED: usize = 60;

/// Compares two models.
pub fn compare(base: &Model, head: &Model) -> Comparison {
    let patterns: Rc<Patterns> = Rc::default();
    let (was, now) = (Engine::new(base, Rc::clone(&patterns)), Engine::new(head, patterns));
    let mut survey = Survey { was: &was, now: &now, tried: Vec::new(), words: Vec::new(), seen: BTreeMap::new(), limited: false };
    let exactly = survey.run();
    let Survey { mut tried, words, limited, .. } = survey;
    tried.sort_by(|a, b| (a.oddity, &a.pair.now.request).cmp(&(b.oddity, &b.pair.now.request)));
    let mut changes = regions(base, head, &tried, &words);
    let exact = exactly.is_exact();
    for change in &mut changes {
        change.exact = exact;
    }
    let pairs = tried.into_iter().map(|one| one.pair).collect();
    Comparison { changes, pairs, exact, limited: limited && !exact, reasons: exactly.reasons(), disagreements: exactly.disagreements }
}

/// How many requests are tried for one group of hosts.
#[derive(Clone, Copy, Debug)]
struct Sampling {
    /// Near the change.
    hot: usize,
    /// Of all paths of a pair of virtual hosts that differ.
    rest: usize,
    /// Of those that do not; `None` for the one that is asked for first, without looking at what is there.
    unchanged: Option<usize>,
}

impl Sampling {
    /// Where all that changes was worked out, requests are tried to describe it, to check it, and to show rules who reaches what.
    fn of(exactly: &Exactly) -> Self {
        if exactly.is_exact() {
            Self { hot: 200, rest: 200, unchanged: None }
        } else {
            Self { hot: MOST_PAIRS, rest: MOST_PAIRS, unchanged: Some(MOST_UNCHANGED) }
        }
    }
}

/// The requests tried so far.
struct Survey<'a, 'm> {
    was: &'a Engine<'m>,
    now: &'a Engine<'m>,
    tried: Vec<Tried>,
    words: Vec<GroupWords>,
    /// Whether each request that was tried goes elsewhere, by group.
    seen: BTreeMap<(usize, Request), bool>,
    limited: bool,
}

/// A group of hosts at a door with what is worth trying there.
struct Work<'a, 'm> {
    door: &'a Door<'m>,
    /// Index into [`Survey::words`].
    group: usize,
    hosts: Vec<Host>,
    sides: [Option<Half<'a, 'm>>; 2],
    plan: LatePlan,
    /// Both sides mean the same.
    same: bool,
    changed: bool,
    reached: Reached,
}

/// What is worth trying for a pair of virtual hosts, made when it is asked for: many are the same on both sides, and little is tried there.
type LatePlan = Rc<OnceCell<Plan>>;

impl Work<'_, '_> {
    /// Returns whether its hosts reach the same virtual hosts as those of `other`, by name or by default.
    fn reaches_as(&self, other: &Self) -> bool {
        (self.reached.0, self.reached.1) == (other.reached.0, other.reached.1)
    }

    fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| Plan::new(self.sides[0], self.sides[1], self.same))
    }
}

impl<'m> Survey<'_, 'm> {
    fn run(&mut self) -> Exactly {
        let samples = Rc::default();
        let workshops = |prints: Vec<Prints<'m>>| prints.into_iter().map(|prints| Workshop::new(prints, &samples)).collect::<Vec<_>>();
        let [before, after] = Prints::of([self.was.model, self.now.model]).map(workshops);
        let doors = doors(self.was, self.now);
        let work = self.work(&doors, &before, &after);
        let prints = [&before, &after].map(|shops| shops.iter().map(|shop| &shop.prints).collect::<Vec<_>>());
        let mut exactly = Exactly::new(self, &doors, prints.each_ref().map(Vec::as_slice));
        self.try_found(&mut exactly, &doors, &work);
        self.sample(&work, Sampling::of(&exactly));
        let place = |one: &Work<'_, 'm>| doors.iter().position(|door| std::ptr::eq(door, one.door)).map(|door| (one.group, door));
        exactly.check(self, &doors, &work.iter().filter_map(place).collect());
        exactly
    }

    /// Tries requests made of the patterns of both sides.
    fn sample(&mut self, work: &[Work<'_, 'm>], most: Sampling) {
        // Near the change first, everywhere, so that a limit cuts off what matters least.
        for one in work.iter().filter(|one| one.changed) {
            for host in &one.hosts {
                self.try_all(one, host, one.plan().hot(one.door, host), most.hot);
            }
        }
        for one in work.iter().filter(|one| one.changed) {
            for host in &one.hosts {
                self.try_all(one, host, one.plan().rest(one.door, host, most.rest), most.rest);
            }
        }
        for one in work.iter().filter(|one| !one.changed) {
            if self.now.patterns.spent() > MOST_WORK / 2 {
                return;
            }
            match (one.hosts.first(), most.unchanged) {
                (Some(host), Some(most)) => self.try_all(one, host, one.plan().rest(one.door, host, most), most),
                (Some(host), None) => self.try_all(one, host, vec![(one.door.request(&host.text, "/"), Vec::new())], 1),
                (None, _) => {}
            }
        }
    }

    /// Returns the groups of hosts of all doors. A pair of virtual hosts is looked at once, however many doors lead there.
    fn work<'w>(&mut self, doors: &'w [Door<'m>], before: &'w [Workshop<'m>], after: &'w [Workshop<'m>]) -> Vec<Work<'w, 'm>> {
        let files = |model: &Model| model.gateways.iter().filter(|gateway| gateway.variant.is_none()).count();
        let several = files(self.was.model).max(files(self.now.model)) > 1;
        let mut plans: BTreeMap<PlanKey, (LatePlan, bool)> = BTreeMap::new();
        let mut all = Vec::new();
        for door in doors {
            let was = door.was.and_then(|entrance| workshop(before, entrance.gateway));
            let now = door.now.and_then(|entrance| workshop(after, entrance.gateway));
            let gateway = door.now.or(door.was).map(|entrance| entrance.gateway.file().to_owned()).unwrap_or_default();
            let mut asked = asked_hosts(was, door.was);
            asked.extend(asked_hosts(now, door.now));
            let found = groups(self.was, self.now, door, &asked, MOST_WORK_ON_HOSTS);
            self.limited |= self.now.patterns.spent() > MOST_WORK_ON_HOSTS;
            for group in found {
                let reached = (group.was, group.now, group.named);
                let key = (
                    was.zip(group.was).map(|(shop, table)| (shop.gateway.id.to_string(), table)),
                    now.zip(group.now).map(|(shop, table)| (shop.gateway.id.to_string(), table)),
                );
                let sides = [was.zip(group.was).map(|(shop, table)| shop.half(table)), now.zip(group.now).map(|(shop, table)| shop.half(table))];
                let (plan, same) = plans
                    .entry(key)
                    .or_insert_with(|| {
                        let [was, now] = sides.map(|half| half.map(|half| half.prints.table(half.table)));
                        (LatePlan::default(), was == now)
                    })
                    .clone();
                let mut one =
                    Work { door, group: self.words.len(), hosts: Vec::new(), sides, plan, same, changed: !same || door.handshakes_differ(), reached };
                let scheme = if door.tls { "https" } else { "http" };
                let door_words = if several { format!("{scheme} port {} of {gateway}", door.port) } else { format!("{scheme} port {}", door.port) };
                // One name of a virtual host speaks for all, unless the name is looked at again.
                let told_apart = one.changed && one.plan().host_matters();
                let named =
                    |entrance: Option<Entrance<'_>>| entrance.is_some_and(|one| one.listener.virtual_hosts.iter().any(|host| !host.names.is_empty()));
                let hosts = distinct(group.hosts.iter().map(|host| host.words.clone()));
                let places: BTreeMap<&str, usize> = hosts.iter().enumerate().map(|(at, host)| (host.as_str(), at)).collect();
                let place = |host: &Host| Some((host.text.clone(), *places.get(host.words.as_str())?));
                let tried = group.hosts.iter().filter(|_| told_apart).filter_map(place).collect();
                self.words.push(GroupWords {
                    hosts,
                    tried,
                    networks: if one.changed { one.plan().networks() } else { Vec::new() },
                    by_name: named(door.was) || named(door.now),
                    door: door_words,
                    cause: (gateway.clone(), Some(group.named).filter(|(was, now)| was != now && door.was.is_some() && door.now.is_some())),
                });
                one.hosts = if told_apart { group.hosts } else { group.hosts.into_iter().take(1).collect() };
                all.push(one);
            }
        }
        all
    }

    fn try_all(&mut self, work: &Work<'_, 'm>, host: &Host, requests: impl IntoIterator<Item = (Request, Vec<Extra>)>, most: usize) {
        for (request, extras) in requests.into_iter().take(most) {
            if self.tried.len() >= MOST_PAIRS || self.tried.len() >= FEW_PAIRS && self.now.patterns.spent() > MOST_WORK {
                // What is the same on both sides was only looked at to show where it goes.
                self.limited |= work.changed;
                return;
            }
            self.try_one((work.door, work.group), host.rank, request, extras);
        }
    }

    /// Sends a request through both sides, without keeping it.
    fn pair(&self, door: &Door<'m>, request: &Request) -> Pair {
        let side = |engine: &Engine<'m>, entrance| match entrance {
            Some(entrance) => trace_at(engine, entrance, request),
            None => unserved(request),
        };
        Pair { was: side(self.was, door.was), now: side(self.now, door.now) }
    }

    /// Tries one request; returns whether it goes elsewhere. One that was tried before is not tried again.
    fn try_one(&mut self, (door, group): (&Door<'m>, usize), rank: u8, request: Request, mut extras: Vec<Extra>) -> bool {
        let request = door.reachable(self.was, self.now, request);
        if let Some(words) = self.words.get(group) {
            words.add_client(&request, &mut extras);
        }
        if let Some(changed) = self.seen.get(&(group, request.clone())) {
            return *changed;
        }
        let pair = self.pair(door, &request);
        let changed = pair.changes();
        let odd = usize::from(request.listener.is_some()) + usize::from(request.port != request.scheme.default_port());
        let hidden = usize::from(request.target.contains("/."));
        let oddity = (extras.len(), odd + hidden, rank, request.target.len());
        self.seen.insert((group, request), changed);
        self.tried.push(Tried { pair, group, extras, oddity });
        changed
    }
}

/// Returns those of `requests` that change and are in no cell of the symbolic walk.
#[cfg(test)]
fn missed<'r>(base: &Model, head: &Model, requests: &'r [Request]) -> Vec<&'r Request> {
    let patterns: Rc<Patterns> = Rc::default();
    let (was, now) = (Engine::new(base, Rc::clone(&patterns)), Engine::new(head, patterns));
    let survey = Survey { was: &was, now: &now, tried: Vec::new(), words: Vec::new(), seen: BTreeMap::new(), limited: false };
    let [before, after] = Prints::of([base, head]);
    let prints = [&before, &after].map(|prints| prints.iter().collect::<Vec<_>>());
    let mut exactly = Exactly::new(&survey, &doors(&was, &now), prints.each_ref().map(Vec::as_slice));
    let changes = |request: &Request| {
        let (was, now) = (super::trace(base, request), super::trace(head, request));
        !was.destination.same(&now.destination)
    };
    requests.iter().filter(|request| changes(request) && !exactly.finds(request)).collect()
}

/// A pair of virtual hosts: gateway and table on each side.
type PlanKey = (Option<(String, TableId)>, Option<(String, TableId)>);

fn workshop<'w, 'm>(all: &'w [Workshop<'m>], gateway: &Gateway) -> Option<&'w Workshop<'m>> {
    all.iter().find(|shop| std::ptr::eq(shop.gateway, gateway))
}

/// Returns the hosts that conditions behind this door ask about.
fn asked_hosts(shop: Option<&Workshop<'_>>, entrance: Option<Entrance<'_>>) -> Vec<String> {
    let Some((shop, Entrance { listener, .. })) = shop.zip(entrance) else { return Vec::new() };
    let mut tables: Vec<TableId> = listener.virtual_hosts.iter().map(|host| host.table).collect();
    if tables.is_empty() {
        tables.push(listener.entry);
    }
    distinct(tables.into_iter().flat_map(|table| shop.collector.hosts(table)))
}

fn distinct(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    all.into_iter().filter(|one| known.insert(one.clone())).collect()
}
