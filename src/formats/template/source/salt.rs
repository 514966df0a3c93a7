//! Pillars of Salt: `pillar['nginx']['port']`, `pillar.get('nginx:port')`, `salt['pillar.get']('nginx:port')`.
//!
//! Which minions a pillar is for is in `top.sls`, by name: it is not followed, so a key counts only where every file that has it says the same.

use super::super::value::Value;
use super::said::{Names, Said, join, names_of};
use super::{ending, files};
use crate::formats::yaml;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// The most files of pillars that are read.
const MAX_FILES: usize = 200;

/// Returns the name `pillar`, where `text` uses it and the tree has pillars.
pub(super) fn pillars(snapshot: &Snapshot, text: &str) -> Names {
    if !text.contains("pillar") {
        return Names::new();
    }
    let is_pillar = |path: &str| {
        let mut folders = path.split('/').rev().skip(1);
        ending(path) == Some("sls") && folders.any(|folder| matches!(folder, "pillar" | "pillars")) && !path.ends_with("/top.sls")
    };
    let mut keys = Names::new();
    for path in files(snapshot, MAX_FILES, is_pillar) {
        let Ok(text) = snapshot.text(path) else { continue };
        if text.contains("{%") || text.contains("{{") || text.starts_with("#!") {
            // What it makes is not known: its keys may hold anything.
            for key in text.lines().filter_map(|line| line.split_once(':').map(|(key, _)| key)).filter(|key| !key.starts_with([' ', '#', '-'])) {
                join(&mut keys, key, Said { value: Value::Unknown, by: BTreeSet::from([path.clone()]) });
            }
            continue;
        }
        for document in &yaml::parse(&text).documents {
            for (name, said) in names_of(document, path) {
                join(&mut keys, &name, said);
            }
        }
    }
    if keys.is_empty() {
        return Names::new();
    }
    let used: Vec<(String, Said)> = keys.into_iter().filter(|(key, _)| text.contains(key.as_str())).collect();
    let by = used.iter().flat_map(|(_, said)| said.by.iter().cloned()).collect();
    let value = Value::Map(used.into_iter().map(|(key, said)| (key, said.value)).collect());
    Names::from([("pillar".to_owned(), Said { value, by })])
}
