//! What is left of a language after a byte: the lazy automaton. Its states are nodes; a step is worked out once, per class of bytes.
//!
//! The rules are Brzozowski's (Derivatives of Regular Expressions, 1964), the classes those of Owens, Reppy and Turon (Regular-expression derivatives
//! re-examined, 2009).

use super::alphabet::{ByteSet, ClassesId, Divisions, fold};
use super::node::{ALL, Arena, BLANK, NOTHING, Node, UNASKED};
use super::{LanguageId, OutOfBudget};
use std::sync::Arc;

impl Arena {
    /// Returns which next bytes `id` does not tell apart.
    pub(super) fn classes(&mut self, id: LanguageId) -> ClassesId {
        if let Some(classes) = self.known(id).and_then(|known| known.classes) {
            return classes;
        }
        let classes = match self.node(id).clone() {
            Node::Nothing | Node::Blank | Node::All => Divisions::WHOLE,
            Node::Bytes(set) => self.divisions.by_set(set),
            Node::Then(mut first, mut rest) => {
                let mut classes = self.classes(first);
                while self.has_blank(first) {
                    (first, rest) = if let Node::Then(next, after) = self.node(rest) { (*next, *after) } else { (rest, NOTHING) };
                    let more = self.classes(first);
                    classes = self.divisions.meet(classes, more);
                    if rest == NOTHING {
                        break;
                    }
                }
                classes
            }
            Node::Any(parts) | Node::Both(parts) => parts.iter().fold(Divisions::WHOLE, |classes, part| {
                let more = self.classes(*part);
                self.divisions.meet(classes, more)
            }),
            Node::Not(of) | Node::Star(of) | Node::Times { of, .. } | Node::Before(of, _) => self.classes(of),
            Node::Loop(..) => self.classes(self.unfolded(id)),
            Node::Reaches(from, _) => self.classes(from),
            Node::Folded { of, upper } => {
                let classes = self.classes(of);
                self.divisions.folded(classes, upper)
            }
        };
        let count = self.divisions.get(classes).map_or(1, super::alphabet::Classes::len);
        self.budget.hold(count * size_of::<LanguageId>());
        if let Some(known) = self.known(id) {
            known.classes = Some(classes);
            known.after = vec![UNASKED; count].into();
        }
        classes
    }

    /// Returns the texts that with `byte` before them are in `id`.
    pub(super) fn after(&mut self, id: LanguageId, byte: u8) -> Result<LanguageId, OutOfBudget> {
        match self.node(id) {
            Node::Nothing | Node::Blank => return Ok(NOTHING),
            Node::All => return Ok(ALL),
            Node::Bytes(set) => return Ok(if set.has(byte) { BLANK } else { NOTHING }),
            Node::Then(..)
            | Node::Any(_)
            | Node::Both(_)
            | Node::Not(_)
            | Node::Star(_)
            | Node::Times { .. }
            | Node::Before(..)
            | Node::Loop(..)
            | Node::Reaches(..)
            | Node::Folded { .. } => {}
        }
        let classes = self.classes(id);
        let class = self.divisions.get(classes).map_or(0, |classes| classes.of(byte));
        if let Some(found) = self.known(id).and_then(|known| known.after.get(class).copied()).filter(|found| *found != UNASKED) {
            return Ok(found);
        }
        let left = self.work_out(id, byte)?;
        if let Some(slot) = self.known(id).and_then(|known| known.after.get_mut(class)) {
            *slot = left;
        }
        Ok(left)
    }

    fn work_out(&mut self, id: LanguageId, byte: u8) -> Result<LanguageId, OutOfBudget> {
        self.spend(1)?;
        match self.node(id).clone() {
            Node::Nothing | Node::Blank => Ok(NOTHING),
            Node::All => Ok(ALL),
            Node::Bytes(set) => Ok(if set.has(byte) { BLANK } else { NOTHING }),
            Node::Then(first, rest) => self.after_sequence(first, rest, byte),
            Node::Any(parts) => {
                let left = self.after_each(&parts, byte)?;
                Ok(self.any(left))
            }
            Node::Both(parts) => {
                let left = self.after_each(&parts, byte)?;
                Ok(self.both(left))
            }
            Node::Not(of) => {
                let left = self.after(of, byte)?;
                Ok(self.not(left))
            }
            Node::Star(of) => {
                let left = self.after(of, byte)?;
                Ok(self.then(left, id))
            }
            Node::Times { of, least, most } => {
                let left = self.after(of, byte)?;
                let rest = self.times(of, least.saturating_sub(1), most.map(|most| most.saturating_sub(1)));
                Ok(self.then(left, rest))
            }
            Node::Loop(..) => self.after(self.unfolded(id), byte),
            Node::Reaches(from, to) => {
                let left = self.after(from, byte)?;
                Ok(self.reaches(left, to))
            }
            Node::Folded { of, upper } => {
                let left = self.after(of, fold(byte, upper))?;
                Ok(self.folded(left, upper))
            }
            Node::Before(of, text) => {
                let left = self.after(of, byte)?;
                self.before(left, &text)
            }
        }
    }

    /// A loop, not a recursion: a pattern may have thousands of parts that can all be empty.
    fn after_sequence(&mut self, mut first: LanguageId, mut rest: LanguageId, byte: u8) -> Result<LanguageId, OutOfBudget> {
        let mut ways = Vec::new();
        loop {
            let left = self.after(first, byte)?;
            ways.push(self.then(left, rest));
            if !self.has_blank(first) {
                break;
            }
            if let Node::Then(next, after) = self.node(rest) {
                (first, rest) = (*next, *after);
            } else {
                ways.push(self.after(rest, byte)?);
                break;
            }
            self.spend(1)?;
        }
        Ok(self.any(ways))
    }

    fn after_each(&mut self, parts: &Arc<[LanguageId]>, byte: u8) -> Result<Vec<LanguageId>, OutOfBudget> {
        self.spend(parts.len())?;
        parts.iter().map(|part| self.after(*part, byte)).collect()
    }

    /// Returns what is left of `id` after `text`.
    pub(super) fn after_text(&mut self, id: LanguageId, text: &[u8]) -> Result<LanguageId, OutOfBudget> {
        text.iter().try_fold(id, |left, byte| self.after(left, *byte))
    }

    /// Returns whether `text` is in `id`.
    pub(super) fn contains(&mut self, id: LanguageId, text: &[u8]) -> Result<bool, OutOfBudget> {
        let left = self.after_text(id, text)?;
        Ok(self.has_blank(left))
    }

    /// Returns the bytes that texts of `id` may begin with; perhaps some more.
    pub(super) fn first_bytes(&mut self, id: LanguageId) -> Result<ByteSet, OutOfBudget> {
        let mut set = ByteSet::NONE;
        for byte in 0..=u8::MAX {
            if self.after(id, byte)? != NOTHING {
                set = set.with(byte);
            }
        }
        Ok(set)
    }
}
