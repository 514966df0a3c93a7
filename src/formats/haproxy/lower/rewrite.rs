//! Rules that change the path or the query.
//!
//! HAProxy: `http_action_set_req_line`, `http_action_replace_uri`: what a `replace-…` pattern is found in becomes the new text as a whole, not only the part
//! that was found. `set-path` keeps the query, `set-pathq` and `set-uri` replace it.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::fetch::pcre;
use super::rules::Effect;
use super::settings::Proxy;
use crate::model::{Action, Condition, Converter, Field, Matcher, Normalizer, Part, QueryEdit, Value};
use std::sync::Arc;

/// The actions that change what a server is asked for.
pub(super) const REWRITES: &[&str] =
    &["set-path", "set-pathq", "set-query", "set-uri", "replace-path", "replace-pathq", "replace-uri", "normalize-uri"];

/// Returns whether a rule changes the `Host` header.
pub(super) fn changes_host(line: &Line) -> bool {
    let action = line.arg(0).map(|word| &*word.text).unwrap_or_default();
    let host = line.arg(1).is_some_and(|word| word.text.eq_ignore_ascii_case("host"));
    line.keyword() == "http-request" && host && action.ends_with("-header") || action == "replace-value" && host
}

/// Returns the form that `normalize-uri NAME` brings a URI in, and whether it looks at the query and at the path; `None` for one that is not read, and for
/// `strict` ones, which refuse. What is behind a `#` never gets here.
fn normalizer(args: &[Word]) -> Option<(Option<Normalizer>, bool, bool)> {
    let words: Vec<&str> = args.iter().map(|word| &*word.text).collect();
    Some(match words.as_slice() {
        ["path-merge-slashes"] => (Some(Normalizer::MergeSlashes), true, false),
        ["path-strip-dot"] => (Some(Normalizer::StripDot), true, false),
        ["path-strip-dotdot"] => (Some(Normalizer::StripDotDot { full: false }), true, false),
        ["path-strip-dotdot", "full"] => (Some(Normalizer::StripDotDot { full: true }), true, false),
        ["percent-decode-unreserved"] => (Some(Normalizer::DecodeUnreserved), true, true),
        ["percent-to-uppercase"] => (Some(Normalizer::UppercaseEscapes), true, true),
        ["query-sort-by-name"] => (Some(Normalizer::SortQuery), false, true),
        ["fragment-strip" | "fragment-encode"] => (None, false, false),
        _ => return None,
    })
}

impl Lowering<'_, '_> {
    /// `normalize-uri NAME`.
    pub(super) fn lower_normalize(&mut self, line: &Line, args: &[Word]) -> Effect {
        let Some((form, path, query)) = normalizer(args) else { return self.unread(line, "normalize-uri") };
        let Some(form) = form else { return Effect::Nothing };
        let of = |field: Field| super::fetch::converted(Value::field(field), Converter::Normalize(form));
        let edit = if query { QueryEdit::Marked(of(Field::Query)) } else { QueryEdit::Keep };
        Effect::Change(Condition::Always, vec![Action::Rewrite { path: path.then(|| of(Field::Path)), query: edit, label: Some(line.label()) }])
    }

    /// `set-path FORMAT`, `replace-path PATTERN FORMAT` and their kin.
    pub(super) fn lower_rewrite(&mut self, proxy: &Proxy<'_>, line: &Line, action: &str, args: &[Word]) -> Effect {
        let Some(first) = args.first() else { return Effect::Nothing };
        let label = Some(line.label());
        let (guard, value) = if action.starts_with("replace-") {
            let Some(with) = args.get(1) else { return Effect::Nothing };
            let subject = if action == "replace-path" { Field::Path } else { Field::Url };
            let found = Condition::test(Value::field(subject), Matcher::Regex(pcre(&first.text, false)));
            (found, self.replacement(proxy, with))
        } else {
            (Condition::Always, self.lower_format(proxy, first))
        };
        let (path, query) = match action {
            "set-query" => (None, QueryEdit::Marked(value)),
            "set-path" | "replace-path" => (Some(value), QueryEdit::Keep),
            _ => {
                if action.ends_with("-uri") && !is_path(&value) {
                    return self.unread(line, action);
                }
                let (path, query) = parted(value);
                (Some(path), query)
            }
        };
        Effect::Change(guard, vec![Action::Rewrite { path, query, label }])
    }
}

/// Whether a new URL is a path; one with a scheme and a host is not followed. What a pattern found in a path is taken for one.
fn is_path(value: &Value) -> bool {
    match value.parts.first() {
        Some(Part::Literal(text)) => text.starts_with('/'),
        Some(Part::Field(Field::Path | Field::Url) | Part::Capture(_)) => true,
        _ => false,
    }
}

/// Returns the new path and what becomes of the query, for a text that is both; where it is not plain where its first `?` stands, the text as it is.
fn parted(value: Value) -> (Value, QueryEdit) {
    let mut path = Vec::new();
    let mut parts = value.parts.iter();
    while let Some(part) = parts.next() {
        match part {
            Part::Literal(text) => match text.split_once('?') {
                Some((before, after)) => {
                    if after.is_empty() {
                        return (value, QueryEdit::FromPath);
                    }
                    path.push(Part::Literal(Arc::from(before)));
                    let query = std::iter::once(Part::Literal(Arc::from(after))).chain(parts.cloned());
                    return (Value { parts: path }, QueryEdit::Replace(Value { parts: query.collect() }));
                }
                None => path.push(part.clone()),
            },
            // The path holds no question mark.
            Part::Field(Field::Path) => path.push(part.clone()),
            _ => return (value, QueryEdit::FromPath),
        }
    }
    (Value { parts: path }, QueryEdit::Replace(Value::default()))
}
