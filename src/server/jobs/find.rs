//! "Re-run" on a commit: its pull requests are reviewed again.
//!
//! GitHub has set the commit's suite back to "queued" and waits for a new run. So there is one in every case, also where the commit is
//! not a head any more and has nothing to be reviewed for.

use super::{App, JobError, Turn};
use crate::github::{Place, PrNumber, Sha, decline};
use crate::report::replies;
use crate::server::work::{Group, Work};

/// Has every open pull request with this head reviewed again; says so on the commit where there is none. `named` are those GitHub named.
pub(super) async fn run(app: &App, place: &Place, head: &Sha, named: Vec<PrNumber>, turn: &Turn) -> Result<(), JobError> {
    let api = app.api.at(place);
    let group = app.store.note(super::group::note(place, head)).await?;
    if let Some(group) = group.and_then(|json| serde_json::from_str::<Group>(&json).ok()) {
        turn.then(&[Work::Group(Group { forced: true, wanted: true, ..group })]);
        return Ok(());
    }
    let numbers = if named.is_empty() { api.pulls_of(head).await? } else { named };
    let mut works = Vec::new();
    let mut newer = None;
    for number in numbers {
        match api.pull(number).await {
            Ok(pull) if pull.head.sha == *head => works.push(Work::review(place.clone(), number, true)),
            Ok(pull) => newer = Some(pull.head.sha),
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if works.is_empty() {
        tracing::info!(repository = %place.repo, %head, "a check was asked for on a commit that is no head of an open pull request");
        let output = newer.map_or_else(replies::no_head, |newer| replies::superseded(newer.short()));
        return Ok(decline(&api, head, &output).await?);
    }
    turn.then(&works);
    Ok(())
}
