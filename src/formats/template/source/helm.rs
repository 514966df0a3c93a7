//! Helm: `.Values.a.b` of a chart, as its `values.yaml` has it.
//!
//! They are defaults: whoever installs the chart may say otherwise, so they answer no condition, and what another values file of the chart says otherwise is not
//! known. Lists are left to the reader: one copy of a loop's body stands for any.

use super::super::value::Value;
use super::said::{Names, Said, join, read};
use super::{files, is_yaml};
use crate::snapshot::Snapshot;
use crate::span::TreePath;

/// The file that makes a directory a chart.
const CHART: &str = "Chart.yaml";

/// The most files of values of a chart.
const MAX_FILES: usize = 40;

/// Returns the values that `text`, the template at `path`, asks for, under the words it asks with.
pub(super) fn values(snapshot: &Snapshot, path: &TreePath, text: &str) -> Names {
    let mut asked: Vec<&str> = text.match_indices(".Values.").filter_map(|(at, _)| words(text, at)).collect();
    asked.sort_unstable();
    asked.dedup();
    let Some(chart) = (!asked.is_empty()).then(|| chart(snapshot, path)).flatten() else { return Names::new() };
    let is_values = |path: &str| {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        is_yaml(path) && file.contains("values") && folder == chart.as_str()
    };
    let mut names = Names::new();
    for path in files(snapshot, MAX_FILES, is_values) {
        let top = read(snapshot, path);
        for words in &asked {
            let mut steps = words.trim_start_matches('$').split('.').skip(2);
            let Some(first) = steps.next().and_then(|step| top.get(step)) else { continue };
            let found = steps.try_fold(&first.value, |value, step| value.field(step));
            // Nothing and the empty text are no value to `default`.
            let Some(value) = found.filter(|value| value.holds() != Some(false) || matches!(value, Value::Bool(_) | Value::Number(_))) else {
                continue;
            };
            // Without the chart's own file it would not be a chart.
            let by = first.by.iter().cloned().chain(chart.join(CHART)).collect();
            join(&mut names, words, Said { value: of_go(value), by });
        }
    }
    names
}

/// Go prints booleans in small letters; a text in which another name stands is for `tpl`.
fn of_go(value: &Value) -> Value {
    match value {
        Value::Bool(value) => Value::Text(value.to_string()),
        Value::Text(text) if text.contains("{{") => Value::Unknown,
        Value::List(_) | Value::Map(_) => Value::Unknown,
        value => value.clone(),
    }
}

/// Returns the words `.Values.a.b` that begin at `at`, with a `$` before them.
fn words(text: &str, at: usize) -> Option<&str> {
    let start = if text.get(..at)?.ends_with('$') { at - 1 } else { at };
    let rest = text.get(at..)?;
    let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))).unwrap_or(rest.len());
    text.get(start..at + length).map(|words| words.trim_end_matches('.'))
}

/// Returns the directory of the chart that the file at `path` is in.
fn chart(snapshot: &Snapshot, path: &TreePath) -> Option<TreePath> {
    let mut here = path.parent();
    loop {
        let file = here.join(CHART)?;
        if snapshot.entries().any(|(known, _)| *known == file) {
            return Some(here);
        }
        if here.as_str().is_empty() {
            return None;
        }
        here = here.parent();
    }
}
