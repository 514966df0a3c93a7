//! What a change does to the repository's own settings. Those of the base are in force, whatever the head says; the head's are looked at so
//! that nobody merges a file that is not understood, and everybody sees who would get which right.

use super::settings::{Access, COMMAND_NAMES, Least, SETTINGS_PATH, SettingsProblem, settings};
use crate::policy::{Finding, Severity, Tree};
use crate::snapshot::Snapshot;
use crate::span::{Span, TreePath};

/// The rule these are of, which has the documentation.
const RULE: &str = "config/settings";

/// Returns whether the change touches the settings: only then their content counts.
pub(super) fn are_touched(base: &Snapshot, head: &Snapshot) -> bool {
    let Some(path) = TreePath::new(SETTINGS_PATH) else { return false };
    match (base.id(&path), head.id(&path)) {
        (Some(was), Some(now)) => was != now,
        _ => base.text(&path) != head.text(&path),
    }
}

/// Returns what is to be said of the settings; nothing where the change leaves them as they are.
pub fn findings(base: &Snapshot, head: &Snapshot) -> Vec<Finding> {
    let Some(path) = TreePath::new(SETTINGS_PATH).filter(|_| are_touched(base, head)) else { return Vec::new() };
    let now = head.text(&path);
    let ((before, known), (after, problems)) = (settings(base, COMMAND_NAMES), settings(head, COMMAND_NAMES));
    let at = |line: usize| line_span(&path, now.as_deref().unwrap_or_default(), line);
    if !problems.is_empty() {
        return problems.iter().enumerate().map(|(nth, problem)| not_understood(problem, &known, at(problem.line), nth)).collect();
    }
    if !known.is_empty() {
        // There is nothing sure to compare with.
        return Vec::new();
    }
    let text = now.as_deref().unwrap_or_default();
    let changed = COMMAND_NAMES.iter().filter_map(|name| {
        let (was, now) = (before.commands.of(name), after.commands.of(name));
        (was != now).then(|| {
            let line = text.lines().position(|line| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':')));
            let message = format!("once this is merged, `/waypost {name}` is for {}; now it is for {}", words(now), words(was));
            let help = "nothing to do if that is what you want; until then the file of the base branch counts".to_owned();
            (Severity::Info, message, help, line.map_or(1, |line| line + 1), *name)
        })
    });
    let tree = if head.id(&path).is_some() || !text.is_empty() { Tree::Head } else { Tree::Base };
    changed.map(|(severity, message, help, line, name)| finding(severity, (message, help), (tree, at(line)), format!("{RULE}|{name}"))).collect()
}

/// Returns the finding of a problem; `known` are those that the base has too.
fn not_understood(problem: &SettingsProblem, known: &[SettingsProblem], span: Span, nth: usize) -> Finding {
    let old = known.iter().any(|have| have.message == problem.message);
    let mut message = format!("`{SETTINGS_PATH}` is not understood: {}", problem.message);
    if old {
        message.push_str("; it was like this before the change");
    }
    let help = "mend this line; once it is merged, nobody may acknowledge or waive anything until that is done".to_owned();
    let severity = if old { Severity::Info } else { Severity::Error };
    finding(severity, (message, help), (Tree::Head, span), format!("{RULE}|{}|{nth}", problem.message))
}

fn finding(severity: Severity, (message, help): (String, String), (tree, span): (Tree, Span), identity: String) -> Finding {
    Finding { rule: RULE, severity, message, help, tree, span, when: None, identity, requests: Vec::new() }
}

/// Returns who may, in words.
fn words(access: Option<&Access>) -> String {
    let Some(access) = access else { return "whoever may by default".to_owned() };
    let mut who = match access.least {
        None => "whoever may by default".to_owned(),
        Some(Least::Anyone) => "anyone who may comment".to_owned(),
        Some(Least::Role(role)) => format!("the role `{}` and higher ones", role.name()),
        Some(Least::Nobody) => "no role".to_owned(),
    };
    for team in &access.teams {
        who = format!("{who}, and for the team `{team}`");
    }
    if access.own == Some(true) {
        who.push_str(", authors of the pull request included");
    }
    who
}

/// Returns the span of a line, from 1.
fn line_span(path: &TreePath, text: &str, line: usize) -> Span {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    Span::new(path.clone(), start, start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    fn said(base: Option<&str>, head: Option<&str>) -> Vec<String> {
        let tree = |text: Option<&str>| memory(text.map(|text| (SETTINGS_PATH, text)));
        findings(&tree(base), &tree(head))
            .iter()
            .map(|found| format!("{:?} {:?} {:?}: {}", found.severity, found.tree, found.span, found.message))
            .collect()
    }

    #[test]
    fn what_the_head_says_is_looked_at_and_what_it_changes_is_told() {
        let strict = "commands:\n  waive: { role: admin, teams: [oncall] }\n";
        let lax = "commands:\n  waive: { role: write, own: true }\n  review: write\n";
        insta::assert_snapshot!([said(None, Some(strict)), said(Some(strict), Some(lax)), said(Some(strict), None)].concat().join("\n"));
        let broken = "commands:\n  wave: write\n";
        insta::assert_snapshot!(
            [said(Some(strict), Some(broken)), said(Some(broken), Some("commands:\n  wave: write\n  x: y\n"))].concat().join("\n")
        );
        for (base, head) in [
            (Some(broken), Some(broken)),
            (Some(broken), Some(strict)),
            (None, None),
            (Some(strict), Some("# the same\ncommands: {waive: {role: admin, teams: oncall}}")),
        ] {
            assert_eq!(said(base, head), [] as [&str; 0], "{base:?} {head:?}");
        }
    }
}
