//! The sections themselves: names, duplicates, and what they take from.

use super::super::syntax::{Line, Section, SectionKind};
use super::{Check, REFUSES, first, is_backend, is_frontend};
use crate::formats::source::has_hole;
use crate::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Sections of which there may be one of a name.
const ONE_OF_A_NAME: &[&str] = &["peers", "resolvers", "cache"];

impl Check<'_> {
    /// Checks the heads of all sections (HAProxy: `src/cfgparse-listen.c`, `cfg_parse_listen`).
    pub(super) fn sections(&mut self) {
        let mut names: BTreeMap<(&str, &str), &Section> = BTreeMap::new();
        let mut serves: BTreeMap<usize, &Section> = BTreeMap::new();
        let mut told: BTreeSet<usize> = BTreeSet::new();
        let rules: Vec<Option<&Line>> = self.config.sections.iter().map(first_rule).collect();
        for section in &self.config.sections {
            self.head(section);
            if section.name.text.is_empty() || has_hole(&section.name.text) {
                continue;
            }
            for kind in claims(section) {
                match names.get(&(kind, &*section.name.text)) {
                    None => {
                        names.insert((kind, &*section.name.text), section);
                    }
                    Some(other) => self.twice(section, other),
                }
            }
            let rule = section.defaults.and_then(|at| Some((at, rules.get(at).copied().flatten()?)));
            if let Some((at, rule)) = rule.filter(|(at, _)| !told.contains(at))
                && self.takes_rules(section, at, rule, &mut serves)
            {
                told.insert(at);
            }
        }
    }

    fn head(&mut self, section: &Section) {
        let keyword = section.head.keyword();
        match section.kind {
            SectionKind::Frontend | SectionKind::Backend | SectionKind::Listen => {
                let name = &section.name;
                if name.text.is_empty() {
                    self.refuse(first(&section.head), format!("this `{keyword}` has no name"), format!("write a name after it; {REFUSES}"));
                } else if let Some(odd) = odd_character(&name.text) {
                    let help = format!("use letters, digits, `-`, `_`, `.` and `:`; {REFUSES}");
                    self.refuse(&name.span, format!("`{odd}` may not stand in the name of a section: `{}`", name.text), help);
                }
            }
            SectionKind::Global => {
                if let Some(word) = section.head.arg(0) {
                    self.refuse(&word.span, format!("`global` takes no name, and this is `{}`", word.text), format!("take it out; {REFUSES}"));
                }
            }
            SectionKind::Defaults | SectionKind::Other => {}
        }
        self.old_address(section);
        self.from(section);
    }

    /// The old way: the address stands behind the section's name. Which version is in use is not in the file.
    fn old_address(&mut self, section: &Section) {
        if let Some(word) = section.head.arg(1).filter(|word| is_frontend(section) && word.text.contains(':') && !has_hole(&word.text)) {
            let message = format!("HAProxy 2.1 and later refuse an address behind the name of a section: `{}`", word.text);
            self.warn(&word.span, message, format!("write `bind {}` on a line of its own", word.text));
        }
    }

    /// `from`: the defaults it names must stand above.
    fn from(&mut self, section: &Section) {
        let at = section.head.words.iter().position(|word| &*word.text == "from").filter(|at| *at >= 1);
        let Some(word) = at.and_then(|at| section.head.words.get(at + 1)) else { return };
        let other = matches!(section.kind, SectionKind::Global | SectionKind::Other);
        if self.is_full() || other || section.defaults.is_some() || has_hole(&word.text) {
            return;
        }
        let mut all = self.config.sections.iter().filter(|section| section.kind == SectionKind::Defaults);
        let below = all.clone().find(|defaults| defaults.name.text == word.text);
        if below.is_none() && all.any(|defaults| has_hole(&defaults.name.text)) {
            return;
        }
        let message = format!("there is no `defaults {}` above this section", word.text);
        self.dangling(&word.span, message, format!("name one that stands above, or take `from` out; {REFUSES}"));
        if let Some(below) = below {
            self.related(&word.span, &below.head.span, "it stands below");
        }
    }

    fn twice(&mut self, section: &Section, other: &Section) {
        let (keyword, name) = (section.head.keyword(), &section.name);
        let message = format!("`{keyword} {}` is there twice", name.text);
        self.refuse(&name.span, message, format!("rename one of them, or make them one section; {REFUSES}"));
        self.related(&name.span, &other.head.span, "the other one");
    }

    /// Rules in `defaults` serve sections of one kind only (HAProxy: `src/cfgparse-listen.c`, `proxy_ref_defaults`). Returns whether `section` is one too many.
    fn takes_rules<'s>(&mut self, section: &'s Section, at: usize, rule: &Line, serves: &mut BTreeMap<usize, &'s Section>) -> bool {
        let (keyword, name) = (section.head.keyword(), &section.name.text);
        let message = match section.kind {
            SectionKind::Listen => format!("`listen {name}` takes from a `defaults` with rules, which only serves frontends or backends"),
            SectionKind::Defaults => "this `defaults` takes from one with rules".to_owned(),
            SectionKind::Frontend | SectionKind::Backend => {
                let other = *serves.entry(at).or_insert(section);
                if other.kind == section.kind {
                    return false;
                }
                let (first, its) = (other.head.keyword(), &other.name.text);
                format!("`{keyword} {name}` takes from the `defaults` that `{first} {its}` takes from, and it has rules")
            }
            SectionKind::Global | SectionKind::Other => return false,
        };
        self.rules_refused(&section.head.span, message, first(rule));
        true
    }

    fn rules_refused(&mut self, span: &Span, message: String, rule: &Span) {
        self.refuse(span, message, format!("give each kind a `defaults` of its own, and name it with `from`; {REFUSES}"));
        self.related(span, rule, "a rule");
    }
}

/// Returns the kinds under which the name of `section` may be used once.
fn claims(section: &Section) -> Vec<&str> {
    let keyword = section.head.keyword();
    match section.kind {
        SectionKind::Other => ONE_OF_A_NAME.iter().copied().filter(|one| *one == keyword).collect(),
        SectionKind::Global | SectionKind::Defaults => Vec::new(),
        SectionKind::Frontend | SectionKind::Backend | SectionKind::Listen => {
            let both = [("frontend", is_frontend(section)), ("backend", is_backend(section))];
            both.into_iter().filter(|(_, is)| *is).map(|(kind, _)| kind).collect()
        }
    }
}

/// Returns the first rule of a `defaults` section that has a name; without one it may have none.
fn first_rule(section: &Section) -> Option<&Line> {
    let defaults = section.kind == SectionKind::Defaults && !section.name.text.is_empty();
    section.lines.iter().find(|line| defaults && is_rule(line))
}

/// Returns whether the line is a rule on requests, connections or answers.
fn is_rule(line: &Line) -> bool {
    matches!(line.keyword(), "http-request" | "http-response" | "http-after-response" | "tcp-request" | "tcp-response")
        && line.arg(0).is_some_and(|word| &*word.text != "inspect-delay")
}

/// Returns the first character that may not stand in a name (HAProxy: `src/tools.c`, `invalid_char`).
pub(super) fn odd_character(name: &str) -> Option<char> {
    let holed = has_hole(name);
    name.chars().find(|char| !holed && !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_' | '.' | ':'))
}
