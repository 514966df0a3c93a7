//! From a test of the model to a language.

use super::alphabet::ByteSet;
use super::node::{ALL, Arena, BLANK, NOTHING};
use super::{LanguageId, NotRegular, compile, number};
use crate::model::{Matcher, NumberRange};

/// Returns the texts that pass `matcher`.
pub(super) fn texts(arena: &mut Arena, matcher: &Matcher) -> Result<LanguageId, NotRegular> {
    match matcher {
        Matcher::Equals { text, caseless } => match text.as_literal() {
            Some(text) => Ok(arena.literal(text.as_bytes(), *caseless)),
            None => Err(NotRegular("compared with what the request holds".to_owned())),
        },
        Matcher::Prefix { text, caseless } => {
            let text = arena.literal(text.as_bytes(), *caseless);
            Ok(arena.then(text, ALL))
        }
        Matcher::Suffix { text, caseless } => {
            let text = arena.literal(text.as_bytes(), *caseless);
            Ok(arena.then(ALL, text))
        }
        Matcher::Contains { text, caseless } => {
            let text = arena.literal(text.as_bytes(), *caseless);
            Ok(arena.sequence(&[ALL, text, ALL]))
        }
        Matcher::Regex(regex) => compile::pattern(arena, regex),
        Matcher::Network(_) => Err(NotRegular("a network of addresses".to_owned())),
        Matcher::Segment { text, caseless, delimiters } => Ok(segment(arena, text.as_bytes(), *caseless, delimiters.as_bytes())),
        Matcher::Number(ranges) => Ok(number::in_ranges(arena, ranges)),
        Matcher::Length(ranges) => Ok(length(arena, ranges)),
        Matcher::Present => Ok(ALL),
        // A request is looked at that carries one of them.
        Matcher::Each(inner) => texts(arena, inner),
        Matcher::Element(inner) => {
            let inner = texts(arena, inner)?;
            Ok(element(arena, inner))
        }
        Matcher::Truthy { zero_is_false } => {
            let zero = if *zero_is_false { arena.literal(b"0", false) } else { NOTHING };
            let falsy = arena.any(vec![BLANK, zero]);
            Ok(arena.not(falsy))
        }
    }
}

fn segment(arena: &mut Arena, text: &[u8], caseless: bool, delimiters: &[u8]) -> LanguageId {
    let delimits = |byte: &u8| delimiters.contains(byte);
    let start = text.iter().position(|byte| !delimits(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !delimits(byte)).map_or(start, |at| at + 1);
    let text = arena.literal(text.get(start..end).unwrap_or_default(), caseless);
    between(arena, text, ByteSet::of(delimiters.iter().copied()))
}

/// Returns the texts in which one of `inner` stands between two bytes of `delimiters`, or the ends.
fn between(arena: &mut Arena, inner: LanguageId, delimiters: ByteSet) -> LanguageId {
    let delimiter = arena.bytes(delimiters);
    let before = arena.then(ALL, delimiter);
    let before = arena.any(vec![BLANK, before]);
    let after = arena.then(delimiter, ALL);
    let after = arena.any(vec![BLANK, after]);
    arena.sequence(&[before, inner, after])
}

fn element(arena: &mut Arena, inner: LanguageId) -> LanguageId {
    let padded = padded_element(arena, inner);
    between(arena, padded, ByteSet::of([b',']))
}

/// Returns the texts without a comma that are one of `inner` without the blanks around them.
pub(super) fn padded_element(arena: &mut Arena, inner: LanguageId) -> LanguageId {
    let blanks = ByteSet::of([b' ', b'\t', b'\n', b'\x0c', b'\r']);
    let commas = ByteSet::of([b',']);
    let edge = arena.bytes(blanks.union(commas).complement());
    let middle = arena.bytes(commas.complement());
    let middle = arena.star(middle);
    let longer = arena.sequence(&[edge, middle, edge]);
    let trimmed = arena.any(vec![BLANK, edge, longer]);
    let wanted = arena.both(vec![inner, trimmed]);
    let blank = arena.bytes(blanks);
    let blank = arena.star(blank);
    arena.sequence(&[blank, wanted, blank])
}

fn length(arena: &mut Arena, ranges: &[NumberRange]) -> LanguageId {
    let any = arena.bytes(ByteSet::ALL);
    let mut all = Vec::new();
    for range in ranges {
        let least = u32::try_from(range.from.unwrap_or(0).max(0));
        let most = range.to.map(|to| u32::try_from(to.max(-1)));
        match (least, most) {
            (Ok(least), Some(Ok(most))) if least <= most => all.push(arena.times(any, least, Some(most))),
            // Nothing is that long; and a bound that large is none.
            (Ok(least), None) => all.push(arena.times(any, least, None)),
            (Ok(least), Some(Err(_))) if range.to.is_some_and(|to| to > 0) => all.push(arena.times(any, least, None)),
            _ => {}
        }
    }
    arena.any(all)
}
