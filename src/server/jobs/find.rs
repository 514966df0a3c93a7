//! The pull requests of a commit: GitHub names none for those from forks.

use super::{App, JobError, enqueue};
use crate::github::{Place, Sha};
use crate::server::work::Work;

/// Has every open pull request of `head` reviewed again.
pub(super) async fn run(app: &App, place: &Place, head: &Sha) -> Result<(), JobError> {
    let pulls = app.api.at(place).pulls_of(head).await?;
    if pulls.is_empty() {
        tracing::info!(repository = %place.repo, %head, "a check was asked for on a commit that no open pull request has");
    }
    let works: Vec<Work> = pulls.into_iter().map(|number| Work::review(place.clone(), number, true)).collect();
    enqueue(app, &works).await
}
