//! Environment variables: what `global` says of them, and what is not known.

use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The longest value that is kept.
const MAX_VALUE: usize = 16 << 10;

/// The most bytes that variables may add to one configuration.
const MAX_EXPANSION: usize = 4 << 20;

/// What a variable holds where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// This text.
    Text(Arc<str>),
    /// Surely nothing.
    Unset,
    /// Whatever HAProxy was started with.
    Unknown,
}

/// The variables at one place of the configuration. HAProxy replaces them while it reads, so a line sees what the lines above have set.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Those the configuration speaks of; `None` is taken away.
    known: BTreeMap<String, Option<Arc<str>>>,
    /// `resetenv` has taken away what is not known, but for these names.
    reset: Option<BTreeSet<String>>,
    /// The number of the line that is being read, for `.LINE`.
    pub(super) line: usize,
    /// The section that is being read, for `.SECTION`.
    pub(super) section: Arc<str>,
    /// How many bytes variables have added.
    spent: usize,
    /// Those whose default was taken, since nothing here sets them.
    pub(super) defaulted: Vec<String>,
}

impl Environment {
    /// Returns what `name` holds, or what is written as its default.
    pub(super) fn value(&mut self, name: &str, default: Option<&str>, path: &TreePath) -> Value {
        let known = match name {
            ".FILE" => Some(Some(Arc::from(path.as_str()))),
            ".LINE" => Some(Some(Arc::from(self.line.to_string()))),
            ".SECTION" => Some(Some(Arc::clone(&self.section))),
            _ => self.known.get(name).cloned(),
        };
        match (known, default) {
            (Some(Some(text)), _) => {
                self.spent += text.len();
                if self.spent > MAX_EXPANSION { Value::Unknown } else { Value::Text(text) }
            }
            (Some(None), Some(default)) => Value::Text(Arc::from(default)),
            (Some(None), None) => Value::Unset,
            (None, Some(default)) => {
                if !self.is_gone(name) && !self.defaulted.iter().any(|other| other == name) {
                    self.defaulted.push(name.to_owned());
                }
                Value::Text(Arc::from(default))
            }
            (None, None) if self.is_gone(name) => Value::Unset,
            (None, None) => Value::Unknown,
        }
    }

    /// Returns whether `name` is set; `None` where that is not known.
    pub(super) fn defined(&self, name: &str) -> Option<bool> {
        match self.known.get(name) {
            Some(value) => Some(value.is_some()),
            None if self.is_gone(name) => Some(false),
            None => None,
        }
    }

    /// `setenv`: from here on `name` is `value`. One that is too long is not known.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if value.len() > MAX_VALUE {
            self.known.remove(name);
        } else {
            self.known.insert(name.to_owned(), Some(Arc::from(value)));
        }
    }

    /// `presetenv`: as `set`, unless HAProxy was started with another value. What the configuration says is the best guess.
    pub(super) fn preset(&mut self, name: &str, value: &str) {
        if !matches!(self.known.get(name), Some(Some(_))) {
            self.set(name, value);
        }
    }

    /// `unsetenv`.
    pub(super) fn unset(&mut self, name: &str) {
        self.known.insert(name.to_owned(), None);
    }

    /// `resetenv`: only `kept` stay.
    pub(super) fn reset(&mut self, kept: &[&str]) {
        let known = std::mem::take(&mut self.known);
        self.reset = Some(kept.iter().map(|name| (*name).to_owned()).collect());
        self.known = known.into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect();
    }

    /// Returns whether `resetenv` took `name` away.
    fn is_gone(&self, name: &str) -> bool {
        self.reset.as_ref().is_some_and(|kept| !kept.contains(name))
    }
}
