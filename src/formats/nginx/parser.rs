//! Tokens -> (tree, problems). Recovers at the end of the statement, so that one slip costs one statement.
//!
//! nginx stops at the first thing it cannot read, often lines after the slip. Here the layout helps to find the slip: a block that the file
//! never closes is the one whose indentation does not fit, and a statement runs on if a line inside it begins with a directive's name.

use super::directives;
use super::lexer::{self, Kind, Token};
use super::syntax::{Directive, Word};
use crate::formats::source;
use crate::model::{Fix, Problem, ProblemKind, Related};
use crate::span::{LineIndex, Span};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The deepest nesting that is read. Real files stay below 10.
const MAX_DEPTH: usize = 64;

/// The most slips of layout that are repaired in one file; each costs a pass.
const MAX_REPAIRS: usize = 16;

/// Directives that take any words: one that swallowed the next statement is not refused.
const TAKES_ANYTHING: &[&str] = &["server_name", "index", "try_files", "gzip_types", "sub_filter_types", "valid_referers", "log_format"];

/// A file's tree and what is wrong with it. Includes are not expanded.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    /// The statements, in file order.
    pub(super) directives: Vec<Directive>,
    /// In file order, one for each cause.
    pub(super) problems: Vec<Problem>,
}

/// Reads `reading`, which has these `tokens`; `file` is the text of its file.
pub(super) fn parse(reading: &source::Source, file: &str, tokens: &[Token]) -> Parsed {
    let source = Source { reading, file, tokens, lines: OnceCell::new() };
    let mut repairs = BTreeMap::new();
    let mut found = Vec::new();
    loop {
        let mut pass = Pass::new(&source, &repairs);
        // INVARIANT: every repair that is not made yet adds to `found`, so that the passes come to an end.
        let suspect = pass.run(found.len() >= MAX_REPAIRS);
        let Some(suspect) = suspect else {
            let mut problems = pass.problems;
            problems.append(&mut found);
            problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
            return Parsed { directives: pass.done, problems };
        };
        found.push(suspect.problem);
        let closes = match (repairs.get(&suspect.token), suspect.repair) {
            (Some(Repair::CloseBefore(count)), Repair::CloseBefore(more)) => Repair::CloseBefore(count + more),
            (_, repair) => repair,
        };
        repairs.insert(suspect.token, closes);
    }
}

/// One file while it is read. Tokens are places in the reading, spans are places in the file; layout is the file's.
pub(super) struct Source<'a> {
    reading: &'a source::Source,
    file: &'a str,
    pub(super) tokens: &'a [Token],
    /// Made for the first problem.
    lines: OnceCell<LineIndex>,
}

impl Source<'_> {
    /// Returns the span of these bytes of the file.
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.reading.path.clone(), start, end.max(start))
    }

    pub(super) fn token_span(&self, token: &Token) -> Span {
        self.reading.joined_span(token.range.clone())
    }

    /// Returns where in the file the token begins.
    pub(super) fn place(&self, token: &Token) -> usize {
        self.reading.place(token.range.start)
    }

    fn written(&self, token: &Token) -> &str {
        self.reading.text.get(token.range.clone()).unwrap_or_default()
    }

    /// Returns how far the line of byte `offset` of the file is indented, if nothing but blanks stands before `offset`. A tab counts as one.
    pub(super) fn indentation(&self, offset: usize) -> Option<usize> {
        let before = self.file.as_bytes().get(..offset)?;
        let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line = before.get(..offset - blanks)?;
        let line = line.strip_suffix("\u{feff}".as_bytes()).unwrap_or(line);
        (line.is_empty() || line.ends_with(b"\n")).then_some(offset - line.len())
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.get_or_init(|| LineIndex::new(self.file)).line(offset)
    }

    /// Returns whether the token is an expression of a template with nothing behind it on its line: it may be any number of statements.
    fn is_statements(&self, token: &Token) -> bool {
        let all = source::parts(self.written(token)).iter().all(|part| matches!(part, source::Part::Hole(_)));
        let rest = self.reading.text.get(token.range.end..).unwrap_or_default();
        all && rest.lines().next().is_none_or(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    }
}

pub(super) fn problem(span: Span, message: String) -> Problem {
    Problem { kind: ProblemKind::Syntax, fatal: true, message, help: None, span, related: Vec::new(), fix: None }
}

/// What a pass does differently at a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Close so many blocks before it, innermost first.
    CloseBefore(usize),
    /// Leave it out.
    Skip,
}

/// A place where the layout contradicts the braces.
pub(super) struct Suspect {
    pub(super) token: usize,
    pub(super) repair: Repair,
    pub(super) problem: Problem,
}

/// A block that is open.
pub(super) struct Frame {
    /// Its statement so far; `None` for a `{` without one, whose content counts as its parent's.
    pub(super) statement: Option<Directive>,
    /// Where the head starts, for indentation.
    pub(super) indentation: Option<usize>,
    pub(super) head: Span,
    pub(super) children: Vec<Directive>,
    /// The first statement in it that stands where the block itself begins, behind others that stand further right: a block of the same kind, perhaps beside it.
    pub(super) beside: Option<usize>,
}

/// The texts of words met lately, so that the thousandth `proxy_pass` is the first one again. A cache of fixed size: no input makes it slow.
struct Texts(Vec<Arc<str>>);

impl Default for Texts {
    fn default() -> Self {
        Self(vec![Arc::from(""); 4096])
    }
}

impl Texts {
    fn shared(&mut self, text: &str) -> Arc<str> {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let place = usize::try_from(hash >> 52).unwrap_or(0);
        match self.0.get_mut(place) {
            Some(known) if **known == *text => Arc::clone(known),
            Some(known) => {
                *known = Arc::from(text);
                Arc::clone(known)
            }
            None => Arc::from(text),
        }
    }
}

/// One walk over the tokens.
pub(super) struct Pass<'a> {
    pub(super) source: &'a Source<'a>,
    repairs: &'a BTreeMap<usize, Repair>,
    pub(super) frames: Vec<Frame>,
    /// Blocks inside the deepest one that is read.
    beyond: usize,
    words: Vec<Word>,
    texts: Texts,
    done: Vec<Directive>,
    pub(super) problems: Vec<Problem>,
    /// The first place that looks like a `}` is missing, and the first that looks like one too many.
    pub(super) missing: Option<Suspect>,
    pub(super) surplus: Option<Suspect>,
    /// The statement that the file ends in, inside a block.
    pub(super) cut: Option<Span>,
}

impl<'a> Pass<'a> {
    fn new(source: &'a Source<'a>, repairs: &'a BTreeMap<usize, Repair>) -> Self {
        Self {
            source,
            repairs,
            frames: Vec::new(),
            beyond: 0,
            words: Vec::new(),
            texts: Texts::default(),
            done: Vec::new(),
            problems: Vec::new(),
            missing: None,
            surplus: None,
            cut: None,
        }
    }

    /// Walks over the file. Returns a place to repair if braces do not balance and the layout says where, unless this is the `last` pass.
    fn run(&mut self, last: bool) -> Option<Suspect> {
        for (index, token) in self.source.tokens.iter().enumerate() {
            if self.beyond > 0 {
                self.skip(token);
                continue;
            }
            match self.repairs.get(&index) {
                Some(Repair::Skip) => continue,
                Some(Repair::CloseBefore(count)) => (0..*count).for_each(|_| self.close(self.source.place(token))),
                None => {}
            }
            match token.kind {
                Kind::Comment => self.glued(token),
                Kind::Blank | Kind::Raw => {}
                Kind::Word | Kind::Quoted | Kind::Unclosed => self.word(index, token),
                Kind::Semicolon => self.semicolon(token),
                Kind::Open => self.open(index, token),
                Kind::Close if self.frames.is_empty() => {
                    self.end_statement(token);
                    if !last && let Some(suspect) = self.surplus.take() {
                        return Some(suspect);
                    }
                    self.unexpected_close(token);
                }
                Kind::Close => {
                    self.end_statement(token);
                    self.suspect_close(index, token);
                    self.close(self.source.token_span(token).end);
                }
            }
        }
        self.finish(last)
    }

    fn finish(&mut self, last: bool) -> Option<Suspect> {
        if !last
            && !self.frames.is_empty()
            && let Some(suspect) = self.missing.take()
        {
            return Some(suspect);
        }
        let end = self.source.reading.text.len();
        self.end_statement(&Token { kind: Kind::Close, range: end..end });
        self.unclosed_blocks();
        while !self.frames.is_empty() {
            self.close(self.source.file.len());
        }
        None
    }

    /// Passes over what is nested too deep.
    fn skip(&mut self, token: &Token) {
        match token.kind {
            Kind::Open => self.beyond += 1,
            Kind::Close => self.beyond -= 1,
            Kind::Blank | Kind::Comment | Kind::Word | Kind::Quoted | Kind::Unclosed | Kind::Semicolon | Kind::Raw => {}
        }
    }

    fn word(&mut self, index: usize, token: &Token) {
        let written = self.source.written(token);
        if self.words.is_empty() {
            self.suspect_statement(index, token, written);
        }
        let span = self.source.token_span(token);
        match token.kind {
            Kind::Unclosed => self.unclosed_quote(&span),
            _ => self.glued(token),
        }
        let text = match token.kind {
            Kind::Unclosed => Cow::Owned(lexer::unescape(written.get(1..).unwrap_or_default())),
            _ => lexer::unquote(written, token.kind == Kind::Quoted),
        };
        let text = self.texts.shared(&text);
        self.words.push(Word { text, span, quoted: token.kind != Kind::Word });
        if self.words.len() == 1 && source::has_hole(written) && self.source.is_statements(token) {
            let statement = self.statement(self.source.token_span(token).end);
            self.add(statement);
        }
    }

    fn unclosed_quote(&mut self, span: &Span) {
        let quote = self.source.file.get(span.start..=span.start).unwrap_or_default();
        let mut problem = problem(span.clone(), format!("the quote `{quote}` that opens here is not closed"));
        problem.help = Some(format!("close it on line {}, or escape it as `\\{quote}` if it is meant", self.source.line(span.start)));
        self.problems.push(problem);
    }

    /// A quoted word must be followed by a blank, `;`, `{` or `)`.
    fn glued(&mut self, token: &Token) {
        let span = &self.source.token_span(token);
        let Some(before) = self.words.last().filter(|word| word.quoted && word.span.end == span.start) else { return };
        if self.source.written(token).starts_with([')', source::HOLE_OPEN]) || self.problems.last().is_some_and(|p| p.span.start == before.span.start)
        {
            return;
        }
        let mut problem = problem(before.span.to(span), "a quoted word must be followed by a blank, `;`, `{` or `)`".to_owned());
        problem.help = Some(
            "put a blank between the two, or one pair of quotes around both; nginx takes a quote for one only at the start of a word".to_owned(),
        );
        self.problems.push(problem);
    }

    fn semicolon(&mut self, token: &Token) {
        if self.words.is_empty() {
            let mut problem = problem(self.source.token_span(token), "`;` with no directive before it".to_owned());
            problem.help = Some("remove it; nginx refuses an empty statement".to_owned());
            self.problems.push(problem);
            return;
        }
        self.split(false);
        let statement = self.statement(self.source.token_span(token).end);
        self.add(statement);
    }

    fn open(&mut self, index: usize, token: &Token) {
        if self.frames.len() >= MAX_DEPTH {
            let message = format!("blocks are nested more than {MAX_DEPTH} deep; what is inside is not read");
            let span = self.source.token_span(token);
            self.problems.push(problem(span, message));
            self.words.clear();
            self.beyond = 1;
            return;
        }
        if self.words.is_empty() {
            let span = self.source.token_span(token);
            self.problems.push(problem(span.clone(), "`{` with no directive before it".to_owned()));
            self.frames.push(Frame { statement: None, indentation: None, head: span, children: Vec::new(), beside: None });
            return;
        }
        self.split(true);
        let mut statement = self.statement(self.source.token_span(token).end);
        if let Some(raw) = self.source.tokens.get(index + 1).filter(|next| next.kind == Kind::Raw) {
            statement.raw = Some(self.source.written(raw).into());
        }
        self.push(statement);
    }

    /// Opens the block of `statement`.
    fn push(&mut self, statement: Directive) {
        let head = statement.head.clone();
        let indentation = self.source.indentation(head.start);
        self.frames.push(Frame { statement: Some(statement), indentation, head, children: Vec::new(), beside: None });
    }

    /// Closes the innermost block at `end`.
    fn close(&mut self, end: usize) {
        let Some(frame) = self.frames.pop() else { return };
        match frame.statement {
            Some(mut statement) => {
                statement.span.end = end.max(statement.span.end);
                statement.block = Some(frame.children.into());
                self.add(statement);
            }
            None => frame.children.into_iter().for_each(|child| self.add(child)),
        }
    }

    fn add(&mut self, directive: Directive) {
        match self.frames.last_mut() {
            Some(frame) => frame.children.push(directive),
            None => self.done.push(directive),
        }
    }

    /// Returns the statement of the words so far, which ends at `end`.
    fn statement(&mut self, end: usize) -> Directive {
        let mut words = self.words.drain(..);
        let empty = || Word { text: "".into(), span: self.source.span(end, end), quoted: false };
        let name = words.next().unwrap_or_else(empty);
        let args: Vec<Word> = words.collect();
        let head = args.last().map_or_else(|| name.span.clone(), |last| name.span.to(&last.span));
        let span = self.source.span(head.start, end.max(head.end));
        Directive { name, args, block: None, raw: None, head, span, label: OnceLock::new() }
    }

    /// Takes apart a statement that swallowed the next one: a line inside it begins with a directive. `block` is whether it ends with `{`.
    fn split(&mut self, block: bool) {
        while let Some((at, opens)) = self.slip(block).or_else(|| self.swallowed(block)) {
            let refused = self.words.first().is_none_or(|name| block || !TAKES_ANYTHING.contains(&&*name.text));
            let rest = self.words.split_off(at);
            let Some(next) = rest.first().map(|word| word.span.clone()) else { return };
            let end = self.words.last().map_or(next.start, |word| word.span.end);
            let statement = self.statement(end);
            self.words = rest;
            let name = statement.name().to_owned();
            let terminator = if opens { '{' } else { ';' };
            self.no_terminator(&statement, terminator, next, &format!("`{name}` runs on into this line"));
            if let Some(problem) = self.problems.last_mut().filter(|_| !refused) {
                let line = self.source.line(statement.head.end.saturating_sub(1));
                problem.fatal = false;
                problem.help = Some(format!("end line {line} with `;`; nginx takes what follows for more words of `{name}`, and says nothing"));
            }
            if opens {
                self.push(statement);
            } else {
                self.add(statement);
            }
        }
    }

    /// Returns where the words so far should be split, and whether the part before it opens a block: nginx refuses them as one statement.
    fn slip(&self, block: bool) -> Option<(usize, bool)> {
        let name = self.words.first().filter(|word| !word.quoted)?;
        if directives::fits(&name.text, self.words.len() - 1, block) != Some(false) {
            return None;
        }
        self.words.iter().enumerate().skip(1).find_map(|(at, word)| {
            let begins = !word.quoted && self.source.indentation(word.span.start).is_some() && directives::known(&word.text);
            if !begins {
                return None;
            }
            let fits = |block| directives::fits(&name.text, at - 1, block) == Some(true);
            let opens = !fits(false) && fits(true) && self.frames.len() < MAX_DEPTH;
            (opens || fits(false)).then_some((at, opens))
        })
    }

    /// Returns where a statement that may have any number of words goes on with a whole statement: a line exactly below its own first word begins with a
    /// directive and has more words. Values that are written below each other stand further right, or alone.
    fn swallowed(&self, block: bool) -> Option<(usize, bool)> {
        let (name, last) = (self.words.first().filter(|word| !word.quoted && !block)?, self.words.last()?);
        let written = self.source.file.get(name.span.start..last.span.start)?;
        if self.words.len() < 4 || !written.contains('\n') {
            return None;
        }
        let own = self.source.indentation(name.span.start)?;
        let (at, _) = self.words.iter().enumerate().skip(1).find(|(at, word)| {
            let line = self.source.indentation(word.span.start).filter(|here| *here == own && !word.quoted);
            let next = self.words.get(at + 1).filter(|next| self.source.indentation(next.span.start).is_none());
            line.is_some() && next.is_some() && directives::find(&word.text).is_some()
        })?;
        let rest = self.words.len() - at - 1;
        let begins = self.words.get(at).is_some_and(|word| directives::fits(&word.text, rest, false) != Some(false));
        (begins && directives::fits(&name.text, at - 1, false) == Some(true)).then_some((at, false))
    }

    fn no_terminator(&mut self, statement: &Directive, terminator: char, next: Span, text: &str) {
        let line = self.source.line(statement.head.end.saturating_sub(1));
        let mut problem = problem(statement.name.span.clone(), format!("`{}` has no `{terminator}`", statement.name()));
        problem.help = Some(format!("end line {line} with `{terminator}`; nginx refuses the whole configuration until then"));
        problem.related.push(Related { span: next, text: text.to_owned() });
        if terminator == ';' {
            let end = Span::new(statement.head.path.clone(), statement.head.end, statement.head.end);
            problem.fix = Some(Fix::replace(&end, "", ";"));
        }
        self.problems.push(problem);
    }

    /// Ends a statement that has no `;` before the `}` or the end of the file that is `token`.
    fn end_statement(&mut self, token: &Token) {
        if self.words.is_empty() {
            return;
        }
        self.split(false);
        let end = self.words.last().map_or(0, |word| word.span.end);
        let statement = self.statement(end);
        let blamed = self.problems.last().is_some_and(|problem| problem.span.start >= statement.head.start);
        if token.range.is_empty() && !self.frames.is_empty() {
            // A file that was cut off: the open block is the one problem.
            self.cut = Some(statement.head.clone());
        } else if !blamed {
            let into =
                if token.range.is_empty() { "the file ends here".to_owned() } else { format!("`{}` runs on into this `}}`", statement.name()) };
            self.no_terminator(&statement, ';', self.source.token_span(token), &into);
        }
        self.add(statement);
    }

    fn unexpected_close(&mut self, token: &Token) {
        let mut problem = problem(self.source.token_span(token), "this `}` closes nothing: no block is open here".to_owned());
        problem.help = Some("remove it, or look above for a block that is closed too early".to_owned());
        self.problems.push(problem);
    }
}
