//! Reviews with line comments. One line outside the diff, and the whole review is refused.

use super::super::actions;
use super::super::clock::now_seconds;
use super::super::diff::{ChangedFile, changed_files};
use super::super::error::{Answer, Refusal, ok};
use super::super::hub::{Hub, Need, Opened};
use super::super::state::{Pull, Review, ReviewComment};
use super::comments::BODY_CHARACTERS;
use super::{body, missing, paged, text, wrong_type};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::routing::get;
use gix::hash::ObjectId;
use serde_json::{Map, Value};
use std::sync::Arc;

type Numbered = Path<(String, String, u64)>;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/pulls/{number}/reviews", get(list).post(create))
        .route("/repos/{owner}/{repo}/pulls/{number}/reviews/{id}", get(review))
        .route("/repos/{owner}/{repo}/pulls/{number}/reviews/{id}/comments", get(comments))
}

async fn list(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["pull_requests"]))?;
    let repository = opened.repository()?;
    repository.pull(number).ok_or_else(Refusal::not_found)?;
    let full_name = repository.full_name();
    let reviews = repository.reviews.iter().filter(|review| review.number == number);
    paged(&hub, &uri, reviews.map(|review| hub.shapes.review(&full_name, review)).collect(), None)
}

type Two = Path<(String, String, u64, u64)>;

fn find<'a>(opened: &'a Opened<'_>, number: u64, id: u64) -> Result<&'a Review, Refusal> {
    let found = opened.repository()?.reviews.iter().find(|review| review.number == number && review.id == id);
    found.ok_or_else(Refusal::not_found)
}

async fn review(State(hub): State<Arc<Hub>>, Path((owner, repo, number, id)): Two, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["pull_requests"]))?;
    ok(hub.shapes.review(&opened.repository()?.full_name(), find(&opened, number, id)?))
}

async fn comments(State(hub): State<Arc<Hub>>, Path((owner, repo, number, id)): Two, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["pull_requests"]))?;
    let repository = opened.repository()?;
    let review = find(&opened, number, id)?;
    // Without the line, unlike the list of a pull request: this is the older `review-comment`.
    let shown = review.comments.iter().map(|comment| hub.shapes.legacy_review_comment(&opened.state, repository, review, comment)).collect();
    paged(&hub, &uri, shown, None)
}

async fn create(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, Need::Write(&["pull_requests"]))?;
    let body = body(&bytes)?;
    let pull = opened.repository()?.pull(number).ok_or_else(Refusal::not_found)?.clone();
    let words = text(&body, "body")?.unwrap_or_default().to_owned();
    if words.chars().count() > BODY_CHARACTERS {
        return Err(Refusal::unprocessable(&["Body is too long (maximum is 65536 characters)"]));
    }
    let state = match text(&body, "event")? {
        None => "PENDING",
        Some("APPROVE") => "APPROVED",
        Some("REQUEST_CHANGES") if !words.is_empty() => "CHANGES_REQUESTED",
        Some("COMMENT") if !words.is_empty() || body.contains_key("comments") => "COMMENTED",
        Some("REQUEST_CHANGES" | "COMMENT") => return Err(Refusal::unprocessable(&["Body can't be blank"])),
        Some(other) => return Err(Refusal::unfit(format!("Variable $event of type PullRequestReviewEvent was provided invalid value {other}"))),
    };
    let (commit, files) = reviewed(&opened, &pull, text(&body, "commit_id")?)?;
    let wanted = match body.get("comments") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type("comments", other, "an array")),
    };
    let mut line_comments = Vec::new();
    for value in wanted {
        let object = value.as_object().ok_or_else(|| wrong_type("comments", value, "an object"))?;
        line_comments.push(line_comment(object, &files, opened.state.new_id())?);
    }
    let author = hub.author(&opened.caller);
    let id = opened.state.new_id();
    let review = Review { id, number, author, body: words, state, commit, submitted: now_seconds(), comments: line_comments };
    let shown = hub.shapes.review(&opened.repository()?.full_name(), &review);
    let at = opened.at;
    actions::review(&hub, &mut opened.state, at, &review);
    // A new review is answered with 200, unlike nearly everything else that is created.
    ok(shown)
}

/// The commit that a review is of, and what the pull request changes there.
pub(super) fn reviewed(opened: &Opened<'_>, pull: &Pull, commit: Option<&str>) -> Result<(ObjectId, Vec<ChangedFile>), Refusal> {
    let commit = match commit {
        None => pull.head,
        Some(hex) => ObjectId::from_hex(hex.as_bytes())
            .ok()
            .filter(|id| opened.state.objects.ancestors(pull.head).contains(id))
            .ok_or_else(|| Refusal::unprocessable(&["The commit is not part of the pull request"]))?,
    };
    let merge_base = opened.state.objects.merge_base(pull.base, commit).unwrap_or(pull.base);
    Ok((commit, changed_files(&opened.state.objects, merge_base, commit)))
}

/// Reads a comment on a line, which must be in the diff.
pub(super) fn line_comment(object: &Map<String, Value>, files: &[ChangedFile], id: u64) -> Result<ReviewComment, Refusal> {
    let path = text(object, "path")?.ok_or_else(|| missing("path"))?;
    let words = text(object, "body")?.filter(|words| !words.is_empty()).ok_or_else(|| missing("body"))?;
    let file = files.iter().find(|file| file.path == path).ok_or_else(|| Refusal::unprocessable(&["Path could not be resolved"]))?;
    let side = text(object, "side")?.unwrap_or("RIGHT").to_owned();
    let line = object.get("line").and_then(Value::as_u64);
    let start_line = object.get("start_line").and_then(Value::as_u64);
    let start_side = text(object, "start_side")?.unwrap_or(&side);
    let whole_file = text(object, "subject_type")? == Some("file");
    let made = |hunk: String| ReviewComment {
        id,
        path: path.to_owned(),
        line,
        start_line,
        side: side.clone(),
        body: words.to_owned(),
        reply_to: None,
        hunk,
        updated: now_seconds(),
        reactions: Vec::new(),
    };
    let Some(end) = line else {
        return if whole_file { Ok(made(String::new())) } else { Err(Refusal::unprocessable(&["Line could not be resolved"])) };
    };
    if !file.has_line(&side, end) {
        return Err(Refusal::unprocessable(&["Line could not be resolved"]));
    }
    if let Some(start) = start_line {
        if start >= end && start_side == side {
            return Err(Refusal::unprocessable(&["start_line must precede the end line."]));
        }
        if file.hunk_of(start_side, start).is_none() {
            return Err(Refusal::unprocessable(&["Start line could not be resolved"]));
        }
        if file.hunk_of(start_side, start) != file.hunk_of(&side, end) {
            return Err(Refusal::unprocessable(&["start_line must be part of the same hunk as the line."]));
        }
    }
    Ok(made(file.hunk_text(&side, end)))
}
