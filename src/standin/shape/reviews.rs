//! Reviews and the comments on lines.

use super::super::clock::rfc3339;
use super::super::diff::moved_line;
use super::super::state::{Repository, Review, ReviewComment, State};
use super::{Shapes, merged, node_id, reaction_rollup};
use serde_json::{Value, json};

impl Shapes {
    /// A `pull-request-review`.
    pub(in super::super) fn review(&self, full_name: &str, review: &Review) -> Value {
        let pull_url = format!("{}/repos/{full_name}/pulls/{}", self.api, review.number);
        let html_url = format!("{}/{full_name}/pull/{}#pullrequestreview-{}", self.web, review.number, review.id);
        json!({
            "id": review.id, "node_id": node_id("PRR", review.id), "user": self.account(&review.author), "body": review.body,
            "state": review.state, "html_url": html_url, "pull_request_url": pull_url, "submitted_at": rfc3339(review.submitted),
            "commit_id": review.commit.to_string(), "author_association": "NONE",
            "_links": {"html": {"href": html_url}, "pull_request": {"href": pull_url}},
        })
    }

    /// Where the line of a comment is at the pull request's head; `None` where it is not there any more.
    pub(in super::super) fn line_now(state: &State, repository: &Repository, review: &Review, comment: &ReviewComment) -> Option<u64> {
        let line = comment.line?;
        let head = repository.pull(review.number)?.head;
        if head == review.commit || comment.side == "LEFT" {
            return Some(line);
        }
        let text = |commit| {
            let id = state.objects.files(commit).get(&comment.path)?.id;
            Some(String::from_utf8_lossy(state.objects.blob(id)?).into_owned())
        };
        moved_line(&text(review.commit)?, &text(head)?, line)
    }

    /// A `pull-request-review-comment`.
    pub(in super::super) fn review_comment(&self, state: &State, repository: &Repository, review: &Review, comment: &ReviewComment) -> Value {
        let now = Self::line_now(state, repository, review, comment);
        let more = json!({
            "start_line": now.and(comment.start_line), "original_start_line": comment.start_line,
            "start_side": comment.start_line.map(|_| comment.side.clone()), "line": now, "original_line": comment.line,
            "side": comment.side, "subject_type": if comment.line.is_some() { "line" } else { "file" },
        });
        let mut shown = merged(self.legacy_review_comment(state, repository, review, comment), more);
        if let Some(object) = shown.as_object_mut().filter(|_| comment.line.is_none()) {
            // A comment on a whole file has no line, and the description allows no null there.
            object.remove("line");
            object.remove("original_line");
        }
        shown
    }

    /// A `review-comment`, which does not know its line.
    pub(in super::super) fn legacy_review_comment(&self, state: &State, repository: &Repository, review: &Review, comment: &ReviewComment) -> Value {
        let full_name = repository.full_name();
        let url = format!("{}/repos/{full_name}/pulls/comments/{}", self.api, comment.id);
        let pull_url = format!("{}/repos/{full_name}/pulls/{}", self.api, review.number);
        let html_url = format!("{}/{full_name}/pull/{}#discussion_r{}", self.web, review.number, comment.id);
        let position = comment.hunk.lines().count().saturating_sub(1);
        let now = Self::line_now(state, repository, review, comment);
        let head = repository.pull(review.number).map_or(review.commit, |pull| pull.head);
        let mut out = json!({
            "url": url, "pull_request_review_id": review.id, "id": comment.id, "node_id": node_id("PRRC", comment.id), "diff_hunk": comment.hunk,
            "path": comment.path, "position": if now.is_some() || comment.line.is_none() { json!(position.max(1)) } else { Value::Null },
            "original_position": position.max(1), "commit_id": if now.is_some() { head } else { review.commit }.to_string(),
            "original_commit_id": review.commit.to_string(), "user": self.account(&review.author), "body": comment.body,
            "created_at": rfc3339(review.submitted), "updated_at": rfc3339(comment.updated), "html_url": html_url, "pull_request_url": pull_url,
            "author_association": if review.author.kind == "Bot" { "NONE" } else { "MEMBER" },
            "_links": {"self": {"href": url}, "html": {"href": html_url}, "pull_request": {"href": pull_url}},
            "reactions": reaction_rollup(&url, &comment.reactions),
        });
        if let (Some(object), Some(to)) = (out.as_object_mut(), comment.reply_to) {
            object.insert("in_reply_to_id".to_owned(), json!(to));
        }
        out
    }
}
