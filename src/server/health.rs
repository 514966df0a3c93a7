//! `/livez`, `/readyz`, `/metrics`.

use super::{App, stop};
use crate::github::ApiError;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often an unreachable GitHub is tried again.
const GREET_EVERY: Duration = Duration::from_secs(30);

/// Says that the process runs.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Says whether work can be done: the database answers, and GitHub knows the App.
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    let mut missing = Vec::new();
    if let Err(error) = app.store.queue_state().await {
        missing.push(format!("database: {error}"));
    }
    match tokio::time::timeout(Duration::from_secs(5), app.api.app()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => missing.push(format!("github: {}", explain(&error))),
        Err(_) => missing.push("github: no answer within 5 s".to_owned()),
    }
    if missing.is_empty() { (StatusCode::OK, "ok\n".to_owned()) } else { (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n") }
}

/// Gives the numbers.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.store.queue_state().await {
        Ok(queue) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.text(app.api.counters(), &queue)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("database: {error}\n")).into_response(),
    }
}

/// Asks GitHub who we are, until it answers; says once what is in the way, and again when that changes.
pub(super) async fn greet(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut said = String::new();
    loop {
        let answer = tokio::select! {
            answer = app.api.app() => answer,
            () = stop(&mut stopped) => return,
        };
        match answer {
            Ok(known) => {
                tracing::info!(app = known.slug, app_id = known.id, "GitHub knows the App `{}`", known.slug);
                return;
            }
            Err(error) => {
                let text = explain(&error);
                if text != said {
                    tracing::error!(url = app.settings.github.url, "{text}; deliveries are taken in and worked on as soon as this is mended");
                    said = text;
                }
            }
        }
        if tokio::time::timeout(GREET_EVERY, stop(&mut stopped)).await.is_ok() {
            return;
        }
    }
}

/// Returns an error with what it most likely means.
fn explain(error: &ApiError) -> String {
    match error.status() {
        Some(401) => format!("{error}: the private key is not this App's, or the App id or client id is another App's, or the clock is wrong"),
        Some(404) => format!("{error}: there is no such App on this GitHub"),
        _ => error.to_string(),
    }
}
