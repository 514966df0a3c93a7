//! `/waypost help`

use super::{Command, Permission, Reply, Spec, command_help};
use crate::report::replies::{self, Refusal};

/// Says what there is. Words after it are ignored: whoever needs help should get it.
pub(super) const SPEC: Spec =
    Spec { name: "help", arguments: "", permission: Permission::Anyone, summary: "lists the commands", example: "/waypost help", parse };

#[expect(clippy::unnecessary_wraps, reason = "the shape of every command's reader")]
fn parse(_words: &[String]) -> Result<Command, Refusal> {
    Ok(Command::Help)
}

pub(super) fn run() -> Reply {
    Reply::Text(replies::help(&command_help()))
}
