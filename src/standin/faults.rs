//! Failures on demand, and the log of requests: what a test needs to see how a client bears up.

use super::error::Refusal;
use super::hub::Hub;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use hyper::body::{Bytes, Frame};
use serde_json::json;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// How a request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this status at once; nothing happens.
    Status(u16),
    /// 429 with `Retry-After` in seconds, or without it.
    TooManyRequests(Option<u64>),
    /// 403 as for the secondary rate limit, with `Retry-After` in seconds, or without it.
    Forbidden(Option<u64>),
    /// 403 for the primary rate limit: no `Retry-After`, but nothing remaining until so many seconds from now.
    Exhausted(i64),
    /// Answered rightly, after so many milliseconds.
    Slow(u64),
    /// The connection breaks in the middle of the answer; nothing happens.
    Reset,
    /// The request is carried out, and the connection breaks in the middle of the answer.
    ResetAfterAccepting,
    /// All tokens given out so far run out just before it.
    TokenExpired,
    /// The App is uninstalled just before it.
    Uninstalled,
    /// GraphQL refuses as it does, with 200: the type of its error, or none for the sentence of a query that took too long.
    Graph(&'static str),
    /// The request is carried out, but the answer is lost: this status comes instead.
    AfterAccepting(u16),
}

/// A request that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// What it was answered.
    pub status: u16,
}

#[derive(Debug)]
struct Planned {
    method: String,
    part: String,
    times: u32,
    fault: Fault,
}

/// Which part of a request's life something happens at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has arrived, and nothing was done about it.
    Before,
    /// It was carried out, and nobody was told.
    After,
}

/// A request that is never answered, and who wants to know of it.
#[derive(Debug)]
struct Trip {
    left: usize,
    moment: Moment,
    tell: oneshot::Sender<()>,
}

/// Planned failures and seen requests.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Mutex<Vec<Planned>>,
    trip: Mutex<Option<Trip>>,
    seen: Mutex<Vec<RequestLine>>,
}

impl Faults {
    /// The next `times` requests with this method (or any, for an empty one) whose path contains `part` fail so.
    pub(super) fn plan(&self, method: &str, part: &str, times: u32, fault: Fault) {
        let planned = Planned { method: method.to_owned(), part: part.to_owned(), times, fault };
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    /// The request after the next `left` is never answered. Returns what tells when it came that far.
    pub(super) fn trip(&self, left: usize, moment: Moment) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        *self.trip.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trip { left, moment, tell });
        told
    }

    /// Forgets a planned trip that nobody came to.
    pub(super) fn untrip(&self) {
        drop(self.trip.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Counts a request; returns the trip that it is.
    fn tripped(&self) -> Option<Trip> {
        let mut trip = self.trip.lock().unwrap_or_else(PoisonError::into_inner);
        match trip.as_mut() {
            Some(waiting) if waiting.left > 0 => {
                waiting.left -= 1;
                None
            }
            _ => trip.take(),
        }
    }

    fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |plan: &&mut Planned| plan.times > 0 && path.contains(&plan.part) && (plan.method.is_empty() || plan.method == method);
        let plan = planned.iter_mut().find(fits)?;
        plan.times -= 1;
        Some(plan.fault.clone())
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<RequestLine> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, method: String, path: String, status: u16) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(RequestLine { method, path, status });
    }
}

/// A body that breaks off.
struct Broken;

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// Returns what comes in place of an answer, carried out or not.
async fn failed(hub: &Arc<Hub>, fault: Fault, request: Request, next: Next) -> Response {
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    match fault {
        Fault::Status(status) => Refusal::fault(status, "Server Error", None).into_response(),
        Fault::TooManyRequests(after) => Refusal::fault(429, secondary, after).into_response(),
        Fault::Forbidden(after) => Refusal::fault(403, secondary, after).into_response(),
        Fault::Exhausted(_) => Refusal::fault(403, "API rate limit exceeded for installation.", None).into_response(),
        Fault::Reset => Response::new(Body::new(Broken)),
        Fault::ResetAfterAccepting => {
            drop(next.run(request).await);
            Response::new(Body::new(Broken))
        }
        Fault::AfterAccepting(status) => {
            drop(next.run(request).await);
            Refusal::fault(status, "Server Error", None).into_response()
        }
        Fault::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            next.run(request).await
        }
        Fault::TokenExpired => {
            hub.lock().tokens.values_mut().for_each(|token| token.expires = 0);
            next.run(request).await
        }
        Fault::Uninstalled => {
            super::settings::installation_event(hub, "deleted");
            next.run(request).await
        }
        Fault::Graph(kind) => graph_refusal(kind),
    }
}

fn graph_refusal(kind: &str) -> Response {
    let message = match kind {
        "" => "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.",
        "RATE_LIMITED" => "API rate limit exceeded for installation.",
        _ => "Resource not accessible by integration",
    };
    let mut error = json!({"message": message});
    if let Some(object) = error.as_object_mut().filter(|_| !kind.is_empty()) {
        object.insert("type".to_owned(), json!(kind));
    }
    Json(json!({"data": null, "errors": [error]})).into_response()
}

/// Stands before all endpoints: plans failures, demands a `User-Agent`, keeps the log, and adds the headers GitHub always sends.
pub(super) async fn gate(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    if let Some(trip) = hub.faults.tripped() {
        if trip.moment == Moment::After {
            let response = next.run(request).await;
            hub.faults.note(method, path, response.status().as_u16());
        }
        if trip.tell.send(()).is_err() {
            tracing::debug!("nobody waited for the request that is never answered");
        }
        return std::future::pending().await;
    }
    let has_agent = request.headers().get(header::USER_AGENT).is_some_and(|agent| !agent.is_empty());
    let fault = hub.faults.take(&method, &path);
    let exhausted = match fault {
        Some(Fault::Exhausted(seconds)) => Some(super::clock::now_seconds() + seconds),
        _ => None,
    };
    let mut response = match fault {
        Some(fault) => failed(&hub, fault, request, next).await,
        None if !has_agent => {
            Refusal::forbidden("Request forbidden by administrative rules. Please make sure your request has a User-Agent header").into_response()
        }
        None => next.run(request).await,
    };
    hub.faults.note(method, path, response.status().as_u16());
    let headers = response.headers_mut();
    headers.insert("x-github-api-version-selected", HeaderValue::from_static("2022-11-28"));
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("5000"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static(if exhausted.is_some() { "0" } else { "4999" }));
    headers.insert("x-ratelimit-reset", HeaderValue::from(exhausted.unwrap_or_else(|| super::clock::now_seconds() + 3600)));
    response
}
