//! The conditions of `.if`.
//!
//! HAProxy 2.6: `src/cfgcond.c`. An expression is terms joined by `&&` and `||`, of which `&&` binds tighter; a term is a number, a predicate, or an
//! expression in parentheses, with `!` before it.

use super::environment::Environment;
use crate::formats::source::has_hole;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on where HAProxy runs.
    Unknown,
}

impl Truth {
    fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

/// Predicates with the number of arguments each takes at least.
const PREDICATES: &[(&str, usize)] = &[
    ("defined", 1),
    ("feature", 1),
    ("streq", 2),
    ("strneq", 2),
    ("strstr", 2),
    ("version_atleast", 1),
    ("version_before", 1),
    ("openssl_version_atleast", 1),
    ("openssl_version_before", 1),
    ("ssllib_name_startswith", 1),
    ("awslc_api_atleast", 1),
    ("awslc_api_before", 1),
    ("enabled", 1),
];

/// The deepest nesting of parentheses that is read (HAProxy: 1024).
const MAX_DEPTH: usize = 256;

/// Returns whether `condition`, words joined by blanks, holds.
///
/// # Errors
/// What HAProxy would refuse, in a few words.
pub(super) fn evaluate(condition: &str, environment: &Environment) -> Result<Truth, String> {
    let mut reader = Reader { rest: condition.trim(), environment, depth: 0 };
    if reader.rest.is_empty() {
        return Ok(Truth::No);
    }
    let truth = reader.expression()?;
    if reader.rest.is_empty() {
        Ok(truth)
    } else {
        Err(format!("`{}` does not belong to this condition", crate::formats::source::shown(reader.rest)))
    }
}

struct Reader<'a> {
    rest: &'a str,
    environment: &'a Environment,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn expression(&mut self) -> Result<Truth, String> {
        let mut truth = self.conjunction()?;
        while self.skip("||") {
            truth = truth.or(self.conjunction()?);
        }
        Ok(truth)
    }

    fn conjunction(&mut self) -> Result<Truth, String> {
        let mut truth = self.term()?;
        while self.skip("&&") {
            truth = truth.and(self.term()?);
        }
        Ok(truth)
    }

    fn term(&mut self) -> Result<Truth, String> {
        if self.skip("!") {
            return self.nested(Self::term).map(Truth::not);
        }
        if self.skip("(") {
            let truth = self.nested(Self::expression)?;
            return if self.skip(")") { Ok(truth) } else { Err("this condition lacks a `)`".to_owned()) };
        }
        if has_hole(self.rest.split([' ', '(', ')', '&', '|']).next().unwrap_or_default()) {
            self.rest = "";
            return Ok(Truth::Unknown);
        }
        let length = self.rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        if let Ok(number) = name.parse::<i64>() {
            return Ok(Truth::of(Some(number != 0)));
        }
        let Some((_, least)) = PREDICATES.iter().find(|(known, _)| *known == name) else {
            return Err(format!("`{}` is no condition that HAProxy knows", if name.is_empty() { self.rest } else { name }));
        };
        let arguments = self.arguments(name)?;
        if arguments.len() < *least {
            return Err(format!("`{name}` takes at least {least} argument{}", if *least == 1 { "" } else { "s" }));
        }
        Ok(self.predicate(name, &arguments))
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Truth, String>) -> Result<Truth, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("this condition is nested too deeply".to_owned());
        }
        let truth = inner(self);
        self.depth -= 1;
        truth
    }

    /// Reads `(a,b)`.
    fn arguments(&mut self, name: &str) -> Result<Vec<&'a str>, String> {
        let Some(inside) = self.rest.strip_prefix('(') else { return Err(format!("`{name}` is not followed by `(`")) };
        let Some((arguments, rest)) = inside.split_once(')') else { return Err(format!("the arguments of `{name}` lack a `)`")) };
        self.rest = rest.trim_start();
        Ok(if arguments.is_empty() { Vec::new() } else { arguments.split(',').collect() })
    }

    fn predicate(&self, name: &str, arguments: &[&str]) -> Truth {
        let hole = arguments.iter().any(|argument| has_hole(argument));
        match (name, arguments) {
            _ if hole => Truth::Unknown,
            ("defined", [variable, ..]) => Truth::of(self.environment.defined(variable)),
            ("streq", [a, b, ..]) => Truth::of(Some(a == b)),
            ("strneq", [a, b, ..]) => Truth::of(Some(a != b)),
            ("strstr", [text, part, ..]) => Truth::of(Some(text.contains(part))),
            _ => Truth::Unknown,
        }
    }
}
