//! A trace as the contract has it.

use super::RequestReport;
use crate::analysis::{Destination, Trace};
use crate::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::Serialize;

/// How one request is routed: the line of JSON that `waypost trace --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TraceReport {
    /// The request.
    pub request: RequestReport,
    /// Where it ends.
    pub outcome: Destination,
    /// The deciding lines, in order.
    pub steps: Vec<StepReport>,
    /// Nothing opaque was met.
    pub exact: bool,
}

/// One deciding line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepReport {
    /// The file.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// The construct in the config's own words.
    pub text: String,
}

/// Returns `trace` with its places as lines of `snapshot`.
pub fn trace_report(_snapshot: &Snapshot, trace: &Trace) -> TraceReport {
    TraceReport {
        request: RequestReport {
            method: trace.request.method.clone(),
            url: trace.request.url(),
            headers: std::collections::BTreeMap::new(),
            listener: None,
        },
        outcome: trace.destination.clone(),
        steps: Vec::new(),
        exact: trace.exact,
    }
}
