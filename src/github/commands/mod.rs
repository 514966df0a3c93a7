//! Slash commands: `/waypost NAME …` on a line of its own in a comment on a pull request.
//!
//! One table, [`SPECS`], makes the parser, the answer to `/waypost help`, the page `/help`, `docs/commands.md` and the suggestions. A
//! command is a file and a line there. Who may give one is decided when it is given (`access`): by what the person is in the repository
//! now, under the settings of the base commit.

mod access;
mod ack;
mod arguments;
mod decide;
mod doctor;
mod explain;
mod help;
mod markdown;
mod parse;
mod review;
mod rollback;
mod simulate;
mod status;
mod trace;
mod unwaive;
mod waive;

pub use access::{Granted, allowed};
pub use parse::commands_in;

use super::api::RepoApi;
use super::publish::PublishError;
use super::sides::Sides;
use super::transport::ApiError;
use super::tree::{TreeError, Trees};
use super::types::{PrNumber, Pull, User};
use crate::report::replies::{CommandHelp, Refusal};
use crate::review::settings::{Least, Role};
use crate::store::{Store, StoreError};
use arguments::Arguments;
use std::sync::Arc;
use std::time::Duration;

/// A command as one can use it.
#[derive(Debug)]
pub struct Spec {
    /// The word after `/waypost`.
    pub name: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// Who may use it where the settings say nothing.
    pub least: Least,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// One use of it.
    pub example: &'static str,
    /// Reads what follows the name.
    parse: fn(Arguments) -> Result<Command, Refusal>,
}

/// Every command, in the order of the help.
pub const SPECS: &[&Spec] = &[
    &help::SPEC,
    &review::SPEC,
    &trace::SPEC,
    &explain::SPEC,
    &ack::SPEC,
    &waive::SPEC,
    &unwaive::SPEC,
    &simulate::SPEC,
    &rollback::SPEC,
    &status::SPEC,
    &doctor::SPEC,
];

/// A command that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say what there is.
    Help,
    /// Review again.
    Review,
    /// Say how a request is routed.
    Trace(trace::Args),
    /// Say what a rule checks.
    Explain(explain::Args),
    /// Note that a finding has been seen.
    Ack(ack::Args),
    /// Let a finding through until a date.
    Waive(waive::Args),
    /// Take that back.
    Unwaive(unwaive::Args),
    /// Say what happens when a server dies.
    Simulate(simulate::Args),
    /// Say what taking this change back would leave.
    Rollback,
    /// Say how things stand.
    Status,
    /// Check the set-up.
    Doctor,
}

/// What a command comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Markdown to answer with.
    pub text: Option<String>,
    /// A review follows.
    pub review: bool,
}

impl Reply {
    fn text(text: String) -> Self {
        Self { text: Some(text), review: false }
    }
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be done, and the person can be told why.
    #[error("refused")]
    Refused(Refusal),
    /// GitHub does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store does not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The trees cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// GitHub or the store is in the way.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a command works on.
#[derive(Debug)]
pub struct Context<'a> {
    /// GitHub.
    pub api: &'a RepoApi,
    /// The store.
    pub store: &'a Arc<dyn Store>,
    /// The trees.
    pub trees: &'a Trees,
    /// The pull request.
    pub number: PrNumber,
    /// The pull request as it is now.
    pub pull: &'a Pull,
    /// Base and head, where [`Command::reads_trees`].
    pub sides: Option<&'a Sides>,
    /// Who gives the command.
    pub actor: &'a User,
    /// What the command came from: a comment and its place in it, the same on each attempt.
    pub source: String,
    /// For the work on the trees.
    pub limit: Duration,
}

impl Command {
    /// Returns its row of the table.
    pub fn spec(&self) -> &'static Spec {
        match self {
            Self::Help => &help::SPEC,
            Self::Review => &review::SPEC,
            Self::Trace(_) => &trace::SPEC,
            Self::Explain(_) => &explain::SPEC,
            Self::Ack(_) => &ack::SPEC,
            Self::Waive(_) => &waive::SPEC,
            Self::Unwaive(_) => &unwaive::SPEC,
            Self::Simulate(_) => &simulate::SPEC,
            Self::Rollback => &rollback::SPEC,
            Self::Status => &status::SPEC,
            Self::Doctor => &doctor::SPEC,
        }
    }

    /// Returns whether it needs the trees.
    pub fn reads_trees(&self) -> bool {
        match self {
            Self::Trace(_) | Self::Simulate(_) | Self::Rollback => true,
            Self::Help | Self::Review | Self::Explain(_) | Self::Ack(_) | Self::Waive(_) | Self::Unwaive(_) | Self::Status | Self::Doctor => false,
        }
    }

    /// Returns whether it decides something that a record is kept of, also where it is refused.
    pub fn decides(&self) -> bool {
        matches!(self, Self::Ack(_) | Self::Waive(_) | Self::Unwaive(_))
    }

    /// Does the command, which `granted` says may be done.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run(&self, cx: &Context<'_>, granted: &Granted) -> Result<Reply, CommandError> {
        match self {
            Self::Help => Ok(help::run()),
            Self::Review => Ok(Reply { text: None, review: true }),
            Self::Trace(args) => trace::run(cx, args).await,
            Self::Explain(args) => Ok(explain::run(args)),
            Self::Ack(args) => ack::run(cx, granted, args).await,
            Self::Waive(args) => waive::run(cx, granted, args).await,
            Self::Unwaive(args) => unwaive::run(cx, granted, args).await,
            Self::Simulate(args) => simulate::run(cx, args).await,
            Self::Rollback => rollback::run(cx).await,
            Self::Status => status::run(cx).await,
            Self::Doctor => doctor::run(cx).await,
        }
    }

    /// Writes down that it was refused, where a record is kept.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn record_refusal(&self, cx: &Context<'_>, why: &Refusal) -> Result<(), StoreError> {
        if self.decides() { decide::record_refusal(cx, self, why).await } else { Ok(()) }
    }
}

/// Returns the row of the command called `name`.
pub fn command_named(name: &str) -> Option<&'static Spec> {
    SPECS.iter().copied().find(|spec| spec.name == name)
}

/// Returns the table for a page or a comment.
pub fn command_help() -> Vec<CommandHelp> {
    let row = |spec: &&Spec| CommandHelp {
        usage: usage(spec),
        summary: spec.summary,
        example: spec.example,
        who: match spec.least {
            Least::Anyone => "anyone who may comment".to_owned(),
            Least::Role(role) => format!("who may {}", role_words(role)),
            Least::Nobody => "nobody".to_owned(),
        },
    };
    SPECS.iter().map(row).collect()
}

/// Returns what somebody of a role may do, after "who may".
fn role_words(role: Role) -> &'static str {
    match role {
        Role::Read => "read the repository",
        Role::Triage => "triage",
        Role::Write => "push",
        Role::Maintain => "maintain",
        Role::Admin => "administer",
    }
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
            let [Ok(command)] = found.as_slice() else { panic!("{}: {found:?}", spec.name) };
            assert_eq!(command.spec().name, spec.name);
        }
    }

    #[test]
    fn the_settings_know_every_command_but_the_help() {
        let names: Vec<&str> = SPECS.iter().map(|spec| spec.name).filter(|name| *name != "help").collect();
        assert_eq!(names, crate::review::settings::COMMAND_NAMES);
    }
}
