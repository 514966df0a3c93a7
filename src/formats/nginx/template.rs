//! Templates of nginx's configuration: what of a file holds in every reading of it.

use super::lexer::{self, Kind};
use super::parser::{self, Parsed};
use super::syntax::{Directive, Word};
use crate::formats::source::{Part, Source, has_hole, parts};
use crate::formats::template::{Choice, Reader, Round, Template, Variables, agreed, language_of};
use crate::model::{Problem, ProblemKind};
use crate::span::{Span, TreePath};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the file as a template, if it is one. Code in `*_by_lua_block` is no sign of one.
pub(super) fn read(path: &TreePath, text: &Arc<str>, variables: &Variables<'_>) -> Option<Template> {
    let lua = memchr::memmem::find(text.as_bytes(), b"_by_lua_block").is_some();
    let tokens = if lua { lexer::tokens(text) } else { Vec::new() };
    let code: Vec<_> = tokens.into_iter().filter(|token| token.kind == Kind::Raw).map(|token| token.range).collect();
    let language = language_of(path, text, Reader::Nginx, &code)?;
    Some(Template::read(path, text, language, variables))
}

/// Returns the tree of one reading.
pub(super) fn parse(template: &Template, text: &str, choice: &Choice) -> (Source, Parsed) {
    let source = template.reading(choice);
    let tokens = lexer::tokens(&source.text);
    let mut parsed = parser::parse(&source, text, &tokens);
    if source.has_parts() {
        in_their_files(&source, &mut parsed);
    }
    names(&mut parsed.directives);
    (source, parsed)
}

/// Moves every place into the file it is in.
fn in_their_files(source: &Source, parsed: &mut Parsed) {
    for problem in &mut parsed.problems {
        problem.span = source.in_its_file(&problem.span);
        // What is put in may be text of an expression by then.
        problem.fix = None;
        problem.related.iter_mut().for_each(|related| related.span = source.in_its_file(&related.span));
    }
    move_all(source, &mut parsed.directives);
}

fn move_all(source: &Source, directives: &mut [Directive]) {
    for directive in directives {
        for word in std::iter::once(&mut directive.name).chain(&mut directive.args) {
            word.span = source.in_its_file(&word.span);
        }
        directive.head = source.in_its_file(&directive.head);
        directive.span = source.in_its_file(&directive.span);
        if let Some(inside) = directive.block.as_mut().and_then(Arc::get_mut) {
            move_all(source, inside);
        }
    }
}

/// Gives expressions in the place of a host or a path a name of their own, as if that were the text they stand for: what belongs to such a host can then be
/// told apart from what belongs to others, and a change there has a request to show.
fn names(directives: &mut [Directive]) {
    for directive in directives {
        if directive.has_hole() {
            match directive.name() {
                "server_name" => directive.args.iter_mut().for_each(|word| named(word, &|_, name| name.to_ascii_lowercase())),
                "location" => location(directive),
                _ => {}
            }
        }
        if let Some(block) = &mut directive.block
            && let Some(inside) = Arc::get_mut(block)
        {
            names(inside);
        }
    }
}

/// Puts `with(is it the word's beginning, the name)` in the place of each expression of `word`.
fn named(word: &mut Word, with: &dyn Fn(bool, &str) -> String) {
    let mut text = String::new();
    for part in parts(&word.text) {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Hole(words) => {
                let name = with(text.is_empty(), &format!("{{{}}}", plain(&words)));
                text.push_str(&name);
            }
        }
    }
    word.text = text.into();
}

fn location(directive: &mut Directive) {
    // A modifier that is an expression may be any: the path alone is taken.
    if directive.args.len() == 2 && directive.args.first().is_some_and(|word| has_hole(&word.text)) {
        directive.args.remove(0);
    }
    let modifier = directive.args.first().map(|word| word.text.to_string()).unwrap_or_default();
    let is_regex = modifier.starts_with('~');
    for word in &mut directive.args {
        named(word, &|first, name| match (is_regex, first) {
            (true, _) => name.replace('{', "\\{").replace('}', "\\}"),
            (false, true) => format!("/{name}"),
            (false, false) => name.to_owned(),
        });
    }
}

/// Returns the words of an expression as they may stand in a URL: without the marks around them, one `_` for what may not.
fn plain(words: &str) -> String {
    let inner = words.trim_matches(|c: char| matches!(c, '{' | '}' | '<' | '>' | '%' | '=' | ' ' | '$' | '-' | '@'));
    let mut text = String::new();
    for c in inner.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') => text.push(c),
            _ if text.ends_with('_') || text.is_empty() => {}
            _ => text.push('_'),
        }
    }
    let text = text.trim_end_matches(['_', '.']);
    // Go's `{{ . }}`.
    if text.is_empty() { "value".to_owned() } else { text.to_owned() }
}

/// Returns what is wrong with the template, in its tags and in the text between them.
///
/// A problem of the text counts where every reading that has the line has the problem: what only one reading shows may never be rendered so.
pub(super) fn problems(template: &Template, text: &str) -> Vec<Problem> {
    let mut found = template.problems();
    if !template.is_whole() {
        return found;
    }
    let undecided = template.is_decided().then(Choice::undecided);
    let choices = std::iter::once(Choice::first()).chain(template.further()).chain(undecided);
    let readings = choices.map(|choice| {
        let (source, mut parsed) = parse(template, text, &choice);
        repeated(&template.rounds(), &parsed.directives, None, &mut parsed.problems);
        (parsed.problems, source)
    });
    let readings: Vec<(Vec<Problem>, Source)> = readings.collect();
    found.extend(agreed(&readings, Source::reads));
    found.sort_by_key(|problem| (problem.span.start, problem.span.end));
    found
}

/// Finds what each round of a loop makes again: `upstream` blocks, and locations of a server around the loop, whose names are the same in all rounds.
fn repeated(rounds: &[Round], directives: &[Directive], parent: Option<&Span>, problems: &mut Vec<Problem>) {
    if rounds.is_empty() {
        return;
    }
    for directive in directives {
        let at = directive.head.start;
        let inside = |round: &&Round| {
            let around = parent.is_some_and(|parent| round.inside.contains(&parent.start));
            round.inside.contains(&at)
                && !round.conditional.iter().any(|range| range.contains(&at))
                && (directive.name() == "upstream" || !around)
                && !directive.args.iter().any(|word| changes(round, word))
        };
        // Two regexes with one text are no error: the first one wins.
        let is_regex = directive.arg(0).is_some_and(|first| first.starts_with('~'));
        let named = matches!(directive.name(), "upstream" | "location") && !directive.args.is_empty() && directive.block.is_some() && !is_regex;
        if named && rounds.iter().any(|round| inside(&round)) {
            problems.push(Problem {
                kind: ProblemKind::Syntax,
                fatal: true,
                message: format!("`{}` is made again in each round of the loop around it", directive.label().text),
                help: Some("use the loop's name in it, or put it outside; nginx refuses the second one".to_owned()),
                span: directive.head.clone(),
                related: Vec::new(),
                fix: None,
            });
        }
        repeated(rounds, directive.inside(), Some(&directive.head), problems);
    }
}

/// Returns whether `word` differs from round to round.
fn changes(round: &Round, word: &Word) -> bool {
    let hole = parts(&word.text).into_iter().any(|part| matches!(part, Part::Hole(words) if round.changes(&words)));
    // Hosts and paths have names instead of holes by now: what was a field of Go's `.` cannot be told from others.
    let of_go = round.names_dot() && word.text.contains('{');
    hole || of_go || word.text.split(['{', '}']).skip(1).step_by(2).any(|name| round.changes(&name.replace('_', " ")) || round.changes(name))
}

/// The statements of one reading, listed by where they are written once that is asked for: mostly there is one reading, and nothing to ask.
#[derive(Debug)]
pub(super) struct Statements<'a> {
    directives: &'a [Directive],
    heads: OnceCell<BTreeMap<TreePath, BTreeMap<usize, usize>>>,
}

impl<'a> Statements<'a> {
    pub(super) fn of(directives: &'a [Directive]) -> Self {
        Self { directives, heads: OnceCell::new() }
    }

    fn heads(directives: &[Directive], found: &mut BTreeMap<TreePath, BTreeMap<usize, usize>>) {
        for directive in directives {
            found.entry(directive.head.path.clone()).or_default().insert(directive.head.start, directive.head.end);
            Self::heads(directive.inside(), found);
        }
    }

    /// Returns whether the reading has the statement that `span` is in.
    pub(super) fn has(&self, span: &Span) -> bool {
        let all = self.heads.get_or_init(|| {
            let mut found = BTreeMap::new();
            Self::heads(self.directives, &mut found);
            found
        });
        let Some(heads) = all.get(&span.path) else { return false };
        heads.range(..=span.start).next_back().is_some_and(|(_, end)| span.start < *end || span.start == span.end)
    }
}
