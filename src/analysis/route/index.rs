//! What is made once for a model and used by every walk: compiled patterns, and where in a long table a literal stands.

use super::text::Text;
use crate::model::{Condition, Field, Gateway, Matcher, Model, Regex, RegexDialect, Table, TableId, Test};
use crate::space::Pattern;
use hashbrown::HashMap;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// Compiled patterns, and what was spent; both sides of a change share them.
#[derive(Debug, Default)]
pub(in crate::analysis) struct Patterns {
    known: RefCell<HashMap<Regex, Option<Rc<Pattern>>>>,
    spent: Cell<u64>,
}

impl Patterns {
    /// Returns the compiled `regex`, `None` when it cannot be read.
    pub(in crate::analysis) fn get(&self, regex: &Regex) -> Option<Rc<Pattern>> {
        if let Some(known) = self.known.borrow().get(regex) {
            return known.clone();
        }
        self.spend(COMPILING + regex.pattern.len());
        let compiled = Pattern::new(regex).ok().map(Rc::new);
        self.known.borrow_mut().insert(regex.clone(), compiled.clone());
        compiled
    }

    /// Counts work, in tests of a plain condition. It is counted and not timed, so that the same trees give the same answer on every machine.
    pub(in crate::analysis) fn spend(&self, work: usize) {
        self.spent.set(self.spent.get().saturating_add(work as u64));
    }

    /// Returns the work counted so far.
    pub(in crate::analysis) fn spent(&self) -> u64 {
        self.spent.get()
    }
}

/// What compiling the shortest pattern costs.
const COMPILING: usize = 400;

/// A model ready to route requests.
#[derive(Debug)]
pub(in crate::analysis) struct Engine<'m> {
    pub(in crate::analysis) model: &'m Model,
    pub(in crate::analysis) patterns: Rc<Patterns>,
    /// By gateway and table.
    indexes: Vec<Vec<OnceCell<TableIndex>>>,
}

impl<'m> Engine<'m> {
    pub(in crate::analysis) fn new(model: &'m Model, patterns: Rc<Patterns>) -> Self {
        let indexes = model.gateways.iter().map(|gateway| gateway.tables.iter().map(|_| OnceCell::new()).collect()).collect();
        Self { model, patterns, indexes }
    }

    /// Returns where `gateway` is in the model; it is one of its gateways.
    pub(super) fn position(&self, gateway: &Gateway) -> Option<usize> {
        self.model.gateways.iter().position(|one| std::ptr::eq(one, gateway))
    }

    /// Returns the index of a table, `None` for a short one, where it does not pay.
    pub(super) fn index(&self, gateway: usize, id: TableId, table: &Table) -> Option<&TableIndex> {
        if table.routes.len() < 12 {
            return None;
        }
        Some(self.indexes.get(gateway)?.get(id.0)?.get_or_init(|| TableIndex::new(table)))
    }
}

/// Where the literals of a table stand, so that ten thousand locations are not tried one by one.
#[derive(Debug, Default)]
pub(super) struct TableIndex {
    paths: Literals,
    hosts: Literals,
    /// The routes with a regex on the path that only texts with a certain beginning match, by that beginning, each list in order.
    fronts: HashMap<Box<[u8]>, Vec<usize>>,
    /// The lengths of the beginnings, each once.
    front_lengths: Vec<usize>,
    /// The routes that can be looked up by nothing, in order.
    others: Vec<usize>,
}

#[derive(Debug, Default)]
struct Literals {
    exact: HashMap<Box<[u8]>, usize>,
    prefix: HashMap<Box<[u8]>, usize>,
    /// The lengths of the prefixes, each once.
    lengths: Vec<usize>,
}

impl TableIndex {
    fn new(table: &Table) -> Self {
        let mut index = Self::default();
        for (at, route) in table.routes.iter().enumerate() {
            let literals = match &route.when {
                Condition::Test(Test { subject, .. }) => match subject.as_field() {
                    Some(Field::Path) => Some(&mut index.paths),
                    Some(Field::Host) => Some(&mut index.hosts),
                    _ => None,
                },
                _ => None,
            };
            if literals.is_some_and(|literals| literals.add(&route.when, at)) {
                continue;
            }
            match path_front(&route.when) {
                "" => index.others.push(at),
                front => {
                    index.fronts.entry(Box::from(front.as_bytes())).or_default().push(at);
                    if !index.front_lengths.contains(&front.len()) {
                        index.front_lengths.push(front.len());
                    }
                }
            }
        }
        index
    }

    /// Returns the first route that a literal takes, and the routes before it that must be tried, in order; `None` when the texts cannot be read.
    pub(super) fn candidates(&self, path: &Text, host: &Text) -> Option<(Option<usize>, Vec<usize>)> {
        if path.hole || host.hole {
            return None;
        }
        let hit = [self.paths.first(&path.bytes), self.hosts.first(&host.bytes)].into_iter().flatten().min();
        let fronted = self.front_lengths.iter().filter_map(|length| self.fronts.get(path.bytes.get(..*length)?)).flatten();
        let before = |at: &&usize| hit.is_none_or(|hit| **at < hit);
        let mut all: Vec<usize> = self.others.iter().take_while(before).chain(fronted.filter(before)).copied().collect();
        all.sort_unstable();
        Some((hit, all))
    }
}

/// Returns what a path must begin with for `when` to hold, where that is a regex that says so.
fn path_front(when: &Condition) -> &str {
    match when {
        Condition::Test(Test { subject, matcher: Matcher::Regex(regex) }) if subject.as_field() == Some(&Field::Path) => match regex.dialect {
            RegexDialect::Pcre | RegexDialect::Re2Search => Regex::front(&regex.pattern, regex.caseless),
            RegexDialect::Re2Full => "",
        },
        _ => "",
    }
}

impl Literals {
    /// Notes the condition of route `at` if it is a plain literal.
    fn add(&mut self, when: &Condition, at: usize) -> bool {
        let Condition::Test(test) = when else { return false };
        match &test.matcher {
            Matcher::Equals { text, caseless: false } => {
                let Some(text) = text.as_literal() else { return false };
                self.exact.entry(Box::from(text.as_bytes())).or_insert(at);
                true
            }
            Matcher::Prefix { text, caseless: false } => {
                self.prefix.entry(Box::from(text.as_bytes())).or_insert(at);
                if !self.lengths.contains(&text.len()) {
                    self.lengths.push(text.len());
                }
                true
            }
            _ => false,
        }
    }

    fn first(&self, text: &[u8]) -> Option<usize> {
        let prefixes = self.lengths.iter().filter_map(|length| self.prefix.get(text.get(..*length)?));
        self.exact.get(text).into_iter().chain(prefixes).copied().min()
    }
}
