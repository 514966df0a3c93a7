//! Tree -> the text of one reading.

use super::Template;
use super::choice::Choice;
use super::expr::Expr;
use super::tree::{Loop, Node, Print};
use super::value::{Scope, Value};
use crate::formats::source::{Piece, Source, hole};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The longest text of a reading, in bytes: a loop over a long list inside another is cut off.
const LONGEST: usize = 4 << 20;

/// The most nodes that are visited, loops counted as often as they run.
const MOST_NODES: usize = 400_000;

/// The most names that are given values at a time.
const MOST_LOCALS: usize = 2000;

/// Returns the text of the reading that assumes `choice`.
pub(super) fn render(template: &Template, choice: &Choice) -> Source {
    let render = rendered(template, choice);
    Source::reading(template.path.clone(), Arc::from(render.text), render.pieces)
}

/// Returns the expressions that no reading can put a value in for, in file order.
pub(super) fn unread(template: &Template) -> Vec<Range<usize>> {
    let choices = std::iter::once(Choice::first()).chain(template.further());
    let places: BTreeSet<(usize, usize)> = choices.flat_map(|choice| rendered(template, &choice).holes).collect();
    let in_comment = |start: usize| {
        let before = template.text.get(..start).unwrap_or_default();
        before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('#'))
    };
    places.into_iter().filter(|(start, _)| !in_comment(*start)).map(|(start, end)| start..end).collect()
}

fn rendered<'a>(template: &'a Template, choice: &'a Choice) -> Render<'a> {
    let scope = Scope { values: &template.values, locals: Vec::new() };
    let mut render = Render { template, choice, scope, text: String::new(), pieces: Vec::new(), holes: BTreeSet::new(), visited: 0 };
    render.nodes(&template.nodes);
    if !render.text.is_empty() && !render.text.ends_with('\n') {
        // Whatever renders it ends the last line.
        let end = template.text.len();
        render.push("\n", &(end..end));
    }
    render
}

struct Render<'a> {
    template: &'a Template,
    choice: &'a Choice,
    scope: Scope<'a>,
    text: String,
    pieces: Vec<Piece>,
    /// The expressions without a value, by place.
    holes: BTreeSet<(usize, usize)>,
    visited: usize,
}

impl Render<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.visited += 1;
            if self.visited > MOST_NODES {
                return;
            }
            match node {
                Node::Text(range) => self.literal(range),
                Node::Print(print) => self.print(print),
                Node::Choice(arms) => {
                    let taken = arms.iter().find(|arm| arm.when.as_ref().is_none_or(|when| self.holds(when)));
                    if let Some(arm) = taken {
                        self.nodes(&arm.body);
                    }
                }
                Node::Loop(one) => self.repeat(one),
                Node::Set(name, value) => {
                    let value = self.scope.value(value);
                    self.scope.locals.push((name.clone(), value));
                    if self.scope.locals.len() > MOST_LOCALS {
                        self.visited = MOST_NODES;
                    }
                }
                Node::Group(inner) => self.nodes(inner),
            }
        }
    }

    /// Returns whether `condition` holds: as the repository's values have it, else as the reading does.
    fn holds(&self, condition: &Expr) -> bool {
        match condition {
            Expr::Not(inner) => !self.holds(inner),
            Expr::And(a, b) => self.holds(a) && self.holds(b),
            Expr::Or(a, b) => self.holds(a) || self.holds(b),
            // One copy of a loop's body is both its first and its last.
            Expr::Field(of, name) if **of == Expr::Name("loop".to_owned()) && self.scope.value(condition).is_none() => {
                matches!(name.as_str(), "first" | "last")
            }
            _ => {
                let known = self.scope.value(condition).and_then(|value| value.holds());
                known.unwrap_or_else(|| self.choice.holds(condition, &self.template.equals))
            }
        }
    }

    fn literal(&mut self, range: &Range<usize>) {
        let Some(text) = self.template.text.get(range.clone()) else { return };
        self.push(text, range);
    }

    /// Adds `text`, which stands for the bytes `written` of the file.
    fn push(&mut self, text: &str, written: &Range<usize>) {
        if self.text.len() + text.len() > LONGEST {
            self.visited = MOST_NODES;
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push(Piece { read: start..self.text.len(), written: written.clone() });
    }

    fn print(&mut self, print: &Print) {
        let what = match &print.what {
            Expr::If { when, then, otherwise } => {
                if self.holds(when) {
                    then
                } else {
                    otherwise
                }
            }
            what => what,
        };
        // Ansible's `comment` makes comments of whatever it is given.
        if matches!(what, Expr::Filter(_, name, _) if name == "comment") {
            return;
        }
        if let Some(text) = self.scope.value(what).and_then(|value| value.printed()) {
            self.push(&text, &print.range);
            return;
        }
        self.holes.insert((print.range.start, print.range.end));
        let words = self.template.text.get(print.range.clone()).unwrap_or_default();
        let words = if *what == print.what { normal(words) } else { format!("{{{{ {what} }}}}") };
        self.push(&hole(&words), &print.range);
    }

    /// Prints the body for each element where the list is known; otherwise one copy stands for all.
    fn repeat(&mut self, one: &Loop) {
        let depth = self.scope.locals.len();
        let elements = match self.scope.value(&one.list) {
            Some(Value::List(all)) => Some(all),
            Some(Value::Map(all)) => Some(all.into_iter().map(|(key, _)| Value::Text(key)).collect()),
            _ => None,
        };
        let Some(elements) = elements else {
            // That the list is empty is a condition like others.
            if !one.otherwise.is_empty() && !self.holds(&one.list) {
                self.nodes(&one.otherwise);
                return;
            }
            self.scope.locals.extend(one.names.iter().map(|name| (name.clone(), None)));
            self.scope.locals.push(("loop".to_owned(), None));
            self.nodes(&one.body);
            self.scope.locals.truncate(depth);
            return;
        };
        if elements.is_empty() {
            self.nodes(&one.otherwise);
        }
        let count = elements.len();
        for (at, element) in elements.into_iter().enumerate() {
            if self.visited > MOST_NODES {
                return;
            }
            self.bind(one, element, at, count);
            if one.when.as_ref().is_none_or(|when| self.holds(when)) {
                self.nodes(&one.body);
            }
            self.scope.locals.truncate(depth);
        }
    }

    /// Gives the names of a loop their values for one element.
    fn bind(&mut self, one: &Loop, element: Value, at: usize, count: usize) {
        match (one.names.as_slice(), element) {
            ([name], element) => self.scope.locals.push((name.clone(), Some(element).filter(|element| *element != Value::Unknown))),
            (names, Value::List(parts)) if parts.len() == names.len() => {
                let known = parts.into_iter().map(|part| Some(part).filter(|part| *part != Value::Unknown));
                self.scope.locals.extend(names.iter().cloned().zip(known));
            }
            (names, _) => self.scope.locals.extend(names.iter().map(|name| (name.clone(), None))),
        }
        let number = |number: usize| i64::try_from(number).map_or(Value::Unknown, Value::Number);
        let facts = [
            ("index", number(at + 1)),
            ("index0", number(at)),
            ("first", Value::Bool(at == 0)),
            ("last", Value::Bool(at + 1 == count)),
            ("length", number(count)),
        ];
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.scope.locals.push(("loop".to_owned(), Some(Value::Map(facts))));
    }
}

/// Returns the words of a tag without signs for blanks, so that a change of those is none.
fn normal(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for (open, close) in [("{{", "}}"), ("<%=", "%>")] {
        if let Some(inner) = words.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
            let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner).trim();
            return format!("{open} {inner} {close}");
        }
    }
    words
}
