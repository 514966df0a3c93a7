//! `/waypost help`

use super::arguments::Arguments;
use super::{Command, Reply, Spec, command_help};
use crate::report::replies::{self, Refusal};
use crate::review::settings::Least;

/// Says what there is. Words after it are ignored: whoever needs help should get it.
pub(super) const SPEC: Spec =
    Spec { name: "help", arguments: "", least: Least::Anyone, summary: "lists the commands", example: "/waypost help", parse };

#[expect(clippy::unnecessary_wraps, reason = "the shape of every command's reader")]
fn parse(_arguments: Arguments) -> Result<Command, Refusal> {
    Ok(Command::Help)
}

pub(super) fn run() -> Reply {
    Reply::text(replies::help(&command_help()))
}
