//! What is wrong with a file, what was not understood, and what was read.

use crate::span::{Span, TreePath};

/// Something wrong with a file itself, found while reading it. The text is written by the format that found it and printed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The category it is reported under.
    pub kind: ProblemKind,
    /// Whether the proxy would refuse the whole configuration, as far as can be told; otherwise it goes on with what it understood.
    pub fatal: bool,
    /// What happened: lower case, no full stop, the user's text in backticks.
    pub message: String,
    /// One thing to do, if there is one that is surely true.
    pub help: Option<String>,
    /// The place.
    pub span: Span,
    /// Further places with a few words each ("opened here").
    pub related: Vec<Related>,
    /// What surely mends it.
    pub fix: Option<Fix>,
}

/// An edit that mends a [`Problem`], where there is one that nobody would argue about: not a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The bytes to replace; empty to put something in.
    pub span: Span,
    /// What stands there. Whoever applies the edit checks it: a name may have been written in quotes.
    pub was: String,
    /// What should.
    pub text: String,
}

impl Fix {
    /// Returns the edit that writes `meant` in place of `was`, which is at `span`.
    pub fn replace(span: &Span, was: &str, meant: &str) -> Self {
        Self { span: span.clone(), was: was.to_owned(), text: meant.to_owned() }
    }
}

/// A further place of a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// The category of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The text is not what the format allows.
    Syntax,
    /// It names something that is not there.
    DanglingReference,
}

/// Something that was not understood and could matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The place.
    pub span: Span,
    /// Why, in a few words: lower case, no full stop.
    pub reason: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    /// The file.
    pub path: TreePath,
    /// The format's name: `nginx`, `ansible`, `hosts`, `zone`.
    pub format: &'static str,
    /// What it is to us.
    pub role: Role,
}

/// What a file is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A gateway begins here.
    Entry,
    /// Reached from an entry.
    Included,
    /// Says what exists.
    Inventory,
    /// A policy.
    Policy,
}
