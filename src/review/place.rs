//! Byte offsets as lines and columns.

use crate::snapshot::Snapshot;
use crate::span::{LineIndex, Span, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a span begins and ends, as a person counts: from 1, the end included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start_line: usize,
    pub(super) end_line: usize,
    pub(super) start_column: usize,
    pub(super) end_column: usize,
}

/// The line starts of the files of one tree, each computed once.
pub(super) struct Places<'a> {
    snapshot: &'a Snapshot,
    files: BTreeMap<TreePath, Option<(Arc<str>, LineIndex)>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, files: BTreeMap::new() }
    }

    /// Returns the line `span` begins on; 1 when its file cannot be read.
    pub(super) fn line(&mut self, span: &Span) -> usize {
        self.place(span).start_line
    }

    /// Returns the lines and columns of `span`; the first character when its file cannot be read (a problem of the file as a whole).
    pub(super) fn place(&mut self, span: &Span) -> Place {
        let snapshot = self.snapshot;
        let file = self.files.entry(span.path.clone()).or_insert_with(|| {
            let text = snapshot.text(&span.path).ok()?;
            let index = LineIndex::new(&text);
            Some((text, index))
        });
        let Some((text, index)) = file else { return Place { start_line: 1, end_line: 1, start_column: 1, end_column: 1 } };
        let start = index.position(text, span.start.min(text.len()));
        // The last character of the span, without the line end it may take along.
        let inside = text.get(span.start..span.end.min(text.len())).unwrap_or_default().trim_end_matches(['\r', '\n']);
        let last = inside.char_indices().last().map_or(span.start, |(at, _)| span.start + at);
        let end = index.position(text, last.min(text.len())).max(start);
        Place { start_line: start.line, end_line: end.line, start_column: start.column, end_column: end.column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    #[test]
    fn the_end_is_the_last_character_not_the_one_after() {
        let snapshot = memory([("a", "x\n  ä server;\ny\n")]);
        let path = TreePath::new("a").unwrap();
        let mut places = Places::new(&snapshot);
        let server = places.place(&Span::new(path.clone(), 7, 14));
        assert_eq!(server, Place { start_line: 2, end_line: 2, start_column: 5, end_column: 11 });
        let line_with_its_end = places.place(&Span::new(path.clone(), 2, 15));
        assert_eq!(line_with_its_end, Place { start_line: 2, end_line: 2, start_column: 1, end_column: 11 });
        let nothing = places.place(&Span::new(path, 0, 0));
        assert_eq!(nothing, Place { start_line: 1, end_line: 1, start_column: 1, end_column: 1 });
    }

    #[test]
    fn a_file_that_cannot_be_read_has_a_first_character() {
        let snapshot = memory([("a", "\0")]);
        let place = Places::new(&snapshot).place(&Span::new(TreePath::new("a").unwrap(), 0, 1));
        assert_eq!((place.start_line, place.start_column), (1, 1));
    }
}
