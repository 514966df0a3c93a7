//! What nginx refuses although every statement ends where it should: names, places, numbers of arguments.
//!
//! The order of the tests is nginx's (`src/core/ngx_conf_file.c`, `ngx_conf_handler`). Places follow includes: the tree has them expanded.

use super::directives::{self, Row, place};
use super::syntax::Directive;
use super::{Config, buffers, needed, patterns, values};
use crate::formats::source::{self, has_hole};
use crate::model::{Fix, Model, Problem, ProblemKind, Related, Unknown};
use crate::span::{Span, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// The most names nobody knows that are compared with those of the table.
const MAX_GUESSES: usize = 200;

/// Checks the configurations of one tree; a file included several times is blamed once.
#[derive(Clone, Default)]
pub(super) struct Check {
    blamed: BTreeSet<Span>,
    guessed: usize,
}

/// A block on the way down.
#[derive(Clone, Copy)]
struct Inside<'a> {
    place: u16,
    by: Option<&'a Directive>,
}

/// One configuration while it is checked.
struct Walk<'a> {
    check: &'a mut Check,
    model: &'a mut Model,
    /// Where each file has problems already: by start.
    known: BTreeMap<TreePath, BTreeSet<usize>>,
    /// Names reported as unknown.
    unknown: BTreeSet<String>,
}

impl Check {
    /// Adds to `model` what nginx would refuse in the configuration `config`. `assumed` when its outer blocks were not written by anybody, so that a
    /// statement in one of them may belong elsewhere.
    pub(super) fn check(&mut self, config: &Config, assumed: bool, model: &mut Model) {
        let directives = &config.directives;
        let mut known: BTreeMap<TreePath, BTreeSet<usize>> = BTreeMap::new();
        for problem in &model.problems {
            known.entry(problem.span.path.clone()).or_default().insert(problem.span.start);
            for related in &problem.related {
                known.entry(related.span.path.clone()).or_default().insert(related.span.start);
            }
        }
        let mut walk = Walk { check: self, model, known, unknown: BTreeSet::new() };
        for http in directives.iter().filter(|directive| directive.name() == "http") {
            for (span, message) in buffers::wrong(http.inside()) {
                walk.buffers(span, message);
            }
            if config.whole {
                let lacking = needed::lacking(http.inside(), assumed);
                walk.model.problems.extend(lacking.into_iter().filter(|problem| walk.check.blamed.insert(problem.span.clone())));
            }
        }
        for directive in directives {
            if !assumed {
                walk.statement(directive, Inside { place: place::MAIN, by: None });
            }
            if assumed && let Some(block) = &directive.block {
                let inside = Inside { place: place_of(directive, place::MAIN), by: None };
                // What stands there at all was decided by us: only a block's inside is known for sure.
                block.iter().filter(|part| part.block.is_some()).for_each(|part| walk.statement(part, inside));
            }
        }
    }
}

/// Returns the place inside the block of `directive`, which stands at `outer`; 0 where the block's own rules hold or nobody knows them.
fn place_of(directive: &Directive, outer: u16) -> u16 {
    match (directive.name(), outer) {
        ("events", place::MAIN) => place::EVENTS,
        ("http", place::MAIN) => place::HTTP,
        ("stream", place::MAIN) => place::STREAM,
        ("mail", place::MAIN) => place::MAIL,
        ("server", place::HTTP) => place::SERVER,
        ("server", place::STREAM) => place::STREAM_SERVER,
        ("server", place::MAIL) => place::MAIL_SERVER,
        ("upstream", place::HTTP) => place::UPSTREAM,
        ("upstream", place::STREAM) => place::STREAM_UPSTREAM,
        ("location", place::SERVER | place::LOCATION) => place::LOCATION,
        ("if", place::SERVER) => place::SERVER_IF,
        ("if", place::LOCATION) => place::LOCATION_IF,
        ("limit_except", place::LOCATION) => place::LIMIT_EXCEPT,
        _ => 0,
    }
}

impl Walk<'_> {
    fn statement(&mut self, directive: &Directive, inside: Inside<'_>) {
        if inside.place == 0 {
            return;
        }
        let fine = self.is_known(directive) || self.one(directive, inside);
        let Some(block) = directive.block.as_ref().filter(|_| fine) else { return };
        if directive.name() == "map" {
            self.keys(block, inside);
        }
        let inner = Inside { place: place_of(directive, inside.place), by: Some(directive) };
        if inner.place == 0 {
            return;
        }
        block.iter().for_each(|child| self.statement(child, inner));
        // A block may be there twice: a server may have thousands of locations.
        let mut lines: Vec<&Directive> = block.iter().filter(|child| child.block.is_none()).collect();
        lines.sort_by_key(|line| setting(line));
        for alike in lines.chunk_by(|a, b| setting(a) == setting(b)) {
            let Some((first, others)) = alike.split_first() else { continue };
            for other in others {
                self.duplicate(other, first, inner);
            }
        }
    }

    /// The keys of a `map` that are patterns.
    fn keys(&mut self, entries: &[Directive], inside: Inside<'_>) {
        for entry in entries.iter().filter(|entry| !has_hole(entry.name())) {
            if let Some((message, help)) = patterns::broken_key(entry.name()) {
                self.problem(entry, message, format!("{help}; nginx refuses the whole configuration until then"), inside);
            }
        }
    }

    /// Most settings may stand only once in a block ("directive is duplicate", `ngx_conf_set_*_slot`).
    fn duplicate(&mut self, directive: &Directive, first: &Directive, inside: Inside<'_>) {
        let name = directive.name();
        let single = values::is_single(name) || directives::rows(name).iter().any(|row| row.is_flag() && row.stands_in(inside.place));
        // Of a template, both may stand in branches of which only one is taken; and a snippet that nginx brings may be read twice on purpose.
        if !single || directive.has_hole() || first.has_hole() || inside.place & (place::MAIL | place::MAIL_SERVER) != 0 {
            return;
        }
        if self.check.blamed.insert(directive.head.clone()) {
            self.model.problems.push(Problem {
                kind: ProblemKind::Syntax,
                fatal: true,
                message: format!("`{name}` is there twice in this block"),
                help: Some("remove one of the two; nginx refuses the whole configuration until then".to_owned()),
                span: directive.name.span.clone(),
                related: vec![Related { span: first.head.clone(), text: "the first one".to_owned() }],
                fix: None,
            });
        }
    }

    /// Returns whether `directive` is part of a problem already.
    fn is_known(&self, directive: &Directive) -> bool {
        let starts = self.known.get(&directive.head.path);
        starts.is_some_and(|starts| starts.range(directive.head.start..directive.head.end.max(directive.head.start + 1)).next().is_some())
    }

    /// Checks `directive` alone. Returns whether its block is worth reading.
    fn one(&mut self, directive: &Directive, inside: Inside<'_>) -> bool {
        let name = directive.name();
        if has_hole(name) {
            return true;
        }
        let rows = directives::rows(name);
        if rows.is_empty() {
            self.no_such_name(directive, inside);
            return true;
        }
        let here: Vec<&Row> = rows.iter().filter(|row| row.stands_in(inside.place)).collect();
        let Some(first) = here.first() else {
            self.not_here(directive, rows, inside);
            return false;
        };
        if !here.iter().any(|row| row.has_block() == directive.block.is_some()) {
            let (message, help) = if first.has_block() {
                (format!("`{name}` needs a block and has none"), "give it a `{ … }`; nginx refuses it with `;`".to_owned())
            } else {
                (format!("`{name}` takes no block"), "end it with `;`; nginx refuses it with `{`".to_owned())
            };
            self.problem(directive, message, help, inside);
            return first.has_block();
        }
        if !here.iter().any(|row| takes(row, directive)) {
            let message = format!("`{name}` takes {}, and this has {}", first.arguments(), count(directive.args.len()));
            let help = match directive.args.len() {
                0 => "add what is missing; nginx refuses the whole configuration until then".to_owned(),
                _ => "a `;` may be missing, or quotes around a text with blanks; nginx refuses the whole configuration until then".to_owned(),
            };
            self.problem(directive, message, help, inside);
        } else if first.is_flag() && !directive.has_hole() && !is_switch(directive) {
            let message = format!("`{name}` is `on` or `off`, and this is `{}`", directive.arg(0).unwrap_or_default());
            self.problem(directive, message, "write `on` or `off`; nginx refuses the whole configuration until then".to_owned(), inside);
        }
        if let Some((message, help)) = values::wrong(directive, inside.place) {
            let help = format!("{help}; nginx refuses the whole configuration until then");
            self.problem(directive, message, help, inside);
        }
        if name == "if" && !directive.has_hole() && !is_in_parentheses(directive) {
            let help = "write `if (…) {`; nginx refuses the whole configuration until then".to_owned();
            self.problem(directive, "the condition of `if` does not stand in parentheses".to_owned(), help, inside);
        }
        true
    }

    fn not_here(&mut self, directive: &Directive, rows: &[Row], inside: Inside<'_>) {
        let name = directive.name();
        let here = place::NAMES.iter().find(|(place, _)| *place == inside.place).map_or("this place", |(_, name)| *name);
        let places: Vec<String> = rows.iter().map(Row::places).collect();
        let help = format!("`{name}` may stand in {}", places.join(", or in "));
        self.problem(directive, format!("`{name}` may not stand in {here}"), help, inside);
    }

    fn no_such_name(&mut self, directive: &Directive, inside: Inside<'_>) {
        let name = directive.name();
        if directives::find(name).is_some() || !self.unknown.insert(name.to_owned()) {
            return;
        }
        self.check.guessed += 1;
        let meant = if self.check.guessed <= MAX_GUESSES { directives::meant(name, inside.place) } else { None };
        let fits = |meant: &&str| directives::fits(meant, directive.args.len(), directive.block.is_some()) == Some(true);
        match meant.filter(fits) {
            Some(meant) => {
                let help = format!("did you mean `{meant}`? nginx refuses a name it does not know");
                self.problem(directive, format!("there is no directive `{name}`"), help, inside);
                if let Some(problem) = self.model.problems.last_mut().filter(|problem| problem.span == directive.name.span) {
                    problem.fix = Some(Fix::replace(&directive.name.span, name, meant));
                }
            }
            None if self.check.blamed.insert(directive.head.clone()) => {
                let reason = format!("unknown directive `{name}`");
                self.model.unknown.push(Unknown { span: directive.name.span.clone(), reason });
            }
            None => {}
        }
    }

    fn buffers(&mut self, span: Span, message: String) {
        if self.check.blamed.insert(span.clone()) {
            let help = "raise the number or size of the buffers with it; nginx refuses the whole configuration until then".to_owned();
            self.model.problems.push(Problem {
                kind: ProblemKind::Syntax,
                fatal: true,
                message,
                help: Some(help),
                span,
                related: Vec::new(),
                fix: None,
            });
        }
    }

    /// Reports `directive` once. Where it is included into another file's block, that block is named.
    fn problem(&mut self, directive: &Directive, message: String, help: String, inside: Inside<'_>) {
        if !self.check.blamed.insert(directive.head.clone()) {
            return;
        }
        let outer = inside.by.filter(|outer| outer.head.path != directive.head.path);
        let related = outer.map(|outer| Related { span: outer.head.clone(), text: "the file is included into this block".to_owned() });
        self.model.problems.push(Problem {
            kind: ProblemKind::Syntax,
            fatal: true,
            message,
            help: Some(help),
            span: directive.name.span.clone(),
            related: related.into_iter().collect(),
            fix: None,
        });
    }
}

/// Returns the name of what `line` sets: `alias` and `root` both say where files are.
fn setting(line: &Directive) -> &str {
    if line.name() == "alias" { "root" } else { line.name() }
}

/// Returns whether the argument is what nginx takes for a flag (`ngx_conf_set_flag_slot`): any case.
fn is_switch(directive: &Directive) -> bool {
    directive.arg(0).is_some_and(|value| value.eq_ignore_ascii_case("on") || value.eq_ignore_ascii_case("off"))
}

/// Returns whether the condition begins with `(` and ends with `)` (`src/http/modules/ngx_http_rewrite_module.c`, `ngx_http_rewrite_if_condition`).
fn is_in_parentheses(directive: &Directive) -> bool {
    let first = directive.args.first().is_some_and(|word| word.text.starts_with('('));
    first && directive.args.last().is_some_and(|word| word.text.ends_with(')'))
}

/// Returns whether `row` takes the arguments: a template expression among them may be none or several.
fn takes(row: &Row, directive: &Directive) -> bool {
    if !directive.has_hole() {
        return row.takes(directive.args.len());
    }
    let least = directive.args.iter().filter(|word| source::parts(&word.text).iter().any(|part| matches!(part, source::Part::Literal(_)))).count();
    (least..12).any(|count| row.takes(count))
}

fn count(arguments: usize) -> String {
    match arguments {
        0 => "none".to_owned(),
        count => count.to_string(),
    }
}
