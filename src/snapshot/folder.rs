//! A directory of this machine as a tree.
//!
//! Links are listed as links and never walked, so nothing outside is reached; `.git` is left out. Contents are read when they are asked for.

use super::{Entry, MAX_ENTRIES, MAX_FILE_BYTES, ReadError, Snapshot, SnapshotError, Source};
use crate::span::TreePath;
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the tree of the files below `root`, which may itself be reached through a link.
///
/// A directory below it that cannot be listed is an entry that says so when it is read.
///
/// # Errors
/// When `root` is no readable directory, or has more than [`MAX_ENTRIES`] files.
pub fn folder(root: &Path) -> Result<Snapshot, SnapshotError> {
    let entries = walk(root, &mut |_, _| false)?;
    Ok(Snapshot::new(entries, Box::new(Folder { root: root.to_owned() })))
}

/// The files below a directory.
#[derive(Debug)]
pub(super) struct Folder {
    /// The directory.
    pub(super) root: PathBuf,
}

impl Source for Folder {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        let file = self.root.join(path.as_str());
        let unreadable = |error: &std::io::Error| ReadError::Unreadable(reason(error));
        let meta = fs::symlink_metadata(&file).map_err(|error| unreadable(&error))?;
        if meta.is_dir() {
            // Only a directory that could not be listed is an entry; listing it again says why.
            return Err(fs::read_dir(&file).map_or_else(|error| unreadable(&error), |_| ReadError::Directory));
        }
        if !meta.is_file() {
            // Opening a pipe would wait for a writer that may never come.
            return Err(ReadError::Unreadable("it is neither a file nor a directory".to_owned()));
        }
        if meta.len() > MAX_FILE_BYTES {
            return Err(ReadError::TooLarge { bytes: meta.len() });
        }
        let mut bytes = Vec::new();
        // The file may have grown since it was measured.
        fs::File::open(&file).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(|error| unreadable(&error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES { Err(ReadError::TooLarge { bytes: bytes.len() as u64 }) } else { Ok(bytes.into()) }
    }
}

/// Lists the files and links below `root`. `skip` is asked with the path and whether it is a directory, and leaves things out.
pub(super) fn walk(root: &Path, skip: &mut dyn FnMut(&TreePath, bool) -> bool) -> Result<BTreeMap<TreePath, Entry>, SnapshotError> {
    let mut entries = BTreeMap::new();
    let mut directories: Vec<(PathBuf, String)> = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = directories.pop() {
        let listing = match list(&directory) {
            Ok(listing) => listing,
            Err(error) if prefix.is_empty() => return Err(root_error(root, &error)),
            Err(_) => {
                entries.extend(TreePath::new(&prefix).map(|path| (path, Entry::File { id: None })));
                continue;
            }
        };
        for (name, kind) in listing {
            // A name that is not UTF-8 is listed with `?`; reading it says that there is no such file.
            let full = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let Some(path) = TreePath::new(&full).filter(|_| name != ".git") else { continue };
            if skip(&path, kind == Kind::Directory) {
                continue;
            }
            match kind {
                Kind::Directory => directories.push((directory.join(&name), full)),
                Kind::Link => drop(entries.insert(path, link(&directory.join(&name)))),
                Kind::Other => drop(entries.insert(path, Entry::File { id: None })),
            }
            if entries.len() + directories.len() > MAX_ENTRIES {
                return Err(SnapshotError::TooManyFiles { place: format!("`{}`", root.display()) });
            }
        }
    }
    Ok(entries)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    Link,
    Other,
}

fn list(directory: &Path) -> std::io::Result<Vec<(String, Kind)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let kind = if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Directory
        } else {
            Kind::Other
        };
        found.push((entry.file_name().to_string_lossy().into_owned(), kind));
        if found.len() > MAX_ENTRIES {
            break;
        }
    }
    Ok(found)
}

fn link(path: &Path) -> Entry {
    match fs::read_link(path) {
        Ok(target) => Entry::Link(target.to_string_lossy().into()),
        // It went away, or may not be read: reading it as a file says which.
        Err(_) => Entry::File { id: None },
    }
}

fn root_error(root: &Path, error: &std::io::Error) -> SnapshotError {
    match error.kind() {
        ErrorKind::NotFound => SnapshotError::NotThere(root.to_owned()),
        ErrorKind::NotADirectory => SnapshotError::NotADirectory(root.to_owned()),
        _ => SnapshotError::Unreadable { path: root.to_owned(), reason: reason(error) },
    }
}

/// Returns what the system says in words, without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
