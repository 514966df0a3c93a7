//! Deliveries that GitHub could not hand over: it lists them, and sends them again when asked.

use super::super::App;
use super::super::jobs::JobError;
use std::collections::BTreeSet;

/// A delivery that did not arrive this often is left alone: the fault is not on the way.
const MOST_ASKS: u32 = 5;

pub(super) async fn pass(app: &App) -> Result<(), JobError> {
    let counts = &app.metrics.deliveries_loop;
    let mut seen = BTreeSet::new();
    for delivery in app.api.failed_deliveries().await? {
        // Each attempt is listed; the newest stands first.
        if !seen.insert(delivery.guid.clone()) {
            continue;
        }
        if app.store.is_known(delivery.guid.clone()).await? {
            counts.well(&delivery.guid);
            continue;
        }
        if counts.missed(&delivery.guid) >= MOST_ASKS {
            continue;
        }
        match app.api.redeliver(&delivery).await {
            Ok(()) => tracing::info!(delivery = delivery.guid, sent = delivery.delivered_at, "a delivery that did not arrive is sent again"),
            // Too old by now, or of a hook that is no more.
            Err(error) if matches!(error.status(), Some(400 | 404 | 422)) => {
                tracing::warn!(delivery = delivery.guid, %error, "a delivery that did not arrive cannot be sent again");
            }
            Err(error) => return Err(error.into()),
        }
    }
    counts.well_but(&seen);
    Ok(())
}
