//! What surely mends a finding, as whole lines.

use super::FixReport;
use crate::model::Fix;
use crate::policy::{Finding, Side, Tree};

/// Returns the lines to write where the finding tells of a problem that has a fix.
pub(super) fn of(head: Side<'_>, finding: &Finding) -> Option<FixReport> {
    let problems = head.model.problems.iter().filter(|_| finding.tree == Tree::Head);
    let problem = problems.into_iter().find(|problem| problem.span == finding.span && finding.message.starts_with(&problem.message))?;
    lines(&head.snapshot.text(&finding.span.path).ok()?, problem.fix.as_ref().filter(|fix| fix.span.path == finding.span.path)?)
}

/// Returns the lines of `text` that the fix is in, mended; `None` where the text is not what the fix is for.
fn lines(text: &str, fix: &Fix) -> Option<FixReport> {
    if text.get(fix.span.start..fix.span.end)? != fix.was {
        return None;
    }
    let (before, after) = (text.get(..fix.span.start)?, text.get(fix.span.end..)?);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = after.find('\n').map_or(after, |at| after.get(..at).unwrap_or(after));
    let start_line = before.matches('\n').count() + 1;
    Some(FixReport { start_line, end_line: start_line + fix.was.matches('\n').count(), text: format!("{}{}{rest}", before.get(start..)?, fix.text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Span, TreePath};

    #[test]
    fn the_line_is_written_anew_and_only_where_it_is_what_was_meant() {
        let text = "one\n  two  # x\nthree";
        let fix = |at: (usize, usize), was: &str| Fix::replace(&Span::new(TreePath::new("a").unwrap(), at.0, at.1), was, "2;");
        let mended = |line, text: &str| Some(FixReport { start_line: line, end_line: line, text: text.to_owned() });
        assert_eq!(lines(text, &fix((6, 9), "two")), mended(2, "  2;  # x"));
        assert_eq!(lines(text, &fix((9, 9), "")), mended(2, "  two2;  # x"));
        assert_eq!(lines(text, &fix((20, 20), "")), mended(3, "three2;"));
        assert_eq!(lines(text, &fix((6, 9), "tow")), None);
        assert_eq!(lines(text, &fix((18, 25), "")), None);
    }
}
