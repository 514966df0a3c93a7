//! Commits, trees, blobs, branches, comparisons.

use super::super::error::{Answer, Refusal, ok};
use super::super::hub::{Hub, Need};
use super::{page_of, paged, query, sha};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gix::hash::ObjectId;
use serde_json::{Value, json};
use std::sync::Arc;

const CONTENTS: Need = Need::Read(&["contents"]);

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/git/commits/{sha}", get(git_commit))
        .route("/repos/{owner}/{repo}/git/trees/{sha}", get(tree))
        .route("/repos/{owner}/{repo}/git/blobs/{sha}", get(blob))
        .route("/repos/{owner}/{repo}/git/ref/{*name}", get(git_ref))
        .route("/repos/{owner}/{repo}/commits/{name}", get(commit))
        .route("/repos/{owner}/{repo}/commits", get(commits))
        .route("/repos/{owner}/{repo}/compare/{range}", get(compare))
}

type Three = Path<(String, String, String)>;

async fn git_commit(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let id = sha(&id)?;
    let commit = opened.state.objects.commit(id).ok_or_else(Refusal::not_found)?;
    ok(hub.shapes.git_commit(&opened.repository()?.full_name(), id, commit))
}

async fn commit(State(hub): State<Arc<Hub>>, Path((owner, repo, name)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let repository = opened.repository()?;
    let none = || Refusal::unfit(format!("No commit found for SHA: {name}"));
    let id = opened.state.resolve(repository, &name).ok_or_else(none)?;
    let commit = opened.state.objects.commit(id).ok_or_else(none)?;
    ok(hub.shapes.commit(&repository.full_name(), id, commit))
}

async fn commits(State(hub): State<Arc<Hub>>, Path((owner, repo)): Path<(String, String)>, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let repository = opened.repository()?;
    let name = query(&uri, "sha").unwrap_or_else(|| repository.default_branch.clone());
    let id = opened.state.resolve(repository, &name).ok_or_else(Refusal::not_found)?;
    let full_name = repository.full_name();
    let shown = |id: ObjectId| opened.state.objects.commit(id).map(|commit| hub.shapes.commit(&full_name, id, commit));
    paged(&hub, &uri, opened.state.objects.ancestors(id).into_iter().filter_map(shown).collect(), None)
}

async fn tree(State(hub): State<Arc<Hub>>, Path((owner, repo, name)): Three, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let repository = opened.repository()?;
    // A tree's own id, a commit's or a branch; a blob's id is "not a tree".
    let id = opened.state.resolve(repository, &name).or_else(|| ObjectId::from_hex(name.as_bytes()).ok()).ok_or_else(Refusal::not_found)?;
    let recursive = query(&uri, "recursive").is_some();
    let mut tree = hub.shapes.tree(&opened.state, &repository.full_name(), id, recursive).ok_or_else(Refusal::not_found)?;
    let limit = opened.state.tree_limit.filter(|_| recursive);
    if let Some(limit) = limit
        && let Some(entries) = tree.get_mut("tree").and_then(Value::as_array_mut).filter(|entries| entries.len() > limit)
    {
        entries.truncate(limit);
        if let Some(object) = tree.as_object_mut() {
            object.insert("truncated".to_owned(), json!(true));
        }
    }
    ok(tree)
}

async fn blob(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let id = sha(&id)?;
    let bytes = opened.state.objects.blob(id).ok_or_else(Refusal::not_found)?.to_vec();
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains(".raw") {
        return Ok(([(header::CONTENT_TYPE, "application/vnd.github.raw+json; charset=utf-8")], bytes).into_response());
    }
    // Lines of 60 letters, as GitHub breaks them.
    let encoded = STANDARD.encode(&bytes);
    let mut content = String::new();
    for (at, letter) in encoded.chars().enumerate() {
        content.push(letter);
        if at % 60 == 59 {
            content.push('\n');
        }
    }
    if !content.is_empty() && !content.ends_with('\n') {
        content.push('\n');
    }
    let full_name = opened.repository()?.full_name();
    ok(json!({
        "sha": id.to_string(), "node_id": format!("B_{id}"), "size": bytes.len(), "url": format!("{}/repos/{full_name}/git/blobs/{id}", hub.shapes.api),
        "content": content, "encoding": "base64",
    }))
}

async fn git_ref(State(hub): State<Arc<Hub>>, Path((owner, repo, name)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let repository = opened.repository()?;
    let branch = name.strip_prefix("heads/").ok_or_else(Refusal::not_found)?;
    let id = repository.branches.get(branch).ok_or_else(Refusal::not_found)?;
    ok(hub.shapes.git_ref(&repository.full_name(), branch, *id))
}

async fn compare(State(hub): State<Arc<Hub>>, Path((owner, repo, range)): Three, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CONTENTS)?;
    let repository = opened.repository()?;
    let (base, head) = range.split_once("...").ok_or_else(Refusal::not_found)?;
    let find = |name: &str| opened.state.resolve(repository, name).ok_or_else(Refusal::not_found);
    let ends = (find(base)?, find(head)?);
    let page = |items: Vec<Value>| page_of(&uri, items).0;
    ok(hub.shapes.comparison(&opened.state, repository, ends, &page).ok_or_else(Refusal::not_found)?)
}
