//! `/waypost review`

use super::{Command, Permission, Spec, usage};
use crate::report::replies::Refusal;

/// Reviews the head as it is now, also where nothing changed since the last review.
pub(super) const SPEC: Spec = Spec {
    name: "review",
    arguments: "",
    permission: Permission::Anyone,
    summary: "reviews the head commit again",
    example: "/waypost review",
    parse,
};

fn parse(words: &[String]) -> Result<Command, Refusal> {
    match words.first() {
        None => Ok(Command::Review),
        Some(word) => Err(Refusal::TooMuch { word: word.clone(), usage: usage(&SPEC) }),
    }
}
