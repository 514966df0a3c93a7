//! Limits: a rule that refuses a client whose counter is above a number.
//!
//! The common idiom: `http-request track-sc0 src`, then `http-request deny if { sc_http_req_rate(0) gt 20 }`, over a `stick-table … store
//! http_req_rate(10s)` of the same section or of the named one (`configuration.txt` 4.2, `stick-table`; 7.3.3, `sc_http_req_rate`). Whether a client is above it is a
//! matter of rates: for the routing the request goes on.

use super::super::syntax::{Line, Section, Word};
use super::Lowering;
use super::acl::ranges;
use super::expression::{self, Call};
use super::fetch::never;
use super::settings::{Proxy, time_ms};
use crate::model::{Action, Condition, Field, Label, Limit, LimitKind, Value};
use std::sync::Arc;

/// A term of a condition that compares a counter.
struct Counted {
    /// What is counted: `http_req_rate`.
    counter: String,
    /// The tracked slot; `None` where the client's address is looked up.
    slot: Option<String>,
    /// The section whose table it is, where one is named.
    table: Option<String>,
    most: u64,
}

impl Lowering<'_, '_> {
    /// Returns the limit that the rule of `line` is, and when it is asked; `None` for any other rule.
    pub(super) fn lower_limit(&mut self, proxy: &Proxy<'_>, line: &Line) -> Option<(Condition, Action)> {
        let status = refusal(line)?;
        let at = line.words.iter().position(|word| *word.text == *"if")?;
        let terms = line.words.get(at + 1..)?;
        if terms.iter().any(Word::is_or) {
            return None;
        }
        let (counted, others) = Self::counted(proxy, terms)?;
        let kept: Vec<Word> = line.words.iter().take(at + 1).cloned().chain(others).collect();
        let when =
            if kept.len() == at + 1 { Condition::Always } else { self.split_condition(proxy, &Line { words: kept, span: line.span.clone() }).1 };
        if when == never() {
            return None;
        }
        let (key, named) = self.tracked(proxy, &counted);
        let table = counted.table.or(named);
        let (window_ms, defined) = self.stored(proxy, table.as_deref(), &counted.counter)?;
        let kind = if counted.counter == "conn_cur" { LimitKind::Connections } else { LimitKind::Requests };
        let limit = Limit { kind, key, most: counted.most, window_ms, burst: 0, status, label: line.label(), defined: Some(defined) };
        Some((when, Action::Limit(Arc::new(limit))))
    }

    /// Returns the one term of `terms` that compares a counter, and the other words.
    fn counted(proxy: &Proxy<'_>, terms: &[Word]) -> Option<(Counted, Vec<Word>)> {
        let mut found = None;
        let mut others = Vec::new();
        let mut rest = terms;
        while let [word, after @ ..] = rest {
            rest = after;
            let (term, words) = if *word.text == *"{" {
                let length = rest.iter().position(|word| *word.text == *"}").unwrap_or(rest.len());
                let inside = rest.get(..length).unwrap_or_default().to_vec();
                let whole: Vec<Word> = std::iter::once(word).chain(rest.iter().take(length + 1)).cloned().collect();
                rest = rest.get(length + 1..).unwrap_or_default();
                (inside, whole)
            } else {
                let lines = proxy.run(|line| line.keyword() == "acl" && line.arg(0).is_some_and(|name| name.text == word.text));
                let only = if let [line] = lines.as_slice() { line.words.get(2..).unwrap_or_default().to_vec() } else { Vec::new() };
                (only, vec![word.clone()])
            };
            match counter(&term) {
                Some(counted) if found.is_none() => found = Some(counted),
                Some(_) => return None,
                None => others.extend(words),
            }
        }
        found.map(|found| (found, others))
    }

    /// Returns what the slot holds, and the section of the table it is counted in.
    fn tracked(&mut self, proxy: &Proxy<'_>, counted: &Counted) -> (Value, Option<String>) {
        let Some(slot) = &counted.slot else { return (Value::field(Field::Source), None) };
        let action = format!("track-sc{slot}");
        let tracks = |line: &Line| matches!(line.keyword(), "http-request" | "tcp-request") && line.words.iter().any(|word| *word.text == *action);
        let Some(line) = proxy.run(tracks).into_iter().next() else { return (Value::field(Field::Source), None) };
        let at = line.words.iter().position(|word| *word.text == *action).unwrap_or_default();
        let table = line.words.iter().position(|word| *word.text == *"table").and_then(|at| line.words.get(at + 1));
        let key = line.words.get(at + 1).cloned().map_or_else(|| Value::field(Field::Source), |word| self.lower_expression(proxy, &word).value);
        (key, table.map(|word| word.text.to_string()))
    }

    /// Returns the period of `counter` in the table of the section called `table`, else of `proxy`, and the line that says it.
    fn stored(&self, proxy: &Proxy<'_>, table: Option<&str>, counter: &str) -> Option<(u64, Label)> {
        let section: &Section = match table {
            Some(name) => self.config.sections.iter().find(|section| *section.name.text == *name)?,
            None => proxy.section,
        };
        let line = section.lines.iter().find(|line| line.keyword() == "stick-table")?;
        let stored = line.words.iter().flat_map(|word| word.text.split("),")).find_map(|part| {
            let rest = part.trim_start_matches(',').rsplit(',').find(|part| part.starts_with(counter))?.strip_prefix(counter)?;
            if rest.is_empty() { Some(0) } else { time_ms(rest.trim_start_matches('(').trim_end_matches(')')) }
        })?;
        Some((stored, line.label()))
    }
}

/// Returns the status of a rule that refuses; `None` for the rule itself where it does not.
#[expect(clippy::option_option, reason = "a refusal without a status is a closed connection, no refusal is something else")]
fn refusal(line: &Line) -> Option<Option<u16>> {
    let words: Vec<&str> = line.words.iter().map(|word| &*word.text).take_while(|word| *word != "if").collect();
    let given =
        words.iter().position(|word| matches!(*word, "deny_status" | "status")).and_then(|at| words.get(at + 1)).and_then(|word| word.parse().ok());
    match words.as_slice() {
        ["http-request", "deny", ..] => Some(Some(given.unwrap_or(403))),
        ["http-request", "tarpit", ..] => Some(Some(given.unwrap_or(500))),
        ["http-request", "return", ..] => given.filter(|status| *status >= 400).map(Some),
        ["http-request", "reject" | "silent-drop"] | ["tcp-request", _, "reject" | "silent-drop"] => Some(None),
        _ => None,
    }
}

/// Reads `sc_http_req_rate(0) gt 20` and its kin.
fn counter(term: &[Word]) -> Option<Counted> {
    let (first, rest) = term.split_first()?;
    let Call { name, args } = expression::parse(&first.text).filter(|read| read.converters.is_empty())?.fetch;
    let (counter, slot, table) = if let Some(counter) = name.strip_prefix("src_") {
        (counter, None, args.first().cloned())
    } else if let Some(counter) = name.strip_prefix("sc_") {
        (counter, Some(args.first()?.clone()), args.get(1).cloned())
    } else {
        let rest = name.strip_prefix("sc")?;
        let (slot, counter) = rest.split_once('_')?;
        (counter, Some(slot.to_owned()), args.first().cloned())
    };
    if !matches!(counter, "http_req_rate" | "conn_rate" | "conn_cur" | "sess_rate") {
        return None;
    }
    let patterns: Vec<(String, bool)> = rest.iter().map(|word| (word.text.to_string(), false)).collect();
    let [range] = ranges(&patterns)?.try_into().ok()?;
    let range: crate::model::NumberRange = range;
    let most = u64::try_from(range.from?.checked_sub(1)?).ok()?;
    Some(Counted { counter: counter.to_owned(), slot, table, most })
}
