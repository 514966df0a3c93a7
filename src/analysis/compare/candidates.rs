//! The requests worth trying for a pair of virtual hosts: those near what differs first.

use super::door::Door;
use super::hosts::Host;
use super::seeds::{Collector, Extra, Samples, Seeds, address_in};
use crate::analysis::prints::{Follow, Prints, RoutePrint};
use crate::analysis::route::{encode_path, sent_path, target};
use crate::model::{Cidr, Gateway, Name, Next, Normalization, Request, Step, TableId, TableKind};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

/// The most combinations of a beginning and an end of paths.
const MOST_COMBINED: usize = 400;

/// The most extras that are tried two at a time.
const MOST_PAIRED: usize = 10;

/// Clients that are in no network anybody writes into a configuration: those reserved for documentation, then a public one.
const STRANGERS: [[u8; 4]; 4] = [[203, 0, 113, 9], [198, 51, 100, 7], [192, 0, 2, 5], [8, 8, 8, 8]];

/// One side of a pair of virtual hosts, with what is made once for its gateway.
#[derive(Clone, Copy)]
pub(super) struct Half<'a, 'm> {
    pub(super) gateway: &'m Gateway,
    pub(super) prints: &'a Prints<'m>,
    pub(super) collector: &'a Collector<'m>,
    pub(super) table: TableId,
}

/// What is worth trying for a pair of virtual hosts.
pub(super) struct Plan {
    /// Near what differs.
    hot: Seeds,
    /// All of both sides.
    all: Seeds,
    /// The paths of either, which are the same for every host.
    hot_paths: OnceCell<Vec<Vec<u8>>>,
    rest_paths: OnceCell<Vec<Vec<u8>>>,
    /// What both sides make of a path before they look at it, if they agree.
    rules: Option<Normalization>,
}

/// What is made once for a gateway.
pub(super) struct Workshop<'m> {
    pub(super) gateway: &'m Gateway,
    pub(super) prints: Prints<'m>,
    pub(super) collector: Collector<'m>,
}

impl<'m> Workshop<'m> {
    pub(super) fn new(prints: Prints<'m>, samples: &Rc<Samples>) -> Self {
        let gateway = prints.gateway;
        Self { gateway, prints, collector: Collector::new(gateway, Rc::clone(samples)) }
    }

    pub(super) fn half(&self, table: TableId) -> Half<'_, 'm> {
        Half { gateway: self.gateway, prints: &self.prints, collector: &self.collector, table }
    }
}

impl Plan {
    /// Compares the routes of both sides: what only one has, or has in another order, is hot. Nothing is where both are the `same`: what one has
    /// then speaks for both.
    pub(super) fn new<'m>(was: Option<Half<'_, 'm>>, now: Option<Half<'_, 'm>>, same: bool) -> Self {
        let mut all = Seeds::default();
        for half in was.iter().chain(&now).skip(usize::from(same && was.is_some())) {
            all.extend(half.collector.table(half.table));
        }
        let mut hot = Seeds::default();
        match (was, now) {
            _ if same => {}
            (Some(was), Some(now)) => {
                let (before, after) = (was.routes(), now.routes());
                was.differing(&before, &after, &mut hot);
                now.differing(&after, &before, &mut hot);
            }
            (Some(_) | None, None) | (None, Some(_)) => hot.extend(all.clone()),
        }
        let mut rules = was.iter().chain(&now).map(|half| half.gateway.normalization);
        let first = rules.next().filter(|first| rules.all(|other| other == *first));
        Self { hot, all, hot_paths: OnceCell::new(), rest_paths: OnceCell::new(), rules: first }
    }

    /// Returns whether requests to several names of one virtual host may end differently.
    pub(super) fn host_matters(&self) -> bool {
        self.all.host_matters
    }

    /// Returns the requests near what differs.
    pub(super) fn hot(&self, door: &Door<'_>, host: &Host) -> impl Iterator<Item = (Request, Vec<Extra>)> {
        let paths = self.hot_paths.get_or_init(|| self.seen(paths(&self.hot, &self.all), usize::MAX));
        self.requests(door, host, paths, true)
    }

    /// Returns one request for each path of both sides, at most as many as the first call's `most`.
    pub(super) fn rest(&self, door: &Door<'_>, host: &Host, most: usize) -> impl Iterator<Item = (Request, Vec<Extra>)> {
        let paths = self.rest_paths.get_or_init(|| self.seen(paths(&self.all, &Seeds::default()), most));
        self.requests(door, host, paths, false)
    }

    /// Returns the first paths that the tests can see: `/./a` is `/a` by then, and a person would ask for that.
    fn seen(&self, paths: Vec<Vec<u8>>, most: usize) -> Vec<Vec<u8>> {
        let same = |path: &Vec<u8>, rules| target(&sent_path(path, rules), rules).is_ok_and(|seen| seen.path == *path);
        paths.into_iter().filter(|path| self.rules.is_none_or(|rules| same(path, rules))).take(most).collect()
    }

    /// Returns requests as they are asked for: at a limit most of them are never made.
    fn requests(&self, door: &Door<'_>, host: &Host, paths: &[Vec<u8>], with_extras: bool) -> impl Iterator<Item = (Request, Vec<Extra>)> {
        let stranger = self.stranger();
        let mut extras: Vec<Extra> = self.all.extras.iter().cloned().collect();
        if extras.iter().any(|extra| matches!(extra, Extra::Method(_))) {
            for method in ["POST", "DELETE"].map(|method| Extra::Method(method.to_owned())) {
                if !extras.contains(&method) {
                    extras.push(method);
                }
            }
        }
        let mut sets: Vec<Vec<Extra>> = vec![Vec::new()];
        if with_extras {
            sets.extend(extras.iter().map(|extra| vec![extra.clone()]));
            if extras.len() <= MOST_PAIRED {
                for (at, first) in extras.iter().enumerate() {
                    let others = extras.iter().skip(at + 1).filter(|other| !other.same_place(first));
                    sets.extend(others.map(|other| vec![first.clone(), other.clone()]));
                }
            }
        }
        let rules = self.rules;
        let build = move |path: &[u8], set: &[Extra]| {
            let path = rules.map_or_else(|| encode_path(path), |rules| sent_path(path, rules));
            let mut request = door.request(&host.text, &path);
            request.from = stranger;
            for extra in set {
                extra.put_into(&mut request);
            }
            request
        };
        // Plain requests of all paths come first: at a limit they are the ones to keep.
        sets.into_iter().flat_map(move |set| paths.iter().map(move |path| (build(path, &set), set.clone())))
    }

    /// Returns the networks that clients are asked about.
    pub(super) fn networks(&self) -> Vec<Cidr> {
        let networks = self.all.extras.iter().filter_map(|extra| match extra {
            Extra::From(network) => Some(*network),
            Extra::Method(_) | Extra::Query(_) | Extra::Header(..) | Extra::Cookie(..) => None,
        });
        networks.collect()
    }

    /// Returns an address outside all networks asked about, if any are.
    fn stranger(&self) -> Option<IpAddr> {
        let networks = self.networks();
        if networks.is_empty() {
            return None;
        }
        let outside = |ip: &IpAddr| !networks.iter().any(|network| network.bits() > 0 && network.contains(*ip));
        STRANGERS.into_iter().map(IpAddr::from).find(outside).or_else(|| Some(IpAddr::from([9, 9, 9, 9])))
    }
}

impl Extra {
    fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(ours, _), Self::Header(theirs, _)) | (Self::Cookie(ours, _), Self::Cookie(theirs, _)) => ours == theirs,
            (Self::Method(_), Self::Method(_)) | (Self::From(_), Self::From(_)) => true,
            _ => false,
        }
    }

    fn put_into(&self, request: &mut Request) {
        match self {
            Self::Method(method) => request.method.clone_from(method),
            Self::Query(query) => {
                let mark = if request.target.contains('?') { '&' } else { '?' };
                let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
                let query: String =
                    query.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
                request.target = format!("{}{mark}{query}", request.target);
            }
            Self::Header(name, value) => request.headers.push((Name::clone(name), value.clone())),
            Self::Cookie(name, value) => match request.headers.iter_mut().find(|(have, _)| &**have == "cookie") {
                Some((_, cookies)) => *cookies = format!("{cookies}; {name}={value}"),
                None => request.headers.push((Name::from("cookie"), format!("{name}={value}"))),
            },
            Self::From(network) => request.from = Some(address_in(*network)),
        }
    }

    /// Returns it in words, for a region.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Method(method) => format!("method {method}"),
            Self::Query(query) if query.is_empty() => "`?` without a query".to_owned(),
            Self::Query(query) => format!("query {query}"),
            Self::Header(name, value) if value.is_empty() => format!("empty header {name}"),
            Self::Header(name, value) => format!("header {name}: {value}"),
            Self::Cookie(name, value) if value.is_empty() => format!("empty cookie {name}"),
            Self::Cookie(name, value) => format!("cookie {name}={value}"),
            Self::From(network) => format!("client in {network}"),
        }
    }
}

/// A route of a virtual host, wherever its tables lead.
struct Placed {
    print: RoutePrint,
    table: TableId,
    /// `None` for the `otherwise`.
    route: Option<usize>,
}

impl Half<'_, '_> {
    /// Returns the routes of all tables that begin here, in the order in which they are tried.
    fn routes(&self) -> Vec<Placed> {
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![self.table];
        while let Some(id) = todo.pop() {
            let Some(table) = self.gateway.tables.get(id.0).filter(|_| seen.insert(id)) else { continue };
            let (prints, otherwise) = self.prints.routes(id, Follow::Near);
            for (at, (route, print)) in table.routes.iter().zip(prints).enumerate() {
                all.push(Placed { print, table: id, route: Some(at) });
                next_tables(&route.step, &mut todo);
            }
            all.push(Placed { print: RoutePrint { when: 0, step: otherwise }, table: id, route: None });
            next_tables(&table.otherwise, &mut todo);
        }
        all
    }

    /// Adds to `hot` the seeds of `ours` that are not among `theirs`, and those of all where the order differs.
    fn differing(&self, ours: &[Placed], theirs: &[Placed], hot: &mut Seeds) {
        let count = |all: &[Placed]| {
            let mut counts: BTreeMap<RoutePrint, usize> = BTreeMap::new();
            for placed in all {
                *counts.entry(placed.print).or_default() += 1;
            }
            counts
        };
        let (own, other) = (count(ours), count(theirs));
        let common = |all: &[Placed], there: &BTreeMap<RoutePrint, usize>| {
            all.iter().map(|placed| placed.print).filter(|print| there.contains_key(print)).collect::<Vec<_>>()
        };
        let reordered = common(ours, &other) != common(theirs, &own);
        let only_ours = |placed: &&Placed| reordered || other.get(&placed.print).copied().unwrap_or(0) < own.get(&placed.print).copied().unwrap_or(0);
        for placed in ours.iter().filter(only_ours) {
            let route = placed.route.and_then(|at| self.gateway.tables.get(placed.table.0)?.routes.get(at));
            match route {
                Some(route) => hot.extend(self.collector.route(route)),
                // What no route takes: the paths at the edges of all of them.
                None if self.gateway.tables.get(placed.table.0).is_some_and(|table| table.kind == TableKind::Routes) => {
                    hot.extend(self.collector.table(placed.table));
                }
                None => {}
            }
        }
    }
}

fn next_tables(step: &Step, todo: &mut Vec<TableId>) {
    match &step.next {
        Next::Table(table) | Next::Restart(table) => todo.push(*table),
        Next::Try { table, otherwise } => {
            next_tables(otherwise, todo);
            todo.push(*table);
        }
        Next::Split(ways) => ways.iter().for_each(|(_, step)| next_tables(step, todo)),
        Next::Fallback | Next::End(_) => {}
    }
}

/// Returns the paths that make the tests of `seeds` hold and fail, the shortest first; those made of `others` only where they are combined with it.
fn paths(seeds: &Seeds, others: &Seeds) -> Vec<Vec<u8>> {
    let mut all: BTreeSet<Vec<u8>> = [b"/".to_vec(), b"/page".to_vec()].into();
    for path in &seeds.paths {
        all.insert(path.clone());
        all.insert([path, b"x".as_slice()].concat());
        all.insert([path.strip_suffix(b"/").unwrap_or(path), b"/".as_slice()].concat());
    }
    for prefix in &seeds.prefixes {
        let bare = prefix.strip_suffix(b"/").unwrap_or(prefix);
        all.extend([prefix.clone(), bare.to_vec(), [bare, b"x"].concat(), [bare, b"/page"].concat()]);
    }
    for ending in &seeds.endings {
        all.insert(below(b"/", ending));
        all.insert([b"/x", ending.as_slice()].concat());
        all.insert([below(b"/", ending), b"x".to_vec()].concat());
    }
    let starts = |seeds: &Seeds| seeds.prefixes.iter().chain(&seeds.paths).cloned().collect::<Vec<_>>();
    let (hot_starts, cold_starts) = (starts(seeds), starts(others));
    let hot = hot_starts.iter().flat_map(|start| seeds.endings.iter().chain(&others.endings).map(|ending| below(start, ending)));
    let cold = cold_starts.iter().flat_map(|start| seeds.endings.iter().map(|ending| below(start, ending)));
    all.extend(hot.chain(cold).take(MOST_COMBINED));
    let mut all: Vec<Vec<u8>> = all.into_iter().filter(|path| path.first() == Some(&b'/')).collect();
    all.sort_by_key(Vec::len);
    all
}

/// Returns a path below `start` that ends in `ending`.
fn below(start: &[u8], ending: &[u8]) -> Vec<u8> {
    let start = start.strip_suffix(b"/").unwrap_or(start);
    match ending.first() {
        Some(b'/') => [start, ending].concat(),
        Some(b'.' | b'-' | b'_') => [start, b"/x", ending].concat(),
        _ => [start, b"/", ending].concat(),
    }
}
