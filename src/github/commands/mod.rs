//! Slash commands: `/waypost NAME …` on a line of its own in a comment on a pull request.
//!
//! One table, [`SPECS`], makes the parser, the answer to `/waypost help`, the page `/help` and the suggestions. A command is a file and
//! a line there. The commands so far change nothing but what Waypost itself shows, so whoever may comment may use them.

mod help;
mod markdown;
mod parse;
mod review;
mod trace;

pub use parse::commands_in;
pub use trace::Args as TraceArgs;

use super::publish::PublishError;
use super::sides::Sides;
use super::tree::{TreeError, Trees};
use crate::report::replies::{CommandHelp, Refusal};
use std::time::Duration;

/// A command as one can use it.
#[derive(Debug)]
pub struct Spec {
    /// The word after `/waypost`.
    pub name: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// Who may use it.
    pub permission: Permission,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// One use of it.
    pub example: &'static str,
    /// Reads what follows the name.
    parse: fn(&[String]) -> Result<Command, Refusal>,
}

/// Who may use a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Whoever may comment on the pull request: it changes nothing but what Waypost shows.
    Anyone,
}

/// Every command, in the order of the help.
pub const SPECS: &[&Spec] = &[&help::SPEC, &review::SPEC, &trace::SPEC];

/// A command that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say what there is.
    Help,
    /// Review again.
    Review,
    /// Say how a request is routed.
    Trace(TraceArgs),
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Markdown to answer with.
    Text(String),
    /// No words: a review follows, and says it all.
    Review,
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be done, and the person can be told why.
    #[error("refused")]
    Refused(Refusal),
    /// The trees cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// GitHub or the store is in the way.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What a command works on.
#[derive(Debug)]
pub struct Context<'a> {
    /// The trees.
    pub trees: &'a Trees,
    /// Base and head of the pull request.
    pub sides: &'a Sides,
    /// For the work on them.
    pub limit: Duration,
}

impl Command {
    /// Returns whether it needs the trees.
    pub fn reads_trees(&self) -> bool {
        match self {
            Self::Trace(_) => true,
            Self::Help | Self::Review => false,
        }
    }

    /// Does the command. `cx` is there where [`Command::reads_trees`].
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run(&self, cx: Option<&Context<'_>>) -> Result<Reply, CommandError> {
        match (self, cx) {
            (Self::Trace(args), Some(cx)) => trace::run(cx, args).await,
            (Self::Review, _) => Ok(Reply::Review),
            (Self::Help | Self::Trace(_), _) => Ok(help::run()),
        }
    }
}

/// Returns the table for a page or a comment.
pub fn command_help() -> Vec<CommandHelp> {
    let row = |spec: &&Spec| CommandHelp {
        usage: format!("/waypost {} {}", spec.name, spec.arguments).trim_end().to_owned(),
        summary: spec.summary,
        example: spec.example,
        who: match spec.permission {
            Permission::Anyone => "anyone who may comment",
        },
    };
    SPECS.iter().map(row).collect()
}

/// Returns the usage of `spec`.
fn usage(spec: &Spec) -> String {
    format!("/waypost {} {}", spec.name, spec.arguments).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_command_of_its_spec() {
        for spec in SPECS {
            let found = commands_in(spec.example);
            assert!(matches!(found.as_slice(), [Ok(_)]), "{}: {found:?}", spec.name);
            assert!(spec.example.starts_with(&format!("/waypost {}", spec.name)));
        }
    }
}
