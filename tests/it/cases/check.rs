//! Whether a case holds.

use super::Failure;
use super::page::{Case, Placed};
use super::requests::Expectation;
use waypost::analysis::{Comparison, Destination, compare, trace};
use waypost::formats;
use waypost::model::Model;
use waypost::policy::Tree;
use waypost::report;
use waypost::review::{Change, FindingReport, Review, Verdict, review};

fn reviewed(case: &Case) -> Review {
    let (base, head) = (case.base.snapshot(), case.head.snapshot());
    let known_good = case.known_good.as_ref().map(super::page::Tree::snapshot);
    review(&Change { base: &base, head: &head, known_good: known_good.as_ref(), title: &case.title, body: &case.body })
}

/// Returns what does not hold.
pub(super) fn check(case: &Case) -> Vec<Failure> {
    let mut failures = Vec::new();
    let review = reviewed(case);
    findings(case, &review, &mut failures);
    if case.base == case.head && !review.changes.is_empty() {
        failures.push(Failure::new(case.line, "nothing is changed, but the review reports a region"));
    }
    let expected = match () {
        () if case.markers.iter().any(|placed| placed.marker.level == "error") => Verdict::Fail,
        () if case.markers.iter().any(|placed| placed.marker.level == "warning") => Verdict::Warn,
        () => Verdict::Pass,
    };
    if review.verdict != expected {
        failures.push(Failure::new(case.line, format!("the verdict is {:?}, the markers make it {expected:?}: {}", review.verdict, review.summary)));
    }
    let base = formats::read(&case.base.snapshot());
    let head = formats::read(&case.head.snapshot());
    let comparison = compare(&base, &head);
    for expectation in &case.requests {
        failures.extend(request(expectation, &base, &head, &comparison, &review));
    }
    failures
}

/// Returns the report of a case that has a review block: `Err` with the text where it reads otherwise.
pub(super) fn review_text(case: &Case) -> Option<Result<(), String>> {
    let wanted = case.review.as_ref()?;
    let now = report::text(&reviewed(case), &case.base.snapshot(), &case.head.snapshot(), false);
    Some(if now.trim_end() == wanted.text.trim_end() { Ok(()) } else { Err(now) })
}

fn findings(case: &Case, review: &Review, failures: &mut Vec<Failure>) {
    for placed in &case.markers {
        let unknown = placed.marker.level == "unknown"
            && review.unknown.iter().any(|unknown| says_unknown(placed, &unknown.path, unknown.line, &unknown.reason));
        if !unknown && !review.findings.iter().any(|finding| says(placed, finding)) {
            failures.push(Failure::new(placed.marker.at, format!("nothing is said of {}:{} that the marker asks for", placed.path, placed.line)));
        }
    }
    for finding in review.findings.iter().filter(|finding| level(finding) != "info") {
        if !case.markers.iter().any(|placed| says(placed, finding)) {
            let place = format!("{}:{}", finding.path, finding.start_line);
            failures.push(Failure::new(case.line, format!("no marker for {}[{}] at {place}: {}", level(finding), finding.rule, finding.message)));
        }
    }
    for unknown in &review.unknown {
        if !case.markers.iter().any(|placed| placed.marker.level == "unknown" && says_unknown(placed, &unknown.path, unknown.line, &unknown.reason)) {
            failures.push(Failure::new(case.line, format!("no marker for unknown at {}:{}: {}", unknown.path, unknown.line, unknown.reason)));
        }
    }
}

/// Returns whether `finding` is what the marker asks for.
fn says(placed: &Placed, finding: &FindingReport) -> bool {
    let marker = &placed.marker;
    let category = serde_json::to_value(finding.category).unwrap();
    let what = marker.what.as_deref().unwrap_or_default();
    let named = category == what || finding.rule == what || finding.rule.rsplit('/').next() == Some(what);
    let tree = if placed.head { Tree::Head } else { Tree::Base };
    let here = finding.tree == tree && finding.path == placed.path && (finding.start_line..=finding.end_line).contains(&placed.line);
    level(finding) == marker.level && named && here && marker.text.as_ref().is_none_or(|text| finding.message.contains(text))
}

fn says_unknown(placed: &Placed, path: &str, line: usize, reason: &str) -> bool {
    placed.path == path && placed.line == line && placed.marker.text.as_ref().is_none_or(|text| reason.contains(text))
}

fn level(finding: &FindingReport) -> String {
    serde_json::to_value(finding.severity).unwrap().as_str().unwrap().to_owned()
}

fn request(expectation: &Expectation, base: &Model, head: &Model, comparison: &Comparison, review: &Review) -> Vec<Failure> {
    let was = trace(base, &expectation.request).destination;
    let now = trace(head, &expectation.request).destination;
    let mut failures = Vec::new();
    let mut wrong = |message: String| failures.push(Failure::new(expectation.at, message));
    // With one outcome the head's names hold: a pool that is only renamed is the same on both sides.
    if expectation.now.is_some() && !expectation.was.is(&was, &base.inventory) {
        wrong(format!("in base the request gets {}", shown(&was)));
    }
    let expected_now = expectation.now.as_ref().unwrap_or(&expectation.was);
    if !expected_now.is(&now, &head.inventory) {
        wrong(format!("in head the request gets {}", shown(&now)));
    }
    let regions = || comparison.changes.iter().flat_map(|change| &change.pairs).filter_map(|at| comparison.pairs.get(*at));
    if expectation.now.is_none() {
        if !was.same_effect(&now) {
            wrong(format!("the two sides differ: {} and {}", shown(&was), shown(&now)));
        }
        if regions().any(|pair| pair.was.request == expectation.request) {
            wrong("the request is in a reported region".to_owned());
        }
    } else if !review.changes.iter().any(|change| expectation.was.is(&change.was, &base.inventory) && expected_now.is(&change.now, &head.inventory)) {
        wrong("no reported region goes from the one to the other".to_owned());
    }
    failures
}

fn shown(destination: &Destination) -> String {
    format!("{} with a broken share of {:.3}", serde_json::to_string(destination).unwrap(), destination.broken_share())
}
