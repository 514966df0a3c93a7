//! The store in an SQL database: SQLite or PostgreSQL, the same statements for both.

mod decisions;
mod engine;
mod inbox;
mod keep;
mod queue;
mod script;

use super::{
    Accepted, Answer, AuditRecord, Claimed, Delivery, Effect, End, Fence, Merge, NewJob, Note, QueueState, ReviewKey, Store, StoreError,
    StoredDecision, StoredReview,
};
use engine::Engine;
use sqlx::AnyPool;
use sqlx::{Any, Transaction};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A store in an SQL database.
#[derive(Clone, Debug)]
pub struct Database {
    sql: Arc<Sql>,
    inbox: inbox::Inbox,
}

/// What every statement needs.
#[derive(Debug)]
struct Sql {
    pool: AnyPool,
    engine: Engine,
    merge: Merge,
    /// Who writes waits here, in order, and not in the database, which makes waiting cost time.
    writing: Arc<Mutex<()>>,
}

/// A transaction that may write.
struct Writing {
    tx: Transaction<'static, Any>,
    /// Given back after the transaction ends.
    _turn: OwnedMutexGuard<()>,
}

impl Deref for Writing {
    type Target = Transaction<'static, Any>;

    fn deref(&self) -> &Self::Target {
        &self.tx
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tx
    }
}

impl Writing {
    async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

impl Sql {
    async fn write(&self) -> Result<Writing, StoreError> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        Ok(Writing { tx: self.engine.begin(&self.pool).await?, _turn: turn })
    }
}

impl Database {
    /// Opens the database of `url` (`sqlite://waypost.db`, `postgres://user@host/name`) and brings its tables up to date; a file that is
    /// not there is created. `merge` makes one job of two with the same key.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it cannot be opened or is not a database of ours.
    pub async fn open(url: &str, merge: Merge) -> Result<Self, StoreError> {
        let open_error = |cause: String| StoreError::Open { url: engine::without_password(url), cause };
        let engine = Engine::of(url).ok_or_else(|| open_error("it is neither `sqlite://` nor `postgres://`".to_owned()))?;
        let pool = engine.open(url).await?;
        engine.migrate(&pool).await.map_err(|error| open_error(error.to_string()))?;
        let sql = Arc::new(Sql { pool, engine, merge, writing: Arc::default() });
        Ok(Self { inbox: inbox::Inbox::new(Arc::clone(&sql)), sql })
    }
}

impl Store for Database {
    fn accept(&self, delivery: Delivery, jobs: Vec<NewJob>) -> Answer<'_, Accepted> {
        Box::pin(self.inbox.accept(delivery, jobs))
    }

    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        Box::pin(queue::enqueue(&self.sql, jobs))
    }

    fn claim(&self, now_ms: i64, lease_ms: i64) -> Answer<'_, Option<Claimed>> {
        Box::pin(queue::claim(&self.sql, now_ms, lease_ms))
    }

    fn renew(&self, fence: Fence, lease_until_ms: i64) -> Answer<'_, bool> {
        Box::pin(queue::renew(&self.sql, fence, lease_until_ms))
    }

    fn holds(&self, fence: Fence) -> Answer<'_, bool> {
        Box::pin(queue::holds(&self.sql, fence))
    }

    fn finish(&self, fence: Fence, end: End) -> Answer<'_, bool> {
        Box::pin(queue::finish(&self.sql, fence, end))
    }

    fn is_known(&self, guid: String) -> Answer<'_, bool> {
        Box::pin(inbox::is_known(&self.sql, guid))
    }

    fn is_busy(&self, lane: String) -> Answer<'_, bool> {
        Box::pin(queue::is_busy(&self.sql, lane))
    }

    fn is_waiting(&self, lane: String) -> Answer<'_, bool> {
        Box::pin(queue::is_waiting(&self.sql, lane))
    }

    fn blobs(&self, repository_id: u64, shas: Vec<String>) -> Answer<'_, BTreeMap<String, Arc<[u8]>>> {
        Box::pin(keep::blobs(&self.sql, repository_id, shas))
    }

    fn keep_blobs(&self, repository_id: u64, blobs: Vec<(String, Arc<[u8]>)>) -> Answer<'_, ()> {
        Box::pin(keep::keep_blobs(&self.sql, repository_id, blobs))
    }

    fn keep_review(&self, review: StoredReview) -> Answer<'_, ()> {
        Box::pin(keep::keep_review(&self.sql, review))
    }

    fn review(&self, key: ReviewKey) -> Answer<'_, Option<StoredReview>> {
        Box::pin(keep::review(&self.sql, key))
    }

    fn reviews(&self, at_most: u32) -> Answer<'_, Vec<StoredReview>> {
        Box::pin(keep::reviews(&self.sql, at_most))
    }

    fn note(&self, key: String) -> Answer<'_, Option<String>> {
        Box::pin(keep::note(&self.sql, key))
    }

    fn notes(&self, prefix: String) -> Answer<'_, Vec<Note>> {
        Box::pin(keep::notes(&self.sql, prefix))
    }

    fn keep_note(&self, key: String, value: Option<String>) -> Answer<'_, ()> {
        Box::pin(keep::keep_note(&self.sql, key, value))
    }

    fn decide(&self, record: AuditRecord, effect: Effect) -> Answer<'_, bool> {
        Box::pin(decisions::decide(&self.sql, record, effect))
    }

    fn decisions(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<StoredDecision>> {
        Box::pin(decisions::decisions(&self.sql, repository_id, number))
    }

    fn lapsed(&self, now_ms: i64) -> Answer<'_, Vec<StoredDecision>> {
        Box::pin(decisions::lapsed(&self.sql, now_ms))
    }

    fn audit(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<AuditRecord>> {
        Box::pin(decisions::audit(&self.sql, repository_id, number))
    }

    fn queue_state(&self) -> Answer<'_, QueueState> {
        Box::pin(queue::state(&self.sql))
    }

    fn tidy(&self, before_ms: i64, blob_bytes: u64) -> Answer<'_, ()> {
        Box::pin(keep::tidy(&self.sql, before_ms, blob_bytes))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.inbox.close().await;
            self.sql.pool.close().await;
            Ok(())
        })
    }
}

/// SQL has no unsigned numbers; ours never come near the sign.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back of [`signed`].
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
