//! Checks that were left in progress: each is concluded in the end, whatever became of its job.

use super::super::App;
use super::super::jobs::{JobError, enqueue, group_again};
use super::super::work::Work;
use crate::github::LeftRun;
use crate::store::now_ms;
use std::collections::BTreeSet;

pub(super) async fn pass(app: &App) -> Result<(), JobError> {
    let counts = &app.metrics.runs_loop;
    let late_ms = i64::try_from(app.settings.stuck_after.as_millis()).unwrap_or(i64::MAX);
    let mut still = BTreeSet::new();
    for note in app.store.notes(LeftRun::NOTES.to_owned()).await? {
        let Some(left) = LeftRun::of(&note).filter(|left| now_ms().saturating_sub(left.begun_ms) > late_ms) else { continue };
        let work = match left.number {
            Some(number) => Some(Work::review(left.place.clone(), number, true)),
            None => group_again(app, &left.place, &left.head).await?,
        };
        if let Some(work) = &work
            && app.store.is_busy(work.job().lane).await?
        {
            continue;
        }
        let open = match left.is_open(&app.api.at(&left.place)).await {
            Ok(open) => open,
            // The commit, the repository or the installation is no more.
            Err(error) if matches!(error.status(), Some(403 | 404 | 422)) => false,
            Err(error) => return Err(error.into()),
        };
        match work.filter(|_| open) {
            Some(work) => {
                tracing::warn!(repository = %left.place.repo, head = %left.head, "a check was left in progress; it is concluded now");
                counts.missed(&note.key);
                still.insert(note.key);
                enqueue(app, &[work]).await?;
            }
            None => app.store.keep_note(note.key, None).await?,
        }
    }
    counts.well_but(&still);
    Ok(())
}
