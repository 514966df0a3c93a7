//! `/waypost unwaive FINGERPRINT`

use super::arguments::Arguments;
use super::decide;
use super::{Command, CommandError, Context, Granted, Reply, Spec};
use crate::policy::DecisionKind;
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::settings::{Least, Role};

/// Takes a waiver back. That makes nothing easier, so less is asked for it than for the waiver.
pub(super) const SPEC: Spec = Spec {
    name: "unwaive",
    arguments: "FINGERPRINT",
    least: Least::Role(Role::Write),
    summary: "takes a waiver back; the finding counts again",
    example: "/waypost unwaive 0123456789abcdef",
    parse,
};

/// Whose waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub(super) finding: String,
}

fn parse(mut arguments: Arguments) -> Result<Command, Refusal> {
    let finding = arguments.word(&SPEC, "the fingerprint of a finding")?;
    arguments.end(&SPEC, &[])?;
    Ok(Command::Unwaive(Args { finding }))
}

pub(super) async fn run(cx: &Context<'_>, granted: &Granted, args: &Args) -> Result<Reply, CommandError> {
    let found = decide::finding(cx, &args.finding).await?;
    let decisions = cx.store.decisions(cx.api.place().repository_id, cx.number.0).await?;
    let is_waived = decisions.iter().any(|one| one.decision.kind == DecisionKind::Waiver && one.decision.fingerprint == found.fingerprint);
    // The same comment may come twice: then it is taken back already, and the answer is the same.
    let done = cx.store.audit(cx.api.place().repository_id, cx.number.0).await?.iter().any(|record| record.source == cx.source);
    if !is_waived && !done {
        return Err(Refusal::NotWaived { word: found.fingerprint }.into());
    }
    decide::withdraw(cx, granted, &found, DecisionKind::Waiver).await?;
    Ok(Reply { text: Some(answers::unwaived(&found.message)), review: true })
}
