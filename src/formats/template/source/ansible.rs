//! The values that an Ansible repository has for a template.
//!
//! Ansible, "Understanding variable precedence": role defaults, then `group_vars/all`, then other groups, then `host_vars`, then `vars` and `vars_files` of the
//! play, then the role's `vars`, then `include_vars`, then what the play gives the role. Which hosts a template is made for is not known, so a name counts only
//! where everything above the defaults says the same.

use super::super::value::{Value, Values};
use super::playbook::{self, Play};
use super::said::{Names, join, read};
use super::salt;
use crate::model::Inventory;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most files of variables that are read.
const MAX_FILES: usize = 2000;

/// The variables of a tree, read when a template is.
pub(in crate::formats) struct Variables<'a> {
    snapshot: &'a Snapshot,
    inventory: &'a Inventory,
    /// `group_vars/all`, and everything that only some hosts have.
    shared: OnceCell<(Names, Names)>,
    /// The plays of the tree's playbooks.
    plays: OnceCell<Vec<Play>>,
}

impl<'a> Variables<'a> {
    pub(in crate::formats) fn new(snapshot: &'a Snapshot, inventory: &'a Inventory) -> Self {
        Self { snapshot, inventory, shared: OnceCell::new(), plays: OnceCell::new() }
    }

    /// Returns the tree.
    pub(in crate::formats::template) fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// Returns the values of the names in `text`, the template at `path`, and the files they are from.
    pub(in crate::formats::template) fn of(&self, path: &TreePath, text: &str) -> (Values, BTreeSet<TreePath>) {
        let (all, some) = self.shared.get_or_init(|| self.shared());
        let mut names = Names::new();
        self.role(path, "defaults", &mut names);
        names.extend(all.iter().map(|(name, said)| (name.clone(), said.clone())));
        // Other hosts have what stands below it.
        for (name, said) in some {
            join(&mut names, name, said.clone());
        }
        self.of_plays(path, &mut names);
        let mut own = Names::new();
        self.role(path, "vars", &mut own);
        names.extend(own);
        if let Some(role) = role(path) {
            playbook::of_tasks(self.snapshot, &role, &mut names);
        }
        self.given(path, &mut names);
        names.extend(salt::pillars(self.snapshot, text));
        let mut used: BTreeMap<String, Value> = BTreeMap::new();
        let mut by = BTreeSet::new();
        let mut texts = vec![text.to_owned()];
        while let Some(text) = texts.pop() {
            for (name, said) in names.iter().filter(|(name, _)| text.contains(name.as_str())) {
                if used.insert(name.clone(), said.value.clone()).is_none() {
                    by.extend(said.by.iter().cloned());
                    said.value.templates(&mut texts);
                }
            }
        }
        used.extend(self.hosts());
        (Values::new(used), by)
    }

    /// Adds the variables of the role that the template at `path` belongs to.
    fn role(&self, path: &TreePath, folder: &str, into: &mut Names) {
        let Some(role) = role(path) else { return };
        for ending in ["main.yml", "main.yaml"] {
            if let Some(path) = role.join(&format!("{folder}/{ending}")) {
                into.extend(read(self.snapshot, &path));
            }
        }
    }

    fn shared(&self) -> (Names, Names) {
        let (mut all, mut some) = (Names::new(), Names::new());
        let files = self.snapshot.entries().map(|(path, _)| path).filter(|path| ["yml", "yaml"].iter().any(|end| path.file_name().ends_with(end)));
        let of_groups = files.filter_map(|path| Some((path, level(path)?))).take(MAX_FILES);
        for (path, level) in of_groups {
            let into = if level == "all" { &mut all } else { &mut some };
            for (name, said) in read(self.snapshot, path) {
                join(into, &name, said);
            }
        }
        (all, some)
    }

    /// Returns the plays that make the template at `path`, each with what it gives the role.
    fn plays(&self, path: &TreePath) -> Vec<(&Play, Option<&Names>)> {
        let plays = self.plays.get_or_init(|| playbook::plays(self.snapshot));
        let Some(role) = role(path) else { return Vec::new() };
        plays.iter().filter_map(|play| play.makes(&role, path)).collect()
    }

    /// Puts what the plays say over `names`. A play that says nothing of a name leaves what stands below.
    fn of_plays(&self, path: &TreePath, names: &mut Names) {
        let plays = self.plays(path);
        over(names, &plays.iter().map(|(play, _)| &play.vars).collect::<Vec<_>>());
    }

    /// Puts what the plays give the role with its name over `names`.
    fn given(&self, path: &TreePath, names: &mut Names) {
        let none = Names::new();
        over(names, &self.plays(path).iter().map(|(_, given)| given.unwrap_or(&none)).collect::<Vec<_>>());
    }

    /// `groups` and `hostvars`, as the inventories of the tree have them. Where several directories have a group of one name, it is not known which counts.
    fn hosts(&self) -> BTreeMap<String, Value> {
        let mut groups: BTreeMap<Arc<str>, (Vec<Value>, Option<TreePath>)> = BTreeMap::new();
        let mut hosts = Vec::new();
        for host in &self.inventory.hosts {
            let name = Value::Text(host.name.to_string());
            let directory = host.label.span.path.parent();
            for group in &host.groups {
                let (members, from) = groups.entry(Arc::clone(group)).or_insert_with(|| (Vec::new(), Some(directory.clone())));
                members.push(name.clone());
                if from.as_ref() != Some(&directory) {
                    *from = None;
                }
            }
            let address = match host.addresses.as_slice() {
                [one] => Value::Text(one.to_string()),
                _ => Value::Unknown,
            };
            let facts = vec![("inventory_hostname".to_owned(), name), ("ansible_host".to_owned(), address)];
            hosts.push((host.name.to_string(), Value::Map(facts)));
        }
        if hosts.is_empty() {
            return BTreeMap::new();
        }
        let group = |(name, (members, from)): (Arc<str>, (Vec<Value>, Option<TreePath>))| {
            (name.to_string(), if from.is_some() { Value::List(members) } else { Value::Unknown })
        };
        let groups = Value::Map(groups.into_iter().map(group).collect());
        BTreeMap::from([("groups".to_owned(), groups), ("hostvars".to_owned(), Value::Map(hosts))])
    }
}

/// Puts the layers, of which one holds and it is not known which, over `names`.
fn over(names: &mut Names, layers: &[&Names]) {
    let Some((first, others)) = layers.split_first() else { return };
    for name in layers.iter().flat_map(|layer| layer.keys()).collect::<BTreeSet<_>>() {
        let everywhere = others.iter().all(|layer| layer.get(name).map(|said| &said.value) == first.get(name).map(|said| &said.value));
        if everywhere {
            names.remove(name);
        }
        layers.iter().filter_map(|layer| layer.get(name)).for_each(|said| join(names, name, said.clone()));
    }
}

/// Returns the directory of the role that the template at `path` belongs to.
fn role(path: &TreePath) -> Option<TreePath> {
    let mut here = path.parent();
    while !here.as_str().is_empty() {
        if here.file_name() == "templates" {
            return Some(here.parent());
        }
        here = here.parent();
    }
    None
}

/// Returns the group or host whose variables the file at `path` holds.
fn level(path: &TreePath) -> Option<&str> {
    let (_, rest) = path.as_str().rsplit_once("group_vars/").or_else(|| path.as_str().rsplit_once("host_vars/"))?;
    let first = rest.split('/').next()?;
    Some(first.strip_suffix(".yml").or_else(|| first.strip_suffix(".yaml")).unwrap_or(first))
}
