//! The readings of a configuration that a template makes.

use super::discovery::Group;
use super::parser::{self, Parsed};
use crate::formats::source::Source;
use crate::formats::template::Choice;
use std::sync::Arc;

/// A configuration, or one reading of it.
pub(super) struct Reading {
    /// Which reading; `None` for the first and for plain files.
    pub(super) variant: Option<Arc<str>>,
    /// The texts.
    pub(super) sources: Vec<Source>,
    /// What they say.
    pub(super) parsed: Parsed,
}

/// Returns the readings of `group`, the first one first.
pub(super) fn readings(group: &Group) -> Vec<Reading> {
    let Some(template) = &group.template else {
        return vec![Reading { variant: None, sources: group.sources.clone(), parsed: parser::parse(&group.sources) }];
    };
    let choices = std::iter::once(Choice::first()).chain(template.further());
    let read = choices.map(|choice| {
        let sources = vec![template.reading(&choice)];
        let parsed = parser::parse(&sources);
        Reading { variant: choice.name(), sources, parsed }
    });
    read.collect()
}

impl Reading {
    /// Returns whether byte `at` of the file at `path` is part of this reading; a file that is no part of the configuration is in all.
    pub(super) fn has(&self, span: &crate::span::Span) -> bool {
        self.sources.iter().find(|source| source.path == span.path).is_none_or(|source| source.reads(span.start))
    }
}
