//! `POST /webhook`: check, write down, answer.

use super::App;
use super::work::Work;
use crate::github::webhook::{Event, parse};
use crate::store::{Accepted, Delivery};
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The longest delivery id that is believed to be one.
const MAX_GUID: usize = 100;

/// Takes a delivery in. 202: it is written down, or was before. 401: it is not from GitHub, and nothing is kept of it.
pub(super) async fn receive(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if app.secrets.check(header("x-hub-signature-256"), &body).is_err() {
        app.metrics.forged.fetch_add(1, Ordering::Relaxed);
        return (StatusCode::UNAUTHORIZED, "the signature is missing or not made with the webhook secret\n");
    }
    let (Some(guid), Some(name)) = (header("x-github-delivery").filter(|guid| !guid.is_empty() && guid.len() <= MAX_GUID), header("x-github-event"))
    else {
        return (StatusCode::BAD_REQUEST, "X-GitHub-Delivery or X-GitHub-Event is missing\n");
    };
    let event = parse(name, &body);
    match &event {
        Event::Unreadable(why) => tracing::warn!(delivery = guid, event = name, why, "delivery kept but not understood"),
        Event::Nothing(why) => tracing::debug!(delivery = guid, event = name, why, "delivery needs no work"),
        Event::Ping | Event::Pull(_) | Event::Comment { .. } | Event::Rerun { .. } => {}
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
            tracing::error!(delivery = guid, event = name, %error, "delivery could not be written down");
            (StatusCode::SERVICE_UNAVAILABLE, "it could not be written down; redeliver it\n")
        }
    }
}
