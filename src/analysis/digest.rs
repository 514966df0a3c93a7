//! What stands in conditions and steps, as numbers that are equal where they mean the same. Where a step leads is listed apart: [`super::prints`] puts it
//! together.

use crate::model::{
    Action, Condition, Converted, Forward, Gateway, Lookup, Matcher, Name, Next, Outcome, Part, QueryEdit, Step, TableId, Target, Test, UpstreamUri,
    Value,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A table that a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) table: TableId,
    /// By an internal redirect.
    pub(super) restart: bool,
}

/// What is to become one number, collected before it is hashed at once: most of what is noted is a few bytes, and hashing those one by one takes several times
/// as long. Not a faster hash: of two texts that collide
/// one would pass for the other, and of this one (`SipHash`) collisions are not made by arithmetic.
#[derive(Debug)]
pub(super) struct Note(Vec<u8>);

impl Default for Note {
    fn default() -> Self {
        Self(Vec::with_capacity(256))
    }
}

impl Hasher for Note {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        hasher.finish()
    }
}

/// Makes the digests of one gateway.
#[derive(Debug)]
pub(super) struct Digest<'m> {
    gateway: &'m Gateway,
    /// Of what counts for all of its requests.
    rules: u64,
    /// By pool.
    pools: Vec<u64>,
    lookups: BTreeMap<&'m str, &'m Lookup>,
    /// By name: a table of thousands of lines may be used in thousands of places.
    lookup_prints: RefCell<BTreeMap<&'m str, u64>>,
}

struct Run<'d, 'm> {
    digest: &'d Digest<'m>,
    hasher: Note,
    links: Vec<Link>,
    lookups: BTreeSet<&'m str>,
}

impl<'m> Digest<'m> {
    /// `pools` are the prints of the gateway's pools.
    pub(super) fn new(gateway: &'m Gateway, pools: Vec<u64>) -> Self {
        let lookups = gateway.lookups.iter().rev().map(|lookup| (&*lookup.name, lookup)).collect();
        let mut rules = Note::default();
        (gateway.normalization, gateway.restart_limit).hash(&mut rules);
        Self { gateway, rules: rules.finish(), pools, lookups, lookup_prints: RefCell::default() }
    }

    /// Returns the digest of what counts for all of a gateway's requests.
    pub(super) fn gateway_print(&self) -> u64 {
        self.rules
    }

    pub(super) fn condition(&self, condition: &'m Condition) -> u64 {
        let mut run = self.run();
        run.condition(condition);
        run.hasher.finish()
    }

    /// Returns the digest of a step and the tables it leads to.
    pub(super) fn step(&self, step: &'m Step) -> (u64, Vec<Link>) {
        let mut run = self.run();
        run.step(step);
        (run.hasher.finish(), run.links)
    }

    pub(super) fn pool(&self, at: usize) -> Option<u64> {
        self.pools.get(at).copied()
    }

    fn lookup(&self, lookup: &'m Lookup) -> u64 {
        if let Some(known) = self.lookup_prints.borrow().get(&*lookup.name) {
            return *known;
        }
        let mut run = self.run();
        run.lookups.insert(&lookup.name);
        run.entries(lookup);
        let print = run.hasher.finish();
        self.lookup_prints.borrow_mut().insert(&lookup.name, print);
        print
    }

    fn run(&self) -> Run<'_, 'm> {
        Run { digest: self, hasher: Note::default(), links: Vec::new(), lookups: BTreeSet::new() }
    }
}

impl<'m> Run<'_, 'm> {
    fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.hasher);
    }

    fn link(&mut self, table: TableId, restart: bool) {
        self.note(("link", restart));
        self.links.push(Link { table, restart });
    }

    fn step(&mut self, step: &'m Step) {
        self.note(step.actions.len());
        for action in &step.actions {
            self.action(action);
        }
        match &step.next {
            Next::Table(table) => self.link(*table, false),
            Next::Restart(table) => self.link(*table, true),
            Next::Try { table, otherwise } => {
                self.note("try");
                self.link(*table, false);
                self.step(otherwise);
            }
            Next::Fallback => self.note("fallback"),
            Next::Split(ways) => {
                self.note(("ways", ways.len()));
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
                    QueryEdit::KeepTarget => self.note("keep target"),
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
            Action::ReplaceHeader { name, regex, value, elements, .. } => {
                self.note(("replace header", name, regex, elements));
                self.value(value);
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
                Part::Converted(converted) => {
                    let Converted { value, by: _ } = &**converted;
                    self.value(value);
                }
                Part::Literal(_) | Part::Field(_) | Part::Capture(_) | Part::Hole(_) => {}
            }
        }
    }

    fn lookup(&mut self, name: &'m Name) {
        let Some(lookup) = self.digest.lookups.get(&**name).copied() else { return };
        if self.lookups.is_empty() {
            let print = self.digest.lookup(lookup);
            return self.note(("lookup", print));
        }
        if self.lookups.insert(&lookup.name) {
            self.entries(lookup);
        }
    }

    fn entries(&mut self, lookup: &'m Lookup) {
        self.note(("lookup", lookup.entries.len(), lookup.volatile));
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
            Target::Pool(id) => self.note(self.digest.pool(id.0)),
            Target::Computed { authority, default_port, resolvable } => {
                self.note((default_port, resolvable));
                self.value(authority);
                // Any declared pool may be meant, by its name.
                let gateway = self.digest.gateway;
                for (at, pool) in gateway.pools.iter().enumerate().filter(|(_, pool)| pool.declared) {
                    self.note((&pool.name, self.digest.pool(at)));
                }
            }
        }
        match uri {
            UpstreamUri::AsReceived => self.note("as received"),
            UpstreamUri::ReplacePrefix { prefix, with } => self.note((prefix, with)),
            UpstreamUri::Exact(value) => self.named_value("exact", value),
        }
        self.note(on_status.len());
        for handler in on_status {
            self.note((&handler.statuses, handler.from_upstream));
            self.step(&handler.step);
        }
    }
}
