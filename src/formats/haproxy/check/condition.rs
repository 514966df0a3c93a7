//! Conditions: named ACLs, anonymous ones, and what they test.

use super::super::keywords::{self, List};
use super::super::syntax::{Line, Section, Word};
use super::{Check, REFUSES};
use crate::formats::pattern::never_begins;
use crate::formats::source::has_hole;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// ACLs that HAProxy defines itself (HAProxy: `src/acl.c`, `default_acl_list`).
const PREDEFINED: &[&str] = &[
    "TRUE",
    "FALSE",
    "LOCALHOST",
    "HTTP",
    "HTTP_1.0",
    "HTTP_1.1",
    "HTTP_2.0",
    "HTTP_3.0",
    "HTTP_CONTENT",
    "HTTP_URL_ABS",
    "HTTP_URL_SLASH",
    "HTTP_URL_STAR",
    "METH_CONNECT",
    "METH_DELETE",
    "METH_GET",
    "METH_HEAD",
    "METH_OPTIONS",
    "METH_POST",
    "METH_PUT",
    "METH_TRACE",
    "RDP_COOKIE",
    "REQ_CONTENT",
    "WAIT_END",
];

/// Keywords whose lines may end in a condition.
const CONDITIONAL: &[&str] = &[
    "use_backend",
    "use-server",
    "http-request",
    "http-response",
    "http-after-response",
    "tcp-request",
    "tcp-response",
    "redirect",
    "block",
    "monitor",
    "stick",
    "force-persist",
    "ignore-persist",
    "stats",
    "quic-initial",
];

/// How a pattern may be matched.
const MATCHERS: &[&str] = &["found", "bool", "int", "ip", "bin", "len", "str", "beg", "sub", "dir", "dom", "end", "reg"];

/// Values that are addresses.
const ADDRESSES: &[&str] = &["src", "dst", "fc_src", "fc_dst", "bc_src", "bc_dst"];

/// Values that are whole numbers.
const NUMBERS: &[&str] = &["dst_port", "src_port", "nbsrv", "status", "fe_conn", "be_conn", "so_id"];

/// Returns the words of the condition of `line`, after `if` or `unless`; `None` when it has none.
pub(super) fn of(line: &Line) -> Option<&[Word]> {
    let at = line.words.iter().position(|word| matches!(&*word.text, "if" | "unless")).filter(|at| *at >= 1)?;
    line.words.get(at + 1..)
}

impl<'a> Check<'a> {
    /// Checks the conditions of `section`. An ACL must stand above the line that uses it (HAProxy: `src/acl.c`, `parse_acl_cond`).
    pub(super) fn conditions(&mut self, section: &'a Section) {
        let mut defined: BTreeSet<&str> = BTreeSet::new();
        let holed = section.lines.iter().any(|line| line.keyword() == "acl" && line.arg(0).is_none_or(|word| has_hole(&word.text)));
        for line in &section.lines {
            if line.keyword() == "acl" {
                defined.extend(line.arg(0).map(|word| &*word.text));
                self.expression(line.words.get(2..).unwrap_or_default());
            } else if CONDITIONAL.contains(&line.keyword())
                && let Some(words) = of(line)
            {
                self.condition(words, section, &defined, holed);
            }
        }
    }

    fn condition(&mut self, words: &'a [Word], section: &Section, defined: &BTreeSet<&str>, holed: bool) {
        let mut rest = words;
        while let Some((word, after)) = rest.split_first() {
            rest = after;
            let name = word.text.trim_start_matches('!');
            if name == "{" {
                let Some(close) = rest.iter().position(|word| &*word.text == "}") else {
                    if !rest.iter().any(|word| has_hole(&word.text)) {
                        let help = format!("end it with ` }}`, a blank before it; {REFUSES}");
                        self.refuse(&word.span, "this `{` has no `}`".to_owned(), help);
                    }
                    return;
                };
                let inside = rest.get(..close).unwrap_or_default();
                if let Some(empty) = inside.iter().find(|word| word.text.is_empty()) {
                    let help = format!("write what is meant, or take it out: HAProxy reads no further; {REFUSES}");
                    self.refuse(&empty.span, "an empty word stands in this condition".to_owned(), help);
                }
                if inside.is_empty() {
                    self.refuse(&word.span, "this condition is empty".to_owned(), format!("write what it tests, or take it out; {REFUSES}"));
                }
                self.expression(inside);
                rest = rest.get(close + 1..).unwrap_or_default();
            } else if !(name.is_empty() || word.is_or() || has_hole(name) || defined.contains(name) || PREDEFINED.contains(&name)) {
                return self.no_such_acl((word, name), section, defined, holed);
            }
        }
    }

    fn no_such_acl(&mut self, (word, name): (&Word, &str), section: &Section, defined: &BTreeSet<&str>, holed: bool) {
        if name.starts_with('{') || name.ends_with('}') {
            let help = format!("write blanks around the braces: `{{ … }}`; {REFUSES}");
            return self.refuse(&word.span, format!("`{name}` is read as the name of an ACL"), help);
        }
        if matches!(name.to_ascii_lowercase().as_str(), "and" | "&&") {
            let help = format!("leave it out: terms that follow each other must all hold; {REFUSES}");
            return self.refuse(&word.span, format!("`{name}` is read as the name of an ACL"), help);
        }
        if holed || self.is_full() {
            return;
        }
        let below = section.lines.iter().find(|line| line.keyword() == "acl" && line.arg(0).is_some_and(|word| &*word.text == name));
        let help = match (below, self.near(name, defined.iter().copied().chain(PREDEFINED.iter().copied()))) {
            (Some(_), _) => format!("move the line `acl {name} …` above this one; {REFUSES}"),
            (None, Some(meant)) => format!("did you mean `{meant}`? {REFUSES}"),
            (None, None) => format!("write an `acl {name} …` above this line, in this section; {REFUSES}"),
        };
        let place = if below.is_some() { "above this line" } else { "in this section" };
        self.dangling(&word.span, format!("there is no ACL `{name}` {place}"), help);
        if let Some(below) = below {
            self.related(&word.span, &below.span, "it stands below");
        }
    }

    /// Checks a test: what is looked at, flags, patterns.
    fn expression(&mut self, words: &[Word]) {
        let Some((subject, mut rest)) = words.split_first() else { return };
        if words.iter().any(|word| has_hole(&word.text)) {
            return;
        }
        self.sample(subject, &subject.text);
        let mut matcher = None;
        let mut files = false;
        while let Some((flag, after)) = rest.split_first().filter(|(flag, _)| flag.text.starts_with('-')) {
            let taken = match &*flag.text {
                "--" => {
                    rest = after;
                    break;
                }
                "-i" | "-n" | "-M" => 0,
                "-f" | "-u" => 1,
                "-m" => {
                    matcher = after.first();
                    1
                }
                other => {
                    let help = format!("write `--` before patterns that begin with `-`; {REFUSES}");
                    return self.refuse(&flag.span, format!("`{other}` is no flag of an ACL"), help);
                }
            };
            files |= &*flag.text == "-f";
            rest = after.get(taken..).unwrap_or_default();
        }
        match matcher {
            Some(name) if !MATCHERS.contains(&&*name.text) => {
                let help = format!("HAProxy knows {}; {REFUSES}", MATCHERS.join(", "));
                self.refuse(&name.span, format!("there is no way to match called `{}`", name.text), help);
            }
            None if ADDRESSES.contains(&&*subject.text) => rest.iter().for_each(|word| self.network(word)),
            None if NUMBERS.contains(&subject.text.split('(').next().unwrap_or_default()) && !files => self.numbers(rest),
            None if !files => self.paths(&subject.text, rest),
            Some(_) | None => {}
        }
    }

    /// Patterns for paths that no path matches.
    fn paths(&mut self, subject: &str, patterns: &[Word]) {
        for word in patterns {
            let text = &*word.text;
            match subject {
                "path_reg" | "url_reg" if text.is_empty() => {
                    let message = "HAProxy takes an empty pattern for none: this condition never holds".to_owned();
                    self.warn(&word.span, message, "write the pattern that is meant, or take the condition out".to_owned());
                }
                "path_reg" if never_begins(text) => {
                    let message = format!("`{text}` matches no request: every path begins with `/`");
                    self.warn(&word.span, message, "write the `/` that every path begins with, or leave the `^` out".to_owned());
                }
                "path" | "path_beg" if text.starts_with(['^', '~']) || text.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                    let help = if text.starts_with(['^', '~']) {
                        "write `path_reg` for a regular expression"
                    } else {
                        "write the `/` that every path begins with"
                    };
                    self.warn(&word.span, format!("`{text}` matches no request: every path begins with `/`"), help.to_owned());
                }
                "path" | "path_beg" if text.ends_with("/*") => {
                    let message = format!("`{text}` asks for a `*` in the path: it stands for nothing else here");
                    self.warn(&word.span, message, format!("write `path_beg {}`", text.trim_end_matches('*')));
                }
                _ => {}
            }
        }
    }

    /// Reports an address that is none. A name is resolved by HAProxy.
    fn network(&mut self, word: &Word) {
        let text = &*word.text;
        let (address, mask) = text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let fits = |most: u8| mask.is_none_or(|mask| mask.parse::<u8>().is_ok_and(|mask| mask <= most));
        let dotted = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let wrong = if dotted {
            let short = address.split('.').count() < 4;
            let masked = mask.is_some_and(|mask| mask.parse::<Ipv4Addr>().is_ok());
            !short && !(address.parse::<Ipv4Addr>().is_ok() && (fits(32) || masked))
        } else {
            address.parse::<Ipv6Addr>().is_ok() && !fits(128)
        };
        if wrong {
            self.refuse(&word.span, format!("`{text}` is no address or network"), format!("correct it; {REFUSES}"));
        }
    }

    fn numbers(&mut self, words: &[Word]) {
        for word in words {
            let text = &*word.text;
            let operator = matches!(text, "eq" | "ge" | "gt" | "le" | "lt" | "ne");
            if !operator && !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | '.')) {
                self.refuse(
                    &word.span,
                    format!("`{text}` is no number"),
                    format!("write a number, a range such as `1:5`, or `eq`, `lt`, `gt` before one; {REFUSES}"),
                );
            }
        }
    }

    /// Checks an expression that computes a value: `fetch(…),converter(…)`. `text` is part of `word`.
    pub(super) fn sample(&mut self, word: &Word, text: &str) {
        let mut depth = 0_usize;
        let mut starts = vec![0];
        for (at, char) in text.char_indices() {
            match char {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => starts.push(at + 1),
                _ => {}
            }
        }
        if text.contains('(') && !text.contains(')') {
            return self.refuse(&word.span, format!("`{text}` lacks a `)`"), format!("close it; {REFUSES}"));
        }
        for (index, start) in starts.into_iter().enumerate() {
            let part = text.get(start..).unwrap_or_default();
            let name = part.split(['(', ',', ')', ' ']).next().unwrap_or_default();
            let (list, what) = if index == 0 { (List::Fetch, "test") } else { (List::Converter, "converter") };
            if name.is_empty() || keywords::has(list, name) {
                continue;
            }
            // One slip only: later versions know many short names that ours does not.
            let meant = self.near(name, keywords::list(list)).filter(|meant| meant.len().abs_diff(name.len()) <= 1);
            if let Some(meant) = meant {
                let help = format!("did you mean `{meant}`? HAProxy refuses a word it does not know");
                self.refuse(&word.span, format!("there is no {what} `{name}`"), help);
            }
        }
    }
}
