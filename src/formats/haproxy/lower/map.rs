//! Maps: a sample becomes the value of the first entry, in the order of the match kind, whose key it matches.
//!
//! HAProxy: `sample_conv_map`, `pattern.c`. `str` is looked up (of equal keys the first), `beg` and `ip` take the longest, all others are lists in the
//! order of the file. Without a default a key that is nowhere is no sample: nothing matches it.

use super::super::syntax::Word;
use super::Lowering;
use super::acl::{Method, network, ranges, text_matcher};
use super::expression::Call;
use super::fetch::{Kind, Sample, group};
use super::file::{Entry, Shape};
use super::text::literal;
use crate::formats::source::shown;
use crate::model::{Cidr, Lookup, LookupEntry, Matcher, Name, Part, Test, Value};
use crate::span::Span;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A line of a map with what it needs to be put in order.
struct Line {
    matcher: Matcher,
    /// The longer, the earlier, for maps of beginnings and networks.
    length: usize,
    entry: Entry,
}

impl Lowering<'_, '_> {
    /// Returns `sample` looked up in the map of `call`. Where it is matched (`matched`), its own conditions say whether it is there.
    pub(super) fn lower_map(&mut self, sample: Sample, call: &Call, words: &str, (span, matched): (&Span, bool)) -> Sample {
        let opaque = |sample: Sample| Sample::opaque(words, sample.value);
        let Some((method, groups, output)) = kind(&call.name) else { return opaque(sample) };
        let Some(file) = call.arg(0) else { return opaque(sample) };
        if matches!(sample.kind, Kind::Truth(_) | Kind::Count { .. }) {
            return opaque(sample);
        }
        let file = Word { text: Arc::from(file), span: span.clone() };
        let Some(entries) = self.list(&file, Shape::Map) else { return opaque(sample) };
        let Some(lines) = ordered(method, entries) else { return opaque(sample) };
        let subject = if method == Method::Number { super::acl::as_number(&sample) } else { sample.value.clone() };
        let value_of = |entry: &Entry| if groups { with_groups(&entry.value) } else { Value::literal(&entry.value) };
        let entry = |line: Line| LookupEntry {
            when: Test { subject: subject.clone(), matcher: line.matcher },
            value: value_of(&line.entry),
            label: line.entry.label(),
        };
        let default = call.arg(1);
        let name = self.lookup_name(words);
        let label = crate::model::Label { span: span.clone(), text: Arc::from(shown(words)) };
        let fallback = default.map_or_else(Value::default, literal);
        let mut entries: Vec<LookupEntry> = lines.into_iter().map(entry).collect();
        let otherwise = if method == Method::Network {
            // Only an address is looked up, and the default is for no other text (seen on 2.6.12).
            let every = [Cidr::new(IpAddr::from([0, 0, 0, 0]), 0), Cidr::new(IpAddr::from([0_u16; 8]), 0)].into_iter().flatten();
            let catch = |network| LookupEntry {
                when: Test { subject: subject.clone(), matcher: Matcher::Network(network) },
                value: fallback.clone(),
                label: label.clone(),
            };
            entries.extend(every.filter(|_| default.is_some()).map(catch));
            Value::default()
        } else {
            // What is not there is not looked up either.
            let nothing = LookupEntry {
                when: Test { subject: sample.value.clone(), matcher: Matcher::Equals { text: Value::default(), caseless: false } },
                value: Value::default(),
                label: label.clone(),
            };
            if default.is_some() && !matched && (sample.present.is_some() || method == Method::Number) {
                entries.insert(0, nothing);
            }
            fallback
        };
        self.lookups.push(Lookup { name: Name::clone(&name), entries, otherwise, volatile: false, label });
        let value = Value { parts: vec![Part::Variable(name)] };
        let found = sample.test(&value, Matcher::Present);
        let answered = default.is_some() && method != Method::Network;
        let present = if answered { sample.present } else { Some(super::condition::all_of(sample.present.into_iter().chain([found]).collect())) };
        Sample { value, kind: output, many: sample.many, present, opaque: None }
    }

    /// Returns a name for a lookup: its own words, told apart by number where something may have changed between two uses.
    pub(super) fn lookup_name(&self, words: &str) -> Name {
        let taken = |name: &str| self.lookups.iter().any(|lookup| *lookup.name == *name);
        let mut name = words.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{words} #{number}");
            number += 1;
        }
        Name::from(name)
    }
}

/// Reads the name of a map converter: how keys match, whether `\1` in a value is a group, and what comes out.
fn kind(name: &str) -> Option<(Method, bool, Kind)> {
    let mut parts = name.split('_').skip(1);
    let (method, groups) = match parts.next() {
        None => (Method::Text, false),
        Some("regm") => (Method::Regex, true),
        Some(method) => (Method::named(method), false),
    };
    let known = !matches!(method, Method::Found | Method::Truth | Method::Length | Method::Verb | Method::Other);
    let output = match parts.next() {
        None | Some("str") => Kind::Text,
        Some("int") => Kind::Number,
        Some("ip") => Kind::Address,
        Some(_) => return None,
    };
    known.then_some((method, groups, output))
}

/// Returns the lines in the order in which they are tried; `None` where a key cannot be read.
fn ordered(method: Method, entries: Vec<Entry>) -> Option<Vec<Line>> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for entry in entries {
        let key = entry.key.to_string();
        let by_tree = matches!(method, Method::Text | Method::Begins | Method::Network);
        if by_tree && !seen.insert(key.clone()) {
            continue;
        }
        let (matcher, length) = match method {
            Method::Network => {
                let network = network(&key)?;
                (Matcher::Network(network), usize::from(network.bits()))
            }
            Method::Number => (Matcher::Number(ranges(&[(key, false)])?), 0),
            _ => (text_matcher(method, &key, false), key.len()),
        };
        lines.push(Line { matcher, length, entry });
    }
    if matches!(method, Method::Begins | Method::Network) {
        lines.sort_by_key(|line| Reverse(line.length));
    }
    Some(lines)
}

/// Returns `text` with `\1` as the first group of the key that matched.
pub(super) fn with_groups(text: &str) -> Value {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('\\', Some(next)) => {
                rest.next();
                match next.to_digit(10).and_then(|digit| u8::try_from(digit).ok()) {
                    Some(index) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(Arc::from(std::mem::take(&mut literal))));
                        }
                        parts.push(group(index));
                    }
                    None => literal.push(next),
                }
            }
            _ => literal.push(c),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(Arc::from(literal)));
    }
    Value { parts }
}
