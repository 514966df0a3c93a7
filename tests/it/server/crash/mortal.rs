//! A server that can be killed at a step of one's choice.

use crate::support::rig::Rig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};
use waypost::server::{MERGE, Running, Settings, start_on};
use waypost::standin::Moment;
use waypost::store::{
    Accepted, Answer, AuditRecord, Claimed, Database, Delivery, Effect, End, Fence, NewJob, Note, QueueState, ReviewKey, Store, StoredDecision,
    StoredReview,
};

/// How long the jobs of a server that was killed are still its own.
pub(super) const LEASE: Duration = Duration::from_millis(250);

/// Where the server is killed.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Statement(usize),
    Request(usize, Moment),
}

/// A store that at one statement tells so and never goes on.
#[derive(Debug)]
struct Tripping {
    inner: Database,
    left: AtomicUsize,
    tell: Mutex<Option<oneshot::Sender<()>>>,
}

impl Tripping {
    async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            if let Some(tell) = self.tell.lock().await.take() {
                tell.send(()).unwrap_or_default();
            }
            std::future::pending::<()>().await;
        }
    }
}

macro_rules! tripping {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl Store for Tripping {
            $(fn $name(&self, $($argument: $kind),*) -> Answer<'_, $answer> {
                Box::pin(async move {
                    self.step().await;
                    self.inner.$name($($argument),*).await
                })
            })*
        }
    };
}

tripping! {
    accept(delivery: Delivery, jobs: Vec<NewJob>) -> Accepted;
    enqueue(jobs: Vec<NewJob>) -> ();
    claim(now_ms: i64, lease_ms: i64) -> Option<Claimed>;
    renew(fence: Fence, lease_until_ms: i64) -> bool;
    holds(fence: Fence) -> bool;
    finish(fence: Fence, end: End) -> bool;
    is_known(guid: String) -> bool;
    is_busy(lane: String) -> bool;
    is_waiting(lane: String) -> bool;
    blobs(repository_id: u64, shas: Vec<String>) -> BTreeMap<String, Arc<[u8]>>;
    keep_blobs(repository_id: u64, blobs: Vec<(String, Arc<[u8]>)>) -> ();
    keep_review(review: StoredReview) -> ();
    review(key: ReviewKey) -> Option<StoredReview>;
    reviews(at_most: u32) -> Vec<StoredReview>;
    note(key: String) -> Option<String>;
    notes(prefix: String) -> Vec<Note>;
    keep_note(key: String, value: Option<String>) -> ();
    decide(record: AuditRecord, effect: Effect) -> bool;
    decisions(repository_id: u64, number: u64) -> Vec<StoredDecision>;
    lapsed(now_ms: i64) -> Vec<StoredDecision>;
    audit(repository_id: u64, number: u64) -> Vec<AuditRecord>;
    queue_state() -> QueueState;
    tidy(before_ms: i64, blob_bytes: u64) -> ();
    close() -> ();
}

/// A server on a runtime of its own, which ends as a process does: no task gets any further.
pub(super) struct Mortal {
    runtime: tokio::runtime::Runtime,
    running: Running,
    told: oneshot::Receiver<()>,
}

impl Mortal {
    /// Starts a server that comes no further than `at`.
    pub(super) async fn start(rig: &Rig, mut settings: Settings, at: At) -> Self {
        settings.lease = LEASE;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (tell, mut told) = oneshot::channel();
        let mut tell = Some(tell);
        let left = match at {
            At::Statement(left) => left,
            At::Request(left, moment) => {
                told = rig.standin.trip(left, moment);
                tell = None;
                usize::MAX
            }
        };
        let started = runtime.spawn(async move {
            let inner = Database::open(&settings.database_url, MERGE).await.unwrap();
            let store = Tripping { inner, left: AtomicUsize::new(left), tell: Mutex::new(tell) };
            start_on(settings, Arc::new(store)).await.unwrap()
        });
        let running = started.await.unwrap();
        Self { runtime, running, told }
    }

    pub(super) fn webhook(&self) -> String {
        format!("http://{}/webhook", self.running.address)
    }

    /// Waits until it came to its step, or until `instead` is over. Returns whether it did, and kills it in any case.
    pub(super) async fn killed(mut self, rig: &Rig, instead: impl Future<Output = ()>) -> bool {
        let died = tokio::select! {
            told = &mut self.told => told.is_ok(),
            () = instead => false,
        };
        self.runtime.shutdown_background();
        // Kept until now: a server that nobody holds stops in good order.
        drop(self.running);
        rig.standin.untrip();
        died
    }
}
