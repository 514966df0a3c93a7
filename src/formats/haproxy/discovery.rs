//! Which files of a tree are HAProxy's, and which of them one process loads together.
//!
//! Names come first, because on GitHub each file read is a request; then what the file says decides.

use super::names;
use super::parser::section_kind;
use super::syntax::SectionKind;
use crate::formats::source::Source;
use crate::formats::template::{Reader, Template, Variables, language_of};
use crate::model::{Input, Model, Problem, ProblemKind, Role, Unknown};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::{Span, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The files of one configuration, in the order HAProxy loads them.
#[derive(Debug)]
pub(super) struct Group {
    /// What the configuration is called by.
    pub(super) id: TreePath,
    /// Their texts.
    pub(super) sources: Vec<Source>,
    /// The template that makes it, where one does; it is read in several ways.
    pub(super) template: Option<Template>,
    /// `false` when a file of it could not be read.
    pub(super) complete: bool,
}

/// Returns the configurations of the tree, sorted by id; what cannot be read is said in `model`.
pub(super) fn groups(snapshot: &Snapshot, model: &mut Model) -> Vec<Group> {
    let inventory = model.inventory.clone();
    let variables = Variables::new(snapshot, &inventory);
    let mut folders: BTreeMap<names::Place, Group> = BTreeMap::new();
    for (path, _) in snapshot.entries().filter(|(path, _)| names::plausible(path)) {
        let text = match snapshot.text(path) {
            Ok(text) => text,
            Err(error) => {
                unreadable(path, &error, model);
                continue;
            }
        };
        if !reads_like_haproxy(&text, names::is_ours(path)) {
            continue;
        }
        let place = names::place(path);
        let group = folders.entry(place).or_insert_with(|| Group { id: path.clone(), sources: Vec::new(), template: None, complete: true });
        if let Some(language) = language_of(path, &text, Reader::Haproxy, &[]) {
            let template = Template::read(path, &text, language, &variables);
            model.unknown.extend(template.unknown());
            model.problems.extend(template.problems());
            if template.is_whole() {
                group.template = Some(template);
            } else {
                model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Entry });
                group.complete = false;
            }
            continue;
        }
        group.sources.push(Source::plain(path.clone(), Arc::clone(&text)));
    }
    let mut groups: Vec<Group> = folders.into_values().filter(|group| !group.sources.is_empty() || group.template.is_some()).collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups
}

/// Returns whether the text is a configuration of HAProxy: most of it stands in sections of HAProxy's. `ours` when the name says so already.
fn reads_like_haproxy(text: &str, ours: bool) -> bool {
    let mut traffic = false;
    let mut sections = 0_usize;
    for line in text.lines() {
        let word = line.split_ascii_whitespace().next().unwrap_or_default();
        if word.starts_with('[') && word.ends_with(']') && !ours {
            return false;
        }
        if let Some(kind) = section_kind(word).filter(|_| line.starts_with(word) || ours) {
            sections += 1;
            traffic |= matches!(kind, SectionKind::Frontend | SectionKind::Backend | SectionKind::Listen);
        }
    }
    sections > 0 && (traffic || ours)
}

fn unreadable(path: &TreePath, error: &ReadError, model: &mut Model) {
    if !names::is_ours(path) {
        return;
    }
    let start = Span::new(path.clone(), 0, 0);
    match error {
        ReadError::Wanted | ReadError::Directory | ReadError::NotThere | ReadError::OutsideTree(_) => {}
        ReadError::TooLarge { .. } | ReadError::NotText => {
            model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Entry });
            // An error although HAProxy would read it: padding must not turn a review off.
            let message = format!("`{path}` is not read: {error}");
            let help = Some("split it into several files; the rest of the tree is reviewed without it".to_owned());
            model.problems.push(Problem { kind: ProblemKind::Syntax, fatal: true, message, help, span: start, related: Vec::new() });
        }
        ReadError::Unreadable(_) => model.unknown.push(Unknown { span: start, reason: format!("`{path}`: {error}") }),
    }
}
