//! `/waypost review`

use super::arguments::Arguments;
use super::{Command, Spec};
use crate::report::replies::Refusal;
use crate::review::settings::Least;

/// Reviews the head as it is now, also where nothing changed since the last review.
pub(super) const SPEC: Spec =
    Spec { name: "review", arguments: "", least: Least::Anyone, summary: "reviews the head commit again", example: "/waypost review", parse };

fn parse(arguments: Arguments) -> Result<Command, Refusal> {
    arguments.end(&SPEC, &[])?;
    Ok(Command::Review)
}
