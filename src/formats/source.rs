//! The text of a file as a format reads it, and where each byte of it stands in the file.
//!
//! A plain file is read as it is. Of a template one *reading* is read: the literal parts as they stand, each expression as a **hole** between
//! [`HOLE_OPEN`] and [`HOLE_CLOSE`]. A lexer takes a hole as one opaque letter of a word, whatever is written in it: the expression's characters
//! are replaced by letters that mean nothing to any format (see [`hole`]), so that a blank, a quote, a brace or a `/` in it ends no word and is found
//! by no search. [`shown`] gives the expression back.

use crate::span::{Span, TreePath};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Begins a hole; the text up to [`HOLE_CLOSE`] stands for the expression in the template's own words, on one line.
pub(in crate::formats) const HOLE_OPEN: char = '\u{E000}';

/// Ends a hole.
pub(in crate::formats) const HOLE_CLOSE: char = '\u{E001}';

/// An ASCII character of an expression is this plus its number.
const LETTERS: u32 = 0xE100;

/// A text with its places.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Source {
    /// The file.
    pub(in crate::formats) path: TreePath,
    /// What is read.
    pub(in crate::formats) text: Arc<str>,
    /// In the order of the text; empty for a plain file, which is read as it stands.
    pieces: Vec<Piece>,
    /// Where each file begins in what the pieces are written in, and which it is: templates may stand in each other.
    files: Vec<(usize, TreePath)>,
}

/// Returns the span of these bytes of `files`, which follow each other; without any they are those of `own`.
pub(in crate::formats) fn in_file(own: &TreePath, files: &[(usize, TreePath)], start: usize, end: usize) -> Span {
    let next = files.partition_point(|(from, _)| *from <= start);
    let Some((from, path)) = next.checked_sub(1).and_then(|at| files.get(at)) else { return Span::new(own.clone(), start, end) };
    // What runs over into another file ends with its own.
    let limit = files.get(next).map_or(usize::MAX, |(next, _)| next.saturating_sub(1));
    Span::new(path.clone(), start - from, end.min(limit).max(start) - from)
}

/// A run of the text and where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Piece {
    /// In the text.
    pub(in crate::formats) read: Range<usize>,
    /// In the file. As long as `read` where the bytes are the same; otherwise the whole of it stands for each byte (a hole).
    pub(in crate::formats) written: Range<usize>,
}

impl Source {
    /// Returns a file read as it stands.
    pub(in crate::formats) fn plain(path: TreePath, text: Arc<str>) -> Self {
        Self { path, text, pieces: Vec::new(), files: Vec::new() }
    }

    /// Returns a reading; `pieces` cover `text` in order.
    pub(in crate::formats) fn reading(path: TreePath, text: Arc<str>, pieces: Vec<Piece>, files: Vec<(usize, TreePath)>) -> Self {
        Self { path, text, pieces, files }
    }

    /// Returns whether other templates stand in this one, so that a place is not in the file that it seems to be in.
    pub(in crate::formats) fn has_parts(&self) -> bool {
        self.files.len() > 1
    }

    /// Returns `span`, which counts all files as one, as it is in its own.
    pub(in crate::formats) fn in_its_file(&self, span: &Span) -> Span {
        if self.has_parts() { in_file(&self.path, &self.files, span.start, span.end) } else { span.clone() }
    }

    /// Returns whether this is the file as it stands.
    pub(in crate::formats) fn is_plain(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns where `range` of the text stands in the file. A range over several copies of a loop's body is where it begins.
    pub(in crate::formats) fn span(&self, range: Range<usize>) -> Span {
        self.in_its_file(&self.joined_span(range))
    }

    /// As [`Self::span`], with all files counted as one: as places of [`Self::place`] are.
    pub(in crate::formats) fn joined_span(&self, range: Range<usize>) -> Span {
        let Some(start) = self.written(range.start) else { return Span::new(self.path.clone(), range.start, range.end) };
        let end = if range.end > range.start { self.written(range.end - 1).map(|last| last.end) } else { None };
        Span::new(self.path.clone(), start.start, end.unwrap_or(start.start).max(start.start))
    }

    /// Returns the byte of the file where the byte at `at` of the text is written.
    pub(in crate::formats) fn place(&self, at: usize) -> usize {
        self.written(at).map_or(at, |written| written.start)
    }

    /// Returns whether the beginning of `span` is part of what is read.
    pub(in crate::formats) fn reads(&self, span: &Span) -> bool {
        if self.pieces.is_empty() {
            return span.path == self.path;
        }
        let from = self.files.iter().find(|(_, path)| *path == span.path).map(|(from, _)| *from);
        from.is_some_and(|from| self.pieces.iter().any(|piece| piece.written.contains(&(from + span.start))))
    }

    /// Returns the bytes of the file that the byte at `at` stands for; `None` in a plain file.
    fn written(&self, at: usize) -> Option<Range<usize>> {
        let next = self.pieces.partition_point(|piece| piece.read.start <= at);
        let piece = self.pieces.get(next.checked_sub(1)?)?;
        if piece.read.len() != piece.written.len() {
            return Some(piece.written.clone());
        }
        let place = piece.written.start + at.min(piece.read.end) - piece.read.start;
        Some(place..place + 1)
    }
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Part<'a> {
    /// As it stands.
    Literal(&'a str),
    /// An expression, in its own words.
    Hole(String),
}

/// Returns the hole that stands for the expression `words`.
pub(in crate::formats) fn hole(words: &str) -> String {
    let inner = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let letter = |c: char| match c {
        c if c.is_ascii() => char::from_u32(LETTERS + u32::from(c)).unwrap_or('?'),
        '\u{E000}'..='\u{F8FF}' => '?',
        c => c,
    };
    std::iter::once(HOLE_OPEN).chain(inner.chars().map(letter)).chain(std::iter::once(HOLE_CLOSE)).collect()
}

/// Returns the pieces of `word`, in order.
pub(in crate::formats) fn parts(word: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once(HOLE_OPEN) {
        if !before.is_empty() {
            parts.push(Part::Literal(before));
        }
        let (inner, tail) = after.split_once(HOLE_CLOSE).unwrap_or((after, ""));
        parts.push(Part::Hole(inner.chars().filter_map(decoded).collect()));
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    parts
}

/// Returns whether `word` holds a hole.
pub(in crate::formats) fn has_hole(word: &str) -> bool {
    // Asked of every word; only characters of the private use area begin with this byte.
    word.as_bytes().contains(&0xee) && word.contains(HOLE_OPEN)
}

/// Returns `word` as a person wrote it: expressions in their own words.
pub(in crate::formats) fn shown(word: &str) -> Cow<'_, str> {
    if word.as_bytes().contains(&0xee) && word.contains(is_mark) {
        Cow::Owned(word.chars().filter_map(decoded).collect())
    } else {
        Cow::Borrowed(word)
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, HOLE_OPEN | HOLE_CLOSE) || (LETTERS..LETTERS + 0x80).contains(&u32::from(c))
}

/// Returns the character of an expression that `c` stands for; `None` for the marks around it.
fn decoded(c: char) -> Option<char> {
    match c {
        HOLE_OPEN | HOLE_CLOSE => None,
        c if is_mark(c) => char::from_u32(u32::from(c) - LETTERS),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_where_it_is_written() {
        let path = TreePath::new("a.j2").unwrap();
        let plain = Source::plain(path.clone(), Arc::from("server a;"));
        assert_eq!(plain.span(7..8), Span::new(path.clone(), 7, 8));
        // `x {{ y }} z`.
        let text: Arc<str> = Arc::from(format!("x {} z", hole("{{ y }}")));
        let read = 2..text.len() - 2;
        let pieces = vec![
            Piece { read: 0..2, written: 0..2 },
            Piece { read: read.clone(), written: 2..9 },
            Piece { read: read.end..read.end + 2, written: 9..11 },
        ];
        let reading = Source::reading(path.clone(), text, pieces, vec![(0, path.clone())]);
        assert_eq!(reading.span(0..1), Span::new(path.clone(), 0, 1));
        assert_eq!(reading.span(read.clone()), Span::new(path.clone(), 2, 9));
        assert_eq!(reading.span(read.end + 1..read.end + 2), Span::new(path, 10, 11));
    }

    #[test]
    fn nothing_in_a_hole_means_anything_to_a_format() {
        let word = format!("http://{}_pool", hole("{{ a.b | default('x y;',\n  true) }}"));
        assert!(!word.contains([' ', ';', '{', '|', '\'', '.']));
        assert_eq!(shown(&word), "http://{{ a.b | default('x y;', true) }}_pool");
        let expected = [Part::Literal("http://"), Part::Hole("{{ a.b | default('x y;', true) }}".to_owned()), Part::Literal("_pool")];
        assert_eq!(parts(&word), expected);
    }
}
