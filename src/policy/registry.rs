//! The list of rules.

use super::passage::Passage;
use super::rules::ALL;
use super::{Category, Finding, Severity, Side};
use crate::analysis::Comparison;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The headings of every rule's documentation, in order.
pub const HEADINGS: [&str; 6] = ["What it checks", "Why it matters", "Example", "How to fix", "When it stays silent", "Where it has hurt"];

/// The most findings one rule reports of one change; the rest is counted in the last one's message.
const MOST: usize = 10;

/// A built-in rule. Its documentation is what `waypost explain` prints.
#[derive(Debug)]
pub struct Rule {
    /// `traffic/missing-server`: the room and name of its file.
    pub id: &'static str,
    /// What its findings are about.
    pub category: Category,
    /// The severity of its worst findings.
    pub severity: Severity,
    /// Markdown with the fixed headings, as the doc comment has it; [`explanation`] is for reading.
    pub documentation: &'static str,
    /// Looks at a change.
    pub check: fn(&RuleContext<'_>, &mut Vec<Finding>),
}

/// What a rule looks at.
#[derive(Debug)]
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
    /// What several rules look at; made when the first one asks.
    pub shared: Shared<'a>,
}

/// What is worked out once for all rules.
#[derive(Debug, Default)]
pub struct Shared<'a> {
    /// What the review found in the repository's own settings, whose form no rule knows.
    pub(super) settings: Vec<Finding>,
    pub(super) passages: OnceCell<Vec<Passage<'a>>>,
}

impl Shared<'_> {
    /// Returns what is known before the first rule looks: what the review found in the repository's own settings.
    pub fn of(settings: Vec<Finding>) -> Self {
        Self { settings, ..Self::default() }
    }
}

/// Returns every rule, in the order of the documentation.
pub fn rules() -> &'static [&'static Rule] {
    ALL
}

/// Returns the rule called `name`: its id, or the part after the `/`.
pub fn by_name(name: &str) -> Option<&'static Rule> {
    rules().iter().copied().find(|rule| rule.id == name || rule.id.rsplit_once('/').is_some_and(|(_, short)| short == name))
}

/// Returns the documentation of `rule` as markdown: its id as the title, then its sections.
pub fn explanation(rule: &Rule) -> String {
    let mut text = format!("# {}\n\n", rule.id);
    for line in rule.documentation.lines() {
        text.push_str(line.strip_prefix(' ').unwrap_or(line).trim_end());
        text.push('\n');
    }
    text
}

/// Returns the findings of every rule, the worst first, then by place.
pub fn check_all(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules() {
        let mut found = Vec::new();
        (rule.check)(cx, &mut found);
        findings.extend(bounded(found));
    }
    sort(&mut findings);
    findings
}

/// Sorts by severity, then by place.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| (&a.span, a.rule, &a.identity).cmp(&(&b.span, b.rule, &b.identity))));
}

/// Returns `found`, the findings of one rule, each identity once and at most [`MOST`] of them, the worst first.
fn bounded(mut found: Vec<Finding>) -> Vec<Finding> {
    sort(&mut found);
    let mut seen = BTreeSet::new();
    found.retain(|finding| seen.insert(finding.identity.clone()));
    // The readings of a template share their lines: what is said of one is not said again of the others.
    let mut said = BTreeSet::new();
    found.retain(|finding| said.insert((finding.tree == super::Tree::Head, finding.span.clone(), finding.message.clone())));
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    if let Some(last) = found.last_mut().filter(|_| more > 0) {
        last.message = format!("{}; and {more} more of this kind", last.message);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_rule_is_documented_under_the_fixed_headings() {
        for rule in rules() {
            let text = explanation(rule);
            let have: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(have, HEADINGS, "{}", rule.id);
            let sections = text.split("\n## ").skip(1).map(|section| section.split_once('\n').map_or("", |(_, body)| body.trim()));
            assert!(sections.into_iter().all(|body| !body.is_empty()), "{} has an empty section", rule.id);
            assert!(text.starts_with(&format!("# {}\n\n## What it checks\n\n", rule.id)), "{text}");
        }
    }

    #[test]
    fn a_rule_is_called_what_its_file_is_and_has_a_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy/rules");
        let mut ids = BTreeSet::new();
        for rule in rules() {
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            let file = root.join(format!("{}.rs", rule.id.replace('-', "_")));
            assert!(file.exists(), "{} is not in {}", rule.id, file.display());
            let page = format!("tests/cases/rules/{}.md", rule.id.rsplit('/').next().unwrap());
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&page).exists(), "{} has no page {page}", rule.id);
        }
    }

    #[test]
    fn a_rule_is_found_by_its_id_and_by_its_short_name() {
        for rule in rules() {
            let short = rule.id.rsplit('/').next().unwrap();
            assert_eq!(by_name(rule.id).map(|found| found.id), Some(rule.id));
            assert_eq!(by_name(short).map(|found| found.id), Some(rule.id));
        }
        assert!(by_name("no-such-rule").is_none());
    }
}
