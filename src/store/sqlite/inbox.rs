//! Deliveries: written down once, with their jobs, in one transaction.

use super::{Sqlite, queue};
use crate::store::{Accepted, Delivery, NewJob, StoreError, now_ms};
use sqlx::Row;

/// See [`crate::store::Store::accept`].
pub(super) async fn accept(store: &Sqlite, delivery: Delivery, jobs: Vec<NewJob>) -> Result<Accepted, StoreError> {
    let mut tx = store.write().await?;
    let known = sqlx::query("SELECT state FROM deliveries WHERE guid = $1").bind(&delivery.guid).fetch_optional(&mut *tx).await?;
    let accepted = match known.map(|row| row.try_get::<String, _>("state")).transpose()? {
        None => Accepted::New,
        Some(state) if state == "failed" => Accepted::Again,
        Some(_) => return Ok(Accepted::Known),
    };
    sqlx::query(
        "INSERT INTO deliveries (guid, event, body, state, received_at_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (guid) DO UPDATE SET state = excluded.state",
    )
    .bind(&delivery.guid)
    .bind(&delivery.event)
    .bind(&delivery.body)
    .bind(if jobs.is_empty() { "done" } else { "received" })
    .bind(now_ms())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM delivery_jobs WHERE guid = $1").bind(&delivery.guid).execute(&mut *tx).await?;
    for job in jobs {
        let id = queue::add(&mut tx, store.merge, &job).await?;
        sqlx::query("INSERT INTO delivery_jobs (guid, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&delivery.guid)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(accepted)
}
