//! The pull request as a web page: diff, checks, conversation, and a box to type a comment.
//!
//! The page works without scripts. With them it asks every second whether something changed, and replaces the parts that did: what one is
//! typing stays, and so does what one has folded open.

mod files;
mod markdown;
mod view;

use super::actions;
use super::api::percent_decoded;
use super::hub::Hub;
use super::state::State as Data;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages.
pub(super) fn router(hub: &Arc<Hub>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/-/style.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)))
        .route("/-/script.js", get(async || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)))
        .route("/{owner}/{repo}/pull/{number}", get(page))
        .route("/{owner}/{repo}/blob/{name}/{*path}", get(blob))
        .route("/{owner}/{repo}/pull/{number}/live", get(live))
        .route("/{owner}/{repo}/pull/{number}/comment", post(comment))
        .route("/{owner}/{repo}/pull/{number}/push/{offer}", post(push))
        .route("/{owner}/{repo}/pull/{number}/rerun/{check}", post(rerun))
        .fallback(async || (StatusCode::NOT_FOUND, "there is no such page on this stand-in\n"))
        .with_state(Arc::clone(hub))
        .layer(axum::middleware::map_response(secured))
}

async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

type Number = Path<(String, String, u64)>;

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing at this address on this stand-in\n").into_response()
}

fn html(markup: maud::Markup) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], markup.into_string()).into_response()
}

/// The newest pull request.
async fn index(State(hub): State<Arc<Hub>>) -> Response {
    let state = hub.lock();
    let newest = state.repositories.iter().find_map(|repository| {
        let pull = repository.pulls.last()?;
        Some(format!("/{}/pull/{}", repository.full_name(), pull.number))
    });
    newest.map_or_else(not_found, |url| Redirect::to(&url).into_response())
}

/// Shows something of a pull request, if it is there.
fn shown(state: &Data, path: &(String, String, u64), show: fn(&view::Page<'_>) -> maud::Markup) -> Response {
    let (owner, repo, number) = path;
    let repository = state.repository(owner, repo);
    let Some((repository, pull)) = repository.and_then(|repository| Some((repository, repository.pull(*number)?))) else { return not_found() };
    html(show(&view::Page { state, repository, pull }))
}

async fn page(State(hub): State<Arc<Hub>>, Path(path): Number) -> Response {
    shown(&hub.lock(), &path, view::page)
}

/// A file at a commit or on a branch.
async fn blob(State(hub): State<Arc<Hub>>, Path((owner, repo, name, path)): Path<(String, String, String, String)>) -> Response {
    let state = hub.lock();
    let found = state.repository(&owner, &repo).and_then(|repository| {
        let commit = state.resolve(repository, &name)?;
        let files = state.objects.files(commit);
        let bytes = state.objects.blob(files.get(&path)?.id)?;
        Some(html(view::file(&repository.full_name(), &path, &commit.to_string(), &String::from_utf8_lossy(bytes))))
    });
    found.unwrap_or_else(not_found)
}

/// The parts that change by themselves, or 204 where nothing changed since the version in the query.
async fn live(State(hub): State<Arc<Hub>>, Path(path): Number, uri: Uri) -> Response {
    let state = hub.lock();
    let since = uri.query().and_then(|query| query.strip_prefix("since=")).and_then(|version| version.parse::<u64>().ok());
    if since == Some(state.version) {
        return StatusCode::NO_CONTENT.into_response();
    }
    shown(&state, &path, view::live)
}

/// Back to the page after something was done.
fn back((owner, repo, number): &(String, String, u64), done: bool) -> Response {
    if done { Redirect::to(&format!("/{owner}/{repo}/pull/{number}")).into_response() } else { not_found() }
}

async fn comment(State(hub): State<Arc<Hub>>, Path(path): Number, body: String) -> Response {
    let words = body.split('&').find_map(|pair| pair.strip_prefix("body=")).map(percent_decoded).unwrap_or_default();
    if words.trim().is_empty() {
        return back(&path, true);
    }
    let mut state = hub.lock();
    let Some(at) = state.find(&path.0, &path.1) else { return not_found() };
    let done = actions::comment(&hub, &mut state, (at, path.2), &Data::account("you", "User"), words.replace("\r\n", "\n"));
    back(&path, done.is_some())
}

async fn push(State(hub): State<Arc<Hub>>, Path((owner, repo, number, offer)): Path<(String, String, u64, usize)>) -> Response {
    let mut state = hub.lock();
    let found = state.find(&owner, &repo).and_then(|at| {
        let pull = state.repositories.get(at)?.pull(number)?;
        Some((at, pull.head_branch.clone(), pull.offers.get(offer)?.clone()))
    });
    let Some((at, branch, offer)) = found else { return not_found() };
    let sender = Data::account("you", "User");
    let done = actions::push(&hub, &mut state, (at, &branch), offer.tree, (&sender, &offer.message));
    back(&(owner, repo, number), done.is_some())
}

async fn rerun(State(hub): State<Arc<Hub>>, Path((owner, repo, number, check)): Path<(String, String, u64, u64)>) -> Response {
    let mut state = hub.lock();
    let Some(at) = state.find(&owner, &repo) else { return not_found() };
    let done = actions::rerequest_run(&hub, &mut state, at, check, &Data::account("you", "User"));
    back(&(owner, repo, number), done)
}
