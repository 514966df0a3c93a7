//! The trees that a command is pointed at.

use super::CliError;
use crate::snapshot::{Repository, Snapshot, SnapshotError, folder};
use std::path::Path;

impl From<SnapshotError> for CliError {
    fn from(error: SnapshotError) -> Self {
        let cli = Self::new(error.to_string());
        match error.help() {
            Some(help) => cli.help(help),
            None => cli,
        }
    }
}

/// Returns the tree at `revision`, or the work tree.
pub(super) fn at(repository: &Repository, revision: Option<&str>) -> Result<Snapshot, CliError> {
    Ok(match revision {
        Some(revision) => repository.tree(revision)?,
        None => repository.work_tree()?,
    })
}

/// Returns the tree that `name` stands for: a revision of `repository` where it is one, else a directory.
pub(super) fn directory_or_revision(name: &str, repository: Option<&Repository>) -> Result<Snapshot, CliError> {
    let Some(repository) = repository else { return Ok(folder(Path::new(name))?) };
    match repository.tree(name) {
        Err(SnapshotError::UnknownRevision { .. }) if Path::new(name).is_dir() => Ok(folder(Path::new(name))?),
        found => Ok(found?),
    }
}
