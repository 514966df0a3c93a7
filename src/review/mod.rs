//! The one function everything calls: two trees and settings in, a review out. Pure: the same input gives the same review, to the byte.

#![forbid(unsafe_code)]

mod assemble;
mod place;
mod relevance;
pub mod settings;
mod summary;
mod trace;
mod types;

pub use relevance::{touches_traffic, traffic_unchanged};
pub use trace::{StepReport, TraceReport, trace_report};
pub use types::{
    Acknowledgement, ChangeReport, FindingReport, InputReport, RequestReport, Review, RollbackReport, SCHEMA, Timings, UnknownReport, Verdict, Waiver,
};

use crate::analysis::{Comparison, compare};
use crate::formats;
use crate::policy::{Decision, RuleContext, Shared, Side, check_all};
use crate::snapshot::Snapshot;

/// What is reviewed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The tree before.
    pub base: &'a Snapshot,
    /// The tree after.
    pub head: &'a Snapshot,
    /// The tree a rollback should restore.
    pub known_good: Option<&'a Snapshot>,
    /// The pull request's title; may be empty.
    pub title: &'a str,
    /// The pull request's body; may be empty.
    pub body: &'a str,
}

impl<'a> Change<'a> {
    /// Returns the change between two trees of which nothing else is known.
    pub fn of(base: &'a Snapshot, head: &'a Snapshot) -> Self {
        Self { base, head, known_good: None, title: "", body: "" }
    }
}

/// Reviews a change of which nobody has decided anything yet.
pub fn review(change: &Change<'_>) -> Review {
    review_with(change, &[])
}

/// Reviews a change. `decisions` are those in force today: who has a clock leaves out what has lapsed.
pub fn review_with(change: &Change<'_>, decisions: &[Decision]) -> Review {
    let base_model = formats::read(change.base);
    let head_model = formats::read(change.head);
    let known_good_model = change.known_good.map(formats::read);
    let comparison = compare(&base_model, &head_model);
    let rollback: Option<Comparison> = known_good_model.as_ref().map(|good| compare(good, &head_model));
    let head = Side { snapshot: change.head, model: &head_model };
    let base = Side { snapshot: change.base, model: &base_model };
    let known_good = change.known_good.zip(known_good_model.as_ref()).map(|(snapshot, model)| Side { snapshot, model });
    let findings = check_all(&RuleContext {
        base,
        head,
        known_good,
        rollback: rollback.as_ref(),
        comparison: &comparison,
        title: change.title,
        body: change.body,
        shared: Shared::default(),
    });
    assemble::assemble(&assemble::Parts { base, head, comparison: &comparison, rollback: rollback.as_ref(), findings: &findings, decisions })
}
