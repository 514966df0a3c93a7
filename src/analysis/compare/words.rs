//! Routes and hosts in the words of a region.

use super::hosts::ANY_OTHER;
use super::region::MOST_NAMED;
use crate::analysis::route::test_words;
use crate::model::{Condition, Field, Matcher, Part, Test, Value};
use std::collections::BTreeSet;

/// The longest words of one route, in characters; a condition that needs more is not spelt out.
const MOST_WORDS: usize = 160;

/// What "any other host" means in a clause.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// The host chooses a virtual host.
    pub(super) by_name: bool,
    /// Hosts that conditions ask for, and that are not meant.
    pub(super) but: Vec<String>,
}

impl Others {
    /// Widens it to the hosts of `other`.
    pub(super) fn join(&mut self, other: Self) {
        self.by_name |= other.by_name;
        self.but.extend(other.but);
    }
}

/// Returns the hosts as the beginning of a region, and as sentences name them one by one.
pub(super) fn host_words(hosts: &[String], others: &Others) -> (String, Vec<String>) {
    let mut known: BTreeSet<&String> = BTreeSet::new();
    let hosts: Vec<&String> = hosts.iter().filter(|host| known.insert(*host)).collect();
    let named: Vec<&String> = hosts.iter().copied().filter(|host| **host != ANY_OTHER).collect();
    let other = named.len() < hosts.len();
    let mut but: Vec<&String> = others.but.iter().filter(|host| !known.contains(host)).collect();
    but.dedup();
    if hosts.is_empty() || other && !others.by_name {
        let words = if but.is_empty() { "any host".to_owned() } else { format!("any host but {}", listed(&but)) };
        return (words.clone(), vec![words]);
    }
    let others = if but.is_empty() {
        "any host that no virtual host names".to_owned()
    } else {
        format!("any host but {} that no virtual host names", listed(&but))
    };
    let words = match named.as_slice() {
        [] => others,
        [one] if other => format!("host {one} and {others}"),
        [one] => format!("host {one}"),
        [..] if other => format!("hosts {} and {others}", listed(&named)),
        [..] => format!("hosts {}", listed(&named)),
    };
    (words, hosts.into_iter().cloned().collect())
}

/// Returns `a`, `a and b`, `a and b and c`, or `a, b and 2 more`.
fn listed(names: &[&String]) -> String {
    match names {
        [first, second, rest @ ..] if names.len() > MOST_NAMED => format!("{first}, {second} and {} more", rest.len()),
        _ => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" and "),
    }
}

/// Returns the routes `ours` in words; where one of them takes every path, what the others take away from it.
pub(super) fn routes_clause(ours: &[Option<&Condition>], theirs: &[Option<&Condition>]) -> String {
    let takes_all = |condition: Option<&Condition>| condition.is_none_or(takes_all);
    if ours.iter().any(|condition| takes_all(*condition)) {
        let taken = all_route_words(theirs);
        return match taken.as_slice() {
            [] => String::new(),
            few if few.len() <= MOST_NAMED => path_of(&few.iter().map(|words| negated(words)).collect::<Vec<_>>().join(" and ")),
            _ => "path that no other route takes".to_owned(),
        };
    }
    let mut named = all_route_words(ours);
    let more = named.len().saturating_sub(MOST_NAMED);
    named.truncate(MOST_NAMED);
    let listed = named.join(" or ");
    if more == 0 { path_of(&listed) } else { path_of(&format!("{listed} or {more} more routes")) }
}

/// Returns the words of routes as a clause: behind `path`, unless they begin with something else.
pub(super) fn path_of(words: &str) -> String {
    let plain = words.trim_start_matches("not ").trim_start_matches('(');
    if ["by ", "from ", "where "].iter().any(|start| plain.starts_with(start)) { words.to_owned() } else { format!("path {words}") }
}

/// Returns what is not `words`; more than one thing is put in brackets.
fn negated(words: &str) -> String {
    if words.contains(" and ") { format!("not ({words})") } else { format!("not {words}") }
}

/// Returns whether a route takes every path of the hosts it is for.
fn takes_all(condition: &Condition) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Test(test) => is_root(test) || of_host(&test.subject),
        Condition::All(all) => all.iter().all(takes_all),
        Condition::Any(any) => any.iter().any(takes_all),
        Condition::Not(inner) => matches!(&**inner, Condition::Test(test) if of_host(&test.subject)),
        Condition::Opaque(_) => false,
    }
}

fn is_root(test: &Test) -> bool {
    test.subject.as_field() == Some(&Field::Path) && matches!(&test.matcher, Matcher::Prefix { text, .. } if &**text == "/" || text.is_empty())
}

/// Returns whether `value` is made of the host alone: which hosts a region is about is said in front of its paths.
fn of_host(value: &Value) -> bool {
    let part = |part: &Part| match part {
        Part::Field(Field::Host) => true,
        Part::Converted(converted) => of_host(&converted.value),
        Part::Literal(_) | Part::Hole(_) | Part::Field(_) | Part::Variable(_) | Part::Capture(_) => false,
    };
    !value.parts.is_empty() && value.parts.iter().all(part)
}

/// Returns the routes in words, the shortest first. A path that only redirects into the directory of the same name is not worth a word.
fn all_route_words(conditions: &[Option<&Condition>]) -> Vec<String> {
    let words: BTreeSet<String> =
        conditions.iter().flatten().filter(|condition| !takes_all(condition)).map(|condition| route_words(condition)).collect();
    let mut kept: Vec<String> = words.iter().filter(|one| !words.contains(&format!("under {one}/"))).cloned().collect();
    kept.sort_by_key(|words| (words.len(), words.clone()));
    kept
}

/// Returns the condition of a route in words that follow `path`, or begin with `by`, `from` or `where`: `under /static/`, `from 10.0.0.0/8`.
fn route_words(condition: &Condition) -> String {
    let words = condition_words(condition).unwrap_or_default();
    if words.is_empty() || words.chars().count() > MOST_WORDS { "under further conditions".to_owned() } else { words }
}

/// Returns a condition in words that follow `path`; nothing for what every request of its hosts passes, `None` where words would not be clear.
fn condition_words(condition: &Condition) -> Option<String> {
    match condition {
        Condition::Always => Some(String::new()),
        Condition::Test(test) => Some(if of_host(&test.subject) || is_root(test) { String::new() } else { path_words(test) }),
        Condition::Opaque(opaque) => Some(format!("where {}", opaque.text)),
        Condition::All(all) => {
            let parts = all.iter().map(condition_words).collect::<Option<Vec<String>>>()?;
            Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" and "))
        }
        Condition::Any(any) => any_words(any),
        // "Not a or b" would read as something else.
        Condition::Not(inner) => match &**inner {
            Condition::Test(_) | Condition::Opaque(_) => condition_words(inner).map(|words| if words.is_empty() { words } else { negated(&words) }),
            Condition::Always | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
        },
    }
}

/// Returns alternatives in words, those that begin alike in one breath: `ending with .css or .js`.
fn any_words(any: &[Condition]) -> Option<String> {
    let parts = any.iter().map(condition_words).collect::<Option<Vec<String>>>()?;
    // One that asks for a host alone takes every path of it.
    if parts.iter().any(String::is_empty) {
        return Some(String::new());
    }
    let mut parts = parts;
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(part.clone()));
    let more = parts.len().saturating_sub(MOST_NAMED);
    let start = ["under ", "beginning with ", "ending with ", "containing ", "matching ", "from ", "by "]
        .into_iter()
        .find(|start| parts.iter().all(|part| part.starts_with(start)));
    let rest = |part: &String| start.and_then(|start| part.strip_prefix(start)).unwrap_or(part).to_owned();
    let mut named: Vec<String> = parts.iter().take(MOST_NAMED).map(rest).collect();
    // A further "and" inside would leave open what belongs together.
    if named.len() > 1 && named.iter().any(|part| part.contains(" and ")) {
        return None;
    }
    if more > 0 {
        named.push(format!("{more} more"));
    }
    Some(format!("{}{}", start.unwrap_or_default(), named.join(" or ")))
}

fn path_words(test: &Test) -> String {
    match (test.subject.as_field(), &test.matcher) {
        (Some(Field::Path), _) => {}
        (Some(Field::Source), Matcher::Network(network)) => return format!("from {network}"),
        (Some(Field::Method), Matcher::Equals { text, .. }) if text.as_literal().is_some() => {
            return format!("by {}", text.as_literal().unwrap_or_default());
        }
        _ => return format!("where {}", test_words(test)),
    }
    match &test.matcher {
        Matcher::Equals { text, .. } => text.as_literal().unwrap_or("computed").to_owned(),
        Matcher::Prefix { text, .. } if text.ends_with('/') => format!("under {text}"),
        Matcher::Prefix { text, .. } => format!("beginning with {text}"),
        Matcher::Suffix { text, .. } => format!("ending with {text}"),
        Matcher::Contains { text, .. } => format!("containing {text}"),
        Matcher::Regex(regex) => format!("matching {}", regex.pattern),
        Matcher::Segment { text, .. } => format!("with a part {text}"),
        Matcher::Network(_)
        | Matcher::Truthy { .. }
        | Matcher::Number(_)
        | Matcher::Length(_)
        | Matcher::Present
        | Matcher::Element(_)
        | Matcher::Each(_) => test_words(test),
    }
}
