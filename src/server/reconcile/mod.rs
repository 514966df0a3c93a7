//! Looks for what no delivery told: deliveries that did not arrive, pull requests without a concluded check, checks left in progress,
//! installations that came and went.
//!
//! GitHub does not send a delivery twice by itself. So whatever a delivery would have caused is also found by looking, and each pass
//! counts what it found missing and what became well again.

mod deliveries;
mod pulls;
mod runs;

pub(super) use pulls::{forget, sweep_installation, sweep_repository};

use super::jobs::JobError;
use super::metrics::Pass;
use super::settings::Reconcile;
use super::{App, stop};
use crate::store::now_ms;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deliveries,
    Pulls,
    Runs,
}

/// Starts a loop for each kind; all begin with a pass at once.
pub(super) fn start(app: &Arc<App>, times: Reconcile, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let kinds = [(Kind::Deliveries, times.deliveries), (Kind::Pulls, times.pulls), (Kind::Runs, times.runs)];
    kinds.into_iter().map(|(kind, every)| tokio::spawn(run(Arc::clone(app), kind, every, stopped.clone()))).collect()
}

async fn run(app: Arc<App>, kind: Kind, every: Duration, mut stopped: watch::Receiver<bool>) {
    loop {
        let ended = tokio::select! {
            ended = pass(&app, kind) => ended,
            () = stop(&mut stopped) => return,
        };
        if let Err(error) = &ended {
            tracing::warn!(?kind, error = error.text, "a pass did not come to its end; the next one begins anew");
        }
        counts(&app, kind).ended(ended.is_ok());
        // GitHub may ask for a longer pause.
        let until_ms = ended.err().and_then(|error| error.not_before_ms).unwrap_or(0);
        let pause = every.max(Duration::from_millis(until_ms.saturating_sub(now_ms()).max(0).unsigned_abs()));
        if tokio::time::timeout(pause, stop(&mut stopped)).await.is_ok() {
            return;
        }
    }
}

async fn pass(app: &App, kind: Kind) -> Result<(), JobError> {
    match kind {
        Kind::Deliveries => deliveries::pass(app).await,
        Kind::Pulls => pulls::pass(app).await,
        Kind::Runs => runs::pass(app).await,
    }
}

fn counts(app: &App, kind: Kind) -> &Pass {
    match kind {
        Kind::Deliveries => &app.metrics.deliveries_loop,
        Kind::Pulls => &app.metrics.pulls_loop,
        Kind::Runs => &app.metrics.runs_loop,
    }
}
