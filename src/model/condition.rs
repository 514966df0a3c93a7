//! What must hold for a route to be taken.

use super::{Cidr, Name, Value};
use std::sync::Arc;

/// And/or/not over tests on the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Holds for every request.
    Always,
    /// All hold; an empty list holds.
    All(Vec<Condition>),
    /// At least one holds; an empty list does not.
    Any(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
    /// A test on one value.
    Test(Test),
    /// Something that cannot be decided from the configuration.
    Opaque(Opaque),
}

impl Condition {
    /// Returns the condition that `subject` passes `matcher`.
    pub fn test(subject: Value, matcher: Matcher) -> Self {
        Self::Test(Test { subject, matcher })
    }

    /// Returns the opposite; a double negation cancels.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Always | Self::All(_) | Self::Any(_) | Self::Test(_) | Self::Opaque(_) => Self::Not(Box::new(self)),
        }
    }
}

/// A test on one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Test {
    /// What is looked at.
    pub subject: Value,
    /// What it must be.
    pub matcher: Matcher,
}

/// A predicate on a text. `caseless` compares ASCII letters without case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields are the text and `caseless`, said above")]
pub enum Matcher {
    /// The whole text. The expected text is a value, because nginx compares with variables.
    Equals { text: Value, caseless: bool },
    /// Begins with these bytes.
    Prefix { text: Arc<str>, caseless: bool },
    /// Ends with these bytes.
    Suffix { text: Arc<str>, caseless: bool },
    /// Contains these bytes.
    Contains { text: Arc<str>, caseless: bool },
    /// A regular expression, searched anywhere in the text. Captures are set when it matches.
    Regex(Regex),
    /// Is an address in this network.
    Network(Cidr),
    /// Contains these bytes as a run between two of the delimiters or the ends of the text (HAProxy `dir` with `/`, `dom` with `./:?`).
    /// Delimiters at the ends of `text` itself do not count.
    Segment { text: Arc<str>, caseless: bool, delimiters: Arc<str> },
    /// Is a whole number in one of these ranges; a text that is no number is in none.
    Number(Vec<NumberRange>),
    /// Has a length in bytes in one of these ranges.
    Length(Vec<NumberRange>),
    /// Is there at all, be it empty (HAProxy `-m found`). Only a field that the request does not carry is not there.
    Present,
    /// One of the elements between commas, without the blanks around it, passes (HAProxy `hdr()`).
    Element(Box<Matcher>),
    /// One of the values of the field that the subject is made of passes, each looked at as if it were the only one (HAProxy asks `req.fhdr()`, `url_param()`
    /// and `cook()` once for each of that name): the elements of a [`super::Field::Header`], the lines of a [`super::Field::HeaderLine`], parameters, cookies.
    Each(Box<Matcher>),
    /// Is neither empty nor, where the proxy says so, the text `0` (nginx `if ($x)`).
    Truthy { zero_is_false: bool },
}

/// Whole numbers from `from` to `to`, both included; `None` is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "said above")]
pub struct NumberRange {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl NumberRange {
    /// Returns whether `number` is in the range.
    pub fn contains(&self, number: i64) -> bool {
        self.from.is_none_or(|from| from <= number) && self.to.is_none_or(|to| number <= to)
    }
}

/// A regular expression in the proxy's own dialect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Regex {
    /// The pattern as written, without delimiters.
    pub pattern: Arc<str>,
    /// Letters compare without case.
    pub caseless: bool,
    /// How to read the pattern.
    pub dialect: RegexDialect,
    /// The named groups, in order.
    pub names: Vec<Name>,
}

impl Regex {
    /// Returns plain characters that every text matched by `pattern` begins with, where the pattern says so at its very beginning: `/area1/` of
    /// `^/area1/[^/]+$`. Empty where that cannot be told at a glance. So that of ten thousand patterns few have to be compiled and tried on a text.
    pub fn front(pattern: &str, caseless: bool) -> &str {
        let Some(rest) = pattern.strip_prefix('^').filter(|rest| !caseless && !has_outer_alternative(rest)) else { return "" };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-~,:;=@%&!'<> \"".contains(&byte);
        let length = rest.bytes().position(|byte| !plain(byte)).unwrap_or(rest.len());
        // A quantifier makes the character before it optional.
        let optional = matches!(rest.as_bytes().get(length), Some(b'?' | b'*' | b'+' | b'{'));
        rest.get(..length - usize::from(optional && length > 0)).unwrap_or_default()
    }
}

/// Returns whether `pattern` may have a `|` outside of groups; `true` when in doubt.
fn has_outer_alternative(pattern: &str) -> bool {
    if !pattern.contains('|') {
        return false;
    }
    // Quotations, comments and flags (`(?x)` brings comments too) change what a bracket means, and `[:alpha:]` ends before its class does.
    let groups = |rest: &str| rest.starts_with([':', '=', '!', '<', '>', 'P', '\'']);
    if pattern.contains(r"\Q") || pattern.contains("[:") || !pattern.split("(?").skip(1).all(groups) {
        return true;
    }
    let (mut depth, mut class, mut escaped) = (0_u32, None, false);
    for (at, byte) in pattern.bytes().enumerate() {
        match (class, byte) {
            _ if escaped => escaped = false,
            (_, b'\\') => escaped = true,
            // At the beginning of a class `]` stands for itself.
            (Some(start), b']') if at > start => class = None,
            (None, b'[') => class = Some(at + 1 + usize::from(pattern.as_bytes().get(at + 1) == Some(&b'^'))),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, b'|') if depth == 0 => return true,
            (Some(_) | None, _) => {}
        }
    }
    false
}

/// How a regular expression is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegexDialect {
    /// PCRE on bytes, searched; `$` also matches before a final line feed (nginx, HAProxy).
    Pcre,
    /// RE2, the whole text must match (Envoy).
    Re2Full,
    /// RE2, searched (Traefik, Caddy).
    Re2Search,
}

/// A condition that cannot be decided from the configuration: a free boolean.
/// The *same* text over the same inputs is the same boolean on both sides of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opaque {
    /// The condition in the config's own words, or what it asks ([`Opaque::FILE`] and its kin).
    pub text: Arc<str>,
    /// What it depends on; its value at request time is part of the boolean's identity.
    pub input: Value,
}

impl Opaque {
    /// The input is the path of a file that exists.
    pub const FILE: &str = "file exists";
    /// The input is the path of a directory that exists.
    pub const DIRECTORY: &str = "directory exists";
    /// The input is the path of a file or a directory that exists.
    pub const FILE_OR_DIRECTORY: &str = "file or directory exists";
    /// The input is the path of a file that may be executed.
    pub const EXECUTABLE: &str = "file can be executed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_begins_as_it_says() {
        for (pattern, front) in [
            ("^/area1/[^/]+/item$", "/area1/"),
            ("^/a(b|c)/", "/a"),
            ("^/a[|]b", "/a"),
            ("^/a[]|]b", "/a"),
            ("^/a[^]|(]b", "/a"),
            (r"^/a\|b", "/a"),
            ("^/api/v1/[^/]+$", "/api/v1/"),
            ("^/a|^/b", ""),
            (r"^/a\.b", "/a"),
            ("^/a{2}", "/"),
            ("^/ab?c", "/a"),
            ("^/ab{0,1}c", "/a"),
            ("^b*", ""),
            ("^", ""),
            ("/a", ""),
            ("^/a|/b", ""),
            ("^/a[(]|/b", ""),
            ("^/a[^^]|/b", ""),
            (r"^/a\(|/b", ""),
            ("^/a[[:alpha:](]|/b", ""),
            (r"^/a\Q(\E|/b", ""),
            ("^/a(?#()|/b", ""),
            ("^/a[]()]|/b", ""),
            ("^/ä", "/"),
        ] {
            assert_eq!(Regex::front(pattern, false), front, "{pattern}");
        }
        assert_eq!(Regex::front("^/a", true), "");
    }
}
