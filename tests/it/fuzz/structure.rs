//! Changes that keep a file well formed: a statement more, one less, two of them swapped, one put in another's place.
//!
//! Damaged text seldom gets past the readers. What is changed here stays a configuration, so that lowering, checks and comparison see it.

use super::random::Random;
use std::fmt::Write;

/// A file as statements.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    lines: bool,
    all: Vec<Statement>,
}

/// A directive, a rule, a block or a section.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// Without what ends it.
    text: String,
    body: Option<Vec<Self>>,
}

/// The words that begin a section of HAProxy.
const SECTIONS: &[&str] = &["global", "defaults", "frontend", "backend", "listen", "resolvers", "userlist", "peers", "mailers", "cache", "program"];

impl Statements {
    /// Takes an nginx file apart, as far as its braces go.
    pub(crate) fn nginx(text: &str) -> Self {
        let mut chars = text.chars().peekable();
        Self { lines: false, all: block(&mut chars, 0) }
    }

    /// Takes a HAProxy file apart.
    pub(crate) fn haproxy(text: &str) -> Self {
        let mut all: Vec<Statement> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let first = line.split_whitespace().next().unwrap_or_default();
            match all.last_mut() {
                Some(section) if !SECTIONS.contains(&first) => {
                    section.body.get_or_insert_default().push(Statement { text: line.to_owned(), body: None });
                }
                _ => all.push(Statement { text: line.to_owned(), body: Some(Vec::new()) }),
            }
        }
        Self { lines: true, all }
    }

    /// Returns the file as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.all.iter().for_each(|statement| statement.write(&mut text, 0, self.lines));
        text
    }

    /// Returns this with one change; what comes in may be from `other`.
    pub(crate) fn altered(&self, random: &mut Random, other: &Self) -> Self {
        let mut new = self.clone();
        let depth = if self.lines { 2 } else { 2 + random.below(4) };
        let mut donors = Vec::new();
        collect(&other.all, &mut donors);
        change(random, &mut new.all, depth, &donors);
        new
    }

    /// Lets `look` see every list of statements that stand side by side, with the statement they are in.
    pub(crate) fn each_block(&mut self, look: &mut impl FnMut(Option<&str>, &mut Vec<Statement>)) {
        fn inside(text: Option<&str>, all: &mut Vec<Statement>, look: &mut impl FnMut(Option<&str>, &mut Vec<Statement>)) {
            look(text, all);
            for Statement { text, body } in all {
                if let Some(body) = body {
                    inside(Some(text.as_str()), body, look);
                }
            }
        }
        inside(None, &mut self.all, look);
    }
}

impl Statement {
    /// Returns the text before the block or the end.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the first word.
    pub(crate) fn name(&self) -> &str {
        self.text.split_whitespace().next().unwrap_or_default()
    }

    /// Makes a statement without a block.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), body: None }
    }

    /// Returns the statement as text, as it stands at the outermost level.
    pub(crate) fn written(&self, lines: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, lines);
        text
    }

    fn write(&self, out: &mut String, depth: usize, lines: bool) {
        let indent = "  ".repeat(depth);
        match &self.body {
            None if lines => writeln!(out, "{indent}{}", self.text).unwrap(),
            None => writeln!(out, "{indent}{};", self.text).unwrap(),
            Some(body) => {
                writeln!(out, "{indent}{}{}", self.text, if lines { "" } else { " {" }).unwrap();
                for inner in body {
                    inner.write(out, depth + 1, lines);
                }
                if !lines {
                    writeln!(out, "{indent}}}").unwrap();
                }
            }
        }
    }
}

/// Returns the statements up to the brace that closes them.
fn block(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, depth: usize) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut text = String::new();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                text.push(c);
                text.extend(chars.next());
                continue;
            }
            (_, Some(open)) => {
                quote = (c != open).then_some(open);
                text.push(c);
                continue;
            }
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) if text.is_empty() || text.ends_with(char::is_whitespace) => {
                chars.by_ref().find(|c| *c == '\n');
                continue;
            }
            // `${name}` is no block.
            ('{', None) if text.ends_with('$') => {
                text.push(c);
                text.extend(chars.by_ref().take_while(|c| *c != '}'));
                text.push('}');
                continue;
            }
            ('{', None) if depth < 60 => {
                let body = block(chars, depth + 1);
                all.push(Statement { text: text.trim().to_owned(), body: Some(body) });
                text.clear();
                continue;
            }
            ('}', None) => break,
            (';', None) => {
                all.push(Statement::plain(text.trim()));
                text.clear();
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    if !text.trim().is_empty() {
        all.push(Statement::plain(text.trim()));
    }
    all
}

fn collect<'s>(all: &'s [Statement], into: &mut Vec<&'s Statement>) {
    for statement in all {
        into.push(statement);
        collect(statement.body.as_deref().unwrap_or_default(), into);
    }
}

/// Goes down to a block and changes it.
fn change(random: &mut Random, all: &mut Vec<Statement>, depth: usize, donors: &[&Statement]) {
    let blocks: Vec<usize> = (0..all.len()).filter(|at| all[*at].body.as_ref().is_some_and(|body| !body.is_empty())).collect();
    if depth > 1 && !blocks.is_empty() {
        let at = *random.pick(&blocks);
        if let Some(body) = &mut all[at].body {
            return change(random, body, depth - 1, donors);
        }
    }
    if all.is_empty() || donors.is_empty() {
        return;
    }
    let (at, to) = (random.below(all.len()), random.below(all.len()));
    let wanted = all[at].name().to_owned();
    let alike: Vec<&&Statement> = donors.iter().filter(|donor| donor.name() == wanted).collect();
    let donor = if alike.is_empty() { *random.pick(donors) } else { *random.pick(&alike) };
    match random.below(5) {
        0 if all.len() > 1 => {
            all.remove(at);
        }
        1 => all.swap(at, to),
        2 => all.insert(to, (*donor).clone()),
        _ => all[at] = (*donor).clone(),
    }
}
