//! Log formats: texts with `%[expression]` and `%variables` in them.
//!
//! HAProxy: `parse_logformat_string`, `configuration.txt` 8.2.4. `%%` is a percent sign; `%{…}` before either changes quoting.

use super::super::syntax::Word;
use super::Lowering;
use super::expression;
use super::settings::Proxy;
use crate::formats::source::{self, shown};
use crate::model::{Condition, Field, Part, Value};
use std::sync::Arc;

/// A text made at request time.
pub(super) struct Made {
    pub(super) value: Value,
    /// All of it is there only if this holds (a single expression whose fetch can fail).
    pub(super) present: Option<Condition>,
}

impl Lowering<'_, '_> {
    /// Returns the text that the log format `word` makes.
    pub(super) fn lower_format(&mut self, proxy: &Proxy<'_>, word: &Word) -> Value {
        let mut parts = Vec::new();
        let mut rest: &str = &word.text;
        while let Some((before, after)) = rest.split_once('%') {
            push_literal(&mut parts, before);
            rest = self.lower_variable(proxy, word, after, &mut parts);
        }
        push_literal(&mut parts, rest);
        Value { parts }
    }

    /// Returns the sample of an expression that stands alone (`set-var`, `set-src`).
    pub(super) fn lower_expression(&mut self, proxy: &Proxy<'_>, word: &Word) -> Made {
        let Some(read) = expression::parse(&word.text) else {
            self.unknown(&word.span, format!("`{}` cannot be read", shown(&word.text)));
            return Made { value: hole(&word.text), present: None };
        };
        let sample = self.lower_sample(proxy, &read, &word.text, (&word.span, false));
        let present = sample.present.clone();
        Made { value: sample.into_value(), present }
    }

    /// Reads what follows a `%` and returns the rest.
    fn lower_variable<'t>(&mut self, proxy: &Proxy<'_>, word: &Word, text: &'t str, parts: &mut Vec<Part>) -> &'t str {
        if let Some(rest) = text.strip_prefix('%') {
            push_literal(parts, "%");
            return rest;
        }
        let after_flags = text.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or(text, |(_, rest)| rest);
        if let Some(inner) = after_flags.strip_prefix('[')
            && let Some((read, rest)) = expression::parse_start(inner)
            && let Some(rest) = rest.strip_prefix(']')
        {
            let words = inner.get(..inner.len() - rest.len() - 1).unwrap_or(inner);
            let value = self.lower_sample(proxy, &read, words, (&word.span, false)).into_value();
            parts.extend(value.parts);
            return rest;
        }
        let end = after_flags.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after_flags.len());
        let (name, rest) = after_flags.split_at_checked(end).unwrap_or((after_flags, ""));
        match variable(name) {
            Some(found) => parts.extend(found),
            None if name.is_empty() => push_literal(parts, "%"),
            None => {
                self.unknown(&word.span, format!("`%{name}` is not read: it can be anything"));
                parts.push(Part::Hole(Arc::from(format!("%{name}"))));
            }
        }
        rest
    }
}

fn variable(name: &str) -> Option<Vec<Part>> {
    let field = |field| Some(vec![Part::Field(field)]);
    match name {
        "HM" => field(Field::Method),
        "HP" | "HPO" => field(Field::Path),
        "HQ" => Some(vec![Part::Field(Field::QueryMark), Part::Field(Field::Query)]),
        "HU" => field(Field::Target),
        "HV" => field(Field::Protocol),
        "ci" => field(Field::Source),
        "fi" => field(Field::ListenAddress),
        "fp" => field(Field::ListenPort),
        _ => None,
    }
}

fn hole(text: &str) -> Value {
    Value { parts: vec![Part::Hole(Arc::from(shown(text)))] }
}

/// Adds a literal, in which a template's expressions stay what nobody can read.
fn push_literal(parts: &mut Vec<Part>, text: &str) {
    for piece in source::parts(text) {
        match (piece, parts.last_mut()) {
            (source::Part::Hole(words), _) => parts.push(Part::Hole(Arc::from(words))),
            (source::Part::Literal(text), Some(Part::Literal(last))) => *last = Arc::from(format!("{last}{text}")),
            (source::Part::Literal(text), _) => parts.push(Part::Literal(Arc::from(text))),
        }
    }
}

/// Returns a text that is no log format.
pub(super) fn literal(text: &str) -> Value {
    let mut parts = Vec::new();
    push_literal(&mut parts, text);
    Value { parts }
}
