//! What the repository says for the names in templates: one file for each tool that keeps values somewhere.

mod ansible;
mod compose;
mod helm;
mod hiera;
mod playbook;
mod said;
mod salt;

pub(in crate::formats) use ansible::Variables;

use super::language::Language;
use super::value::Values;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use said::Names;
use std::collections::BTreeSet;

/// What is known for a template.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) values: Values,
    /// The files that say so.
    pub(super) by: BTreeSet<TreePath>,
    /// The tool that keeps them.
    pub(super) tool: &'static str,
}

/// Returns what the repository says for the template at `path`, with the text `text`.
pub(super) fn known(path: &TreePath, text: &str, language: Language, variables: &Variables<'_>) -> Known {
    let snapshot = variables.snapshot();
    match language {
        Language::Jinja => {
            let (values, by) = variables.of(path, text);
            Known { values, by, tool: "ansible" }
        }
        Language::Go => told(helm::values(snapshot, path, text), "helm", false),
        Language::Erb | Language::Epp => told(hiera::values(snapshot, text), "hiera", true),
        Language::Placeholders { .. } => told(compose::values(snapshot, path, text), "compose", true),
    }
}

/// `decides`: the values hold for whoever uses the repository, so that conditions on them are answered.
fn told(names: Names, tool: &'static str, decides: bool) -> Known {
    let by = names.values().flat_map(|said| said.by.iter().cloned()).collect();
    let values = Values::new(names.into_iter().map(|(name, said)| (name, said.value)).collect());
    Known { values: if decides { values } else { values.of_defaults() }, by, tool }
}

/// Returns the files of `snapshot` that `wanted` asks for by path, at most `most`.
fn files<'a>(snapshot: &'a Snapshot, most: usize, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = &'a TreePath> {
    snapshot.entries().map(|(path, _)| path).filter(move |path| wanted(path.as_str())).take(most)
}

/// Returns whether `path` is YAML by its name.
fn is_yaml(path: &str) -> bool {
    matches!(ending(path), Some("yml" | "yaml"))
}

/// Returns what follows the last dot of `path`.
fn ending(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(_, ending)| ending)
}
