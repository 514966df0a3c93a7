//! Whether a change touches traffic at all: a pull request that does not gets no comment.

use crate::model::Model;
use crate::policy::Side;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::collections::BTreeSet;

/// Returns whether one of the changed files (of either side: a deleted one counts) was read by the review.
///
/// `inputs` are the paths in [`super::Review::inputs`].
pub fn touches_traffic<'a>(changed: impl IntoIterator<Item = &'a str>, inputs: &[super::InputReport]) -> bool {
    // Settings say who may do what, and nothing of where a request goes.
    let traffic = inputs.iter().filter(|input| input.role != "policy");
    let inputs: BTreeSet<&str> = traffic.map(|input| input.path.as_str()).collect();
    changed.into_iter().any(|path| inputs.contains(path))
}

/// Returns whether both sides read the same files with the same contents, so that nothing can go elsewhere, whatever was understood of them.
pub fn traffic_unchanged(base: Side<'_>, head: Side<'_>) -> bool {
    paths(base.model) == paths(head.model) && paths(head.model).into_iter().all(|path| same(base.snapshot, head.snapshot, path))
}

fn paths(model: &Model) -> BTreeSet<&TreePath> {
    model.inputs.iter().map(|input| &input.path).collect()
}

fn same(base: &Snapshot, head: &Snapshot, path: &TreePath) -> bool {
    match (base.id(path), head.id(path)) {
        (Some(was), Some(now)) => was == now,
        _ => base.text(path) == head.text(path),
    }
}
