//! What we say in the conversation: the one comment of a pull request, answers, reactions.

use super::super::transport::ApiError;
use super::super::types::{Comment, CommentId, Reaction, Sha};
use super::{Asked, MAX_TEXT_BYTES, PublishError, Publisher, TRIES};
use crate::report::{PastRun, clipped};
use crate::store::now_ms;

/// Runs that the comment still tells of.
const EARLIER_RUNS: usize = 3;
const STICKY_MARKER: &str = "<!-- waypost:review -->";

impl Publisher {
    /// Shows `body` in the one comment of ours on this pull request. Makes it only where `may_create`; updates it wherever it is.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn comment(&self, body: &str, may_create: bool) -> Result<(), PublishError> {
        self.may_speak().await?;
        let text = format!("{STICKY_MARKER}\n{}", clipped(body, MAX_TEXT_BYTES - STICKY_MARKER.len() - 1));
        let note = self.note("comment");
        if let Some(id) = self.store.note(note.clone()).await?.and_then(|id| id.parse().ok()) {
            match self.api.update_comment(CommentId(id), &text).await {
                Ok(_) => return Ok(()),
                // Someone deleted it.
                Err(error) if error.status() == Some(404) => self.store.keep_note(note.clone(), None).await?,
                Err(error) => return Err(error.into()),
            }
        } else if let Some(found) = self.find_ours(STICKY_MARKER).await? {
            self.api.update_comment(found.id, &text).await?;
            self.store.keep_note(note, Some(found.id.0.to_string())).await?;
            return Ok(());
        }
        if may_create {
            let id = self.create_comment(&text, STICKY_MARKER).await?;
            self.store.keep_note(note, Some(id.0.to_string())).await?;
        }
        Ok(())
    }

    /// Returns the runs before the one on `head`, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn earlier_runs(&self, head: &Sha) -> Result<Vec<PastRun>, PublishError> {
        let runs: Vec<PastRun> = self.store.note(self.note("runs")).await?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        Ok(runs.into_iter().filter(|run| run.head != head.short()).take(EARLIER_RUNS).collect())
    }

    /// Notes how a run ended, in place of an earlier one on the same commit.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn remember_run(&self, run: PastRun) -> Result<(), PublishError> {
        let runs: Vec<PastRun> = self.store.note(self.note("runs")).await?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let others = runs.into_iter().filter(|past| past.head != run.head).take(EARLIER_RUNS);
        let runs: Vec<PastRun> = std::iter::once(run.clone()).chain(others).collect();
        Ok(self.store.keep_note(self.note("runs"), serde_json::to_string(&runs).ok()).await?)
    }

    /// Returns whether we have answered this.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn has_answered(&self, to: &Asked) -> Result<bool, PublishError> {
        Ok(self.find_ours(&to.marker()).await?.is_some())
    }

    /// Answers, once.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn answer(&self, to: &Asked, body: &str) -> Result<(), PublishError> {
        let marker = to.marker();
        if self.find_ours(&marker).await?.is_none() {
            let text = format!("{marker}\n{}", clipped(body, MAX_TEXT_BYTES - marker.len() - 1));
            self.create_comment(&text, &marker).await?;
        }
        Ok(())
    }

    /// Reacts to a comment: `eyes`, `rocket`, `confused`. Returns whether the comment is still there. A reaction that GitHub does not take,
    /// as in a locked conversation, keeps nobody from doing what was said.
    ///
    /// # Errors
    /// When the same may work later.
    pub async fn react(&self, to: &Asked, content: Reaction) -> Result<bool, PublishError> {
        let Some(at) = to.comment() else { return Ok(true) };
        self.may_write().await?;
        match self.api.react(at, content).await {
            Ok(there) => Ok(there),
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(error) => {
                tracing::warn!(repository = %self.api.place().repo, number = self.number.0, %error, "a reaction was refused");
                Ok(true)
            }
        }
    }

    async fn create_comment(&self, text: &str, marker: &str) -> Result<CommentId, PublishError> {
        let mut last = None;
        for _ in 0..TRIES {
            self.may_write().await?;
            match self.api.create_comment(self.number, text).await {
                Ok(made) => return Ok(made.id),
                Err(error @ ApiError::InDoubt { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
            if let Some(found) = self.find_ours(marker).await? {
                return Ok(found.id);
            }
        }
        Err(last.unwrap_or(ApiError::Paused { until_ms: now_ms() }).into())
    }

    /// Finds a comment that begins with `marker` and that we wrote: anybody can copy a marker.
    async fn find_ours(&self, marker: &str) -> Result<Option<Comment>, PublishError> {
        let app = self.api.app().await?;
        let ours = |comment: &Comment| comment.is_by(&app) && comment.body.as_deref().is_some_and(|body| body.starts_with(marker));
        Ok(self.api.find_comment(self.number, ours).await?)
    }
}
