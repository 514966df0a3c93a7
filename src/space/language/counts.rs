//! Texts by a number that is made of them: their length, how many elements they have, the number they begin with.

use super::alphabet::ByteSet;
use super::node::{ALL, Arena, BLANK};
use super::number;
use super::{LanguageId, Languages, OutOfBudget};
use crate::model::NumberRange;

/// Up to here each count is asked for by itself.
const EACH: u32 = 3000;

impl Languages {
    /// Returns the texts whose length, written as a number, is one of `of`; `None` where that is not the same for all long texts.
    pub(super) fn length_in(&mut self, of: LanguageId) -> Option<LanguageId> {
        let byte = self.arena.bytes(ByteSet::ALL);
        self.counted(of, 0, |arena, least, most| arena.times(byte, least, most))
    }

    /// Returns the lists between commas of which the number of elements is one of `of`.
    pub(super) fn count_in(&mut self, of: LanguageId) -> Option<LanguageId> {
        let comma = ByteSet::of([b',']);
        let (comma, other) = (self.arena.bytes(comma), self.arena.bytes(comma.complement()));
        let others = self.arena.star(other);
        let step = self.arena.then(comma, others);
        let lists = self.counted(of, 1, |arena, least, most| {
            let more = arena.times(step, least - 1, most.map(|most| most - 1));
            arena.then(others, more)
        })?;
        let none = self.arena.not(BLANK);
        let mut all = vec![self.arena.both(vec![lists, none])];
        if self.arena.contains(of, b"0").ok()? {
            all.push(BLANK);
        }
        Some(self.arena.any(all))
    }

    /// Returns the texts of which so many are there that the number is one of `of`, from `first` on.
    fn counted(&mut self, of: LanguageId, first: u32, mut texts: impl FnMut(&mut Arena, u32, Option<u32>) -> LanguageId) -> Option<LanguageId> {
        let holds = |this: &mut Self, count: u32| this.arena.contains(of, count.to_string().as_bytes());
        let (mut all, mut from) = (Vec::new(), None);
        for count in first..EACH {
            match (holds(self, count).ok()?, from) {
                (true, None) => from = Some(count),
                (false, Some(start)) => {
                    all.push(texts(&mut self.arena, start, Some(count - 1)));
                    from = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        let large = NumberRange { from: Some(i64::from(EACH)), to: None };
        match self.numbers(of, large).ok()? {
            Some(true) => all.push(texts(&mut self.arena, from.unwrap_or(EACH), None)),
            Some(false) => {
                if let Some(start) = from {
                    all.push(texts(&mut self.arena, start, Some(EACH - 1)));
                }
            }
            None => return None,
        }
        Some(self.arena.any(all))
    }

    /// Returns whether all numbers of a range, as they are written plainly, are in `of`, or none; else `None`.
    fn numbers(&mut self, of: LanguageId, range: NumberRange) -> Result<Option<bool>, OutOfBudget> {
        let numbers = number::in_ranges(&mut self.arena, &[range]);
        let digit = self.arena.bytes(ByteSet::of(b'1'..=b'9'));
        let plain = self.arena.then(digit, ALL);
        let numbers = self.arena.both(vec![numbers, plain]);
        let inside = self.arena.both(vec![numbers, of]);
        if self.arena.is_empty(inside)? {
            return Ok(Some(false));
        }
        let others = self.arena.not(of);
        let outside = self.arena.both(vec![numbers, others]);
        Ok(self.arena.is_empty(outside)?.then_some(true))
    }

    /// Returns the texts that begin with a number that is one of `of` when it is written plainly; without digits it is 0 (HAProxy: `read_int64`).
    pub(super) fn integer_in(&mut self, of: LanguageId) -> Option<LanguageId> {
        let digits = ByteSet::of(b'0'..=b'9');
        let (digit, no_digit) = (self.arena.bytes(digits), self.arena.bytes(digits.complement()));
        let rest = self.arena.then(no_digit, ALL);
        let rest = self.arena.any(vec![BLANK, rest]);
        let zero = self.arena.literal(b"0", false);
        let zeros = self.arena.star(zero);
        let first = self.arena.bytes(ByteSet::of(b'1'..=b'9'));
        let more = self.arena.star(digit);
        let plain = self.arena.then(first, more);
        let (plus, minus) = (self.arena.literal(b"+", false), self.arena.literal(b"-", false));
        let plus = self.arena.any(vec![BLANK, plus]);
        let mut all = Vec::new();
        // What does not fit stays at the end of the range.
        let sides = [(plus, of, i64::MAX.unsigned_abs()), (minus, self.arena.after(of, b'-').ok()?, i64::MIN.unsigned_abs())];
        for (sign, wanted, limit) in sides {
            let fitting = number::between(&mut self.arena, 1, limit);
            let fits = self.arena.both(vec![plain, fitting, wanted]);
            let mut found = vec![fits];
            if self.arena.contains(wanted, limit.to_string().as_bytes()).ok()? {
                let beyond = self.arena.not(fitting);
                found.push(self.arena.both(vec![plain, beyond]));
            }
            let found = self.arena.any(found);
            all.push(self.arena.sequence(&[sign, zeros, found, rest]));
        }
        if self.arena.contains(of, b"0").ok()? {
            // A sign alone counts as one; what begins with neither sign nor digit is 0 too.
            let sign = self.arena.bytes(ByteSet::of(*b"+-"));
            let signed = self.arena.sequence(&[sign, zeros, rest]);
            let written = self.arena.sequence(&[zero, zeros, rest]);
            let other = self.arena.bytes(digits.union(ByteSet::of(*b"+-")).complement());
            let other = self.arena.then(other, ALL);
            all.extend([signed, written, other, BLANK]);
        }
        Some(self.arena.any(all))
    }
}
