//! Values and conditions for all requests of a cell at once. Where requests differ, the cell is split: every function returns the parts.

use super::ask::{Asker, Parts, Stop};
use super::cell::Cell;
use super::state::State;
use super::sym::{Dim, Making, Piece, Sym};
use super::walk::Walk;
use crate::analysis::route::test_words;
use crate::model::{Capture, Condition, Converter, Field, Matcher, Name, Part, Test, Value};
use std::rc::Rc;
use std::sync::Arc;

/// How many lookups may use each other.
pub(super) const LOOKUP_DEPTH: u32 = 16;

/// Requests that are alike so far, with what was found of them.
#[derive(Clone, Debug)]
pub(super) struct Fork<T> {
    pub(super) cell: Cell,
    pub(super) state: Rc<State>,
    pub(super) found: T,
}

impl<T> Fork<T> {
    pub(super) fn new(cell: &Cell, state: &Rc<State>, found: T) -> Self {
        Self { cell: cell.clone(), state: Rc::clone(state), found }
    }
}

pub(super) type Forks<T> = Result<Vec<Fork<T>>, Stop>;

impl<'m> Walk<'_, 'm> {
    /// Returns for which requests `condition` holds.
    pub(super) fn holds(&mut self, side: usize, cell: &Cell, state: &Rc<State>, condition: &'m Condition) -> Forks<bool> {
        match condition {
            Condition::Always => Ok(vec![Fork::new(cell, state, true)]),
            Condition::All(all) => self.until(side, Fork::new(cell, state, true), all),
            Condition::Any(any) => self.until(side, Fork::new(cell, state, false), any),
            Condition::Not(inner) => {
                let mut forks = self.holds(side, cell, state, inner)?;
                for fork in &mut forks {
                    fork.found = !fork.found;
                }
                Ok(forks)
            }
            Condition::Test(test) => self.test(side, cell, state, test),
            Condition::Opaque(opaque) => {
                let mut all = Vec::new();
                for input in self.value(side, cell, state, &opaque.input)? {
                    let answer = Asker::open(&input.cell, &opaque.text, &input.found.to_string());
                    split(answer, &input.state, &mut all);
                }
                Ok(all)
            }
        }
    }

    /// Asks one condition after the other while they answer as `start` does.
    fn until(&mut self, side: usize, start: Fork<bool>, all: &'m [Condition]) -> Forks<bool> {
        let going = start.found;
        let mut done = Vec::new();
        let mut open = vec![start];
        for condition in self.in_order(all) {
            let mut next = Vec::new();
            for fork in open {
                let forks = self.holds(side, &fork.cell, &fork.state, condition)?;
                let (on, off): (Vec<_>, Vec<_>) = forks.into_iter().partition(|fork| fork.found == going);
                next.extend(on);
                done.extend(off);
            }
            open = next;
        }
        done.extend(open);
        Ok(done)
    }

    fn test(&mut self, side: usize, cell: &Cell, state: &Rc<State>, test: &'m Test) -> Forks<bool> {
        let mut all = Vec::new();
        for subject in self.value(side, cell, state, &test.subject)? {
            let Fork { cell, state, found: subject } = subject;
            match &test.matcher {
                Matcher::Equals { text, caseless } if text.as_literal().is_none() => {
                    for expected in self.value(side, &cell, &state, text)? {
                        let Fork { cell, state, found: expected } = expected;
                        let answer = self.equal(&cell, (&subject, &expected), *caseless, test)?;
                        split(answer, &state, &mut all);
                    }
                }
                matcher => all.extend(self.matches(side, (&cell, &state), (&subject, matcher), test)?),
            }
        }
        Ok(all)
    }

    pub(super) fn matches(
        &mut self,
        side: usize,
        (cell, state): (&Cell, &Rc<State>),
        (subject, matcher): (&Sym, &'m Matcher),
        test: &'m Test,
    ) -> Forks<bool> {
        let words = test_words(test);
        let mut all = Vec::new();
        match matcher {
            Matcher::Present => return self.there(side, (cell, state), &test.subject, subject),
            Matcher::Each(inner) => return self.each(side, (cell, state), (subject, inner), test),
            Matcher::Element(_) if matches!(test.subject.parts.as_slice(), [Part::Converted(_)]) => {
                let parts = Asker::unfollowed(cell, &words, subject, "what is looked at is more than a text");
                split(parts, state, &mut all);
                return Ok(all);
            }
            _ => {}
        }
        let answer = self.asker.passes(cell, subject, matcher, &words)?;
        split(answer, state, &mut all);
        if let Matcher::Regex(regex) = matcher
            && (self.captures || !regex.names.is_empty())
        {
            for fork in all.iter_mut().filter(|fork| fork.found) {
                Rc::make_mut(&mut fork.state).remember(regex, subject);
            }
        }
        Ok(all)
    }

    fn equal(&mut self, cell: &Cell, (ours, theirs): (&Sym, &Sym), caseless: bool, test: &Test) -> Result<Parts, Stop> {
        if ours == theirs {
            return Ok(vec![(cell.clone(), true)]);
        }
        let (open, known) = match (ours.known(), theirs.known()) {
            (_, Some(known)) => (ours, known),
            (Some(known), None) => (theirs, known),
            (None, None) => {
                return Ok(Asker::unfollowed(cell, &format!("{} {theirs}", test_words(test)), ours, "two unknown texts are compared"));
            }
        };
        match std::str::from_utf8(known) {
            Ok(text) => {
                let matcher = Matcher::Equals { text: Value::literal(text), caseless };
                self.asker.passes(cell, open, &matcher, &test_words(test))
            }
            Err(_bytes) => Ok(Asker::unfollowed(cell, &format!("{} {theirs}", test_words(test)), ours, "a text is no UTF-8")),
        }
    }

    /// Returns what `value` is.
    pub(super) fn value(&mut self, side: usize, cell: &Cell, state: &Rc<State>, value: &'m Value) -> Forks<Sym> {
        let mut all = vec![Fork::new(cell, state, Sym::default())];
        for part in &value.parts {
            let mut next = Vec::new();
            for Fork { cell, state, found } in all {
                for mut fork in self.part(side, &cell, &state, part)? {
                    fork.found = found.then(&fork.found);
                    next.push(fork);
                }
            }
            all = next;
        }
        Ok(all)
    }

    fn part(&mut self, side: usize, cell: &Cell, state: &Rc<State>, part: &'m Part) -> Forks<Sym> {
        let one = |found: Sym| Ok(vec![Fork::new(cell, state, found)]);
        match part {
            Part::Literal(text) => one(Sym::text(text.as_bytes())),
            Part::Field(field) => self.field(side, cell, state, field),
            Part::Variable(name) => self.variable(side, cell, state, name),
            Part::Capture(capture @ Capture::Index(_)) => one(state.groups.as_ref().map(|matched| matched.group(capture)).unwrap_or_default()),
            Part::Capture(Capture::Named(name)) => one(state.named.get(name).cloned().unwrap_or_default()),
            Part::Converted(converted) => {
                let mut forks = self.value(side, cell, state, &converted.value)?;
                for fork in &mut forks {
                    fork.found = self.converted(&fork.found, &converted.by);
                }
                Ok(forks)
            }
            Part::Hole(words) => one(Sym::unknown(words)),
        }
    }

    fn converted(&self, text: &Sym, by: &Converter) -> Sym {
        let unknown = || text.clone().made(Making::Converted(by.clone()));
        let lower = |piece: &Piece| match piece {
            Piece::Text(text) => !text.iter().any(u8::is_ascii_uppercase),
            Piece::Rest { of, .. } => matches!(of, Dim::Host | Dim::Source),
            Piece::Mark { .. } => true,
            Piece::Made { .. } | Piece::Spelling | Piece::Unknown(_) => false,
        };
        match (by, text.known()) {
            (Converter::Lower, Some(known)) => Sym::text(&known.to_ascii_lowercase()),
            (Converter::Upper, Some(known)) => Sym::text(&known.to_ascii_uppercase()),
            (Converter::Lower, None) if text.pieces().iter().all(lower) => text.clone(),
            (Converter::Upper, None) if text.whole() == Some(&Dim::Method) => text.clone(),
            // How a path was encoded is not told apart here; what is reported is traced as it is typed.
            (Converter::EncodeAgain | Converter::DecodeRedirect, None) => text.clone(),
            (Converter::EncodeAgain | Converter::DecodeRedirect, Some(known)) if !known.contains(&b'%') => text.clone(),
            (Converter::Length, Some(known)) => Sym::text(known.len().to_string().as_bytes()),
            (Converter::Replace { regex, with, all }, Some(known)) => {
                let replaced = self.asker.patterns.get(regex).and_then(|pattern| pattern.replace(known, with, *all).ok());
                replaced.map_or_else(unknown, |replaced| Sym::text(&replaced))
            }
            _ => unknown(),
        }
    }

    fn field(&mut self, side: usize, cell: &Cell, state: &Rc<State>, field: &'m Field) -> Forks<Sym> {
        let one = |found: Sym| Ok(vec![Fork::new(cell, state, found)]);
        let Some(at) = self.side(side) else { return one(Sym::default()) };
        match field {
            Field::Path => one(state.path.clone()),
            Field::PathAfter(start) => self.path_after(cell, state, start),
            Field::Query => one(state.query.clone()),
            Field::Method => one(state.method.clone()),
            Field::Host if self.asker.rules.strip_port => one(Sym::all(Dim::Host)),
            Field::Host => one(self.raw_host(side)),
            Field::Scheme => one(Sym::text(at.scheme.as_bytes())),
            Field::Target => one(self.target_sent()),
            Field::Url => one(state.path.then(&url_mark(state)).then(&state.query)),
            Field::QueryMark => one(mark(&state.query)),
            Field::QueryParam(name) => one(query_param(&state.query, name, !self.asker.rules.exact_names)),
            Field::Header(name) | Field::HeaderLine { name, index: 1 | -1 } => one(match state.headers.get(name) {
                Some(changed) => changed.clone().unwrap_or_default(),
                None => self.sent_header(side, name),
            }),
            Field::HeaderLine { name, index } => one(Sym::unknown(&format!("header {name}, number {index}"))),
            Field::Cookie(name) => one(Sym::all(Dim::Cookie(Name::clone(name)))),
            Field::Source => one(state.source.clone()),
            Field::Peer => one(Sym::all(Dim::Source)),
            Field::ListenPort => one(Sym::text(at.port.map(|port| port.to_string()).unwrap_or_default().as_bytes())),
            Field::ListenAddress => one(at.ip.map_or_else(|| Sym::unknown("the address connected to"), |ip| Sym::text(ip.to_string().as_bytes()))),
            Field::Sni if at.scheme == "https" => one(Sym::all(Dim::Host)),
            Field::Sni if at.passes_through => {
                let named = self.asker.flag(cell, &Dim::Tls)?.into_iter();
                let name = |tls: bool| if tls { Sym::all(Dim::Host) } else { Sym::default() };
                Ok(named.map(|(cell, tls)| Fork { cell, state: Rc::clone(state), found: name(tls) }).collect())
            }
            Field::Sni => one(Sym::default()),
            Field::Protocol => one(Sym::text(b"HTTP/1.1")),
        }
    }

    /// Returns the target as the client sends it.
    pub(super) fn target_sent(&self) -> Sym {
        let path = if self.asker.rules.decode_path { Sym::piece(Piece::Spelling) } else { Sym::all(Dim::Path) };
        path.then(&Sym::piece(Piece::Mark { bare: true })).then(&Sym::all(Dim::Query))
    }

    /// Returns a header as a client sends it.
    pub(super) fn sent_header(&self, side: usize, name: &Name) -> Sym {
        if name.eq_ignore_ascii_case("host") { self.raw_host(side) } else { Sym::all(Dim::Header(Name::clone(name))) }
    }

    /// Returns the `Host` header as a client sends it: with the port where that does not go without saying.
    fn raw_host(&self, side: usize) -> Sym {
        let usual = self.side(side).is_none_or(|at| at.port.is_none_or(|port| port == if at.scheme == "https" { 443 } else { 80 }));
        let port = self.side(side).and_then(|at| at.port).filter(|_| !usual);
        let host = Sym::all(Dim::Host);
        port.map_or(host.clone(), |port| host.then(&Sym::text(format!(":{port}").as_bytes())))
    }

    fn path_after(&mut self, cell: &Cell, state: &Rc<State>, start: &Arc<str>) -> Forks<Sym> {
        let mut all = Vec::new();
        let matcher = Matcher::Prefix { text: Arc::clone(start), caseless: false };
        let answer = self.asker.passes(cell, &state.path, &matcher, &format!("the path begins with {start}"))?;
        split(answer, state, &mut all);
        let rest = |yes: bool| if yes { state.path.without_front(start.len()) } else { state.path.clone() };
        Ok(all.into_iter().map(|fork| Fork { found: rest(fork.found), cell: fork.cell, state: fork.state }).collect())
    }

    fn variable(&mut self, side: usize, cell: &Cell, state: &Rc<State>, name: &'m Name) -> Forks<Sym> {
        let known = state.variables.get(name).or_else(|| state.computed.get(name));
        let lookup = self.side(side).and_then(|side| side.gateway.lookups.iter().find(|lookup| lookup.name == *name));
        let Some(lookup) = lookup.filter(|_| known.is_none()) else {
            let text = known.or_else(|| state.named.get(name)).cloned().unwrap_or_default();
            return Ok(vec![Fork::new(cell, state, text)]);
        };
        if self.depth >= LOOKUP_DEPTH {
            return Ok(vec![Fork::new(cell, state, Sym::unknown(&format!("${name}")))]);
        }
        self.depth += 1;
        let mut all = Vec::new();
        let mut open = vec![Fork::new(cell, state, ())];
        for entry in &lookup.entries {
            let mut next = Vec::new();
            for fork in open {
                for mut tested in self.test(side, &fork.cell, &fork.state, &entry.when)? {
                    if tested.found {
                        Rc::make_mut(&mut tested.state).found.insert(Name::clone(name));
                        all.extend(self.value(side, &tested.cell, &tested.state, &entry.value)?);
                    } else {
                        next.push(Fork { cell: tested.cell, state: tested.state, found: () });
                    }
                }
            }
            open = next;
        }
        for fork in open {
            all.extend(self.value(side, &fork.cell, &fork.state, &lookup.otherwise)?);
        }
        self.depth -= 1;
        for fork in all.iter_mut().filter(|_| !lookup.volatile) {
            Rc::make_mut(&mut fork.state).computed.insert(Name::clone(name), fork.found.clone());
        }
        Ok(all)
    }
}

/// Adds the parts of an answer.
pub(super) fn split(parts: Parts, state: &Rc<State>, all: &mut Vec<Fork<bool>>) {
    all.extend(parts.into_iter().map(|(cell, found)| Fork { cell, state: Rc::clone(state), found }));
}

/// Returns `?` where `query` is not empty.
pub(super) fn mark(query: &Sym) -> Sym {
    match query.pieces() {
        [] => Sym::default(),
        [Piece::Rest { of: Dim::Query, from: 0 }] => Sym::piece(Piece::Mark { bare: false }),
        pieces if pieces.iter().any(|piece| matches!(piece, Piece::Text(_))) => Sym::text(b"?"),
        _ => Sym::unknown(&format!("? before {query}")),
    }
}

/// Returns the `?` of the URL as it is now.
fn url_mark(state: &State) -> Sym {
    match (mark(&state.query).pieces(), state.bare_mark) {
        ([Piece::Mark { .. }], bare) => Sym::piece(Piece::Mark { bare }),
        ([], true) => Sym::unknown("the ? of a query that was taken away"),
        (pieces, _) => pieces.iter().fold(Sym::default(), |all, piece| all.then(&Sym::piece(piece.clone()))),
    }
}

/// Returns a parameter of a query that may begin with known ones.
fn query_param(query: &Sym, name: &Name, caseless: bool) -> Sym {
    let of = |query: Sym| query.made(Making::Parameter { name: Name::clone(name), caseless });
    let own = of(Sym::all(Dim::Query));
    let (known, rest) = match query.pieces() {
        [] => return Sym::default(),
        [Piece::Rest { of: Dim::Query, from: 0 }] => return own,
        [Piece::Text(text)] => (text, Sym::default()),
        [Piece::Text(text), Piece::Rest { of: Dim::Query, from: 0 }] if text.ends_with(b"&") => (text, own),
        _ => return of(query.clone()),
    };
    let mut pairs = known.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..at)?, pair.get(at + 1..)?))
    });
    let same = |have: &[u8]| if caseless { have.eq_ignore_ascii_case(name.as_bytes()) } else { have == name.as_bytes() };
    pairs.find(|(have, _)| same(have)).map_or(rest, |(_, value)| Sym::text(value))
}
