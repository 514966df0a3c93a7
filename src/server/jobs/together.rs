//! What changes do together that none of them does alone. Pure.

use crate::github::{PrNumber, Remote};
use crate::policy::{Decision, Severity};
use crate::report::together::Pair;
use crate::review::{Change, Review, review, review_with};
use crate::snapshot::merged;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A pull request in a merge group.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) number: PrNumber,
    /// What the queue had before it.
    pub(super) before: Remote,
    /// And with it.
    pub(super) after: Remote,
}

/// Returns the errors that a pull request causes together with what its base has got meanwhile, and does not cause alone. `base` is where
/// it left its base, `tip` what that is now. Empty where both cannot be merged: then nobody merges them.
pub(super) fn with_base(base: &Remote, head: &Remote, tip: &Remote, alone: &Review, decisions: &[Decision]) -> Vec<String> {
    let merge = merged(base, head, tip);
    // What somebody has waived stays waived where the base moves on.
    let both = review_with(&Change::of(tip, &merge.tree), decisions);
    if !merge.is_clean() {
        return Vec::new();
    }
    let known = errors(alone);
    // What the branch brought along by itself is not this pull request's: it is in both sides.
    both.findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && finding.waived.is_none() && !known.contains(finding.fingerprint.as_str()))
        .map(|finding| finding.message.clone())
        .collect()
}

/// Returns the two pull requests that cause an error of `group` together and not alone. `tip` is the branch without any of `members`.
pub(super) fn pair(tip: &Remote, members: &[Member], group: &Review) -> Option<Pair> {
    let wrong = errors(group);
    let alone: Vec<BTreeSet<String>> = members
        .iter()
        .map(|member| {
            let merge = merged(&member.before, &member.after, tip);
            errors(&review(&Change::of(tip, &merge.tree))).into_iter().map(str::to_owned).collect()
        })
        .collect();
    let by_one: BTreeSet<&str> = alone.iter().flatten().map(String::as_str).collect();
    let open: Vec<&str> = wrong.into_iter().filter(|fingerprint| !by_one.contains(fingerprint)).collect();
    if open.is_empty() {
        return None;
    }
    for (at, second) in members.iter().enumerate() {
        for first in members.iter().take(at) {
            let one = Arc::new(merged(&first.before, &first.after, tip).tree);
            let two = merged(&second.before, &second.after, &one);
            let both = review(&Change::of(tip, &two.tree));
            if let Some(finding) = both.findings.iter().find(|finding| open.contains(&finding.fingerprint.as_str())) {
                return Some(Pair { first: first.number.0, second: second.number.0, message: finding.message.clone() });
            }
        }
    }
    None
}

/// Returns the fingerprints of what blocks.
fn errors(review: &Review) -> BTreeSet<&str> {
    let blocking = review.findings.iter().filter(|finding| finding.severity == Severity::Error && finding.waived.is_none());
    blocking.map(|finding| finding.fingerprint.as_str()).collect()
}
