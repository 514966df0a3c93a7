//! The values that an Ansible repository has for a template.
//!
//! Ansible, "Understanding variable precedence": role defaults, then `group_vars/all`, then other groups, then `host_vars`, then the role's `vars`. Which hosts
//! a template is made for is not known, so a name counts only where everything above the defaults says the same.

use super::value::{Value, Values};
use crate::formats::yaml::{self, Node};
use crate::model::Inventory;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most files of variables that are read.
const MAX_FILES: usize = 2000;

/// A value and the files that say so.
#[derive(Clone, Debug)]
struct Said {
    value: Value,
    by: BTreeSet<TreePath>,
}

type Names = BTreeMap<String, Said>;

/// The variables of a tree, read when a template is.
pub(in crate::formats) struct Variables<'a> {
    snapshot: &'a Snapshot,
    inventory: &'a Inventory,
    /// `group_vars/all`, and everything that only some hosts have.
    shared: OnceCell<(Names, Names)>,
}

impl<'a> Variables<'a> {
    pub(in crate::formats) fn new(snapshot: &'a Snapshot, inventory: &'a Inventory) -> Self {
        Self { snapshot, inventory, shared: OnceCell::new() }
    }

    /// Returns the tree.
    pub(super) fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// Returns the values of the names in `text`, the template at `path`, and the files they are from.
    pub(super) fn of(&self, path: &TreePath, text: &str) -> (Values, BTreeSet<TreePath>) {
        let (all, some) = self.shared.get_or_init(|| self.shared());
        let mut names = Names::new();
        self.role(path, "defaults", &mut names);
        names.extend(all.iter().map(|(name, said)| (name.clone(), said.clone())));
        // Other hosts have what stands below it.
        for (name, said) in some {
            join(&mut names, name, said.clone());
        }
        let mut own = Names::new();
        self.role(path, "vars", &mut own);
        names.extend(own);
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
                into.extend(self.read(&path));
            }
        }
    }

    fn shared(&self) -> (Names, Names) {
        let (mut all, mut some) = (Names::new(), Names::new());
        let files = self.snapshot.entries().map(|(path, _)| path).filter(|path| ["yml", "yaml"].iter().any(|end| path.file_name().ends_with(end)));
        let of_groups = files.filter_map(|path| Some((path, level(path)?))).take(MAX_FILES);
        for (path, level) in of_groups {
            let into = if level == "all" { &mut all } else { &mut some };
            self.read(path).into_iter().for_each(|(name, said)| join(into, &name, said));
        }
        (all, some)
    }

    /// Returns the variables of the file at `path`. A file that is encrypted or broken says nothing.
    fn read(&self, path: &TreePath) -> Names {
        let Some(text) = self.snapshot.text(path).ok().filter(|text| !text.starts_with("$ANSIBLE_VAULT")) else { return Names::new() };
        let yaml = yaml::parse(&text);
        let pairs = yaml.documents.iter().flat_map(|document| document.pairs());
        pairs.map(|(name, _, value)| (name.to_owned(), Said { value: value_of(value), by: BTreeSet::from([path.clone()]) })).collect()
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

/// Adds what is said of `name`; where something else is said already, its value is not known.
fn join(names: &mut Names, name: &str, said: Said) {
    match names.get_mut(name) {
        Some(known) => {
            if known.value != said.value {
                known.value = Value::Unknown;
            }
            known.by.extend(said.by);
        }
        None => {
            names.insert(name.to_owned(), said);
        }
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

fn value_of(node: &Node) -> Value {
    if node.tag.as_deref().is_some_and(|tag| tag.contains("vault")) {
        return Value::Unknown;
    }
    match &node.value {
        yaml::Value::Null => Value::None,
        yaml::Value::Sequence(items) => Value::List(items.iter().map(|item| value_of(item)).collect()),
        yaml::Value::Mapping(_) => Value::Map(node.pairs().map(|(name, _, value)| (name.to_owned(), value_of(value))).collect()),
        yaml::Value::Scalar(text) => scalar(text, node.end - node.start),
    }
}

/// Returns the value of a scalar written in `length` bytes: quotes make it a text.
fn scalar(text: &str, length: usize) -> Value {
    if length != text.len() {
        return Value::Text(text.to_owned());
    }
    match text {
        "true" | "True" | "yes" | "Yes" | "on" => Value::Bool(true),
        "false" | "False" | "no" | "No" | "off" => Value::Bool(false),
        // A number that would be printed otherwise than it is written (`0644`) stays a text.
        _ => text.parse::<i64>().ok().filter(|number| number.to_string() == text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
    }
}
