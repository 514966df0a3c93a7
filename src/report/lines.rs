//! Comments on lines of the diff: the findings whose deciding line GitHub shows there. All others are in the comment and the check.
//!
//! Which lines the diff shows is worked out from both trees: one line outside of it, and GitHub refuses the whole review.

use super::CommentContext;
use super::escape::source_line;
use super::markdown::{Place, code, fence, line_link, prose};
use super::put::put;
use super::words::{request_words, severity_word};
use crate::policy::{Severity, Tree};
use crate::review::{FindingReport, Review};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use similar::{Algorithm, DiffOp, TextDiff};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// GitHub shows so many lines around a change.
const CONTEXT: usize = 3;
/// Of larger files GitHub shows no diff.
const MAX_FILE_BYTES: usize = 400_000;
/// The same.
const MAX_FILE_LINES: usize = 15_000;
/// A new file that shares this much with one that is gone is that file, renamed; git's own limit is the same.
const RENAMED: f32 = 0.5;
/// Of more files that are gone (or new) it is not looked for the one that was renamed.
const MAX_GONE: usize = 20;

/// Where a comment on the diff stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// On lines that the diff shows.
    Lines {
        /// The first line where there are several; from 1.
        start: Option<usize>,
        /// The line, or the last of several; from 1.
        line: usize,
        /// The line is gone: the left side of the diff.
        is_left: bool,
    },
    /// On a file of the diff, which does not show the line.
    File,
}

/// A comment on the diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineComment {
    /// The finding.
    pub fingerprint: String,
    /// The file.
    pub path: String,
    /// Where it stands.
    pub spot: Spot,
    /// Markdown, for where the line is seen.
    pub on_line: String,
    /// Markdown, for the file as a whole.
    pub on_file: String,
}

/// Returns a comment for each finding above info that is not waived and whose file the diff has, the worst first.
pub fn line_comments(review: &Review, base: &Snapshot, head: &Snapshot, cx: &CommentContext) -> Vec<LineComment> {
    let mut shown = BTreeMap::new();
    let serious = review.findings.iter().filter(|finding| finding.severity > Severity::Info && finding.waived.is_none());
    let comments = serious.filter_map(|finding| {
        let hunks: &Option<Vec<Hunk>> = shown.entry(finding.path.as_str()).or_insert_with(|| hunks(base, head, &finding.path));
        let is_left = finding.tree == Tree::Base;
        let found = place(hunks.as_ref()?, is_left, (finding.start_line, finding.end_line));
        let spot = found.map_or(Spot::File, |(start, line)| Spot::Lines { start: (start < line).then_some(start), line, is_left });
        let body = body(finding);
        let link = link(finding, cx);
        // The comment may stand on the first line of several only.
        let whole = found == Some((finding.start_line, finding.end_line));
        Some(LineComment {
            fingerprint: finding.fingerprint.clone(),
            path: finding.path.clone(),
            spot,
            on_line: if whole { format!("{body}{}", suggestion(finding, spot)) } else { format!("{body}{link}\n") },
            on_file: format!("{body}{link}\n"),
        })
    });
    comments.collect()
}

/// The lines of a hunk on both sides, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hunk {
    left: RangeInclusive<usize>,
    right: RangeInclusive<usize>,
}

/// Returns the lines that a comment can stand on: those named where one hunk has them all, else the first of them where the diff shows it.
fn place(hunks: &[Hunk], is_left: bool, (start, end): (usize, usize)) -> Option<(usize, usize)> {
    let side = |hunk: &Hunk| if is_left { hunk.left.clone() } else { hunk.right.clone() };
    let whole = hunks.iter().any(|hunk| side(hunk).contains(&start) && side(hunk).contains(&end));
    if whole {
        return Some((start, end));
    }
    hunks.iter().any(|hunk| side(hunk).contains(&start)).then_some((start, start))
}

/// Returns the hunks of a file as GitHub shows them, none where it shows none; `None` where the diff does not have the file, or where that
/// is not certain.
fn hunks(base: &Snapshot, head: &Snapshot, path: &str) -> Option<Vec<Hunk>> {
    let (was, now) = (read(base, path), read(head, path));
    let was = match (&was, &now) {
        (None, Some(now)) => renamed(base, head, now),
        // Under its old name the diff does not have it.
        (Some(was), None) if renamed(head, base, was).is_some() => return None,
        _ if was == now => return None,
        _ => was,
    };
    let (was, now) = (was.unwrap_or_default(), now.unwrap_or_default());
    if was == now || [&was, &now].iter().any(|text| text.len() > MAX_FILE_BYTES || text.lines().count() > MAX_FILE_LINES) {
        return Some(Vec::new());
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(&*was, &*now);
    let groups = diff.grouped_ops(CONTEXT);
    Some(groups.iter().filter_map(|group| Some((group.first()?, group.last()?))).map(|(first, last)| hunk(first, last)).collect())
}

fn hunk(first: &DiffOp, last: &DiffOp) -> Hunk {
    // Lines count from 1; the end of a range of `similar` is one past it, which is the last line counted from 1.
    Hunk { left: first.old_range().start + 1..=last.old_range().end, right: first.new_range().start + 1..=last.new_range().end }
}

/// Returns the text of the file that is like `text` and that only the tree `there` has: GitHub shows the two as one that was renamed, and
/// only what differs.
fn renamed(there: &Snapshot, here: &Snapshot, text: &str) -> Option<Arc<str>> {
    let known: std::collections::BTreeSet<&TreePath> = here.entries().map(|(path, _)| path).collect();
    let only_there = there.entries().map(|(path, _)| path).filter(|path| !known.contains(path)).take(MAX_GONE);
    let alike = only_there.filter_map(|path| there.text(path).ok()).filter(|text| text.len() <= MAX_FILE_BYTES);
    let alike = alike.map(|other| (TextDiff::configure().diff_lines(&*other, text).ratio(), Arc::clone(&other)));
    alike.filter(|(ratio, _)| *ratio >= RENAMED).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, text)| text)
}

fn read(tree: &Snapshot, path: &str) -> Option<Arc<str>> {
    tree.text(&TreePath::new(path)?).ok()
}

fn body(finding: &FindingReport) -> String {
    let mut text = format!("**{}**: {}", severity_word(finding.severity), prose(&finding.message, Place::Text));
    if let Some(when) = &finding.when {
        put!(text, ", {}", prose(when, Place::Text));
    }
    if let Some(request) = finding.requests.first() {
        put!(text, "\n\nFor example {}", code(&request_words(request), Place::Text));
    }
    if !finding.help.is_empty() {
        put!(text, "\n\n➜ {}", prose(&finding.help, Place::Text));
    }
    put!(text, "\n\n`{}` · `{}`\n", finding.rule, finding.fingerprint);
    text
}

/// Returns what can be applied with a click, where that is certain: the comment stands on the very lines to replace, and what is written
/// there is shown as it is.
fn suggestion(finding: &FindingReport, spot: Spot) -> String {
    let Spot::Lines { start, line, is_left: false } = spot else { return String::new() };
    let fix = finding.fix.as_ref().filter(|fix| (fix.start_line, fix.end_line) == (start.unwrap_or(line), line));
    // GitHub applies to the lines what stands in the comment, where line ends and marks that are not seen would get lost.
    let as_it_is = |text: &str| text.lines().all(|line| source_line(line) == line) && !text.contains('\r');
    fix.filter(|fix| as_it_is(&fix.text)).map_or(String::new(), |fix| format!("\n{}", fence("suggestion", &fix.text)))
}

/// Returns the link to the lines that are meant.
fn link(finding: &FindingReport, cx: &CommentContext) -> String {
    let commit = if finding.tree == Tree::Head { &cx.head_sha } else { &cx.base_sha };
    line_link(cx.repository_url.as_deref(), commit, &finding.path, (finding.start_line, finding.end_line))
}

/// Returns what stands in place of a comment whose finding is gone, where its thread cannot be resolved.
pub fn gone(body: &str, head: &str) -> String {
    format!("✅ Gone with {}.\n\n<details><summary>It was this</summary>\n\n{body}\n</details>\n", code(head, Place::Text))
}

/// Returns the words of the review that the comments are part of.
pub fn review_words(comments: usize) -> String {
    match comments {
        1 => "The line that decides; the check `waypost` has everything.".to_owned(),
        more => format!("The {more} lines that decide; the check `waypost` has everything."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::snapshot::memory;

    #[test]
    fn what_surely_mends_it_can_be_applied_with_a_click() {
        let mut review = fixture::outage();
        let said = |review: &Review| line_comments(review, &fixture::base(), &fixture::head(), &CommentContext::default()).pop().unwrap();
        let fix = |line: usize, text: &str| Some(crate::review::FixReport { start_line: line, end_line: line, text: text.to_owned() });
        review.findings[0].fix = fix(3, "\tserver 10.20.1.12:8080; # ``` @me");
        let comment = said(&review);
        assert!(comment.on_line.ends_with("\n\n````suggestion\n\tserver 10.20.1.12:8080; # ``` @me\n````\n"), "{}", comment.on_line);
        assert!(!comment.on_file.contains("suggestion"), "{}", comment.on_file);
        for other in [fix(2, "x"), fix(3, "x\u{202e}y"), fix(3, "x\r"), None] {
            review.findings[0].fix = other;
            assert!(!said(&review).on_line.contains("suggestion"));
        }
    }

    fn numbered(lines: usize) -> Vec<String> {
        (1..=lines).map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn the_founding_outage_is_said_on_its_line() {
        let comments = line_comments(&fixture::outage(), &fixture::base(), &fixture::head(), &CommentContext::default());
        insta::assert_debug_snapshot!(comments);
    }

    #[test]
    fn the_diff_shows_three_lines_around_a_change_and_no_more() {
        let was = numbered(40);
        let mut now = was.clone();
        now[9] = "changed\n".to_owned();
        now.insert(29, "new\n".to_owned());
        let (base, head) = (memory([("a", was.concat())]), memory([("a", now.concat())]));
        let found = hunks(&base, &head, "a").unwrap();
        assert_eq!(found, [Hunk { left: 7..=13, right: 7..=13 }, Hunk { left: 27..=32, right: 27..=33 }]);
        assert_eq!(place(&found, false, (10, 10)), Some((10, 10)));
        assert_eq!(place(&found, false, (33, 33)), Some((33, 33)));
        assert_eq!(place(&found, true, (33, 33)), None);
        assert_eq!(place(&found, false, (9, 12)), Some((9, 12)));
        assert_eq!(place(&found, false, (12, 30)), Some((12, 12)));
        assert_eq!(place(&found, false, (20, 21)), None);
    }

    #[test]
    fn a_new_file_is_shown_whole_a_renamed_one_only_where_it_differs_and_one_that_is_gone_on_the_left() {
        let text = numbered(30).concat();
        let none = memory([("b", "")]);
        let base = memory([("a", text.as_str()), ("b", "")]);
        assert_eq!(hunks(&none, &base, "a").unwrap(), [Hunk { left: RangeInclusive::new(1, 0), right: 1..=30 }]);
        let renamed = memory([("c", text.replace("line 20\n", "line twenty\n")), ("b", String::new())]);
        assert_eq!(hunks(&base, &renamed, "c").unwrap(), [Hunk { left: 17..=23, right: 17..=23 }]);
        assert_eq!(hunks(&base, &renamed, "a"), None, "GitHub has no file of that name in the diff");
        assert_eq!(place(&hunks(&base, &none, "a").unwrap(), true, (5, 6)), Some((5, 6)));
        assert_eq!(hunks(&base, &base, "a"), None);
    }

    #[test]
    fn a_line_that_the_diff_does_not_show_is_told_of_at_its_file_and_a_file_it_does_not_have_nowhere() {
        let was = numbered(40);
        let mut now = was.clone();
        now[35] = "changed\n".to_owned();
        let path = fixture::finding().path;
        let (base, head) = (memory([(path.as_str(), was.concat())]), memory([(path.as_str(), now.concat())]));
        let comments = line_comments(&fixture::outage(), &base, &head, &CommentContext::default());
        assert_eq!(comments.iter().map(|comment| comment.spot).collect::<Vec<_>>(), [Spot::File]);
        assert!(comments[0].on_file.ends_with(&format!("`{path}:3`\n")), "{}", comments[0].on_file);
        assert_eq!(line_comments(&fixture::outage(), &base, &base, &CommentContext::default()), []);
    }
}
