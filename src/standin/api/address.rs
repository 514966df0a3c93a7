//! Addresses before they are routed: the prefix of GitHub Enterprise Server, repositories by number, and those that have another name now.

use super::super::error::Refusal;
use super::super::hub::Hub;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Rewrites the path of a request to the one that is routed, or answers with a redirect.
pub(super) async fn rewrite(State(hub): State<Arc<Hub>>, mut request: Request, next: Next) -> Response {
    let Some(path) = without_prefix(hub.enterprise, request.uri().path()) else { return Refusal::not_found().into_response() };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = match by_number(&hub, &path) {
        Some(path) => path,
        None => match moved(&hub, &path) {
            Some(target) => return redirect(request.method(), &format!("{}{target}{query}", hub.shapes.api)),
            None => path,
        },
    };
    if let Ok(uri) = format!("{path}{query}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// GitHub Enterprise Server has its REST API below `/api/v3`, and GraphQL beside it.
fn without_prefix(enterprise: bool, path: &str) -> Option<String> {
    match path {
        path if !enterprise => Some(path.to_owned()),
        "/api/graphql" => Some("/graphql".to_owned()),
        path => path.strip_prefix("/api/v3").filter(|rest| rest.starts_with('/')).map(str::to_owned),
    }
}

/// `/repositories/42/…` is the repository with this number, whatever it is called.
fn by_number(hub: &Hub, path: &str) -> Option<String> {
    let (id, rest) = split(path.strip_prefix("/repositories/")?);
    let id: u64 = id.parse().ok()?;
    let state = hub.lock();
    let found = state.repositories.iter().find(|repository| repository.id == id)?;
    Some(format!("/repos/{}{rest}", found.full_name()))
}

/// Where a repository is that had this name before.
fn moved(hub: &Hub, path: &str) -> Option<String> {
    let (owner, rest) = split(path.strip_prefix("/repos/")?);
    let (name, rest) = split(rest.strip_prefix('/')?);
    let id = hub.lock().moved_to(owner, name)?;
    Some(format!("/repositories/{id}{rest}"))
}

/// The first part of a path, and the rest with its slash.
fn split(path: &str) -> (&str, &str) {
    path.find('/').and_then(|at| path.split_at_checked(at)).unwrap_or((path, ""))
}

/// 301 for reading; 307 for what has a body to be sent again.
fn redirect(method: &Method, target: &str) -> Response {
    let (status, words) = if method == Method::GET || method == Method::HEAD {
        (StatusCode::MOVED_PERMANENTLY, "Moved Permanently")
    } else {
        (StatusCode::TEMPORARY_REDIRECT, "Temporary Redirect")
    };
    let mut response = axum::Json(serde_json::json!({
        "message": words, "url": target, "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    }))
    .into_response();
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(target) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
