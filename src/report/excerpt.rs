//! Lines of a file, safe to show, with the part that is meant.

use super::escape::source_line;
use crate::review::FindingReport;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::ops::Range;

/// The most characters of a line that are shown.
const MAX_LINE: usize = 160;
/// The most lines of a span that are shown.
const MAX_LINES: usize = 5;

/// Some lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The number of the first line, from 1.
    pub(super) first_line: usize,
    /// The lines, joined by line feeds, control characters replaced and long lines cut.
    pub(super) source: String,
    /// The bytes of `source` that are meant. Never empty unless the line is.
    pub(super) span: Range<usize>,
}

/// Returns the lines a finding names; `None` where the file cannot be read or has no such line.
pub(super) fn of_finding(tree: &Snapshot, finding: &FindingReport) -> Option<Excerpt> {
    let text = tree.text(&TreePath::new(&finding.path)?).ok()?;
    let count = finding.end_line.saturating_sub(finding.start_line) + 1;
    let whole = count <= MAX_LINES;
    let lines = text.lines().skip(finding.start_line.saturating_sub(1)).take(count.min(MAX_LINES));
    let mut excerpt = Excerpt { first_line: finding.start_line, source: String::new(), span: 0..0 };
    let mut last = 0;
    for (at, line) in lines.enumerate() {
        if at > 0 {
            excerpt.source.push('\n');
        }
        let start = excerpt.source.len();
        let from = if at == 0 { finding.start_column } else { 1 };
        let to = if whole && at + 1 == count { finding.end_column } else { usize::MAX };
        let (shown, meant) = window(line, from, to);
        if at == 0 {
            excerpt.span.start = start + meant.start;
        }
        excerpt.span.end = start + meant.end;
        excerpt.source += &shown;
        last = at + 1;
    }
    (last > 0).then_some(excerpt)
}

/// Returns `line` cut around the columns `from..=to` (from 1), and the bytes they are at in what is returned.
fn window(line: &str, from: usize, to: usize) -> (String, Range<usize>) {
    let letters: Vec<char> = source_line(line).chars().collect();
    let skipped = if letters.len() <= MAX_LINE { 0 } else { from.saturating_sub(41).min(letters.len() - MAX_LINE) };
    let kept = letters.iter().skip(skipped).take(MAX_LINE);
    let mut shown = String::new();
    if skipped > 0 {
        shown.push('…');
    }
    let mut meant = shown.len()..shown.len();
    for (column, letter) in kept.enumerate().map(|(at, letter)| (skipped + at + 1, letter)) {
        if column == from {
            meant.start = shown.len();
        }
        shown.push(*letter);
        if column >= from && column <= to {
            meant.end = shown.len();
        }
    }
    if skipped + MAX_LINE < letters.len() {
        shown.push('…');
    }
    meant.end = meant.end.max(meant.start);
    (shown, meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_what_is_meant() {
        let line = format!("{}server x;{}", "a".repeat(5000), "b".repeat(5000));
        let (shown, meant) = window(&line, 5001, 5009);
        assert_eq!(shown.chars().count(), 162);
        assert_eq!(shown.get(meant), Some("server x;"));
        let (shown, meant) = window(&line, 9990, usize::MAX);
        assert!(shown.starts_with('…') && !shown.ends_with('…'));
        assert!(shown.get(meant).unwrap().starts_with('b'));
    }

    #[test]
    fn replaced_characters_keep_the_columns() {
        let (shown, meant) = window("\x1b\u{202e}ä server", 5, 10);
        assert_eq!(shown, "␛\u{fffd}ä server");
        assert_eq!(shown.get(meant), Some("server"));
    }
}
