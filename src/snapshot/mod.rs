//! A tree of files at a revision: a folder, a git commit, a tree on GitHub.
//!
//! Whatever the source, a path outside the tree cannot be reached, links are followed inside the tree only, and sizes are bounded.
//! A source may not have a file's content yet ([`ReadError::Wanted`]): the reader goes on without it, and the caller fetches what
//! [`Snapshot::wanted`] lists and reads again. So a review of a tree on GitHub stays a pure function.

#![forbid(unsafe_code)]

mod diff;
mod error;
mod folder;
mod git;
mod memory;
mod merge;
mod overlay;
mod revert;

pub use diff::diff;
pub use error::{MAX_ENTRIES, SnapshotError};
pub use folder::folder;
pub use git::{CommitId, Repository};
pub use memory::{memory, memory_with_links};
pub use merge::{Merge, merged};
pub use overlay::overlay;
pub use revert::{Undoes, undoes};

use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of a file that are read.
pub const MAX_FILE_BYTES: u64 = 2 << 20;

/// What a name in a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file. The id says whether two files are the same without reading them (a git blob id); `None` when the source has none.
    File {
        /// See above.
        id: Option<Arc<str>>,
    },
    /// A symbolic link and its target as written.
    Link(Arc<str>),
}

/// Where the contents of a tree come from.
pub trait Source: Send + Sync {
    /// Returns the content of the file at `path`, a path that the tree lists as a file.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`], [`ReadError::Wanted`] or [`ReadError::Unreadable`].
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError>;
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing has this name.
    #[error("there is no such file")]
    NotThere,
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// A link leads out of the tree, or in a circle.
    #[error("its link leads to `{0}`, which is not inside the tree")]
    OutsideTree(String),
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("it has {bytes} bytes; at most {MAX_FILE_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It holds a NUL byte.
    #[error("it is not a text file")]
    NotText,
    /// Not fetched yet.
    #[error("it has not been fetched yet")]
    Wanted,
    /// The source could not give it: why.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// A tree of files at a revision.
pub struct Snapshot {
    entries: BTreeMap<TreePath, Entry>,
    source: Box<dyn Source>,
    texts: Mutex<BTreeMap<TreePath, Result<Arc<str>, ReadError>>>,
    wanted: Mutex<BTreeSet<TreePath>>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Returns the tree of `entries`, whose contents come from `source`.
    pub fn new(entries: BTreeMap<TreePath, Entry>, source: Box<dyn Source>) -> Self {
        Self { entries, source, texts: Mutex::default(), wanted: Mutex::default() }
    }

    /// Returns every file and link of the tree, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = (&TreePath, &Entry)> {
        self.entries.iter()
    }

    /// Returns the path that `path` stands for once links are followed, of a file or of a directory.
    ///
    /// # Errors
    /// [`ReadError::NotThere`] or [`ReadError::OutsideTree`].
    pub fn resolve(&self, path: &TreePath) -> Result<TreePath, ReadError> {
        let mut path = path.clone();
        for _ in 0..40 {
            let Some((link, target)) = self.first_link(&path) else {
                return if self.entries.contains_key(&path) || self.is_directory(&path) { Ok(path) } else { Err(ReadError::NotThere) };
            };
            let outside = || ReadError::OutsideTree(target.to_string());
            if target.starts_with('/') {
                return Err(outside());
            }
            let rest = path.as_str().get(link.as_str().len()..).unwrap_or_default();
            path = link.parent().join(&format!("{target}{rest}")).ok_or_else(outside)?;
        }
        Err(ReadError::OutsideTree(path.to_string()))
    }

    /// Returns the shortest part of `path` that is a link, with its target.
    fn first_link(&self, path: &TreePath) -> Option<(TreePath, Arc<str>)> {
        let text = path.as_str();
        let ends = text.match_indices('/').map(|(at, _)| at).chain(std::iter::once(text.len()));
        ends.filter_map(|end| text.get(..end).and_then(TreePath::new)).find_map(|part| match self.entries.get(&part) {
            Some(Entry::Link(target)) => Some((part, Arc::clone(target))),
            Some(Entry::File { .. }) | None => None,
        })
    }

    /// Returns whether something lies below `path`.
    fn is_directory(&self, path: &TreePath) -> bool {
        if path.as_str().is_empty() {
            return true;
        }
        let first = TreePath::new(&format!("{path}/"));
        let prefix = format!("{path}/");
        first.is_some_and(|first| {
            self.entries
                .range(first..)
                .take_while(|(below, _)| below.as_str().starts_with(path.as_str()))
                .any(|(below, _)| below.as_str().starts_with(&prefix))
        })
    }

    /// Returns the id of the file at `path`, links followed, where the source knows one.
    pub fn id(&self, path: &TreePath) -> Option<Arc<str>> {
        match self.entries.get(&self.resolve(path).ok()?) {
            Some(Entry::File { id }) => id.clone(),
            Some(Entry::Link(_)) | None => None,
        }
    }

    /// Returns the text of the file at `path`, links followed. Bytes that are not UTF-8 are read as `?`, so that offsets stay true.
    ///
    /// # Errors
    /// See [`ReadError`]. A file that is [`ReadError::Wanted`] is remembered for [`Snapshot::wanted`].
    pub fn text(&self, path: &TreePath) -> Result<Arc<str>, ReadError> {
        let path = self.resolve(path)?;
        if !self.entries.contains_key(&path) {
            return Err(ReadError::Directory);
        }
        if let Some(known) = self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(&path) {
            return known.clone();
        }
        let text = self.source.load(&path).and_then(|bytes| to_text(&bytes));
        if text == Err(ReadError::Wanted) {
            self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        } else {
            self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(path, text.clone());
        }
        text
    }

    /// Returns the files that were asked for and whose content the source does not have yet, sorted.
    pub fn wanted(&self) -> Vec<TreePath> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Returns `bytes` as text of the same length; see [`Snapshot::text`].
fn to_text(bytes: &[u8]) -> Result<Arc<str>, ReadError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge { bytes: bytes.len() as u64 });
    }
    if bytes.contains(&0) {
        return Err(ReadError::NotText);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Ok(text.into())
}
