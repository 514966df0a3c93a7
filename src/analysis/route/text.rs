//! Texts at request time: bytes, of which some may stand for what nobody can read.

use std::borrow::Cow;

/// The longest text made; no proxy takes a longer line, and a variable that doubles itself would fill the memory.
const LONGEST: usize = 64 << 10;

/// A text made while a request is routed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// Part of `bytes` is the words for something that cannot be read: two such texts with the same bytes are equal, and nothing else is known.
    pub(super) hole: bool,
}

impl Text {
    pub(super) fn known(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), hole: false }
    }

    pub(super) fn hole(words: &str) -> Self {
        Self { bytes: words.as_bytes().to_vec(), hole: true }
    }

    /// Adds `other`; what would be too long is a text that cannot be read.
    pub(super) fn push(&mut self, other: &Self) {
        let fits = self.bytes.len() + other.bytes.len() <= LONGEST;
        if fits {
            self.bytes.extend_from_slice(&other.bytes);
        }
        self.hole |= other.hole || !fits;
    }

    pub(super) fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}
