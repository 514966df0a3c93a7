//! The arena: each language is one node, built of others; equal nodes are one.
//!
//! The builders simplify as far as it is cheap. That is not for beauty: the states of the lazy automaton are nodes, and two that look alike are one state.

use super::alphabet::{ByteSet, ClassesId, Divisions};
use super::budget::{Budget, node_bytes};
use super::{LanguageId, OutOfBudget};
use hashbrown::HashMap;
use std::sync::Arc;

/// What a language is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// No text.
    Nothing,
    /// The empty text.
    Blank,
    /// Every text.
    All,
    /// One byte of the set; never none of them.
    Bytes(ByteSet),
    /// A text of the first, then one of the second. The first is not of this kind itself.
    Then(LanguageId, LanguageId),
    /// A text of any of these: sorted, two at least.
    Any(Arc<[LanguageId]>),
    /// A text of all of these: sorted, two at least.
    Both(Arc<[LanguageId]>),
    /// Every text that is not one of these.
    Not(LanguageId),
    /// Any number of texts of this, one after the other.
    Star(LanguageId),
    /// From so many to so many texts of this, one after the other.
    Times { of: LanguageId, least: u32, most: Option<u32> },
    /// A text that with these bytes after it is one of these.
    Before(LanguageId, Arc<[u8]>),
    /// Any number of texts of a part of a pattern that looks ahead, and then one of these: what the part looks at is in them.
    Loop(Arc<str>, LanguageId),
    /// A text after which what is left of the first is the second.
    Reaches(LanguageId, LanguageId),
    /// A text that is one of these once its ASCII letters are upper or else lower case.
    Folded { of: LanguageId, upper: bool },
}

/// What is known of a node beside what it is.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The empty text is in it.
    pub(super) blank: bool,
    /// No text shorter than this is in it. Not necessarily one of this length is.
    pub(super) least: u32,
    /// Which bytes it does not tell apart as a next byte, once asked.
    pub(super) classes: Option<ClassesId>,
    /// What is left after a byte of each class; [`UNASKED`] where nobody asked.
    pub(super) after: Box<[LanguageId]>,
    /// Whether there is a text in it, once found out.
    pub(super) alive: Option<bool>,
}

/// How far into texts alternatives share their start. Deeper ones are found when the search gets there.
const DEEPEST: usize = 100;

/// No language: nobody asked yet.
pub(super) const UNASKED: LanguageId = LanguageId(u32::MAX);

/// The nodes.
#[derive(Debug)]
pub(super) struct Arena {
    pub(super) nodes: Vec<Node>,
    pub(super) known: Vec<Known>,
    pub(super) numbers: HashMap<Node, LanguageId>,
    pub(super) unfolded: HashMap<LanguageId, LanguageId>,
    /// Unions of the first languages of a list with the next one.
    pub(super) unions: HashMap<(LanguageId, LanguageId), LanguageId>,
    pub(super) divisions: Divisions,
    pub(super) budget: Budget,
    /// Classes of patterns, as written, and whether caseless: most patterns have the same few.
    pub(super) sets: HashMap<(String, bool), ByteSet>,
    /// Numbers of nodes that are no longer there.
    pub(super) free: Vec<LanguageId>,
}

pub(super) const NOTHING: LanguageId = LanguageId(0);
pub(super) const BLANK: LanguageId = LanguageId(1);
pub(super) const ALL: LanguageId = LanguageId(2);

impl Arena {
    pub(super) fn new(budget: u64) -> Self {
        let mut new = Self {
            nodes: Vec::new(),
            known: Vec::new(),
            numbers: HashMap::new(),
            unfolded: HashMap::new(),
            unions: HashMap::new(),
            divisions: Divisions::new(),
            budget: Budget::new(budget),
            sets: HashMap::new(),
            free: Vec::new(),
        };
        for node in [Node::Nothing, Node::Blank, Node::All] {
            new.intern(node);
        }
        new
    }

    pub(super) fn node(&self, id: LanguageId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&Node::Nothing)
    }

    pub(super) fn known(&mut self, id: LanguageId) -> Option<&mut Known> {
        self.known.get_mut(id.index())
    }

    /// Returns whether the empty text is in it.
    pub(super) fn has_blank(&self, id: LanguageId) -> bool {
        self.known.get(id.index()).is_some_and(|known| known.blank)
    }

    /// Returns a length that no text in it is below.
    pub(super) fn least_length(&self, id: LanguageId) -> u32 {
        self.known.get(id.index()).map_or(0, |known| known.least)
    }

    /// Returns whether there is a text in it, as far as known.
    pub(super) fn alive(&self, id: LanguageId) -> Option<bool> {
        self.known.get(id.index()).and_then(|known| known.alive)
    }

    pub(super) fn set_alive(&mut self, id: LanguageId, alive: bool) {
        if let Some(known) = self.known(id) {
            known.alive = Some(alive);
        }
    }

    fn intern(&mut self, node: Node) -> LanguageId {
        let blank = match &node {
            Node::Nothing | Node::Bytes(_) | Node::Before(..) => false,
            Node::Blank | Node::All | Node::Star(_) => true,
            Node::Then(first, second) => self.has_blank(*first) && self.has_blank(*second),
            Node::Any(parts) => parts.iter().any(|part| self.has_blank(*part)),
            Node::Both(parts) => parts.iter().all(|part| self.has_blank(*part)),
            Node::Not(inner) => !self.has_blank(*inner),
            Node::Times { of, least, .. } => *least == 0 || self.has_blank(*of),
            Node::Loop(_, rest) => self.has_blank(*rest),
            Node::Reaches(from, to) => from == to,
            Node::Folded { of, .. } => self.has_blank(*of),
        };
        self.intern_with(node, blank)
    }

    fn intern_with(&mut self, node: Node, blank: bool) -> LanguageId {
        if let Some(known) = self.numbers.get(&node) {
            return *known;
        }
        let length = |id: &LanguageId| self.least_length(*id);
        let least = match &node {
            _ if blank => 0,
            Node::Nothing => u32::MAX,
            Node::Then(first, second) => length(first).saturating_add(length(second)),
            Node::Any(parts) => parts.iter().map(length).min().unwrap_or(u32::MAX),
            Node::Both(parts) => parts.iter().map(length).max().unwrap_or(0),
            Node::Times { of, least, .. } => length(of).saturating_mul(*least),
            Node::Before(of, text) => length(of).saturating_sub(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1),
            Node::Blank | Node::All | Node::Star(_) | Node::Bytes(_) | Node::Not(_) | Node::Loop(..) | Node::Reaches(..) => 1,
            Node::Folded { of, .. } => length(of),
        };
        let alive = if blank { Some(true) } else { None };
        let known = Known { blank, least, classes: None, after: Box::default(), alive };
        self.budget.hold(node_bytes(&node));
        let id = self.place(node.clone(), known);
        self.numbers.insert(node, id);
        id
    }

    /// Puts a node where one was, or at the end.
    fn place(&mut self, node: Node, known: Known) -> LanguageId {
        if let Some(id) = self.free.pop()
            && let (Some(old), Some(old_known)) = (self.nodes.get_mut(id.index()), self.known.get_mut(id.index()))
        {
            (*old, *old_known) = (node, known);
            return id;
        }
        let id = LanguageId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        self.known.push(known);
        id
    }

    pub(super) fn bytes(&mut self, set: ByteSet) -> LanguageId {
        if set == ByteSet::NONE { NOTHING } else { self.intern(Node::Bytes(set)) }
    }

    /// Returns the language of one text, or of its spellings.
    pub(super) fn literal(&mut self, text: &[u8], caseless: bool) -> LanguageId {
        let letters: Vec<LanguageId> = text.iter().map(|byte| self.bytes(ByteSet::letter(*byte, caseless))).collect();
        self.sequence(&letters)
    }

    /// Returns the texts of the parts, one after the other.
    pub(super) fn sequence(&mut self, parts: &[LanguageId]) -> LanguageId {
        parts.iter().rev().fold(BLANK, |rest, part| self.then(*part, rest))
    }

    pub(super) fn then(&mut self, first: LanguageId, second: LanguageId) -> LanguageId {
        let mut heads = Vec::new();
        let mut last = first;
        while let Node::Then(head, tail) = self.node(last) {
            heads.push(*head);
            last = *tail;
        }
        heads.push(last);
        heads.into_iter().rev().fold(second, |rest, head| self.then_one(head, rest))
    }

    /// As [`Arena::then`], for a first that is not a sequence.
    fn then_one(&mut self, first: LanguageId, second: LanguageId) -> LanguageId {
        if first == NOTHING || second == NOTHING {
            return NOTHING;
        }
        if first == BLANK {
            return second;
        }
        if second == BLANK {
            return first;
        }
        if first == ALL && self.has_blank(second) || second == ALL && self.has_blank(first) {
            return ALL;
        }
        let repeated = match self.node(second) {
            Node::Then(head, _) => *head == first,
            _ => second == first,
        };
        if repeated && (first == ALL || matches!(self.node(first), Node::Star(_))) {
            return second;
        }
        self.intern(Node::Then(first, second))
    }

    pub(super) fn star(&mut self, of: LanguageId) -> LanguageId {
        match self.node(of) {
            Node::Nothing | Node::Blank => BLANK,
            Node::All | Node::Star(_) => of,
            Node::Bytes(set) if *set == ByteSet::ALL => ALL,
            _ => self.intern(Node::Star(of)),
        }
    }

    pub(super) fn times(&mut self, of: LanguageId, least: u32, most: Option<u32>) -> LanguageId {
        let least = if self.has_blank(of) { 0 } else { least };
        match (least, most) {
            (_, Some(0)) => BLANK,
            (0, None) => self.star(of),
            (1, Some(1)) => of,
            (1, None) => {
                let rest = self.star(of);
                self.then(of, rest)
            }
            (0, Some(1)) => self.any(vec![BLANK, of]),
            _ if of == NOTHING => {
                if least == 0 {
                    BLANK
                } else {
                    NOTHING
                }
            }
            _ if of == BLANK || of == ALL => of,
            _ => self.intern(Node::Times { of, least, most }),
        }
    }

    /// Returns the texts of any of `all`. A list that another one begins is not worked out again: walks ask for "none of these, and not this either".
    pub(super) fn union(&mut self, all: &[LanguageId]) -> LanguageId {
        let mut union = NOTHING;
        for one in all {
            let key = (union, *one);
            union = if let Some(known) = self.unions.get(&key) {
                *known
            } else {
                let new = self.any(vec![union, *one]);
                self.unions.insert(key, new);
                new
            };
        }
        union
    }

    pub(super) fn any(&mut self, parts: Vec<LanguageId>) -> LanguageId {
        self.any_at(parts, 0)
    }

    /// As [`Arena::any`], so many bytes into texts that begin the same.
    fn any_at(&mut self, parts: Vec<LanguageId>, depth: usize) -> LanguageId {
        let mut kept = Vec::with_capacity(parts.len());
        let mut set = ByteSet::NONE;
        let mut sequences = Vec::new();
        for part in self.flat(parts, |node| if let Node::Any(parts) = node { Some(Arc::clone(parts)) } else { None }) {
            match self.node(part) {
                Node::Nothing => {}
                Node::All => return ALL,
                Node::Bytes(bytes) => set = set.union(*bytes),
                Node::Then(first, rest) if depth < DEEPEST => sequences.push((*first, *rest, part)),
                _ => kept.push(part),
            }
        }
        if set != ByteSet::NONE {
            kept.push(self.bytes(set));
        }
        self.share_starts(sequences, depth, &mut kept);
        if kept.contains(&ALL) {
            return ALL;
        }
        // A part here is a fraction of a step.
        self.budget.charge(kept.len() / 8);
        kept.sort_unstable();
        kept.dedup();
        if kept.contains(&BLANK) && kept.iter().any(|part| *part != BLANK && self.has_blank(*part)) {
            kept.retain(|part| *part != BLANK);
        }
        let opposite = |part: &LanguageId| matches!(self.node(*part), Node::Not(inner) if kept.binary_search(inner).is_ok());
        if kept.iter().any(opposite) {
            return ALL;
        }
        match kept.as_slice() {
            [] => NOTHING,
            [only] => *only,
            _ => self.intern(Node::Any(kept.into())),
        }
    }

    /// Adds the sequences to `kept`, those with the same first part as one: a thousand words are a tree, and all patterns that are searched anywhere share
    /// one start, so that dozens of them stay a few states.
    fn share_starts(&mut self, mut sequences: Vec<(LanguageId, LanguageId, LanguageId)>, depth: usize, kept: &mut Vec<LanguageId>) {
        sequences.sort_unstable();
        sequences.dedup();
        for group in sequences.chunk_by(|one, other| one.0 == other.0) {
            match group {
                [(_, _, alone)] => kept.push(*alone),
                [(first, ..), ..] => {
                    let rests = group.iter().map(|(_, rest, _)| *rest).collect();
                    let rest = self.any_at(rests, depth + 1);
                    kept.push(self.then_one(*first, rest));
                }
                [] => {}
            }
        }
    }

    pub(super) fn both(&mut self, parts: Vec<LanguageId>) -> LanguageId {
        let mut kept = Vec::with_capacity(parts.len());
        let mut set: Option<ByteSet> = None;
        let mut excluded = Vec::new();
        for part in self.flat(parts, |node| if let Node::Both(parts) = node { Some(Arc::clone(parts)) } else { None }) {
            match self.node(part) {
                Node::Nothing => return NOTHING,
                Node::All => {}
                Node::Bytes(bytes) => set = Some(set.map_or(*bytes, |set| set.intersection(*bytes))),
                Node::Not(inner) => excluded.push(*inner),
                _ => kept.push(part),
            }
        }
        if let Some(set) = set {
            kept.push(self.bytes(set));
        }
        let excluded = self.any(excluded);
        kept.sort_unstable();
        kept.dedup();
        let within = |part: &LanguageId| *part == excluded || matches!(self.node(excluded), Node::Any(parts) if parts.binary_search(part).is_ok());
        if excluded == ALL || kept.contains(&NOTHING) || kept.iter().any(within) {
            return NOTHING;
        }
        if excluded != NOTHING {
            kept.push(self.not(excluded));
            kept.sort_unstable();
        }
        if kept.contains(&BLANK) {
            return if kept.iter().all(|part| self.has_blank(*part)) { BLANK } else { NOTHING };
        }
        match kept.as_slice() {
            [] => ALL,
            [only] => *only,
            _ => self.intern(Node::Both(kept.into())),
        }
    }

    pub(super) fn not(&mut self, of: LanguageId) -> LanguageId {
        match self.node(of) {
            Node::Nothing => ALL,
            Node::All => NOTHING,
            Node::Not(inner) => *inner,
            _ => self.intern(Node::Not(of)),
        }
    }

    /// Returns the texts that with `text` after them are in `of`.
    pub(super) fn before(&mut self, of: LanguageId, text: &Arc<[u8]>) -> Result<LanguageId, OutOfBudget> {
        if text.is_empty() || of == NOTHING || of == ALL {
            return Ok(of);
        }
        let blank = self.contains(of, text)?;
        Ok(self.intern_with(Node::Before(of, Arc::clone(text)), blank))
    }

    /// Returns the texts after which what is left of `from` is `to`.
    pub(super) fn reaches(&mut self, from: LanguageId, to: LanguageId) -> LanguageId {
        match (self.node(from), from == to) {
            (Node::Nothing | Node::All, true) => ALL,
            (Node::Nothing | Node::All, false) => NOTHING,
            _ => self.intern(Node::Reaches(from, to)),
        }
    }

    /// Returns the texts that are one of `of` once their ASCII letters are upper or else lower case.
    pub(super) fn folded(&mut self, of: LanguageId, upper: bool) -> LanguageId {
        match self.node(of) {
            Node::Nothing | Node::All | Node::Blank => of,
            _ => self.intern(Node::Folded { of, upper }),
        }
    }

    /// Returns the texts of a part that looks ahead, any number of times, and then of `rest`; and whether [`Arena::unfold`] is still to be called.
    pub(super) fn repeated(&mut self, part: &str, rest: LanguageId) -> (LanguageId, bool) {
        let id = self.intern(Node::Loop(Arc::from(part), rest));
        (id, !self.unfolded.contains_key(&id))
    }

    /// Says what a loop is: its rest, or once its part and then the loop.
    pub(super) fn unfold(&mut self, id: LanguageId, unfolded: LanguageId) {
        self.unfolded.insert(id, unfolded);
    }

    /// Returns what a loop is; nothing, when it was not said.
    pub(super) fn unfolded(&self, id: LanguageId) -> LanguageId {
        self.unfolded.get(&id).copied().unwrap_or(NOTHING)
    }

    /// Returns the parts, with the parts of those that have some in their place.
    fn flat(&self, parts: Vec<LanguageId>, inner: impl Fn(&Node) -> Option<Arc<[LanguageId]>>) -> Vec<LanguageId> {
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            match inner(self.node(part)) {
                Some(parts) => out.extend_from_slice(&parts),
                None => out.push(part),
            }
        }
        out
    }
}
