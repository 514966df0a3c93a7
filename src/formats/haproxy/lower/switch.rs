//! Which backend a request goes to.
//!
//! HAProxy: `process_switching_rules`: the first `use_backend` whose condition holds, else `default_backend`, else the own servers of a `listen`, else 503.
//! A name that is made at request time and is no backend's falls to `default_backend`; later rules are not tried.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::settings::Proxy;
use crate::formats::source::{has_hole, shown};
use crate::model::{Condition, Label, Lookup, Matcher, Opaque, Outcome, Part, Route, Step, Table, TableKind, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

impl<'a> Lowering<'a, '_> {
    /// Returns the step that chooses the backend for the requests of `proxy`.
    pub(super) fn lower_switch(&mut self, proxy: &Proxy<'a>) -> Step {
        let default = proxy.get(&["default_backend"]);
        let (otherwise, otherwise_label) = match default {
            Some(line) => (self.named_backend(line.arg(0), line), Some(line.label())),
            None => (self.own_servers(proxy), None),
        };
        let label = proxy.section.head.label();
        let otherwise = self.shared(otherwise, &label);
        let mut routes = Vec::new();
        for line in proxy.lines("use_backend") {
            let (_, when) = self.split_condition(proxy, line);
            if when == super::fetch::never() {
                continue;
            }
            let step = match line.arg(0) {
                Some(word) if word.text.contains('%') => self.lower_dynamic(proxy, line, word, &otherwise),
                word => self.named_backend(word, line),
            };
            routes.push(Route { when, step, label: Some(line.label()) });
        }
        if routes.is_empty() && otherwise_label.is_none() {
            return otherwise;
        }
        Step::table(self.add(Table { kind: TableKind::Routes, label, routes, otherwise, otherwise_label }))
    }

    /// Returns the step into the backend that `word` names.
    fn named_backend(&mut self, word: Option<&Word>, line: &Line) -> Step {
        let name = word.map(|word| &*word.text).unwrap_or_default();
        if let Some(proxy) = self.backends.get(name).copied() {
            return self.lower_backend(&proxy);
        }
        let reason = if has_hole(name) { "is not known" } else { "is not here" };
        let reason = Arc::from(format!("the backend `{}` {reason}", shown(name)));
        Step::end(Outcome::Opaque { reason, label: line.label() })
    }

    /// A name made at request time: each backend that it can be.
    fn lower_dynamic(&mut self, proxy: &Proxy<'a>, line: &Line, word: &Word, otherwise: &Step) -> Step {
        let name = self.lower_format(proxy, word);
        let can_be = possible(&name, &self.lookups);
        let backends: Vec<Proxy<'a>> =
            self.backends.iter().filter(|(name, _)| can_be.as_ref().is_none_or(|names| names.contains(**name))).map(|(_, proxy)| *proxy).collect();
        let backends: Vec<Proxy<'a>> = backends.into_iter().filter(|backend| fits(&name, backend.name())).collect();
        let mut routes = Vec::new();
        for backend in backends {
            let step = self.lower_backend(&backend);
            let step = self.shared(step, &backend.section.head.label());
            let when = if has_hole(backend.name()) {
                Condition::Opaque(Opaque { text: Arc::from(format!("the backend is {}", shown(backend.name()))), input: name.clone() })
            } else {
                Condition::test(name.clone(), Matcher::Equals { text: Value::literal(backend.name()), caseless: false })
            };
            routes.push(Route { when, step, label: None });
        }
        let label: Label = line.label();
        Step::table(self.table(TableKind::Instruction, &label, routes, otherwise.clone()))
    }

    /// The own servers of a `listen`; nothing serves the requests of a `frontend`.
    fn own_servers(&mut self, proxy: &Proxy<'a>) -> Step {
        if self.pool_of.contains_key(&proxy.index) {
            return self.lower_servers(proxy);
        }
        self.refuse(proxy, 503, &proxy.section.head)
    }
}

/// Returns the texts that `value` can be, where these are few and known: the values of a map.
fn possible(value: &Value, lookups: &[Lookup]) -> Option<BTreeSet<String>> {
    if let Some(text) = value.as_literal() {
        return Some(BTreeSet::from([text.to_owned()]));
    }
    let [Part::Variable(name)] = value.parts.as_slice() else { return None };
    let lookup = lookups.iter().find(|lookup| lookup.name == *name)?;
    let values = lookup.entries.iter().map(|entry| &entry.value).chain([&lookup.otherwise]);
    values.map(|value| value.as_literal().map(str::to_owned)).collect()
}

/// Returns whether `name` can be made: it begins and ends as `value` does.
fn fits(value: &Value, name: &str) -> bool {
    let literal = |part: Option<&Part>| match part {
        Some(Part::Literal(text)) => Some(text.to_string()),
        _ => None,
    };
    has_hole(name)
        || literal(value.parts.first()).is_none_or(|start| name.starts_with(&start))
            && literal(value.parts.last()).is_none_or(|end| name.ends_with(&end))
}
