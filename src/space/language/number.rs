//! Whole numbers as texts: an optional sign, any number of leading zeros, at most what 64 bits hold.

use super::LanguageId;
use super::alphabet::ByteSet;
use super::node::{Arena, BLANK, NOTHING};
use crate::model::NumberRange;

/// Returns the texts that are a number in one of `ranges`.
pub(super) fn in_ranges(arena: &mut Arena, ranges: &[NumberRange]) -> LanguageId {
    let mut all = Vec::new();
    for range in ranges {
        let (from, to) = (range.from.unwrap_or(i64::MIN), range.to.unwrap_or(i64::MAX));
        if from > to {
            continue;
        }
        if let (Ok(from), Ok(to)) = (u64::try_from(from.max(0)), u64::try_from(to)) {
            let plus = arena.literal(b"+", false);
            let sign = arena.any(vec![BLANK, plus]);
            let digits = between(arena, from, to);
            all.push(arena.then(sign, digits));
        }
        if from <= 0 {
            let minus = arena.literal(b"-", false);
            let digits = between(arena, to.min(0).unsigned_abs(), from.unsigned_abs());
            all.push(arena.then(minus, digits));
        }
    }
    arena.any(all)
}

/// Returns the texts of digits that are a number from `from` to `to`.
pub(super) fn between(arena: &mut Arena, from: u64, to: u64) -> LanguageId {
    let zero = digits(arena, b'0', b'0');
    let zeros = arena.star(zero);
    let mut all = Vec::new();
    for length in from.to_string().len()..=to.to_string().len() {
        let power = |exponent: usize| 10_u64.checked_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        let least = if length == 1 { 0 } else { power(length - 1).unwrap_or(u64::MAX) };
        let most = power(length).map_or(u64::MAX, |power| power - 1);
        let (least, most) = (least.max(from).to_string(), most.min(to).to_string());
        all.push(same_length(arena, least.as_bytes(), most.as_bytes()));
    }
    let all = arena.any(all);
    arena.then(zeros, all)
}

/// Returns the texts of digits as long as both that are not below `least` and not above `most`.
fn same_length(arena: &mut Arena, least: &[u8], most: &[u8]) -> LanguageId {
    let (Some((first, least_rest)), Some((last, most_rest))) = (least.split_first(), most.split_first()) else { return BLANK };
    if least.iter().all(|digit| *digit == b'0') && most.iter().all(|digit| *digit == b'9') {
        return any_digits(arena, least.len());
    }
    if first == last {
        let digit = digits(arena, *first, *last);
        let rest = same_length(arena, least_rest, most_rest);
        return arena.then(digit, rest);
    }
    let nines = vec![b'9'; least_rest.len()];
    let zeros = vec![b'0'; least_rest.len()];
    let low = digits(arena, *first, *first);
    let low_rest = same_length(arena, least_rest, &nines);
    let low = arena.then(low, low_rest);
    let high = digits(arena, *last, *last);
    let high_rest = same_length(arena, &zeros, most_rest);
    let high = arena.then(high, high_rest);
    let middle = if first + 1 < *last { digits(arena, first + 1, last - 1) } else { NOTHING };
    let any = any_digits(arena, zeros.len());
    let middle = arena.then(middle, any);
    arena.any(vec![low, middle, high])
}

fn any_digits(arena: &mut Arena, count: usize) -> LanguageId {
    let digit = digits(arena, b'0', b'9');
    let count = u32::try_from(count).unwrap_or(0);
    arena.times(digit, count, Some(count))
}

fn digits(arena: &mut Arena, from: u8, to: u8) -> LanguageId {
    arena.bytes(ByteSet::of(from..=to))
}
