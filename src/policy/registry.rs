//! The list of rules.

use super::rules::ALL;
use super::{Category, Finding, Severity, Side};
use crate::analysis::Comparison;

/// A built-in rule. Its documentation is what `waypost explain` prints.
#[derive(Debug)]
pub struct Rule {
    /// `traffic/missing-server`: the room and name of its file.
    pub id: &'static str,
    /// What its findings are about.
    pub category: Category,
    /// The severity of its worst findings.
    pub severity: Severity,
    /// Markdown with the fixed headings.
    pub documentation: &'static str,
    /// Looks at a change.
    pub check: fn(&RuleContext<'_>, &mut Vec<Finding>),
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// Before.
    pub base: Side<'a>,
    /// After.
    pub head: Side<'a>,
    /// The state a rollback should restore.
    pub known_good: Option<Side<'a>>,
    /// Known good against head, where there is a known-good tree.
    pub rollback: Option<&'a Comparison>,
    /// Base against head.
    pub comparison: &'a Comparison,
    /// The pull request's title.
    pub title: &'a str,
    /// The pull request's body.
    pub body: &'a str,
}

/// Returns every rule, in the order of the documentation.
pub fn rules() -> &'static [&'static Rule] {
    ALL
}

/// Returns the rule called `name`: its id, or the part after the `/`.
pub fn by_name(name: &str) -> Option<&'static Rule> {
    rules().iter().copied().find(|rule| rule.id == name || rule.id.rsplit_once('/').is_some_and(|(_, short)| short == name))
}

/// Returns the findings of every rule, the worst first, then by place.
pub fn check_all(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules() {
        (rule.check)(cx, &mut findings);
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| (&a.span, a.rule, &a.identity).cmp(&(&b.span, b.rule, &b.identity))));
    findings
}
