//! A tree that is given as a list: tests, the demo, case pages.

use super::{Entry, ReadError, Snapshot, Source};
use crate::span::TreePath;
use std::collections::BTreeMap;
use std::sync::Arc;

struct Memory(BTreeMap<TreePath, Arc<[u8]>>);

impl Source for Memory {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::NotThere)
    }
}

/// Returns the tree of these paths and contents. A path that leaves the tree is left out.
pub fn memory<P: AsRef<str>, C: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, C)>) -> Snapshot {
    let files: BTreeMap<TreePath, Arc<[u8]>> =
        files.into_iter().filter_map(|(path, content)| Some((TreePath::new(path.as_ref())?, Arc::from(content.as_ref())))).collect();
    let entries = files.keys().map(|path| (path.clone(), Entry::File { id: None })).collect();
    Snapshot::new(entries, Box::new(Memory(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stay_true_in_a_file_that_is_not_utf8() {
        let snapshot = memory([("a.conf", b"# caf\xe9\nx".as_slice())]);
        let text = snapshot.text(&TreePath::new("a.conf").unwrap()).unwrap();
        assert_eq!(&*text, "# caf?\nx");
    }
}
