//! What people have decided, and the record of it, as plain data.

use crate::policy::{Decision, DecisionKind};

/// A decision that is in force, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// The repository.
    pub repository_id: u64,
    /// The pull request.
    pub number: u64,
    /// What was decided.
    pub decision: Decision,
    /// The first millisecond since 1970 at which it holds no longer; `None` for no end.
    pub lapses_at_ms: Option<i64>,
    /// Where the pull request is, for who reviews it again.
    pub place: String,
}

/// One line of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRecord {
    /// What it came from; the same is written down once.
    pub source: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The repository.
    pub repository_id: u64,
    /// The pull request.
    pub number: u64,
    /// The repository's name then.
    pub repository: String,
    /// The commit it was decided on.
    pub head_sha: String,
    /// The number of who decided; `None` where it was the clock.
    pub actor_id: Option<u64>,
    /// The name of who decided.
    pub actor: String,
    /// By which role or team.
    pub role: String,
    /// The command, as it was understood.
    pub command: String,
    /// The finding; empty where it is not known which.
    pub fingerprint: String,
    /// The finding's rule; empty as above.
    pub rule: String,
    /// A digest of the rule as it was; empty as above.
    pub rule_digest: String,
    /// `given`, `withdrawn`, `refused`, `lapsed`.
    pub outcome: String,
    /// The reason given, or why it was refused.
    pub detail: String,
}

/// What a line of the record does to the decisions in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it was refused.
    None,
    /// A decision, in place of an earlier one of its kind.
    Give(StoredDecision),
    /// A decision of this kind is taken back; where a time is given, only if it lapses then.
    Withdraw(DecisionKind, Option<i64>),
}

/// Returns the word for a kind in the database.
pub(super) fn kind_word(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Acknowledgement => "acknowledgement",
        DecisionKind::Waiver => "waiver",
    }
}

/// The way back of [`kind_word`].
pub(super) fn kind_of(word: &str) -> DecisionKind {
    if word == "waiver" { DecisionKind::Waiver } else { DecisionKind::Acknowledgement }
}
