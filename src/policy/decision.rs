//! What people have decided about findings: acknowledgements ("seen") and waivers (an exception until a date).
//!
//! A decision is bound to a finding's fingerprint *and* to what the finding said when it was given: one that gets worse under the same
//! fingerprint is open again. Who may decide, and when a waiver lapses, is known where there is a clock and a GitHub.

use super::Severity;
use sha2::{Digest, Sha256};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionKind {
    /// Seen, without effect on the verdict.
    Acknowledgement,
    /// Does not block until its date.
    Waiver,
}

/// A decision that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// About which finding.
    pub fingerprint: String,
    /// What the finding said then; see [`content_of`].
    pub content: String,
    /// The name of who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// `YYYY-MM-DD`, the last day it holds; of waivers only.
    pub until: Option<String>,
}

/// What a finding says of itself, as far as a decision is about it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// The sentence.
    pub message: &'a str,
    /// Under which condition.
    pub when: Option<&'a str>,
}

/// Returns a digest of what a finding says: its rule, its severity, its sentence and its condition. Lines may move.
pub fn content_of(said: Said<'_>) -> String {
    let severity = match said.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    digest(&[said.rule, severity, said.message, said.when.unwrap_or_default()])
}

/// Returns a digest of a rule as `version` has it. An audit record holds it: it says which words the decision was made on.
pub fn rule_digest(rule: &super::Rule, version: &str) -> String {
    digest(&[rule.id, version, rule.documentation])
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{first:016x}")
}

/// Returns the newest decision of `kind` about a finding, and whether the finding still says what it said then.
pub fn decided<'a>(decisions: &'a [Decision], kind: DecisionKind, fingerprint: &str, content: &str) -> Option<(&'a Decision, bool)> {
    let found = decisions.iter().rev().find(|decision| decision.kind == kind && decision.fingerprint == fingerprint)?;
    Some((found, found.content == content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said<'_> =
        Said { rule: "traffic/missing-server", severity: Severity::Error, message: "85 % of requests would get an error", when: None };

    #[test]
    fn a_finding_that_says_something_else_is_another_content() {
        let content = content_of(SAID);
        assert_eq!(content, content_of(SAID));
        for other in [
            Said { rule: "traffic/traffic-shift", ..SAID },
            Said { severity: Severity::Warning, ..SAID },
            Said { message: "90 % of requests would get an error", ..SAID },
            Said { when: Some("while 10.2.0.5 is down"), ..SAID },
        ] {
            assert_ne!(content, content_of(other), "{other:?}");
        }
    }

    #[test]
    fn the_newest_decision_counts_and_says_whether_it_still_fits() {
        let decision = |content: &str, reason: &str| Decision {
            kind: DecisionKind::Waiver,
            fingerprint: "0123".to_owned(),
            content: content.to_owned(),
            by: "kim".to_owned(),
            reason: reason.to_owned(),
            until: None,
        };
        let given = [decision("a", "first"), decision("b", "second")];
        let found = |content| decided(&given, DecisionKind::Waiver, "0123", content).map(|(found, fits)| (found.reason.as_str(), fits));
        assert_eq!(found("b"), Some(("second", true)));
        assert_eq!(found("a"), Some(("second", false)));
        assert_eq!(decided(&given, DecisionKind::Acknowledgement, "0123", "b"), None);
        assert_eq!(decided(&given, DecisionKind::Waiver, "4567", "b"), None);
    }
}
