//! Virtual addresses: addresses that no host has for its own and that float between hosts (keepalived, VRRP). Ansible keeps them in `group_vars`.
//!
//! Only variables that say so by their name are taken. Lists of backends stand in `group_vars` too, and a slip in one of them must not vouch for itself.

use super::File;
use crate::formats::yaml::{self, Node, Value};
use crate::model::{InventoryHost, Label};
use crate::span::TreePath;
use std::net::IpAddr;
use std::sync::Arc;

/// What the name of a variable that holds a virtual address has in it.
const WORDS: &[&str] = &["vip", "virtual_ip", "virtual_address", "virtualip", "floating", "vrrp"];

/// Returns whether the file at `path` is one of the variables of a group whose inventory lies in `directory`: beside it, or beside its folder.
pub(super) fn belongs(path: &TreePath, directory: &TreePath) -> bool {
    let beside = |folder: &TreePath| folder.join("group_vars").is_some_and(|vars| path.as_str().starts_with(&format!("{vars}/")));
    let yaml = path.file_name().rsplit_once('.').is_none_or(|(_, ending)| matches!(ending, "yml" | "yaml"));
    yaml && (beside(directory) || beside(&directory.parent()))
}

/// Returns the group that the file at `path` below `group_vars/` is of: `group_vars/web.yml`, `group_vars/web/main.yml`.
pub(super) fn group_of(path: &TreePath) -> Option<&str> {
    let (_, rest) = path.as_str().rsplit_once("group_vars/")?;
    let first = rest.split('/').next()?;
    Some(first.strip_suffix(".yml").or_else(|| first.strip_suffix(".yaml")).unwrap_or(first))
}

/// Returns the virtual addresses that `file` names, in file order, each called as its variable.
pub(super) fn read(file: File<'_>) -> Vec<InventoryHost> {
    let mut found = Vec::new();
    for document in &yaml::parse(file.text).documents {
        collect(file, document, None, &mut found);
    }
    found
}

fn collect(file: File<'_>, node: &Node, variable: Option<&str>, found: &mut Vec<InventoryHost>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(text) => {
            let bare = text.split('/').next().unwrap_or_default();
            if let (Some(variable), Ok(address)) = (variable, bare.parse::<IpAddr>()) {
                let label = Label { span: file.span(node.start, node.end), text: Arc::from(format!("{variable}: {text}")) };
                found.push(InventoryHost { addresses: vec![address], ..InventoryHost::new(Arc::from(variable), label) });
            }
        }
        Value::Mapping(_) => {
            for (key, _, value) in node.pairs() {
                let lower = key.to_ascii_lowercase();
                let named = WORDS.iter().any(|word| lower.contains(word)).then_some(key);
                collect(file, value, named.or(variable), found);
            }
        }
        Value::Sequence(_) => {
            for item in node.items() {
                collect(file, item, variable, found);
            }
        }
    }
}
