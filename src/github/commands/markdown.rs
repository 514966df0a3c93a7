//! Which lines of a comment a person says, and which it only shows: quotes, code and HTML comments are shown.

use std::ops::Range;

/// Returns the lines of `body` that are not inside a quotation, a code block, inline code or an HTML comment.
///
/// As GitHub reads it, except that a line after a quotation without `>` of its own counts as said: a person typed it.
pub(super) fn said_lines(body: &str) -> Vec<&str> {
    let lines = lines_outside_blocks(body);
    let code = inline_code(body, &lines);
    let comments = html_comments(body, &lines, &code);
    let hidden = |at: usize| code.iter().chain(&comments).any(|range| range.start < at && at < range.end);
    lines.into_iter().filter(|range| !hidden(range.start)).filter_map(|range| body.get(range)).collect()
}

/// Returns the lines outside of code blocks and quotations. An empty range stands for a blank line, which ends a paragraph.
fn lines_outside_blocks(body: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    let mut start = 0;
    let mut in_paragraph = false;
    for line in body.split_inclusive('\n') {
        let range = start..start + line.trim_end().len();
        start += line.len();
        let content = line.trim_start_matches(' ').trim_end();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let marker = content.chars().next().filter(|c| matches!(c, '`' | '~'));
        let run = marker.map_or(0, |marker| content.chars().take_while(|c| *c == marker).count());
        if let Some((open, length)) = fence {
            let closes = indent < 4 && marker == Some(open) && run >= length && content.trim_start_matches(open).is_empty();
            if closes {
                fence = None;
            }
            continue;
        }
        if let Some(marker) = marker.filter(|_| run >= 3 && indent < 4)
            && (marker == '~' || !content.trim_start_matches('`').contains('`'))
        {
            fence = Some((marker, run));
            in_paragraph = false;
            continue;
        }
        let is_code = !in_paragraph && (indent >= 4 || line.starts_with('\t'));
        let is_quote = indent < 4 && content.starts_with('>');
        in_paragraph = !content.is_empty() && !is_code && !is_quote;
        if content.is_empty() || is_code || is_quote {
            lines.push(range.start..range.start);
        } else {
            lines.push(range);
        }
    }
    lines
}

/// Returns the ranges of inline code, which ends with its paragraph at the latest.
fn inline_code(body: &str, lines: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for paragraph in lines.split(Range::is_empty) {
        let runs: Vec<Range<usize>> = paragraph.iter().flat_map(|line| backtick_runs(body, line)).collect();
        let mut at = 0;
        while let Some(open) = runs.get(at) {
            let close = runs.iter().enumerate().skip(at + 1).find(|(_, run)| run.len() == open.len());
            if let Some((index, close)) = close {
                found.push(open.start..close.end);
                at = index;
            }
            at += 1;
        }
    }
    found
}

fn backtick_runs(body: &str, line: &Range<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let text = body.get(line.clone()).unwrap_or_default();
    for (at, _) in text.match_indices('`') {
        let at = line.start + at;
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end += 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

/// Returns the ranges of HTML comments; one without an end hides all that follows.
fn html_comments(body: &str, lines: &[Range<usize>], code: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for line in lines {
        let text = body.get(line.clone()).unwrap_or_default();
        for (at, _) in text.match_indices("<!--") {
            let at = line.start + at;
            if found.last().is_some_and(|last| at < last.end) || code.iter().any(|code| code.contains(&at)) {
                continue;
            }
            let end = body.get(at..).and_then(|rest| rest.find("-->")).map_or(body.len(), |length| at + length + 3);
            found.push(at..end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Vec<&str> {
        said_lines(body).into_iter().filter(|line| line.contains("/w")).map(str::trim).collect()
    }

    #[test]
    fn what_is_only_shown_is_not_said() {
        for shown in [
            "> /w",
            "   > /w",
            "```\n/w\n```",
            "```sh\n/w",
            "~~~\n```\n/w\n~~~",
            "````\n```\n/w\n````",
            "    /w",
            "\t/w",
            "text `a\n/w b` text",
            "<!--\n/w\n-->",
            "<!-- no end\n\n/w",
        ] {
            assert_eq!(said(shown), Vec::<&str>::new(), "{shown:?}");
        }
    }

    #[test]
    fn what_stands_beside_is_said() {
        for spoken in [
            "/w",
            "  /w",
            "text\n/w\ntext",
            "> quoted\n/w",
            "> quoted\n\n/w",
            "```\nx\n```\n/w",
            "a ` b\n\n/w\n\n`",
            "<!-- x -->\n/w",
            "`<!--`\n/w",
            "text\n    /w",
            "a\r\n/w\r\nb",
            "``` not a fence ```\n/w",
        ] {
            assert_eq!(said(spoken), ["/w"], "{spoken:?}");
        }
    }
}
