//! What a text has to be so that what is made of it is in a language: the language pulled back through what a configuration does to texts.

use super::alphabet::ByteSet;
use super::node::{ALL, BLANK, NOTHING};
use super::parts::Parts;
use super::{LanguageId, Languages, NotRegular, OutOfBudget, compile};
use crate::model::{Capture, Converter, Regex};
use std::collections::{BTreeMap, VecDeque};

/// The longest text of parts, or number of bytes, that is counted off.
pub(super) const MOST_COUNTED: u32 = 1000;

impl Languages {
    /// Returns what may follow `text` for both together to be in `of`.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn after(&mut self, of: LanguageId, text: &[u8]) -> Result<LanguageId, OutOfBudget> {
        self.begin();
        let left = self.arena.after_text(of, text)?;
        Ok(self.noted(left))
    }

    /// Returns every text once: those after which, and after `between`, the same has to follow to be in `of`, with what has to follow. `None` where there are more
    /// than `most` kinds of beginnings.
    ///
    /// # Errors
    /// [`OutOfBudget`].
    pub fn beginnings(&mut self, of: LanguageId, between: &[u8], most: usize) -> Result<Option<Vec<(LanguageId, LanguageId)>>, OutOfBudget> {
        self.begin();
        let mut seen = vec![of];
        let mut todo = VecDeque::from([of]);
        while let Some(state) = todo.pop_front() {
            let classes = self.arena.classes(state);
            let bytes: Vec<u8> =
                self.arena.divisions.get(classes).map_or(Vec::new(), |classes| (0..classes.len()).filter_map(|class| classes.best(class)).collect());
            for byte in bytes {
                let next = self.arena.after(state, byte)?;
                if !seen.contains(&next) {
                    seen.push(next);
                    todo.push_back(next);
                }
            }
            if seen.len() > most {
                return Ok(None);
            }
        }
        let mut by_rest: BTreeMap<LanguageId, Vec<LanguageId>> = BTreeMap::new();
        for state in seen {
            let rest = self.arena.after_text(state, between)?;
            by_rest.entry(rest).or_default().push(state);
        }
        let mut parts = Vec::with_capacity(by_rest.len());
        for (rest, states) in &by_rest {
            let reaching = states.iter().map(|state| self.arena.reaches(of, *state)).collect();
            parts.push((self.arena.any(reaching), *rest));
        }
        // The last one takes what is left, so that no text is left out however its state is written.
        if let Some((_, rest)) = parts.pop() {
            let others = self.arena.any(parts.iter().map(|(texts, _)| *texts).collect());
            parts.push((self.arena.not(others), rest));
        }
        Ok(Some(parts.into_iter().map(|(texts, rest)| (self.noted(texts), self.noted(rest))).collect()))
    }

    /// Returns the texts that `by` makes one of `of` of; `None` for what is not followed.
    pub fn before_conversion(&mut self, of: LanguageId, by: &Converter) -> Option<LanguageId> {
        self.begin();
        let id = match by {
            Converter::Lower => self.arena.folded(of, false),
            Converter::Upper => self.arena.folded(of, true),
            Converter::Field { index, delimiters, count } => self.parts_in(of, &Parts::of(*index, delimiters, *count, false)?),
            Converter::Word { index, delimiters, count } => self.parts_in(of, &Parts::of(*index, delimiters, *count, true)?),
            Converter::Bytes { start, length } => self.bytes_in(of, *start, *length)?,
            Converter::Replace { regex, with, all: true } if with.is_empty() && &*regex.pattern == TRIM => self.trimmed_in(of),
            Converter::Replace { regex, with, all: false } if with.is_empty() && &*regex.pattern == LAST => self.last_in(of),
            Converter::Length => self.length_in(of)?,
            Converter::Elements => self.count_in(of)?,
            Converter::Integer => self.integer_in(of)?,
            Converter::EncodeAgain
            | Converter::DecodeRedirect
            | Converter::Forwarded { .. }
            | Converter::PercentDecode { .. }
            | Converter::Replace { .. }
            | Converter::LooseInteger
            | Converter::Arithmetic { .. }
            | Converter::Normalize(_)
            | Converter::Mask(_) => return None,
        };
        Some(self.noted(id))
    }

    /// Returns the queries of which the first parameter `name` is one of `of`; without such a parameter it is the empty text.
    pub fn parameter_in(&mut self, of: LanguageId, name: &str, caseless: bool) -> LanguageId {
        self.begin();
        let byte = ByteSet::of([b'&']);
        let other = self.arena.bytes(byte.complement());
        let other = self.arena.star(other);
        let and = self.arena.bytes(byte);
        let start = self.arena.literal(format!("{name}=").as_bytes(), caseless);
        let own = self.arena.then(start, ALL);
        let not_own = self.arena.not(own);
        let pair = self.arena.both(vec![other, not_own]);
        let pairs = self.arena.then(pair, and);
        let pairs = self.arena.star(pairs);
        let value = self.arena.both(vec![other, of]);
        let more = self.arena.then(and, ALL);
        let end = self.arena.any(vec![BLANK, more]);
        let mut all = vec![self.arena.sequence(&[pairs, start, value, end])];
        if self.arena.has_blank(of) {
            all.push(self.arena.then(pairs, pair));
        }
        let id = self.arena.any(all);
        self.noted(id)
    }

    /// Returns the texts in which `regex` finds something and its group is one of `of`, without a group the empty text; as far as all ways to find something agree.
    ///
    /// # Errors
    /// [`NotRegular`] where the group depends on which of several ways the engine takes first, among other things.
    pub fn group_in(&mut self, of: LanguageId, regex: &Regex, group: &Capture) -> Result<LanguageId, NotRegular> {
        self.begin();
        let not = self.arena.not(of);
        let [yes, no] = [of, not].map(|texts| compile::pattern_with_group(&mut self.arena, regex, group, texts));
        let (yes, no) = (self.noted(yes?), self.noted(no?));
        match self.is_empty(&[yes, no], &[]) {
            Ok(true) => Ok(yes),
            Ok(false) | Err(OutOfBudget) => Err(NotRegular("a group of a regex that can match in several ways".to_owned())),
        }
    }

    fn bytes_in(&mut self, of: LanguageId, start: usize, length: Option<usize>) -> Option<LanguageId> {
        let count = |number: usize| u32::try_from(number).ok().filter(|number| *number < MOST_COUNTED);
        let start = count(start)?;
        let byte = self.arena.bytes(ByteSet::ALL);
        let skipped = self.arena.times(byte, start, Some(start));
        let taken = match length {
            None => of,
            Some(length) => {
                let length = count(length)?;
                let exactly = self.arena.times(byte, length, Some(length));
                let whole = self.arena.both(vec![exactly, of]);
                let whole = self.arena.then(whole, ALL);
                let up_to = self.arena.times(byte, 0, Some(length));
                let less = self.arena.both(vec![up_to, of]);
                self.arena.any(vec![whole, less])
            }
        };
        let found = self.arena.then(skipped, taken);
        if !self.arena.has_blank(of) {
            return Some(found);
        }
        let shorter = start.checked_sub(1).map_or(NOTHING, |most| self.arena.times(byte, 0, Some(most)));
        Some(self.arena.any(vec![found, shorter]))
    }

    /// Returns the texts whose last element between commas, without the blanks before it, is one of `of`.
    fn last_in(&mut self, of: LanguageId) -> LanguageId {
        let comma = self.arena.bytes(ByteSet::of([b',']));
        let other = self.arena.bytes(ByteSet::of([b',']).complement());
        let whole = self.arena.star(other);
        let only = self.arena.both(vec![whole, of]);
        let blank = self.arena.bytes(ByteSet::of([b' ', b'\t']));
        let blanks = self.arena.star(blank);
        let padded = self.arena.then(blank, ALL);
        let bare = self.arena.not(padded);
        let last = self.arena.both(vec![whole, bare, of]);
        let last = self.arena.sequence(&[ALL, comma, blanks, last]);
        self.arena.any(vec![only, last])
    }

    /// Returns the texts that are one of `of` without the blanks around them.
    fn trimmed_in(&mut self, of: LanguageId) -> LanguageId {
        let blank = self.arena.bytes(ByteSet::of([b' ', b'\t']));
        let blanks = self.arena.star(blank);
        let starts = self.arena.then(blank, ALL);
        let ends = self.arena.then(ALL, blank);
        let padded = self.arena.any(vec![starts, ends]);
        let bare = self.arena.not(padded);
        let wanted = self.arena.both(vec![bare, of]);
        self.arena.sequence(&[blanks, wanted, blanks])
    }
}

/// The pattern by which blanks around a text are dropped: a header is looked at without them.
const TRIM: &str = "^[ \t]+|[ \t]+$";

/// The pattern that takes everything before the last element between commas.
const LAST: &str = "^.*,[ \t]*";
