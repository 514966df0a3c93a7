//! Lines: keywords in their sections, and the arguments of the simple ones.

use super::super::keywords::{self, List, Standing};
use super::super::syntax::{Line, Section, SectionKind};
use super::number::{self, Time};
use super::{Check, REFUSES, first, is_holed, literal};
use crate::formats::source::{has_hole, shown};

/// What `no` may stand before (HAProxy: `src/cfgparse.c`, `readcfgfile`); later versions know more in `global`.
const NEGATABLE: &[&str] =
    &["option", "log", "busy-polling", "set-dumpable", "strict-limits", "insecure-fork-wanted", "numa-cpu-mapping", "prealloc-fd"];

/// Options that `no` may not stand before.
const FIXED_OPTIONS: &[&str] = &[
    "external-check",
    "forwardfor",
    "httpchk",
    "httplog",
    "httpslog",
    "ldap-check",
    "mysql-check",
    "originalto",
    "pgsql-check",
    "redis-check",
    "smtpchk",
    "spop-check",
    "ssl-hello-chk",
    "tcp-check",
    "tcplog",
];

/// What a proxy may speak.
const MODES: &[&str] = &["http", "tcp", "log", "spop", "haterm", "health"];

/// How a member may be chosen.
const BALANCING: &[&str] =
    &["roundrobin", "static-rr", "first", "leastconn", "source", "uri", "url_param", "random", "hash", "sticky", "log-hash", "hdr", "rdp-cookie"];

impl<'a> Check<'a> {
    /// Checks the lines of `section`, which speaks `mode`.
    pub(super) fn lines(&mut self, section: &'a Section, mode: Option<&str>) {
        for line in &section.lines {
            if has_hole(line.keyword()) {
                continue;
            }
            if matches!(line.keyword(), "no" | "default") {
                self.negated(line);
            } else if self.stands(line, section) {
                self.arguments(line, section);
            }
        }
        if section.kind != SectionKind::Other {
            self.conditions(section);
            self.servers(section);
            self.neighbours(section);
            self.rules(section, mode);
        }
    }

    fn negated(&mut self, line: &Line) {
        let (keyword, Some(word)) = (line.keyword(), line.arg(0)) else { return };
        if has_hole(&word.text) {
            return;
        }
        if !NEGATABLE.contains(&&*word.text) {
            let message = format!("`{keyword}` may not stand before `{}`", word.text);
            self.refuse(first(line), message, format!("it may stand before `option` and `log`; {REFUSES}"));
        } else if &*word.text == "option" {
            match line.arg(1) {
                Some(option) if FIXED_OPTIONS.contains(&&*option.text) => {
                    let message = format!("`option {}` cannot be taken back with `{keyword}`", option.text);
                    self.refuse(&option.span, message, format!("take the line out, or give the section a `defaults` without the option; {REFUSES}"));
                }
                Some(option) if !has_hole(&option.text) && !keywords::has(List::Option, &option.text) => {
                    self.no_such_word(option, List::Option, "option");
                }
                Some(_) | None => {}
            }
        }
    }

    /// Returns whether the keyword may stand in the section, and says so where it may not.
    fn stands(&mut self, line: &Line, section: &Section) -> bool {
        let keyword = line.keyword();
        let kind = section.head.keyword();
        match keywords::standing(keyword, section) {
            Some(Standing::Allowed) => {
                self.gone(line);
                return true;
            }
            Some(Standing::Ignored) => {
                let message = format!("`{keyword}` does nothing in `{kind}`");
                self.warn(first(line), message, format!("it may stand in {}", keywords::places(keyword).join(", ")));
            }
            Some(Standing::NeedsName) => {
                let message = format!("`{keyword}` may not stand in a `defaults` without a name");
                self.refuse(first(line), message, format!("give the section a name, or move the line to the sections it is for; {REFUSES}"));
            }
            Some(Standing::Refused) => {
                let message = format!("`{keyword}` may not stand in `{kind}`");
                self.refuse(first(line), message, format!("it may stand in {}", keywords::places(keyword).join(", ")));
            }
            None => return self.unknown_keyword(line, section),
        }
        false
    }

    /// A keyword of an earlier version. Which version is in use is not in the file.
    fn gone(&mut self, line: &Line) {
        if let Some((since, instead)) = keywords::gone(line.keyword()) {
            let message = format!("HAProxy {since} and later refuse `{}`", line.keyword());
            self.warn(first(line), message, format!("write `{instead}` in its place"));
        }
    }

    /// A keyword that the tables of `global` and the proxies do not have. Returns whether its arguments can be looked at all the same.
    fn unknown_keyword(&mut self, line: &Line, section: &Section) -> bool {
        let known = keywords::of_section(section);
        let (Some(word), kind) = (line.words.first(), section.head.keyword()) else { return false };
        if known.is_empty() || known.contains(&line.keyword()) {
            return true;
        }
        match self.near(&word.text, known) {
            Some(meant) => {
                let help = format!("did you mean `{meant}`? HAProxy refuses a keyword it does not know");
                self.refuse(&word.span, format!("there is no keyword `{}` in `{kind}`", word.text), help);
                self.meant(word, meant);
            }
            None if section.kind == SectionKind::Global && word.text.contains(['.', '-']) => {}
            None => {
                let help = "correct it, or take the line out; HAProxy refuses a keyword it does not know".to_owned();
                self.warn(&word.span, format!("`{}` is no keyword of `{kind}` that HAProxy is known to have", shown(&word.text)), help);
            }
        }
        false
    }

    fn arguments(&mut self, line: &Line, section: &Section) {
        let keyword = line.keyword();
        match keyword {
            "mode" => self.mode_line(line),
            "balance" => self.balance(line),
            "timeout" if section.kind != SectionKind::Other => self.timeout(line),
            "option" if section.kind != SectionKind::Other => self.option(line),
            "maxconn" | "retries" | "fullconn" | "backlog" => self.one_number(line),
            "default_backend" => self.one(line, "the name of a backend"),
            "cookie" => self.some(line, "the name of the cookie"),
            "monitor-uri" => self.some(line, "a path"),
            "use-server" => self.some(line, "the name of a server"),
            "acl" => self.acl(line),
            "use_backend" => self.use_backend(line),
            "errorfile" if line.arg(1).is_none() => {
                self.refuse(first(line), "`errorfile` needs a status and a file".to_owned(), format!("write both; {REFUSES}"));
            }
            "stick-table" => self.stick_table(line),
            _ => {}
        }
    }

    /// Says that an argument is missing, if none is there.
    fn some(&mut self, line: &Line, what: &str) {
        if line.arg(0).is_none_or(|word| word.text.is_empty()) {
            self.refuse(first(line), format!("`{}` needs {what}", line.keyword()), format!("write it after `{}`; {REFUSES}", line.keyword()));
        }
    }

    /// As [`Self::some`], and no further argument may follow.
    fn one(&mut self, line: &Line, what: &str) {
        self.some(line, what);
        if let Some(word) = line.arg(1).filter(|word| !has_hole(&word.text)) {
            let message = format!("`{}` takes one argument, and `{}` is a second one", line.keyword(), word.text);
            self.refuse(&word.span, message, format!("take it out; {REFUSES}"));
        }
    }

    fn one_number(&mut self, line: &Line) {
        self.one(line, "a number");
        if let Some(word) = line.arg(0) {
            self.number(word, line.keyword());
        }
    }

    fn mode_line(&mut self, line: &Line) {
        self.one(line, "`http` or `tcp`");
        let Some(word) = line.arg(0).filter(|word| !has_hole(&word.text)) else { return };
        if !MODES.contains(&&*word.text) {
            let help = format!("write `http` or `tcp`; {REFUSES}");
            self.refuse(&word.span, format!("`{}` is no mode", word.text), help);
        }
    }

    fn balance(&mut self, line: &Line) {
        let Some(word) = line.arg(0).filter(|word| !has_hole(&word.text)) else { return };
        let name = word.text.split('(').next().unwrap_or_default();
        if !BALANCING.contains(&name) {
            let help = match self.near(name, BALANCING.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`? {REFUSES}"),
                None => format!("write `roundrobin`, `leastconn`, `source` or another that HAProxy knows; {REFUSES}"),
            };
            self.refuse(&word.span, format!("`{}` is no way to balance", word.text), help);
        } else if name == "url_param" && line.arg(1).is_none() {
            self.refuse(&word.span, "`balance url_param` needs the name of a parameter".to_owned(), format!("write it after `url_param`; {REFUSES}"));
        }
    }

    /// HAProxy: `src/proxy.c`, `proxy_parse_timeout`.
    fn timeout(&mut self, line: &Line) {
        let Some(kind) = line.arg(0).filter(|word| !has_hole(&word.text)) else { return };
        if !keywords::has(List::Timeout, &kind.text) {
            return self.no_such_word(kind, List::Timeout, "timeout");
        }
        let Some(value) = line.arg(1) else {
            let message = format!("`timeout {}` has no value", kind.text);
            return self.refuse(&kind.span, message, format!("write a time such as `30s`; {REFUSES}"));
        };
        self.time(value, 1_000);
        if let Some(extra) = line.arg(2).filter(|word| !has_hole(&word.text)) {
            let message = format!("`{}` stands after the value of `timeout {}`", extra.text, kind.text);
            self.refuse(&extra.span, message, format!("take it out; {REFUSES}"));
        }
    }

    /// Reports what is no time. What follows a unit is left out, with a warning (seen on 2.6.12; later versions mean to refuse it).
    pub(super) fn time(&mut self, word: &super::Word, default_us: u128) {
        const HELP: &str = "write one number with one unit (`us`, `ms`, `s`, `m`, `h`, `d`), such as `90s`";
        let text = &*word.text;
        if has_hole(text) {
            return;
        }
        match number::time(text, default_us) {
            Time::Us(_) => {}
            Time::TooLong => {
                let help = format!("the longest is 2147483647 ms, about 24 days; {REFUSES}");
                self.refuse(&word.span, format!("`{text}` is longer than HAProxy can wait"), help);
            }
            Time::Begins(read) => {
                let message = format!("`{text}` is not one number with one unit; HAProxy reads only `{read}`, or refuses it");
                self.warn(&word.span, message, HELP.to_owned());
            }
            Time::Odd => self.refuse(&word.span, format!("`{text}` is no time"), format!("{HELP}; {REFUSES}")),
        }
    }

    /// Reports what is no number, although HAProxy takes it for one (C's `atol`).
    pub(super) fn number(&mut self, word: &super::Word, what: &str) {
        if has_hole(&word.text) {
            return;
        }
        let (value, whole) = number::leading(&word.text);
        if !whole && !word.text.is_empty() {
            let message = format!("`{}` is no number; HAProxy reads `{what} {value}`", word.text);
            self.warn(&word.span, message, "write digits only".to_owned());
        }
    }

    fn option(&mut self, line: &Line) {
        let Some(word) = line.arg(0) else {
            return self.refuse(first(line), "`option` needs a name".to_owned(), format!("write which option; {REFUSES}"));
        };
        if has_hole(&word.text) {
            return;
        }
        if !keywords::has(List::Option, &word.text) {
            return self.no_such_word(word, List::Option, "option");
        }
        if &*word.text == "forwardfor" {
            let rest: Vec<&super::Word> = line.words.iter().skip(2).collect();
            let mut at = 0;
            while let Some(next) = rest.get(at).filter(|word| !has_hole(&word.text)) {
                at += match &*next.text {
                    "except" | "header" => 2,
                    "if-none" => 1,
                    _ => {
                        let message = format!("`option forwardfor` does not take `{}`", next.text);
                        return self.refuse(&next.span, message, format!("it takes `except`, `header` and `if-none`; {REFUSES}"));
                    }
                };
            }
        }
    }

    fn use_backend(&mut self, line: &Line) {
        self.some(line, "the name of a backend");
        let next = line.arg(1).filter(|word| !has_hole(&word.text) && !matches!(&*word.text, "if" | "unless"));
        if let Some(word) = next {
            let message = format!("`{}` stands where `use_backend` takes `if` or `unless`", word.text);
            self.refuse(&word.span, message, format!("write `if` or `unless`, or take it out; {REFUSES}"));
        }
    }

    fn stick_table(&mut self, line: &Line) {
        if is_holed(line) {
            return;
        }
        for needed in ["type", "size"] {
            if !line.words.iter().any(|word| &*word.text == needed) {
                return self.refuse(
                    first(line),
                    format!("`stick-table` has no `{needed}`"),
                    format!("write `type ip size 100k` or alike; {REFUSES}"),
                );
            }
        }
    }

    /// `acl NAME …`; its test is looked at with the conditions.
    fn acl(&mut self, line: &Line) {
        let Some(name) = line.arg(0).filter(|word| !has_hole(&word.text)) else { return };
        if name.is_or() {
            let message = format!("an ACL called `{}` never matches: in a condition the word joins others", name.text);
            self.refuse(&name.span, message, format!("call it otherwise; {REFUSES}"));
        } else if let Some(odd) = super::section::odd_character(&name.text) {
            let help = format!("use letters, digits, `-`, `_`, `.` and `:`; {REFUSES}");
            self.refuse(&name.span, format!("`{odd}` may not stand in the name of an ACL: `{}`", name.text), help);
        } else if literal(line, 1).is_none_or(str::is_empty) && line.arg(1).is_none_or(|word| !has_hole(&word.text)) {
            self.refuse(
                first(line),
                format!("the ACL `{}` tests nothing", name.text),
                format!("write what it tests, such as `path_beg /api`; {REFUSES}"),
            );
        }
    }
}
