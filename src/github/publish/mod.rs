//! Everything we write on GitHub: the check run and the comments. Each write can be cut off anywhere and done again without doubling.
//!
//! A check run is found again by its `external_id`, a comment by a hidden marker and its author. What is open is noted in the store
//! before it is made, so that a server that was killed in between finds it and ends it. What is about a commit is written only while
//! that commit is the head ([`Publisher::watching`]).

mod check;
mod comments;
mod lines;

pub use check::{LeftRun, OpenRun, decline};

use super::api::RepoApi;
use super::transport::ApiError;
use super::types::{CheckRunId, CommentKind, CommentRef, PrNumber, Sha};
use crate::store::{Hold, Store, StoreError, now_ms};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The name people require.
pub const CHECK_NAME: &str = "waypost";
/// How often a write in doubt is looked for and made again.
const TRIES: usize = 3;
/// GitHub counts bytes and refuses 65,536.
const MAX_TEXT_BYTES: usize = 65_000;
/// What is known of the head is believed this long: a read more would find the same.
const HEAD_IS_KNOWN_MS: i64 = 5_000;

/// Why something is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// GitHub did not take it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another worker has taken the job over, and writes in our place.
    #[error("another worker has taken this over")]
    Lost,
    /// The pull request has another head by now.
    #[error("the head is {0} by now")]
    MovedOn(Sha),
}

/// How a check run ends. There is no `neutral` and no `skipped`: GitHub lets both through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Lets through; also with warnings, which the title then says.
    Success,
    /// Blocks.
    Failure,
    /// A newer commit is looked at instead.
    Cancelled,
}

impl Conclusion {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What an answer is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A comment.
    Comment(CommentRef),
    /// A comment that was changed after it was written.
    Edited(CommentRef),
    /// A button of a check run, by the command it stands for.
    Button(CheckRunId, &'static str),
}

impl Asked {
    /// Returns what our answer begins with, unseen.
    fn marker(&self) -> String {
        // Numbers of one kind of comment say nothing of those of another.
        let place = |at: &CommentRef| match at.kind {
            CommentKind::Conversation => at.id.0.to_string(),
            CommentKind::Line => format!("line:{}", at.id.0),
            CommentKind::Review => format!("review:{}", at.id.0),
        };
        match self {
            Self::Comment(at) => format!("<!-- waypost:reply:{} -->", place(at)),
            Self::Edited(at) => format!("<!-- waypost:reply:edited:{} -->", place(at)),
            Self::Button(run, command) => format!("<!-- waypost:reply:button:{}:{command} -->", run.0),
        }
    }

    /// Returns the comment, where it is one.
    fn comment(&self) -> Option<&CommentRef> {
        match self {
            Self::Comment(at) | Self::Edited(at) => Some(at),
            Self::Button(..) => None,
        }
    }
}

/// The head that is written about, and when it was last seen to be the head.
#[derive(Debug)]
struct Watched {
    head: Sha,
    seen_ms: AtomicI64,
}

/// Writes on one pull request.
#[derive(Debug)]
pub struct Publisher {
    api: RepoApi,
    store: Arc<dyn Store>,
    number: PrNumber,
    /// What the notes are about: the pull request, or the merge group.
    subject: String,
    details_url: Option<String>,
    hold: Option<Hold>,
    forced: bool,
    watched: Option<Watched>,
}

impl Publisher {
    /// Returns the publisher for a pull request. `details_url` is where the check's link leads.
    pub fn new(api: RepoApi, store: Arc<dyn Store>, number: PrNumber, details_url: Option<String>) -> Self {
        Self { api, store, number, subject: number.0.to_string(), details_url, hold: None, forced: false, watched: None }
    }

    /// Returns the publisher for the check on a merge group, which has no comments.
    pub fn for_group(api: RepoApi, store: Arc<dyn Store>, head: &Sha) -> Self {
        Self { subject: format!("group-{head}"), ..Self::new(api, store, PrNumber(0), None) }
    }

    /// Returns the publisher of a job: it writes only while the job is ours. With `forced`, a commit that has a concluded run gets another.
    #[must_use]
    pub fn held(self, hold: Hold, forced: bool) -> Self {
        Self { hold: Some(hold), forced, ..self }
    }

    /// Returns the publisher of a review of `head`, which was seen to be the head at `seen_ms`: it writes only while that is so.
    #[must_use]
    pub fn watching(self, head: &Sha, seen_ms: i64) -> Self {
        Self { watched: Some(Watched { head: head.clone(), seen_ms: AtomicI64::new(seen_ms) }), ..self }
    }

    fn note(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.api.place().repository_id, self.subject)
    }

    /// Fails where the job is no longer ours: whoever took it over writes instead.
    async fn may_write(&self) -> Result<(), PublishError> {
        match &self.hold {
            Some(hold) if !hold.stands().await? => Err(PublishError::Lost),
            Some(_) | None => Ok(()),
        }
    }

    /// As [`Publisher::may_write`], for what is about the watched head: fails also where that is the head no longer. What was seen within
    /// the last seconds is believed.
    async fn may_speak(&self) -> Result<(), PublishError> {
        self.may_write().await?;
        match &self.watched {
            Some(watched) if now_ms() - watched.seen_ms.load(Ordering::Relaxed) > HEAD_IS_KNOWN_MS => self.look().await,
            Some(_) | None => Ok(()),
        }
    }

    /// Fails where the watched head is the head no longer.
    ///
    /// # Errors
    /// [`PublishError::MovedOn`], and when GitHub does not answer.
    pub async fn look(&self) -> Result<(), PublishError> {
        let Some(watched) = &self.watched else { return Ok(()) };
        let asked_ms = now_ms();
        let now = self.api.pull(self.number).await?.head.sha;
        if now != watched.head {
            return Err(PublishError::MovedOn(now));
        }
        watched.seen_ms.store(asked_ms, Ordering::Relaxed);
        Ok(())
    }
}
