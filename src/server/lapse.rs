//! Waivers that lapse: the pull request is reviewed again, also where nothing else happens on it.

use super::work::Work;
use super::{App, stop};
use crate::github::{Place, PrNumber};
use crate::policy::DecisionKind;
use crate::store::{AuditRecord, Effect, StoreError, StoredDecision, now_ms};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked. A waiver holds to the end of a day; a minute more does no harm.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Looks for waivers that have lapsed until told to stop.
pub(super) async fn watch(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = look(&app, now_ms()).await {
            tracing::warn!(%error, "waivers that have lapsed could not be looked for");
        }
        if tokio::time::timeout(LOOK_EVERY, stop(&mut stopped)).await.is_ok() {
            return;
        }
    }
}

/// Has the pull requests of lapsed waivers reviewed again. The review comes first: a server that is killed in between looks once more.
async fn look(app: &App, now: i64) -> Result<(), StoreError> {
    for lapsed in app.store.lapsed(now).await? {
        // It may have another name or owner by now.
        let newest = app.store.note(place_note(lapsed.repository_id)).await?;
        if let Ok(place) = serde_json::from_str::<Place>(newest.as_deref().unwrap_or(&lapsed.place)) {
            let work = Work::review(place.clone(), PrNumber(lapsed.number), true);
            app.store.enqueue(vec![work.job()]).await?;
            tracing::info!(repository = %place.repo, number = lapsed.number, fingerprint = lapsed.decision.fingerprint, "a waiver has lapsed");
        }
        let record = record(&lapsed, now);
        app.store.decide(record, Effect::Withdraw(lapsed.decision.kind, lapsed.lapses_at_ms)).await?;
        app.bell.notify_one();
    }
    Ok(())
}

/// Notes where a repository is, for what was decided there before it moved.
pub(super) async fn note_place(app: &App, place: &Place) -> Result<(), StoreError> {
    let (key, now) = (place_note(place.repository_id), serde_json::to_string(place).unwrap_or_default());
    if app.store.note(key.clone()).await?.as_deref() == Some(&*now) {
        return Ok(());
    }
    app.store.keep_note(key, Some(now)).await
}

fn place_note(repository_id: u64) -> String {
    format!("place:{repository_id}")
}

fn record(lapsed: &StoredDecision, now: i64) -> AuditRecord {
    let repository = serde_json::from_str::<Place>(&lapsed.place).map(|place| place.repo.to_string()).unwrap_or_default();
    let what = match lapsed.decision.kind {
        DecisionKind::Waiver => "waive",
        DecisionKind::Acknowledgement => "ack",
    };
    let end = lapsed.lapses_at_ms.unwrap_or_default();
    AuditRecord {
        source: format!("lapse:{}:{}:{}:{what}:{end}", lapsed.repository_id, lapsed.number, lapsed.decision.fingerprint),
        at_ms: now,
        repository_id: lapsed.repository_id,
        number: lapsed.number,
        repository,
        actor: "the clock".to_owned(),
        command: what.to_owned(),
        fingerprint: lapsed.decision.fingerprint.clone(),
        outcome: "lapsed".to_owned(),
        detail: lapsed.decision.reason.clone(),
        ..AuditRecord::default()
    }
}
