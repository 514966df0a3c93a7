//! `http-request` and its kin: actions, their arguments, and rules that are never reached.

use super::super::keywords::{self, List};
use super::super::syntax::{Line, Section, SectionKind, Word};
use super::{Check, REFUSES, condition, first, is_holed};
use crate::formats::pattern::groups;
use crate::formats::source::has_hole;
use std::collections::BTreeMap;

/// Actions with the number of words that follow each before its condition.
const TAKES: &[(&str, usize)] = &[
    ("add-header", 2),
    ("replace-header", 3),
    ("replace-path", 2),
    ("replace-pathq", 2),
    ("replace-uri", 2),
    ("replace-value", 3),
    ("set-header", 2),
    ("set-method", 1),
    ("set-path", 1),
    ("set-pathq", 1),
    ("set-query", 1),
    ("set-uri", 1),
];

/// Actions after which no further rule of the section is tried.
const FINAL: &[&str] = &["allow", "deny", "redirect", "reject", "return", "tarpit", "auth", "use-service"];

/// Where variables live (HAProxy: `src/vars.c`, `register_name`).
const SCOPES: &[&str] = &["proc", "sess", "txn", "req", "res", "check"];

impl<'a> Check<'a> {
    /// Checks the rules of `section`, which speaks `mode`.
    pub(super) fn rules(&mut self, section: &'a Section, mode: Option<&str>) {
        let mut finals: BTreeMap<&str, &Line> = BTreeMap::new();
        let tcp = section.kind != SectionKind::Defaults && mode == Some("tcp");
        for line in &section.lines {
            let keyword = line.keyword();
            let list = match keyword {
                "http-request" => List::HttpRequest,
                "http-response" => List::HttpResponse,
                "http-after-response" => List::HttpAfterResponse,
                "tcp-request" => {
                    self.on_connections(line, section);
                    continue;
                }
                "redirect" => {
                    self.redirect(line, 1);
                    continue;
                }
                "use_backend" => {
                    self.samples(line);
                    continue;
                }
                _ => continue,
            };
            let Some(action) = line.arg(0) else {
                self.refuse(first(line), format!("`{keyword}` has no action"), format!("write one, such as `deny`; {REFUSES}"));
                continue;
            };
            if has_hole(&action.text) {
                continue;
            }
            if tcp && self.config.complete {
                let message = format!("`{keyword}` does nothing here: `{} {}` is not in mode `http`", section.head.keyword(), section.name.text);
                self.warn(first(line), message, "add `mode http` to the section, or to its `defaults`".to_owned());
            }
            self.action(line, action, list);
            match finals.get(keyword) {
                Some(last) => {
                    let help = "give the rule above a condition, or take this one out".to_owned();
                    self.warn(first(line), format!("this rule is never reached: an unconditional `{keyword}` stands above it"), help);
                    self.related(first(line), &last.span, "every request ends here");
                }
                None if FINAL.contains(&&*action.text) && condition::of(line).is_none() && !is_holed(line) => {
                    finals.insert(keyword, line);
                }
                None => {}
            }
        }
    }

    /// Rules on connections and sessions come before any backend is chosen (HAProxy: `src/tcp_rules.c`, `tcp_parse_tcp_req`).
    fn on_connections(&mut self, line: &Line, section: &Section) {
        if let Some(word) = line.arg(0).filter(|word| section.kind == SectionKind::Backend && matches!(&*word.text, "connection" | "session")) {
            let message = format!("`tcp-request {}` may not stand in `backend`", word.text);
            self.refuse(&word.span, message, format!("it may stand in `frontend` and `listen`; {REFUSES}"));
        }
    }

    fn action(&mut self, line: &Line, action: &Word, list: List) {
        let name = action.text.split('(').next().unwrap_or_default();
        if !keywords::has(list, name) {
            let word = Word { text: name.into(), span: action.span.clone() };
            return self.no_such_word(&word, list, "action");
        }
        if is_holed(line) {
            return;
        }
        match name {
            "redirect" => self.redirect(line, 2),
            "deny" | "tarpit" => self.status(line),
            "set-var" | "set-var-fmt" | "unset-var" => self.variable(action),
            "replace-path" | "replace-pathq" | "replace-uri" => self.replaced(line, 1),
            "replace-header" | "replace-value" => self.replaced(line, 2),
            _ => {}
        }
        if let Some((_, wanted)) = TAKES.iter().find(|(known, _)| *known == name) {
            let rest = line.words.get(2..).unwrap_or_default();
            let given = rest.iter().skip(*wanted).position(|word| matches!(&*word.text, "if" | "unless")).map_or(rest.len(), |at| at + wanted);
            if given < *wanted {
                let message = format!("`{name}` takes {wanted} argument{}, and has {given}", if *wanted == 1 { "" } else { "s" });
                self.refuse(&action.span, message, format!("write what is missing; {REFUSES}"));
            } else if let Some(extra) = rest.get(*wanted).filter(|_| given > *wanted) {
                let message = format!("`{}` stands where `{name}` ends or has `if` or `unless`", extra.text);
                self.refuse(&extra.span, message, format!("put blanks into quotes, or take it out; {REFUSES}"));
            }
        }
        self.samples(line);
    }

    /// `redirect location|prefix|scheme X [code N] …`; `from` is where its words begin (HAProxy: `src/http_rules.c`, `http_parse_redirect_rule`).
    fn redirect(&mut self, line: &Line, from: usize) {
        if is_holed(line) {
            return;
        }
        let mut rest = line.words.iter().skip(from);
        let mut target = false;
        while let Some(word) = rest.next() {
            match &*word.text {
                "if" | "unless" => break,
                "location" | "prefix" | "scheme" => {
                    target = true;
                    if rest.next().is_none() {
                        return self.refuse(&word.span, format!("`{}` has no value", word.text), format!("write where to go; {REFUSES}"));
                    }
                }
                "set-cookie" | "clear-cookie" | "set-cookie-fmt" => {
                    rest.next();
                }
                "drop-query" | "append-slash" | "keep-query" | "ignore-empty" => {}
                "code" => {
                    let Some(code) = rest.next() else { break };
                    if !matches!(&*code.text, "301" | "302" | "303" | "307" | "308") {
                        let help = format!("write 301, 302, 303, 307 or 308; {REFUSES}");
                        return self.refuse(&code.span, format!("`{}` is no status of a redirect", code.text), help);
                    }
                }
                other => {
                    let help = format!("it takes `location`, `prefix` or `scheme`, `code`, `drop-query`, `append-slash`, and cookies; {REFUSES}");
                    return self.refuse(&word.span, format!("`redirect` does not take `{other}`"), help);
                }
            }
        }
        if !target {
            self.refuse(first(line), "this redirect leads nowhere".to_owned(), format!("write `location`, `prefix` or `scheme`; {REFUSES}"));
        }
    }

    /// A text that asks for a group which the pattern before it, argument `at`, does not have: HAProxy puts nothing there.
    fn replaced(&mut self, line: &Line, at: usize) {
        let (Some(pattern), Some(text)) = (line.arg(at), line.arg(at + 1)) else { return };
        let Some(have) = groups(&pattern.text) else { return };
        let wanted = text.text.split('\\').skip(1).filter_map(|after| after.chars().next()?.to_digit(10));
        if let Some(wanted) = wanted.filter(|wanted| *wanted > have).max() {
            let count = if have == 0 { "no group".to_owned() } else { format!("only {have} of them") };
            let help = "put `(` and `)` around the part that is meant, or correct the number".to_owned();
            self.warn(&text.span, format!("`\\{wanted}` is always empty here: the pattern has {count}"), help);
        }
    }

    fn status(&mut self, line: &Line) {
        let at = line.words.iter().position(|word| matches!(&*word.text, "deny_status" | "status"));
        let Some(word) = at.and_then(|at| line.words.get(at + 1)) else { return };
        if !word.text.parse::<u16>().is_ok_and(|status| (200..=599).contains(&status)) {
            self.refuse(&word.span, format!("`{}` is no status to deny with", word.text), format!("write one such as 403 or 429; {REFUSES}"));
        }
    }

    /// `set-var(scope.name)`.
    fn variable(&mut self, action: &Word) {
        let Some((_, inside)) = action.text.split_once('(') else { return };
        let name = inside.split([',', ')']).next().unwrap_or_default();
        let scope = name.split_once('.').map(|(scope, _)| scope);
        if !scope.is_some_and(|scope| SCOPES.contains(&scope)) {
            let help = format!("begin it with `proc.`, `sess.`, `txn.`, `req.` or `res.`; {REFUSES}");
            self.refuse(&action.span, format!("the variable `{name}` does not say how long it lives"), help);
        }
    }

    /// Checks each `%[…]` of the line.
    fn samples(&mut self, line: &Line) {
        for word in line.words.iter().filter(|word| word.text.contains("%[") && !has_hole(&word.text)) {
            let mut rest = &*word.text;
            while let Some((before, after)) = rest.split_once("%[") {
                rest = after;
                if before.ends_with('%') {
                    continue;
                }
                let Some((inside, tail)) = after.split_once(']') else {
                    self.refuse(&word.span, "this `%[` has no `]`".to_owned(), format!("close it; {REFUSES}"));
                    return;
                };
                // A regular expression may hold a bracket of its own: then this is not the end.
                if inside.matches('(').count() == inside.matches(')').count() {
                    self.sample(word, inside);
                }
                rest = tail;
            }
        }
    }
}
