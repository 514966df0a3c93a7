//! `/waypost status`

use super::arguments::Arguments;
use super::decide::{self, Found};
use super::{Command, CommandError, Context, Reply, Spec};
use crate::policy::DecisionKind;
use crate::report::answers::{self, StandingDecision, StandingFinding, Status};
use crate::report::replies::Refusal;
use crate::review::settings::Least;
use crate::store::ReviewKey;

/// Says how things stand: the last review, its findings with their fingerprints, who has decided what.
pub(super) const SPEC: Spec = Spec {
    name: "status",
    arguments: "",
    least: Least::Anyone,
    summary: "says how things stand: findings with their fingerprints, waivers and who gave them",
    example: "/waypost status",
    parse,
};

fn parse(arguments: Arguments) -> Result<Command, Refusal> {
    arguments.end(&SPEC, &[])?;
    Ok(Command::Status)
}

pub(super) async fn run(cx: &Context<'_>) -> Result<Reply, CommandError> {
    let repository_id = cx.api.place().repository_id;
    let review = cx.store.review(ReviewKey::Id { repository_id, number: cx.number.0 }).await?;
    let head = cx.pull.head.sha.short().to_owned();
    let findings = match decide::findings(cx).await {
        Ok(findings) => findings,
        Err(CommandError::Refused(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let decisions = cx.store.decisions(repository_id, cx.number.0).await?;
    let is_current = review.as_ref().is_some_and(|review| review.head_sha == cx.pull.head.sha.as_str());
    let status = Status {
        head,
        reviewed: review.as_ref().map(|review| (review.head_sha.chars().take(7).collect(), review.verdict.clone(), review.summary.clone())),
        is_current,
        findings: findings.iter().filter(|finding| finding.severity != "info").map(standing).collect(),
        decisions: decisions
            .into_iter()
            .map(|one| StandingDecision {
                is_waiver: one.decision.kind == DecisionKind::Waiver,
                fingerprint: one.decision.fingerprint,
                by: one.decision.by,
                reason: one.decision.reason,
                until: one.decision.until,
            })
            .collect(),
    };
    Ok(Reply::text(answers::status(&status)))
}

fn standing(found: &Found) -> StandingFinding {
    StandingFinding {
        fingerprint: found.fingerprint.clone(),
        severity: found.severity.clone(),
        rule: found.rule.clone(),
        message: found.message.clone(),
        waived: found.waived.as_ref().is_some_and(|waived| !waived.is_null()),
    }
}
