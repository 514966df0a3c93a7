//! Hiera, where Puppet's templates ask for it by name: `lookup('nginx::port')`.
//!
//! Which levels hold for a node is in `hiera.yaml`, by facts: so a key counts only where every file that has it says the same.

use super::super::value::Value;
use super::files;
use super::is_yaml;
use super::said::{Names, Said, join, read};
use crate::snapshot::Snapshot;

/// The most files of data that are read.
const MAX_FILES: usize = 400;

/// Returns the keys that `text` asks for.
pub(super) fn values(snapshot: &Snapshot, text: &str) -> Names {
    if !text.contains("lookup") && !text.contains("hiera") {
        return Names::new();
    }
    let is_data = |path: &str| is_yaml(path) && path.split('/').rev().skip(1).any(|folder| matches!(folder, "data" | "hieradata" | "hiera"));
    let mut names = Names::new();
    for path in files(snapshot, MAX_FILES, is_data) {
        for (key, said) in read(snapshot, path).into_iter().filter(|(key, _)| text.contains(key.as_str())) {
            join(&mut names, &key, plain(said));
        }
    }
    names
}

/// What Hiera puts together itself (`%{…}`) is not known here.
fn plain(said: Said) -> Said {
    match &said.value {
        Value::Text(text) if text.contains("%{") => Said { value: Value::Unknown, ..said },
        Value::List(_) | Value::Map(_) => Said { value: Value::Unknown, ..said },
        _ => said,
    }
}
