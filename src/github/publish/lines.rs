//! Comments on the diff: each finding once, however often it is pushed again; threads of findings that are gone are resolved, unless
//! somebody has answered there.
//!
//! A comment is known by a hidden marker with the finding's fingerprint and by its author. What is on GitHub is looked at first, so a
//! review that was cut off is made up for by the next one.

use super::super::transport::ApiError;
use super::super::types::{App, LineCommentId, LineSaid, Sha};
use super::{PublishError, Publisher, TRIES};
use crate::report::{self, LineComment, Spot};
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

/// What we remember of the comments on the diff of a pull request.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Noted {
    /// Those whose finding was gone and whose thread was seen to. They say nothing any more, also where the finding comes back.
    gone: BTreeSet<LineCommentId>,
}

/// What is on GitHub.
#[derive(Debug, Default)]
struct OnDiff {
    /// Our comments, each with its finding.
    ours: BTreeMap<LineCommentId, (String, LineSaid)>,
    /// Those that somebody else has answered.
    answered: BTreeSet<LineCommentId>,
}

impl OnDiff {
    fn of(all: Vec<LineSaid>, app: &App) -> Self {
        let mut found = Self::default();
        for said in all {
            if !said.is_by(app) {
                found.answered.extend(said.in_reply_to_id);
            } else if let Some(fingerprint) = fingerprint(&said) {
                found.ours.insert(said.id, (fingerprint, said));
            }
        }
        found
    }

    /// Returns the findings that our comments speak of.
    fn said(&self, noted: &Noted) -> BTreeSet<&str> {
        self.ours.iter().filter(|(id, _)| !noted.gone.contains(id)).map(|(_, (fingerprint, _))| fingerprint.as_str()).collect()
    }
}

impl Publisher {
    /// Says the worst findings where the diff has them, and ends what is gone. `standing` are the fingerprints of all findings that count.
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
        // Written down first: whoever comes after a crash looks.
        self.keep(&key, &noted).await?;
        let there = self.say(head, comments.get(..MOST).unwrap_or(comments), &noted).await?;
        let over =
            |id: &LineCommentId, fingerprint: &String| !standing.contains(fingerprint) && !there.answered.contains(id) && !noted.gone.contains(id);
        let gone: Vec<(LineCommentId, &LineSaid)> =
            there.ours.iter().filter(|(id, (fingerprint, _))| over(id, fingerprint)).map(|(id, (_, said))| (*id, said)).collect();
        if !gone.is_empty() {
            let open = self.threads().await?;
            for (id, said) in gone {
                if let Some(thread) = open.get(&id) {
                    self.end(thread, said, head).await?;
                }
                noted.gone.insert(id);
                self.keep(&key, &noted).await?;
            }
        }
        Ok(())
    }

    async fn on_diff(&self) -> Result<OnDiff, PublishError> {
        let app = self.api.app().await?;
        Ok(OnDiff::of(self.api.line_comments(self.number).await?, &app))
    }

    /// Says what is not said yet, and looks again where it is not known whether that arrived. Returns what was there at the last look.
    async fn say(&self, head: &Sha, comments: &[LineComment], noted: &Noted) -> Result<OnDiff, PublishError> {
        let mut there = self.on_diff().await?;
        for attempt in 1.. {
            let said = there.said(noted);
            let new: Vec<&LineComment> = comments.iter().filter(|comment| !said.contains(comment.fingerprint.as_str())).collect();
            match self.send(head, &new).await {
                Err(PublishError::Api(ApiError::InDoubt { .. })) if attempt < TRIES => there = self.on_diff().await?,
                other => return other.map(|()| there),
            }
        }
        Ok(there)
    }

    async fn keep(&self, key: &str, noted: &Noted) -> Result<(), PublishError> {
        Ok(self.store.keep_note(key.to_owned(), serde_json::to_string(noted).ok()).await?)
    }

    /// Sends those on lines as one review, those on files one by one: GitHub has no review with such.
    async fn send(&self, head: &Sha, new: &[&LineComment]) -> Result<(), PublishError> {
        let (lines, files): (Vec<&LineComment>, Vec<&LineComment>) = new.iter().partition(|comment| comment.spot != Spot::File);
        if !lines.is_empty() {
            let comments: Vec<Value> = lines.iter().map(|comment| on_spot(comment, comment.spot)).collect();
            let body = json!({"commit_id": head.as_str(), "event": "COMMENT", "body": report::review_words(lines.len()), "comments": comments});
            self.may_speak().await?;
            match self.api.create_review(self.number, body).await {
                Ok(()) => {}
                // One line that GitHub does not show, and it takes none of them.
                Err(error) if error.status() == Some(422) => {
                    for comment in &lines {
                        self.send_alone(head, comment).await?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        for comment in &files {
            self.send_alone(head, comment).await?;
        }
        Ok(())
    }

    /// Sends one comment: on its line, where GitHub does not take that on its file, and where it does not take that either not at all; the
    /// comment in the conversation has all of it.
    async fn send_alone(&self, head: &Sha, comment: &LineComment) -> Result<(), PublishError> {
        let spots: &[Spot] = if comment.spot == Spot::File { &[Spot::File] } else { &[comment.spot, Spot::File] };
        for spot in spots {
            let mut body = on_spot(comment, *spot);
            if let Some(object) = body.as_object_mut() {
                object.insert("commit_id".to_owned(), json!(head.as_str()));
            }
            self.may_speak().await?;
            match self.api.create_line_comment(self.number, body).await {
                Ok(()) => return Ok(()),
                Err(error) if error.status() == Some(422) => {
                    tracing::warn!(repository = %self.api.place().repo, number = self.number.0, ?spot, %error, "a comment on the diff was refused");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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

    /// Resolves a thread. Some Apps have been refused that without a right to write contents, which ours need not: then the comment says it.
    async fn end(&self, thread: &str, said: &LineSaid, head: &Sha) -> Result<(), PublishError> {
        self.may_speak().await?;
        match self.api.graphql(RESOLVE, json!({"id": thread}), false).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "a thread could not be resolved; its comment says that it is"),
        }
        let Some((marker, body)) = said.body.as_deref().and_then(|body| body.split_once(MARKER.1.trim_start())) else { return Ok(()) };
        let text = format!("{marker}{}{}", MARKER.1.trim_start(), report::gone(body, head.short()));
        self.may_write().await?;
        match self.api.update_line_comment(said.id, &text).await {
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, "a comment on the diff could not be changed");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Returns the finding that a comment is about.
fn fingerprint(said: &LineSaid) -> Option<String> {
    let (fingerprint, _) = said.body.as_deref()?.strip_prefix(MARKER.0)?.split_once(MARKER.1.trim_end())?;
    Some(fingerprint.to_owned())
}

fn on_spot(comment: &LineComment, spot: Spot) -> Value {
    let body = |words: &str| format!("{}{}{}{words}", MARKER.0, comment.fingerprint, MARKER.1);
    match spot {
        Spot::File => json!({"path": comment.path, "subject_type": "file", "body": body(&comment.on_file)}),
        Spot::Lines { start, line, is_left } => {
            let side = if is_left { "LEFT" } else { "RIGHT" };
            let mut on_line = json!({"path": comment.path, "line": line, "side": side, "body": body(&comment.on_line)});
            if let (Some(start), Some(object)) = (start, on_line.as_object_mut()) {
                object.insert("start_line".to_owned(), json!(start));
                object.insert("start_side".to_owned(), json!(side));
            }
            on_line
        }
    }
}
