//! What follows a command's name: words, and `key="quoted value"`.

use super::{Spec, usage};
use crate::policy::nearest;
use crate::report::replies::Refusal;

/// The words after a command's name. A command takes what it knows; whatever is left is refused by [`Arguments::end`].
#[derive(Debug)]
pub(super) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    pub(super) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Returns all words as they stand.
    pub(super) fn all(self) -> Vec<String> {
        self.words
    }

    /// Takes the first word.
    pub(super) fn word(&mut self, spec: &Spec, what: &str) -> Result<String, Refusal> {
        // A pasted value may stand in `<…>` or in backticks.
        let plain = |word: &String| !word.contains('=') || word.starts_with("http");
        match self.words.iter().position(plain) {
            Some(at) => Ok(self.words.remove(at).trim_matches(['`', '<', '>']).to_owned()),
            None => Err(Refusal::Missing { what: what.to_owned(), usage: usage(spec) }),
        }
    }

    /// Takes the value of `key`.
    pub(super) fn value(&mut self, spec: &Spec, key: &str) -> Result<String, Refusal> {
        let at = self.words.iter().position(|word| word.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case(key)));
        let value = at.map(|at| self.words.remove(at)).and_then(|word| word.split_once('=').map(|(_, value)| value.trim().to_owned()));
        match value {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) | None => Err(Refusal::Missing { what: format!("`{key}=`"), usage: usage(spec) }),
        }
    }

    /// Refuses what nobody took. `keys` are those there are: one may have been meant.
    pub(super) fn end(self, spec: &Spec, keys: &[&'static str]) -> Result<(), Refusal> {
        let Some(word) = self.words.into_iter().next() else { return Ok(()) };
        let near = word.split_once('=').and_then(|(key, _)| nearest(key, keys.iter().copied()));
        match near {
            Some(near) => Err(Refusal::NearKey { word, near: near.to_owned() }),
            None => Err(Refusal::TooMuch { word, usage: usage(spec) }),
        }
    }

    /// Takes the value of `key`, and says first of a key that looks like it that it was meant.
    pub(super) fn required(&mut self, spec: &Spec, key: &'static str) -> Result<String, Refusal> {
        let missing = match self.value(spec, key) {
            Ok(value) => return Ok(value),
            Err(missing) => missing,
        };
        let slip = |word: &&String| word.split_once('=').is_some_and(|(name, _)| nearest(name, [key]).is_some());
        match self.words.iter().find(slip) {
            Some(word) => Err(Refusal::NearKey { word: word.clone(), near: key.to_owned() }),
            None => Err(missing),
        }
    }
}
