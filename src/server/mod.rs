//! The webhook server: inbox, workers, pages.
//!
//! A request to `/webhook` does three things: check the signature, write the delivery and its job down, answer 202. Everything else is
//! done by workers that read the truth from GitHub, one job a pull request at a time. [`start`] runs all of it in the caller's runtime.

#![forbid(unsafe_code)]

mod error;
mod health;
mod inbox;
mod jobs;
mod lapse;
mod metrics;
mod pages;
mod reconcile;
mod settings;
mod work;
mod worker;

pub use error::StartError;
pub use settings::{Reconcile, Settings};

use crate::github::webhook::WebhookSecrets;
use crate::github::{Api, AppKey};
use crate::store::{Database, Merge, Store, now_ms};
use axum::Router;
use axum::routing::{get, post};
use metrics::Metrics;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

/// Finished deliveries and jobs are kept this long.
const KEEP: Duration = Duration::from_hours(14 * 24);
/// File contents are kept up to this many bytes in all.
const KEEP_BLOB_BYTES: u64 = 256 << 20;
/// For what is left after the grace time of jobs: handing them back, ending answers.
const PARTING: Duration = Duration::from_secs(5);
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// What requests and workers share.
#[derive(Debug)]
struct App {
    settings: Settings,
    secrets: WebhookSecrets,
    store: Arc<dyn Store>,
    api: Api,
    metrics: Metrics,
    /// Rung when a job was added.
    bell: Notify,
    /// The memory for deliveries that are being read.
    bodies: Semaphore,
}

/// A server that runs until it is told to stop.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    store: Arc<dyn Store>,
    grace: Duration,
}

impl Running {
    /// Takes no more requests, lets running jobs end within the grace time, hands the others back to the queue, closes the store.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        // A client that does not take its answer must not hold the process for ever.
        let deadline = tokio::time::Instant::now() + self.grace + PARTING;
        for mut task in self.tasks {
            match tokio::time::timeout_at(deadline, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a part of the server ended in a crash"),
                Err(_) => task.abort(),
            }
        }
        match self.store.close().await {
            Ok(()) => tracing::info!("stopped; nothing that was accepted is lost"),
            Err(error) => tracing::error!(%error, "the database could not be closed"),
        }
    }
}

/// Makes one job of two with the same key: what a store for [`start_on`] is opened with.
pub const MERGE: Merge = work::merge;

/// Starts a server on the database of its settings.
///
/// # Errors
/// [`StartError`], each with what to do about it.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    if settings.webhook_secret.as_ref().and_then(WebhookSecrets::new).is_none() {
        return Err(StartError::NoWebhookSecret);
    }
    let store = Database::open(&settings.database_url, MERGE).await?;
    start_on(settings, Arc::new(store)).await
}

/// Starts a server on a store.
///
/// GitHub need not be reachable for that: deliveries are taken in, and `/readyz` says what is missing.
///
/// # Errors
/// [`StartError`], each with what to do about it.
pub async fn start_on(settings: Settings, store: Arc<dyn Store>) -> Result<Running, StartError> {
    let secrets = settings.webhook_secret.as_ref().and_then(WebhookSecrets::new).ok_or(StartError::NoWebhookSecret)?;
    let key = AppKey::new(settings.issuer.clone(), &settings.private_key)
        .map_err(|bad| StartError::BadKey { origin: settings.private_key_origin.clone(), bad })?;
    let api = Api::new(settings.github.clone(), key).map_err(|cause| StartError::GitHub { url: settings.github.url.clone(), cause })?;
    let listen_error = |error: std::io::Error| StartError::Listen { address: settings.listen, cause: without_number(&error) };
    let listener = TcpListener::bind(settings.listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let (workers, grace, reconcile) = (settings.workers, settings.grace, settings.reconcile);
    let app =
        Arc::new(App { settings, secrets, store: Arc::clone(&store), api, metrics: Metrics::default(), bell: Notify::new(), bodies: inbox::room() });

    let (stop, stopped) = watch::channel(false);
    let mut tasks = vec![tokio::spawn(serve(listener, Arc::clone(&app), stopped.clone()))];
    tasks.extend((0..workers).map(|_| tokio::spawn(worker::run(Arc::clone(&app), stopped.clone()))));
    tasks.push(tokio::spawn(tidy(Arc::clone(&app), stopped.clone())));
    // Who only takes deliveries in leaves the rest to others.
    if workers > 0 {
        tasks.push(tokio::spawn(lapse::watch(Arc::clone(&app), stopped.clone())));
        if let Some(reconcile) = reconcile {
            tasks.extend(reconcile::start(&app, reconcile, &stopped));
        }
    }
    tasks.push(tokio::spawn(health::greet(app, stopped)));
    tracing::info!(%address, workers, "listening for webhooks at http://{address}/webhook");
    Ok(Running { address, stop, tasks, store, grace })
}

/// Returns an error of the system without the number that it has there.
fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_lowercase()
}

async fn serve(listener: TcpListener, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let stopping = async move { stop(&mut stopped).await };
    if let Err(error) = axum::serve(listener, routes(app)).with_graceful_shutdown(stopping).await {
        tracing::error!(%error, "the listener failed");
    }
}

/// Waits until the server is to stop.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    drop(stopped.wait_for(|stop| *stop).await);
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/webhook", post(inbox::receive))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/", get(pages::index))
        .route("/reviews/{owner}/{repo}/{number}", get(pages::review))
        .route("/help", get(pages::help))
        .route("/style.css", get(pages::style))
        .fallback(pages::not_found)
        .with_state(app)
}

/// Keeps the database small.
async fn tidy(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        let keep_ms = i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX);
        if let Err(error) = app.store.tidy(now_ms().saturating_sub(keep_ms), KEEP_BLOB_BYTES).await {
            tracing::warn!(%error, "old deliveries could not be forgotten");
        }
        if (tokio::time::timeout(TIDY_EVERY, stop(&mut stopped)).await).is_ok() {
            return;
        }
    }
}
