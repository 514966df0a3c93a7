//! The log of what was asked and answered, whole, where somebody wants to hold it against GitHub's own description.

use super::hub::Hub;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt, Collected};
use std::sync::{Arc, Mutex, PoisonError};

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path with its query, as it is below the API's root.
    pub path: String,
    /// `User-Agent`.
    pub agent: String,
    /// What was sent; empty for nothing.
    pub body: Vec<u8>,
    /// The answer's status.
    pub status: u16,
    /// `Content-Type` of the answer.
    pub content_type: String,
    /// What was answered.
    pub answer: Vec<u8>,
}

/// Keeps exchanges, if that is wanted.
#[derive(Debug)]
pub(super) struct Record {
    wanted: bool,
    kept: Mutex<Vec<Exchange>>,
}

impl Record {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, kept: Mutex::default() }
    }

    /// Returns what was kept, and forgets it.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps a request and its answer, which both go on unchanged.
pub(super) async fn keep(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    if !hub.record.wanted {
        return next.run(request).await;
    }
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let agent = text(request.headers().get(header::USER_AGENT));
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    let (parts, answer) = response.into_parts();
    let answer = answer.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let exchange = Exchange {
        method,
        path,
        agent,
        body: body.to_vec(),
        status: parts.status.as_u16(),
        content_type: text(parts.headers.get(header::CONTENT_TYPE)),
        answer: answer.to_vec(),
    };
    hub.record.kept.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    Response::from_parts(parts, Body::from(answer))
}
