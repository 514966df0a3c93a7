//! `POST /webhook`: check, write down, answer.

use super::App;
use super::work::Work;
use crate::github::webhook::{Event, parse};
use crate::store::{Accepted, Delivery};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;

/// GitHub sends at most 25 MB.
const MAX_DELIVERY_BYTES: usize = 26 << 20;
/// GitHub waits ten seconds for the answer, so a body that takes longer is of no use to anybody.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);
/// Memory for bodies is given out in pieces of this size.
const BODY_UNIT: usize = 16 << 10;
/// All bodies that are being read at the same time have at most this many bytes.
const ALL_BODIES: usize = 128 << 20;

/// Returns the memory for bodies.
pub(super) fn room() -> Semaphore {
    Semaphore::new(ALL_BODIES / BODY_UNIT)
}

/// The longest delivery id that is believed to be one.
const MAX_GUID: usize = 100;

/// Takes a delivery in. 202: it is written down, or was before. 401: it is not from GitHub, and nothing is kept of it.
pub(super) async fn receive(State(app): State<Arc<App>>, request: Request) -> (StatusCode, &'static str) {
    let (parts, body) = request.into_parts();
    match body_of(&app, &parts.headers, body).await {
        Ok(body) => take_in(&app, &parts.headers, &body).await,
        Err(refusal) => refusal,
    }
}

/// Reads a body, which is nobody's until its signature is checked: bounded in size, in time, and together with all others in memory.
async fn body_of(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, (StatusCode, &'static str)> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    let bytes = declared.unwrap_or(MAX_DELIVERY_BYTES);
    if bytes > MAX_DELIVERY_BYTES {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "no delivery is as large as this\n"));
    }
    let units = u32::try_from(bytes.div_ceil(BODY_UNIT)).unwrap_or(u32::MAX).max(1);
    let reading = async {
        let _room = app.bodies.acquire_many(units).await;
        axum::body::to_bytes(body, bytes).await
    };
    match tokio::time::timeout(MAX_BODY_TIME, reading).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body is longer than it says, or breaks off\n")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")),
    }
}

async fn take_in(app: &App, headers: &HeaderMap, body: &[u8]) -> (StatusCode, &'static str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if app.secrets.check(header("x-hub-signature-256"), body).is_err() {
        let so_far = app.metrics.forged.fetch_add(1, Ordering::Relaxed) + 1;
        // Whoever sends many of them does not fill the log.
        if so_far.is_power_of_two() {
            tracing::warn!(
                so_far,
                "a delivery was refused: its signature is not made with WAYPOST_GITHUB_WEBHOOK_SECRET; compare that with the App's settings"
            );
        }
        return (StatusCode::UNAUTHORIZED, "the signature is missing or not made with the webhook secret\n");
    }
    let (Some(guid), Some(name)) = (header("x-github-delivery").filter(|guid| !guid.is_empty() && guid.len() <= MAX_GUID), header("x-github-event"))
    else {
        return (StatusCode::BAD_REQUEST, "X-GitHub-Delivery or X-GitHub-Event is missing\n");
    };
    let event = parse(name, body);
    match &event {
        Event::Unreadable(why) => tracing::warn!(delivery = guid, event = name, why, "delivery kept but not understood"),
        Event::Nothing(why) => tracing::debug!(delivery = guid, event = name, why, "delivery needs no work"),
        Event::Ping
        | Event::Pull(_)
        | Event::Comment { .. }
        | Event::Rerun { .. }
        | Event::Button { .. }
        | Event::Group { .. }
        | Event::Moved { .. }
        | Event::Installed { .. }
        | Event::Uninstalled { .. } => {}
    }
    let jobs: Vec<_> = Work::of(event).iter().map(Work::job).collect();
    let count = jobs.len();
    let delivery = Delivery { guid: guid.to_owned(), event: name.to_owned(), body: body.to_vec() };
    match app.store.accept(delivery, jobs).await {
        Ok(Accepted::Known) => {
            app.metrics.duplicates.fetch_add(1, Ordering::Relaxed);
            (StatusCode::ACCEPTED, "known already\n")
        }
        Ok(Accepted::New | Accepted::Again) => {
            app.metrics.deliveries.fetch_add(1, Ordering::Relaxed);
            tracing::info!(delivery = guid, event = name, jobs = count, "delivery accepted");
            for _ in 0..count {
                app.bell.notify_one();
            }
            (StatusCode::ACCEPTED, "accepted\n")
        }
        Err(error) => {
            app.metrics.refused.fetch_add(1, Ordering::Relaxed);
            tracing::error!(delivery = guid, event = name, %error, "delivery could not be written down");
            (StatusCode::SERVICE_UNAVAILABLE, "it could not be written down; redeliver it\n")
        }
    }
}
