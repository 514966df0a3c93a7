//! Revisions of a local git repository as trees, and its work tree. Nothing is fetched and nothing is written.

use super::error::SnapshotError;
use super::folder::{Folder, walk};
use super::revert::{Undoes, is_of_pull, same_subject, undoes};
use super::{Entry, MAX_ENTRIES, MAX_FILE_BYTES, ReadError, Snapshot, Source};
use crate::span::TreePath;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How many commits back a revert's subject is looked for.
const MAX_REVERT_DISTANCE: usize = 2_000;

/// The id of a commit, in full.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(ObjectId);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A local git repository.
pub struct Repository {
    shared: gix::ThreadSafeRepository,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").finish_non_exhaustive()
    }
}

impl Repository {
    /// Opens the repository that `directory` is in.
    ///
    /// # Errors
    /// When there is none, in it or above it.
    pub fn discover(directory: &Path) -> Result<Self, SnapshotError> {
        if !directory.exists() {
            return Err(SnapshotError::NotThere(directory.to_owned()));
        }
        let found = gix::discover(directory);
        found
            .map(|repository| Self { shared: repository.into_sync() })
            .map_err(|_gix_lists_every_place_tried| SnapshotError::NotARepository(directory.to_owned()))
    }

    /// Returns the commit that `revision` names, in any form git understands (`main`, `v1^`, `HEAD~2`, `abc1234`).
    ///
    /// # Errors
    /// When nothing has this name, or what has it is no commit.
    pub fn commit(&self, revision: &str) -> Result<CommitId, SnapshotError> {
        let repository = self.shared.to_thread_local();
        let id = self.resolve(&repository, revision)?;
        let object = repository.find_object(id).map_err(|_it_is_absent| not_fetched("commit", id))?;
        let commit = object.peel_to_commit().map_err(|_it_is_something_else| SnapshotError::NotATree { name: revision.to_owned() })?;
        Ok(CommitId(commit.id))
    }

    fn resolve(&self, repository: &gix::Repository, revision: &str) -> Result<ObjectId, SnapshotError> {
        match repository.rev_parse_single(revision) {
            Ok(id) => Ok(id.detach()),
            Err(_) if revision == "HEAD" => Err(SnapshotError::NoCommit),
            Err(_) => {
                let names = self.names();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let similar = similar::get_close_matches(revision, &names, 3, 0.6).into_iter().map(str::to_owned).collect();
                Err(SnapshotError::UnknownRevision { name: revision.to_owned(), similar })
            }
        }
    }

    /// Returns the short names of branches and tags; empty where they cannot be read.
    fn names(&self) -> Vec<String> {
        let repository = self.shared.to_thread_local();
        let Ok(references) = repository.references() else { return Vec::new() };
        let Ok(all) = references.all() else { return Vec::new() };
        all.filter_map(Result::ok).map(|reference| reference.name().shorten().to_string()).collect()
    }

    /// Returns the tree of `revision`.
    ///
    /// # Errors
    /// When nothing has this name, it has no tree, or the tree is not on this machine or too large.
    pub fn tree(&self, revision: &str) -> Result<Snapshot, SnapshotError> {
        let repository = self.shared.to_thread_local();
        let id = self.resolve(&repository, revision)?;
        let object = repository.find_object(id).map_err(|_it_is_absent| not_fetched("commit", id))?;
        let tree = object.peel_to_tree().map_err(|_it_has_none| SnapshotError::NotATree { name: revision.to_owned() })?;
        self.snapshot(&repository, &tree, revision)
    }

    /// Returns the tree of `commit`.
    ///
    /// # Errors
    /// When the tree is not on this machine or too large.
    pub fn tree_of(&self, commit: CommitId) -> Result<Snapshot, SnapshotError> {
        self.tree(&commit.to_string())
    }

    fn snapshot(&self, repository: &gix::Repository, tree: &gix::Tree<'_>, revision: &str) -> Result<Snapshot, SnapshotError> {
        let files = tree.traverse().breadthfirst.files().map_err(|error| SnapshotError::Broken(error.to_string()))?;
        if files.len() > MAX_ENTRIES {
            return Err(SnapshotError::TooManyFiles { place: format!("revision `{revision}`") });
        }
        let mut entries = BTreeMap::new();
        let mut blobs = BTreeMap::new();
        for file in files {
            let Some(path) = TreePath::new(&file.filepath.to_str_lossy()) else { continue };
            if file.mode.is_link() {
                let target = repository.find_object(file.oid).map_err(|_it_is_absent| not_fetched("link", file.oid))?;
                entries.insert(path, Entry::Link(target.data.to_str_lossy().into()));
            } else if file.mode.is_blob() {
                entries.insert(path.clone(), Entry::File { id: Some(file.oid.to_string().into()) });
                blobs.insert(path, file.oid);
            }
            // A submodule is another repository, which is not here.
        }
        Ok(Snapshot::new(entries, Box::new(Blobs { shared: self.shared.clone(), blobs })))
    }

    /// Returns the files of the work tree: what git tracks, as it is on disk now, and new files that are not ignored. No file has an id.
    ///
    /// # Errors
    /// When the repository has no work tree, or it cannot be listed.
    pub fn work_tree(&self) -> Result<Snapshot, SnapshotError> {
        let repository = self.shared.to_thread_local();
        let broken = |error: gix::Error| SnapshotError::Broken(error.to_string());
        let root = repository.workdir().ok_or_else(|| SnapshotError::Bare(repository.git_dir().to_owned()))?.to_owned();
        let index = repository.index_or_empty().map_err(broken)?;
        let tracked: std::collections::BTreeSet<String> =
            index.entries().iter().map(|entry| entry.path(&index).to_str_lossy().into_owned()).collect();
        let ignore = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let mut excludes = repository.excludes(&index, None, ignore).map_err(broken)?;
        let mut skip = |path: &TreePath, directory: bool| {
            let mode = if directory { gix::index::entry::Mode::DIR } else { gix::index::entry::Mode::FILE };
            let ignored = excludes.at_path(path.as_str(), Some(mode)).is_ok_and(|platform| platform.is_excluded());
            // A tracked file is part of the tree although a pattern ignores it, and so is its directory.
            ignored && !if directory { has_below(&tracked, path) } else { tracked.contains(path.as_str()) }
        };
        let entries = walk(&root, &mut skip)?;
        Ok(Snapshot::new(entries, Box::new(Folder { root })))
    }

    /// Returns where `HEAD` left the default branch: the best common ancestor of the two. On the default branch itself this is the last
    /// commit both have.
    ///
    /// The default branch is what `origin/HEAD` points to; else the first of `origin/main`, `origin/master`, `main` and `master`.
    ///
    /// # Errors
    /// When there is no commit yet, no default branch, or no common ancestor on this machine.
    pub fn merge_base(&self) -> Result<CommitId, SnapshotError> {
        self.merge_base_of(self.commit("HEAD")?)
    }

    /// Returns where `head` left the default branch, as [`Repository::merge_base`] does for `HEAD`.
    ///
    /// # Errors
    /// When there is no default branch, or no common ancestor on this machine.
    pub fn merge_base_of(&self, head: CommitId) -> Result<CommitId, SnapshotError> {
        let repository = self.shared.to_thread_local();
        let names = ["refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master"];
        let found = names.iter().find_map(|name| self.commit(name).ok().map(|id| (*name, id)));
        let (name, default) = found.ok_or(SnapshotError::NoDefaultBranch)?;
        let base = repository.merge_base(head.0, default.0).ok().flatten();
        base.map(|id| CommitId(id.detach())).ok_or_else(|| SnapshotError::NoMergeBase {
            branch: name.trim_start_matches("refs/remotes/").trim_start_matches("refs/heads/").to_owned(),
            shallow: repository.is_shallow().unwrap_or(false),
        })
    }

    /// Returns the commit that a pull request with this title and body undoes, seen from `from`; `None` when it is no revert or the commit
    /// cannot be found. Of several, the oldest, because the state before it is the one that is restored.
    pub fn reverted(&self, from: CommitId, title: &str, body: &str) -> Option<CommitId> {
        match undoes(title, body)? {
            Undoes::Commits(ids) => {
                let repository = self.shared.to_thread_local();
                let commits = ids.iter().filter_map(|id| self.commit(id).ok());
                commits.reduce(|oldest, next| {
                    let base = repository.merge_base(oldest.0, next.0).ok().flatten().map(gix::Id::detach);
                    if base == Some(next.0) { next } else { oldest }
                })
            }
            Undoes::Pull { number, .. } => self.by_subject(from, |have| is_of_pull(have, number)),
            Undoes::Subject(subject) => self.by_subject(from, |have| same_subject(have, &subject)),
        }
    }

    /// Returns the newest commit with a subject that is `wanted`, among the last [`MAX_REVERT_DISTANCE`] ancestors of `from`.
    fn by_subject(&self, from: CommitId, wanted: impl Fn(&str) -> bool) -> Option<CommitId> {
        let repository = self.shared.to_thread_local();
        let sorting = gix::revision::walk::Sorting::ByCommitTime(gix::traverse::commit::simple::CommitTimeOrder::NewestFirst);
        let walk = repository.rev_walk([from.0]).sorting(sorting).all().ok()?;
        walk.take(MAX_REVERT_DISTANCE).map_while(Result::ok).find_map(|info| {
            let commit = info.object().ok()?;
            let message = commit.message().ok()?;
            wanted(&message.summary().to_str_lossy()).then_some(CommitId(info.id))
        })
    }

    /// Returns the tree before `commit`: that of its first parent.
    ///
    /// # Errors
    /// When it has no parent, or the parent is not on this machine.
    pub fn before(&self, commit: CommitId) -> Result<Snapshot, SnapshotError> {
        let repository = self.shared.to_thread_local();
        let found = repository.find_commit(commit.0).map_err(|_it_is_absent| not_fetched("commit", commit.0))?;
        let parent = found.parent_ids().next().map(gix::Id::detach);
        let parent = parent.ok_or_else(|| SnapshotError::NoParent { commit: commit.0.to_hex_with_len(12).to_string() })?;
        if !repository.has_object(parent) {
            return Err(not_fetched("commit", parent));
        }
        self.tree_of(CommitId(parent))
    }
}

fn has_below(tracked: &std::collections::BTreeSet<String>, directory: &TreePath) -> bool {
    let prefix = format!("{directory}/");
    tracked.range(prefix.clone()..).next().is_some_and(|first| first.starts_with(&prefix))
}

fn not_fetched(kind: &str, id: ObjectId) -> SnapshotError {
    SnapshotError::NotFetched { what: format!("{kind} {}", id.to_hex_with_len(12)) }
}

/// The files of a commit.
struct Blobs {
    shared: gix::ThreadSafeRepository,
    blobs: BTreeMap<TreePath, ObjectId>,
}

impl Source for Blobs {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        let id = self.blobs.get(path).ok_or(ReadError::NotThere)?;
        let repository = self.shared.to_thread_local();
        // The size comes before the content, so that a huge file is never unpacked.
        let header = repository.find_header(*id).map_err(|_it_is_absent| ReadError::Unreadable("its content is not in this clone".to_owned()))?;
        if header.size() > MAX_FILE_BYTES {
            return Err(ReadError::TooLarge { bytes: header.size() });
        }
        let object = repository.find_object(*id).map_err(|error| ReadError::Unreadable(error.to_string()))?;
        Ok(Arc::from(object.data.as_slice()))
    }
}
