//! A trace as the contract has it.

use super::RequestReport;
use super::place::Places;
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
pub fn trace_report(snapshot: &Snapshot, trace: &Trace) -> TraceReport {
    let mut places = Places::new(snapshot);
    let steps = trace.steps.iter().map(|step| StepReport {
        path: step.label.span.path.to_string(),
        line: places.line(&step.label.span),
        text: step.label.text.to_string(),
    });
    let steps = steps.collect();
    TraceReport {
        request: RequestReport::new(&trace.request, trace.listener.as_deref()),
        outcome: trace.destination.clone(),
        steps,
        exact: trace.exact,
    }
}
