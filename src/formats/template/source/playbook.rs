//! Playbooks of Ansible: which play makes a template, and what it says of names; what a role's own tasks say.

use super::super::value::Value;
use super::said::{Names, Said, join, names_of, read};
use super::{files, is_yaml};
use crate::formats::yaml::{self, Node};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::collections::BTreeSet;

/// The most files that are looked into for plays: on GitHub each is a request.
const MAX_PLAYBOOKS: usize = 60;

/// The most files of tasks of a role.
const MAX_TASKS: usize = 40;

/// Where a role's or a play's tasks stand.
const TASKS: &[&str] = &["pre_tasks", "tasks", "post_tasks"];

/// A play.
#[derive(Debug)]
pub(super) struct Play {
    /// The directory of the playbook.
    folder: TreePath,
    /// The roles by name, with what the play gives each.
    roles: Vec<(String, Names)>,
    /// The templates that its own tasks make.
    templates: BTreeSet<String>,
    /// Its `vars`, and over them its `vars_files`.
    pub(super) vars: Names,
}

impl Play {
    /// Returns this, with what it gives the role, if it makes the template at `path`, which lies in the role `role` or beside the playbook.
    pub(super) fn makes(&self, role: &TreePath, path: &TreePath) -> Option<(&Self, Option<&Names>)> {
        let own = self.folder == *role && self.templates.iter().any(|name| path.as_str().ends_with(name.as_str()));
        if own {
            return Some((self, None));
        }
        let found = self.roles.iter().find(|(name, _)| !name.is_empty() && role.file_name() == name.rsplit(['/', '.']).next().unwrap_or_default());
        found.map(|(_, given)| (self, Some(given)))
    }
}

/// Returns the plays of the tree's playbooks: YAML at the top and in `playbooks`, and beside a `roles` directory.
pub(super) fn plays(snapshot: &Snapshot) -> Vec<Play> {
    let mut beside: BTreeSet<&str> = BTreeSet::from([""]);
    for (path, _) in snapshot.entries() {
        beside.extend(path.as_str().split_once("/roles/").map(|(before, _)| before));
    }
    let of_plays = |path: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let named = folder.rsplit('/').next() == Some("playbooks") || beside.contains(folder);
        is_yaml(path) && named && !path.starts_with('.') && !path.contains("/.") && !path.contains("compose") && !path.contains("requirements")
    };
    let mut found = Vec::new();
    for path in files(snapshot, MAX_PLAYBOOKS, of_plays) {
        let Ok(text) = snapshot.text(path) else { continue };
        if !text.contains("hosts:") {
            continue;
        }
        for play in yaml::parse(&text).documents.iter().flat_map(|document| document.items()).filter(|play| play.get("hosts").is_some()) {
            found.push(read_play(snapshot, path, play));
        }
    }
    found
}

fn read_play(snapshot: &Snapshot, path: &TreePath, play: &Node) -> Play {
    let folder = path.parent();
    let mut vars = play.get("vars").map(|vars| names_of(vars, path)).unwrap_or_default();
    for file in play.get("vars_files").map(Node::items).unwrap_or_default() {
        // A list in the list: the first that is there.
        let (names, sure): (Vec<&str>, bool) = match file.text() {
            Some(name) => (vec![name], true),
            None => (file.items().iter().filter_map(|name| name.text()).collect(), file.items().len() == 1),
        };
        for name in names {
            include((snapshot, path), std::slice::from_ref(&folder), name, sure, &mut vars);
        }
    }
    for asked in play.get("vars_prompt").map(Node::items).unwrap_or_default() {
        unknown(asked.get("name").and_then(Node::text), path, &mut vars);
    }
    let mut roles = Vec::new();
    for role in play.get("roles").map(Node::items).unwrap_or_default() {
        let name = role.text().or_else(|| role.get("role").or_else(|| role.get("name")).and_then(Node::text));
        let mut given = names_of(role, path);
        given.extend(role.get("vars").map(|vars| names_of(vars, path)).unwrap_or_default());
        roles.extend(name.map(|name| (name.to_owned(), given)));
    }
    let mut templates = BTreeSet::new();
    for task in TASKS.iter().filter_map(|key| play.get(key)).flat_map(Node::items) {
        let given = task.get("vars").map(|vars| names_of(vars, path)).unwrap_or_default();
        if let Some(role) = module(task, &["include_role", "import_role"]) {
            roles.extend(role.get("name").and_then(Node::text).map(|name| (name.to_owned(), given)));
        } else if let Some(template) = module(task, &["template"]) {
            let free = || template.text().and_then(|words| words.split_whitespace().find_map(|word| word.strip_prefix("src=")));
            templates.extend(template.get("src").and_then(Node::text).or_else(free).map(str::to_owned));
            for name in given.keys() {
                unknown(Some(name), path, &mut vars);
            }
        }
        facts(task, path, &mut vars);
    }
    Play { folder, roles, templates, vars }
}

/// Puts what the tasks of `role` say over `names`: `include_vars`, and facts and variables of tasks, which are not followed.
pub(super) fn of_tasks(snapshot: &Snapshot, role: &TreePath, names: &mut Names) {
    let begin = format!("{role}/tasks/");
    for path in files(snapshot, MAX_TASKS, |path| path.starts_with(&begin) && is_yaml(path)) {
        let Ok(text) = snapshot.text(path) else { continue };
        if !["include_vars", "set_fact", "register", "vars"].iter().any(|word| text.contains(word)) {
            continue;
        }
        for task in yaml::parse(&text).documents.iter().flat_map(|document| document.items()) {
            one_task((snapshot, path), role, task, names, 0);
        }
    }
}

/// `source` is the tree and the file of the task.
fn one_task(source: (&Snapshot, &TreePath), role: &TreePath, task: &Node, names: &mut Names, depth: u32) {
    if let Some(file) = module(task, &["include_vars"]) {
        let name = file.text().or_else(|| file.get("file").and_then(Node::text)).unwrap_or("{{ all }}.yml");
        let always = !task.pairs().any(|(key, ..)| matches!(key, "when" | "loop") || key.starts_with("with_"));
        let folders: Vec<TreePath> = role.join("vars").into_iter().chain([role.clone()]).collect();
        include(source, &folders, name, always, names);
    }
    if module(task, &["template"]).is_some() {
        task.get("vars").into_iter().flat_map(Node::pairs).for_each(|(name, ..)| unknown(Some(name), source.1, names));
    }
    facts(task, source.1, names);
    for inner in ["block", "rescue", "always"].iter().filter_map(|key| task.get(key)).flat_map(Node::items).filter(|_| depth < 8) {
        one_task(source, role, inner, names, depth + 1);
    }
}

/// What a task finds out when it runs is not known here.
fn facts(task: &Node, path: &TreePath, names: &mut Names) {
    if let Some(facts) = module(task, &["set_fact"]) {
        facts.pairs().for_each(|(name, ..)| unknown(Some(name), path, names));
    }
    unknown(task.get("register").and_then(Node::text), path, names);
}

/// Notes that what the file at `path` makes `name` is not known.
fn unknown(name: Option<&str>, path: &TreePath, names: &mut Names) {
    if let Some(name) = name {
        names.insert(name.to_owned(), Said { value: Value::Unknown, by: BTreeSet::from([path.clone()]) });
    }
}

/// Returns the arguments of the module that a task runs, if it is one of `named`.
fn module<'a>(task: &'a Node, named: &[&str]) -> Option<&'a Node> {
    task.pairs().find(|(key, ..)| named.contains(&key.strip_prefix("ansible.builtin.").unwrap_or(key))).map(|(_, _, value)| value)
}

/// Puts the variables of the file called `name`, in the first of `folders` that has it, over `names`. Where the name has an expression, any file that fits may
/// be meant: so it is where the file is not `sure` to be read. `source` is the tree and the file that asks for it, without which nothing would be said.
fn include((snapshot, asker): (&Snapshot, &TreePath), folders: &[TreePath], name: &str, sure: bool, names: &mut Names) {
    let name = name.trim_start_matches("./");
    let Some((before, rest)) = name.split_once("{{") else {
        let there = |path: &TreePath| snapshot.entries().any(|(known, _)| known == path);
        let found = folders.iter().filter_map(|folder| folder.join(name)).find(there);
        let said = found.map(|path| read(snapshot, &path)).unwrap_or_default();
        for (name, mut said) in said {
            said.by.insert(asker.clone());
            if sure {
                names.insert(name, said);
            } else {
                join(names, &name, said);
            }
        }
        return;
    };
    let after = rest.rsplit_once("}}").map_or("", |(_, after)| after);
    for folder in folders {
        let Some(begin) = folder.join(before.rsplit_once('/').map_or(".", |(sub, _)| sub)).or_else(|| Some(folder.clone())) else { continue };
        let front = before.rsplit('/').next().unwrap_or_default();
        let fits = |path: &str| {
            let (parent, file) = path.rsplit_once('/').unwrap_or(("", path));
            parent == begin.as_str() && file.starts_with(front) && path.ends_with(after) && is_yaml(path)
        };
        for path in files(snapshot, MAX_TASKS, fits) {
            for (name, mut said) in read(snapshot, path) {
                said.by.insert(asker.clone());
                join(names, &name, said);
            }
        }
    }
}
