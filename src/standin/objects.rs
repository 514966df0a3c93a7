//! A git object store in memory. Ids are git's own: the SHA-1 of the same bytes git would store.

use gix::bstr::BString;
use gix::hash::{Kind as HashKind, ObjectId};
use gix::objs::tree::{EntryKind, EntryMode};
use gix::objs::{Commit, Kind, Tree, WriteTo, compute_hash};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A file as it is put into a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// A plain file.
    Text(Vec<u8>),
    /// A file that may be run.
    Executable(Vec<u8>),
    /// A symbolic link and where it points.
    Link(String),
}

impl From<&str> for File {
    fn from(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
}

/// The files of a tree by path, without leading slash.
pub type Files = BTreeMap<String, File>;

/// Who wrote a commit, and when.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// Seconds since 1970.
    pub seconds: i64,
}

/// One line of a recursive listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The path from the listed tree.
    pub(super) path: String,
    /// As git writes it, six digits.
    pub(super) mode: String,
    /// `blob`, `tree` or `commit`.
    pub(super) kind: &'static str,
    /// The object.
    pub(super) id: ObjectId,
    /// Bytes, for blobs.
    pub(super) size: Option<usize>,
}

/// What a commit says.
#[derive(Clone, Debug)]
pub(super) struct CommitObject {
    /// Its tree.
    pub(super) tree: ObjectId,
    /// The commits before it, the first parent first.
    pub(super) parents: Vec<ObjectId>,
    /// The message.
    pub(super) message: String,
    /// The author, who is the committer too.
    pub(super) stamp: Stamp,
}

/// The objects of all repositories; an object is the same wherever it is.
#[derive(Debug, Default)]
pub(super) struct Objects {
    blobs: BTreeMap<ObjectId, Vec<u8>>,
    trees: BTreeMap<ObjectId, Vec<gix::objs::tree::Entry>>,
    commits: BTreeMap<ObjectId, CommitObject>,
}

/// A folder while it is put together.
#[derive(Default)]
struct Folder<'a> {
    files: BTreeMap<&'a str, &'a File>,
    folders: BTreeMap<&'a str, Folder<'a>>,
}

impl<'a> Folder<'a> {
    fn add(&mut self, path: &'a str, file: &'a File) {
        match path.split_once('/') {
            Some((folder, rest)) => self.folders.entry(folder).or_default().add(rest, file),
            None => {
                self.files.insert(path, file);
            }
        }
    }
}

impl Objects {
    /// Stores a blob.
    pub(super) fn add_blob(&mut self, bytes: &[u8]) -> ObjectId {
        let id = hash(Kind::Blob, bytes);
        self.blobs.entry(id).or_insert_with(|| bytes.to_vec());
        id
    }

    /// Stores files as a tree with its sub-trees.
    pub(super) fn add_tree(&mut self, files: &Files) -> ObjectId {
        let mut root = Folder::default();
        for (path, file) in files {
            root.add(path, file);
        }
        self.add_folder(&root)
    }

    fn add_folder(&mut self, folder: &Folder<'_>) -> ObjectId {
        let mut entries = Vec::new();
        for (name, file) in &folder.files {
            let (kind, bytes) = match file {
                File::Text(bytes) => (EntryKind::Blob, bytes.as_slice()),
                File::Executable(bytes) => (EntryKind::BlobExecutable, bytes.as_slice()),
                File::Link(target) => (EntryKind::Link, target.as_bytes()),
            };
            let oid = self.add_blob(bytes);
            entries.push(gix::objs::tree::Entry { mode: kind.into(), filename: BString::from(*name), oid });
        }
        for (name, inner) in &folder.folders {
            let oid = self.add_folder(inner);
            entries.push(gix::objs::tree::Entry { mode: EntryKind::Tree.into(), filename: BString::from(*name), oid });
        }
        entries.sort();
        let tree = Tree { entries };
        let id = hash(Kind::Tree, &bytes_of(&tree));
        self.trees.entry(id).or_insert(tree.entries);
        id
    }

    /// Stores a commit.
    pub(super) fn add_commit(&mut self, commit: CommitObject) -> ObjectId {
        let who = gix::actor::Signature {
            name: commit.stamp.name.as_str().into(),
            email: commit.stamp.email.as_str().into(),
            time: gix::date::Time::new(commit.stamp.seconds, 0),
        };
        let object = Commit {
            tree: commit.tree,
            parents: commit.parents.iter().copied().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: commit.message.as_str().into(),
            extra_headers: Vec::new(),
        };
        let id = hash(Kind::Commit, &bytes_of(&object));
        self.commits.entry(id).or_insert(commit);
        id
    }

    /// A blob's bytes.
    pub(super) fn blob(&self, id: ObjectId) -> Option<&[u8]> {
        self.blobs.get(&id).map(Vec::as_slice)
    }

    /// A commit.
    pub(super) fn commit(&self, id: ObjectId) -> Option<&CommitObject> {
        self.commits.get(&id)
    }

    /// Lists a tree (or the tree of a commit), in git's order; sub-trees come before what is in them. `None` where there is no such tree.
    pub(super) fn list(&self, id: ObjectId, recursive: bool) -> Option<Vec<Listed>> {
        let tree = self.commits.get(&id).map_or(id, |commit| commit.tree);
        let mut out = Vec::new();
        self.list_into(tree, "", recursive, &mut out)?;
        Some(out)
    }

    fn list_into(&self, id: ObjectId, prefix: &str, recursive: bool, out: &mut Vec<Listed>) -> Option<()> {
        for entry in self.trees.get(&id)? {
            let path = format!("{prefix}{}", entry.filename);
            let kind = match entry.mode.kind() {
                EntryKind::Tree => "tree",
                EntryKind::Commit => "commit",
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => "blob",
            };
            let size = self.blobs.get(&entry.oid).map(Vec::len);
            out.push(Listed { path: path.clone(), mode: mode_digits(entry.mode), kind, id: entry.oid, size });
            if recursive && kind == "tree" {
                self.list_into(entry.oid, &format!("{path}/"), true, out)?;
            }
        }
        Some(())
    }

    /// The files of a tree or commit, by path; folders are left out.
    pub(super) fn files(&self, id: ObjectId) -> BTreeMap<String, Listed> {
        let listed = self.list(id, true).unwrap_or_default();
        listed.into_iter().filter(|entry| entry.kind == "blob").map(|entry| (entry.path.clone(), entry)).collect()
    }

    /// The files of a tree or commit, as they could be committed again.
    pub(super) fn checkout(&self, id: ObjectId) -> Files {
        let mut files = Files::new();
        for (path, entry) in self.files(id) {
            let bytes = self.blob(entry.id).unwrap_or_default().to_vec();
            let file = match entry.mode.as_str() {
                "100755" => File::Executable(bytes),
                "120000" => File::Link(String::from_utf8_lossy(&bytes).into_owned()),
                _ => File::Text(bytes),
            };
            files.insert(path, file);
        }
        files
    }

    /// A commit and everything before it, the nearest first.
    pub(super) fn ancestors(&self, id: ObjectId) -> Vec<ObjectId> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        let mut queue = VecDeque::from([id]);
        while let Some(next) = queue.pop_front() {
            if seen.insert(next) {
                order.push(next);
                queue.extend(self.commits.get(&next).map(|commit| commit.parents.clone()).unwrap_or_default());
            }
        }
        order
    }

    /// The nearest commit that both have. `None` for unrelated histories.
    pub(super) fn merge_base(&self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        let reachable: BTreeSet<ObjectId> = self.ancestors(one).into_iter().collect();
        self.ancestors(other).into_iter().find(|id| reachable.contains(id))
    }
}

fn mode_digits(mode: EntryMode) -> String {
    format!("{:06o}", mode.value())
}

fn bytes_of(object: &dyn WriteTo) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory fails only for a path with a zero byte, which no test and no demo has; the object then stays empty.
    if object.write_to(&mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

fn hash(kind: Kind, bytes: &[u8]) -> ObjectId {
    // The hash fails only where SHA-1 detects a collision attack.
    compute_hash(HashKind::Sha1, kind, bytes).unwrap_or_else(|_| ObjectId::null(HashKind::Sha1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter().map(|(path, text)| ((*path).to_owned(), File::from(*text))).collect()
    }

    #[test]
    fn ids_are_those_of_git() {
        let mut objects = Objects::default();
        // `printf 'hello\n' | git hash-object --stdin` and `git mktree </dev/null`.
        assert_eq!(objects.add_blob(b"hello\n").to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(objects.add_tree(&Files::new()).to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn a_recursive_listing_has_folders_modes_and_sizes() {
        let mut objects = Objects::default();
        let mut tree = files(&[("a/b/c.conf", "x"), ("a.conf", "yy")]);
        tree.insert("link".to_owned(), File::Link("a.conf".to_owned()));
        tree.insert("run".to_owned(), File::Executable(b"#!".to_vec()));
        let id = objects.add_tree(&tree);
        let lines: Vec<String> = objects.list(id, true).unwrap().into_iter().map(|e| format!("{} {} {}", e.mode, e.kind, e.path)).collect();
        assert_eq!(
            lines,
            ["100644 blob a.conf", "040000 tree a", "040000 tree a/b", "100644 blob a/b/c.conf", "120000 blob link", "100755 blob run"]
        );
        assert_eq!(objects.checkout(id), tree);
    }

    #[test]
    fn the_merge_base_is_the_nearest_common_commit() {
        let mut objects = Objects::default();
        let tree = objects.add_tree(&Files::new());
        let mut commit = |parents: &[ObjectId], message: &str| {
            let stamp = Stamp { name: "n".to_owned(), email: "e".to_owned(), seconds: 1 };
            objects.add_commit(CommitObject { tree, parents: parents.to_vec(), message: message.to_owned(), stamp })
        };
        let root = commit(&[], "root");
        let shared = commit(&[root], "shared");
        let left = commit(&[shared], "left");
        let right = commit(&[shared], "right");
        assert_eq!(objects.merge_base(left, right), Some(shared));
        assert_eq!(objects.merge_base(shared, right), Some(shared));
    }
}
