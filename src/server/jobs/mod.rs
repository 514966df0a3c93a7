//! What workers do: one file a kind of job.

mod button;
mod comment;
mod find;
mod group;
mod moved;
mod review;
mod together;

pub(super) use group::group_again;

use super::App;
use super::reconcile;
use super::work::Work;
use crate::github::commands::CommandError;
use crate::github::{ApiError, PublishError, TreeError};
use crate::store::{Hold, StoreError};
use std::sync::Arc;

/// Why a job did not end well.
#[derive(Debug)]
pub(super) struct JobError {
    /// In words.
    pub(super) text: String,
    /// The same may work later.
    pub(super) passing: bool,
    /// Not before this, in milliseconds since 1970.
    pub(super) not_before_ms: Option<i64>,
    /// What GitHub answered, where it refused.
    pub(super) status: Option<u16>,
}

impl JobError {
    /// Returns an error that goes away by itself.
    pub(super) fn passing(text: String, not_before_ms: Option<i64>) -> Self {
        Self { text, passing: true, not_before_ms, status: None }
    }

    /// Returns an error that does not.
    pub(super) fn lasting(text: String) -> Self {
        Self { text, passing: false, not_before_ms: None, status: None }
    }
}

impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        let not_before_ms = match &error {
            ApiError::Paused { until_ms } => Some(*until_ms),
            ApiError::Unreachable { .. } | ApiError::InDoubt { .. } | ApiError::Refused { .. } | ApiError::Unreadable { .. } | ApiError::Key(_) => {
                None
            }
        };
        Self { passing: error.is_temporary(), not_before_ms, status: error.status(), text: error.to_string() }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::passing(error.to_string(), None)
    }
}

impl From<PublishError> for JobError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Api(error) => error.into(),
            PublishError::Store(error) => error.into(),
            PublishError::Lost | PublishError::MovedOn(_) => Self::passing(error.to_string(), None),
        }
    }
}

impl From<TreeError> for JobError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Api(error) => error.into(),
            TreeError::Store(error) => error.into(),
            TreeError::TooLarge(_) | TreeError::Crashed(_) | TreeError::Slow(_) => Self::lasting(error.to_string()),
        }
    }
}

impl From<CommandError> for JobError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Api(error) => error.into(),
            CommandError::Store(error) => error.into(),
            CommandError::Tree(error) => error.into(),
            CommandError::Publish(error) => error.into(),
            CommandError::Refused(_) => Self::lasting(error.to_string()),
        }
    }
}

/// One attempt at a job.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Our claim on it.
    pub(super) hold: Hold,
    /// There is no further attempt, so whoever waits must be told now.
    pub(super) last: bool,
}

impl Turn {
    /// Has more work done once this job is done.
    fn then(&self, works: &[Work]) {
        self.hold.add_at_end(works.iter().map(Work::job).collect());
    }
}

/// Does a job. Where the App may not go any more there is nothing to be done, and nobody to be told.
pub(super) async fn run(app: &Arc<App>, work: Work, turn: Turn) -> Result<(), JobError> {
    let place = work.place().cloned();
    match (one(app, work, turn).await, place) {
        (Err(error), Some(place)) if !error.passing && matches!(error.status, Some(401 | 403 | 404 | 422)) && app.api.at(&place).is_gone().await => {
            tracing::info!(repository = %place.repo, error = error.text, "a job ended where the App may not go any more");
            Ok(())
        }
        (ended, _) => ended,
    }
}

async fn one(app: &Arc<App>, work: Work, turn: Turn) -> Result<(), JobError> {
    match work {
        Work::Review { place, number, forced, asked_in } => review::run(app, &review::Wish { place, number, forced, asked_in }, turn).await,
        Work::Comment { place, number, comment, body, by, edited } => {
            comment::run(app, &comment::Said { place, number, comment, body, by, edited }, turn).await
        }
        Work::Button { place, head, pulls, button, by, run } => {
            button::run(app, &button::Pressed { place, head, pulls, button, by, run }, turn).await
        }
        Work::Find { place, head, pulls } => find::run(app, &place, &head, pulls, &turn).await,
        Work::Group(group) => group::run(app, &group, turn).await,
        Work::Moved { place, branch, before, after } => moved::run(app, &place, &branch, (&before, &after)).await,
        Work::Sweep { installation, place: None } => reconcile::sweep_installation(app, installation).await,
        Work::Sweep { place: Some(place), .. } => {
            // Its name or its rights have changed: a token tells the new ones.
            app.api.forget_tokens(place.installation);
            reconcile::sweep_repository(app, &place).await
        }
        Work::Forget { installation, repositories } => reconcile::forget(app, installation, &repositories).await,
    }
}

/// Adds jobs and rings for a worker.
pub(super) async fn enqueue(app: &App, works: &[Work]) -> Result<(), JobError> {
    app.store.enqueue(works.iter().map(Work::job).collect()).await?;
    for _ in works {
        app.bell.notify_one();
    }
    Ok(())
}
