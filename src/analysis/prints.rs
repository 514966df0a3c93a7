//! Whether two tables, routes or steps mean the same, everything they reach included: pools by their members, servers by whether they exist; names, order
//! of members and places do not count.
//!
//! A table's print is made of what stands in it and of the prints of the tables it leads to. Internal redirects lead back into tables that are being
//! printed, so prints are made in rounds, each telling apart more than the one before, until a round tells apart nothing new: then two tables with one
//! print cannot be told apart by any request. The prints of all gateways are made together, because only prints of the same round can be compared.

use super::digest::{Digest, Link, Note};
use crate::model::{Existence, Gateway, HealthCheck, Host, Inventory, Member, Model, Pool, Step, TableId};
use std::hash::{Hash, Hasher};

/// The most rounds. Each follows internal redirects one further; no format makes chains of that length. What is left then counts as different.
const MOST_ROUNDS: u64 = 64;

/// The prints of one gateway.
#[derive(Debug)]
pub(super) struct Prints<'m> {
    pub(super) gateway: &'m Gateway,
    /// By table.
    tables: Vec<TablePrints>,
    /// Tells this gateway's prints from all others where the rounds did not suffice; else 0.
    salt: u64,
    digest: Digest<'m>,
}

#[derive(Clone, Debug, Default)]
struct TablePrints {
    digests: Vec<RouteDigest>,
    otherwise: StepDigest,
    /// The print of the last round and, until they are done, of the one before.
    deep: u64,
    before: u64,
    /// Without what internal redirects lead to.
    near: u64,
    /// An internal redirect is among what it leads to, so that another round may tell it apart from more.
    unsettled: bool,
}

#[derive(Clone, Debug, Default)]
struct RouteDigest {
    when: u64,
    step: StepDigest,
}

/// What stands in a step, and where it leads, in order.
#[derive(Clone, Debug, Default)]
struct StepDigest {
    own: u64,
    links: Vec<Link>,
}

/// A route's condition and step, as numbers that are equal where they mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RoutePrint {
    pub(super) when: u64,
    pub(super) step: u64,
}

/// How far a print follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// Everything.
    Deep,
    /// Not internal redirects: they lead back to the table the step is in.
    Near,
}

impl TablePrints {
    /// Returns all that its steps lead to.
    fn links(&self) -> impl Iterator<Item = &Link> {
        self.digests.iter().map(|one| &one.step).chain([&self.otherwise]).flat_map(|step| &step.links)
    }
}

impl<'m> Prints<'m> {
    /// Returns the prints of all gateways of `models`, in order.
    pub(super) fn of(models: [&'m Model; 2]) -> [Vec<Self>; 2] {
        let mut sides = models.map(|model| model.gateways.iter().map(|gateway| Self::digests(model, gateway)).collect::<Vec<_>>());
        let orders: Vec<Vec<usize>> = sides.iter().flatten().map(Self::inner_first).collect();
        let mut known = 0;
        for round in 0..=MOST_ROUNDS {
            let mut classes: Vec<u64> = Vec::new();
            for (prints, order) in sides.iter_mut().flatten().zip(&orders) {
                prints.round(order, round);
                classes.extend(prints.tables.iter().filter(|table| table.unsettled).map(|table| table.deep));
            }
            classes.sort_unstable();
            classes.dedup();
            if classes.len() == known {
                return sides;
            }
            known = classes.len();
        }
        for (prints, salt) in sides.iter_mut().flatten().zip(1..) {
            prints.salt = salt;
        }
        sides
    }

    fn digests(model: &Model, gateway: &'m Gateway) -> Self {
        let pools = gateway.pools.iter().map(|pool| pool_print(pool, &model.inventory)).collect();
        let digest = Digest::new(gateway, pools);
        let step = |step: &'m Step| {
            let (own, links) = digest.step(step);
            StepDigest { own, links }
        };
        let tables = gateway.tables.iter().map(|table| TablePrints {
            digests: table.routes.iter().map(|route| RouteDigest { when: digest.condition(&route.when), step: step(&route.step) }).collect(),
            otherwise: step(&table.otherwise),
            ..TablePrints::default()
        });
        Self { gateway, tables: tables.collect(), salt: 0, digest }
    }

    /// Returns the tables so that each comes after those it leads to without an internal redirect.
    fn inner_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.tables.len());
        let mut seen = vec![false; self.tables.len()];
        let mut todo = Vec::new();
        for first in 0..self.tables.len() {
            todo.push((first, false));
            while let Some((at, done)) = todo.pop() {
                let (Some(seen), Some(table)) = (seen.get_mut(at), self.tables.get(at)) else { continue };
                if done {
                    order.push(at);
                } else if !std::mem::replace(seen, true) {
                    todo.push((at, true));
                    let inner = table.links().filter(|link| !link.restart).map(|link| link.table.0);
                    todo.extend(inner.map(|inner| (inner, false)));
                }
            }
        }
        order
    }

    fn round(&mut self, order: &[usize], round: u64) {
        for table in &mut self.tables {
            table.before = table.deep;
        }
        for at in order {
            let unsettled = match (round, self.tables.get(*at)) {
                (0, Some(table)) => table.links().any(|link| link.restart || self.tables.get(link.table.0).is_some_and(|inner| inner.unsettled)),
                (_, table) => table.is_some_and(|table| table.unsettled),
            };
            // What no internal redirect can be reached from has its print from the first round.
            if round > 0 && !unsettled {
                continue;
            }
            let print = self.tables.get(*at).map(|table| {
                let mut hasher = Note::default();
                (self.digest.gateway_print(), table.digests.len()).hash(&mut hasher);
                for one in &table.digests {
                    one.when.hash(&mut hasher);
                    self.print(&one.step, |link| if link.restart { self.last(link) } else { self.deep(link.table) }).hash(&mut hasher);
                }
                self.print(&table.otherwise, |link| if link.restart { self.last(link) } else { self.deep(link.table) }).hash(&mut hasher);
                hasher.finish()
            });
            if let Some((table, print)) = self.tables.get_mut(*at).zip(print) {
                table.deep = print;
                table.unsettled = unsettled;
                if round == 0 {
                    table.near = print;
                }
            }
        }
    }

    fn print(&self, step: &StepDigest, link: impl Fn(&Link) -> u64) -> u64 {
        if step.links.is_empty() && self.salt == 0 {
            return step.own;
        }
        let mut hasher = Note::default();
        (self.salt, step.own).hash(&mut hasher);
        for one in &step.links {
            (one.restart, link(one)).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn last(&self, link: &Link) -> u64 {
        self.tables.get(link.table.0).map_or(0, |table| table.before)
    }

    fn deep(&self, table: TableId) -> u64 {
        self.tables.get(table.0).map_or(0, |table| table.deep)
    }

    /// Returns the print of all that begins at `table`.
    pub(super) fn table(&self, table: TableId) -> u64 {
        self.deep(table) ^ self.salt
    }

    fn followed(&self, step: &StepDigest, follow: Follow) -> u64 {
        self.print(step, |link| match (follow, link.restart) {
            (Follow::Deep, _) => self.deep(link.table),
            (Follow::Near, true) => 0,
            (Follow::Near, false) => self.tables.get(link.table.0).map_or(0, |table| table.near),
        })
    }

    /// Returns the prints of the routes of `table`, in order, and of its `otherwise`.
    pub(super) fn routes(&self, table: TableId, follow: Follow) -> (Vec<RoutePrint>, u64) {
        let Some(table) = self.tables.get(table.0) else { return (Vec::new(), 0) };
        let routes = table.digests.iter().map(|one| RoutePrint { when: one.when, step: self.followed(&one.step, follow) });
        (routes.collect(), self.followed(&table.otherwise, follow))
    }

    /// Returns the print of one step and all it leads to.
    pub(super) fn step(&self, step: &'m Step) -> u64 {
        let (own, links) = self.digest.step(step);
        self.followed(&StepDigest { own, links }, Follow::Deep)
    }

    /// Returns the print of a pool.
    pub(super) fn pool(&self, at: usize) -> Option<u64> {
        self.digest.pool(at)
    }
}

/// Returns the fingerprint of a pool: its members in any order, whether they exist, and how it behaves.
fn pool_print(pool: &Pool, inventory: &Inventory) -> u64 {
    let existence = |host: &Host| match inventory.existence(host) {
        Existence::Known(_) => 0_u8,
        Existence::Missing(_) => 1,
        Existence::Unknown => 2,
    };
    let member = |member: &Member| {
        let mut hasher = Note::default();
        (&member.address, member.weight, member.state, member.ejection, member.max_connections, member.checked, existence(&member.address.host))
            .hash(&mut hasher);
        inventory.probe_refused(pool, member).is_some().hash(&mut hasher);
        hasher.finish()
    };
    let mut members: Vec<u64> = pool.members.iter().map(member).collect();
    members.sort_unstable();
    let mut hasher = Note::default();
    (members, &pool.balancing, pool.complete, pool.backups_together, &pool.persistence).hash(&mut hasher);
    if let Some(HealthCheck { path, method, expect, interval_ms, fall, rise, port, label: _ }) = &pool.health_check {
        (path, method, expect, interval_ms, fall, rise, port).hash(&mut hasher);
    }
    hasher.finish()
}
