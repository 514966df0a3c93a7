//! What exists and what is known of it: Ansible inventories, hosts files, zone files, lists of certificates, capacity plans. `README.md` says what is read and who may claim what.

mod ansible;
mod ansible_ini;
mod ansible_yaml;
mod authority;
mod certificate;
mod hosts;
mod load;
mod recognise;
mod service;
mod virtual_address;
mod zone;

use crate::formats::yaml::{self, Node, Value};
use crate::model::{Input, Label, Model, Problem, ProblemKind, Role, Unknown};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::{Span, TreePath};
use ansible::Directory;
use recognise::{Candidate, Facts};
use std::collections::BTreeMap;

/// Adds the hosts of every inventory of the tree, and what each may speak for.
pub fn read(snapshot: &Snapshot, model: &mut Model) {
    // Ansible reads the files of a directory as one inventory.
    let mut directories: BTreeMap<TreePath, Directory> = BTreeMap::new();
    for (path, _) in snapshot.entries() {
        let Some(candidate) = recognise::by_path(path) else { continue };
        let directory = path.parent();
        if candidate == Candidate::Script {
            directories.entry(directory).or_default().dynamic = true;
            continue;
        }
        let text = match snapshot.text(path) {
            Ok(text) => text,
            Err(ReadError::Wanted) => continue,
            Err(error) => {
                directories.entry(directory).or_default().incomplete = true;
                // A name like `hosts` is worth a word only where it is an inventory for sure, and that the content would say.
                if candidate == Candidate::Yaml && recognise::in_inventory(path) {
                    let reason = format!("the inventory is not read: {error}");
                    model.unknown.push(Unknown { span: Span::new(path.clone(), 0, 0), reason });
                }
                continue;
            }
        };
        let file = File { path, text: &text };
        let whole = |directories: &BTreeMap<TreePath, Directory>| directories.get(&path.parent()).is_none_or(|directory| !directory.incomplete);
        let (was_whole, told) = (whole(&directories), model.unknown.len() + model.problems.len());
        let format = match candidate {
            Candidate::Yaml => ansible_yaml::read(file, directories.entry(directory).or_default(), model).then_some("ansible"),
            Candidate::Text if hosts::is_hosts_file(&text) => {
                hosts::read(file, model);
                Some("hosts")
            }
            Candidate::Text => ansible_ini::read(file, directories.entry(directory).or_default(), model).then_some("ansible"),
            Candidate::Zone => zone::read(file, model).then_some("zone"),
            Candidate::Script => None,
        };
        // Whatever takes the directory its authority is said, or a file of brackets would silence the rules.
        if was_whole && !whole(&directories) && model.unknown.len() + model.problems.len() == told {
            let reason = "this file beside the inventory cannot be read whole, so the inventory calls no server missing".to_owned();
            model.unknown.push(Unknown { span: file.span(0, 0), reason });
        }
        if let Some(format) = format {
            model.inputs.push(Input { path: path.clone(), format, role: Role::Inventory });
        }
    }
    for (path, mut directory) in directories {
        host_variables(snapshot, &path, &mut directory, model);
        virtual_addresses(snapshot, &path, &mut directory, model);
        directory.finish(&mut model.inventory);
    }
    facts(snapshot, model);
}

/// Adds what other files say of certificates and of load.
fn facts(snapshot: &Snapshot, model: &mut Model) {
    for (path, _) in snapshot.entries() {
        let Some(kind) = recognise::facts_by_path(path) else { continue };
        let Ok(text) = snapshot.text(path) else { continue };
        let file = File { path, text: &text };
        let before = model.inventory.certificates.len() + model.inventory.loads.len();
        match kind {
            Facts::Certificates => model.inventory.certificates.extend(certificate::read(file)),
            Facts::Load => model.inventory.loads.extend(load::read(file)),
            Facts::Gunicorn => model.inventory.loads.extend(load::gunicorn(file)),
        }
        if model.inventory.certificates.len() + model.inventory.loads.len() > before {
            model.inputs.push(Input { path: path.clone(), format: kind.name(), role: Role::Inventory });
        }
    }
}

/// A file being read.
#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a TreePath,
    text: &'a str,
}

impl File<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.path.clone(), start, end)
    }

    /// Returns a problem at the first line at or after `at` that holds something.
    fn problem(&self, at: usize, message: String, help: &str) -> Problem {
        let start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let span = self.span(start + line.len() - line.trim_start().len(), start + line.trim_end().len().max(line.len() - line.trim_start().len()));
        Problem { kind: ProblemKind::Syntax, fatal: false, message, help: Some(help.to_owned()), span, related: Vec::new(), fix: None }
    }
}

/// Gives hosts without an address the one their `host_vars` file has, beside the inventory or beside its directory, as Ansible looks for it.
fn host_variables(snapshot: &Snapshot, directory: &TreePath, hosts: &mut Directory, model: &mut Model) {
    for host in hosts.hosts_mut().filter(|host| host.addresses.is_empty()) {
        let names = [format!("{}.yml", host.name), format!("{}.yaml", host.name), host.name.to_string(), format!("{}/main.yml", host.name)];
        let folders = [directory.clone(), directory.parent()];
        let paths = folders.iter().flat_map(|folder| names.iter().filter_map(|name| folder.join(&format!("host_vars/{name}"))));
        for path in paths {
            match snapshot.text(&path) {
                Ok(text) => {
                    let file = File { path: &path, text: &text };
                    for (key, at, value) in yaml::parse(&text).documents.iter().flat_map(|document| document.pairs()) {
                        if let Value::Scalar(text) = &value.value {
                            host.say(key, text, &Label { span: file.span(at.start, value.end), text: key.into() });
                        }
                    }
                    model.inputs.push(Input { path, format: "ansible", role: Role::Inventory });
                    break;
                }
                Err(ReadError::Wanted) => break,
                Err(_) => {}
            }
        }
    }
}

/// Adds what the `group_vars` of the inventory in `directory` say: virtual addresses, and what its groups say of their services.
fn virtual_addresses(snapshot: &Snapshot, directory: &TreePath, groups: &mut Directory, model: &mut Model) {
    for (path, _) in snapshot.entries().filter(|(path, _)| virtual_address::belongs(path, directory)) {
        let Ok(text) = snapshot.text(path) else { continue };
        let file = File { path, text: &text };
        let found = virtual_address::read(file);
        let mut said = false;
        for (key, at, value) in yaml::parse(&text).documents.iter().flat_map(|document| document.pairs()) {
            if let (Some(group), Some(text)) = (virtual_address::group_of(path), value.text().filter(|_| !is_vault(value))) {
                said |= groups.group_file(group, key, text, &Label { span: file.span(at.start, value.end), text: key.into() });
            }
        }
        if said || !found.is_empty() {
            model.inputs.push(Input { path: path.clone(), format: "ansible", role: Role::Inventory });
            model.inventory.hosts.extend(found);
        }
    }
}

/// Returns whether `text` holds a template expression.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Returns whether `node` is something only Ansible itself can read.
fn is_vault(node: &Node) -> bool {
    node.tag.as_deref().is_some_and(|tag| tag.ends_with("vault"))
}
