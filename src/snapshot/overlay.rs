//! One tree with some files of another over it.

use super::{Entry, ReadError, Snapshot, Source};
use crate::span::TreePath;
use std::collections::BTreeSet;
use std::sync::Arc;

struct Overlay {
    under: Arc<Snapshot>,
    over: Arc<Snapshot>,
    paths: BTreeSet<TreePath>,
}

impl Source for Overlay {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        let tree = if self.paths.contains(path) { &self.over } else { &self.under };
        // What is not there yet is noted as wanted in the tree it belongs to.
        tree.text(path).map(|text| Arc::from(text.as_bytes()))
    }
}

/// Returns `under` with those `paths` of `over` in it.
pub fn overlay(under: &Arc<Snapshot>, over: &Arc<Snapshot>, paths: &BTreeSet<TreePath>) -> Snapshot {
    let taken = over.entries().filter(|(path, _)| paths.contains(path));
    let entries = under.entries().chain(taken).map(|(path, entry): (&TreePath, &Entry)| (path.clone(), entry.clone())).collect();
    Snapshot::new(entries, Box::new(Overlay { under: Arc::clone(under), over: Arc::clone(over), paths: paths.clone() }))
}
