//! Why a tree cannot be had at all. A single file that cannot be read is a [`super::ReadError`] and stops nothing.

use std::path::PathBuf;

/// The most files and links of a tree.
pub const MAX_ENTRIES: usize = 200_000;

/// Why there is no tree: what happened; [`SnapshotError::help`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The directory is not there.
    #[error("there is no directory `{}`", .0.display())]
    NotThere(PathBuf),
    /// Something else has this name.
    #[error("`{}` is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// It cannot be listed.
    #[error("the directory `{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// More than [`MAX_ENTRIES`].
    #[error("{place} has more than {MAX_ENTRIES} files")]
    TooManyFiles {
        /// The directory or revision, in backticks.
        place: String,
    },
    /// Neither it nor a directory above it is a git repository.
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// A repository without files beside it.
    #[error("the repository `{}` has no work tree", .0.display())]
    Bare(PathBuf),
    /// No commit has this name.
    #[error("there is no revision `{name}` in this repository")]
    UnknownRevision {
        /// As given.
        name: String,
        /// Branches and tags that are written much like it, the likeliest first.
        similar: Vec<String>,
    },
    /// The name is that of something that has no tree.
    #[error("`{name}` names neither a commit nor a tree")]
    NotATree {
        /// As given.
        name: String,
    },
    /// `HEAD` names no commit yet.
    #[error("this repository has no commit yet")]
    NoCommit,
    /// None of the names a default branch goes by.
    #[error("cannot tell which branch is the default one: there is no `origin/HEAD`, `main` or `master`")]
    NoDefaultBranch,
    /// Two histories without a common commit.
    #[error("the head and `{branch}` have no commit in common{}", if *shallow { " in this shallow clone" } else { "" })]
    NoMergeBase {
        /// The default branch.
        branch: String,
        /// Part of the history was not fetched.
        shallow: bool,
    },
    /// The first commit of a history has nothing before it.
    #[error("commit {commit} has no parent, so there is no state before it")]
    NoParent {
        /// Abbreviated.
        commit: String,
    },
    /// An object that the history names is not on this machine.
    #[error("{what} is not in this clone")]
    NotFetched {
        /// The commit or tree.
        what: String,
    },
    /// The repository itself is damaged or cannot be read.
    #[error("the git repository cannot be read: {0}")]
    Broken(String),
}

impl SnapshotError {
    /// Returns one thing to do, where one is surely right.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotThere(_) | Self::Broken(_) => return None,
            Self::NotADirectory(_) => "give the directory that holds the configuration".to_owned(),
            Self::Unreadable { .. } => "give the user who runs Waypost the right to list it".to_owned(),
            Self::TooManyFiles { .. } => "point Waypost at the directory that holds the configuration".to_owned(),
            Self::NotARepository(_) => {
                "compare two plain directories with `--base-dir` and `--head-dir`, or name a repository with `--repo`".to_owned()
            }
            Self::Bare(_) => "name the revision to review with `--head`".to_owned(),
            Self::UnknownRevision { similar, .. } => match similar.first() {
                Some(name) => format!("did you mean `{name}`?"),
                None => "name a branch, a tag or a commit; a branch of a remote may have to be fetched first".to_owned(),
            },
            Self::NotATree { .. } => "name a branch, a tag or a commit".to_owned(),
            Self::NoCommit => "commit the state to compare with, or compare two plain directories with `--base-dir` and `--head-dir`".to_owned(),
            Self::NoDefaultBranch | Self::NoMergeBase { shallow: false, .. } => "name the revision to compare with, with `--base`".to_owned(),
            Self::NoMergeBase { shallow: true, .. } | Self::NotFetched { .. } => "fetch the rest of the history: `git fetch --unshallow`".to_owned(),
            Self::NoParent { .. } => "name the state to restore with `--known-good`".to_owned(),
        };
        Some(text)
    }
}
