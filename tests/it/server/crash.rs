//! The server is killed at every step between a delivery and its last write, and started again on the same database: one concluded check,
//! one comment, nothing lost. The steps are counted, not slept for: each statement of the store, each request before it is carried out and
//! after, one run each.

use crate::support::rig::{REPOSITORY, Rig, shop};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};
use waypost::server::{MERGE, Reconcile, Running, Settings, start_on};
use waypost::standin::{Moment, NewPull};
use waypost::store::{
    Accepted, Answer, AuditRecord, Claimed, Database, Delivery, Effect, End, Fence, NewJob, Note, QueueState, ReviewKey, Store, StoredDecision,
    StoredReview,
};

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

/// Where the server is killed.
#[derive(Clone, Copy, Debug)]
enum At {
    Statement(usize),
    Request(usize, Moment),
}

fn settings(rig: &Rig) -> Settings {
    let mut settings = rig.settings();
    settings.lease = Duration::from_millis(250);
    settings.workers = 1;
    settings
}

/// Starts a server on a runtime of its own, which can be ended as a process is: no task gets any further.
async fn start_mortal(settings: Settings, statement: usize) -> (tokio::runtime::Runtime, Running, oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (tell, told) = oneshot::channel();
    let started = runtime.spawn(async move {
        let inner = Database::open(&settings.database_url, MERGE).await.unwrap();
        let store = Tripping { inner, left: AtomicUsize::new(statement), tell: Mutex::new(Some(tell)) };
        start_on(settings, Arc::new(store)).await.unwrap()
    });
    let running = started.await.unwrap();
    (runtime, running, told)
}

/// Opens a pull request, kills the server there, starts another and checks what it comes to. Returns whether it came that far.
async fn killed_at(rig: &Rig, at: At) -> bool {
    let statement = if let At::Statement(left) = at { left } else { usize::MAX };
    let (mortal, running, mut told) = start_mortal(settings(rig), statement).await;
    if let At::Request(left, moment) = at {
        told = rig.standin.trip(left, moment);
    }
    rig.standin.set_webhook_url(&format!("http://{}/webhook", running.address));
    let branch = format!("{at:?}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    rig.standin.push(REPOSITORY, &branch, &shop("10.20.1.15"), &branch);
    let number = rig.standin.open_pull_request(REPOSITORY, &NewPull { head: &branch, base: "main", title: "Change", body: "" });
    let reader = Database::open(&rig.settings().database_url, MERGE).await.unwrap();
    let died = tokio::select! {
        told = &mut told => told.is_ok(),
        () = settled(rig, &reader, number, at) => false,
    };
    mortal.shutdown_background();
    // Kept until now: a server that nobody holds stops in good order.
    drop(running);
    rig.standin.untrip();
    let mut immortal = settings(rig);
    immortal.reconcile = Some(Reconcile::default());
    let running = rig.serve(immortal).await;
    settled(rig, &reader, number, at).await;
    let checks = rig.checks(number);
    assert_eq!(checks.len(), 1, "killed at {at:?}: {checks:#?}");
    assert_eq!((checks[0].status.as_str(), checks[0].conclusion.as_deref()), ("completed", Some("failure")), "killed at {at:?}");
    assert_eq!(rig.ours(number).len(), 1, "killed at {at:?}: {:#?}", rig.ours(number));
    running.shutdown().await;
    let state = reader.queue_state().await.unwrap();
    assert_eq!((state.dropped, state.failed), (0, 0), "killed at {at:?}");
    reader.close().await.unwrap();
    died
}

/// Waits until every delivery was taken in, nothing is left to do, and the pull request has its comment.
async fn settled(rig: &Rig, store: &Database, number: u64, at: At) {
    for _ in 0..3000 {
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mut all_known = true;
        for delivery in rig.standin.deliveries() {
            all_known &= delivery.done && store.is_known(delivery.guid).await.unwrap();
        }
        let state = store.queue_state().await.unwrap();
        let open = store.notes("open-run:".to_owned()).await.unwrap();
        if all_known && state.queued + state.running == 0 && open.is_empty() && !rig.ours(number).is_empty() {
            return;
        }
    }
    panic!("killed at {at:?}, it does not settle: {:#?} {:#?}", store.queue_state().await, rig.checks(number));
}

/// Kills at each of these until one is not reached any more. Returns how many there were.
async fn kill_everywhere(at: impl Fn(usize) -> At) -> usize {
    let rig = Rig::new().await;
    for step in 0..200 {
        if !killed_at(&rig, at(step)).await {
            return step;
        }
    }
    panic!("there is no end of steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_statement_of_the_store_it_comes_to_the_same() {
    let steps = kill_everywhere(At::Statement).await;
    assert!(steps >= 15, "only {steps} statements were met");
    println!("killed at {steps} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_request_it_comes_to_the_same() {
    let steps = kill_everywhere(|left| At::Request(left, Moment::Before)).await;
    assert!(steps >= 8, "only {steps} requests were met");
    println!("killed before {steps} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_request_was_carried_out_it_comes_to_the_same() {
    let steps = kill_everywhere(|left| At::Request(left, Moment::After)).await;
    assert!(steps >= 8, "only {steps} requests were met");
    println!("killed after {steps} requests");
}
