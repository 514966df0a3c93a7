//! Where something is written: a file of a tree and a range of its bytes.
//!
//! Line and column are computed when they are shown ([`LineIndex`]), so that the model stays small and a span survives being carried around.

use std::fmt;
use std::sync::Arc;

/// A path inside a tree: `/`-separated, relative to its root, without `.`, `..` or a leading `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Arc<str>);

impl TreePath {
    /// Returns `path` with empty and `.` segments removed and `..` resolved; `None` when it leaves the tree.
    pub fn new(path: &str) -> Option<Self> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                name => parts.push(name),
            }
        }
        Some(Self(Arc::from(parts.join("/"))))
    }

    /// Returns the path as text; empty for the root of the tree.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the directory this path is in; the root is its own parent.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(Arc::from(self.0.rsplit_once('/').map_or("", |(dir, _)| dir)))
    }

    /// Returns the last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// Returns `relative` seen from this directory; `None` when that leaves the tree.
    pub fn join(&self, relative: &str) -> Option<Self> {
        Self::new(&format!("{}/{relative}", self.0))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A range of bytes of one file. `start <= end`; both lie on character boundaries of the file's text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file, as the tree names it.
    pub path: TreePath,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the span of `start..end` in `path`.
    pub fn new(path: TreePath, start: usize, end: usize) -> Self {
        Self { path, start, end }
    }

    /// Returns the span from the start of `self` to the end of `other`, which is in the same file and not before it.
    #[must_use]
    pub fn to(&self, other: &Self) -> Self {
        Self { path: self.path.clone(), start: self.start, end: other.end.max(self.start) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}..{}]", self.path, self.start, self.end)
    }
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// The line starts of one text, to turn byte offsets into positions.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Returns the index of `text`. Linear in its length.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
        Self { starts }
    }

    /// Returns the line of `offset`, from 1. An offset past the end is on the last line.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    /// Returns the position of `offset` in `text`, the text this index was made of.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let line = self.line(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = text.get(start..offset.min(text.len())).map_or(1, |before| before.chars().count() + 1);
        Position { line, column }
    }

    /// Returns the bytes of line `line` (from 1) without its line end; empty past the last line.
    pub fn line_range(&self, text: &str, line: usize) -> std::ops::Range<usize> {
        let start = line.checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or(text.len());
        let end = self.starts.get(line).map_or(text.len(), |next| next - 1);
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_out_of_the_tree_is_no_path() {
        assert_eq!(TreePath::new("../etc/passwd"), None);
        assert_eq!(TreePath::new("a/./b//../c").unwrap().as_str(), "a/c");
        assert_eq!(TreePath::new("a/b").unwrap().join("../../..").map(|p| p.to_string()), None);
    }

    #[test]
    fn positions_count_characters_from_one() {
        let text = "ab\nä c\n";
        let index = LineIndex::new(text);
        assert_eq!(index.position(text, 0), Position { line: 1, column: 1 });
        assert_eq!(index.position(text, 5), Position { line: 2, column: 2 });
        assert_eq!(index.line_range(text, 2), 3..7);
    }
}
