//! Which files of a tree are HAProxy's, and which of them one process loads together.
//!
//! Names come first, because on GitHub each file read is a request; then what the file says decides. HAProxy is started with one file, with several, or
//! with a directory whose `*.cfg` it loads in the order of their names (HAProxy: `src/haproxy.c`, `init_args`; `src/cfgparse.c`, `cfg_append`); the tree does not say
//! which. So files of a directory belong together where one names what the other has, where one holds only what all need, and in directories for parts.

use super::keywords;
use super::names;
use super::parser::section_kind;
use super::syntax::SectionKind;
use super::template::{self, Text};
use crate::formats::template::Variables;
use crate::model::{Input, Model, Problem, ProblemKind, Role, Unknown};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::{Span, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// The files of one configuration, in the order HAProxy loads them.
#[derive(Debug)]
pub(super) struct Group {
    /// What the configuration is called by.
    pub(super) id: TreePath,
    /// Their texts.
    pub(super) texts: Vec<Text>,
    /// Nothing of it is known to be elsewhere.
    pub(super) complete: bool,
}

/// A file of HAProxy's.
struct File {
    path: TreePath,
    text: Text,
    facts: Facts,
}

/// What a file has, as far as its lines' first words say.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations of one file")]
struct Facts {
    /// A `global` section.
    global: bool,
    /// A `defaults` section.
    defaults: bool,
    /// A `frontend`, `backend` or `listen`.
    traffic: bool,
    /// Another section.
    other: bool,
    /// The proxies it defines: the kind that is used once, and the name.
    defines: BTreeSet<(bool, String)>,
    /// The backends it names and does not define.
    wants: BTreeSet<String>,
    /// Lines in sections whose keyword is known, and all.
    known: (usize, usize),
    /// A section as other languages have them (`[name]`).
    foreign: bool,
}

/// Returns the configurations of the tree, sorted by id; what cannot be read is said in `model`.
pub(super) fn groups(snapshot: &Snapshot, model: &mut Model) -> Vec<Group> {
    let inventory = model.inventory.clone();
    let variables = Variables::new(snapshot, &inventory);
    let mut folders: BTreeMap<TreePath, Vec<File>> = BTreeMap::new();
    let mut partial: BTreeSet<TreePath> = BTreeSet::new();
    for (path, _) in snapshot.entries().filter(|(path, _)| names::plausible(path)) {
        let text = match snapshot.text(path) {
            Ok(text) => text,
            Err(error) => {
                if unreadable(path, &error, model) {
                    partial.insert(path.parent());
                }
                continue;
            }
        };
        let facts = facts(&text);
        if !facts.is_haproxy(path) {
            continue;
        }
        match template::read(path, &text, &variables, model) {
            Some(text) => folders.entry(path.parent()).or_default().push(File { path: path.clone(), text, facts }),
            None => {
                partial.insert(path.parent());
            }
        }
    }
    // What another template puts in is a part of that one.
    let inner: BTreeSet<TreePath> = folders.values().flatten().flat_map(|file| file.text.included()).collect();
    for files in folders.values_mut() {
        files.retain(|file| !inner.contains(&file.path));
    }
    folders.retain(|_, files| !files.is_empty());
    let mut groups: Vec<Group> = loaded_together(folders).into_iter().filter_map(|files| group(files, &partial)).collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups
}

fn group(files: Vec<File>, partial: &BTreeSet<TreePath>) -> Option<Group> {
    let entry = files.iter().position(|file| names::is_main(&file.path)).unwrap_or(0);
    let id = files.get(entry).map(|file| file.path.clone())?;
    let whole = files.iter().any(|file| file.facts.global || file.facts.defaults) || names::is_main(&id);
    let complete = whole && !files.iter().any(|file| partial.contains(&file.path.parent()));
    let texts = files.into_iter().map(|file| file.text).collect();
    Some(Group { id, texts, complete })
}

/// Returns the files in lists of those that one process loads, each in the order it does.
fn loaded_together(folders: BTreeMap<TreePath, Vec<File>>) -> Vec<Vec<File>> {
    let mut lists: Vec<Vec<File>> = Vec::new();
    let mut parts: Vec<(TreePath, Vec<File>)> = Vec::new();
    for (folder, files) in folders {
        if names::holds_parts(&folder) { parts.push((folder, files)) } else { lists.extend(of_folder(files)) }
    }
    for (folder, files) in parts {
        let beside = |list: &Vec<File>| list.first().is_some_and(|file| file.path.parent() == folder.parent());
        let main = lists.iter().position(|list| beside(list) && list.iter().any(|file| names::is_main(&file.path)));
        let only = || {
            let mut found = lists.iter().enumerate().filter(|(_, list)| beside(list)).map(|(at, _)| at);
            found.next().filter(|_| found.next().is_none())
        };
        match main.or_else(only).and_then(|at| lists.get_mut(at)) {
            Some(list) => list.extend(files),
            None => lists.push(files),
        }
    }
    lists
}

/// Splits the files of one directory.
fn of_folder(files: Vec<File>) -> Vec<Vec<File>> {
    let count = files.len();
    let mut set: Vec<usize> = (0..count).collect();
    let mut definers: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        definers.extend(file.facts.defines.iter().filter(|(frontend, _)| !frontend).map(|(_, name)| (name.as_str(), at)));
    }
    // What all need: a file with neither frontends nor backends.
    let base = files.iter().position(|file| !file.facts.traffic);
    for (a, one) in files.iter().enumerate() {
        let named = one.facts.wants.iter().filter_map(|name| definers.get(name.as_str()).copied());
        for b in named.chain(base).filter(|b| *b != a).collect::<BTreeSet<usize>>() {
            if files.get(b).is_some_and(|other| may_join(&one.facts, &other.facts)) {
                join(&mut set, a, b);
            }
        }
    }
    let mut lists: BTreeMap<usize, Vec<File>> = BTreeMap::new();
    for (at, file) in files.into_iter().enumerate() {
        // INVARIANT: a set's name is no larger than its members, so one step after another leads to it.
        let mut name = at;
        while let Some(next) = set.get(name).copied().filter(|next| *next != name) {
            name = next;
        }
        lists.entry(name).or_default().push(file);
    }
    lists.into_values().collect()
}

/// Makes one set of the sets of `a` and `b`; each is named by its first file.
fn join(set: &mut [usize], a: usize, b: usize) {
    let root = |set: &[usize], mut at: usize| {
        while let Some(next) = set.get(at).copied().filter(|next| *next != at) {
            at = next;
        }
        at
    };
    let (a, b) = (root(set, a), root(set, b));
    if let Some(place) = set.get_mut(a.max(b)) {
        *place = a.min(b);
    }
}

/// Returns whether one process could load both.
fn may_join(a: &Facts, b: &Facts) -> bool {
    !(a.global && b.global) && a.defines.is_disjoint(&b.defines)
}

impl Facts {
    /// Returns whether this is a configuration of HAProxy: it has sections of HAProxy's, and most lines in them are HAProxy's too.
    fn is_haproxy(&self, path: &TreePath) -> bool {
        let (known, all) = self.known;
        let sections = self.traffic || self.global || self.defaults;
        if names::is_main(path) {
            return sections || self.other;
        }
        let reads = known * 2 > all;
        sections && !self.foreign && reads && (self.traffic || (names::is_ours(path) && known > 0))
    }
}

/// Reads the first words of the lines of `text`.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut section = None;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().filter(|word| !word.is_empty());
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        if let Some(kind) = section_kind(first).filter(|_| line.starts_with(first)) {
            section = Some(kind);
            facts.section(kind, words.next());
            continue;
        }
        facts.foreign |= section.is_none() && line.starts_with('[') && line.trim_end().ends_with(']');
        if matches!(section, None | Some(SectionKind::Other)) {
            continue;
        }
        facts.known.0 += usize::from(keywords::find(first).is_some() || matches!(first, "no" | "default"));
        facts.known.1 += usize::from(first.starts_with(|c: char| c.is_ascii_alphanumeric()));
        if matches!(first, "use_backend" | "default_backend")
            && let Some(name) = words.next().filter(|name| !name.contains(['%', '"', '$', '{', '<']))
        {
            facts.wants.insert(name.to_owned());
        }
    }
    let defines = &facts.defines;
    facts.wants.retain(|name| !defines.contains(&(false, name.clone())));
    facts
}

impl Facts {
    fn section(&mut self, kind: SectionKind, name: Option<&str>) {
        let mut define = |frontend: bool| self.defines.extend(name.map(|name| (frontend, name.to_owned())));
        match kind {
            SectionKind::Global => self.global = true,
            SectionKind::Defaults => self.defaults = true,
            SectionKind::Frontend => define(true),
            SectionKind::Backend => define(false),
            SectionKind::Listen => {
                define(true);
                define(false);
            }
            SectionKind::Other => self.other = true,
        }
        self.traffic |= matches!(kind, SectionKind::Frontend | SectionKind::Backend | SectionKind::Listen);
    }
}

/// Says why the file cannot be read. Returns whether that matters.
fn unreadable(path: &TreePath, error: &ReadError, model: &mut Model) -> bool {
    if !names::is_ours(path) {
        return false;
    }
    let start = Span::new(path.clone(), 0, 0);
    match error {
        ReadError::Directory | ReadError::NotThere => return false,
        ReadError::Wanted | ReadError::OutsideTree(_) => {}
        ReadError::TooLarge { .. } | ReadError::NotText => {
            model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Entry });
            // An error although HAProxy would read it: padding must not turn a review off.
            let message = format!("`{path}` is not read: {error}");
            let help = Some("split it into several files; the rest of the tree is reviewed without it".to_owned());
            model.problems.push(Problem { kind: ProblemKind::Syntax, fatal: true, message, help, span: start, related: Vec::new(), fix: None });
        }
        ReadError::Unreadable(_) => model.unknown.push(Unknown { span: start, reason: format!("`{path}`: {error}") }),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    /// Returns each configuration as its id and files, and then what was said.
    fn shown(files: &[(&str, &str)]) -> String {
        let mut model = Model::default();
        let mut lines: Vec<String> = Vec::new();
        for group in groups(&memory(files.iter().copied()), &mut model) {
            let files: Vec<&str> = group.texts.iter().map(|text| text.path().as_str()).collect();
            lines.push(format!("{}{}: {}", group.id, if group.complete { "" } else { " (in part)" }, files.join(", ")));
        }
        lines.extend(model.problems.iter().map(|problem| format!("{:?} {}", problem.span, problem.message)));
        lines.extend(model.unknown.iter().map(|unknown| format!("{:?} {}", unknown.span, unknown.reason)));
        lines.join("\n")
    }

    const WHOLE: &str = "global\n maxconn 5\ndefaults\n mode http\nfrontend f\n bind :80\n default_backend b\nbackend b\n server a 10.0.0.1:80\n";

    #[test]
    fn each_whole_file_is_a_configuration() {
        insta::assert_snapshot!(shown(&[("haproxy/web.cfg", WHOLE), ("haproxy/db.cfg", WHOLE), ("lb/haproxy.cfg", WHOLE)]), @r#"
        haproxy/db.cfg: haproxy/db.cfg
        haproxy/web.cfg: haproxy/web.cfg
        lb/haproxy.cfg: lb/haproxy.cfg
        "#);
    }

    #[test]
    fn parts_that_complete_each_other_are_one() {
        let parts = [
            ("haproxy/10-frontend.cfg", "frontend f\n bind :80\n default_backend b\n"),
            ("haproxy/20-backend.cfg", "backend b\n server a 10.0.0.1:80\n"),
            ("haproxy/00-global.cfg", "global\n maxconn 5\ndefaults\n mode http\n"),
            ("lb/haproxy.cfg", "global\n maxconn 5\ndefaults\n mode http\n"),
            ("lb/conf.d/a.cfg", "listen l\n bind :80\n server a 10.0.0.1:80\n"),
            ("two/a.cfg", WHOLE),
            ("two/b.cfg", "frontend g\n bind :81\n default_backend b\n"),
        ];
        insta::assert_snapshot!(shown(&parts), @r#"
        haproxy/00-global.cfg: haproxy/00-global.cfg, haproxy/10-frontend.cfg, haproxy/20-backend.cfg
        lb/haproxy.cfg: lb/haproxy.cfg, lb/conf.d/a.cfg
        two/a.cfg: two/a.cfg, two/b.cfg
        "#);
    }

    #[test]
    fn other_files_are_none() {
        let others = [
            ("setup.cfg", "[metadata]\nname = x\n"),
            ("app.cfg", "global\n  x\nlisten l\n  address 1\n  port 2\n"),
            ("docs/haproxy.cfg", WHOLE),
            ("haproxy.cfg.example", WHOLE),
            ("haproxy/Dockerfile", "FROM haproxy:2.6\nCOPY haproxy.cfg /etc\n"),
            ("haproxy/keepalived.conf", "global_defs {\n}\n"),
            ("tests/haproxy.cfg", WHOLE),
        ];
        insta::assert_snapshot!(shown(&others), @"");
    }
}
