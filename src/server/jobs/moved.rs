//! The default branch moved: the pull requests into it are reviewed again, where the branch now sends requests elsewhere.

use super::{App, JobError, enqueue};
use crate::formats;
use crate::github::{Place, Sha, Trees};
use crate::server::work::Work;
use std::sync::Arc;

/// Has the open pull requests into `branch` reviewed again if what Waypost reads of it is not what it was.
pub(super) async fn run(app: &App, place: &Place, branch: &str, (before, after): (&Sha, &Sha)) -> Result<(), JobError> {
    let api = app.api.at(place);
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let (was, is) = match (trees.snapshot(before).await, trees.snapshot(after).await) {
        (Ok(was), Ok(is)) => (was, is),
        // Forced away, or of a repository that is gone.
        (Err(crate::github::TreeError::Api(error)), _) | (_, Err(crate::github::TreeError::Api(error))) if error.status() == Some(404) => {
            return Ok(());
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.into()),
    };
    let all = vec![Arc::clone(&was), Arc::clone(&is)];
    let matters = move || {
        let (was_model, is_model) = (formats::read(&was), formats::read(&is));
        let side = |snapshot, model| crate::policy::Side { snapshot, model };
        !crate::review::traffic_unchanged(side(&was, &was_model), side(&is, &is_model))
    };
    if !trees.run(&all, app.settings.review_limit, Arc::new(matters)).await? {
        return Ok(());
    }
    let into = api.open_pulls().await?.into_iter().filter(|pull| pull.base.r#ref == branch);
    let works: Vec<Work> = into.map(|pull| Work::review(place.clone(), pull.number, false)).collect();
    tracing::info!(repository = %place.repo, branch, pulls = works.len(), "the base has other traffic configuration: its pull requests are reviewed again");
    enqueue(app, &works).await
}
