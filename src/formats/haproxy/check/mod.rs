//! What HAProxy refuses although every line can be read: names, places, numbers, and references to nothing.
//!
//! Each test was seen on HAProxy 2.6.12; `tests/it/haproxy_syntax/` holds them against the program, in both directions. Where a word holds a hole, nothing
//! is said of it. A word that no table has is refused only where it is one slip from one that fits: later versions know more words than ours.

mod condition;
mod line;
mod neighbour;
mod number;
mod reference;
mod rule;
mod section;
mod server;
mod track;

use super::keywords::{self, List, State};
use super::syntax::{Config, Line, Section, SectionKind, Word};
use crate::formats::source::{has_hole, shown};
use crate::model::{Fix, Model, Problem, ProblemKind, Related, Unknown};
use crate::span::Span;
use std::collections::BTreeSet;

/// The most problems of one configuration that are told.
const MAX_PROBLEMS: usize = 1000;

/// The most unknown names that are compared with all that there are.
const MAX_GUESSES: usize = 1000;

/// The longest chain of `defaults` that take from each other.
const MAX_INHERITED: usize = 32;

const REFUSES: &str = "HAProxy refuses the whole configuration until then";

/// Adds to `model` what HAProxy would refuse in `config`, and what it reads otherwise than it is meant. `stray` are lines before any section.
pub(super) fn check(config: &Config, stray: &[Line], model: &mut Model) {
    let mut check = Check { config, modes: modes(&config.sections), problems: Vec::new(), blamed: BTreeSet::new(), guessed: 0 };
    for line in stray {
        let help = format!("put it into a section, such as `global` or `defaults`; {REFUSES}");
        check.refuse(first(line), format!("`{}` stands before any section", shown(line.keyword())), help);
    }
    check.sections();
    for (index, section) in config.sections.iter().enumerate() {
        let mode = check.modes.get(index).copied().flatten();
        check.lines(section, mode);
    }
    check.references();
    check.tracks();
    check.problems.sort_by(|a, b| a.span.cmp(&b.span));
    model.problems.append(&mut check.problems);
    unread(config, model);
}

/// Filters that change bodies or logs, and neither where a request goes nor whether it is served.
const HARMLESS_FILTERS: &[&str] = &["compression", "comp-req", "comp-res", "trace", "cache", "bwlim-in", "bwlim-out", "opentracing"];

/// Says which keywords can matter and are not read, once each.
fn unread(config: &Config, model: &mut Model) {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let sections = config.sections.iter().filter(|section| !matches!(section.kind, SectionKind::Global | SectionKind::Other));
    for line in sections.flat_map(|section| &section.lines) {
        let keyword = line.keyword();
        let harmless = keyword == "filter" && line.arg(0).is_some_and(|word| HARMLESS_FILTERS.contains(&&*word.text));
        let reason = match keywords::find(keyword) {
            Some(State::Opaque) if !harmless => format!("`{keyword}` is not read: it may change where a request goes or whether it is served"),
            Some(State::External) => format!("`{keyword}` takes the state of servers from a file of the machine"),
            Some(_) | None => continue,
        };
        if told.insert(keyword) {
            model.unknown.push(Unknown { span: line.span.clone(), reason });
        }
    }
}

/// One configuration while it is checked.
struct Check<'a> {
    config: &'a Config,
    /// What each section speaks, by its index.
    modes: Vec<Option<&'a str>>,
    problems: Vec<Problem>,
    /// Where something was said already: a word is blamed once.
    blamed: BTreeSet<Span>,
    guessed: usize,
}

impl<'a> Check<'a> {
    /// HAProxy refuses this.
    fn refuse(&mut self, at: &Span, message: String, help: String) {
        self.report((ProblemKind::Syntax, true), at, message, help);
    }

    /// HAProxy goes on, and does something else than it seems.
    fn warn(&mut self, at: &Span, message: String, help: String) {
        self.report((ProblemKind::Syntax, false), at, message, help);
    }

    /// It names something that is not there. Where a file of the configuration is not here, it may be in that one: nothing is said.
    fn dangling(&mut self, at: &Span, message: String, help: String) {
        if self.config.complete {
            self.report((ProblemKind::DanglingReference, true), at, message, help);
        }
    }

    fn report(&mut self, (kind, fatal): (ProblemKind, bool), at: &Span, message: String, help: String) {
        if self.problems.len() < MAX_PROBLEMS && self.blamed.insert(at.clone()) {
            self.problems.push(Problem { kind, fatal, message, help: Some(help), span: at.clone(), related: Vec::new(), fix: None });
        }
    }

    /// Adds to the problem told last that `word` should be `meant`.
    fn meant(&mut self, word: &Word, meant: &str) {
        if let Some(problem) = self.problems.last_mut().filter(|problem| problem.span == word.span) {
            problem.fix = Some(Fix::replace(&word.span, &word.text, meant));
        }
    }

    /// Adds a further place to the problem told last.
    fn related(&mut self, at: &Span, span: &Span, text: &str) {
        if let Some(problem) = self.problems.last_mut().filter(|problem| problem.span == *at && problem.related.is_empty()) {
            problem.related.push(Related { span: span.clone(), text: text.to_owned() });
        }
    }

    /// Reports `word`, which is none of `list`; `what` says what it should be (`an option of a server`).
    fn no_such_word(&mut self, word: &Word, list: List, what: &str) {
        if let Some(meant) = self.near(&word.text, keywords::list(list)) {
            let help = format!("did you mean `{meant}`? HAProxy refuses a word it does not know");
            self.refuse(&word.span, format!("there is no {what} `{}`", word.text), help);
            self.meant(word, meant);
        } else {
            let help = "correct it, or take it out; HAProxy refuses a word it does not know".to_owned();
            self.warn(&word.span, format!("`{}` is no {what} that HAProxy is known to have", word.text), help);
        }
    }

    /// Returns the sections that `section` takes from, nearest first.
    fn inherited(&self, section: &'a Section) -> Vec<&'a Section> {
        let parent = |section: &Section| section.defaults.and_then(|at| self.config.sections.get(at));
        std::iter::successors(parent(section), |defaults| parent(defaults)).take(MAX_INHERITED).collect()
    }

    /// Returns the one of `known` that `name` is one slip away from. After many questions there is no answer any more.
    fn near<'k>(&mut self, name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        self.guessed += 1;
        if self.guessed <= MAX_GUESSES { keywords::nearest(name, known) } else { None }
    }

    /// Returns whether enough was told.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }
}

/// Returns what each section speaks (`http`, `tcp`), by its index; `None` where it cannot be read.
fn modes(sections: &[Section]) -> Vec<Option<&str>> {
    let mut modes: Vec<Option<&str>> = Vec::with_capacity(sections.len());
    for section in sections {
        let own = section.lines.iter().rev().find(|line| line.keyword() == "mode").and_then(|line| line.arg(0));
        modes.push(match (own, section.defaults) {
            (Some(word), _) => Some(&*word.text).filter(|text| !has_hole(text)),
            (None, Some(defaults)) => modes.get(defaults).copied().flatten(),
            (None, None) => Some("tcp"),
        });
    }
    modes
}

/// Returns the place of the keyword.
fn first(line: &Line) -> &Span {
    line.words.first().map_or(&line.span, |word| &word.span)
}

/// Returns the text of argument `index` where it is one that can be read.
fn literal(line: &Line, index: usize) -> Option<&str> {
    line.arg(index).map(|word| &*word.text).filter(|text| !has_hole(text))
}

/// Returns whether any word of the line cannot be read.
fn is_holed(line: &Line) -> bool {
    line.words.iter().any(|word| has_hole(&word.text))
}

/// Returns whether requests come in here.
fn is_frontend(section: &Section) -> bool {
    matches!(section.kind, SectionKind::Frontend | SectionKind::Listen)
}

/// Returns whether it has servers.
fn is_backend(section: &Section) -> bool {
    matches!(section.kind, SectionKind::Backend | SectionKind::Listen)
}
