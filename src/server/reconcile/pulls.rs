//! Installations and their open pull requests: every head is to have a concluded check.

use super::super::App;
use super::super::jobs::{JobError, enqueue};
use super::super::lapse::note_place;
use super::super::work::Work;
use crate::github::{CHECK_NAME, InstallationId, LeftRun, OpenPull, Place, RepoApi};
use crate::store::{ReviewKey, StoreError};
use std::collections::BTreeSet;

/// Notes under these keys name the installations we know of.
const NOTES: &str = "installation:";

pub(super) async fn pass(app: &App) -> Result<(), JobError> {
    let listed = app.api.installations().await?;
    let counts = &app.metrics.installations_loop;
    let mut failed = None;
    for installation in listed.iter().filter(|installation| installation.suspended_at.is_none()) {
        let note = note(installation.id);
        if app.store.note(note.clone()).await?.is_some() {
            counts.well(&note);
        } else {
            counts.missed(&note);
        }
        // One that cannot be looked at must not keep us from the others.
        if let Err(error) = sweep_installation(app, installation.id).await {
            tracing::warn!(installation = installation.id.0, error = error.text, "an installation could not be looked at");
            failed = failed.or(Some(error).filter(|error| error.passing));
        }
    }
    let here: BTreeSet<String> = listed.iter().map(|installation| note(installation.id)).collect();
    for gone in app.store.notes(NOTES.to_owned()).await?.into_iter().filter(|known| !here.contains(&known.key)) {
        counts.missed(&gone.key);
        if let Some(id) = gone.key.strip_prefix(NOTES).and_then(|id| id.parse().ok()) {
            forget(app, InstallationId(id), &[]).await?;
        }
        counts.well(&gone.key);
    }
    counts.ended(failed.is_none());
    failed.map_or(Ok(()), Err)
}

fn note(installation: InstallationId) -> String {
    format!("{NOTES}{}", installation.0)
}

/// Looks at the open pull requests of an installation.
pub(in super::super) async fn sweep_installation(app: &App, installation: InstallationId) -> Result<(), JobError> {
    let repositories = match app.api.repositories(installation).await {
        Ok(repositories) => repositories,
        // Uninstalled or suspended since.
        Err(error) if matches!(error.status(), Some(403 | 404)) => return forget(app, installation, &[]).await,
        Err(error) => return Err(error.into()),
    };
    for place in &repositories {
        sweep_repository(app, place).await?;
    }
    app.metrics.installations_loop.well(&note(installation));
    Ok(app.store.keep_note(note(installation), Some(repositories.len().to_string())).await?)
}

/// Has every open pull request of a repository reviewed whose head has no concluded check.
pub(in super::super) async fn sweep_repository(app: &App, place: &Place) -> Result<(), JobError> {
    let api = app.api.at(place);
    let pulls = match api.open_pulls().await {
        Ok(pulls) => pulls,
        // Without pull requests, or not ours any more.
        Err(error) if matches!(error.status(), Some(403 | 404 | 410)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    note_place(app, place).await?;
    let counts = &app.metrics.pulls_loop;
    for pull in &pulls {
        let what = format!("{}:{}:{}", place.repository_id, pull.number.0, pull.head.sha);
        let review = Work::review(place.clone(), pull.number, false);
        if is_reviewed(app, place, pull).await? || is_concluded(&api, pull).await? {
            counts.well(&what);
        } else if !app.store.is_busy(review.job().lane).await? {
            tracing::info!(repository = %place.repo, number = pull.number.0, head = %pull.head.sha, "a head without a concluded check is reviewed");
            counts.missed(&what);
            enqueue(app, &[review]).await?;
        }
    }
    Ok(())
}

async fn is_reviewed(app: &App, place: &Place, pull: &OpenPull) -> Result<bool, StoreError> {
    let key = ReviewKey::Id { repository_id: place.repository_id, number: pull.number.0 };
    Ok(app.store.review(key).await?.is_some_and(|last| last.head_sha == pull.head.sha.as_str()))
}

/// Returns whether GitHub has a conclusion of ours: so a new database does not review everything again.
async fn is_concluded(api: &RepoApi, pull: &OpenPull) -> Result<bool, JobError> {
    let runs = api.check_runs(&pull.head.sha, CHECK_NAME).await?;
    let ours = runs.iter().filter(|run| run.external_id.as_deref().is_some_and(|id| id.starts_with("waypost-")));
    Ok(ours.into_iter().any(|run| matches!(run.conclusion.as_deref(), Some("success" | "failure"))))
}

/// Forgets what was open where we may not go any more; no repositories are all of the installation's.
pub(in super::super) async fn forget(app: &App, installation: InstallationId, repositories: &[u64]) -> Result<(), JobError> {
    app.api.forget_tokens(installation);
    for note in app.store.notes(LeftRun::NOTES.to_owned()).await? {
        let left = LeftRun::of(&note).filter(|left| left.place.installation == installation);
        if left.is_some_and(|left| repositories.is_empty() || repositories.contains(&left.place.repository_id)) {
            app.store.keep_note(note.key, None).await?;
        }
    }
    if repositories.is_empty() {
        app.store.keep_note(note(installation), None).await?;
    }
    Ok(())
}
