//! Which files differ between two trees.

use super::{Entry, Snapshot};
use crate::span::TreePath;
use std::collections::BTreeSet;

/// Returns the paths that were added, removed or changed, sorted. Files are compared by id where both trees know one, else by content; what
/// cannot be read is the same when it cannot be read for the same reason.
pub fn diff(base: &Snapshot, head: &Snapshot) -> Vec<TreePath> {
    let paths: BTreeSet<&TreePath> = base.entries.keys().chain(head.entries.keys()).collect();
    paths.into_iter().filter(|path| differs(base, head, path)).cloned().collect()
}

fn differs(base: &Snapshot, head: &Snapshot, path: &TreePath) -> bool {
    match (base.entries.get(path), head.entries.get(path)) {
        (Some(Entry::Link(was)), Some(Entry::Link(now))) | (Some(Entry::File { id: Some(was) }), Some(Entry::File { id: Some(now) })) => was != now,
        (Some(Entry::File { .. }), Some(Entry::File { .. })) => base.source.load(path) != head.source.load(path),
        (None, None) => false,
        _ => true,
    }
}
