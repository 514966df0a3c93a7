//! `track`: a server that takes its state from another one.

use super::super::syntax::{Line, Section, Word};
use super::{Check, REFUSES, is_backend};
use crate::formats::source::has_hole;

impl<'a> Check<'a> {
    /// Checks what `track` names (HAProxy: `src/server.c`, `srv_apply_track`): the server is there, another one, and checked itself.
    pub(super) fn tracks(&mut self) {
        let config = self.config;
        for section in config.sections.iter().filter(|section| is_backend(section)) {
            for line in section.lines.iter().filter(|line| line.keyword() == "server") {
                if let Some(word) = value_of(line, "track").filter(|word| !has_hole(&word.text)) {
                    self.track(section, line, word);
                }
            }
        }
    }

    fn track(&mut self, section: &'a Section, line: &'a Line, word: &'a Word) {
        if let Some(check) = line.words.iter().skip(3).find(|word| &*word.text == "check") {
            let help = format!("leave `check` to the server that is tracked; {REFUSES}");
            return self.refuse(&check.span, "a server that tracks another one cannot be checked itself".to_owned(), help);
        }
        let (proxy, name) = word.text.split_once('/').map_or((None, &*word.text), |(proxy, name)| (Some(proxy), name));
        let holed =
            |section: &Section| has_hole(&section.name.text) || section.lines.iter().any(|line| line.arg(0).is_some_and(|word| has_hole(&word.text)));
        let found = match proxy {
            None => Some(section),
            Some(proxy) => self.config.sections.iter().find(|section| is_backend(section) && *section.name.text == *proxy),
        };
        let Some(target) = found else {
            if !self.is_full() && !self.config.sections.iter().any(holed) {
                let help = format!("name a server as `BACKEND/SERVER`, or one of this section; {REFUSES}");
                self.dangling(&word.span, format!("`track {}` names a backend that is not there", word.text), help);
            }
            return;
        };
        let many = |line: &Line| line.keyword() == "server-template";
        if holed(target) || target.lines.iter().any(many) {
            return;
        }
        let server = target.lines.iter().find(|line| line.keyword() == "server" && line.arg(0).is_some_and(|other| *other.text == *name));
        let Some(server) = server else {
            let near =
                self.near(name, target.lines.iter().filter(|line| line.keyword() == "server").filter_map(|line| line.arg(0)).map(|word| &*word.text));
            let help = near.map_or_else(|| format!("name a server that is there; {REFUSES}"), |near| format!("did you mean `{near}`? {REFUSES}"));
            return self.dangling(&word.span, format!("`track {}` names a server that is not there", word.text), help);
        };
        if std::ptr::eq(server, line) {
            let help = format!("name another server; {REFUSES}");
            return self.refuse(&word.span, format!("`{name}` tracks itself"), help);
        }
        // What all servers have may be said in a `default-server`, of this section or of its `defaults`.
        let defaults = |section: &Section| section.lines.iter().any(|line| line.keyword() == "default-server");
        let checked = |word: &Word| matches!(&*word.text, "check" | "agent-check" | "track") || has_hole(&word.text);
        if !server.words.iter().skip(3).any(checked) && !self.config.sections.iter().any(defaults) {
            self.refuse(&word.span, format!("`{name}` is tracked and not checked"), format!("add `check` to `{name}`; {REFUSES}"));
            self.related(&word.span, &server.span, "the server that is tracked");
        }
    }
}

/// Returns the word behind the option `name` of a server.
fn value_of<'a>(line: &'a Line, name: &str) -> Option<&'a Word> {
    let at = line.words.iter().skip(3).position(|word| &*word.text == name)?;
    line.words.get(at + 4)
}
