//! All values that a gateway's tables use, wherever they stand: for questions like "does anything look at the host again?".

use crate::model::{
    Action, Condition, Converter, Field, Forward, Gateway, Matcher, Next, Outcome, Part, QueryEdit, Step, TableId, Target, Test, UpstreamUri, Value,
};
use std::collections::BTreeSet;

/// What a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// What becomes of the request depends on it, now or later.
    Decides,
    /// It is part of what the client or the upstream is told.
    Tells,
}

/// What a gateway's values read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// Groups of regexes.
    pub(super) captures: bool,
    /// The host, in a way that decides.
    pub(super) host: bool,
    /// Headers by name, in any way.
    pub(super) headers: BTreeSet<crate::model::Name>,
    /// Variables by name.
    pub(super) variables: BTreeSet<crate::model::Name>,
}

impl Reads {
    /// Returns what all that begins at `table` reads; all of the gateway without one. Lookups count as a whole.
    pub(super) fn of(gateway: &Gateway, table: Option<TableId>) -> Self {
        let mut reads = Self::default();
        let mut todo: Vec<TableId> = match table {
            Some(table) => vec![table],
            None => (0..gateway.tables.len()).map(TableId).collect(),
        };
        let mut seen = vec![false; gateway.tables.len()];
        let mut values = |value: &Value, used: Use| reads.value(value, used);
        while let Some(id) = todo.pop() {
            let (Some(table), Some(seen)) = (gateway.tables.get(id.0), seen.get_mut(id.0)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            for route in &table.routes {
                condition(&route.when, &mut values);
                step(&route.step, &mut values, &mut todo);
            }
            step(&table.otherwise, &mut values, &mut todo);
        }
        for lookup in &gateway.lookups {
            for entry in &lookup.entries {
                test(&entry.when, &mut values);
                values(&entry.value, Use::Decides);
            }
            values(&lookup.otherwise, Use::Decides);
        }
        reads
    }

    fn value(&mut self, value: &Value, used: Use) {
        for part in &value.parts {
            match part {
                Part::Field(Field::Host | Field::Sni) => self.host |= used == Use::Decides,
                Part::Field(Field::Header(name) | Field::HeaderLine { name, .. }) => {
                    self.host |= used == Use::Decides && name.eq_ignore_ascii_case("host");
                    self.headers.insert(std::sync::Arc::clone(name));
                }
                Part::Variable(name) => {
                    self.variables.insert(std::sync::Arc::clone(name));
                }
                Part::Capture(_) => self.captures = true,
                Part::Converted(converted) => {
                    self.value(&converted.value, used);
                    if let Converter::Forwarded { list, .. } = &converted.by {
                        self.value(list, used);
                    }
                }
                Part::Field(_) | Part::Literal(_) | Part::Hole(_) => {}
            }
        }
    }
}

fn condition(condition: &Condition, values: &mut impl FnMut(&Value, Use)) {
    match condition {
        Condition::Always => {}
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(|one| self::condition(one, values)),
        Condition::Not(inner) => self::condition(inner, values),
        Condition::Test(one) => test(one, values),
        Condition::Opaque(opaque) => values(&opaque.input, Use::Decides),
    }
}

fn test(test: &Test, values: &mut impl FnMut(&Value, Use)) {
    values(&test.subject, Use::Decides);
    if let Matcher::Equals { text, .. } = &test.matcher {
        values(text, Use::Decides);
    }
}

fn step(step: &Step, values: &mut impl FnMut(&Value, Use), todo: &mut Vec<TableId>) {
    for action in &step.actions {
        match action {
            Action::Set { value, .. } | Action::SetSource { value, .. } => values(value, Use::Decides),
            Action::Rewrite { path, query, .. } => {
                if let Some(path) = path {
                    values(path, Use::Decides);
                }
                match query {
                    QueryEdit::Replace(value) | QueryEdit::Prepend(value) | QueryEdit::Marked(value) => values(value, Use::Decides),
                    QueryEdit::Keep | QueryEdit::KeepTarget | QueryEdit::FromPath => {}
                }
            }
            Action::SetHeader { value, .. } => {
                if let Some(value) = value {
                    values(value, Use::Decides);
                }
            }
            Action::ReplaceHeader { name, value, .. } => {
                values(&Value::field(Field::Header(std::sync::Arc::clone(name))), Use::Decides);
                values(value, Use::Decides);
            }
            // Limits count requests, and decide nothing about the single one.
            Action::Limit(_) | Action::SetMethod(_) | Action::SetStatus(_) | Action::ForgetCaptures => {}
        }
    }
    match &step.next {
        Next::Table(table) | Next::Restart(table) => todo.push(*table),
        Next::Try { table, otherwise } => {
            todo.push(*table);
            self::step(otherwise, values, todo);
        }
        Next::Fallback => {}
        Next::Split(ways) => ways.iter().for_each(|(_, way)| self::step(way, values, todo)),
        Next::End(outcome) => self::outcome(outcome, values, todo),
    }
}

fn outcome(outcome: &Outcome, values: &mut impl FnMut(&Value, Use), todo: &mut Vec<TableId>) {
    match outcome {
        Outcome::Forward(forward) => self::forward(forward, values, todo),
        Outcome::Redirect { location: value, .. } | Outcome::Files { root: value, .. } => values(value, Use::Tells),
        Outcome::Respond { .. } | Outcome::Reject { .. } | Outcome::Close { .. } | Outcome::None | Outcome::Opaque { .. } => {}
    }
}

fn forward(forward: &Forward, values: &mut impl FnMut(&Value, Use), todo: &mut Vec<TableId>) {
    match &forward.target {
        Target::Computed { authority, .. } => values(authority, Use::Decides),
        Target::Pool(_) => {}
    }
    match &forward.uri {
        UpstreamUri::Exact(value) => values(value, Use::Tells),
        UpstreamUri::AsReceived | UpstreamUri::ReplacePrefix { .. } => {}
    }
    for handler in &forward.on_status {
        step(&handler.step, values, todo);
    }
}
