//! `if` and `unless`: terms joined by "and", parted by `or`.
//!
//! HAProxy: `parse_acl_cond`, `configuration.txt` 7.2: conditions are joined by "and" unless `or` or `||` stands between; `!` negates one term.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::fetch::never;
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Condition, Opaque, Value};
use std::sync::Arc;

/// ACLs that are always there, with what they stand for (`configuration.txt` 7.4, `default_acl_list`).
const PREDEFINED: &[(&str, &[&str])] = &[
    ("TRUE", &["always_true"]),
    ("FALSE", &["always_false"]),
    ("LOCALHOST", &["src", "127.0.0.1/8", "::1"]),
    ("HTTP", &["req.proto_http"]),
    ("HTTP_1.0", &["req.ver", "1.0"]),
    ("HTTP_1.1", &["req.ver", "1.1"]),
    ("HTTP_2.0", &["req.ver", "2.0"]),
    ("METH_CONNECT", &["method", "CONNECT"]),
    ("METH_DELETE", &["method", "DELETE"]),
    ("METH_GET", &["method", "GET", "HEAD"]),
    ("METH_HEAD", &["method", "HEAD"]),
    ("METH_OPTIONS", &["method", "OPTIONS"]),
    ("METH_POST", &["method", "POST"]),
    ("METH_PUT", &["method", "PUT"]),
    ("METH_TRACE", &["method", "TRACE"]),
    ("HTTP_URL_ABS", &["url_reg", "^[^/:]*://"]),
    ("HTTP_URL_SLASH", &["url_beg", "/"]),
    ("HTTP_URL_STAR", &["url", "*"]),
    ("HTTP_CONTENT", &["req.hdr_val(content-length)", "gt", "0"]),
    ("RDP_COOKIE", &["req.rdp_cookie_cnt", "gt", "0"]),
    ("REQ_CONTENT", &["req.len", "gt", "0"]),
    ("WAIT_END", &["wait_end"]),
];

impl Lowering<'_, '_> {
    /// Returns when the rule of `line` is taken, and the words before its `if` or `unless`.
    pub(super) fn split_condition<'w>(&mut self, proxy: &Proxy<'_>, line: &'w Line) -> (&'w [Word], Condition) {
        let at = line.words.iter().position(|word| matches!(&*word.text, "if" | "unless"));
        let Some((before, [keyword, terms @ ..])) = at.and_then(|at| line.words.split_at_checked(at)) else {
            return (&line.words, Condition::Always);
        };
        let condition = self.lower_terms(proxy, terms);
        (before, if *keyword.text == *"unless" { condition.negated() } else { condition })
    }

    /// Returns the condition that `terms` are.
    fn lower_terms(&mut self, proxy: &Proxy<'_>, terms: &[Word]) -> Condition {
        let mut alternatives = Vec::new();
        let mut all = Vec::new();
        let mut negated = false;
        let mut rest = terms;
        while let [word, after @ ..] = rest {
            rest = after;
            if word.is_or() {
                alternatives.push(std::mem::take(&mut all));
                continue;
            }
            let mut text = &*word.text;
            while let Some(positive) = text.strip_prefix('!') {
                negated = !negated;
                text = positive;
            }
            if text.is_empty() {
                continue;
            }
            let term = if text == "{" {
                let length = rest.iter().position(|word| *word.text == *"}").unwrap_or(rest.len());
                let (inside, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                rest = after.get(1..).unwrap_or_default();
                self.lower_test(proxy, inside)
            } else {
                self.lower_named(proxy, text, word)
            };
            all.push(if std::mem::take(&mut negated) { term.negated() } else { term });
        }
        alternatives.push(all);
        any(alternatives.into_iter().map(all_of).collect())
    }

    /// Returns what the ACL called `name` stands for: one of its lines holds.
    fn lower_named(&mut self, proxy: &Proxy<'_>, name: &str, word: &Word) -> Condition {
        let own = proxy.run(|line| line.keyword() == "acl" && line.arg(0).is_some_and(|have| *have.text == *name));
        if !own.is_empty() {
            let tests = own.into_iter().map(|line| self.lower_test(proxy, line.words.get(2..).unwrap_or_default()));
            return any(tests.collect());
        }
        if let Some((_, words)) = PREDEFINED.iter().find(|(known, _)| *known == name) {
            let words: Vec<Word> = words.iter().map(|text| Word { text: Arc::from(*text), span: word.span.clone() }).collect();
            return self.lower_test(proxy, &words);
        }
        // HAProxy refuses the whole configuration where a name is nowhere; what a template makes of it is another matter.
        Condition::Opaque(Opaque { text: Arc::from(format!("the ACL `{}` holds", shown(name))), input: Value::default() })
    }
}

/// Returns the condition that all of `all` hold; what always holds is left out.
pub(super) fn all_of(mut all: Vec<Condition>) -> Condition {
    all.retain(|one| !matches!(one, Condition::Always));
    if all.contains(&never()) {
        return never();
    }
    match all.len() {
        0 => Condition::Always,
        1 => all.pop().unwrap_or(Condition::Always),
        _ => Condition::All(all),
    }
}

/// Returns the condition that one of `any` holds; what never holds is left out.
pub(super) fn any(mut any: Vec<Condition>) -> Condition {
    any.retain(|one| *one != never());
    if any.contains(&Condition::Always) {
        return Condition::Always;
    }
    if any.len() == 1 { any.pop().unwrap_or(Condition::Always) } else { Condition::Any(any) }
}
