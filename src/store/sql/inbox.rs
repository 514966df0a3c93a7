//! Deliveries: written down once, with their jobs, in one transaction; those that come at the same time in the same one.
//!
//! A commit waits for the disk, a statement does not. So one task takes whatever has come in while the last commit was under way and
//! commits it together: one delivery at a time costs what it did, sixty-four at a time cost little more than one. The task has a connection
//! of its own.

use super::script::{Script, pieces};
use super::{Sql, queue};
use crate::store::{Accepted, Delivery, NewJob, StoreError, now_ms};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, Row};
use std::collections::BTreeMap;
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

#[derive(Debug)]
enum Message {
    Parcel(Parcel),
    /// Let go of the connection.
    Close(oneshot::Sender<()>),
}

/// The way in. The task behind it ends with the last of its clones.
#[derive(Clone, Debug)]
pub(super) struct Inbox(mpsc::Sender<Message>);

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
        self.0.send(Message::Parcel(Parcel { delivery, jobs, answer })).await.or(Err(StoreError::Closed))?;
        written.await.or(Err(StoreError::Closed))?
    }

    /// Writes what has come in, and lets go of the connection.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Message::Close(done)).await.is_ok() {
            // Where the task has ended, there is nothing to be let go of.
            drop(closed.await);
        }
    }
}

async fn write_down(sql: Arc<Sql>, mut messages: mpsc::Receiver<Message>) {
    let mut held = None;
    let mut taken = Vec::new();
    while messages.recv_many(&mut taken, MOST).await > 0 {
        let mut closing = Vec::new();
        let mut parcels = Vec::with_capacity(taken.len());
        for message in taken.drain(..) {
            match message {
                Message::Parcel(parcel) => parcels.push(parcel),
                Message::Close(done) => closing.push(done),
            }
        }
        if !parcels.is_empty() {
            answer_all(&sql, &mut held, parcels).await;
        }
        for done in closing {
            held = None;
            // Who asked may have hung up.
            done.send(()).unwrap_or_default();
        }
    }
}

async fn answer_all(sql: &Sql, held: &mut Option<PoolConnection<Any>>, parcels: Vec<Parcel>) {
    match write_all(sql, held, &parcels).await {
        Ok(accepted) => parcels.into_iter().zip(accepted).for_each(|(parcel, accepted)| answer(parcel, Ok(accepted))),
        // One that the database does not take must not take the others with it.
        Err(_) if parcels.len() > 1 => {
            for parcel in parcels {
                let accepted = write_all(sql, held, std::slice::from_ref(&parcel)).await;
                answer(parcel, accepted.map(|all| all.first().copied().unwrap_or(Accepted::Known)));
            }
        }
        Err(error) => {
            if let Some(parcel) = parcels.into_iter().next() {
                answer(parcel, Err(error));
            }
        }
    }
}

fn answer(parcel: Parcel, accepted: Result<Accepted, StoreError>) {
    // Who asked may have hung up; what is written stays.
    drop(parcel.answer.send(accepted));
}

async fn write_all(sql: &Sql, held: &mut Option<PoolConnection<Any>>, parcels: &[Parcel]) -> Result<Vec<Accepted>, StoreError> {
    let _turn = sql.writing.lock().await;
    let reused = held.is_some();
    match attempt(sql, held, parcels).await {
        // The database may have hung up meanwhile. What it has written all the same is known then.
        Err(_) if reused => attempt(sql, held, parcels).await,
        other => other,
    }
}

async fn attempt(sql: &Sql, held: &mut Option<PoolConnection<Any>>, parcels: &[Parcel]) -> Result<Vec<Accepted>, StoreError> {
    let mut connection = match held.take() {
        Some(connection) => connection,
        None => sql.pool.acquire().await?,
    };
    let written = write_on(sql, &mut connection, parcels).await;
    if written.is_ok() {
        *held = Some(connection);
    } else {
        // Whatever it has begun ends with it; that it cannot even be closed says no more than the error does.
        drop(connection.close().await);
    }
    written
}

/// A delivery that is to be worked on, with its number.
type Fresh<'a> = (i64, &'a Parcel);

async fn write_on(sql: &Sql, connection: &mut AnyConnection, parcels: &[Parcel]) -> Result<Vec<Accepted>, StoreError> {
    let mut script = Script::new(sql.engine, connection);
    if write_new(sql, &mut script, parcels).await? {
        return Ok(vec![Accepted::New; parcels.len()]);
    }
    script.add("ROLLBACK").await?;
    script.send().await?;
    write_mixed(sql, &mut script, parcels).await
}

/// Writes deliveries down that are all seen for the first time, as nearly all are. Returns whether they were; nothing is committed else.
async fn write_new(sql: &Sql, script: &mut Script<'_>, parcels: &[Parcel]) -> Result<bool, StoreError> {
    let jobs = queue::merged(sql.merge, &parcels.iter().flat_map(|parcel| parcel.jobs.iter()).collect::<Vec<_>>());
    begin(sql, script).await?;
    insert(script, parcels).await?;
    queue::ask(script, &jobs).await?;
    let rows = script.send().await?;
    let new = new_ones(&rows)?;
    let fresh: Vec<Fresh<'_>> = parcels.iter().filter_map(|parcel| Some((*new.get(&parcel.delivery.guid)?, parcel))).collect();
    if new.len() < parcels.len() {
        return Ok(false);
    }
    let numbers = queue::answered(script, sql.merge, &jobs, &rows).await?;
    bodies(script, &fresh).await?;
    links(script, &fresh, &numbers).await?;
    script.add("COMMIT").await?;
    script.send().await?;
    Ok(true)
}

/// Writes deliveries down of which some are known.
async fn write_mixed(sql: &Sql, script: &mut Script<'_>, parcels: &[Parcel]) -> Result<Vec<Accepted>, StoreError> {
    begin(sql, script).await?;
    insert(script, parcels).await?;
    let mut new = new_ones(&script.send().await?)?;
    let mut accepted = Vec::with_capacity(parcels.len());
    let (mut first, mut fresh): (Vec<Fresh<'_>>, Vec<Fresh<'_>>) = (Vec::new(), Vec::new());
    for parcel in parcels {
        if let Some(id) = new.remove(&parcel.delivery.guid) {
            first.push((id, parcel));
            fresh.push((id, parcel));
            accepted.push(Accepted::New);
        } else if let Some(id) = again(script, parcel).await? {
            fresh.push((id, parcel));
            accepted.push(Accepted::Again);
        } else {
            accepted.push(Accepted::Known);
        }
    }
    let jobs: Vec<&NewJob> = fresh.iter().flat_map(|(_, parcel)| parcel.jobs.iter()).collect();
    let numbers = queue::add_all(script, sql.merge, &jobs).await?;
    bodies(script, &first).await?;
    links(script, &fresh, &numbers).await?;
    script.add("COMMIT").await?;
    script.send().await?;
    Ok(accepted)
}

async fn begin(sql: &Sql, script: &mut Script<'_>) -> Result<(), StoreError> {
    script.add(sql.engine.begin_words()).await?;
    match sql.engine.lock_words() {
        Some(lock) => script.add(&lock).await,
        None => Ok(()),
    }
}

/// Adds the statements that write deliveries down; those that are new give a row.
async fn insert(script: &mut Script<'_>, parcels: &[Parcel]) -> Result<(), StoreError> {
    let now = now_ms();
    for piece in pieces(parcels) {
        let after = "ON CONFLICT (guid) DO NOTHING RETURNING id, guid";
        script.add_rows("INSERT INTO deliveries (guid, event, state, received_at_ms)", (piece.len(), 4), after).await?;
        for Parcel { delivery, jobs, .. } in piece {
            script.bind(delivery.guid.clone())?;
            script.bind(delivery.event.clone())?;
            script.bind(state(jobs))?;
            script.bind(now)?;
        }
    }
    Ok(())
}

/// Returns the numbers of new deliveries by GUID; rows of other statements are passed over.
fn new_ones(rows: &[AnyRow]) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut new = BTreeMap::new();
    for row in rows {
        if let Ok(guid) = row.try_get::<String, _>("guid") {
            new.insert(guid, row.try_get("id")?);
        }
    }
    Ok(new)
}

fn state(jobs: &[NewJob]) -> &'static str {
    if jobs.is_empty() { "done" } else { "received" }
}

/// Takes a delivery up again that was given up. Returns its number; `None` where it was not.
async fn again(script: &mut Script<'_>, Parcel { delivery, jobs, .. }: &Parcel) -> Result<Option<i64>, StoreError> {
    script.add("UPDATE deliveries SET state = $1 WHERE guid = $2 AND state = 'failed' RETURNING id").await?;
    script.bind(state(jobs))?;
    script.bind(delivery.guid.clone())?;
    let Some(row) = script.send().await?.into_iter().next() else { return Ok(None) };
    let id: i64 = row.try_get("id")?;
    script.add("DELETE FROM delivery_jobs WHERE delivery_id = $1").await?;
    script.bind(id)?;
    script.send().await?;
    Ok(Some(id))
}

async fn bodies(script: &mut Script<'_>, first: &[Fresh<'_>]) -> Result<(), StoreError> {
    for piece in pieces(first) {
        script.add_rows("INSERT INTO delivery_bodies (delivery_id, body)", (piece.len(), 2), "").await?;
        for (id, parcel) in piece {
            script.bind(*id)?;
            script.bind(parcel.delivery.body.as_slice())?;
        }
    }
    Ok(())
}

/// Notes which delivery waits for which job.
async fn links(script: &mut Script<'_>, fresh: &[Fresh<'_>], numbers: &BTreeMap<String, i64>) -> Result<(), StoreError> {
    let links: Vec<(i64, i64)> =
        fresh.iter().flat_map(|(id, parcel)| parcel.jobs.iter().filter_map(|job| Some((*id, *numbers.get(&job.dedupe)?)))).collect();
    for piece in pieces(&links) {
        script.add_rows("INSERT INTO delivery_jobs (delivery_id, job_id)", (piece.len(), 2), "ON CONFLICT DO NOTHING").await?;
        for (delivery, job) in piece {
            script.bind(*delivery)?;
            script.bind(*job)?;
        }
    }
    Ok(())
}

/// See [`crate::store::Store::is_known`].
pub(super) async fn is_known(sql: &Sql, guid: String) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM deliveries WHERE guid = $1 AND state <> 'failed'").bind(guid).fetch_optional(&sql.pool).await?;
    Ok(row.is_some())
}
