//! Questions about cells: whether the texts there pass a test, all, none, or some.

use super::cell::{Cell, Facts};
use super::front::{Front, front};
use super::network::some_address;
use super::sym::{Dim, Sent, Sym};
use crate::analysis::route::Patterns;
use crate::model::{Cidr, Matcher, Normalization, Opaque, Value};
use crate::space::{LanguageId, Languages, NotRegular, OutOfBudget, Universe};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// The most steps that languages may take, all questions of a comparison together.
const MOST_STEPS: u64 = 3_000_000;

/// The longest text that a request can have anywhere, with room to spare.
const LONGEST_TEXT: usize = 64 << 10;

/// The most questions of a comparison.
const MOST_QUESTIONS: u64 = 120_000;

/// The parts of a cell in which a test is passed, and those in which it is not. A part may still turn out to be empty.
pub(super) type Parts = Vec<(Cell, bool)>;

/// What stops a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::analysis) struct Stop;

impl From<OutOfBudget> for Stop {
    fn from(_: OutOfBudget) -> Self {
        Self
    }
}

/// The languages of all tests met, and what was found out about them.
#[derive(Debug)]
pub(in crate::analysis) struct Asker {
    pub(super) languages: Languages,
    pub(super) patterns: Rc<Patterns>,
    /// How the proxies at hand read a request.
    pub(super) rules: Normalization,
    asked: u64,
    /// How many questions and steps may have been used when the walk under way has to stop.
    limit: (u64, u64),
    /// Which sets of facts no text has.
    empty: BTreeMap<(Dim, Vec<LanguageId>, BTreeSet<LanguageId>), bool>,
    within: BTreeMap<(LanguageId, LanguageId), Relation>,
    /// Which pairs of languages hold the same of the texts of their dimension.
    same: BTreeMap<(LanguageId, LanguageId), bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Within,
    Apart,
    Overlapping,
}

impl Asker {
    pub(in crate::analysis) fn new(patterns: Rc<Patterns>, rules: Normalization) -> Self {
        Self {
            languages: Languages::new(MOST_STEPS),
            patterns,
            rules,
            asked: 0,
            limit: (MOST_QUESTIONS, MOST_STEPS),
            empty: BTreeMap::new(),
            within: BTreeMap::new(),
            same: BTreeMap::new(),
        }
    }

    /// Counts a question.
    pub(super) fn spend(&mut self) -> Result<(), Stop> {
        self.spend_on(1)
    }

    /// Counts what is as much work as so many questions.
    pub(super) fn spend_on(&mut self, questions: usize) -> Result<(), Stop> {
        self.asked += questions as u64;
        if self.asked > self.limit.0 || self.languages.spent() > self.limit.1 { Err(Stop) } else { Ok(()) }
    }

    /// Lets what follows use a part of what is left, so that one virtual host does not use up what the others need.
    pub(super) fn ration(&mut self, [part, of]: [u64; 2]) {
        let part = |used: u64, most: u64| used + most.saturating_sub(used) * part / of;
        self.limit = (part(self.asked, MOST_QUESTIONS), part(self.languages.spent(), MOST_STEPS));
    }

    /// Returns which of the requests of `cell` have a `subject` that passes `matcher`; `words` tell one question from another where it cannot be followed.
    pub(super) fn passes(&mut self, cell: &Cell, subject: &Sym, matcher: &Matcher, words: &str) -> Result<Parts, Stop> {
        self.spend()?;
        // No proxy takes a request with a text of that length.
        if front(matcher).text.len() > LONGEST_TEXT {
            return Ok(all(cell, false));
        }
        if let Some(text) = subject.known() {
            return self.known_passes(cell, text, matcher, words);
        }
        if let Matcher::Network(network) = matcher {
            return match subject.whole() {
                Some(Dim::Source) => Ok(in_network(cell, *network)),
                _ => Ok(Self::unfollowed(cell, words, subject, "an address out of a header is compared with networks")),
            };
        }
        let language = match self.languages.matcher(matcher) {
            Ok(language) => language,
            Err(NotRegular(why)) => return Ok(Self::unfollowed(cell, words, subject, &why)),
        };
        self.in_language(cell, subject, (language, front(matcher)), words)
    }

    /// Returns which of the requests of `cell` have a `subject` in a language whose texts begin so; `words` are as above.
    pub(super) fn in_language(&mut self, cell: &Cell, subject: &Sym, (language, front): (LanguageId, Front), words: &str) -> Result<Parts, Stop> {
        if let Some(text) = subject.known() {
            return Ok(all(cell, self.languages.contains(language, text)?));
        }
        if subject.has_spelling() {
            let mut parts = Vec::new();
            for (part, otherwise) in self.spelled(cell)? {
                parts.extend(if otherwise {
                    Self::unfollowed(&part, words, subject, "a path can be spelled in several ways")
                } else {
                    self.in_language(&part, &subject.as_seen(), (language, front.clone()), words)?
                });
            }
            return Ok(parts);
        }
        if subject.has_mark() {
            return self.by_query(cell, subject, language, words);
        }
        match subject.around().filter(|(_, dim, ..)| **dim != Dim::Source) {
            Some((_, dim, ..)) if subject.whole().is_some() => self.text_passes(cell, dim, language, front),
            Some((before, dim, from, after)) => {
                let language = self.languages.pulled(language, from, before, after)?;
                self.text_passes(cell, dim, language, Front::default())
            }
            None => match self.pieces_in(cell, subject.pieces(), language)? {
                Ok(parts) => Ok(parts),
                Err(why) => Ok(Self::unfollowed(cell, words, subject, &why)),
            },
        }
    }

    /// A known text passes or does not, unless the pattern cannot be read.
    fn known_passes(&mut self, cell: &Cell, text: &[u8], matcher: &Matcher, words: &str) -> Result<Parts, Stop> {
        let yes = match matcher {
            Matcher::Network(network) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).is_some_and(|ip| network.contains(ip)),
            other => match self.languages.matcher(other) {
                Ok(language) => self.languages.contains(language, text)?,
                Err(NotRegular(why)) => match other {
                    Matcher::Regex(regex) => {
                        let found = self.patterns.get(regex).and_then(|pattern| pattern.find(text).ok());
                        match found {
                            Some(found) => found.is_some(),
                            None => return Ok(Self::unfollowed(cell, words, &Sym::text(text), &why)),
                        }
                    }
                    _ => return Ok(Self::unfollowed(cell, words, &Sym::text(text), &why)),
                },
            },
        };
        Ok(all(cell, yes))
    }

    /// Tells requests with a query from those without first, and of those the ones with a bare `?` where that matters.
    fn by_query(&mut self, cell: &Cell, subject: &Sym, language: LanguageId, words: &str) -> Result<Parts, Stop> {
        let mut parts = Vec::new();
        for (part, empty) in self.empty(cell, &Dim::Query)? {
            if !empty {
                parts.extend(self.in_language(&part, &subject.with_query(Sent::Query), (language, Front::default()), words)?);
                continue;
            }
            let [bare, none] = [Sent::Mark, Sent::Nothing].map(|sent| subject.with_query(sent));
            if self.test_alike([&bare, &none], language)? {
                parts.extend(self.in_language(&part, &none, (language, Front::default()), words)?);
                continue;
            }
            for (part, marked) in self.flag(&part, &Dim::Carried(Box::new(Dim::Query)))? {
                parts.extend(self.in_language(&part, if marked { &bare } else { &none }, (language, Front::default()), words)?);
            }
        }
        Ok(parts)
    }

    /// Returns whether it is plain that both texts pass a test or both do not, for every request.
    fn test_alike(&mut self, texts: [&Sym; 2], language: LanguageId) -> Result<bool, Stop> {
        if texts[0] == texts[1] {
            return Ok(true);
        }
        let [Some((before, dim, from, after)), Some((other, other_dim, other_from, other_after))] = texts.map(Sym::around) else {
            return Ok(false);
        };
        if (dim, from) != (other_dim, other_from) {
            return Ok(false);
        }
        let ours = self.languages.pulled(language, from, before, after)?;
        let theirs = self.languages.pulled(language, from, other, other_after)?;
        if let Some(same) = self.same.get(&(ours, theirs)) {
            return Ok(*same);
        }
        let universe = self.universe(dim);
        let same = self.languages.is_empty(&[universe, ours], &[theirs])? && self.languages.is_empty(&[universe, theirs], &[ours])?;
        self.same.insert((ours, theirs), same);
        Ok(same)
    }

    /// Returns where a dimension is empty.
    pub(super) fn empty(&mut self, cell: &Cell, dim: &Dim) -> Result<Parts, Stop> {
        let empty = Matcher::Equals { text: Value::default(), caseless: false };
        self.passes(cell, &Sym::all(dim.clone()), &empty, "")
    }

    /// Returns which requests carry a header or cookie, or the `?` of a query, be it empty.
    pub(super) fn carried(&mut self, cell: &Cell, dim: &Dim) -> Result<Parts, Stop> {
        let mut parts = Vec::new();
        for (part, empty) in self.empty(cell, dim)? {
            if empty {
                parts.extend(self.flag(&part, &Dim::Carried(Box::new(dim.clone())))?);
            } else {
                parts.push((part, true));
            }
        }
        Ok(parts)
    }

    /// Returns which paths are sent otherwise than they are seen. One with a byte that has to be escaped always is.
    pub(super) fn spelled(&mut self, cell: &Cell) -> Result<Parts, Stop> {
        let raw = self.languages.universe(Universe::Path { decoded: false, merged: false });
        let percent = Matcher::Contains { text: Arc::from("%"), caseless: false };
        let escaped = self.languages.matcher(&percent).unwrap_or(LanguageId::NOTHING);
        let plain = self.languages.complement(escaped);
        let plain = self.languages.intersection(&[raw, plain]);
        let mut parts = Vec::new();
        for (part, otherwise) in self.flag(cell, &Dim::Spelled)? {
            if otherwise {
                parts.push((part, true));
                continue;
            }
            let seen = self.text_passes(&part, &Dim::Path, plain, Front::default())?;
            parts.extend(seen.into_iter().filter(|(_, plain)| *plain).map(|(part, _)| (part, false)));
        }
        Ok(parts)
    }

    /// Returns where a flag is up.
    pub(super) fn flag(&mut self, cell: &Cell, flag: &Dim) -> Result<Parts, Stop> {
        let up = self.languages.literal(b"1");
        self.text_passes(cell, flag, up, Front { text: Rc::from(*b"1"), whole: true, is_prefix: false })
    }

    /// Returns which texts of a dimension are in `language`.
    pub(super) fn text_passes(&mut self, cell: &Cell, dim: &Dim, language: LanguageId, front: Front) -> Result<Parts, Stop> {
        let facts = cell.facts(dim);
        if facts.inside.contains(&language) {
            return Ok(all(cell, true));
        }
        let front = if front.text.is_empty() { Front { text: self.languages.literal_prefix(language).into(), ..front } } else { front };
        if !facts.fits(&front.text) || front.whole && front.text.len() < facts.front.len() {
            return Ok(all(cell, false));
        }
        if front.is_prefix && facts.front.starts_with(&front.text) {
            return Ok(all(cell, true));
        }
        if facts.whole {
            let yes = self.languages.contains(language, &facts.front)?;
            return Ok(all(cell, yes));
        }
        if facts.is_outside(language) {
            return Ok(all(cell, false));
        }
        for inside in facts.inside.iter().copied().chain([self.universe(dim)]) {
            match self.relation(inside, language)? {
                Relation::Within => return Ok(all(cell, true)),
                Relation::Apart => return Ok(all(cell, false)),
                Relation::Overlapping => {}
            }
        }
        let (mut yes, mut no) = (facts.clone(), facts);
        yes.enter(language, &front.text, front.whole);
        no.leave(language, &front.text);
        Ok(vec![(cell.with(dim, yes), true), (cell.with(dim, no), false)])
    }

    fn relation(&mut self, inside: LanguageId, language: LanguageId) -> Result<Relation, Stop> {
        if let Some(known) = self.within.get(&(inside, language)) {
            return Ok(*known);
        }
        let relation = if self.languages.cross(inside, language) {
            Relation::Overlapping
        } else if self.languages.disjoint(inside, language)? {
            Relation::Apart
        } else if self.languages.is_empty(&[inside], &[language])? {
            Relation::Within
        } else {
            Relation::Overlapping
        };
        self.within.insert((inside, language), relation);
        Ok(relation)
    }

    /// Returns the texts that a dimension can have at all.
    pub(super) fn universe(&mut self, dim: &Dim) -> LanguageId {
        let Normalization { strip_port: _, decode_path: decoded, resolve_dots: _, merge_slashes: merged, exact_names: _ } = self.rules;
        self.languages.universe(match dim {
            Dim::Path => Universe::Path { decoded, merged },
            Dim::Host => Universe::Host { port: false },
            Dim::Query => Universe::Query,
            Dim::Method => Universe::Method,
            Dim::Header(_) | Dim::Cookie(_) => Universe::Text,
            Dim::Carried(_) | Dim::Spelled | Dim::Tls => Universe::Flag,
            Dim::Source => Universe::Any,
        })
    }

    /// Returns whether some request may be in `cell`. Dimensions are looked at one by one.
    pub(super) fn satisfiable(&mut self, cell: &Cell) -> Result<bool, Stop> {
        for (dim, facts) in &cell.facts {
            self.spend()?;
            if !self.possible(dim, facts)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn possible(&mut self, dim: &Dim, facts: &Facts) -> Result<bool, Stop> {
        if *dim == Dim::Source {
            return Ok(some_address(&facts.networks).is_some());
        }
        let (inside, outside) = self.languages_of(dim, facts);
        let key = (dim.clone(), inside, outside);
        if let Some(empty) = self.empty.get(&key) {
            return Ok(!empty);
        }
        let (_, inside, outside) = &key;
        let outside: Vec<LanguageId> = outside.iter().copied().collect();
        let empty = self.languages.is_empty(inside, &outside)?;
        self.empty.insert(key, empty);
        Ok(!empty)
    }

    /// Returns the languages a text with these facts is inside of, and outside of.
    pub(super) fn languages_of(&mut self, dim: &Dim, facts: &Facts) -> (Vec<LanguageId>, BTreeSet<LanguageId>) {
        let mut inside: Vec<LanguageId> = facts.inside.iter().copied().chain([self.universe(dim)]).collect();
        inside.sort_unstable();
        let mut outside = facts.outside();
        // What ends otherwise is left anyway: thousands of file types need not be excluded from one of them.
        if let Some(end) =
            inside.iter().map(|language| self.languages.literal_suffix(*language)).max_by_key(|end| end.len()).filter(|end| !end.is_empty())
        {
            let fits = |other: &[u8]| end.iter().rev().zip(other.iter().rev()).all(|(ours, theirs)| ours == theirs);
            outside.retain(|language| fits(self.languages.literal_suffix(*language)));
        }
        (inside, outside)
    }

    /// Returns both answers to what the configuration does not say.
    pub(super) fn open(cell: &Cell, text: &str, input: &str) -> Parts {
        // What is a file is no directory.
        let other = match text {
            Opaque::FILE => Some(Opaque::DIRECTORY),
            Opaque::DIRECTORY => Some(Opaque::FILE),
            _ => None,
        };
        if let Some(other) = other
            && cell.answers.get(&question(other, input.trim_end_matches('/'))) == Some(&0)
        {
            return all(cell, false);
        }
        let input = if other.is_some() { input.trim_end_matches('/') } else { input };
        both(cell, &question(text, input), None)
    }

    /// Returns both answers to a question that is not followed.
    pub(super) fn unfollowed(cell: &Cell, words: &str, subject: &Sym, why: &str) -> Parts {
        both(cell, &question(words, &subject.to_string()), Some(&Rc::from(format!("{words}: {why}"))))
    }
}

fn question(text: &str, input: &str) -> Rc<str> {
    Rc::from(format!("{text}: {input}"))
}

pub(super) fn all(cell: &Cell, yes: bool) -> Parts {
    vec![(cell.clone(), yes)]
}

fn both(cell: &Cell, question: &Rc<str>, unfollowed: Option<&Rc<str>>) -> Parts {
    match cell.answers.get(question) {
        Some(answer) => all(cell, *answer == 0),
        None => vec![(cell.answered(question, 0, unfollowed), true), (cell.answered(question, 1, unfollowed), false)],
    }
}

/// Returns which clients are in `network`.
fn in_network(cell: &Cell, network: Cidr) -> Parts {
    let facts = cell.facts(&Dim::Source);
    if let Some((_, inside)) = facts.networks.iter().find(|(known, _)| *known == network) {
        return all(cell, *inside);
    }
    let half = |inside: bool| {
        let mut facts = facts.clone();
        Rc::make_mut(&mut facts.networks).push((network, inside));
        let possible = some_address(&facts.networks).is_some();
        possible.then(|| (cell.with(&Dim::Source, facts), inside))
    };
    [true, false].into_iter().filter_map(half).collect()
}
