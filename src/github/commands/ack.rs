//! `/waypost ack FINGERPRINT reason="…"`

use super::arguments::Arguments;
use super::decide::{self, Deciding};
use super::{Command, CommandError, Context, Granted, Reply, Spec};
use crate::policy::DecisionKind;
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::settings::{Least, Role};

/// Says that a finding has been seen. It changes no verdict; the next reader knows that somebody looks after it.
pub(super) const SPEC: Spec = Spec {
    name: "ack",
    arguments: "FINGERPRINT reason=\"…\"",
    least: Least::Role(Role::Write),
    summary: "notes that a finding has been seen; the verdict stays",
    example: "/waypost ack 0123456789abcdef reason=\"web05 is being set up\"",
    parse,
};

/// What is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub(super) finding: String,
    pub(super) reason: String,
}

fn parse(mut arguments: Arguments) -> Result<Command, Refusal> {
    let finding = arguments.word(&SPEC, "the fingerprint of a finding")?;
    let reason = arguments.required(&SPEC, "reason")?;
    arguments.end(&SPEC, &["reason"])?;
    Ok(Command::Ack(Args { finding, reason }))
}

pub(super) async fn run(cx: &Context<'_>, granted: &Granted, args: &Args) -> Result<Reply, CommandError> {
    let found = decide::finding(cx, &args.finding).await?;
    let deciding = Deciding { command: SPEC.name, kind: DecisionKind::Acknowledgement, reason: &args.reason, until: None };
    decide::give(cx, granted, &found, deciding).await?;
    Ok(Reply { text: Some(answers::acknowledged(&found.message)), review: true })
}
