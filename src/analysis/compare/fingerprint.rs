//! Whether two tables mean the same, everything they reach included: pools by their members, servers by whether they exist; names, order of members and
//! places do not count.

use crate::model::{
    Action, Existence, Forward, Gateway, HealthCheck, Host, Inventory, Lookup, Matcher, Member, Model, Name, Next, Outcome, Part, Pool, PoolId,
    QueryEdit, Step, TableId, Target, Test, UpstreamUri, Value,
};
use crate::model::{Condition, Route};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the fingerprint of a step follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// Everything.
    All,
    /// Not internal redirects: they lead back to the table the step is in.
    Forward,
}

/// Makes the fingerprints of one gateway.
pub(super) struct Prints<'m> {
    gateway: &'m Gateway,
    /// By pool.
    pools: Vec<u64>,
    lookups: BTreeMap<&'m str, &'m Lookup>,
}

struct Run<'p, 'm> {
    prints: &'p Prints<'m>,
    hasher: DefaultHasher,
    /// Tables met, numbered as they are met, so that the numbers of the model do not count.
    tables: BTreeMap<TableId, usize>,
    lookups: BTreeSet<&'m str>,
    follow: Follow,
}

impl<'m> Prints<'m> {
    pub(super) fn new(model: &'m Model, gateway: &'m Gateway) -> Self {
        let lookups = gateway.lookups.iter().rev().map(|lookup| (&*lookup.name, lookup)).collect();
        let pools = gateway.pools.iter().map(|pool| pool_print(pool, &model.inventory)).collect();
        Self { gateway, pools, lookups }
    }

    /// Returns the fingerprint of all that begins at `table`.
    pub(super) fn table(&self, table: TableId) -> u64 {
        let mut run = self.run(Follow::All);
        run.gateway();
        run.table(table);
        run.hasher.finish()
    }

    /// Returns the fingerprint of one route.
    pub(super) fn route(&self, route: &'m Route) -> u64 {
        let mut run = self.run(Follow::Forward);
        run.condition(&route.when);
        run.step(&route.step);
        run.hasher.finish()
    }

    /// Returns the fingerprint of one step.
    pub(super) fn step(&self, step: &'m Step) -> u64 {
        let mut run = self.run(Follow::Forward);
        run.step(step);
        run.hasher.finish()
    }

    fn run(&self, follow: Follow) -> Run<'_, 'm> {
        Run { prints: self, hasher: DefaultHasher::new(), tables: BTreeMap::new(), lookups: BTreeSet::new(), follow }
    }
}

impl<'m> Run<'_, 'm> {
    fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.hasher);
    }

    fn gateway(&mut self) {
        let gateway = self.prints.gateway;
        self.note((gateway.normalization, gateway.restart_limit));
    }

    fn table(&mut self, id: TableId) {
        if let Some(seen) = self.tables.get(&id) {
            let seen = *seen;
            return self.note(("seen", seen));
        }
        self.tables.insert(id, self.tables.len());
        let Some(table) = self.prints.gateway.tables.get(id.0) else { return self.note("no table") };
        self.note(("table", table.routes.len()));
        for route in &table.routes {
            self.condition(&route.when);
            self.step(&route.step);
        }
        self.step(&table.otherwise);
    }

    fn step(&mut self, step: &'m Step) {
        for action in &step.actions {
            self.action(action);
        }
        match &step.next {
            Next::Table(table) => self.table(*table),
            Next::Restart(table) => {
                self.note("restart");
                if self.follow == Follow::All {
                    self.table(*table);
                }
            }
            Next::Try { table, otherwise } => {
                self.note("try");
                self.table(*table);
                self.step(otherwise);
            }
            Next::Fallback => self.note("fallback"),
            Next::Split(ways) => {
                for (weight, step) in ways {
                    self.note(("way", weight));
                    self.step(step);
                }
            }
            Next::End(outcome) => self.outcome(outcome),
        }
    }

    fn action(&mut self, action: &'m Action) {
        match action {
            Action::Set { variable, value, .. } => {
                self.note(("set", variable));
                self.value(value);
            }
            Action::Rewrite { path, query, .. } => {
                self.note(("rewrite", path.is_some()));
                if let Some(path) = path {
                    self.value(path);
                }
                match query {
                    QueryEdit::Keep => self.note("keep"),
                    QueryEdit::Replace(value) => self.named_value("replace", value),
                    QueryEdit::Prepend(value) => self.named_value("prepend", value),
                    QueryEdit::Marked(value) => self.named_value("marked", value),
                    QueryEdit::FromPath => self.note("from path"),
                }
            }
            Action::SetMethod(method) => self.note(("method", method)),
            Action::SetStatus(status) => self.note(("status", status)),
            Action::ForgetCaptures => self.note("forget captures"),
            Action::SetSource { value, trusted, recursive, .. } => {
                self.note(("source", trusted, recursive));
                self.value(value);
            }
            Action::SetHeader { name, value, add, .. } => {
                self.note(("header", name, add, value.is_some()));
                if let Some(value) = value {
                    self.value(value);
                }
            }
            Action::Limit(limit) => {
                self.note((limit.kind, limit.most, limit.window_ms, limit.burst, limit.status));
                self.value(&limit.key);
            }
        }
    }

    fn condition(&mut self, condition: &'m Condition) {
        match condition {
            Condition::Always => self.note("always"),
            Condition::All(all) => {
                self.note(("all", all.len()));
                for one in all {
                    self.condition(one);
                }
            }
            Condition::Any(any) => {
                self.note(("any", any.len()));
                for one in any {
                    self.condition(one);
                }
            }
            Condition::Not(inner) => {
                self.note("not");
                self.condition(inner);
            }
            Condition::Test(test) => self.test(test),
            Condition::Opaque(opaque) => {
                self.note(("opaque", &opaque.text));
                self.value(&opaque.input);
            }
        }
    }

    fn test(&mut self, test: &'m Test) {
        self.value(&test.subject);
        match &test.matcher {
            Matcher::Equals { text, caseless } => {
                self.note(("equals", caseless));
                self.value(text);
            }
            other => self.note(other),
        }
    }

    fn named_value(&mut self, name: &str, value: &'m Value) {
        self.note(name);
        self.value(value);
    }

    fn value(&mut self, value: &'m Value) {
        self.note(value);
        for part in &value.parts {
            match part {
                Part::Variable(name) => self.lookup(name),
                Part::Converted(converted) => self.value(&converted.value),
                Part::Literal(_) | Part::Field(_) | Part::Capture(_) | Part::Hole(_) => {}
            }
        }
    }

    fn lookup(&mut self, name: &'m Name) {
        let Some(lookup) = self.prints.lookups.get(&**name).copied() else { return };
        if !self.lookups.insert(&lookup.name) {
            return;
        }
        self.note(("lookup", lookup.entries.len()));
        for entry in &lookup.entries {
            self.test(&entry.when);
            self.value(&entry.value);
        }
        self.value(&lookup.otherwise);
    }

    fn outcome(&mut self, outcome: &'m Outcome) {
        match outcome {
            Outcome::Forward(forward) => self.forward(forward),
            Outcome::Redirect { status, location, .. } => {
                self.note(("redirect", status));
                self.value(location);
            }
            Outcome::Respond { status, .. } => self.note(("respond", status)),
            Outcome::Files { root, .. } => self.named_value("files", root),
            Outcome::Reject { status, .. } => self.note(("reject", status)),
            Outcome::Close { .. } => self.note("close"),
            Outcome::None => self.note("none"),
            Outcome::Opaque { reason, .. } => self.note(("opaque", reason)),
        }
    }

    fn forward(&mut self, forward: &'m Forward) {
        let Forward { target, uri, protocol, retry, timeouts, on_status, label: _ } = forward;
        self.note((protocol, retry, timeouts));
        match target {
            Target::Pool(id) => match self.prints.gateway.pools.get(id.0) {
                Some(_) => self.pool(*id),
                None => self.note("no pool"),
            },
            Target::Computed { authority, default_port, resolvable } => {
                self.note((default_port, resolvable));
                self.value(authority);
                // Any declared pool may be meant, by its name.
                for (at, pool) in self.prints.gateway.pools.iter().enumerate().filter(|(_, pool)| pool.declared) {
                    self.note(&pool.name);
                    self.pool(PoolId(at));
                }
            }
        }
        match uri {
            UpstreamUri::AsReceived => self.note("as received"),
            UpstreamUri::ReplacePrefix { prefix, with } => self.note((prefix, with)),
            UpstreamUri::Exact(value) => self.named_value("exact", value),
        }
        for handler in on_status {
            self.note((&handler.statuses, handler.from_upstream));
            self.step(&handler.step);
        }
    }

    fn pool(&mut self, id: PoolId) {
        let print = self.prints.pools.get(id.0).copied();
        self.note(print);
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
        let mut hasher = DefaultHasher::new();
        (&member.address, member.weight, member.state, member.ejection, member.max_connections, member.checked, existence(&member.address.host))
            .hash(&mut hasher);
        inventory.probe_refused(pool, member).is_some().hash(&mut hasher);
        hasher.finish()
    };
    let mut members: Vec<u64> = pool.members.iter().map(member).collect();
    members.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (members, &pool.balancing, pool.complete, pool.backups_together, &pool.persistence).hash(&mut hasher);
    if let Some(HealthCheck { path, method, expect, interval_ms, fall, rise, port, label: _ }) = &pool.health_check {
        (path, method, expect, interval_ms, fall, rise, port).hash(&mut hasher);
    }
    hasher.finish()
}
