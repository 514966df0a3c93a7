//! Sets of texts as regular languages: which texts pass these tests and not those, and one of them.
//!
//! The `README.md` of the room explains the idea. Nothing is worked out before it is asked for, and every question has a budget.

mod alphabet;
mod budget;
mod compile;
mod counts;
mod derive;
mod matcher;
mod node;
mod number;
mod parts;
mod preimage;
mod search;
mod shape;
mod universe;

pub use universe::Universe;

use crate::model::Matcher;
use hashbrown::HashMap;
use node::{ALL, Arena, NOTHING, Node};
use std::sync::Arc;

/// A language of some [`Languages`]. The same tests give the same id; different ids may still be the same set of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageId(u32);

impl LanguageId {
    /// No text.
    pub const NOTHING: Self = NOTHING;
    /// Every text.
    pub const ALL: Self = ALL;

    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The question takes more steps or memory than it may. Nothing is known then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many states")]
pub struct OutOfBudget;

/// What makes a test one whose texts are no regular language, or are not worked out here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotRegular(pub String);

/// Languages over byte strings, with a budget of steps for all questions together.
#[derive(Debug)]
pub struct Languages {
    arena: Arena,
    matchers: HashMap<Matcher, Result<LanguageId, NotRegular>>,
    universes: HashMap<Universe, LanguageId>,
    ends: HashMap<LanguageId, Ends>,
    witnesses: HashMap<LanguageId, Option<Vec<u8>>>,
    /// Every language that was handed out.
    public: Vec<LanguageId>,
}

/// What the texts of a language begin and end with, as far as known.
#[derive(Debug)]
struct Ends {
    start: Box<[u8]>,
    end: Box<[u8]>,
    /// How many languages were handed out before.
    rank: usize,
}

impl Languages {
    /// Returns an arena for so many steps, of which one question may take an eighth. A step is one look at a state or one of its parts; some five million
    /// take a second.
    pub fn new(budget: u64) -> Self {
        Self {
            arena: Arena::new(budget),
            matchers: HashMap::new(),
            universes: HashMap::new(),
            ends: HashMap::new(),
            witnesses: HashMap::new(),
            public: Vec::new(),
        }
    }

    /// Returns how many steps were taken so far.
    pub fn spent(&self) -> u64 {
        self.arena.budget.spent
    }

    /// Returns the texts that can occur at a place.
    pub fn universe(&mut self, universe: Universe) -> LanguageId {
        if let Some(known) = self.universes.get(&universe) {
            return *known;
        }
        let id = universe::texts(&mut self.arena, universe);
        self.universes.insert(universe, id);
        self.noted(id)
    }

    /// Returns the texts that pass `matcher`.
    ///
    /// # Errors
    /// [`NotRegular`] for what depends on more than the text ([`Matcher::Network`], a comparison with a field) and for patterns with back-references,
    /// recursion and the like.
    pub fn matcher(&mut self, matcher: &Matcher) -> Result<LanguageId, NotRegular> {
        if let Some(known) = self.matchers.get(matcher) {
            return known.clone();
        }
        self.begin();
        let texts = matcher::texts(&mut self.arena, matcher);
        let texts = texts.map(|id| self.noted(id));
        self.matchers.insert(matcher.clone(), texts.clone());
        texts
    }

    /// Returns the one text.
    pub fn literal(&mut self, text: &[u8]) -> LanguageId {
        let id = self.arena.literal(text, false);
        self.noted(id)
    }

    /// Returns the texts of at least `drop` bytes that are in `of` when their first `drop` bytes are replaced by `before` and `after` is put behind:
    /// what a rewrite to "literal, rest, literal" has to start from to end there.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn pulled(&mut self, of: LanguageId, drop: usize, before: &[u8], after: &[u8]) -> Result<LanguageId, OutOfBudget> {
        self.begin();
        let left = self.arena.after_text(of, before)?;
        let left = self.arena.before(left, &Arc::from(after))?;
        let drop = u32::try_from(drop).map_err(|_large| OutOfBudget)?;
        let byte = self.arena.bytes(alphabet::ByteSet::ALL);
        let dropped = self.arena.times(byte, drop, Some(drop));
        let id = self.arena.then(dropped, left);
        Ok(self.noted(id))
    }

    /// Returns the texts that are not in `of`.
    pub fn complement(&mut self, of: LanguageId) -> LanguageId {
        let id = self.arena.not(of);
        self.noted(id)
    }

    /// Returns the texts that are in each; every text for none.
    pub fn intersection(&mut self, all: &[LanguageId]) -> LanguageId {
        let id = self.arena.both(all.to_vec());
        self.noted(id)
    }

    /// Returns the texts that are in any; no text for none.
    pub fn union(&mut self, all: &[LanguageId]) -> LanguageId {
        let id = self.arena.any(all.to_vec());
        self.noted(id)
    }

    /// Returns whether `text` is in `language`.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn contains(&mut self, language: LanguageId, text: &[u8]) -> Result<bool, OutOfBudget> {
        self.begin();
        self.arena.contains(language, text)
    }

    /// Returns the nicest text that is in all of `inside` and in none of `outside`: with the fewest bytes that a URL has to encode, of those the shortest,
    /// of those the first, letters before digits before signs. `None` when there is no text at all.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn witness(&mut self, inside: &[LanguageId], outside: &[LanguageId]) -> Result<Option<Vec<u8>>, OutOfBudget> {
        let root = self.between(inside, outside);
        if let Some(known) = self.witnesses.get(&root) {
            return Ok(known.clone());
        }
        let found = self.arena.nicest(root)?;
        self.witnesses.insert(root, found.clone());
        Ok(found)
    }

    /// Returns up to `most` different texts of the same set, the nicest first, of different shapes as far as there are. Fewer where the search gets long.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn witnesses(&mut self, inside: &[LanguageId], outside: &[LanguageId], most: usize) -> Result<Vec<Vec<u8>>, OutOfBudget> {
        let root = self.between(inside, outside);
        self.arena.some(root, most)
    }

    /// Returns whether no text is in all of `inside` and in none of `outside`. Cheaper than a witness.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn is_empty(&mut self, inside: &[LanguageId], outside: &[LanguageId]) -> Result<bool, OutOfBudget> {
        self.begin();
        let start = inside.iter().map(|id| self.literal_prefix(*id)).max_by_key(|start| start.len()).unwrap_or_default().to_vec();
        // Every text begins so, and what the languages leave behind it is shared between questions: the way there need not be walked for all of them together.
        let mut rest = |all: &[LanguageId]| all.iter().map(|id| self.arena.after_text(*id, &start)).collect::<Result<Vec<_>, _>>();
        let (inside, outside) = (rest(inside)?, rest(outside)?);
        let root = self.of_all(&inside, &outside);
        self.arena.is_empty(root)
    }

    /// Returns whether no text is in both.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn disjoint(&mut self, one: LanguageId, other: LanguageId) -> Result<bool, OutOfBudget> {
        let starts = (self.literal_prefix(one), self.literal_prefix(other));
        let ends = (self.literal_suffix(one), self.literal_suffix(other));
        let differ = |(one, other): (&u8, &u8)| one != other;
        if starts.0.iter().zip(starts.1).any(differ) || ends.0.iter().rev().zip(ends.1.iter().rev()).any(differ) {
            return Ok(true);
        }
        self.is_empty(&[one, other], &[])
    }

    /// Returns whether it is plain that each has texts that the other has, and others: one says how texts begin, the other how they end.
    pub fn cross(&self, one: LanguageId, other: LanguageId) -> bool {
        self.is_front(one) && self.is_back(other) || self.is_front(other) && self.is_back(one)
    }

    /// Returns whether all it says is how a text begins.
    fn is_front(&self, id: LanguageId) -> bool {
        let mut rest = id;
        while let Node::Then(first, after) = self.arena.node(rest) {
            if !matches!(self.arena.node(*first), Node::Bytes(set) if *set != alphabet::ByteSet::ALL) {
                return false;
            }
            rest = *after;
        }
        rest == ALL && id != ALL
    }

    /// Returns whether all it says is how a text ends, with a certain number of bytes.
    fn is_back(&self, id: LanguageId) -> bool {
        let Node::Then(ALL, mut rest) = *self.arena.node(id) else { return false };
        while let Node::Then(first, after) = self.arena.node(rest) {
            if !matches!(self.arena.node(*first), Node::Bytes(_)) {
                return false;
            }
            rest = *after;
        }
        matches!(self.arena.node(rest), Node::Bytes(set) if *set != alphabet::ByteSet::ALL)
    }

    /// Returns bytes that every text of `language` begins with; empty when none are known.
    pub fn literal_prefix(&self, language: LanguageId) -> &[u8] {
        self.ends.get(&language).map(|ends| &*ends.start).unwrap_or_default()
    }

    /// Returns bytes that every text of `language` ends with; empty when none are known.
    pub fn literal_suffix(&self, language: LanguageId) -> &[u8] {
        self.ends.get(&language).map(|ends| &*ends.end).unwrap_or_default()
    }

    /// Begins a question.
    fn begin(&mut self) {
        if self.arena.begin(&self.public) {
            self.witnesses.clear();
        }
    }

    fn between(&mut self, inside: &[LanguageId], outside: &[LanguageId]) -> LanguageId {
        self.begin();
        // In the order they were handed out: so the lists of a walk, each one longer than the last, begin the same.
        let mut outside = outside.to_vec();
        outside.sort_by_key(|id| self.ends.get(id).map(|ends| ends.rank));
        self.of_all(inside, &outside)
    }

    /// Returns the texts of all of `inside` that are in none of `outside`.
    fn of_all(&mut self, inside: &[LanguageId], outside: &[LanguageId]) -> LanguageId {
        let excluded = self.arena.union(outside);
        let excluded = self.arena.not(excluded);
        let parts = inside.iter().copied().chain([excluded]).collect();
        self.arena.both(parts)
    }

    /// Notes what texts of `id` begin and end with.
    fn noted(&mut self, id: LanguageId) -> LanguageId {
        if id != NOTHING && id != ALL && !self.ends.contains_key(&id) {
            let ends = Ends { start: self.start(id).into(), end: self.end(id).into(), rank: self.public.len() };
            self.ends.insert(id, ends);
            self.public.push(id);
        }
        id
    }

    fn start(&self, id: LanguageId) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = id;
        loop {
            let (first, after) = if let Node::Then(first, after) = self.arena.node(rest) { (*first, Some(*after)) } else { (rest, None) };
            match (self.arena.node(first), after) {
                (Node::Bytes(set), after) => {
                    let Some(byte) = set.single() else { return bytes };
                    bytes.push(byte);
                    let Some(after) = after else { return bytes };
                    rest = after;
                }
                (Node::Both(parts), None) => {
                    let longest = parts.iter().map(|part| self.start(*part)).max_by_key(Vec::len);
                    bytes.extend(longest.unwrap_or_default());
                    return bytes;
                }
                _ => return bytes,
            }
        }
    }

    fn end(&self, id: LanguageId) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut rest = id;
        while let Node::Then(first, after) = self.arena.node(rest) {
            parts.push(*first);
            rest = *after;
        }
        parts.push(rest);
        let single = |part: &LanguageId| if let Node::Bytes(set) = self.arena.node(*part) { set.single() } else { None };
        let mut bytes: Vec<u8> = parts.iter().rev().map_while(single).collect();
        bytes.reverse();
        bytes
    }
}

#[cfg(test)]
mod tests;
