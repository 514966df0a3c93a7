//! Request space: patterns as sets of texts, and the texts a person would type to be in one. `README.md` explains how.

#![forbid(unsafe_code)]

mod dialect;
mod language;
mod pattern;
mod sample;

pub use language::{LanguageId, Languages, NotRegular, OutOfBudget, Universe};
pub use pattern::{Captures, Pattern, TooHard, Unreadable};
pub use sample::samples;
