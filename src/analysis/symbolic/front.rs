//! How the texts that pass a test begin, as far as that can be seen without working out its language: for indexes over thousands of tests.

use crate::model::{Condition, Field, Matcher, Regex, Test};
use std::rc::Rc;

/// How texts begin.
#[derive(Clone, Debug)]
pub(super) struct Front {
    /// What all of them begin with.
    pub(super) text: Rc<[u8]>,
    /// `text` is all of it.
    pub(super) whole: bool,
    /// Every text that begins so passes.
    pub(super) is_prefix: bool,
}

impl Default for Front {
    fn default() -> Self {
        Self { text: Rc::from([]), whole: false, is_prefix: false }
    }
}

/// Returns how the texts that pass `matcher` begin; without `text` where nothing is known.
pub(super) fn front(matcher: &Matcher) -> Front {
    match matcher {
        Matcher::Equals { text, caseless: false } => match text.as_literal() {
            Some(text) => Front { text: Rc::from(text.as_bytes()), whole: true, is_prefix: false },
            None => Front::default(),
        },
        Matcher::Prefix { text, caseless: false } => Front { text: Rc::from(text.as_bytes()), whole: false, is_prefix: true },
        Matcher::Regex(regex) => Front { text: Rc::from(Regex::front(&regex.pattern, regex.caseless).as_bytes()), whole: false, is_prefix: false },
        Matcher::Equals { .. }
        | Matcher::Prefix { .. }
        | Matcher::Suffix { .. }
        | Matcher::Contains { .. }
        | Matcher::Network(_)
        | Matcher::Segment { .. }
        | Matcher::Number(_)
        | Matcher::Length(_)
        | Matcher::Present
        | Matcher::Element(_)
        | Matcher::Each(_)
        | Matcher::Truthy { .. } => Front::default(),
    }
}

/// A field that a condition must pass a test on, by which a table of thousands of routes can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Path,
    Host,
}

/// Returns a field that must begin so for `condition` to hold.
pub(super) fn required(condition: &Condition) -> Option<(Key, Rc<[u8]>)> {
    match condition {
        Condition::Test(Test { subject, matcher }) => {
            let key = match subject.as_field()? {
                Field::Path => Key::Path,
                Field::Host => Key::Host,
                _ => return None,
            };
            Some(front(matcher).text).filter(|text| !text.is_empty()).map(|text| (key, text))
        }
        Condition::All(all) => all.iter().find_map(required),
        Condition::Always | Condition::Any(_) | Condition::Not(_) | Condition::Opaque(_) => None,
    }
}

/// Returns whether it is plain that no request passes both conditions: they want another beginning of the same text.
pub(in crate::analysis) fn apart(one: &Condition, other: &Condition) -> bool {
    let (Some((key, ours)), Some((same, theirs))) = (required(one), required(other)) else { return false };
    key == same && ours.iter().zip(theirs.iter()).any(|(ours, theirs)| ours != theirs)
}

/// The only group of a pattern that takes all that is left of the text behind known characters: `^/old/(.*)$`.
///
/// `.` is not a line feed, and `$` also matches before one at the end: paths that hold one are left out here, as no client sends them.
pub(super) fn tail_group(regex: &Regex) -> Option<(usize, Option<&str>)> {
    let pattern = regex.pattern.strip_prefix('^')?;
    let open = pattern.find('(')?;
    let (literal, group) = pattern.split_at_checked(open)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-~,:;=@%&!".contains(&byte);
    if !literal.bytes().all(plain) {
        return None;
    }
    let anchored = group.strip_suffix('$').filter(|rest| !rest.ends_with('\\'));
    let closed = anchored.unwrap_or(group);
    // `(/.*)?` takes nothing where there is nothing.
    let inner = closed.strip_suffix('?').unwrap_or(closed).strip_prefix('(')?.strip_suffix(')')?;
    let (name, inner) = named(inner)?;
    let single = !inner.contains(['(', ')', '[', '\\', '|']) || simple_class(inner);
    if !single || anchored.is_none() && inner != ".*" {
        return None;
    }
    Some((literal.len(), name))
}

/// Returns the name of a group that has one, and what stands in it; `None` for other special groups.
fn named(inner: &str) -> Option<(Option<&str>, &str)> {
    let Some(special) = inner.strip_prefix('?') else { return Some((None, inner)) };
    let special = special.strip_prefix('P').unwrap_or(special);
    let (name, rest) = special.strip_prefix('<')?.split_once('>')?;
    (!name.starts_with(['=', '!'])).then_some((Some(name), rest))
}

/// Returns whether `inner` is one class or escape that is repeated: `[^/]+`, `\d+`.
fn simple_class(inner: &str) -> bool {
    let body = inner.trim_end_matches(['+', '*', '?']);
    let class = body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|rest| !rest.contains(['[', ']', '(', ')']));
    let escape = body.strip_prefix('\\').is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| b"dwsDWS".contains(&byte)));
    class || escape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RegexDialect;
    use std::sync::Arc;

    fn regex(pattern: &str) -> Regex {
        Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() }
    }

    #[test]
    fn a_group_that_takes_the_rest_is_known() {
        let tail = |pattern: &str| tail_group(&regex(pattern)).map(|(length, name)| (length, name.map(str::to_owned)));
        assert_eq!(tail("^/old/(.*)$"), Some((5, None)));
        assert_eq!(tail("^/old/(.*)"), Some((5, None)));
        assert_eq!(tail("^(.*)$"), Some((0, None)));
        assert_eq!(tail("^/old(/.*)?$"), Some((4, None)));
        assert_eq!(tail(r"^/u/(\d+)$"), Some((3, None)));
        assert_eq!(tail("^/u/([^/]+)$"), Some((3, None)));
        assert_eq!(tail("^/u/(?<who>.*)$"), Some((3, Some("who".to_owned()))));
        for other in ["/old/(.*)$", "^/old/(.+)", "^/(a|b)(.*)$", "^/x?(.*)$", "^/(.*)/(.*)$", "^/(.*)x$", "^/(?:.*)$", r"^/a\.(.*)$"] {
            assert_eq!(tail(other), None, "{other}");
        }
    }
}
