//! `map`: a text looked up in a table.
//!
//! nginx: `ngx_http_map_block`, `ngx_http_map_variable`, `ngx_http_map_find`.

use super::super::Directive;
use super::Lowering;
use super::scope::Scope;
use super::variable::regex;
use crate::model::{Lookup, LookupEntry, Matcher, Name, Test, Value};
use std::cmp::Reverse;
use std::sync::Arc;

impl Lowering<'_> {
    /// Lowers a `map` block.
    ///
    /// nginx: `ngx_http_map_find`: whole keys without case, then with `hostnames` the longest `*.name`, then the longest `name.*`, then regexes in
    /// file order, then `default`, which is empty when not written.
    pub(super) fn lower_map(&mut self, directive: &Directive, http: &Scope<'_>) {
        let (Some(source), Some(variable)) = (directive.arg(0), directive.arg(1).and_then(|word| word.strip_prefix('$'))) else { return };
        let subject = self.value(source, http, &directive.head);
        let block = directive.inside();
        let hostnames = block.iter().any(|entry| entry.name() == "hostnames" && entry.args.is_empty());
        let volatile = block.iter().any(|entry| entry.name() == "volatile" && entry.args.is_empty());
        let mut otherwise = Value::default();
        let mut ranked: Vec<(Rank, LookupEntry)> = Vec::new();
        for entry in block {
            let (key, Some(text)) = (entry.name(), entry.args.first()) else { continue };
            let value = self.value(&text.text, http, &text.span);
            if key == "default" && !entry.name.quoted {
                otherwise = value;
                continue;
            }
            for (rank, matcher) in map_key(key, hostnames) {
                let when = Test { subject: subject.clone(), matcher };
                ranked.push((rank, LookupEntry { when, value: value.clone(), label: entry.label() }));
            }
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let entries = ranked.into_iter().map(|(_, entry)| entry).collect();
        self.lookups.push(Lookup { name: Name::from(variable.to_ascii_lowercase()), entries, otherwise, volatile, label: directive.label() });
    }
}

/// The order in which `map` looks: smaller first, and file order among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Exact,
    Leading(Reverse<usize>),
    Trailing(Reverse<usize>),
    Regex,
}

fn map_key(key: &str, hostnames: bool) -> Vec<(Rank, Matcher)> {
    if let Some(pattern) = key.strip_prefix('~') {
        let (pattern, caseless) = pattern.strip_prefix('*').map_or((pattern, false), |pattern| (pattern, true));
        return vec![(Rank::Regex, Matcher::Regex(regex(pattern, caseless)))];
    }
    // A backslash lets a key begin with `~`, or be one of the words that mean something.
    let key = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
    let exact = |text: &str| (Rank::Exact, Matcher::Equals { text: Value::literal(text), caseless: true });
    let suffix = |text: &str| (Rank::Leading(Reverse(text.len())), Matcher::Suffix { text: Arc::from(text), caseless: true });
    if hostnames {
        if let Some(tail) = key.strip_prefix('*').filter(|tail| tail.starts_with('.')) {
            return vec![suffix(tail)];
        }
        if let Some(name) = key.strip_prefix('.') {
            return vec![exact(name), suffix(&key)];
        }
        if let Some(head) = key.strip_suffix('*').filter(|head| head.ends_with('.')) {
            return vec![(Rank::Trailing(Reverse(head.len())), Matcher::Prefix { text: Arc::from(head), caseless: true })];
        }
    }
    vec![exact(&key)]
}
