//! What `ack`, `waive` and `unwaive` share: the finding that is meant, the decision and its record.

use super::{Command, CommandError, Context, Granted};
use crate::policy::{Decision, DecisionKind, Said, Severity, by_name, content_of, nearest, rule_digest};
use crate::report::replies::{self, Refusal};
use crate::store::{AuditRecord, Effect, ReviewKey, StoreError, StoredDecision, now_ms};
use serde::Deserialize;

/// As many digits of a fingerprint are enough, where no other finding has them.
const FEWEST_DIGITS: usize = 6;

/// A finding as the last review has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) message: String,
    pub(super) fingerprint: String,
    #[serde(default)]
    pub(super) when: Option<String>,
    #[serde(default)]
    pub(super) waived: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Reviewed {
    findings: Vec<Found>,
}

impl Found {
    fn content(&self) -> String {
        let severity = match self.severity.as_str() {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Info,
        };
        content_of(Said { rule: &self.rule, severity, message: &self.message, when: self.when.as_deref() })
    }
}

/// Returns the findings of the review of the head as it is now; refused where that is not made yet.
pub(super) async fn findings(cx: &Context<'_>) -> Result<Vec<Found>, CommandError> {
    let key = ReviewKey::Id { repository_id: cx.api.place().repository_id, number: cx.number.0 };
    let review = cx.store.review(key).await?.filter(|review| review.head_sha == cx.pull.head.sha.as_str());
    let Some(review) = review else { return Err(Refusal::NotReviewed { head: cx.pull.head.sha.short().to_owned() }.into()) };
    Ok(serde_json::from_str::<Reviewed>(&review.review).map(|review| review.findings).unwrap_or_default())
}

/// Returns the finding that is meant by `asked`: its fingerprint, or the beginning of it.
pub(super) async fn finding(cx: &Context<'_>, asked: &str) -> Result<Found, CommandError> {
    let findings = findings(cx).await?;
    let asked = asked.to_ascii_lowercase();
    let mut meant =
        findings.iter().filter(|finding| finding.fingerprint == asked || (asked.len() >= FEWEST_DIGITS && finding.fingerprint.starts_with(&asked)));
    match (meant.next(), meant.next()) {
        (Some(found), None) => Ok(found.clone()),
        (Some(_), Some(_)) => Err(Refusal::SeveralFindings { word: asked }.into()),
        (None, _) => {
            let near = nearest(&asked, findings.iter().map(|finding| finding.fingerprint.as_str())).map(str::to_owned);
            let all = findings.iter().filter(|finding| finding.severity != "info").map(|finding| (finding.fingerprint.clone(), finding.rule.clone()));
            Err(Refusal::NoFinding { word: asked.clone(), near, all: all.collect() }.into())
        }
    }
}

/// Refuses where the author of the pull request decides about findings of their own and may not.
pub(super) fn not_own(cx: &Context<'_>, granted: &Granted, command: &'static str) -> Result<(), CommandError> {
    let own = cx.pull.user.as_ref().is_none_or(|author| author.id == cx.actor.id);
    if own && !granted.own { Err(Refusal::OwnFinding { command }.into()) } else { Ok(()) }
}

/// What is decided.
pub(super) struct Deciding<'a> {
    pub(super) command: &'static str,
    pub(super) kind: DecisionKind,
    pub(super) reason: &'a str,
    /// The last day, and the first millisecond after it.
    pub(super) until: Option<(String, i64)>,
}

/// Writes a decision down.
pub(super) async fn give(cx: &Context<'_>, granted: &Granted, found: &Found, deciding: Deciding<'_>) -> Result<(), CommandError> {
    let decision = Decision {
        kind: deciding.kind,
        fingerprint: found.fingerprint.clone(),
        content: found.content(),
        by: cx.actor.login.clone(),
        reason: deciding.reason.to_owned(),
        until: deciding.until.as_ref().map(|(day, _)| day.clone()),
    };
    let stored = StoredDecision {
        repository_id: cx.api.place().repository_id,
        number: cx.number.0,
        decision,
        lapses_at_ms: deciding.until.as_ref().map(|(_, at)| *at),
        place: serde_json::to_string(cx.api.place()).unwrap_or_default(),
    };
    let detail = match &deciding.until {
        Some((day, _)) => format!("until {day}: {}", deciding.reason),
        None => deciding.reason.to_owned(),
    };
    cx.store.decide(record(cx, &granted.by, (deciding.command, "given"), found, detail), Effect::Give(stored)).await?;
    Ok(())
}

/// Takes a waiver back.
pub(super) async fn withdraw(cx: &Context<'_>, granted: &Granted, found: &Found, kind: DecisionKind) -> Result<(), CommandError> {
    cx.store.decide(record(cx, &granted.by, ("unwaive", "withdrawn"), found, String::new()), Effect::Withdraw(kind, None)).await?;
    Ok(())
}

/// See [`Command::record_refusal`].
pub(super) async fn record_refusal(cx: &Context<'_>, command: &Command, why: &Refusal) -> Result<(), StoreError> {
    let asked = match command {
        Command::Ack(args) => args.finding.as_str(),
        Command::Waive(args) => args.finding.as_str(),
        Command::Unwaive(args) => args.finding.as_str(),
        _ => "",
    };
    let record = AuditRecord {
        fingerprint: asked.chars().take(64).collect(),
        detail: replies::refusal(why),
        outcome: "refused".to_owned(),
        command: command.spec().name.to_owned(),
        ..blank(cx)
    };
    cx.store.decide(record, Effect::None).await.map(|_| ())
}

fn record(cx: &Context<'_>, role: &str, (command, outcome): (&str, &str), found: &Found, detail: String) -> AuditRecord {
    AuditRecord {
        role: role.to_owned(),
        command: command.to_owned(),
        fingerprint: found.fingerprint.clone(),
        rule: found.rule.clone(),
        rule_digest: by_name(&found.rule).map(|rule| rule_digest(rule, env!("CARGO_PKG_VERSION"))).unwrap_or_default(),
        outcome: outcome.to_owned(),
        detail,
        ..blank(cx)
    }
}

fn blank(cx: &Context<'_>) -> AuditRecord {
    AuditRecord {
        source: cx.source.clone(),
        at_ms: now_ms(),
        repository_id: cx.api.place().repository_id,
        number: cx.number.0,
        repository: cx.api.place().repo.to_string(),
        head_sha: cx.pull.head.sha.to_string(),
        actor_id: Some(cx.actor.id),
        actor: cx.actor.login.clone(),
        ..AuditRecord::default()
    }
}
