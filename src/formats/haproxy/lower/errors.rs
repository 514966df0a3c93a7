//! What a client gets where HAProxy refuses: `errorfile`, `errorloc`, `http-error`, `errorfiles`.
//!
//! HAProxy: `http_reply_to_htx`, `http_error_message`; `configuration.txt` 4.2, `errorfile`. A file is sent as it is, with the status in its first line. One that is
//! not in the tree is taken to have the status it is for: every installation has such files, and they say what they are called.

use super::super::syntax::{Line, Word};
use super::settings::Proxy;
use super::{Lowering, reject};
use crate::model::{Outcome, Step, Value};

/// Lines that say what an answer with a status is.
const KEYWORDS: &[&str] = &["errorfile", "errorloc", "errorloc302", "errorloc303", "http-error", "errorfiles"];

impl<'a> Lowering<'a, '_> {
    /// Returns the step that ends in a refusal with `status`, or in what `proxy` sends instead; `line` decides it.
    pub(super) fn refuse(&mut self, proxy: &Proxy<'_>, status: u16, line: &Line) -> Step {
        // As bytes there is nothing to answer with: the connection is closed.
        if proxy.get(&["mode"]).and_then(|mode| mode.arg(0)).is_some_and(|word| &*word.text == "tcp") {
            return Step::end(Outcome::Close { label: line.label() });
        }
        let told = proxy.setting(|have| KEYWORDS.contains(&have.keyword()) && self.is_for(have, status));
        let told = told.or_else(|| self.only_frontend()?.setting(|have| KEYWORDS.contains(&have.keyword()) && self.is_for(have, status)));
        let Some(told) = told else { return reject(status, line) };
        self.told(told, status, line)
    }

    /// What a backend does not say, the frontend does that the request came by; where there are several, that is not followed.
    fn only_frontend(&self) -> Option<Proxy<'a>> {
        let mut frontends = super::settings::proxies(self.config).into_iter().filter(Proxy::is_frontend);
        frontends.next().filter(|_| frontends.next().is_none())
    }

    /// Returns the step that ends in what the section `http-errors` called `name` has for `status`.
    pub(super) fn refuse_from(&mut self, name: &str, status: u16, line: &Line) -> Step {
        let told = self.group(name).and_then(|lines| lines.iter().rev().find(|have| self.is_for(have, status)));
        let Some(told) = told else { return reject(status, line) };
        self.told(told, status, line)
    }

    /// Returns the step that ends in the answer that the file `word` holds; `status` is what it is for.
    pub(super) fn answer_of_file(&mut self, word: &Word, status: u16, line: &Line) -> Step {
        let read = self.files.has(self.config, &word.text).then(|| self.files.named(self.config, word, self.model)).flatten();
        let own = read.and_then(|named| named.text.lines().next()?.split_whitespace().nth(1)?.parse::<u16>().ok());
        match own.unwrap_or(status) {
            refused @ 400.. => reject(refused, line),
            status => Step::end(Outcome::Respond { status, label: line.label() }),
        }
    }

    fn told(&mut self, told: &Line, status: u16, line: &Line) -> Step {
        let location = |code: u16, word: Option<&Word>| {
            let location = word.map_or_else(Value::default, |word| super::text::literal(&word.text));
            Step::end(Outcome::Redirect { status: code, location, label: told.label() })
        };
        match told.keyword() {
            "errorloc" | "errorloc302" => location(302, told.arg(1)),
            "errorloc303" => location(303, told.arg(1)),
            "errorfile" => told.arg(1).cloned().map_or_else(|| reject(status, line), |word| self.answer_of_file(&word, status, line)),
            "http-error" => match after(&told.words, "errorfile").cloned() {
                Some(word) => self.answer_of_file(&word, status, line),
                None => reject(status, line),
            },
            _ => match told.arg(0).map(|word| word.text.to_string()) {
                Some(name) => self.refuse_from(&name, status, line),
                None => reject(status, line),
            },
        }
    }

    /// Returns whether `line` says what an answer with `status` is.
    fn is_for(&self, line: &Line, status: u16) -> bool {
        let same = |word: Option<&Word>| word.is_some_and(|word| word.text.parse() == Ok(status));
        match line.keyword() {
            "http-error" => same(after(&line.words, "status")),
            // Those named, or else all that the section has.
            "errorfiles" => {
                let named = line.words.len() <= 2 || line.words.iter().skip(2).any(|word| same(Some(word)));
                let has =
                    || self.group(line.arg(0).map_or("", |word| &word.text)).is_some_and(|lines| lines.iter().any(|one| self.is_for(one, status)));
                named && has()
            }
            "errorfile" | "errorloc" | "errorloc302" | "errorloc303" => same(line.arg(0)),
            _ => false,
        }
    }

    fn group(&self, name: &str) -> Option<&'a [Line]> {
        let config: &'a super::super::syntax::Config = self.config;
        let mut sections = config.sections.iter().filter(|section| section.head.keyword() == "http-errors");
        sections.find(|section| *section.name.text == *name).map(|section| section.lines.as_slice())
    }
}

/// Returns the word behind `name`.
pub(super) fn after<'w>(words: &'w [Word], name: &str) -> Option<&'w Word> {
    let at = words.iter().position(|word| *word.text == *name)?;
    words.get(at + 1)
}
