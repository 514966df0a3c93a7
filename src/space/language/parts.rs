//! Texts by their parts: fields and words between delimiters, elements between commas, parameters of a query.

use super::alphabet::ByteSet;
use super::matcher::padded_element;
use super::node::{ALL, BLANK};
use super::preimage::MOST_COUNTED;
use super::{LanguageId, Languages};

/// Some parts of a text, with what stands between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    /// How many parts are passed over, from the start or else from the end.
    skipped: u32,
    from_end: bool,
    delimiters: ByteSet,
    /// How many parts; 0 for all that are left.
    count: u32,
    /// Parts are never empty (words), as several delimiters in a row are one.
    runs: bool,
}

impl Parts {
    /// Returns the parts that a converter takes; `None` for what is too far to count.
    pub(super) fn of(index: i32, delimiters: &str, count: usize, runs: bool) -> Option<Self> {
        let skipped = index.unsigned_abs().checked_sub(1).filter(|skipped| *skipped < MOST_COUNTED)?;
        let count = u32::try_from(count).ok().filter(|count| *count < MOST_COUNTED)?;
        Some(Self { skipped, from_end: index < 0, delimiters: ByteSet::of(delimiters.bytes()), count, runs })
    }
}

/// The pieces that texts of parts are made of.
struct Pieces {
    part: LanguageId,
    gap: LanguageId,
    /// What may stand at the ends of a text.
    edge: LanguageId,
}

impl Languages {
    /// Returns the texts that have a part of that number, from the end where negative; `None` where it is too far to count.
    pub fn with_part(&mut self, index: i32, delimiters: &str) -> Option<LanguageId> {
        self.begin();
        let parts = Parts::of(index, delimiters, 1, false)?;
        let pieces = self.pieces(&parts);
        let id = self.having(&parts, &pieces, pieces.part);
        Some(self.noted(id))
    }

    /// Returns the texts of which these parts are one of `of`; where there are none, they are the empty text.
    ///
    /// Of fewer parts than asked for, all of the rest of the text is taken, delimiters too (HAProxy: `sample_conv_field`, `sample_conv_word`).
    pub(super) fn parts_in(&mut self, of: LanguageId, parts: &Parts) -> LanguageId {
        let pieces = self.pieces(parts);
        let (part, edge) = (pieces.part, pieces.edge);
        let mut found = Vec::new();
        if let Some(more) = parts.count.checked_sub(1) {
            let span = self.run(&pieces, parts, (more, Some(more)));
            let whole = self.arena.both(vec![span, of]);
            found.push(self.having(parts, &pieces, whole));
        }
        if parts.count != 1 {
            let most = parts.count.checked_sub(2);
            let short = self.run(&pieces, parts, (0, most));
            let (first, rest) = if parts.from_end { (edge, short) } else { (short, edge) };
            let short = self.arena.then(first, rest);
            let short = self.arena.both(vec![short, of]);
            found.push(self.beside(parts, &pieces, short));
        }
        if self.arena.has_blank(of) {
            let any = self.having(parts, &pieces, part);
            found.push(self.arena.not(any));
        }
        self.arena.any(found)
    }

    /// Returns so many parts after the first, with gaps between.
    fn run(&mut self, Pieces { part, gap, .. }: &Pieces, parts: &Parts, (least, most): (u32, Option<u32>)) -> LanguageId {
        if parts.from_end {
            let step = self.arena.then(*part, *gap);
            let more = self.arena.times(step, least, most);
            self.arena.then(more, *part)
        } else {
            let step = self.arena.then(*gap, *part);
            let more = self.arena.times(step, least, most);
            self.arena.then(*part, more)
        }
    }

    /// Returns the texts in which `wanted` stands where the parts are, whatever is on its other side.
    fn having(&mut self, parts: &Parts, pieces: &Pieces, wanted: LanguageId) -> LanguageId {
        if parts.from_end {
            let ahead = self.arena.then(ALL, pieces.gap);
            let ahead = self.arena.any(vec![BLANK, ahead]);
            let wanted = self.arena.then(ahead, wanted);
            self.beside(parts, pieces, wanted)
        } else {
            let behind = self.arena.then(pieces.gap, ALL);
            let behind = self.arena.any(vec![BLANK, behind]);
            let wanted = self.arena.then(wanted, behind);
            self.beside(parts, pieces, wanted)
        }
    }

    /// Returns the texts in which `wanted` is all that is left beside the parts that are passed over.
    fn beside(&mut self, parts: &Parts, Pieces { part, gap, edge }: &Pieces, wanted: LanguageId) -> LanguageId {
        if parts.from_end {
            let step = self.arena.then(*gap, *part);
            let passed = self.arena.times(step, parts.skipped, Some(parts.skipped));
            self.arena.sequence(&[wanted, passed, *edge])
        } else {
            let step = self.arena.then(*part, *gap);
            let passed = self.arena.times(step, parts.skipped, Some(parts.skipped));
            self.arena.sequence(&[*edge, passed, wanted])
        }
    }

    fn pieces(&mut self, parts: &Parts) -> Pieces {
        let (delimiter, other) = (self.arena.bytes(parts.delimiters), self.arena.bytes(parts.delimiters.complement()));
        let (delimiters, others) = (self.arena.star(delimiter), self.arena.star(other));
        if parts.runs {
            Pieces { part: self.arena.then(other, others), gap: self.arena.then(delimiter, delimiters), edge: delimiters }
        } else {
            Pieces { part: others, gap: delimiter, edge: BLANK }
        }
    }

    /// Returns the lists between commas of which, without the blanks around, the first that is one of `passing` or `ending` is one of `passing`.
    pub fn with_element(&mut self, passing: LanguageId, ending: LanguageId) -> LanguageId {
        self.begin();
        let comma = self.arena.bytes(ByteSet::of([b',']));
        let wanted = padded_element(&mut self.arena, passing);
        let other = self.neither(passing, ending);
        let other = padded_element(&mut self.arena, other);
        self.first_of(comma, other, wanted)
    }

    /// Returns the queries of which the first parameter `name` that is one of `passing` or `ending` is one of `passing`.
    pub fn with_parameter(&mut self, passing: LanguageId, ending: LanguageId, (name, caseless): (&str, bool)) -> LanguageId {
        self.begin();
        let set = ByteSet::of([b'&']);
        let and = self.arena.bytes(set);
        let byte = self.arena.bytes(set.complement());
        let bytes = self.arena.star(byte);
        let start = self.arena.literal(format!("{name}=").as_bytes(), caseless);
        let own = self.arena.then(start, ALL);
        let not_own = self.arena.not(own);
        let not_own = self.arena.both(vec![bytes, not_own]);
        let mut value = |texts: LanguageId| {
            let texts = self.arena.both(vec![bytes, texts]);
            self.arena.then(start, texts)
        };
        let wanted = value(passing);
        let other = self.neither(passing, ending);
        let other = self.arena.both(vec![bytes, other]);
        let other = self.arena.then(start, other);
        let other = self.arena.any(vec![not_own, other]);
        self.first_of(and, other, wanted)
    }

    fn neither(&mut self, passing: LanguageId, ending: LanguageId) -> LanguageId {
        let either = self.arena.any(vec![passing, ending]);
        self.arena.not(either)
    }

    /// Returns `others`, then `wanted`, then anything, all with `separator` between.
    fn first_of(&mut self, separator: LanguageId, other: LanguageId, wanted: LanguageId) -> LanguageId {
        let passed = self.arena.then(other, separator);
        let passed = self.arena.star(passed);
        let behind = self.arena.then(separator, ALL);
        let behind = self.arena.any(vec![BLANK, behind]);
        let id = self.arena.sequence(&[passed, wanted, behind]);
        self.noted(id)
    }
}
