//! Comments in the conversation of a pull request, and reactions to them.

use super::super::Activity;
use super::super::actions;
use super::super::clock::now_seconds;
use super::super::error::{Answer, Refusal, answer, created, ok};
use super::super::hub::{Hub, Need, Opened};
use super::super::shape::REACTIONS;
use super::super::state::Comment;
use super::{body, missing, paged, text};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const READ: Need = Need::Read(&["issues", "pull_requests"]);
const WRITE: Need = Need::Write(&["issues", "pull_requests"]);
/// The longest comment, in characters.
pub(super) const BODY_CHARACTERS: usize = 65_536;

type Numbered = Path<(String, String, u64)>;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/issues/{number}/comments", get(list).post(create))
        .route("/repos/{owner}/{repo}/issues/comments/{id}", get(comment).patch(update).delete(delete))
        .route("/repos/{owner}/{repo}/issues/comments/{id}/reactions", get(reactions).post(react))
}

/// The text of a comment.
fn body_text(object: &Map<String, Value>) -> Result<String, Refusal> {
    let words = text(object, "body")?.ok_or_else(|| missing("body"))?;
    if words.trim().is_empty() {
        return Err(Refusal::invalid("IssueComment", "body", "custom", "body cannot be blank"));
    }
    if words.chars().count() > BODY_CHARACTERS {
        return Err(Refusal::invalid("IssueComment", "body", "custom", "body is too long (maximum is 65536 characters)"));
    }
    Ok(words.to_owned())
}

fn find<'a>(opened: &'a Opened<'_>, id: u64) -> Result<&'a Comment, Refusal> {
    opened.repository()?.comments.iter().find(|comment| comment.id == id).ok_or_else(Refusal::not_found)
}

async fn list(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    let repository = opened.repository()?;
    repository.pull(number).ok_or_else(Refusal::not_found)?;
    let full_name = repository.full_name();
    let comments = repository.comments.iter().filter(|comment| comment.number == number);
    paged(&hub, &uri, comments.map(|comment| hub.shapes.comment(&full_name, comment)).collect(), None)
}

async fn create(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    opened.repository()?.pull(number).ok_or_else(Refusal::not_found)?;
    let words = body_text(&body(&bytes)?)?;
    let author = hub.author(&opened.caller);
    let at = opened.at;
    let id = actions::comment(&hub, &mut opened.state, (at, number), &author, words).ok_or_else(Refusal::not_found)?;
    created(hub.shapes.comment(&opened.repository()?.full_name(), find(&opened, id)?))
}

async fn comment(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    ok(hub.shapes.comment(&opened.repository()?.full_name(), find(&opened, id)?))
}

/// Changes a comment, which the App may do with its own only.
async fn update(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    let author = hub.author(&opened.caller);
    if find(&opened, id)?.author != author {
        return Err(Refusal::forbidden("Resource not accessible by integration"));
    }
    let words = body_text(&body(&bytes)?)?;
    let old = find(&opened, id)?.body.clone();
    let number = find(&opened, id)?.number;
    if let Some(comment) = opened.repository_mut()?.comments.iter_mut().find(|comment| comment.id == id) {
        comment.body = words;
        comment.updated = now_seconds();
    }
    let repository = opened.repository()?;
    let shown = hub.shapes.comment(&repository.full_name(), find(&opened, id)?);
    let pull = repository.pull(number).ok_or_else(Refusal::not_found)?;
    let issue = hub.shapes.issue(repository, pull);
    let payload = json!({"action": "edited", "changes": {"body": {"from": old}}, "issue": issue, "comment": shown});
    let at = opened.at;
    hub.emit(&mut opened.state, "issue_comment", (at, &author), payload);
    hub.tell(Activity::CommentUpdated { id, by: author.login });
    ok(shown)
}

async fn delete(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    find(&opened, id)?;
    opened.repository_mut()?.comments.retain(|comment| comment.id != id);
    opened.state.version += 1;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn reactions(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    let comment = find(&opened, id)?;
    let shown = comment.reactions.iter().map(|reaction| hub.shapes.reaction(reaction, comment.updated)).collect();
    paged(&hub, &uri, shown, None)
}

/// Reacts to a comment: 201, or 200 where the same reaction was there.
async fn react(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    find(&opened, id)?;
    let body = body(&bytes)?;
    let content = text(&body, "content")?.ok_or_else(|| missing("content"))?.to_owned();
    if !REACTIONS.contains(&content.as_str()) {
        return Err(Refusal::invalid("Reaction", "content", "invalid", ""));
    }
    let author = hub.author(&opened.caller);
    let there = find(&opened, id)?.reactions.iter().find(|(_, given, by)| *given == content && *by == author).cloned();
    let now = now_seconds();
    if let Some(reaction) = there {
        return answer(StatusCode::OK, hub.shapes.reaction(&reaction, now));
    }
    let reaction = (opened.state.new_id(), content.clone(), author);
    if let Some(comment) = opened.repository_mut()?.comments.iter_mut().find(|comment| comment.id == id) {
        comment.reactions.push(reaction.clone());
    }
    opened.state.version += 1;
    hub.tell(Activity::Reaction { comment: id, content });
    answer(StatusCode::CREATED, hub.shapes.reaction(&reaction, now))
}
