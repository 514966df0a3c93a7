//! The documentation of rules, for a terminal.

use super::put::put;
use super::words::severity_word;
use crate::policy::Rule;

/// Returns the rules with the first sentence of each one's documentation.
pub fn rule_list(rules: &[&Rule], color: bool) -> String {
    let (bold, off) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules {
        let pad = " ".repeat(width - rule.id.len());
        put!(text, "{bold}{}{off}{pad}  {:7}  {}\n", rule.id, severity_word(rule.severity), first_sentence(rule.documentation));
    }
    text += "\n`waypost explain RULE` prints what a rule checks, why it matters, an example, and how to fix it.\n";
    text
}

/// Returns a rule's documentation, its headings and code set apart.
pub fn rule_page(rule: &Rule, color: bool) -> String {
    let (bold, dim, off) = if color { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{bold}{}{off}  ({}, category {})\n\n", rule.id, severity_word(rule.severity), category_word(rule.category));
    let mut in_code = false;
    for line in rule.documentation.trim().lines() {
        // A doc comment's lines begin with the blank after `///`.
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            put!(text, "    {dim}{line}{off}\n");
        } else if let Some(heading) = line.strip_prefix("## ") {
            put!(text, "{bold}{heading}{off}\n");
        } else {
            put!(text, "{line}\n");
        }
    }
    text
}

/// Returns the first sentence below the first heading.
fn first_sentence(documentation: &str) -> String {
    let mut words = String::new();
    for line in documentation.lines().map(str::trim) {
        if line.starts_with('#') || (line.is_empty() && words.is_empty()) {
            continue;
        }
        if line.is_empty() {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words += line;
    }
    match words.find(". ") {
        Some(end) => words.get(..end).unwrap_or_default().to_owned(),
        None => words.trim_end_matches('.').to_owned(),
    }
}

fn category_word(category: crate::policy::Category) -> String {
    serde_json::to_value(category).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
