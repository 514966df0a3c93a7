//! Lines of lists and maps, with the places to show.

use super::super::files::Named;
use super::super::syntax::Word;
use super::Lowering;
use crate::model::Label;
use crate::span::Span;
use std::sync::Arc;

/// A line of a list or a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The pattern, or the key of a map.
    pub(super) key: Arc<str>,
    /// What a map gives for it; empty in a list.
    pub(super) value: Arc<str>,
    pub(super) span: Span,
}

impl Entry {
    pub(super) fn label(&self) -> Label {
        let text = if self.value.is_empty() { Arc::clone(&self.key) } else { Arc::from(format!("{} {}", self.key, self.value)) };
        Label { span: self.span.clone(), text }
    }
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A pattern a line.
    List,
    /// A key and its value a line.
    Map,
}

impl Lowering<'_, '_> {
    /// Returns the lines of the file that `word` names; `None` where it cannot be read, which was said.
    pub(super) fn list(&mut self, word: &Word, shape: Shape) -> Option<Vec<Entry>> {
        let named = self.named(word)?;
        let entry = |line: super::super::files::Entry<'_>| Entry { key: Arc::from(line.key), value: Arc::from(line.value), span: line.span };
        Some(match shape {
            Shape::List => named.patterns().map(entry).collect(),
            Shape::Map => named.map().map(entry).collect(),
        })
    }

    fn named(&mut self, word: &Word) -> Option<Named> {
        self.files.named(self.config, word, self.model)
    }
}
