//! Routes that no request can take, because earlier ones take all that they ask for.

mod cover;
mod implied;

use super::symbolic::{apart, rising};
use crate::model::{Gateway, Label, Next, Outcome, Route, Step, Table, TableId, TableKind, Target};
use cover::{Cover, Cube, TooMuch};
use implied::{Firm, implies};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The most routes of a table that are compared with each other.
const MOST_ROUTES: usize = 2000;

/// The most routes that may take the requests of one together.
const MOST_TOGETHER: usize = 12;

/// A route that is never taken, and those that take its requests.
#[derive(Clone, Debug)]
pub struct Shadow<'m> {
    /// The route.
    pub hidden: &'m Label,
    /// In order; never empty.
    pub by: Vec<&'m Label>,
}

/// Returns the routes of `head` that no request can take, and that were not hidden on `base`.
pub fn shadows<'m>(base: &Gateway, head: &'m Gateway) -> Vec<Shadow<'m>> {
    let new = changed(base, head);
    let mut found = hidden(head, &|route| new.contains(&std::ptr::from_ref(route).addr()));
    if !found.is_empty() {
        let names: BTreeSet<&str> = found.iter().map(|shadow| &*shadow.hidden.text).collect();
        let was = hidden(base, &|route| route.label.as_ref().is_some_and(|label| names.contains(&*label.text)));
        let was: BTreeSet<&str> = was.iter().map(|shadow| &*shadow.hidden.text).collect();
        found.retain(|shadow| !was.contains(&*shadow.hidden.text));
    }
    found
}

/// Returns the routes of both gateways, in order, without tables that ask for the same at the same place: most are not touched by a change.
fn routes<'b, 'h>(base: &'b Gateway, head: &'h Gateway) -> (Vec<&'b Route>, Vec<&'h Route>) {
    let words = |route: &Route| route.label.as_ref().map(|label| Arc::clone(&label.text));
    let same = |one: &Table, other: &Table| {
        let mut pairs = one.routes.iter().zip(&other.routes);
        one.routes.len() == other.routes.len() && pairs.all(|(one, other)| one.when == other.when && words(one) == words(other))
    };
    let (was, now): (Vec<&Table>, Vec<&Table>) = (tables(base).collect(), tables(head).collect());
    let differs: Vec<bool> = was.iter().zip(&now).map(|(one, other)| !same(one, other)).collect();
    let kept = |at: usize| differs.get(at).copied().unwrap_or(true);
    let was = was.into_iter().enumerate().filter(|(at, _)| kept(*at)).flat_map(|(_, table)| &table.routes).collect();
    let now = now.into_iter().enumerate().filter(|(at, _)| kept(*at)).flat_map(|(_, table)| &table.routes).collect();
    (was, now)
}

fn tables(gateway: &Gateway) -> impl Iterator<Item = &Table> {
    gateway.tables.iter().filter(|table| table.kind == TableKind::Routes)
}

/// Returns the addresses of the routes of `head` that ask for something that none of `base` does, or stand elsewhere.
fn changed(base: &Gateway, head: &Gateway) -> BTreeSet<usize> {
    let words = |route: &Route| route.label.as_ref().map(|label| Arc::clone(&label.text));
    let (was, now) = routes(base, head);
    let mut places: BTreeMap<_, VecDeque<usize>> = BTreeMap::new();
    for (at, route) in was.iter().enumerate() {
        places.entry(words(route)).or_default().push_back(at);
    }
    let mut pairs = Vec::new();
    for (at, route) in now.iter().enumerate() {
        let places = places.get_mut(&words(route));
        let same = |place: &usize| was.get(*place).is_some_and(|other| other.when == route.when);
        if let Some(place) = places.and_then(|places| places.iter().position(same).and_then(|found| places.remove(found))) {
            pairs.push((at, place));
        }
    }
    let kept: BTreeSet<usize> = rising(&pairs).into_iter().map(|(at, _)| at).collect();
    now.iter().enumerate().filter(|(at, _)| !kept.contains(at)).map(|(_, route)| std::ptr::from_ref(*route).addr()).collect()
}

/// Returns the routes that no request can take, as far as a route that `counts`, or one before it that does, is concerned.
fn hidden<'m>(gateway: &'m Gateway, counts: &dyn Fn(&Route) -> bool) -> Vec<Shadow<'m>> {
    let mut found = Vec::new();
    let mut cover = None;
    for table in tables(gateway).filter(|table| table.routes.iter().any(counts)) {
        hidden_in(gateway, table, counts, cover.get_or_insert_with(|| Cover::new(gateway)), &mut found);
    }
    found
}

fn hidden_in<'m>(gateway: &'m Gateway, table: &'m Table, counts: &dyn Fn(&Route) -> bool, cover: &mut Cover, found: &mut Vec<Shadow<'m>>) {
    let mut firm = Firm::default();
    let mut new: Vec<&Route> = Vec::new();
    for route in table.routes.iter().take(MOST_ROUTES) {
        let counted = counts(route);
        let near = |new: &&&Route| !apart(&new.when, &route.when);
        if counted || new.iter().any(|one| near(&one)) {
            let by = match hiding_alone(gateway, &firm, route) {
                Some(one) => vec![one],
                // It is too much: then nothing is said.
                None => hiding(gateway, &firm.routes, (route, counted), &new, cover).unwrap_or_default(),
            };
            let by: Vec<&Label> = by.iter().filter_map(|by| by.label.as_ref()).collect();
            if let Some(hidden) = route.label.as_ref().filter(|hidden| !by.is_empty() && by.iter().all(|by| by.span != hidden.span)) {
                found.push(Shadow { hidden, by });
            }
        }
        if is_firm(gateway, &route.step, 0) {
            firm.push(route);
            if counted {
                new.push(route);
            }
        }
    }
}

/// Returns one route that plainly takes all requests of `route`.
fn hiding_alone<'m>(gateway: &Gateway, firm: &Firm<'m>, route: &Route) -> Option<&'m Route> {
    let mut earlier = firm.candidates(&route.when).into_iter().filter_map(|at| firm.routes.get(at).copied());
    let first = earlier.find(|earlier| implies(&route.when, &earlier.when))?;
    (!alike(gateway, &first.step, &route.step)).then_some(first)
}

/// Returns the earlier routes that take all requests of `route` together; none where some may be left, or where one of them does the same.
fn hiding<'m>(
    gateway: &Gateway,
    firm: &[&'m Route],
    (route, counted): (&'m Route, bool),
    new: &[&Route],
    cover: &mut Cover,
) -> Result<Vec<&'m Route>, TooMuch> {
    let mut left = cover.of(&route.when)?;
    // Nothing passes it at all, or nothing that is new is in its way.
    if left.is_empty() || !counted && !in_the_way(route, new, &left, cover)? {
        return Ok(Vec::new());
    }
    let mut by = Vec::new();
    for earlier in firm.iter().filter(|earlier| !apart(&earlier.when, &route.when)) {
        if !cover.overlaps(&left, &earlier.when)? {
            continue;
        }
        if by.len() >= MOST_TOGETHER || alike(gateway, &earlier.step, &route.step) {
            return Ok(Vec::new());
        }
        by.push(*earlier);
        left = cover.without(&left, &earlier.when)?;
        if left.is_empty() {
            return Ok(by);
        }
    }
    Ok(Vec::new())
}

fn in_the_way<'m>(route: &Route, new: &[&'m Route], left: &[Cube<'m>], cover: &mut Cover) -> Result<bool, TooMuch> {
    for earlier in new.iter().filter(|earlier| !apart(&earlier.when, &route.when)) {
        if cover.overlaps(left, &earlier.when)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether a request that takes `step` never comes back to try further routes.
fn is_firm(gateway: &Gateway, step: &Step, depth: usize) -> bool {
    let table = |id: TableId| gateway.tables.get(id.0).filter(|_| depth < 20);
    match &step.next {
        Next::End(_) | Next::Restart(_) => true,
        Next::Fallback => false,
        Next::Try { otherwise, .. } => is_firm(gateway, otherwise, depth + 1),
        Next::Split(ways) => ways.iter().all(|(_, step)| is_firm(gateway, step, depth + 1)),
        Next::Table(id) => table(*id).is_some_and(|table| {
            table.routes.iter().all(|route| is_firm(gateway, &route.step, depth + 1)) && is_firm(gateway, &table.otherwise, depth + 1)
        }),
    }
}

/// Returns whether both steps plainly do the same: then it makes no difference which one is taken.
fn alike(gateway: &Gateway, one: &Step, other: &Step) -> bool {
    let end = |step: &Step| match &step.next {
        Next::End(outcome) => Some((**outcome).clone()),
        Next::Table(_) | Next::Restart(_) | Next::Try { .. } | Next::Fallback | Next::Split(_) => None,
    };
    match (end(one), end(other)) {
        (Some(Outcome::Forward(one)), Some(Outcome::Forward(other))) => {
            let members = |target: &Target| match target {
                Target::Pool(id) => gateway.pools.get(id.0).map(|pool| pool.members.iter().map(|member| member.address.clone()).collect::<Vec<_>>()),
                Target::Computed { .. } => None,
            };
            one.uri == other.uri && (one.target == other.target || members(&one.target).is_some_and(|one| Some(one) == members(&other.target)))
        }
        (Some(Outcome::Reject { status: one, .. }), Some(Outcome::Reject { status: other, .. })) => one == other,
        _ => one == other,
    }
}
