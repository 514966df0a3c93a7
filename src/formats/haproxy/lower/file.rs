//! Files that rules refer to: lists of patterns, maps, lists of certificates.
//!
//! HAProxy: `pat_ref_read_from_file` and `pat_ref_read_from_file_smp`: a line each, blanks before it skipped; empty lines and those that begin with `#`
//! are nothing. A name is relative to where HAProxy is started, and an absolute one is that of the machine it runs on; in a tree it is the file whose
//! path ends most like it, and of several the nearest to the configuration.

use super::Lowering;
use crate::formats::source::{has_hole, shown};
use crate::model::{Input, Label, Role};
use crate::span::{Span, TreePath};
use std::cmp::Reverse;
use std::sync::Arc;

/// A line of a list or a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line without the blanks before it.
    pub(super) text: Arc<str>,
    pub(super) span: Span,
}

impl Entry {
    /// Returns the first word.
    pub(super) fn key(&self) -> &str {
        self.text.split([' ', '\t']).next().unwrap_or_default()
    }

    /// Returns what follows the first word, without the blanks around it.
    pub(super) fn value(&self) -> &str {
        self.text.split_once([' ', '\t']).map_or("", |(_, value)| value.trim())
    }

    pub(super) fn label(&self) -> Label {
        Label { span: self.span.clone(), text: Arc::clone(&self.text) }
    }
}

impl Lowering<'_> {
    /// Returns the lines of the list or map that `written` names at `span`; `Err` with a few words where it cannot be read, which is reported.
    pub(super) fn list(&mut self, written: &str, span: &Span) -> Result<Vec<Entry>, String> {
        let mut missing = |this: &mut Self, why: &str| {
            this.unknown(span, format!("`{}` {why}", shown(written)));
            Err(format!("`{}` {why}", shown(written)))
        };
        if has_hole(written) {
            return missing(self, "cannot be read: its name is not known");
        }
        let Some(path) = self.locate(written) else { return missing(self, "is not in the tree") };
        let Ok(text) = self.snapshot.text(&path) else { return missing(self, "cannot be read") };
        self.model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Included });
        let mut entries = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at + line.len() - line.trim_start_matches([' ', '\t']).len();
            let content = line.trim_start_matches([' ', '\t']).trim_end_matches(['\n', '\r']);
            if !content.is_empty() && !content.starts_with('#') {
                entries.push(Entry { text: Arc::from(content), span: Span::new(path.clone(), start, start + content.len()) });
            }
            at += line.len();
        }
        Ok(entries)
    }

    /// Returns the file of the tree that `written` names.
    pub(super) fn locate(&self, written: &str) -> Option<TreePath> {
        let folder = self.config.id.parent();
        let here = [folder.join(written), TreePath::new(written)];
        let is_file = |path: &TreePath| self.snapshot.entries().any(|(have, _)| have == path);
        if !written.starts_with('/')
            && let Some(found) = here.into_iter().flatten().find(is_file)
        {
            return Some(found);
        }
        let wanted: Vec<&str> = written.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let alike = |path: &TreePath| path.as_str().rsplit('/').zip(wanted.iter().rev()).take_while(|(ours, theirs)| ours == *theirs).count();
        let near = |path: &TreePath| path.as_str().split('/').zip(folder.as_str().split('/')).take_while(|(ours, theirs)| ours == theirs).count();
        let candidates = self.snapshot.entries().map(|(path, _)| path).filter(|path| alike(path) > 0);
        candidates.max_by_key(|path| (alike(path), near(path), Reverse(path.as_str().len()), Reverse((*path).clone()))).cloned()
    }
}
