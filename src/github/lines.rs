//! Comments on lines: each finding once, however often it is pushed again; threads of findings that are gone are resolved, unless
//! somebody has answered there.
//!
//! A comment is known by a hidden marker with the finding's fingerprint and by its author. What is on GitHub is looked at first, so a
//! review that was cut off is made up for by the next one.

use super::publish::{PublishError, Publisher};
use super::transport::ApiError;
use super::types::{LineCommentId, LineSaid, Sha};
use crate::report::{self, LineComment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// More than this on one page nobody reads.
const MOST: usize = 10;
/// What is before and after the fingerprint in a comment.
const MARKER: (&str, &str) = ("<!-- waypost:finding:", " -->\n");
const THREADS: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) { repository(owner: $owner, name: $name) { \
    pullRequest(number: $number) { reviewThreads(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { id isResolved \
    comments(first: 1) { nodes { fullDatabaseId } } } } } } }";
const RESOLVE: &str = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }";
/// Pages of threads that are read.
const MAX_PAGES: usize = 10;

/// What we remember of the comments on lines of a pull request.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Noted {
    /// Those whose finding was gone and whose thread was seen to.
    gone: BTreeSet<LineCommentId>,
}

impl Publisher {
    /// Says findings on their lines, the worst ones, and ends what is gone. `standing` are the fingerprints of all findings that count.
    ///
    /// # Errors
    /// When GitHub or the store does not take it. Nothing of it is needed for the check to be right.
    pub async fn lines(&self, head: &Sha, comments: &[LineComment], standing: &BTreeSet<String>) -> Result<(), PublishError> {
        let key = self.note("lines");
        let noted: Option<Noted> = self.store.note(key.clone()).await?.and_then(|json| serde_json::from_str(&json).ok());
        if comments.is_empty() && noted.is_none() {
            // Nothing was ever said here: then nothing has to be looked for.
            return Ok(());
        }
        let mut noted = noted.unwrap_or_default();
        let all = self.api.line_comments(self.number).await?;
        let app = self.api.app().await?;
        let ours: BTreeMap<LineCommentId, (String, &LineSaid)> =
            all.iter().filter(|said| said.is_by(&app)).filter_map(|said| Some((said.id, (fingerprint(said)?, said)))).collect();
        let said: BTreeSet<&str> = ours.values().map(|(fingerprint, _)| fingerprint.as_str()).collect();
        let new: Vec<&LineComment> = comments.iter().filter(|comment| !said.contains(comment.fingerprint.as_str())).take(MOST).collect();
        if !new.is_empty() {
            // Written down first: whoever comes after a crash looks.
            self.keep(&key, &noted).await?;
            self.send(head, &new).await?;
        }
        let answered: BTreeSet<LineCommentId> = all.iter().filter(|said| !said.is_by(&app)).filter_map(|said| said.in_reply_to_id).collect();
        let gone: Vec<LineCommentId> = ours
            .iter()
            .filter(|(id, (fingerprint, _))| !standing.contains(fingerprint) && !answered.contains(id) && !noted.gone.contains(id))
            .map(|(id, _)| *id)
            .collect();
        if !gone.is_empty() {
            let open = self.threads().await?;
            for id in gone {
                if let Some(thread) = open.get(&id) {
                    self.end(thread, &ours, id, head).await?;
                }
                noted.gone.insert(id);
            }
        }
        self.keep(&key, &noted).await
    }

    async fn keep(&self, key: &str, noted: &Noted) -> Result<(), PublishError> {
        Ok(self.store.keep_note(key.to_owned(), serde_json::to_string(noted).ok()).await?)
    }

    /// Sends the comments as one review.
    async fn send(&self, head: &Sha, new: &[&LineComment]) -> Result<(), PublishError> {
        let comments: Vec<Value> = new.iter().map(|comment| line(comment)).collect();
        let body = json!({"commit_id": head.as_str(), "event": "COMMENT", "body": report::review_words(new.len()), "comments": comments});
        self.may_write().await?;
        match self.api.create_review(self.number, body).await {
            Ok(()) => Ok(()),
            // One line that GitHub does not show, and it takes none of them. The comment in the conversation has all of it.
            Err(error) if error.status() == Some(422) => {
                tracing::warn!(repository = %self.api.place().repo, number = self.number.0, %error, "comments on lines were refused");
                Ok(())
            }
            // Whether they are there is seen by the next review, which looks first.
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the open threads by their first comment.
    async fn threads(&self) -> Result<BTreeMap<LineCommentId, String>, ApiError> {
        let repo = &self.api.place().repo;
        let mut found = BTreeMap::new();
        let mut after = Value::Null;
        for _ in 0..MAX_PAGES {
            let variables = json!({"owner": repo.owner(), "name": repo.name(), "number": self.number.0, "after": after});
            let data = self.api.graphql(THREADS, variables, true).await?;
            let threads = data.pointer("/repository/pullRequest/reviewThreads").cloned().unwrap_or_default();
            for thread in threads.get("nodes").and_then(Value::as_array).into_iter().flatten() {
                // A number of GraphQL has 32 bits, which the ids of comments have outgrown: this one is a text.
                let first = thread.pointer("/comments/nodes/0/fullDatabaseId").and_then(Value::as_str).and_then(|id| id.parse().ok());
                let id = thread.get("id").and_then(Value::as_str);
                if let (Some(first), Some(id), Some(false)) = (first, id, thread.get("isResolved").and_then(Value::as_bool)) {
                    found.insert(LineCommentId(first), id.to_owned());
                }
            }
            if threads.pointer("/pageInfo/hasNextPage") != Some(&Value::Bool(true)) {
                break;
            }
            after = threads.pointer("/pageInfo/endCursor").cloned().unwrap_or_default();
        }
        Ok(found)
    }

    /// Resolves a thread. GitHub lets only Apps do so that may write contents, which ours need not: then the comment says it.
    async fn end(
        &self,
        thread: &str,
        ours: &BTreeMap<LineCommentId, (String, &LineSaid)>,
        id: LineCommentId,
        head: &Sha,
    ) -> Result<(), PublishError> {
        self.may_write().await?;
        match self.api.graphql(RESOLVE, json!({"id": thread}), false).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "a thread could not be resolved; its comment says that it is"),
        }
        let Some((fingerprint, said)) = ours.get(&id) else { return Ok(()) };
        let marker = format!("{}{fingerprint}{}", MARKER.0, MARKER.1);
        let body = said.body.as_deref().and_then(|body| body.strip_prefix(&marker)).unwrap_or_default();
        match self.api.update_line_comment(id, &format!("{marker}{}", report::gone(body, head.short()))).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Returns the finding that a comment is about.
fn fingerprint(said: &LineSaid) -> Option<String> {
    let (fingerprint, _) = said.body.as_deref()?.strip_prefix(MARKER.0)?.split_once(MARKER.1.trim_end())?;
    Some(fingerprint.to_owned())
}

fn line(comment: &LineComment) -> Value {
    let side = if comment.is_left { "LEFT" } else { "RIGHT" };
    let body = format!("{}{}{}{}", MARKER.0, comment.fingerprint, MARKER.1, comment.body);
    let mut line = json!({"path": comment.path, "line": comment.line, "side": side, "body": body});
    if let (Some(start), Some(object)) = (comment.start_line, line.as_object_mut()) {
        object.insert("start_line".to_owned(), json!(start));
        object.insert("start_side".to_owned(), json!(side));
    }
    line
}
