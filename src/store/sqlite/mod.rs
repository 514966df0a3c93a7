//! The store in one SQLite file.
//!
//! Write-ahead log, so that pages are read while a delivery is written. Every writing transaction begins with `BEGIN IMMEDIATE`: a
//! transaction that first reads and then wants to write fails at once when another writer was faster, whatever the busy timeout.

mod decisions;
mod inbox;
mod keep;
mod queue;

use super::{
    Accepted, Answer, AuditRecord, Claimed, Delivery, Effect, End, Fence, Merge, NewJob, QueueState, ReviewKey, Store, StoreError, StoredDecision,
    StoredReview,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite as Db, Transaction};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Connections: one writes, the others read. Each costs about a megabyte.
const CONNECTIONS: u32 = 3;

/// The steps from an empty file to today's tables. Only ever added to.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_inbox.sql"), include_str!("../migrations/0002_decisions.sql")];

/// A store in an SQLite file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    pool: SqlitePool,
    merge: Merge,
}

impl Sqlite {
    /// Opens the file of `url` (`sqlite://waypost.db`), creates it where it is not there, and brings its tables up to date.
    /// `merge` makes one job of two with the same key.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file cannot be opened or is not a database of ours.
    pub async fn open(url: &str, merge: Merge) -> Result<Self, StoreError> {
        let open_error = |cause: String| StoreError::Open { url: url.to_owned(), cause };
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| open_error(error.to_string()))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a power cut after 202 must not lose the delivery.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .pragma("cache_size", "-1024");
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(1)
            .idle_timeout(Duration::from_mins(1))
            .acquire_timeout(Duration::from_secs(20))
            .connect_with(options)
            .await
            .map_err(|error| open_error(words(&error)))?;
        let store = Self { pool, merge };
        store.migrate().await.map_err(|error| open_error(error.to_string()))?;
        Ok(store)
    }

    /// Brings the tables up to date: each step once, counted in the file's `user_version`.
    async fn migrate(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let done: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
        for step in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or(usize::MAX)) {
            sqlx::raw_sql(*step).execute(&mut *tx).await?;
        }
        let version = format!("PRAGMA user_version = {}", signed(MIGRATIONS.len() as u64).max(done));
        sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes what is in memory to the file and closes it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Returns a transaction that may write.
    async fn write(&self) -> Result<Transaction<'static, Db>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

impl Store for Sqlite {
    fn accept(&self, delivery: Delivery, jobs: Vec<NewJob>) -> Answer<'_, Accepted> {
        Box::pin(inbox::accept(self, delivery, jobs))
    }

    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        Box::pin(queue::enqueue(self, jobs))
    }

    fn claim(&self, now_ms: i64, lease_ms: i64) -> Answer<'_, Option<Claimed>> {
        Box::pin(queue::claim(self, now_ms, lease_ms))
    }

    fn renew(&self, fence: Fence, lease_until_ms: i64) -> Answer<'_, bool> {
        Box::pin(queue::renew(self, fence, lease_until_ms))
    }

    fn finish(&self, fence: Fence, end: End) -> Answer<'_, bool> {
        Box::pin(queue::finish(self, fence, end))
    }

    fn blobs(&self, repository_id: u64, shas: Vec<String>) -> Answer<'_, BTreeMap<String, Arc<[u8]>>> {
        Box::pin(keep::blobs(self, repository_id, shas))
    }

    fn keep_blobs(&self, repository_id: u64, blobs: Vec<(String, Arc<[u8]>)>) -> Answer<'_, ()> {
        Box::pin(keep::keep_blobs(self, repository_id, blobs))
    }

    fn keep_review(&self, review: StoredReview) -> Answer<'_, ()> {
        Box::pin(keep::keep_review(self, review))
    }

    fn review(&self, key: ReviewKey) -> Answer<'_, Option<StoredReview>> {
        Box::pin(keep::review(self, key))
    }

    fn reviews(&self, at_most: u32) -> Answer<'_, Vec<StoredReview>> {
        Box::pin(keep::reviews(self, at_most))
    }

    fn note(&self, key: String) -> Answer<'_, Option<String>> {
        Box::pin(keep::note(self, key))
    }

    fn keep_note(&self, key: String, value: Option<String>) -> Answer<'_, ()> {
        Box::pin(keep::keep_note(self, key, value))
    }

    fn decide(&self, record: AuditRecord, effect: Effect) -> Answer<'_, bool> {
        Box::pin(decisions::decide(self, record, effect))
    }

    fn decisions(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<StoredDecision>> {
        Box::pin(decisions::decisions(self, repository_id, number))
    }

    fn lapsed(&self, now_ms: i64) -> Answer<'_, Vec<StoredDecision>> {
        Box::pin(decisions::lapsed(self, now_ms))
    }

    fn audit(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<AuditRecord>> {
        Box::pin(decisions::audit(self, repository_id, number))
    }

    fn queue_state(&self) -> Answer<'_, QueueState> {
        Box::pin(queue::state(self))
    }

    fn tidy(&self, before_ms: i64, blob_bytes: u64) -> Answer<'_, ()> {
        Box::pin(keep::tidy(self, before_ms, blob_bytes))
    }
}

/// Returns what the database says, without the codes around it.
fn words(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

/// SQLite has no unsigned numbers; ours never come near the sign.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back of [`signed`].
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
