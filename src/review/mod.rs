//! The one function everything calls: two trees and settings in, a review out. Pure: the same input gives the same review, to the byte.

#![forbid(unsafe_code)]

mod assemble;
mod fix;
mod own;
mod place;
mod relevance;
pub mod settings;
mod summary;
mod trace;
mod types;
mod what_if;

pub use relevance::{touches_traffic, traffic_unchanged};
pub use trace::{StepReport, TraceReport, trace_report};
pub use types::{
    Acknowledgement, ChangeReport, FindingReport, FixReport, InputReport, RequestReport, Review, RollbackReport, SCHEMA, Timings, UnknownReport,
    Verdict, Waiver,
};

pub use own::findings as settings_findings;
pub use what_if::{Leftovers, Simulation, leftovers, simulate};

use crate::analysis::{Comparison, compare};
use crate::formats;
use crate::model::Model;
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

/// What a review was made of. Taking that of a large configuration apart costs a tenth of the time of the review: a process that is about to end does not
/// have to.
#[derive(Debug)]
pub struct Kept {
    base: Model,
    head: Model,
    known_good: Option<Model>,
    comparison: Comparison,
    rollback: Option<Comparison>,
}

/// Reviews a change. `decisions` are those in force today: who has a clock leaves out what has lapsed.
pub fn review_with(change: &Change<'_>, decisions: &[Decision]) -> Review {
    review_and_keep(change, decisions).0
}

/// As [`review_with`], for a process that ends with the review.
pub fn review_and_keep(change: &Change<'_>, decisions: &[Decision]) -> (Review, Kept) {
    let (base, head, known_good) = (formats::read(change.base), formats::read(change.head), change.known_good.map(formats::read));
    let comparison = compare(&base, &head);
    let rollback = known_good.as_ref().map(|good| compare(good, &head));
    let kept = Kept { base, head, known_good, comparison, rollback };
    (judged(change, decisions, &kept), kept)
}

fn judged(change: &Change<'_>, decisions: &[Decision], made: &Kept) -> Review {
    let head = Side { snapshot: change.head, model: &made.head };
    let base = Side { snapshot: change.base, model: &made.base };
    let known_good = change.known_good.zip(made.known_good.as_ref()).map(|(snapshot, model)| Side { snapshot, model });
    let rollback = made.rollback.as_ref();
    let shared = Shared::of(own::findings(change.base, change.head));
    let findings =
        check_all(&RuleContext { base, head, known_good, rollback, comparison: &made.comparison, title: change.title, body: change.body, shared });
    assemble::assemble(&assemble::Parts { base, head, comparison: &made.comparison, rollback, findings: &findings, decisions })
}
