//! Workers: take a job, keep its lease, end it.

use super::jobs::{self, JobError, Turn};
use super::work::Work;
use super::{App, stop};
use crate::store::{Claimed, End, Hold, now_ms};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the queue is looked at when nobody rings: for jobs that wait out a pause, and for those of workers that died.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest pause before a job is tried again.
const MAX_DELAY: Duration = Duration::from_mins(10);

/// Works until told to stop.
pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let lease_ms = millis(app.settings.lease);
        match app.store.claim(now_ms(), lease_ms).await {
            Ok(Some(job)) => {
                if let Err(error) = work(&app, job, &mut stopped).await {
                    tracing::error!(%error, "the end of a job could not be written down; it is taken up again when its lease ends");
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the queue cannot be read"),
        }
        tokio::select! {
            () = app.bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY.min(app.settings.lease)) => {}
            () = stop(&mut stopped) => {}
        }
    }
}

/// Does one job. It runs in a task of its own, so that a crash ends the job and not the worker.
async fn work(app: &Arc<App>, job: Claimed, stopped: &mut watch::Receiver<bool>) -> Result<(), crate::store::StoreError> {
    if job.attempt > app.settings.attempts {
        // It never came to an end of its own: it takes the process down with it, and would do so for ever.
        tracing::error!(lane = job.lane, attempt = job.attempt, "job given up: the server died with it each time");
        let error = format!("begun {} times and never ended", job.attempt - 1);
        return app.store.finish(job.fence, End::Failed { error }).await.map(|_| ());
    }
    // Whoever waits for a check is told at some point, even if the next attempt might go better.
    let late = now_ms().saturating_sub(job.created_ms) > millis(app.settings.stuck_after);
    let last = job.attempt == app.settings.attempts || late;
    let payload = job.payload.clone();
    let hold = Hold::new(Arc::clone(&app.store), job.fence);
    let mut task: JoinHandle<Result<(), JobError>> = {
        let (app, hold) = (Arc::clone(app), hold.clone());
        tokio::spawn(async move {
            let work: Work = serde_json::from_str(&payload).map_err(|error| JobError::lasting(format!("the job cannot be read: {error}")))?;
            jobs::run(&app, work, Turn { hold, last }).await
        })
    };
    let mut deadline: Option<Instant> = None;
    let end = loop {
        tokio::select! {
            ended = &mut task => break match ended {
                Ok(Ok(())) => End::Done(hold.at_end()),
                Ok(Err(error)) => again_or_not(app, &job, error),
                Err(crash) => {
                    app.metrics.crashes.fetch_add(1, Ordering::Relaxed);
                    again_or_not(app, &job, JobError::passing(format!("it crashed: {crash}"), None))
                }
            },
            () = tokio::time::sleep(app.settings.lease / 3) => {
                if !app.store.renew(job.fence, now_ms().saturating_add(millis(app.settings.lease))).await.unwrap_or(true) {
                    tracing::warn!(lane = job.lane, "job lost to another worker");
                    task.abort();
                    return Ok(());
                }
            }
            () = stop(stopped), if deadline.is_none() => deadline = Some(Instant::now() + app.settings.grace),
            () = until(deadline), if deadline.is_some() => {
                task.abort();
                break End::HandOver;
            }
        }
    };
    let added = if let End::Done(at_end) = &end { at_end.jobs.len() } else { 0 };
    app.store.finish(job.fence, end).await?;
    for _ in 0..added {
        app.bell.notify_one();
    }
    Ok(())
}

async fn until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep_until(deadline).await;
    }
}

fn again_or_not(app: &App, job: &Claimed, error: JobError) -> End {
    if !error.passing || job.attempt >= app.settings.attempts {
        tracing::error!(lane = job.lane, attempt = job.attempt, error = error.text, "job given up");
        return End::Failed { error: error.text };
    }
    app.metrics.retries.fetch_add(1, Ordering::Relaxed);
    let delay = app.settings.retry_delay.saturating_mul(1 << (job.attempt.min(16) - 1).min(16)).min(MAX_DELAY);
    let at_ms = error.not_before_ms.unwrap_or(0).max(now_ms().saturating_add(millis(delay)));
    tracing::warn!(lane = job.lane, attempt = job.attempt, error = error.text, wait_ms = at_ms - now_ms(), "job is tried again later");
    End::Retry { at_ms, error: error.text }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
