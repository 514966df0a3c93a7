//! Problems of head's files that base did not have.

use super::{Finding, RuleContext, Severity, Tree};
use crate::model::{Problem, ProblemKind};
use std::collections::BTreeMap;

/// Reports, under `rule`, the problems of `kind` in head. What base had as well is not repeated, except that the proxy refuses the
/// configuration: that stays worth knowing.
pub(super) fn report(cx: &RuleContext<'_>, rule: &'static str, kind: ProblemKind, out: &mut Vec<Finding>) {
    let mut before: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for problem in cx.base.model.problems.iter().filter(|problem| problem.kind == kind) {
        *before.entry(key(problem)).or_default() += 1;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for problem in cx.head.model.problems.iter().filter(|problem| problem.kind == kind) {
        let old = before.get_mut(&key(problem)).filter(|left| **left > 0).map(|left| *left -= 1).is_some();
        if old && !problem.fatal {
            continue;
        }
        let same = format!("{rule}|{}|{}", problem.span.path, key(problem).1);
        let nth = seen.entry(same.clone()).or_default();
        *nth += 1;
        out.push(finding(rule, problem, old, format!("{same}|{nth}")));
    }
}

/// Returns what two problems share when they are the same one before and after a move: the file's name and the words, without line numbers.
fn key(problem: &Problem) -> (&str, String) {
    let mut words = String::new();
    for (at, part) in problem.message.split("line ").enumerate() {
        let part = if at == 0 { part } else { part.trim_start_matches(|c: char| c.is_ascii_digit()) };
        words.push_str(part);
    }
    (problem.span.path.file_name(), words)
}

fn finding(rule: &'static str, problem: &Problem, old: bool, identity: String) -> Finding {
    let severity = match (old, problem.fatal) {
        (true, _) => Severity::Info,
        (false, true) => Severity::Error,
        (false, false) => Severity::Warning,
    };
    let message = if old { format!("{}; it was like this before the change", problem.message) } else { problem.message.clone() };
    let help = problem.help.clone().unwrap_or_else(|| {
        if problem.fatal {
            "mend this line; the whole configuration is refused until then"
        } else {
            "correct this line, or take it out if nothing needs it"
        }
        .to_owned()
    });
    Finding { rule, severity, message, help, tree: Tree::Head, span: problem.span.clone(), when: None, identity, requests: Vec::new() }
}
