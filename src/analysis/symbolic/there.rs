//! What a request carries at all, be it empty, and what it can carry several of: headers, cookies and parameters.

use super::ask::{Asker, Stop};
use super::cell::Cell;
use super::eval::{Fork, Forks, LOOKUP_DEPTH, split};
use super::front::Front;
use super::state::State;
use super::sym::{Dim, Sym};
use super::walk::Walk;
use crate::analysis::route::test_words;
use crate::model::{Converter, Field, Gateway, Matcher, Name, Part, Test, Value};
use crate::space::{LanguageId, Languages};
use std::rc::Rc;

/// Why a test of several values is not followed.
const SEVERAL: &str = "what is looked at is more than a text";

/// The most entries of a lookup of which each is a language.
const MOST_ENTRIES: usize = 200;

/// Values that a test of several is about, one after the other.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// One of these passes.
    passing: LanguageId,
    /// One of these that does not pass ends the search: nothing can be made of it.
    ending: LanguageId,
}

/// Where requests carry what is looked at, and what is looked at there.
enum Source<'m> {
    /// A dimension whose text is the only one.
    Only(Dim),
    /// The elements of a header between commas.
    Elements(&'m Name),
    Parameters(&'m Name),
}

impl<'m> Walk<'_, 'm> {
    /// Returns which requests carry what `value` is made of, be it empty; `text` is what it is.
    pub(super) fn there(&mut self, side: usize, (cell, state): (&Cell, &Rc<State>), value: &'m Value, text: &Sym) -> Forks<bool> {
        match value.parts.as_slice() {
            [Part::Field(Field::Header(name) | Field::HeaderLine { name, index: 1 | -1 })] => self.header_there(cell, state, name),
            [Part::Field(Field::Cookie(name))] => {
                let mut all = Vec::new();
                split(self.asker.carried(cell, &Dim::Cookie(Name::clone(name)))?, state, &mut all);
                Ok(all)
            }
            [Part::Field(Field::QueryParam(name))] => {
                let language = self.parameters(name, Asked { passing: LanguageId::ALL, ending: LanguageId::NOTHING });
                self.in_pieces((cell, state), &state.query, language, name)
            }
            [Part::Field(Field::Query)] => {
                let mut all = Vec::new();
                for (cell, some) in self.some(cell, text)? {
                    let parts = if some || !state.bare_mark { vec![(cell, some)] } else { self.asker.carried(&cell, &Dim::Query)? };
                    split(parts, state, &mut all);
                }
                Ok(all)
            }
            [Part::Variable(name)] if state.holds(name) => Ok(vec![Fork::new(cell, state, true)]),
            [Part::Converted(converted)] => {
                let mut all = Vec::new();
                for (cell, some) in self.some(cell, text)? {
                    if some {
                        all.push(Fork::new(&cell, state, true));
                        continue;
                    }
                    for inner in self.value(side, &cell, state, &converted.value)? {
                        all.extend(self.converted_there(side, &inner, &converted.value, &converted.by)?);
                    }
                }
                Ok(all)
            }
            _ => {
                let mut all = Vec::new();
                split(self.some(cell, text)?, state, &mut all);
                Ok(all)
            }
        }
    }

    /// What a converter makes is there where it gives something for what it is made of, and that is there.
    fn converted_there(&mut self, side: usize, inner: &Fork<Sym>, value: &'m Value, by: &'m Converter) -> Forks<bool> {
        let Fork { cell, state, found } = inner;
        let has = match by {
            Converter::Field { index, delimiters, .. } => match self.asker.languages.with_part(*index, delimiters) {
                Some(language) => self.in_pieces((cell, state), found, language, "the part is there")?,
                None => return Ok(unfollowed((cell, state), found, "a part far into a text", "the part is there")),
            },
            _ => vec![Fork::new(cell, state, true)],
        };
        let mut all = Vec::new();
        for fork in has {
            if fork.found {
                all.extend(self.there(side, (&fork.cell, &fork.state), value, found)?);
            } else {
                all.push(fork);
            }
        }
        Ok(all)
    }

    /// Returns which requests carry a header, be it empty.
    pub(super) fn header_there(&mut self, cell: &Cell, state: &Rc<State>, name: &Name) -> Forks<bool> {
        let parts = match state.headers.get(name) {
            Some(changed) => vec![(cell.clone(), changed.is_some())],
            None if name.eq_ignore_ascii_case("host") => vec![(cell.clone(), true)],
            None => self.asker.carried(cell, &Dim::Header(Name::clone(name)))?,
        };
        let mut all = Vec::new();
        split(parts, state, &mut all);
        Ok(all)
    }

    /// Returns where a text is not empty.
    fn some(&mut self, cell: &Cell, text: &Sym) -> Result<super::ask::Parts, Stop> {
        self.asker.passes(cell, text, &Matcher::Truthy { zero_is_false: false }, "is there")
    }

    /// Returns for which requests one of the values of a field passes, each looked at as if it were the only one.
    pub(super) fn each(
        &mut self,
        side: usize,
        (cell, state): (&Cell, &Rc<State>),
        (text, inner): (&Sym, &'m Matcher),
        test: &'m Test,
    ) -> Forks<bool> {
        let words = test_words(test);
        let several = self.side(side).is_some_and(|side| of_several(side.gateway, &test.subject, 0));
        if !several {
            return self.matches(side, (cell, state), (text, inner), test);
        }
        let language = if *inner == Matcher::Present { Ok(LanguageId::ALL) } else { self.asker.languages.matcher(inner) };
        let asked = match language {
            Ok(passing) => Asked { passing, ending: LanguageId::NOTHING },
            Err(why) => return Ok(unfollowed((cell, state), text, &why.to_string(), &words)),
        };
        let Some((source, mut asked)) = self.source(side, &test.subject, asked, 0) else {
            return Ok(unfollowed((cell, state), text, SEVERAL, &words));
        };
        if *inner == Matcher::Present {
            asked.passing = self.asker.languages.complement(asked.ending);
        }
        match source {
            Source::Parameters(name) => {
                let language = self.parameters(name, asked);
                self.in_pieces((cell, state), &state.query, language, &words)
            }
            Source::Elements(name) => {
                let language = self.asker.languages.with_element(asked.passing, asked.ending);
                let text = self.header(side, state, name);
                let there = self.header_there(cell, state, name)?;
                self.carried_in(there, &text, language, &words)
            }
            Source::Only(dim) => {
                let text = match &dim {
                    Dim::Header(name) => self.header(side, state, name),
                    other => Sym::all(other.clone()),
                };
                let there = match &dim {
                    Dim::Header(name) => self.header_there(cell, state, name)?,
                    other => {
                        let mut all = Vec::new();
                        split(self.asker.carried(cell, other)?, state, &mut all);
                        all
                    }
                };
                self.carried_in(there, &text, asked.passing, &words)
            }
        }
    }

    /// Returns what the values of a field must be for what `value` makes of one of them to be as `asked`; `None` where that is not followed.
    fn source(&mut self, side: usize, value: &'m Value, asked: Asked, depth: u32) -> Option<(Source<'m>, Asked)> {
        let languages = &mut self.asker.languages;
        match value.parts.as_slice() {
            [Part::Field(Field::Header(name))] => Some((Source::Elements(name), asked)),
            [Part::Field(Field::QueryParam(name))] => Some((Source::Parameters(name), asked)),
            [Part::Field(Field::Cookie(name))] => Some((Source::Only(Dim::Cookie(Name::clone(name))), asked)),
            [Part::Field(Field::HeaderLine { name, index: 1 | -1 })] => Some((Source::Only(Dim::Header(Name::clone(name))), asked)),
            [Part::Converted(converted)] => {
                let by = &converted.by;
                let mut before = |language: LanguageId| match language {
                    LanguageId::ALL | LanguageId::NOTHING => Some(language),
                    other => languages.before_conversion(other, by),
                };
                let (passing, mut ending) = (before(asked.passing)?, before(asked.ending)?);
                match by {
                    Converter::Field { index, delimiters, .. } => {
                        let there = languages.with_part(*index, delimiters)?;
                        let gone = languages.complement(there);
                        ending = languages.union(&[ending, gone]);
                    }
                    // The empty text is no number to calculate with, but where it stands that is not seen here.
                    Converter::Arithmetic { .. } => return None,
                    _ => {}
                }
                self.source(side, &converted.value, Asked { passing, ending }, depth)
            }
            [Part::Variable(name)] if depth < LOOKUP_DEPTH => {
                let (subject, asked) = self.looked_up(side, name, asked)?;
                self.source(side, subject, asked, depth + 1)
            }
            _ => None,
        }
    }

    /// Returns what is looked up by, and which texts of it give a value that is as `asked`.
    fn looked_up(&mut self, side: usize, name: &Name, asked: Asked) -> Option<(&'m Value, Asked)> {
        let lookup = self.side(side)?.gateway.lookups.iter().find(|lookup| lookup.name == *name)?;
        let subject = &lookup.entries.first()?.when.subject;
        if lookup.entries.len() > MOST_ENTRIES || lookup.entries.iter().any(|entry| entry.when.subject != *subject) {
            return None;
        }
        let languages = &mut self.asker.languages;
        let gives = |languages: &mut Languages, value: &Value| {
            let text = value.as_literal()?;
            let of = |languages: &mut Languages, language| languages.contains(language, text.as_bytes()).ok();
            Some((of(languages, asked.passing)?, of(languages, asked.ending)?))
        };
        let (mut passing, mut ending, mut earlier) = (Vec::new(), Vec::new(), LanguageId::NOTHING);
        for entry in &lookup.entries {
            let own = languages.matcher(&entry.when.matcher).ok()?;
            let others = languages.complement(earlier);
            let first = languages.intersection(&[own, others]);
            let (passes, ends) = gives(languages, &entry.value)?;
            passing.extend(passes.then_some(first));
            ending.extend(ends.then_some(first));
            earlier = languages.union(&[earlier, own]);
        }
        let left = languages.complement(earlier);
        let (passes, ends) = gives(languages, &lookup.otherwise)?;
        passing.extend(passes.then_some(left));
        ending.extend((ends || lookup.otherwise.parts.is_empty()).then_some(left));
        Some((subject, Asked { passing: languages.union(&passing), ending: languages.union(&ending) }))
    }

    fn parameters(&mut self, name: &Name, asked: Asked) -> LanguageId {
        let caseless = !self.asker.rules.exact_names;
        self.asker.languages.with_parameter(asked.passing, asked.ending, (name, caseless))
    }

    /// Returns a header as it is now, empty where there is none.
    fn header(&self, side: usize, state: &State, name: &Name) -> Sym {
        match state.headers.get(name) {
            Some(changed) => changed.clone().unwrap_or_default(),
            None => self.sent_header(side, name),
        }
    }

    fn carried_in(&mut self, there: Vec<Fork<bool>>, text: &Sym, language: LanguageId, words: &str) -> Forks<bool> {
        let mut all = Vec::new();
        for fork in there {
            if fork.found {
                all.extend(self.in_pieces((&fork.cell, &fork.state), text, language, words)?);
            } else {
                all.push(fork);
            }
        }
        Ok(all)
    }

    fn in_pieces(&mut self, (cell, state): (&Cell, &Rc<State>), text: &Sym, language: LanguageId, words: &str) -> Forks<bool> {
        let mut all = Vec::new();
        split(self.asker.in_language(cell, text, (language, Front::default()), words)?, state, &mut all);
        Ok(all)
    }
}

fn unfollowed((cell, state): (&Cell, &Rc<State>), text: &Sym, why: &str, words: &str) -> Vec<Fork<bool>> {
    let mut all = Vec::new();
    split(Asker::unfollowed(cell, words, text, why), state, &mut all);
    all
}

/// Returns whether `value` is made of a field of which a request can carry several.
fn of_several(gateway: &Gateway, value: &Value, depth: u32) -> bool {
    value.parts.iter().any(|part| match part {
        Part::Field(Field::Header(_) | Field::HeaderLine { .. } | Field::QueryParam(_) | Field::Cookie(_)) => true,
        Part::Converted(converted) => of_several(gateway, &converted.value, depth),
        Part::Variable(name) if depth < LOOKUP_DEPTH => {
            let lookup = gateway.lookups.iter().find(|lookup| lookup.name == *name);
            lookup.and_then(|lookup| lookup.entries.first()).is_some_and(|entry| of_several(gateway, &entry.when.subject, depth + 1))
        }
        Part::Variable(_) | Part::Field(_) | Part::Literal(_) | Part::Capture(_) | Part::Hole(_) => false,
    })
}
