//! The syntax tree: sections of lines of words, with the place of each. What a line means is not known here.

use crate::model::Label;
use crate::span::{Span, TreePath};
use std::sync::Arc;

/// All files that one HAProxy process loads, in the order it loads them.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The file the configuration is called by: the only one, or the first.
    pub(super) id: TreePath,
    /// Which reading of its templates this is; `None` for the first and where there are none.
    pub(super) variant: Option<Arc<str>>,
    /// In order; sections of all files in one list, as HAProxy sees them.
    pub(super) sections: Vec<Section>,
    /// `false` when part of it could not be read (a missing file, a template's loop over unknown values).
    pub(super) complete: bool,
}

/// A section with its lines.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// What it is.
    pub(super) kind: SectionKind,
    /// Its name; empty where it has none.
    pub(super) name: Word,
    /// The line that opens it.
    pub(super) head: Line,
    /// Its own lines, in order; conditional blocks (`.if`) are resolved.
    pub(super) lines: Vec<Line>,
    /// The `defaults` section it takes from: an index into [`Config::sections`]. A `defaults` section may have one too (`defaults a from b`).
    pub(super) defaults: Option<usize>,
}

/// The kinds of sections; those we do not look into are `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SectionKind {
    /// `global`
    Global,
    /// `defaults`
    Defaults,
    /// `frontend`
    Frontend,
    /// `backend`
    Backend,
    /// `listen`
    Listen,
    /// `peers`, `resolvers`, `userlist`, `cache`, `mailers`, `program`, `ring`, `http-errors`…
    Other,
}

/// One line: a keyword with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// At least one; the first is the keyword.
    pub(super) words: Vec<Word>,
    /// From the first byte of the first word to the last of the last.
    pub(super) span: Span,
}

/// A word as HAProxy sees it: quotes and escapes resolved, environment variables replaced where their value is known, holes
/// (see [`crate::formats::source`]) where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What HAProxy sees.
    pub(super) text: Arc<str>,
    /// Where it is written.
    pub(super) span: Span,
}

impl Word {
    /// Returns whether it parts the terms of a condition. Letters count in any case (HAProxy: `parse_acl_cond`; seen on 2.6.12).
    pub(super) fn is_or(&self) -> bool {
        self.text.eq_ignore_ascii_case("or") || &*self.text == "||"
    }
}

impl Line {
    /// Returns the keyword.
    pub(super) fn keyword(&self) -> &str {
        self.words.first().map_or("", |word| &word.text)
    }

    /// Returns the `index`-th argument, counted from 0.
    pub(super) fn arg(&self, index: usize) -> Option<&Word> {
        self.words.get(index + 1)
    }

    /// Returns the line as a person would quote it.
    pub(super) fn label(&self) -> Label {
        let words: Vec<&str> = self.words.iter().map(|word| &*word.text).collect();
        Label { span: self.span.clone(), text: Arc::from(crate::formats::source::shown(&words.join(" "))) }
    }
}
