//! What a file says of names: values with the files they are from.

use super::super::value::Value;
use crate::formats::yaml::{self, Node};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};

/// A value and the files that say so.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) value: Value,
    pub(super) by: BTreeSet<TreePath>,
}

/// What is said, by name.
pub(super) type Names = BTreeMap<String, Said>;

/// Returns the variables of the file at `path`. A file that is encrypted, broken or too large says nothing.
pub(super) fn read(snapshot: &Snapshot, path: &TreePath) -> Names {
    let Some(text) = snapshot.text(path).ok().filter(|text| !text.starts_with("$ANSIBLE_VAULT")) else { return Names::new() };
    let yaml = yaml::parse(&text);
    yaml.documents.iter().flat_map(|document| names_of(document, path)).collect()
}

/// Returns the keys of the mapping `node` of the file at `path` as names.
pub(super) fn names_of(node: &Node, path: &TreePath) -> Names {
    node.pairs().map(|(name, _, value)| (name.to_owned(), Said { value: value_of(value), by: BTreeSet::from([path.clone()]) })).collect()
}

/// Adds what is said of `name`; where something else is said already, its value is not known.
pub(super) fn join(names: &mut Names, name: &str, said: Said) {
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

/// Returns the value of a node; what is encrypted is not known.
pub(super) fn value_of(node: &Node) -> Value {
    if node.tag.as_deref().is_some_and(|tag| tag.contains("vault")) {
        return Value::Unknown;
    }
    match &node.value {
        yaml::Value::Null => Value::None,
        yaml::Value::Sequence(items) => Value::List(items.iter().map(|item| value_of(item)).collect()),
        yaml::Value::Mapping(_) => Value::Map(node.pairs().map(|(name, _, value)| (name.to_owned(), value_of(value))).collect()),
        // Hiera's and others' encrypted values have no tag.
        yaml::Value::Scalar(text) if text.starts_with("ENC[") => Value::Unknown,
        yaml::Value::Scalar(text) => scalar(text, node.end - node.start),
    }
}

/// Returns the value of a scalar written in `length` bytes: quotes make it a text.
pub(super) fn scalar(text: &str, length: usize) -> Value {
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
