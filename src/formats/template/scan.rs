//! What the readers of the languages share: where a tag ends, and the names they know.

use super::expr;
use super::tree::{Defect, Tag};
use std::ops::Range;

/// What a language's reader makes of a text.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The tags, in order; what lies between them is printed as it stands.
    pub(super) tags: Vec<Tag>,
    /// What is wrong with them.
    pub(super) defects: Vec<Defect>,
    /// Why this cannot be read, where it cannot: custom delimiters, a layout that is elsewhere.
    pub(super) unreadable: Option<String>,
    /// What is understood only in part, each with its place.
    pub(super) unknown: Vec<(Range<usize>, String)>,
}

/// How a tag ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// At this place.
    At(usize),
    /// At this place, inside a quote that is never closed.
    InQuote(usize),
    /// Not at all.
    Never,
}

/// The longest tag that is read, in bytes.
const LONGEST_TAG: usize = 16 << 10;

/// The most defects of tags that are told: behind them nothing is read.
pub(super) const MOST_DEFECTS: usize = 50;

/// Returns the text from `from` on, as far as a tag that begins there may reach.
pub(super) fn ahead(text: &str, from: usize) -> &str {
    let mut end = text.len().min(from + LONGEST_TAG);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text.get(from..end).unwrap_or_default()
}

/// Returns where the tag whose inside begins at `from` ends with `close`, which is part of no quoted text. A quote that runs over a line
/// end while `close` stands on its own line is one that was forgotten.
pub(super) fn ending(text: &str, from: usize, close: &str) -> Ending {
    let rest = ahead(text, from);
    let mut quote: Option<(char, usize)> = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        let here = rest.get(at..).unwrap_or_default();
        match quote {
            None if here.starts_with(close) => return Ending::At(from + at),
            None => quote = Some((c, at)).filter(|_| matches!(c, '"' | '\'')),
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((open, _)) if c == open => quote = None,
            Some((_, begun)) if c == '\n' => {
                let line = rest.get(begun..at).unwrap_or_default();
                if let Some(found) = line.find(close) {
                    return Ending::InQuote(from + begun + found);
                }
            }
            Some(_) => {}
        }
    }
    match quote.and_then(|(_, begun)| Some(begun + rest.get(begun..)?.find(close)?)) {
        Some(found) => Ending::InQuote(from + found),
        None => Ending::Never,
    }
}

/// Returns the end of the line that `at` is on.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |found| at + found)
}

/// Returns the name of `known` that `word` is but for a slip of one letter, two in a long name.
pub(super) fn meant(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let most = if word.len() < 4 { 1 } else { 2 };
    let near =
        known.iter().map(|name| (distance(word, name), *name)).filter(|(distance, name)| *distance > 0 && *distance <= most.min(name.len() / 2));
    // Of several equally near, the one with the same beginning and end.
    let same = |(a, b): &(char, char)| a == b;
    let common =
        |name: &str| name.chars().zip(word.chars()).take_while(same).count() + name.chars().rev().zip(word.chars().rev()).take_while(same).count();
    near.min_by_key(|(distance, name)| (*distance, std::cmp::Reverse(common(name)), *name)).map(|(_, name)| name)
}

/// Returns the one of `known` that `word` is but for one letter, if it is none of them.
pub(super) fn meant_of<'k>(word: &str, known: &'k [String]) -> Option<&'k str> {
    let is_near = |name: &&String| distance(word, name) == 1;
    if known.iter().any(|name| name == word) { None } else { known.iter().find(is_near).map(String::as_str) }
}

/// Returns how many letters must be put in, left out, changed or swapped with the next to make `a` of `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let swapped = (0..a.len().saturating_sub(1)).any(|at| {
        let mut copy = a.clone();
        copy.swap(at, at + 1);
        copy == b
    });
    if swapped && a != b {
        return 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (to, (diagonal, above)) in b.iter().zip(row.iter().zip(row.iter().skip(1))) {
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(from != to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Returns the defect of a tag that is never closed.
pub(super) fn unclosed(text: &str, at: usize, open: &str, close: &str) -> Defect {
    let range = at..line_end(text, at).min(at + 200).max(at + open.len());
    let range = range.start..text.get(range.clone()).map_or(range.end, |line| range.start + line.trim_end().len());
    Defect::fatal(
        range,
        format!("the `{open}` that opens here has no `{close}`"),
        &format!("close it with `{close}`; nothing is rendered until then"),
    )
}

/// Returns the defect of a tag in which a quote is not closed.
pub(super) fn quote_in(range: Range<usize>, inside: &str) -> Defect {
    let quote = if expr::open_quote(inside) { inside.chars().find(|c| matches!(c, '"' | '\'')).unwrap_or('\'') } else { '\'' };
    Defect::fatal(range, format!("a quote `{quote}` in this tag is not closed"), "close the quote; nothing is rendered until then")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_ends_outside_of_quotes() {
        assert_eq!(ending("{{ '}}' }} x", 2, "}}"), Ending::At(8));
        assert_eq!(ending("{% if a == 'b %}\nx {{ 'c' }}", 2, "%}"), Ending::InQuote(14));
        assert_eq!(ending("{{ a", 2, "}}"), Ending::Never);
    }

    #[test]
    fn a_slip_is_seen() {
        let known = ["if", "elif", "endif", "endfor", "for"];
        assert_eq!(meant("endfi", &known), Some("endif"));
        assert_eq!(meant("edif", &known), Some("endif"));
        assert_eq!(meant("load_yaml", &known), None);
        assert_eq!(meant("if", &known), None);
    }
}
