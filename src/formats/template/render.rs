//! Tree -> the text of one reading.

use super::Template;
use super::again;
use super::choice::Choice;
use super::expr::Expr;
use super::jinja::split_outside;
use super::tree::{Define, Loop, Node, Print};
use super::value::{Scope, Value};
use crate::formats::source::{Piece, Source, hole};
use std::collections::{BTreeMap, BTreeSet};
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
    let (text, pieces) = if template.again { again::replaced(&render.text, &render.pieces) } else { (render.text, render.pieces) };
    Source::reading(template.path.clone(), Arc::from(text), pieces, template.files.clone())
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
    let mut defines = BTreeMap::new();
    gather(&template.nodes, &mut defines);
    let mut render =
        Render { template, choice, scope, text: String::new(), pieces: Vec::new(), holes: BTreeSet::new(), visited: 0, defines, calls: 0 };
    render.nodes(&template.nodes);
    if !render.text.is_empty() && !render.text.ends_with('\n') {
        // Whatever renders it ends the last line.
        let end = template.text.len();
        render.push("\n", &(end..end));
    }
    render
}

/// Gathers the bodies that have names.
fn gather<'a>(nodes: &'a [Node], found: &mut BTreeMap<&'a str, &'a Define>) {
    for node in nodes {
        match node {
            Node::Define(define) => {
                found.insert(&define.name, define);
                gather(&define.body, found);
            }
            Node::Group(inner) => gather(inner, found),
            Node::Choice(arms) => arms.iter().for_each(|arm| gather(&arm.body, found)),
            Node::Loop(one) => gather(&one.body, found),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

/// How deep bodies with names may use each other.
const MAX_CALLS: u32 = 20;

struct Render<'a> {
    template: &'a Template,
    choice: &'a Choice,
    scope: Scope<'a>,
    text: String,
    pieces: Vec<Piece>,
    /// The expressions without a value, by place.
    holes: BTreeSet<(usize, usize)>,
    visited: usize,
    /// The bodies with names.
    defines: BTreeMap<&'a str, &'a Define>,
    /// How deep they are in use.
    calls: u32,
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
                // Printed where it is used. What stands in no other template is a hole.
                Node::Define(_) | Node::Include(_) => {}
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
                let by_defaults = !self.template.values.decide() && condition.to_string().contains(".Values.");
                let decided = !by_defaults && !self.choice.doubts();
                let known = self.scope.value(condition).filter(|_| decided).and_then(|value| value.holds());
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
        if self.call(what, &print.range) {
            return;
        }
        if let Some(text) = self.scope.value(what).and_then(|value| value.printed()) {
            self.push(&text, &print.range);
            return;
        }
        self.holes.insert((print.range.start, print.range.end));
        let words = self.template.text.get(print.range.clone()).unwrap_or_default();
        let words = if *what == print.what { normal(words) } else { format!("{{{{ {what} }}}}") };
        let words = self.origin(&words);
        self.push(&hole(&words), &print.range);
    }

    /// Prints the body that `what` names, if it names one; filters around it only change blanks.
    fn call(&mut self, what: &Expr, range: &Range<usize>) -> bool {
        let (name, arguments): (String, &[Expr]) = match what {
            Expr::Call(name, arguments) => (name.clone(), arguments),
            Expr::Filter(inner, filter, _) if matches!(filter.as_str(), "indent" | "trim" | "safe") => return self.call(inner, range),
            Expr::Filter(of, name, arguments) => match &**of {
                Expr::Name(module) => (format!("{module}.{name}"), arguments),
                _ => return false,
            },
            Expr::Name(name) => (name.clone(), &[]),
            Expr::Opaque(words) => match quoted_name(words) {
                Some(name) => (name.to_owned(), &[]),
                None => return false,
            },
            _ => return false,
        };
        let Some(define) = self.defines.get(name.as_str()).copied().filter(|_| self.calls < MAX_CALLS && self.visited < MOST_NODES) else {
            return false;
        };
        let depth = self.scope.locals.len();
        let written = self.template.text.get(range.clone()).unwrap_or_default();
        let names = argument_names(written, arguments.len());
        let mut given: Vec<(String, Option<Value>)> = Vec::new();
        let mut places = define.parameters.iter().map(|(name, _)| name);
        for (at, argument) in arguments.iter().enumerate() {
            let Some(name) = names.get(at).cloned().flatten().or_else(|| places.next().cloned()) else { continue };
            let value = self.scope.value(argument).unwrap_or_else(|| Value::Expression(self.origin(&argument.to_string())));
            given.push((name, Some(value)));
        }
        for (name, default) in &define.parameters {
            if !given.iter().any(|(have, _)| have == name) {
                given.push((name.clone(), default.as_ref().and_then(|default| self.scope.value(default))));
            }
        }
        self.scope.locals.extend(given);
        self.calls += 1;
        self.nodes(&define.body);
        self.calls -= 1;
        self.scope.locals.truncate(depth);
        true
    }

    /// Returns `words` with the names of loops and parameters replaced by where their values come from: a name that is written otherwise changes nothing.
    fn origin(&self, words: &str) -> String {
        if self.scope.locals.is_empty() {
            return words.to_owned();
        }
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '$');
        let mut made = String::with_capacity(words.len());
        let mut rest = words;
        while let Some(start) = rest.find(is_name) {
            let (before, after) = rest.split_at(start);
            made.push_str(before);
            let (name, tail) = after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()));
            let known = self.scope.locals.iter().rev().find(|(local, _)| local == name);
            match known {
                Some((_, Some(Value::Expression(origin)))) if !made.ends_with(['.', '\'', '"', ':']) => made.push_str(origin),
                _ => made.push_str(name),
            }
            rest = tail;
        }
        made.push_str(rest);
        made
    }

    /// Prints the body for each element where the list is known; otherwise one copy stands for all.
    fn repeat(&mut self, one: &Loop) {
        let depth = self.scope.locals.len();
        let elements = match self.scope.value(&one.list) {
            Some(Value::List(all)) => Some(all),
            Some(Value::Map(all)) => Some(all.into_iter().map(|(key, _)| Value::Text(key)).collect()),
            _ => None,
        };
        let elements = elements.filter(|elements| !(self.choice.doubts() && elements.is_empty()));
        let Some(elements) = elements else {
            // That the list is empty is a condition like others.
            if !one.otherwise.is_empty() && !self.holds(&one.list) {
                self.nodes(&one.otherwise);
                return;
            }
            self.elements(one);
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

    /// Gives the names of a loop over a list that is not known the words of where they come from.
    fn elements(&mut self, one: &Loop) {
        let list = self.origin(&one.list.to_string());
        let plain =
            list.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '$' | '[' | ']' | '\'' | '"' | '(' | ')' | '|' | ' ' | ':'));
        for (at, name) in one.names.iter().enumerate() {
            let words = if one.names.len() > 1 { format!("{list}.each.{at}") } else { format!("{list}.each") };
            self.scope.locals.push((name.clone(), (plain && name != "." && !name.is_empty()).then_some(Value::Expression(words))));
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

/// Returns the name in Go's `template "name" .` and `include "name" . | indent 4`.
fn quoted_name(words: &str) -> Option<&str> {
    let rest = words.strip_prefix("template ").or_else(|| words.strip_prefix("include "))?;
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

/// Returns the names of the arguments in a call that is written so: `(a, port=80)`; `None` for one by its place.
fn argument_names(written: &str, count: usize) -> Vec<Option<String>> {
    let inside = written.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(inside, _)| inside);
    let name = |one: &str| {
        let (name, value) = one.split_once('=')?;
        let name = name.trim();
        (!value.starts_with('=') && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| name.to_owned())
    };
    let names: Vec<Option<String>> = split_outside(inside).into_iter().map(name).collect();
    // What is not written so simply is taken by its place.
    if names.len() == count { names } else { vec![None; count] }
}
