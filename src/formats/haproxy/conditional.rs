//! `.if`, `.elif`, `.else`, `.endif`, and the lines that only speak: `.notice`, `.warning`, `.alert`, `.diag`.
//!
//! HAProxy 2.6: `src/cfgparse.c`, `readcfgfile`. What a condition says is in [`super::expression`]. Where it cannot be told, the first branch that
//! may be taken is, and that is said once a block.

use super::environment::Environment;
use super::expression::{self, Truth};
use super::parser::Parsed;
use super::syntax::Line;
use crate::model::{Problem, ProblemKind, Related, Unknown};
use crate::span::Span;

/// The deepest nesting (HAProxy: `MAXNESTEDCONDS`).
const MAX_DEPTH: usize = 16;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is a line of its section.
    Read,
    /// It is none, or it is in a branch that is not taken.
    Skip,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// This branch is read.
    Taken,
    /// No branch was taken yet.
    Waiting,
    /// A branch was taken, or the whole block is in one that is not.
    Done,
}

#[derive(Debug)]
struct Block {
    state: State,
    /// Its `.if`.
    opened: Span,
    /// `.else` was there.
    last: bool,
    /// A condition of it could not be told.
    guessed: bool,
}

/// The blocks that are open.
#[derive(Debug, Default)]
pub(super) struct Conditionals {
    open: Vec<Block>,
}

impl Conditionals {
    /// Takes the next line.
    pub(super) fn step(&mut self, line: &Line, environment: &Environment, parsed: &mut Parsed) -> Step {
        match line.keyword() {
            ".if" => self.begin(line, environment, parsed),
            ".elif" => self.alternative(line, environment, parsed),
            ".else" => self.otherwise(line, parsed),
            ".endif" => {
                if self.open.pop().is_none() {
                    problem(parsed, line, "this `.endif` ends no `.if`", "take it out, or write the `.if` that it ends");
                }
            }
            _ if !self.is_read() => {}
            ".alert" if !self.open.iter().any(|block| block.guessed) => {
                problem(parsed, line, "this `.alert` stops HAProxy", "take the line out, or put it under a condition that does not hold");
            }
            ".notice" | ".warning" | ".diag" | ".alert" => {}
            keyword if keyword.starts_with('.') => {
                let message = format!("there is no `{keyword}`");
                problem(parsed, line, &message, "HAProxy has `.if`, `.elif`, `.else`, `.endif`, `.notice`, `.warning`, `.alert` and `.diag`");
            }
            // Once the name of a scope; HAProxy passes it over.
            keyword if keyword.starts_with('[') && line.words.last().is_some_and(|word| word.text.ends_with(']')) => {}
            _ => return Step::Read,
        }
        Step::Skip
    }

    fn is_read(&self) -> bool {
        self.open.last().is_none_or(|block| block.state == State::Taken)
    }

    fn begin(&mut self, line: &Line, environment: &Environment, parsed: &mut Parsed) {
        if self.open.len() == MAX_DEPTH {
            problem(parsed, line, "`.if` is nested too deeply", "HAProxy allows 16 levels");
        }
        let mut block = Block { state: State::Done, opened: line.span.clone(), last: false, guessed: false };
        if self.is_read() {
            block.state = decide(line, environment, &mut block.guessed, parsed);
        }
        self.open.push(block);
    }

    fn alternative(&mut self, line: &Line, environment: &Environment, parsed: &mut Parsed) {
        match self.open.last_mut() {
            None => problem(parsed, line, "this `.elif` follows no `.if`", "write the `.if` that it belongs to"),
            Some(block) if block.last => problem(parsed, line, "this `.elif` stands after `.else`", "put it before the `.else`"),
            Some(block) if block.state == State::Waiting => block.state = decide(line, environment, &mut block.guessed, parsed),
            Some(block) => block.state = State::Done,
        }
    }

    fn otherwise(&mut self, line: &Line, parsed: &mut Parsed) {
        match self.open.last_mut() {
            None => problem(parsed, line, "this `.else` follows no `.if`", "write the `.if` that it belongs to"),
            Some(block) if block.last => problem(parsed, line, "this is the second `.else` of one `.if`", "take one of them out"),
            Some(block) => {
                block.last = true;
                block.state = if block.state == State::Waiting { State::Taken } else { State::Done };
            }
        }
    }

    /// Says which blocks the file leaves open.
    pub(super) fn finish(self, parsed: &mut Parsed) {
        if let Some(block) = self.open.into_iter().next_back() {
            let message = "this `.if` has no `.endif`".to_owned();
            let help = Some("end it with `.endif`; HAProxy refuses the whole configuration until then".to_owned());
            parsed.problems.push(Problem {
                kind: ProblemKind::Syntax,
                fatal: true,
                message,
                help,
                span: block.opened,
                related: Vec::<Related>::new(),
                fix: None,
            });
        }
    }
}

/// Returns what the condition of `line` makes of its branch.
fn decide(line: &Line, environment: &Environment, guessed: &mut bool, parsed: &mut Parsed) -> State {
    let words: Vec<&str> = line.words.iter().skip(1).map(|word| &*word.text).collect();
    let condition = words.join(" ");
    match expression::evaluate(&condition, environment) {
        Ok(Truth::Yes) => State::Taken,
        Ok(Truth::No) => State::Waiting,
        Ok(Truth::Unknown) => {
            if !*guessed {
                let shown = crate::formats::source::shown(&condition).into_owned();
                let reason = format!("whether `{shown}` holds is not known here; its lines are read as if it did");
                parsed.unknown.push(Unknown { span: line.span.clone(), reason });
            }
            *guessed = true;
            State::Taken
        }
        Err(message) => {
            problem(parsed, line, &message, "mend the condition; HAProxy refuses the whole configuration until then");
            State::Waiting
        }
    }
}

fn problem(parsed: &mut Parsed, line: &Line, message: &str, help: &str) {
    parsed.problems.push(Problem {
        kind: ProblemKind::Syntax,
        fatal: true,
        message: message.to_owned(),
        help: Some(help.to_owned()),
        span: line.span.clone(),
        related: Vec::new(),
        fix: None,
    });
}
