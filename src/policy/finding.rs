//! What a rule found.

use super::Severity;
use crate::model::{Model, Request};
use crate::snapshot::Snapshot;
use crate::span::Span;
use schemars::JsonSchema;
use serde::Serialize;

/// One side of a change.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The tree.
    pub snapshot: &'a Snapshot,
    /// What it means.
    pub model: &'a Model,
}

/// Which tree a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    /// The tree after the change.
    Head,
    /// The tree before it: the line is gone.
    Base,
}

/// What a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What happens to whom, in one sentence: lower case at the start unless a name, no full stop, the user's text in backticks.
    pub message: String,
    /// One thing to do.
    pub help: String,
    /// Where the deciding line is.
    pub tree: Tree,
    /// The deciding line.
    pub span: Span,
    /// Under which condition it happens (`while 10.2.0.5 is down`); `None` for always.
    pub when: Option<String>,
    /// What makes this finding the same one on the next push: rule, listener, region, pool, server. No line numbers.
    pub identity: String,
    /// Requests that show it, the one a person would type first.
    pub requests: Vec<Request>,
}
