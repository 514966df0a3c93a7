//! Deliveries: written down once, with their jobs, in one transaction; those that come at the same time in the same one.
//!
//! A commit waits for the disk, a statement does not. So one task takes whatever has come in while the last commit was under way and
//! commits it together: one delivery at a time costs what it did, sixty-four at a time cost little more than one.

use super::{Sql, Writing, queue};
use crate::store::{Accepted, Delivery, NewJob, StoreError, now_ms};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// At most this many deliveries are one transaction.
const MOST: usize = 128;

/// A delivery on its way into the database.
#[derive(Debug)]
struct Parcel {
    delivery: Delivery,
    jobs: Vec<NewJob>,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

/// The way in. The task behind it ends with the last of its clones.
#[derive(Clone, Debug)]
pub(super) struct Inbox(mpsc::Sender<Parcel>);

impl Inbox {
    /// Starts the task that writes.
    pub(super) fn new(sql: Arc<Sql>) -> Self {
        let (sender, receiver) = mpsc::channel(MOST);
        tokio::spawn(write_down(sql, receiver));
        Self(sender)
    }

    /// See [`crate::store::Store::accept`].
    pub(super) async fn accept(&self, delivery: Delivery, jobs: Vec<NewJob>) -> Result<Accepted, StoreError> {
        let (answer, written) = oneshot::channel();
        // Neither can fail while the task runs, and it runs as long as the process does.
        self.0.send(Parcel { delivery, jobs, answer }).await.or(Err(StoreError::Closed))?;
        written.await.or(Err(StoreError::Closed))?
    }
}

async fn write_down(sql: Arc<Sql>, mut parcels: mpsc::Receiver<Parcel>) {
    let mut batch = Vec::new();
    while parcels.recv_many(&mut batch, MOST).await > 0 {
        match write_all(&sql, &batch).await {
            Ok(accepted) => batch.drain(..).zip(accepted).for_each(|(parcel, accepted)| answer(parcel, Ok(accepted))),
            // One that the database does not take must not take the others with it.
            Err(_) if batch.len() > 1 => {
                for parcel in batch.drain(..) {
                    let accepted = write_all(&sql, std::slice::from_ref(&parcel)).await;
                    answer(parcel, accepted.map(|all| all.first().copied().unwrap_or(Accepted::Known)));
                }
            }
            Err(error) => {
                if let Some(parcel) = batch.pop() {
                    answer(parcel, Err(error));
                }
            }
        }
    }
}

fn answer(parcel: Parcel, accepted: Result<Accepted, StoreError>) {
    // Who asked may have hung up; what is written stays.
    drop(parcel.answer.send(accepted));
}

async fn write_all(sql: &Sql, parcels: &[Parcel]) -> Result<Vec<Accepted>, StoreError> {
    let mut tx = sql.write().await?;
    let mut accepted = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        accepted.push(write_one(sql, &mut tx, parcel).await?);
    }
    tx.commit().await?;
    Ok(accepted)
}

async fn write_one(sql: &Sql, tx: &mut Writing, Parcel { delivery, jobs, .. }: &Parcel) -> Result<Accepted, StoreError> {
    let state = if jobs.is_empty() { "done" } else { "received" };
    let new =
        sqlx::query("INSERT INTO deliveries (guid, event, body, state, received_at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (guid) DO NOTHING")
            .bind(delivery.guid.clone())
            .bind(delivery.event.clone())
            .bind(delivery.body.clone())
            .bind(state)
            .bind(now_ms())
            .execute(&mut ***tx)
            .await?;
    let accepted = if new.rows_affected() == 1 {
        Accepted::New
    } else {
        let again = sqlx::query("UPDATE deliveries SET state = $2 WHERE guid = $1 AND state = 'failed'")
            .bind(delivery.guid.clone())
            .bind(state)
            .execute(&mut ***tx)
            .await?;
        if again.rows_affected() == 0 {
            return Ok(Accepted::Known);
        }
        sqlx::query("DELETE FROM delivery_jobs WHERE guid = $1").bind(delivery.guid.clone()).execute(&mut ***tx).await?;
        Accepted::Again
    };
    for job in jobs {
        let id = queue::add(tx, sql.merge, job).await?;
        sqlx::query("INSERT INTO delivery_jobs (guid, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(delivery.guid.clone())
            .bind(id)
            .execute(&mut ***tx)
            .await?;
    }
    Ok(accepted)
}

/// See [`crate::store::Store::is_known`].
pub(super) async fn is_known(sql: &Sql, guid: String) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM deliveries WHERE guid = $1 AND state <> 'failed'").bind(guid).fetch_optional(&sql.pool).await?;
    Ok(row.is_some())
}
