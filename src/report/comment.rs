//! The sticky comment: one sentence, a table, what must change where; everything else folded.

use super::budget::Budget;
use super::escape::cut;
use super::markdown::{Place, code, fence, line_link, prose};
use super::put::put;
use super::words::{count, input_words, not_exact_words, percent, request_words, severity_word, way_words};
use super::{CommentContext, excerpt, hunks};
use crate::policy::{Severity, Tree};
use crate::review::{ChangeReport, FindingReport, Review, Verdict};
use crate::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

/// The most bytes of a comment. GitHub's own limit is higher, but it has been measured to differ between its parts.
pub(super) const MAX_BYTES: usize = 60_000;
/// The most bytes of what is told of earlier runs, beside those.
const MAX_HISTORY_BYTES: usize = 3_000;
/// Bytes that the findings leave to the details of a comment.
const FOR_DETAILS: usize = 15_000;
/// A longer request is not worth pasting into a shell.
const MAX_COMMAND: usize = 500;
/// Rows of the first table; the others are in the details.
const FIRST_ROWS: usize = 8;

/// What a comment is made of.
#[derive(Clone, Copy)]
pub(super) struct Material<'a> {
    pub(super) review: &'a Review,
    pub(super) base: &'a Snapshot,
    pub(super) head: &'a Snapshot,
    pub(super) cx: &'a CommentContext,
}

/// Returns the sticky comment, without its hidden marker, which is the publisher's.
pub fn comment(review: &Review, base: &Snapshot, head: &Snapshot, cx: &CommentContext) -> String {
    let material = Material { review, base, head, cx };
    let mut budget = Budget::new(MAX_BYTES);
    put_opening(&mut budget, material);
    let mut findings = Budget::new(budget.left().saturating_sub(FOR_DETAILS));
    put_findings(&mut findings, material);
    budget.add(&findings.finish());
    put_details(&mut budget, material);
    budget.finish()
}

/// An earlier run, as the comment tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// The commit, short.
    pub head: String,
    /// `pass`, `warn` or `fail`.
    pub verdict: String,
    /// One plain sentence.
    pub summary: String,
}

/// Returns the comment with the runs before this one, folded, the newest first. They have room of their own: see `MAX_BYTES`.
pub fn with_history(comment: &str, runs: &[PastRun]) -> String {
    let mut budget = Budget::new(MAX_HISTORY_BYTES);
    let row = |run: &PastRun| format!("| {} | {} | {} |\n", code(&run.head, Place::Cell), run.verdict, prose(&cut(&run.summary, 200), Place::Cell));
    let rows: Vec<String> = runs.iter().map(row).collect();
    let open = "\n<details><summary>Earlier commits</summary>\n\n| Commit | Verdict | |\n| --- | --- | --- |\n";
    budget.add_list(open, &rows, "\n</details>\n", |_| String::new());
    format!("{comment}{}", budget.finish())
}

/// Adds the sentence and the table.
pub(super) fn put_opening(budget: &mut Budget, material: Material<'_>) {
    let review = material.review;
    if let Some(lead) = &material.cx.lead {
        budget.add(&format!("{lead}\n\n"));
    }
    let sign = match review.verdict {
        Verdict::Pass => "✅",
        Verdict::Warn => "⚠️",
        Verdict::Fail => "❌",
    };
    budget.add(&format!("{sign} **{}.**\n", prose(&review.summary, Place::Text)));
    put_table(budget, &review.changes, FIRST_ROWS, "\n");
}

/// Adds the table of the first `most` changes.
fn put_table(budget: &mut Budget, changes: &[ChangeReport], most: usize, open: &str) {
    let rows: Vec<String> = changes.iter().take(most).map(row).collect();
    let head = format!("{open}| Request | Now | After this change | Broken |\n| --- | --- | --- | --- |\n");
    let beyond = changes.len().saturating_sub(most);
    let rest = |omitted: usize| format!("\nand {} more; `waypost review` lists them all\n", omitted + beyond);
    if beyond > 0 {
        budget.add_list(&head, &rows, &format!("\nand {beyond} more, in the details\n"), |_| String::new());
    } else {
        budget.add_list(&head, &rows, "", rest);
    }
}

/// Returns the rows of the first `most` changes, for a table with the columns of [`put_table`].
pub(super) fn change_rows(changes: &[ChangeReport], most: usize) -> String {
    changes.iter().take(most).map(row).collect()
}

/// Returns a row: a request with its region, where it goes on both sides, and how much of it breaks.
fn row(change: &ChangeReport) -> String {
    let request = code(&request_words(&change.request), Place::Cell);
    let region = if change.region.is_empty() { String::new() } else { format!("<br>{}", prose(&cut(&change.region, 300), Place::Cell)) };
    let broken = match (change.broken_share, change.broken_share_was) {
        (now, was) if now > 0.0 && was > 0.0 && percent(now) != percent(was) => format!("**{}** (was {})", percent(now), percent(was)),
        (now, _) if now > 0.0 => format!("**{}**", percent(now)),
        (_, was) if was > 0.0 => format!("none (was {})", percent(was)),
        _ => "none".to_owned(),
    };
    let (was, now) = way_words(&change.was, &change.now);
    format!("| {request}{region} | {} | {} | {broken} |\n", prose(&was, Place::Cell), prose(&now, Place::Cell))
}

/// Adds what must change where: the findings above info.
pub(super) fn put_findings(budget: &mut Budget, material: Material<'_>) {
    let serious = material.review.findings.iter().filter(|finding| finding.severity > Severity::Info && finding.waived.is_none());
    let pieces: Vec<String> = serious.map(|finding| finding_piece(finding, material)).collect();
    let title = if material.review.verdict == Verdict::Fail { "### What must change\n" } else { "### Worth a look\n" };
    budget.add_list(&format!("\n{title}"), &pieces, "", |omitted| format!("\nand {}\n", count(omitted, "more finding")));
}

/// Returns one finding: the message, the line with an excerpt, a request, what to do.
fn finding_piece(finding: &FindingReport, material: Material<'_>) -> String {
    let (tree, commit, note) = match finding.tree {
        Tree::Head => (material.head, &material.cx.head_sha, ""),
        Tree::Base => (material.base, &material.cx.base_sha, " (before the change)"),
    };
    let mut piece = format!("\n**{}**: {}", severity_word(finding.severity), prose(&finding.message, Place::Text));
    if let Some(when) = &finding.when {
        put!(piece, ", {}", prose(when, Place::Text));
    }
    let link = line_link(material.cx.repository_url.as_deref(), commit, &finding.path, (finding.start_line, finding.end_line));
    put!(piece, "\n\n{link}{note} · `{}` · `{}`\n", finding.rule, finding.fingerprint);
    if let Some(excerpt) = excerpt::of_finding(tree, finding) {
        piece += &fence(language(&material, &finding.path), &excerpt.source);
    }
    if let Some(request) = finding.requests.first() {
        put!(piece, "\nFor example {}\n", code(&request_words(request), Place::Text));
    }
    if !finding.help.is_empty() {
        put!(piece, "\n➜ {}\n", prose(&finding.help, Place::Text));
    }
    piece + &decision_words(finding)
}

/// Returns what people have decided about a finding that counts.
fn decision_words(finding: &FindingReport) -> String {
    let mut words = String::new();
    if let Some(seen) = &finding.acknowledged {
        put!(words, "\n👁 Seen by {}: {}\n", code(&seen.by, Place::Text), prose(&seen.reason, Place::Text));
    }
    if let Some(waiver) = &finding.reopened {
        let by = code(&waiver.by, Place::Text);
        put!(words, "\n↩ {by} waived this when it said something else ({}); it counts again.\n", prose(&waiver.reason, Place::Text));
    }
    words
}

/// Returns the name GitHub colours a file by.
fn language(material: &Material<'_>, path: &str) -> &'static str {
    match material.review.inputs.iter().find(|input| input.path == path).map(|input| input.format.as_str()) {
        Some("nginx") => "nginx",
        Some("ansible") => "yaml",
        _ => "",
    }
}

/// Adds everything else, folded.
pub(super) fn put_details(budget: &mut Budget, material: Material<'_>) {
    let review = material.review;
    // The commands at the end must always fit.
    let reproduce = reproduce(material);
    let mut rest = Budget::new(budget.left().saturating_sub(reproduce.len()));
    let pieces = |wanted: &dyn Fn(&FindingReport) -> bool| -> Vec<String> {
        review.findings.iter().filter(|finding| wanted(finding)).map(|finding| note_piece(finding, material)).collect()
    };
    let waived = pieces(&|finding| finding.waived.is_some());
    put_folded(&mut rest, &format!("{} waived", count(waived.len(), "finding")), &waived);
    let notes = pieces(&|finding| finding.severity == Severity::Info && finding.waived.is_none());
    put_folded(&mut rest, &count(notes.len(), "note"), &notes);
    if review.changes.len() > FIRST_ROWS {
        let open = format!("\n<details><summary>All {} groups of requests that change</summary>\n\n", review.changes.len());
        let mut table = Budget::new(rest.left() / 2);
        put_table(&mut table, &review.changes, usize::MAX, &open);
        let table = table.finish();
        if !table.is_empty() {
            rest.add(&format!("{table}\n</details>\n"));
        }
    }
    if let Some(rollback) = review.rollback.as_ref().filter(|rollback| !rollback.restores) {
        let rows: Vec<String> = rollback.changes.iter().map(row).collect();
        let open = "\n<details><summary>Not restored by this rollback</summary>\n\n| Request | Known good | After this change | Broken |\n| --- | --- | --- | --- |\n";
        rest.add_list(open, &rows, "\n</details>\n", |omitted| format!("\nand {omitted} more\n"));
    }
    put_folded(&mut rest, "What changed in the files", &hunks::pieces(material));
    let link = |path: &str, line: usize| line_link(material.cx.repository_url.as_deref(), &material.cx.head_sha, path, (line, line));
    let unknown: Vec<String> =
        review.unknown.iter().map(|unknown| format!("- {} {}\n", link(&unknown.path, unknown.line), prose(&unknown.reason, Place::Text))).collect();
    put_folded(&mut rest, &format!("Not understood, in {}", count(unknown.len(), "place")), &unknown);
    let inputs: Vec<String> =
        review.inputs.iter().map(|input| format!("- {} ({}, {})\n", code(&input.path, Place::Text), input.format, input.role)).collect();
    put_folded(&mut rest, &format!("Read: {}", input_words(&review.inputs)), &inputs);
    budget.add(&rest.finish());
    budget.add(&reproduce);
}

fn put_folded(budget: &mut Budget, title: &str, pieces: &[String]) {
    budget.add_list(&format!("\n<details><summary>{title}</summary>\n\n"), pieces, "\n</details>\n", |omitted| format!("\nand {omitted} more\n"));
}

fn note_piece(finding: &FindingReport, material: Material<'_>) -> String {
    let commit = if finding.tree == Tree::Head { &material.cx.head_sha } else { &material.cx.base_sha };
    let link = line_link(material.cx.repository_url.as_deref(), commit, &finding.path, (finding.start_line, finding.end_line));
    let waived = finding.waived.as_ref().map_or(String::new(), |waiver| {
        let until = waiver.until.as_ref().map_or(String::new(), |day| format!(" until {}", prose(day, Place::Text)));
        let by = code(&waiver.by, Place::Text);
        format!(" (waived{until} by {by}: {}) · `{}`", prose(&waiver.reason, Place::Text), finding.fingerprint)
    });
    format!("- {link} {}{waived}\n", prose(&finding.message, Place::Text))
}

/// Returns how to see the same on one's own machine, and how far the review reached.
fn reproduce(material: Material<'_>) -> String {
    let Material { review, cx, .. } = material;
    let mut commands = String::new();
    let at = if cx.head_sha.is_empty() {
        String::new()
    } else {
        put!(commands, "git fetch origin {} {}\n", cx.base_sha, cx.head_sha);
        put!(commands, "waypost review --base {} --head {}\n", cx.base_sha, cx.head_sha);
        format!(" --rev {}", cx.head_sha)
    };
    if let Some(words) = review.changes.iter().map(shell_words).find(|words| words.len() <= MAX_COMMAND) {
        put!(commands, "waypost trace {words}{at}\n");
    }
    let mut text = String::new();
    if !commands.is_empty() {
        put!(text, "\n<details><summary>Try it on your own machine</summary>\n\n{}\n</details>\n", fence("sh", &commands));
    }
    let short = |sha: &str| sha.get(..12).unwrap_or(sha).to_owned();
    let mut footer: Vec<String> = Vec::new();
    if !cx.head_sha.is_empty() {
        footer.push(format!("{} against {}", code(&short(&cx.head_sha), Place::Text), code(&short(&cx.base_sha), Place::Text)));
    }
    footer.extend(not_exact_words(review).map(|words| prose(&words, Place::Text)));
    if !footer.is_empty() {
        put!(text, "\n<sub>{}</sub>\n", footer.join(" · "));
    }
    text
}

/// Returns the change's request as arguments of `waypost trace`, quoted for a shell.
fn shell_words(change: &ChangeReport) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let request = &change.request;
    let mut words = String::new();
    if request.method != "GET" {
        put!(words, "-X {} ", quote(&request.method));
    }
    for (name, value) in &request.headers {
        put!(words, "-H {} ", quote(&format!("{name}: {value}")));
    }
    if let Some(from) = &request.from {
        put!(words, "--from {} ", quote(from));
    }
    words + &quote(&request.url)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::review::UnknownReport;

    fn github() -> CommentContext {
        CommentContext {
            repository_url: Some("https://github.com/acme/edge".into()),
            head_sha: "4f2c1e9d0a6b7c8d9e0f1a2b3c4d5e6f70819203".into(),
            base_sha: "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334".into(),
            lead: None,
        }
    }

    #[test]
    fn the_founding_outage_reads_well() {
        insta::assert_snapshot!(comment(&fixture::outage(), &fixture::base(), &fixture::head(), &github()));
    }

    #[test]
    fn earlier_runs_are_folded_and_have_little_room() {
        let run = |summary: &str| PastRun { head: "4f2c1e9".to_owned(), verdict: "fail".to_owned(), summary: summary.to_owned() };
        insta::assert_snapshot!(with_history("The review.\n", &[run("It breaks a | b, says @nobody"), run("It breaks")]));
        assert_eq!(with_history("The review.\n", &[]), "The review.\n");
        let many = with_history("", &vec![run(&"`".repeat(9000)); 3]);
        assert!(many.len() <= MAX_HISTORY_BYTES && many.matches("<details>").count() == many.matches("</details>").count(), "{many}");
    }

    #[test]
    fn what_people_have_decided_is_shown_where_it_belongs() {
        let waiver = crate::review::Waiver { by: "kim".into(), reason: "ask @ops <b>".into(), until: Some("2030-01-31".into()) };
        let mut review = fixture::outage();
        let mut waived = fixture::finding();
        waived.waived = Some(waiver.clone());
        review.findings[0].reopened = Some(waiver);
        review.findings[0].acknowledged = Some(crate::review::Acknowledgement { by: "lee".into(), reason: "on it".into() });
        review.findings.push(waived);
        insta::assert_snapshot!(comment(&review, &fixture::base(), &fixture::head(), &CommentContext::default()));
    }

    #[test]
    fn a_quiet_review_is_short() {
        insta::assert_snapshot!(comment(&fixture::quiet(), &fixture::base(), &fixture::base(), &CommentContext::default()));
    }

    #[test]
    fn however_much_there_is_it_fits_and_the_commands_are_kept() {
        let mut review = fixture::outage();
        let long = "`".repeat(5000) + &"x | y ".repeat(3000);
        review.summary.clone_from(&long);
        for at in 0..300 {
            let mut finding = fixture::finding();
            finding.message = format!("{at} {long}");
            finding.help.clone_from(&long);
            review.findings.push(finding);
            let mut change = fixture::change(fixture::was(), fixture::now());
            change.region.clone_from(&long);
            change.request.url = format!("http://shop.example.com/{at}/{long}");
            review.changes.push(change);
            review.unknown.push(UnknownReport { path: long.clone(), line: at, reason: long.clone() });
        }
        let text = comment(&review, &fixture::base(), &fixture::head(), &github());
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        assert!(text.contains("more findings") && text.contains("293 more, in the details"));
        assert!(text.ends_with("</sub>\n"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn a_broken_share_that_was_there_before_says_so() {
        let row = row(&fixture::change(fixture::now(), fixture::now()));
        assert!(row.contains("| **85 %** |"), "{row}");
        let row = super::row(&fixture::change(fixture::now(), fixture::was()));
        assert!(row.contains("| none (was 85 %) |"), "{row}");
    }
}
