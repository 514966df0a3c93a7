//! What one condition says of another by itself: every request that passes the one passes the other.

use crate::model::{Condition, Field, Matcher, Route, Test};
use std::collections::{BTreeMap, BTreeSet};

/// The routes so far that keep what they take, with those that ask for a plain text listed by it: a server may have thousands.
#[derive(Default)]
pub(super) struct Firm<'a> {
    pub(super) routes: Vec<&'a Route>,
    plain: BTreeMap<Plain<'a>, Vec<usize>>,
    /// The lengths of the prefixes among them.
    lengths: BTreeSet<usize>,
    others: Vec<usize>,
}

/// A test with case on one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Plain<'a> {
    Exact(&'a Field, &'a str),
    Prefix(&'a Field, &'a str),
    Regex(&'a Field, &'a str),
}

impl<'a> Plain<'a> {
    fn of(when: &'a Condition) -> Option<Self> {
        let Condition::Test(test) = when else { return None };
        let field = test.subject.as_field()?;
        match &test.matcher {
            Matcher::Equals { text, caseless: false } => Some(Self::Exact(field, text.as_literal()?)),
            Matcher::Prefix { text, caseless: false } => Some(Self::Prefix(field, text)),
            Matcher::Regex(regex) => Some(Self::Regex(field, &regex.pattern)),
            _ => None,
        }
    }
}

impl<'a> Firm<'a> {
    pub(super) fn push(&mut self, route: &'a Route) {
        let at = self.routes.len();
        self.routes.push(route);
        match Plain::of(&route.when) {
            Some(plain) => {
                if let Plain::Prefix(_, text) = plain {
                    self.lengths.insert(text.len());
                }
                self.plain.entry(plain).or_default().push(at);
            }
            None => self.others.push(at),
        }
    }

    /// Returns those that `narrow` may imply, in order: of the plain ones a text implies itself and the prefixes that it begins with, a regex only itself.
    pub(super) fn candidates(&self, narrow: &Condition) -> Vec<usize> {
        let prefixes = |field, text: &str| {
            let known = self.lengths.iter().filter_map(|length| self.plain.get(&Plain::Prefix(field, text.get(..*length)?)));
            known.flatten().copied().collect::<Vec<_>>()
        };
        let Some(plain) = Plain::of(narrow) else { return (0..self.routes.len()).collect() };
        let mut found = match plain {
            Plain::Exact(field, text) | Plain::Prefix(field, text) => prefixes(field, text),
            Plain::Regex(..) => Vec::new(),
        };
        if !matches!(plain, Plain::Prefix(..)) {
            found.extend(self.plain.get(&plain).into_iter().flatten());
        }
        found.extend(&self.others);
        found.sort_unstable();
        found
    }
}

/// Returns whether every request that passes `narrow` surely passes `wide`, as far as the conditions themselves tell.
pub(super) fn implies(narrow: &Condition, wide: &Condition) -> bool {
    if narrow == wide {
        return true;
    }
    match (narrow, wide) {
        (_, Condition::Always) => true,
        (_, Condition::All(parts)) => parts.iter().all(|part| implies(narrow, part)),
        (Condition::Any(parts), _) => !parts.is_empty() && parts.iter().all(|part| implies(part, wide)),
        (_, Condition::Any(parts)) if parts.iter().any(|part| implies(narrow, part)) => true,
        (Condition::All(parts), _) => parts.iter().any(|part| implies(part, wide)),
        (Condition::Not(narrow), Condition::Not(wide)) => implies(wide, narrow),
        (Condition::Test(narrow), Condition::Test(wide)) => test_implies(narrow, wide),
        _ => false,
    }
}

fn test_implies(narrow: &Test, wide: &Test) -> bool {
    if narrow.subject != wide.subject {
        return false;
    }
    let fold = |text: &str, caseless: bool| if caseless { text.to_ascii_lowercase() } else { text.to_owned() };
    // A narrow test without case says nothing of a wide one with it, unless there are no letters.
    let fits = |narrow_caseless: bool, wide_caseless: bool, text: &str| wide_caseless || !narrow_caseless || !text.chars().any(char::is_alphabetic);
    match (&narrow.matcher, &wide.matcher) {
        (Matcher::Prefix { text, caseless: a }, Matcher::Prefix { text: wide, caseless: b }) => {
            fits(*a, *b, wide) && fold(text, *b).starts_with(&fold(wide, *b))
        }
        (Matcher::Suffix { text, caseless: a }, Matcher::Suffix { text: wide, caseless: b }) => {
            fits(*a, *b, wide) && fold(text, *b).ends_with(&fold(wide, *b))
        }
        (
            Matcher::Prefix { text, caseless: a } | Matcher::Suffix { text, caseless: a } | Matcher::Contains { text, caseless: a },
            Matcher::Contains { text: wide, caseless: b },
        ) => fits(*a, *b, wide) && fold(text, *b).contains(&fold(wide, *b)),
        (Matcher::Equals { text, caseless: a }, wide_matcher) => {
            let Some(text) = text.as_literal() else { return false };
            match wide_matcher {
                Matcher::Equals { text: wide, caseless: b } => {
                    wide.as_literal().is_some_and(|wide| fits(*a, *b, wide) && fold(text, *b) == fold(wide, *b))
                }
                Matcher::Prefix { text: wide, caseless: b } => fits(*a, *b, wide) && fold(text, *b).starts_with(&fold(wide, *b)),
                Matcher::Suffix { text: wide, caseless: b } => fits(*a, *b, wide) && fold(text, *b).ends_with(&fold(wide, *b)),
                Matcher::Contains { text: wide, caseless: b } => fits(*a, *b, wide) && fold(text, *b).contains(&fold(wide, *b)),
                _ => false,
            }
        }
        (Matcher::Network(narrow), Matcher::Network(wide)) => narrow.bits() >= wide.bits() && wide.contains(narrow.address()),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use std::sync::Arc;

    fn path(matcher: Matcher) -> Condition {
        Condition::test(Value::field(Field::Path), matcher)
    }

    fn prefix(text: &str, caseless: bool) -> Condition {
        path(Matcher::Prefix { text: Arc::from(text), caseless })
    }

    #[test]
    fn what_is_narrower_is_told_from_the_conditions() {
        let exact = path(Matcher::Equals { text: Value::literal("/api/v2/x"), caseless: false });
        assert!(implies(&prefix("/api/v2", false), &prefix("/api", false)));
        assert!(implies(&exact, &prefix("/api", false)) && implies(&exact, &exact));
        assert!(implies(&Condition::All(vec![prefix("/api", false), exact.clone()]), &exact));
        assert!(implies(&prefix("/api", false), &Condition::Any(vec![exact, prefix("/a", false)])));
        assert!(implies(&prefix("/API", true), &prefix("/api", true)) && implies(&prefix("/api", false), &prefix("/API", true)));
    }

    #[test]
    fn what_is_not_sure_is_not_told() {
        assert!(!implies(&prefix("/api", false), &prefix("/api/v2", false)));
        assert!(!implies(&prefix("/api", true), &prefix("/api", false)));
        assert!(!implies(&Condition::Any(vec![prefix("/api", false), prefix("/x", false)]), &prefix("/api", false)));
        assert!(!implies(&prefix("/api", false), &prefix("/api", false).negated()));
        assert!(!implies(&Condition::Always, &prefix("/api", false)));
    }
}
