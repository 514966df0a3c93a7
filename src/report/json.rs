//! The review and traces as JSON: the contract's names, in the contract's order.

use crate::review::{Review, TraceReport};
use serde::Serialize;

/// Returns the review as indented JSON with a final line feed.
pub fn json(review: &Review) -> String {
    let mut text = serde_json::to_string_pretty(review).unwrap_or_default();
    text.push('\n');
    text
}

/// Returns a trace as one line of JSON with its line feed.
pub fn trace_json(trace: &TraceReport) -> String {
    line(trace)
}

/// A line of a batch that is no request.
#[derive(Debug, Serialize)]
pub struct BatchError<'a> {
    /// What is wrong with it.
    pub error: &'a str,
    /// The line of the batch, from 1.
    pub line: usize,
}

/// Returns the answer to a line of a batch that is no request, as one line of JSON.
pub fn batch_error_json(error: &BatchError<'_>) -> String {
    line(error)
}

fn line<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}
