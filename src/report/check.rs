//! What the check run shows: a title, the comment's opening and findings, the rest as details, and notes on the deciding lines.

use super::budget::Budget;
use super::comment::{MAX_BYTES, Material, put_details, put_findings, put_opening};
use super::escape::{cut, plain};
use super::put::put;
use super::words::request_words;
use super::{Annotation, Button, CheckOutput, CommentContext};
use crate::policy::{Severity, Tree};
use crate::review::{FindingReport, Review, Verdict};
use crate::snapshot::Snapshot;

/// GitHub's limit for titles, in characters.
const MAX_TITLE: usize = 255;
/// A note's message may have 64 KB; nobody reads that much beside a line.
const MAX_MESSAGE: usize = 4_000;
/// More notes than this make a pull request page unusable; the others are in the text.
const MAX_ANNOTATIONS: usize = 100;

/// Returns what the check run shows.
pub fn check_output(review: &Review, base: &Snapshot, head: &Snapshot, cx: &CommentContext) -> CheckOutput {
    let material = Material { review, base, head, cx };
    let mut summary = Budget::new(MAX_BYTES);
    put_opening(&mut summary, material);
    put_findings(&mut summary, material);
    let mut details = Budget::new(MAX_BYTES);
    put_details(&mut details, material);
    let details = details.finish();
    let on_head = review.findings.iter().filter(|finding| finding.tree == Tree::Head);
    CheckOutput {
        title: cut(&plain(&review.summary), MAX_TITLE),
        summary: summary.finish(),
        text: (!details.is_empty()).then_some(details),
        annotations: on_head.take(MAX_ANNOTATIONS).map(annotation).collect(),
        buttons: buttons(review),
    }
}

/// Returns the buttons that there is something to press for.
fn buttons(review: &Review) -> Vec<Button> {
    let mut buttons = vec![Button { label: "Review again", description: "Reviews this commit once more", identifier: "rerun" }];
    if review.findings.iter().any(|finding| finding.severity > Severity::Info && finding.waived.is_none()) {
        buttons.push(Button { label: "Explain the worst", description: "Says what the worst finding is about", identifier: "explain" });
    }
    if review.verdict == Verdict::Fail {
        buttons.push(Button { label: "Request a waiver", description: "Asks who may to let this through", identifier: "waiver" });
    }
    buttons
}

fn annotation(finding: &FindingReport) -> Annotation {
    let level = match finding.severity {
        Severity::Error if finding.waived.is_none() => "failure",
        Severity::Warning if finding.waived.is_none() => "warning",
        Severity::Error | Severity::Warning | Severity::Info => "notice",
    };
    let mut message = plain(&finding.message);
    if let Some(when) = &finding.when {
        put!(message, ", {}", plain(when));
    }
    if let Some(request) = finding.requests.first() {
        put!(message, "\n\nFor example {}", request_words(request));
    }
    if !finding.help.is_empty() {
        put!(message, "\n\nhelp: {}", plain(&finding.help));
    }
    Annotation {
        path: finding.path.clone(),
        start_line: finding.start_line,
        end_line: finding.end_line,
        columns: (finding.start_line == finding.end_line).then_some((finding.start_column, finding.end_column)),
        level,
        title: cut(&plain(&finding.rule), MAX_TITLE),
        message: cut(&message, MAX_MESSAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_note_stands_on_the_deciding_line() {
        let output = check_output(&fixture::outage(), &fixture::base(), &fixture::head(), &CommentContext::default());
        insta::assert_debug_snapshot!(output.annotations);
        assert_eq!(output.title, fixture::outage().summary);
    }

    #[test]
    fn the_buttons_fit_and_are_those_that_do_something() {
        let identifiers = |review| check_output(&review, &fixture::base(), &fixture::head(), &CommentContext::default()).buttons;
        let most = identifiers(fixture::outage());
        assert_eq!(most.iter().map(|button| button.identifier).collect::<Vec<_>>(), ["rerun", "explain", "waiver"]);
        assert!(most.iter().all(|button| button.label.len() <= 20 && button.description.len() <= 40 && button.identifier.len() <= 20), "{most:?}");
        assert_eq!(identifiers(fixture::quiet()).len(), 1);
    }

    #[test]
    fn a_line_that_is_gone_gets_no_note() {
        let mut review = fixture::outage();
        review.findings[0].tree = Tree::Base;
        let output = check_output(&review, &fixture::base(), &fixture::head(), &CommentContext::default());
        assert_eq!(output.annotations, []);
        assert!(output.summary.contains("(before the change)"));
    }

    #[test]
    fn the_limits_of_github_hold() {
        let mut review = fixture::outage();
        review.summary = "ä".repeat(70_000);
        let mut finding = fixture::finding();
        finding.message = "ä".repeat(70_000);
        finding.end_line = 4;
        review.findings = vec![finding; 500];
        let output = check_output(&review, &fixture::base(), &fixture::head(), &CommentContext::default());
        assert_eq!(output.title.chars().count(), 255);
        assert!(output.summary.len() <= 65_535 && output.text.is_none_or(|text| text.len() <= 65_535));
        assert_eq!(output.annotations.len(), MAX_ANNOTATIONS);
        assert!(output.annotations.iter().all(|note| note.message.len() < 64_000 && note.columns.is_none()));
    }
}
