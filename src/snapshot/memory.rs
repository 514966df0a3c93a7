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
    memory_with_links(files, std::iter::empty::<(&str, &str)>())
}

/// Returns the tree of these paths and contents, and of these links and targets. A path that leaves the tree is left out.
pub fn memory_with_links<P: AsRef<str>, C: AsRef<[u8]>, L: AsRef<str>, T: AsRef<str>>(
    files: impl IntoIterator<Item = (P, C)>,
    links: impl IntoIterator<Item = (L, T)>,
) -> Snapshot {
    let files: BTreeMap<TreePath, Arc<[u8]>> =
        files.into_iter().filter_map(|(path, content)| Some((TreePath::new(path.as_ref())?, Arc::from(content.as_ref())))).collect();
    let mut entries: BTreeMap<TreePath, Entry> = files.keys().map(|path| (path.clone(), Entry::File { id: None })).collect();
    entries.extend(links.into_iter().filter_map(|(path, target)| Some((TreePath::new(path.as_ref())?, Entry::Link(target.as_ref().into())))));
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
