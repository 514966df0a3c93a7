//! Comments on lines: alone, as answers, changed, taken away, reacted to.

use super::super::actions;
use super::super::clock::now_seconds;
use super::super::error::{Answer, Refusal, answer, created, ok};
use super::super::hub::{Hub, Need, Opened};
use super::super::shape::REACTIONS;
use super::super::state::{Review, ReviewComment};
use super::comments::BODY_CHARACTERS;
use super::reviews::{line_comment, reviewed};
use super::{body, missing, paged, text};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use gix::hash::ObjectId;
use serde_json::{Map, Value};
use std::sync::Arc;

const READ: Need = Need::Read(&["pull_requests"]);
const WRITE: Need = Need::Write(&["pull_requests"]);

type Numbered = Path<(String, String, u64)>;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/pulls/{number}/comments", get(list).post(create))
        .route("/repos/{owner}/{repo}/pulls/{number}/comments/{id}/replies", post(reply))
        .route("/repos/{owner}/{repo}/pulls/comments/{id}", get(comment).patch(update).delete(delete))
        .route("/repos/{owner}/{repo}/pulls/comments/{id}/reactions", get(reactions).post(react))
}

fn find<'a>(opened: &'a Opened<'_>, id: u64) -> Result<(&'a Review, &'a ReviewComment), Refusal> {
    let mut all = opened.repository()?.reviews.iter().flat_map(|review| review.comments.iter().map(move |comment| (review, comment)));
    all.find(|(_, comment)| comment.id == id).ok_or_else(Refusal::not_found)
}

fn find_mut<'a>(opened: &'a mut Opened<'_>, id: u64) -> Result<&'a mut ReviewComment, Refusal> {
    let found = opened.repository_mut()?.reviews.iter_mut().flat_map(|review| &mut review.comments).find(|comment| comment.id == id);
    found.ok_or_else(Refusal::not_found)
}

fn shown(hub: &Hub, opened: &Opened<'_>, id: u64) -> Result<Value, Refusal> {
    let (review, comment) = find(opened, id)?;
    Ok(hub.shapes.review_comment(&opened.state, opened.repository()?, review, comment))
}

/// The text of a comment.
fn words(object: &Map<String, Value>) -> Result<String, Refusal> {
    let words = text(object, "body")?.ok_or_else(|| missing("body"))?;
    if words.trim().is_empty() {
        return Err(Refusal::invalid("PullRequestReviewComment", "body", "missing_field", "body can't be blank"));
    }
    if words.chars().count() > BODY_CHARACTERS {
        return Err(Refusal::invalid("PullRequestReviewComment", "body", "custom", "body is too long (maximum is 65536 characters)"));
    }
    Ok(words.to_owned())
}

async fn list(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    let repository = opened.repository()?;
    repository.pull(number).ok_or_else(Refusal::not_found)?;
    let reviews = repository.reviews.iter().filter(|review| review.number == number && review.state != "PENDING");
    let all = reviews.flat_map(|review| {
        review.comments.iter().map(|comment| hub.shapes.review_comment(&opened.state, repository, review, comment)).collect::<Vec<_>>()
    });
    paged(&hub, &uri, all.collect(), None)
}

/// Adds a comment as a review of its own, which is what GitHub makes of it too.
fn add(hub: &Hub, opened: &mut Opened<'_>, (number, commit): (u64, ObjectId), comment: ReviewComment) -> Answer {
    let id = comment.id;
    let review = Review {
        id: opened.state.new_id(),
        number,
        author: hub.author(&opened.caller),
        body: String::new(),
        state: "COMMENTED",
        commit,
        submitted: now_seconds(),
        comments: vec![comment],
    };
    let at = opened.at;
    actions::review(hub, &mut opened.state, at, &review);
    created(shown(hub, opened, id)?)
}

async fn create(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    let body = body(&bytes)?;
    let pull = opened.repository()?.pull(number).ok_or_else(Refusal::not_found)?.clone();
    words(&body)?;
    if let Some(to) = body.get("in_reply_to").and_then(Value::as_u64) {
        return answer_to(&hub, &mut opened, (number, to), words(&body)?);
    }
    let commit = text(&body, "commit_id")?.ok_or_else(|| missing("commit_id"))?;
    let (commit, files) = reviewed(&opened, &pull, Some(commit))?;
    let id = opened.state.new_id();
    let comment = line_comment(&body, &files, id)?;
    add(&hub, &mut opened, (number, commit), comment)
}

async fn reply(
    State(hub): State<Arc<Hub>>,
    Path((owner, repo, number, id)): Path<(String, String, u64, u64)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    let words = words(&body(&bytes)?)?;
    answer_to(&hub, &mut opened, (number, id), words)
}

/// Answers a comment, which must be the first of its thread.
fn answer_to(hub: &Hub, opened: &mut Opened<'_>, (number, to): (u64, u64), words: String) -> Answer {
    let (review, first) = find(opened, to)?;
    if review.number != number {
        return Err(Refusal::not_found());
    }
    if first.reply_to.is_some() {
        return Err(Refusal::invalid("PullRequestReviewComment", "in_reply_to", "invalid", "Replies to replies are not supported"));
    }
    let comment = ReviewComment { body: words, reply_to: Some(to), updated: now_seconds(), reactions: Vec::new(), ..first.clone() };
    let commit = review.commit;
    let id = opened.state.new_id();
    add(hub, opened, (number, commit), ReviewComment { id, ..comment })
}

async fn comment(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    ok(shown(&hub, &opened, id)?)
}

/// Opens the repository for who wrote the comment; an App may not change what others wrote.
fn own<'a>(hub: &'a Hub, headers: &HeaderMap, (owner, repo, id): (&str, &str, u64)) -> Result<Opened<'a>, Refusal> {
    let opened = hub.open(headers, owner, repo, WRITE)?;
    if find(&opened, id)?.0.author == hub.author(&opened.caller) {
        Ok(opened)
    } else {
        Err(Refusal::forbidden("Resource not accessible by integration"))
    }
}

async fn update(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = own(&hub, &headers, (&owner, &repo, id))?;
    let words = words(&body(&bytes)?)?;
    let found = find_mut(&mut opened, id)?;
    found.body = words;
    found.updated = now_seconds();
    opened.state.version += 1;
    ok(shown(&hub, &opened, id)?)
}

async fn delete(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let mut opened = own(&hub, &headers, (&owner, &repo, id))?;
    for review in &mut opened.repository_mut()?.reviews {
        review.comments.retain(|comment| comment.id != id);
    }
    opened.state.version += 1;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn reactions(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, READ)?;
    let (_, comment) = find(&opened, id)?;
    paged(&hub, &uri, comment.reactions.iter().map(|reaction| hub.shapes.reaction(reaction, comment.updated)).collect(), None)
}

/// Reacts to a comment: 201, or 200 where the same reaction was there.
async fn react(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, WRITE)?;
    let body = body(&bytes)?;
    let content = text(&body, "content")?.ok_or_else(|| missing("content"))?.to_owned();
    if !REACTIONS.contains(&content.as_str()) {
        return Err(Refusal::invalid("Reaction", "content", "invalid", ""));
    }
    let author = hub.author(&opened.caller);
    let now = now_seconds();
    let new = opened.state.new_id();
    let comment = find_mut(&mut opened, id)?;
    if let Some(reaction) = comment.reactions.iter().find(|(_, given, by)| *given == content && *by == author) {
        return answer(StatusCode::OK, hub.shapes.reaction(reaction, now));
    }
    let reaction = (new, content, author);
    comment.reactions.push(reaction.clone());
    opened.state.version += 1;
    answer(StatusCode::CREATED, hub.shapes.reaction(&reaction, now))
}
