//! References: what a line names must be there.

use super::super::syntax::{Line, Section, SectionKind, Word};
use super::{Check, REFUSES, is_backend, is_frontend};
use crate::formats::source::has_hole;
use std::collections::{BTreeMap, BTreeSet};

/// The names of sections, by what they can be used for.
#[derive(Default)]
struct Names<'a> {
    /// With the index of each.
    backends: BTreeMap<&'a str, usize>,
    /// Proxies and peers, which may have tables.
    tables: BTreeSet<&'a str>,
    resolvers: BTreeSet<&'a str>,
    userlists: BTreeSet<&'a str>,
    /// Some name cannot be read, so that any may be there.
    holed: bool,
}

impl<'a> Check<'a> {
    /// Checks what lines name against the sections there are (HAProxy: `src/cfgparse.c`, `check_config_validity`).
    pub(super) fn references(&mut self) {
        let names = names(&self.config.sections);
        if names.holed {
            return;
        }
        for (index, section) in self.config.sections.iter().enumerate() {
            let servers = servers(section);
            let proxy = is_frontend(section) || is_backend(section) || section.kind == SectionKind::Defaults;
            for line in section.lines.iter().filter(|_| proxy) {
                match line.keyword() {
                    "default_backend" | "use_backend" => self.backend(line, index, section, &names),
                    "server" | "default-server" | "server-template" => self.resolvers(line, &names),
                    "use-server" => self.used_server(line, servers.as_ref()),
                    "http-request" | "http-response" | "tcp-request" | "tcp-response" | "stick" => self.table(line, section, &names),
                    _ => {}
                }
                self.userlist(line, &names);
            }
        }
    }

    fn backend(&mut self, line: &'a Line, index: usize, section: &'a Section, names: &Names<'a>) {
        let Some(word) = line.arg(0).filter(|word| !has_hole(&word.text) && !word.text.is_empty()) else { return };
        let computed = line.keyword() == "use_backend" && word.text.contains('%');
        let name = &*word.text;
        if computed || section.kind == SectionKind::Backend || matches!(name, "if" | "unless") {
            return;
        }
        let Some(backend) = names.backends.get(name).copied() else {
            if self.is_full() {
                return;
            }
            let near = self.near(name, names.backends.keys().copied());
            let other = self.config.sections.iter().find(|other| other.kind == SectionKind::Frontend && *other.name.text == *name);
            let help = match (other, near) {
                (Some(_), _) => format!("a frontend cannot be sent to; name a `backend` or a `listen`; {REFUSES}"),
                (None, Some(near)) => format!("did you mean `{near}`? {REFUSES}"),
                (None, None) => format!("add a `backend {name}`, or name one that is there; {REFUSES}"),
            };
            self.dangling(&word.span, format!("`{} {name}` names a backend that is not there", line.keyword()), help);
            if let Some(near) = near.filter(|_| other.is_none()) {
                self.meant(word, near);
            }
            return;
        };
        if is_frontend(section) {
            self.same_mode(word, index, backend);
        }
    }

    /// An HTTP frontend cannot use a TCP backend.
    fn same_mode(&mut self, word: &Word, frontend: usize, backend: usize) {
        let mode = |at: usize| self.modes.get(at).copied().flatten();
        if mode(frontend) != Some("http") || mode(backend) != Some("tcp") || !self.config.complete {
            return;
        }
        let (Some(frontend), Some(backend)) = (self.config.sections.get(frontend), self.config.sections.get(backend)) else { return };
        let (keyword, own, name) = (frontend.head.keyword(), &frontend.name.text, &word.text);
        let message = format!("`{keyword} {own}` is in mode `http`, and `{name}` is in mode `tcp`");
        self.refuse(&word.span, message, format!("give both the same mode; {REFUSES}"));
        self.related(&word.span, &backend.head.span, "the other one");
    }

    fn resolvers(&mut self, line: &Line, names: &Names<'a>) {
        let at = line.words.iter().position(|word| &*word.text == "resolvers").filter(|at| *at >= 1);
        let Some(word) = at.and_then(|at| line.words.get(at + 1)).filter(|word| !has_hole(&word.text)) else { return };
        // HAProxy makes a section of this name itself, of the machine's resolvers.
        if !names.resolvers.contains(&*word.text) && &*word.text != "default" {
            let help = format!("add a section `resolvers {}`, or name one that is there; {REFUSES}", word.text);
            self.dangling(&word.span, format!("there are no `resolvers {}`", word.text), help);
        }
    }

    /// `servers` are those of the section, `None` where they are not all known.
    fn used_server(&mut self, line: &Line, servers: Option<&BTreeSet<&str>>) {
        let Some(word) = line.arg(0).filter(|word| !has_hole(&word.text) && !word.text.contains('%')) else { return };
        let Some(servers) = servers.filter(|servers| !servers.contains(&*word.text) && !self.is_full()) else { return };
        let help = match self.near(&word.text, servers.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {REFUSES}"),
            None => format!("name a server of this section; {REFUSES}"),
        };
        self.dangling(&word.span, format!("there is no server `{}` in this section", word.text), help);
    }

    /// `table NAME` of a rule that counts, or of `stick`.
    fn table(&mut self, line: &Line, section: &Section, names: &Names<'a>) {
        let tracks = line.words.iter().any(|word| word.text.starts_with("track-sc")) || line.keyword() == "stick";
        let at = line.words.iter().position(|word| &*word.text == "table").filter(|at| *at >= 2 && tracks);
        let Some(word) = at.and_then(|at| line.words.get(at + 1)).filter(|word| !has_hole(&word.text)) else { return };
        let name = word.text.split('/').next().unwrap_or_default();
        if !names.tables.contains(name) && *section.name.text != *name {
            let help = match self.near(name, names.tables.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? {REFUSES}"),
                None => format!("name a section that has a `stick-table`; {REFUSES}"),
            };
            self.dangling(&word.span, format!("there is no table `{name}`"), help);
        }
    }

    /// `http_auth(NAME)`.
    fn userlist(&mut self, line: &Line, names: &Names<'a>) {
        for word in line.words.iter().filter(|word| word.text.contains("http_auth") && !has_hole(&word.text)) {
            let after = word.text.split_once("http_auth(").or_else(|| word.text.split_once("http_auth_group("));
            let Some((name, _)) = after.and_then(|(_, after)| after.split_once(')')) else { continue };
            if !names.userlists.contains(name) {
                let help = format!("add a section `userlist {name}`, or name one that is there; {REFUSES}");
                self.dangling(&word.span, format!("there is no `userlist {name}`"), help);
            }
        }
    }
}

/// Returns the names of the servers of `section`, if it uses some by name; `None` where they are not all known.
fn servers(section: &Section) -> Option<BTreeSet<&str>> {
    let uses = |line: &Line| line.keyword() == "use-server";
    if !section.lines.iter().any(uses) || section.lines.iter().any(|line| line.keyword() == "server-template") {
        return None;
    }
    let servers = section.lines.iter().filter(|line| line.keyword() == "server");
    servers.map(|line| line.arg(0).map(|name| &*name.text).filter(|name| !has_hole(name))).collect()
}

fn names(sections: &[Section]) -> Names<'_> {
    let mut names = Names::default();
    for (index, section) in sections.iter().enumerate() {
        let name = &*section.name.text;
        names.holed |= has_hole(name) || has_hole(section.head.keyword());
        if is_backend(section) {
            names.backends.entry(name).or_insert(index);
        }
        let table = section.lines.iter().any(|line| line.keyword() == "stick-table");
        match section.head.keyword() {
            "resolvers" => {
                names.resolvers.insert(name);
            }
            "userlist" => {
                names.userlists.insert(name);
            }
            "peers" => {
                names.tables.insert(name);
            }
            _ if table => {
                names.tables.insert(name);
            }
            _ => {}
        }
    }
    names
}
