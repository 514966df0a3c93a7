//! The review as the contract has it: `waypost.review/1`.

use crate::analysis::Destination;
use crate::model::Request;
use crate::policy::{Category, Severity, Tree};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of this form of the review; the first field of its JSON.
pub const SCHEMA: &str = "waypost.review/1";

/// A review. The field order is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Review {
    /// `waypost.review/1`.
    pub schema: String,
    /// Whether the change may go in.
    pub verdict: Verdict,
    /// One plain sentence.
    pub summary: String,
    /// What is wrong, the worst first.
    pub findings: Vec<FindingReport>,
    /// Which requests go somewhere else, the most harmful first.
    pub changes: Vec<ChangeReport>,
    /// What was not understood.
    pub unknown: Vec<UnknownReport>,
    /// Whether the rollback restores the known-good state; `null` when none was asked for.
    pub rollback: Option<RollbackReport>,
    /// The rehearsal on the real proxy; `null` when there was none.
    pub dry_run: Option<serde_json::Value>,
    /// Every file whose content counts, of both trees, by path.
    pub inputs: Vec<InputReport>,
    /// Whether all changed requests are among `changes`.
    pub exact: bool,
    /// Why not, in words that follow "because", sorted; left out where `exact` is true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub inexact: Vec<String>,
    /// How long it took; filled in by who has a clock.
    pub timings_ms: Timings,
}

/// Whether a change may go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing above info.
    Pass,
    /// A warning.
    Warn,
    /// An unwaived error.
    Fail,
}

/// A finding with its place as lines and columns.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FindingReport {
    /// The rule's id.
    pub rule: String,
    /// What it is about.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// What happens to whom.
    pub message: String,
    /// One thing to do.
    pub help: String,
    /// Which tree the place is in.
    pub tree: Tree,
    /// The file.
    pub path: String,
    /// From 1.
    pub start_line: usize,
    /// From 1; not before `start_line`.
    pub end_line: usize,
    /// From 1, in characters.
    pub start_column: usize,
    /// From 1, in characters, of the last character.
    pub end_column: usize,
    /// Stable across pushes and line moves.
    pub fingerprint: String,
    /// The waiver that keeps it from blocking.
    pub waived: Option<Waiver>,
    /// Who has seen it; without effect on the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledgement>,
    /// A waiver that was given when this finding said something else: it holds no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Waiver>,
    /// What surely mends it; left out where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<FixReport>,
    /// Under which condition it happens.
    pub when: Option<String>,
    /// Requests that show it.
    pub requests: Vec<RequestReport>,
}

/// Lines to write in place of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FixReport {
    /// The first line to replace, from 1.
    pub start_line: usize,
    /// The last.
    pub end_line: usize,
    /// What to write, without the end of its last line.
    pub text: String,
}

/// An exception until a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waiver {
    /// Who gave it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// `YYYY-MM-DD`, the last day it holds.
    pub until: Option<String>,
}

/// Somebody has seen a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// What they say of it.
    pub reason: String,
}

/// A request as one can paste it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestReport {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// The client's address, where it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The listener, where one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
}

/// Requests that share where they went and where they go.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangeReport {
    /// One of them.
    pub request: RequestReport,
    /// All of them, in words.
    pub region: String,
    /// Where they went.
    pub was: Destination,
    /// Where they go.
    pub now: Destination,
    /// The fraction of them that reaches nothing that can serve them, 0..=1.
    pub broken_share: f64,
    /// The same before the change.
    pub broken_share_was: f64,
    /// Whether the region is all of them.
    pub exact: bool,
}

/// Something not understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct UnknownReport {
    /// The file.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Whether head restores the known-good state.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RollbackReport {
    /// No request was found that goes elsewhere than in the known-good state.
    pub restores: bool,
    /// Whether that holds for every request, not only for those that were tried.
    pub exact: bool,
    /// The requests that do: `was` is known-good, `now` is head.
    pub changes: Vec<ChangeReport>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct InputReport {
    /// The file.
    pub path: String,
    /// The format's name.
    pub format: String,
    /// `entry`, `included`, `inventory` or `policy`.
    pub role: String,
}

/// How long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Timings {
    /// The whole review, in milliseconds.
    pub total: u64,
}

impl RequestReport {
    /// Returns `request` as a review shows it; `listener` is the one that was found for it.
    pub(super) fn new(request: &Request, listener: Option<&str>) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            headers.entry(name.to_string()).and_modify(|have| *have = format!("{have}, {value}")).or_insert_with(|| value.clone());
        }
        Self {
            method: request.method.clone(),
            url: request.url(),
            headers,
            from: request.from.map(|ip| ip.to_string()),
            listener: listener.or(request.listener.as_deref()).map(str::to_owned),
        }
    }
}
