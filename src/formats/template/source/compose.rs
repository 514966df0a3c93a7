//! Compose: what a service's environment says for `${NAME}` in the files that it mounts or builds.
//!
//! Compose, "Environment variables precedence": a service's `environment` before its `env_file`; `${NAME}` in the compose file itself is the shell's, then that
//! of the `.env` beside it. Services that say different things leave a name unknown.

use super::super::value::Value;
use super::said::{Names, Said, join};
use super::{files, is_yaml};
use crate::formats::yaml::{self, Node};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};

/// The most compose files that are read.
const MAX_FILES: usize = 10;

/// The most bytes of a file of variables.
const LONGEST: usize = 1 << 20;

/// Returns what the compose files above the template at `path` say of the names in `text`, under the words they stand in it.
pub(super) fn values(snapshot: &Snapshot, path: &TreePath, text: &str) -> Names {
    let above = |folder: &str| folder.is_empty() || path.as_str().starts_with(&format!("{folder}/"));
    let is_compose = |path: &str| {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        is_yaml(path) && (file.starts_with("docker-compose") || file.starts_with("compose.")) && above(folder)
    };
    let mut names = Names::new();
    for compose in files(snapshot, MAX_FILES, is_compose) {
        let Ok(content) = snapshot.text(compose) else { continue };
        let parsed = yaml::parse(&content);
        let services = parsed.documents.iter().filter_map(|document| document.get("services")).flat_map(Node::pairs);
        let shell = variables(snapshot, compose.parent().join(".env").as_ref());
        for (_, _, service) in services {
            for (name, mut said) in of_service(snapshot, compose, service, &shell) {
                said.by.insert(compose.clone());
                for words in [format!("${{{name}}}"), format!("${name}")].into_iter().filter(|words| text.contains(words.as_str())) {
                    join(&mut names, &words, said.clone());
                }
            }
        }
    }
    names
}

fn of_service(snapshot: &Snapshot, compose: &TreePath, service: &Node, shell: &Names) -> Names {
    let mut names = Names::new();
    if let Some(listed) = service.get("env_file") {
        let one = listed.text().into_iter();
        let several = listed.items().iter().filter_map(|item| item.text().or_else(|| item.get("path").and_then(Node::text)));
        for file in one.chain(several) {
            names.extend(variables(snapshot, compose.parent().join(file.trim_start_matches("./")).as_ref()));
        }
    }
    let said = |value: Value| Said { value, by: BTreeSet::from([compose.clone()]) };
    let Some(environment) = service.get("environment") else { return names };
    for (name, _, value) in environment.pairs() {
        let value = match value.text() {
            Some(text) => interpolated(text, shell, &said),
            // Without a value it is the shell's.
            None => shell.get(name).cloned().unwrap_or_else(|| said(Value::Unknown)),
        };
        names.insert(name.to_owned(), value);
    }
    for item in environment.items().iter().filter_map(|item| item.text()) {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (name, interpolated(value, shell, &said)),
            None => (item, shell.get(item).cloned().unwrap_or_else(|| said(Value::Unknown))),
        };
        names.insert(name.to_owned(), value);
    }
    names
}

/// Puts the shell's variables into a text of a compose file.
fn interpolated(text: &str, shell: &Names, said: &dyn Fn(Value) -> Said) -> Said {
    if !text.contains('$') {
        return said(Value::Text(text.to_owned()));
    }
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    match name.and_then(|name| shell.get(name)) {
        Some(known) => known.clone(),
        // A part of a text, a default, a name that only the machine has.
        None => said(Value::Unknown),
    }
}

/// Returns the variables of a file of `NAME=value` lines, as `docker compose` reads `.env`.
fn variables(snapshot: &Snapshot, path: Option<&TreePath>) -> Names {
    let Some((path, text)) = path.and_then(|path| Some((path, snapshot.text(path).ok()?))) else { return Names::new() };
    if text.len() > LONGEST {
        return Names::new();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs: BTreeMap<String, Said> = lines
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .map(|(name, value)| {
            let value = value.trim();
            let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            let value = match quoted {
                Some(inner) => inner,
                None => value.split_once(" #").map_or(value, |(value, _)| value.trim_end()),
            };
            let value = if value.contains('$') { Value::Unknown } else { Value::Text(value.to_owned()) };
            (name.trim().to_owned(), Said { value, by: BTreeSet::from([path.clone()]) })
        })
        .collect();
    pairs
}
