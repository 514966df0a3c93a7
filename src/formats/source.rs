//! The text of a file as a format reads it, and where each byte of it stands in the file.
//!
//! A plain file is read as it is. Of a template one *reading* is read: the literal parts as they stand, each expression as a **hole** between
//! [`HOLE_OPEN`] and [`HOLE_CLOSE`]. A lexer takes a hole as one opaque letter of a word, whatever is written in it.

use crate::span::{Span, TreePath};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Begins a hole; the text up to [`HOLE_CLOSE`] is the expression in the template's own words, on one line.
pub(in crate::formats) const HOLE_OPEN: char = '\u{E000}';

/// Ends a hole.
pub(in crate::formats) const HOLE_CLOSE: char = '\u{E001}';

/// A text with its places.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Source {
    /// The file.
    pub(in crate::formats) path: TreePath,
    /// What is read.
    pub(in crate::formats) text: Arc<str>,
    /// In the order of the text; empty for a plain file, which is read as it stands.
    pieces: Vec<Piece>,
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
        Self { path, text, pieces: Vec::new() }
    }

    /// Returns a reading; `pieces` cover `text` in order.
    pub(in crate::formats) fn reading(path: TreePath, text: Arc<str>, pieces: Vec<Piece>) -> Self {
        Self { path, text, pieces }
    }

    /// Returns where `range` of the text stands in the file. A range over several copies of a loop's body is where it begins.
    pub(in crate::formats) fn span(&self, range: Range<usize>) -> Span {
        let Some(start) = self.written(range.start) else { return Span::new(self.path.clone(), range.start, range.end) };
        let end = if range.end > range.start { self.written(range.end - 1).map(|last| last.end) } else { None };
        Span::new(self.path.clone(), start.start, end.unwrap_or(start.start).max(start.start))
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

/// Returns whether `word` holds a hole.
pub(in crate::formats) fn has_hole(word: &str) -> bool {
    word.contains(HOLE_OPEN)
}

/// Returns `word` as a person wrote it, without the marks of holes.
pub(in crate::formats) fn shown(word: &str) -> Cow<'_, str> {
    if has_hole(word) { Cow::Owned(word.replace([HOLE_OPEN, HOLE_CLOSE], "")) } else { Cow::Borrowed(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_where_it_is_written() {
        let path = TreePath::new("a.j2").unwrap();
        let plain = Source::plain(path.clone(), Arc::from("server a;"));
        assert_eq!(plain.span(7..8), Span::new(path.clone(), 7, 8));
        // `x {{ y }} z`, with two marks of three bytes each around the expression.
        let text: Arc<str> = Arc::from(format!("x {HOLE_OPEN}{{{{ y }}}}{HOLE_CLOSE} z"));
        let hole = 2..2 + 3 + 7 + 3;
        let pieces = vec![
            Piece { read: 0..2, written: 0..2 },
            Piece { read: hole.clone(), written: 2..9 },
            Piece { read: hole.end..hole.end + 2, written: 9..11 },
        ];
        let reading = Source::reading(path.clone(), text, pieces);
        assert_eq!(reading.span(0..1), Span::new(path.clone(), 0, 1));
        assert_eq!(reading.span(hole.clone()), Span::new(path.clone(), 2, 9));
        assert_eq!(reading.span(hole.end + 1..hole.end + 2), Span::new(path, 10, 11));
        assert_eq!(shown(&format!("a{HOLE_OPEN}{{{{ y }}}}{HOLE_CLOSE}")), "a{{ y }}");
    }
}
