//! What a delivery means for us.

use crate::github::types::{CheckRunId, CommentRef, InstallationId, Place, PrNumber, Sha, User};

/// What a delivery means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// GitHub tries whether we are there.
    Ping,
    /// A pull request may have changed.
    Pull(PullEvent),
    /// Someone wrote a comment on a pull request.
    Comment {
        /// On which.
        pull: PullEvent,
        /// The comment.
        comment: CommentRef,
        /// Its text.
        body: String,
        /// Who wrote it.
        by: User,
        /// It was changed: it does nothing, and who changed it is told so.
        edited: bool,
    },
    /// Someone pressed a button of a check.
    Button {
        /// Where.
        place: Place,
        /// On which commit.
        head: Sha,
        /// As in [`Event::Rerun`].
        pulls: Vec<PrNumber>,
        /// Which button.
        button: String,
        /// Who.
        by: User,
        /// The run it belongs to.
        run: CheckRunId,
    },
    /// Someone asks for the check again.
    Rerun {
        /// Where.
        place: Place,
        /// On which commit.
        head: Sha,
        /// The pull requests; empty for those from forks, which are found by the commit.
        pulls: Vec<PrNumber>,
    },
    /// A merge queue has put pull requests together and asks whether the outcome may go in.
    Group {
        /// Where.
        place: Place,
        /// The outcome.
        head: Sha,
        /// What it is put on: the branch, or the group before it.
        base: Sha,
        /// The branch it is to go into.
        branch: String,
        /// False where the queue has no more use for an answer.
        wanted: bool,
    },
    /// The default branch has other content.
    Moved {
        /// Where.
        place: Place,
        /// Its name.
        branch: String,
        /// What it was.
        before: Sha,
        /// What it is.
        after: Sha,
    },
    /// The App may now act in more repositories than before, or in one under another name.
    Installed {
        /// The installation.
        installation: InstallationId,
        /// The repository, where it is one.
        place: Option<Place>,
    },
    /// The App may no longer act in some repositories.
    Uninstalled {
        /// The installation.
        installation: InstallationId,
        /// Which; empty for all of the installation.
        repositories: Vec<u64>,
    },
    /// Nothing to do, and why.
    Nothing(&'static str),
    /// Not what GitHub's documentation says: what is wrong.
    Unreadable(String),
}

/// A pull request and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullEvent {
    /// Where.
    pub place: Place,
    /// Which.
    pub number: PrNumber,
}
