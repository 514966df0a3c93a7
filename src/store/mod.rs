//! What must survive a restart: deliveries, jobs, file contents, reviews. SQLite, or PostgreSQL for several
//! replicas: [`Database`]; [`Store`] is what the rest of the house sees of it.
//!
//! The surprising thing: the database itself, not the code around it, forbids two running jobs in one lane and two queued jobs with one
//! key (two partial unique indices). A worker that lost its lease is told so by its [`Fence`].

#![forbid(unsafe_code)]

mod clock;
mod decisions;
mod hold;
mod sql;
mod types;

pub use clock::now_ms;
pub use decisions::{AuditRecord, Effect, StoredDecision};
pub use hold::Hold;
pub use sql::Database;
pub use types::{Accepted, AtEnd, Claimed, Delivery, End, Fence, JobId, Merge, NewJob, Note, QueueState, ReviewKey, StoreError, StoredReview};

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// What a method of [`Store`] returns: a future that can be awaited on any thread.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Everything that survives a restart. Each method is one transaction; all fail with [`StoreError`] only when the database does.
pub trait Store: fmt::Debug + Send + Sync {
    /// Writes a delivery and its jobs down. Once this returns, the work is not lost.
    fn accept(&self, delivery: Delivery, jobs: Vec<NewJob>) -> Answer<'_, Accepted>;

    /// Adds jobs that no delivery asked for.
    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, ()>;

    /// Takes the oldest job that is due and whose lane is free, for `lease_ms` from `now_ms`. A job whose lease ran out is due again.
    fn claim(&self, now_ms: i64, lease_ms: i64) -> Answer<'_, Option<Claimed>>;

    /// Extends a lease; `false` when the job was lost to someone else, whose work must not be disturbed.
    fn renew(&self, fence: Fence, lease_until_ms: i64) -> Answer<'_, bool>;

    /// Returns whether a claim still stands: nobody else has taken the job, and the lease has not ended.
    fn holds(&self, fence: Fence) -> Answer<'_, bool>;

    /// Ends a claim; `false` as in [`Store::renew`].
    fn finish(&self, fence: Fence, end: End) -> Answer<'_, bool>;

    /// Returns whether a delivery was written down and not given up.
    fn is_known(&self, guid: String) -> Answer<'_, bool>;

    /// Returns whether a lane has work that waits or runs.
    fn is_busy(&self, lane: String) -> Answer<'_, bool>;

    /// Returns whether work in this lane waits, for whoever works there to make room for it.
    fn is_waiting(&self, lane: String) -> Answer<'_, bool>;

    /// Returns those of these file contents that are known, by object id.
    fn blobs(&self, repository_id: u64, shas: Vec<String>) -> Answer<'_, BTreeMap<String, Arc<[u8]>>>;

    /// Keeps file contents.
    fn keep_blobs(&self, repository_id: u64, blobs: Vec<(String, Arc<[u8]>)>) -> Answer<'_, ()>;

    /// Keeps the review of a pull request in place of the one before.
    fn keep_review(&self, review: StoredReview) -> Answer<'_, ()>;

    /// Returns the last review of a pull request.
    fn review(&self, key: ReviewKey) -> Answer<'_, Option<StoredReview>>;

    /// Returns the newest reviews, the newest first.
    fn reviews(&self, at_most: u32) -> Answer<'_, Vec<StoredReview>>;

    /// Returns a small fact.
    fn note(&self, key: String) -> Answer<'_, Option<String>>;

    /// Returns the small facts whose keys begin so, in order.
    fn notes(&self, prefix: String) -> Answer<'_, Vec<Note>>;

    /// Keeps a small fact; `None` forgets it.
    fn keep_note(&self, key: String, value: Option<String>) -> Answer<'_, ()>;

    /// Writes a decision down with its record; `false` where that source was written down before, and then nothing is changed.
    fn decide(&self, record: AuditRecord, effect: Effect) -> Answer<'_, bool>;

    /// Returns the decisions about a pull request, the oldest first, also those that have lapsed and are not cleared away yet.
    fn decisions(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<StoredDecision>>;

    /// Returns decisions that have lapsed, of all pull requests.
    fn lapsed(&self, now_ms: i64) -> Answer<'_, Vec<StoredDecision>>;

    /// Returns the record of a pull request, the oldest first.
    fn audit(&self, repository_id: u64, number: u64) -> Answer<'_, Vec<AuditRecord>>;

    /// Returns how much work there is.
    fn queue_state(&self) -> Answer<'_, QueueState>;

    /// Forgets finished deliveries and jobs received before `before_ms`, and file contents beyond `blob_bytes` in all.
    fn tidy(&self, before_ms: i64, blob_bytes: u64) -> Answer<'_, ()>;

    /// Ends what is under way and lets go of the database.
    fn close(&self) -> Answer<'_, ()>;
}
