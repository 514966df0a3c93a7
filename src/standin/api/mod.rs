//! The REST API: one file a group of endpoints, and what they share.

mod address;
mod app;
mod checks;
mod code;
mod comments;
mod limits;
mod people;
mod pulls;
mod review_comments;
mod reviews;

use super::error::{Answer, Refusal, ok};
use super::faults;
use super::hub::Hub;
use super::record;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use gix::hash::ObjectId;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// All endpoints.
pub(super) fn router(hub: &Arc<Hub>) -> Router {
    let endpoints = Router::new()
        .merge(app::router())
        .merge(code::router())
        .merge(pulls::router())
        .merge(checks::router())
        .merge(comments::router())
        .merge(reviews::router())
        .merge(review_comments::router())
        .merge(people::router())
        .merge(super::graphql::router())
        .fallback(async || Refusal::not_found().into_response())
        .layer(DefaultBodyLimit::max(25 * 1024 * 1024))
        .with_state(Arc::clone(hub));
    // Addresses are rewritten before they are routed, so what routes stands behind.
    Router::new()
        .fallback_service(endpoints)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(hub), record::keep))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(hub), address::rewrite))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(hub), faults::gate))
}

/// The query of a URL, decoded enough for what we are asked: names and plain values.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)?;
    Some(percent_decoded(value))
}

/// Resolves `%XX` and `+`.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = if byte == b'%' { rest.clone().take(2).collect::<Vec<u8>>() } else { Vec::new() };
        let value = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The part of a list that a request asks for, and whether there is more.
fn page_of(uri: &Uri, items: Vec<Value>) -> (Vec<Value>, usize, bool) {
    let number = |name: &str, default: usize| query(uri, name).and_then(|value| value.parse::<usize>().ok()).unwrap_or(default);
    let per_page = number("per_page", 30).clamp(1, 100);
    let page = number("page", 1).max(1);
    let total = items.len();
    let part = items.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    (part, page, page * per_page < total)
}

/// Answers with a page of a list, with a `Link` header where there is more. `wrap` names the key of lists that are counted.
pub(super) fn paged(hub: &Hub, uri: &Uri, items: Vec<Value>, wrap: Option<&str>) -> Answer {
    let total = items.len();
    let (items, page, more) = page_of(uri, items);
    let mut response = match wrap {
        Some(key) => ok(json!({"total_count": total, key: items}))?,
        None => ok(Value::Array(items))?,
    };
    if more {
        link_to_next(hub, uri, &mut response, "page=", &format!("page={}", page + 1));
    }
    Ok(response)
}

/// Adds the `Link` header: the same address, with `next` in place of the part that starts with `part`. Absolute, as on GitHub.
pub(super) fn link_to_next(hub: &Hub, uri: &Uri, response: &mut Response, part: &str, next: &str) {
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(part));
    let query: Vec<&str> = others.chain([next]).collect();
    let link = format!("<{}{}?{}>; rel=\"next\"", hub.shapes.api, uri.path(), query.join("&"));
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, link);
    }
}

/// The object in a request's body; an empty body is an empty object.
///
/// # Errors
/// 400 where it is no JSON.
pub(super) fn body(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(Refusal::bad_json()),
    }
}

/// A string of a body. `None` where it is not there or null.
///
/// # Errors
/// 422 where it is something else.
pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(key, other, "a string")),
    }
}

/// 422 as GitHub's schema check words it.
pub(super) fn wrong_type(key: &str, value: &Value, wanted: &str) -> Refusal {
    let shown: String = value.to_string().chars().take(80).collect();
    Refusal::unfit(format!("Invalid request.\n\nFor 'properties/{key}', {shown} is not {wanted}."))
}

/// 422 where something required is not there.
pub(super) fn missing(key: &str) -> Refusal {
    Refusal::unfit(format!("Invalid request.\n\n\"{key}\" wasn't supplied."))
}

/// A full commit id.
///
/// # Errors
/// 422 where it is not 40 hexadecimal digits.
pub(super) fn sha(hex: &str) -> Result<ObjectId, Refusal> {
    ObjectId::from_hex(hex.as_bytes())
        .map_err(|_not_hex| Refusal::unfit("The `sha` parameter must be exactly 40 characters and contain only [0-9a-f]."))
}
