//! The review for a terminal: the sentence, the findings with the lines they name, the changes, what was not understood.

use super::escape::{cut, printable};
use super::excerpt;
use super::put::put;
use super::words::{count, input_words, not_exact_words, percent, request_words, way_words};
use crate::policy::{Severity, Tree};
use crate::review::{ChangeReport, FindingReport, Review, Verdict};
use crate::snapshot::Snapshot;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// The most changes, and the most unknown places, that are listed; the rest is counted.
const MAX_LISTED: usize = 20;

/// The escape sequences in use; all empty without colour.
struct Paint {
    bold: &'static str,
    dim: &'static str,
    red: &'static str,
    yellow: &'static str,
    green: &'static str,
    off: &'static str,
}

impl Paint {
    fn new(color: bool) -> Self {
        if color {
            Self { bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[1;31m", yellow: "\x1b[1;33m", green: "\x1b[1;32m", off: "\x1b[0m" }
        } else {
            Self { bold: "", dim: "", red: "", yellow: "", green: "", off: "" }
        }
    }
}

/// Returns the review for a terminal, with source excerpts.
pub fn text(review: &Review, base: &Snapshot, head: &Snapshot, color: bool) -> String {
    let paint = Paint::new(color);
    let mut text = headline(review, &paint);
    for finding in &review.findings {
        let tree = match finding.tree {
            Tree::Head => head,
            Tree::Base => base,
        };
        put!(text, "\n{}\n", finding_text(finding, tree, color));
    }
    put_changes(&mut text, "of requests that change", &review.changes, &paint);
    if let Some(rollback) = &review.rollback {
        match (rollback.restores, rollback.exact) {
            (false, _) if rollback.changes.is_empty() => text.push_str("\nRollback: cannot tell whether it restores the known-good state.\n"),
            (false, _) => put_changes(&mut text, "of requests not restored: `was` is the known-good state", &rollback.changes, &paint),
            (true, true) => text.push_str("\nRollback: every request goes where it went in the known-good state.\n"),
            (true, false) => text.push_str("\nRollback: every request that was tried goes where it went in the known-good state.\n"),
        }
    }
    put_unknown(&mut text, review, &paint);
    put!(text, "\n{}{}{}\n", paint.dim, footer(review), paint.off);
    text
}

fn headline(review: &Review, paint: &Paint) -> String {
    let (color, word) = match review.verdict {
        Verdict::Pass => (paint.green, "PASS"),
        Verdict::Warn => (paint.yellow, "WARN"),
        Verdict::Fail => (paint.red, "FAIL"),
    };
    format!("{color}{word}{}  {}{}{}\n", paint.off, paint.bold, printable(&review.summary), paint.off)
}

/// Returns one finding: its message, the line it names, a request, what to do.
fn finding_text(finding: &FindingReport, tree: &Snapshot, color: bool) -> String {
    let level = match finding.severity {
        Severity::Info => Level::INFO,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut title = printable(&finding.message);
    if let Some(when) = &finding.when {
        put!(title, ", {}", printable(when));
    }
    let place = match finding.tree {
        Tree::Head => printable(&finding.path),
        Tree::Base => format!("{} (before the change)", printable(&finding.path)),
    };
    let mut group = level.primary_title(title).id(finding.rule.as_str()).elements(Vec::<Origin<'_>>::new());
    group = match excerpt::of_finding(tree, finding) {
        Some(excerpt) => group.element(
            Snippet::source(excerpt.source)
                .path(place)
                .line_start(excerpt.first_line)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(excerpt.span)),
        ),
        None => group.element(Origin::path(place).line(finding.start_line).char_column(finding.start_column)),
    };
    let group = with_notes(group, finding);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(200).render(&[group])
}

fn with_notes<'a>(mut group: Group<'a>, finding: &FindingReport) -> Group<'a> {
    for request in finding.requests.iter().take(1) {
        group = group.element(Level::NOTE.message(format!("for example {}", request_words(request))));
    }
    if let Some(waiver) = &finding.waived {
        let until = waiver.until.as_ref().map_or(String::new(), |until| format!(" until {until}"));
        group = group.element(Level::NOTE.message(printable(&format!("waived by {}{until}: {}", waiver.by, waiver.reason))));
    }
    if !finding.help.is_empty() {
        group = group.element(Level::HELP.message(printable(&finding.help)));
    }
    group
}

fn put_changes(text: &mut String, what: &str, changes: &[ChangeReport], paint: &Paint) {
    if changes.is_empty() {
        return;
    }
    put!(*text, "\n{}{} {what}{}\n", paint.bold, count(changes.len(), "group"), paint.off);
    for change in changes.iter().take(MAX_LISTED) {
        put!(*text, "  {}{}{}   {}\n", paint.bold, request_words(&change.request), paint.off, printable(&cut(&change.region, 200)));
        let (was, now) = way_words(&change.was, &change.now);
        put!(*text, "    was  {was}{}\n", broken_words(change.broken_share_was, paint));
        put!(*text, "    now  {now}{}\n", broken_words(change.broken_share, paint));
    }
    if changes.len() > MAX_LISTED {
        put!(*text, "  and {} more\n", changes.len() - MAX_LISTED);
    }
}

/// Returns how many of the requests break, behind where they go.
fn broken_words(share: f64, paint: &Paint) -> String {
    if share > 0.0 { format!("; {}{} get an error{}", paint.red, percent(share), paint.off) } else { String::new() }
}

fn put_unknown(text: &mut String, review: &Review, paint: &Paint) {
    if review.unknown.is_empty() {
        return;
    }
    put!(*text, "\n{}not understood, in {}{}\n", paint.bold, count(review.unknown.len(), "place"), paint.off);
    for unknown in review.unknown.iter().take(MAX_LISTED) {
        put!(*text, "  {}:{}  {}\n", printable(&unknown.path), unknown.line, printable(&unknown.reason));
    }
    if review.unknown.len() > MAX_LISTED {
        put!(*text, "  and {} more\n", review.unknown.len() - MAX_LISTED);
    }
}

/// Returns the last line: what was counted and what was read.
fn footer(review: &Review) -> String {
    let number = |severity: Severity| review.findings.iter().filter(|finding| finding.severity == severity).count();
    let mut parts: Vec<String> = Vec::new();
    for (severity, noun) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")] {
        match number(severity) {
            0 => {}
            some => parts.push(count(some, noun)),
        }
    }
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    let read = if review.inputs.is_empty() { "no file read".to_owned() } else { format!("{} read", input_words(&review.inputs)) };
    let exact = not_exact_words(review).map(|words| format!("; {}", printable(&words))).unwrap_or_default();
    format!("{found}; {read}{exact}")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::snapshot::memory;

    #[test]
    fn the_founding_outage_reads_well() {
        insta::assert_snapshot!(text(&fixture::outage(), &fixture::base(), &fixture::head(), false));
    }

    #[test]
    fn colour_adds_escape_sequences_and_nothing_else() {
        let colored = text(&fixture::outage(), &fixture::base(), &fixture::head(), true);
        assert!(colored.contains("\x1b["));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text(&fixture::outage(), &fixture::base(), &fixture::head(), false));
    }

    #[test]
    fn a_quiet_review_is_three_lines() {
        insta::assert_snapshot!(text(&fixture::quiet(), &fixture::base(), &fixture::head(), false), @"
        PASS  No request goes elsewhere, as far as 412 tried requests show

        nothing found; 1 ansible file, 2 nginx files read; not every possible request was tried, because $arg_a: a text is made of several unknown parts; there is more here than can be followed
        ");
    }

    #[test]
    fn a_hostile_file_cannot_steer_the_terminal() {
        let mut review = fixture::outage();
        review.findings[0].message = "`\x1b]0;owned\x07` and \u{202e}more".into();
        review.findings[0].path = "a\x1b[2J.conf".into();
        review.unknown[0].reason = "line\r\x1b[1A feed\n".into();
        review.changes[0].request.url = "http://a/\x1b[31m".into();
        let head = memory([("a\x1b[2J.conf", format!("x\ny\n  \x1b[31mserver \u{9b}2J \u{202e}{};\n", "z".repeat(3000)))]);
        let text = text(&review, &fixture::base(), &head, false);
        let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 400));
        assert!(text.contains("␛[31mserver"));
    }

    #[test]
    fn a_change_of_behaviour_only_says_so() {
        let mut review = fixture::quiet();
        review.changes = vec![fixture::change(fixture::was(), fixture::was())];
        let text = text(&review, &fixture::base(), &fixture::head(), false);
        assert!(text.contains("now  the same, with other retries, timeouts, limits or balancing"), "{text}");
    }
}
