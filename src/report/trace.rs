//! A trace for a terminal, and as the answer to a comment.

use super::escape::printable;
use super::markdown::{Place, code, prose};
use super::put::put;
use super::words::{percent, request_words, whole_words};
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
    put!(text, "{bold}=>{off} {}\n", whole_words(&trace.outcome));
    let broken = trace.outcome.broken_share();
    if broken > 0.0 {
        put!(text, "   {red}{} of these requests get an error{off}\n", percent(broken));
    }
    if let Destination::Forward { upstream_uri, .. } = &trace.outcome {
        put!(text, "   {dim}asks for {}{off}\n", printable(upstream_uri));
    }
    if let Destination::Opaque { alternatives, .. } = &trace.outcome {
        for alternative in alternatives {
            put!(text, "   if {}: {}\n", printable(&alternative.when), whole_words(&alternative.outcome));
        }
    }
    if !trace.exact {
        put!(text, "   {dim}not exact: something on the way cannot be read from the configuration{off}\n");
    }
    text
}

/// Returns the answer to `/waypost trace`: the way on both sides, as markdown.
pub fn trace_comment(was: &TraceReport, now: &TraceReport) -> String {
    let mut text = code(&request_words(&now.request), Place::Text);
    if was.outcome == now.outcome && was.steps == now.steps && was.exact == now.exact {
        put!(text, " goes the same way before and after this change.\n{}", way(now));
        return text;
    }
    let how = if was.outcome.same_effect(&now.outcome) {
        " ends at the same place before and after this change, but not by the same lines."
    } else {
        " goes elsewhere with this change."
    };
    put!(text, "{how}\n\n**Now**\n{}\n**After this change**\n{}", way(was), way(now));
    text
}

/// Returns the deciding lines as a list, then where the request ends.
fn way(trace: &TraceReport) -> String {
    let mut text = String::from("\n");
    for step in &trace.steps {
        put!(text, "1. {} {}\n", code(&format!("{}:{}", step.path, step.line), Place::Text), code(&step.text, Place::Text));
    }
    put!(text, "\n➜ {}", prose(&whole_words(&trace.outcome), Place::Text));
    let broken = trace.outcome.broken_share();
    if broken > 0.0 {
        put!(text, "; **{} of these requests get an error**", percent(broken));
    }
    text.push('\n');
    if let Destination::Opaque { alternatives, .. } = &trace.outcome {
        for alternative in alternatives {
            put!(text, "- if {}: {}\n", prose(&alternative.when, Place::Text), prose(&whole_words(&alternative.outcome), Place::Text));
        }
    }
    if !trace.exact {
        text.push_str("\nNot exact: something on the way cannot be read from the configuration.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, trace, was};
    use super::*;

    #[test]
    fn a_trace_reads_from_the_listener_to_the_servers() {
        insta::assert_snapshot!(trace_text(&trace(now()), false));
    }

    #[test]
    fn the_answer_shows_both_ways() {
        insta::assert_snapshot!(trace_comment(&trace(was()), &trace(now())));
    }

    #[test]
    fn an_unchanged_way_is_shown_once() {
        insta::assert_snapshot!(trace_comment(&trace(was()), &trace(was())));
    }
}
