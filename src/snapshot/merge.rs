//! A change put onto another tree, as git would merge it: file by file, and line by line where both sides changed a file.

use super::{Entry, ReadError, Snapshot, Source};
use crate::span::TreePath;
use similar::TextMerge;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What becomes of a file that both sides changed.
const CONFLICT: &str = "both changes are at the same lines";

/// A tree that two changes result in.
#[derive(Debug)]
pub struct Merge {
    /// The tree.
    pub tree: Snapshot,
    conflict: Arc<AtomicBool>,
}

impl Merge {
    /// Returns whether no conflict was met in any file read so far.
    pub fn is_clean(&self) -> bool {
        !self.conflict.load(Ordering::Relaxed)
    }
}

/// The contents of the tree that results from making the change from `before` to `after` on `onto`.
struct Merged {
    conflict: Arc<AtomicBool>,
    onto: Arc<Snapshot>,
    before: Arc<Snapshot>,
    after: Arc<Snapshot>,
    from: BTreeMap<TreePath, From>,
}

/// Where the content of a file comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Onto,
    After,
    Both,
}

/// Returns the tree that results from making the change from `before` to `after` on `onto`. A file whose lines both changed cannot be
/// read there. Contents are asked of the three trees, whose [`Snapshot::wanted`] grow by it.
pub fn merged(before: &Arc<Snapshot>, after: &Arc<Snapshot>, onto: &Arc<Snapshot>) -> Merge {
    let conflict = Arc::new(AtomicBool::new(false));
    let mut entries = BTreeMap::new();
    let mut from = BTreeMap::new();
    let paths: BTreeSet<&TreePath> = onto.entries.keys().chain(after.entries.keys()).collect();
    for path in paths {
        let (was, is, here) = (before.entries.get(path), after.entries.get(path), onto.entries.get(path));
        let (entry, origin) = if same(was, is) || same(is, here) {
            (here, From::Onto)
        } else if same(was, here) {
            (is, From::After)
        } else {
            match (is, here) {
                (Some(Entry::File { .. }), Some(Entry::File { .. })) => (Some(&Entry::File { id: None }), From::Both),
                // One deletes or makes a link of what the other changes: what is left is what is there.
                (Some(_), _) => (is, From::After),
                // Deleted; that the other left it as it was cannot be known of a file that is itself the outcome of a merge.
                (None, Some(Entry::File { id: None })) => (None, From::After),
                (None, _) => (here, From::Onto),
            }
        };
        if let Some(entry) = entry {
            entries.insert(path.clone(), entry.clone());
            from.insert(path.clone(), origin);
        }
    }
    let source = Merged { conflict: Arc::clone(&conflict), onto: Arc::clone(onto), before: Arc::clone(before), after: Arc::clone(after), from };
    Merge { tree: Snapshot::new(entries, Box::new(source)), conflict }
}

/// Returns whether both are the same without reading them; not where that cannot be known.
fn same(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(Entry::File { id: None }), _) | (_, Some(Entry::File { id: None })) => false,
        _ => one == other,
    }
}

impl Source for Merged {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        let bytes = |text: Arc<str>| Arc::from(text.as_bytes());
        match self.from.get(path) {
            Some(From::Onto) => self.onto.text(path).map(bytes),
            Some(From::After) => self.after.text(path).map(bytes),
            Some(From::Both) => {
                // All three are asked before any is missed, so that they are fetched together.
                let (was, is, here) = (self.before.text(path), self.after.text(path), self.onto.text(path));
                let was = if was == Err(ReadError::NotThere) { Arc::from("") } else { was? };
                let (is, here) = (is?, here?);
                let merge = TextMerge::from_lines(&*was, &*here, &*is);
                if merge.is_conflicted() {
                    self.conflict.store(true, Ordering::Relaxed);
                    return Err(ReadError::Unreadable(CONFLICT.to_owned()));
                }
                Ok(Arc::from(merge.to_string().into_bytes()))
            }
            None => Err(ReadError::NotThere),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    fn tree(files: &[(&str, &str)]) -> Arc<Snapshot> {
        Arc::new(memory(files.iter().copied()))
    }

    fn text(snapshot: &Snapshot, path: &str) -> Result<String, ReadError> {
        snapshot.text(&TreePath::new(path).unwrap()).map(|text| text.to_string())
    }

    #[test]
    fn a_change_is_put_onto_another_tree_as_git_would() {
        let before = tree(&[("a", "1\n2\n3\n"), ("b", "old\n"), ("gone", "x\n")]);
        let after = tree(&[("a", "ONE\n2\n3\n"), ("b", "new\n"), ("added", "y\n")]);
        let onto = tree(&[("a", "1\n2\nTHREE\n"), ("b", "old\n"), ("gone", "x\n"), ("other", "z\n")]);
        let merge = merged(&before, &after, &onto);
        let both = &merge.tree;
        assert_eq!(text(both, "a").unwrap(), "ONE\n2\nTHREE\n");
        assert_eq!(text(both, "b").unwrap(), "new\n");
        assert_eq!(text(both, "added").unwrap(), "y\n");
        assert_eq!(text(both, "other").unwrap(), "z\n");
        assert_eq!(text(both, "gone"), Err(ReadError::NotThere));
    }

    #[test]
    fn what_both_changed_at_the_same_lines_cannot_be_read_and_the_rest_can() {
        let before = tree(&[("a", "1\n"), ("b", "1\n")]);
        let after = tree(&[("a", "2\n"), ("b", "2\n")]);
        let onto = tree(&[("a", "3\n"), ("b", "1\n")]);
        let merge = merged(&before, &after, &onto);
        let both = &merge.tree;
        assert_eq!(text(both, "a"), Err(ReadError::Unreadable(CONFLICT.to_owned())));
        assert_eq!(text(both, "b").unwrap(), "2\n");
        assert!(!merge.is_clean());
        // And a third change on top of that.
        let both = Arc::new(merge.tree);
        let more = merged(&tree(&[("b", "1\n")]), &tree(&[("b", "1\n"), ("c", "3\n")]), &both).tree;
        assert_eq!(text(&more, "b").unwrap(), "2\n");
        assert_eq!(text(&more, "c").unwrap(), "3\n");
    }
}
