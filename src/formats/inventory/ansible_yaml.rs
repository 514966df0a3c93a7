//! Ansible inventories in YAML: groups of `hosts`, `children` and `vars`; and the settings of inventory plugins, which are dynamic.

use super::ansible::{Directory, expand};
use super::{File, is_template, is_vault};
use crate::formats::yaml::{self, Node, Value, Yaml};
use crate::model::{Label, Model, Unknown};

/// Reads `file` into `directory`; `false` when it is something else.
pub(super) fn read(file: File<'_>, directory: &mut Directory, model: &mut Model) -> bool {
    if file.text.starts_with("$ANSIBLE_VAULT") {
        directory.incomplete = true;
        return false;
    }
    let yaml = yaml::parse(file.text);
    if !yaml.errors.is_empty() {
        return broken(file, &yaml, directory, model);
    }
    let [document] = yaml.documents.as_slice() else { return false };
    if let Some((_, key, plugin)) = document.pairs().find(|(key, ..)| *key == "plugin") {
        return plugin_file(file, key, plugin, directory, model);
    }
    if !is_inventory(document) {
        return false;
    }
    for (name, key, group) in document.pairs() {
        read_group(file, (name, key), group, directory, model);
    }
    for twice in &yaml.duplicates {
        let mut problem = file.problem(
            twice.kept.start,
            format!("`{}` is written twice in the same place, and Ansible drops the first one with everything in it", twice.key),
            "merge the two",
        );
        problem.span = file.span(twice.kept.start, twice.kept.end);
        problem.related.push(crate::model::Related { span: file.span(twice.dropped.start, twice.dropped.end), text: "dropped".to_owned() });
        model.problems.push(problem);
    }
    true
}

/// A file that cannot be read claims nothing; it is a problem only if it is an inventory.
fn broken(file: File<'_>, yaml: &Yaml, directory: &mut Directory, model: &mut Model) -> bool {
    directory.incomplete = true;
    let words = file.text.contains("ansible_") || file.text.lines().any(|line| line.trim_end() == "all:");
    let groups = file.text.lines().any(|line| matches!(line.trim().split(':').next(), Some("hosts" | "children")));
    if !words || !groups {
        return false;
    }
    if file.text.contains("{%") || file.text.lines().any(|line| line.trim_start().starts_with("{{")) {
        let reason = "the inventory is a template, so what exists is not known".to_owned();
        model.unknown.push(Unknown { span: file.span(0, 0), reason });
        return true;
    }
    if let Some(error) = yaml.errors.first() {
        let message = format!("the inventory is not valid YAML: {}", error.reason);
        model.problems.push(file.problem(error.at, message, "mend it; until then no server is looked up in it"));
    }
    true
}

/// A plugin's settings: hosts appear when Ansible runs. `constructed` only groups hosts that others have.
fn plugin_file(file: File<'_>, key: &Node, plugin: &Node, directory: &mut Directory, model: &mut Model) -> bool {
    let Some(name) = plugin.text() else { return false };
    if name.ends_with("constructed") {
        return true;
    }
    directory.dynamic = true;
    let reason = format!("the inventory plugin `{name}` adds hosts when Ansible runs, so no server is called missing because of the files beside it");
    model.unknown.push(Unknown { span: file.span(key.start, plugin.end), reason });
    true
}

/// Returns whether `document` is made of groups: every value is nothing or a mapping, and one has hosts or children.
fn is_inventory(document: &Node) -> bool {
    let group = |node: &Node| node.get("hosts").or_else(|| node.get("children")).is_some_and(|inner| inner.is_mapping() || inner.is_null());
    document.is_mapping()
        && document.pairs().all(|(_, _, value)| value.is_mapping() || value.is_null())
        && document.pairs().any(|(_, _, value)| group(value))
        && document.pairs().all(|(_, _, value)| value.pairs().all(|(key, ..)| matches!(key, "hosts" | "children" | "vars")))
}

fn read_group(file: File<'_>, (name, key): (&str, &Node), group: &Node, directory: &mut Directory, model: &mut Model) {
    if is_template(name) {
        directory.incomplete = true;
        let reason = "a group's name is a template expression, so its hosts are not read".to_owned();
        model.unknown.push(Unknown { span: file.span(key.start, key.end), reason });
        return;
    }
    for (host, key, variables) in group.get("hosts").into_iter().flat_map(Node::pairs) {
        read_host(file, name, (host, key), variables, directory);
    }
    for (variable, key, value) in group.get("vars").into_iter().flat_map(Node::pairs) {
        if let Some(text) = value.text().filter(|_| !is_vault(value)) {
            directory.group_variable(name, variable, text, &Label { span: file.span(key.start, value.end), text: variable.into() });
        }
    }
    for (child, key, inner) in group.get("children").into_iter().flat_map(Node::pairs) {
        directory.child(child, name);
        read_group(file, (child, key), inner, directory, model);
    }
}

fn read_host(file: File<'_>, group: &str, (name, key): (&str, &Node), variables: &Node, directory: &mut Directory) {
    let text = address_of(variables).map_or_else(|| name.to_owned(), |address| format!("{name} {address}"));
    let label = Label { span: file.span(key.start, key.end), text: text.into() };
    // A host written in a way that is not understood could be any host.
    let Some(names) = expand(name).filter(|_| !is_template(name)) else {
        directory.incomplete = true;
        return;
    };
    for name in names {
        let Some(host) = directory.host(&name, group, &label) else { return };
        for (key, at, value) in variables.pairs() {
            match &value.value {
                Value::Scalar(text) if !is_vault(value) => {
                    host.say(key, text, &Label { span: file.span(at.start, value.end), text: key.into() });
                }
                Value::Sequence(items) => items.iter().filter_map(|item| item.text()).for_each(|text| host.set("", text)),
                Value::Scalar(_) | Value::Null | Value::Mapping(_) => {}
            }
        }
    }
}

fn address_of(variables: &Node) -> Option<&str> {
    variables.get("ansible_host").and_then(Node::text)
}
