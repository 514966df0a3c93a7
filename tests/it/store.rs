//! The store: one job a lane, one job a key, leases, fences. Every test runs on SQLite and on PostgreSQL.

use crate::support::on_both;
use std::sync::Arc;
use waypost::store::{Accepted, AtEnd, Database, Delivery, End, Hold, NewJob, Store, now_ms};

fn both(was: &str, new: &str) -> String {
    format!("{was}+{new}")
}

fn job(lane: &str, payload: &str) -> NewJob {
    NewJob { lane: lane.to_owned(), dedupe: lane.to_owned(), payload: payload.to_owned() }
}

fn delivery(guid: &str) -> Delivery {
    Delivery { guid: guid.to_owned(), event: "pull_request".to_owned(), body: b"{}".to_vec() }
}

async fn open(url: &str) -> Arc<dyn Store> {
    Arc::new(Database::open(url, both).await.unwrap())
}

on_both!(
    a_delivery_counts_once_until_it_fails,
    a_lane_runs_one_job_and_what_comes_meanwhile_is_one_more,
    who_lost_a_job_cannot_end_it,
    a_lost_job_gives_way_to_a_newer_one_of_its_lane_and_its_delivery_waits_for_that,
    the_blobs_used_last_are_kept,
    many_at_once_are_all_written_down_and_each_counts_once,
    what_one_replica_took_the_other_does_not_take,
    a_crowd_of_workers_never_meets_in_a_lane,
    a_claim_stands_until_it_ends,
    what_is_there_is_counted,
    what_a_job_leaves_behind_comes_with_its_end_or_not_at_all,
);

async fn a_delivery_counts_once_until_it_fails(url: String) {
    let store = open(&url).await;
    let accept = async || store.accept(delivery("a"), vec![job("1", "x")]).await.unwrap();
    assert_eq!(accept().await, Accepted::New);
    assert_eq!(accept().await, Accepted::Known);
    let claimed = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert_eq!(claimed.payload, "x", "the second was not added");
    assert_eq!(accept().await, Accepted::Known);
    assert!(store.finish(claimed.fence, End::Failed { error: "no".to_owned() }).await.unwrap());
    assert_eq!(accept().await, Accepted::Again);
    let claimed = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert!(store.finish(claimed.fence, End::Done(AtEnd::default())).await.unwrap());
    assert_eq!(accept().await, Accepted::Known);
    assert!(store.claim(now_ms(), 10_000).await.unwrap().is_none());
}

async fn a_lane_runs_one_job_and_what_comes_meanwhile_is_one_more(url: String) {
    let store = open(&url).await;
    store.enqueue(vec![job("1", "a"), job("1", "b"), job("2", "c")]).await.unwrap();
    let first = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert_eq!((first.lane.as_str(), first.payload.as_str()), ("1", "a+b"));
    store.enqueue(vec![job("1", "d"), job("1", "e")]).await.unwrap();
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().lane, "2");
    assert!(store.claim(now_ms(), 10_000).await.unwrap().is_none(), "lane 1 is busy");
    assert!(store.finish(first.fence, End::Done(AtEnd::default())).await.unwrap());
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().payload, "d+e");
}

async fn who_lost_a_job_cannot_end_it(url: String) {
    let store = open(&url).await;
    store.accept(delivery("a"), vec![job("1", "x")]).await.unwrap();
    let dead = store.claim(now_ms(), 0).await.unwrap().unwrap();
    assert!(store.claim(now_ms() - 1000, 0).await.unwrap().is_none(), "its lease has not ended by then");
    let heir = store.claim(now_ms() + 1000, 10_000).await.unwrap().unwrap();
    assert_eq!((heir.payload.as_str(), heir.attempt), ("x", 2));
    assert!(!store.renew(dead.fence, now_ms() + 10_000).await.unwrap());
    assert!(!store.finish(dead.fence, End::Failed { error: "late".to_owned() }).await.unwrap());
    assert!(store.renew(heir.fence, now_ms() + 10_000).await.unwrap());
    assert!(store.finish(heir.fence, End::Done(AtEnd::default())).await.unwrap());
    assert_eq!(store.queue_state().await.unwrap().failed, 0);
}

async fn a_lost_job_gives_way_to_a_newer_one_of_its_lane_and_its_delivery_waits_for_that(url: String) {
    let store = open(&url).await;
    store.accept(delivery("a"), vec![job("1", "old")]).await.unwrap();
    store.claim(now_ms(), 0).await.unwrap().unwrap();
    store.accept(delivery("b"), vec![job("1", "new")]).await.unwrap();
    let heir = store.claim(now_ms() + 1000, 10_000).await.unwrap().unwrap();
    assert_eq!(heir.payload, "old+new", "nothing that was asked for is forgotten");
    assert!(store.finish(heir.fence, End::Failed { error: "no".to_owned() }).await.unwrap());
    for guid in ["a", "b"] {
        assert_eq!(store.accept(delivery(guid), vec![]).await.unwrap(), Accepted::Again, "{guid}");
    }
}

async fn the_blobs_used_last_are_kept(url: String) {
    let store = open(&url).await;
    let content: Arc<[u8]> = Arc::from(vec![b'x'; 1000]);
    for sha in ["a", "b", "c"] {
        store.keep_blobs(1, vec![(sha.to_owned(), Arc::clone(&content))]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    assert_eq!(store.blobs(2, vec!["a".to_owned()]).await.unwrap().len(), 0, "another repository's blobs are its own");
    assert_eq!(store.blobs(1, vec!["a".to_owned()]).await.unwrap().len(), 1);
    store.tidy(0, 2500).await.unwrap();
    let all = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(store.blobs(1, all).await.unwrap().into_keys().collect::<Vec<_>>(), ["a", "c"]);
}

async fn many_at_once_are_all_written_down_and_each_counts_once(url: String) {
    let store = open(&url).await;
    let accept = |at: usize| {
        let store = Arc::clone(&store);
        // Each of the hundred comes three times, and they share seven pull requests.
        tokio::spawn(
            async move { store.accept(delivery(&format!("guid-{}", at % 100)), vec![job(&format!("{}", at % 100 % 7), "x")]).await.unwrap() },
        )
    };
    let all: Vec<_> = (0..300).map(accept).collect();
    let mut new = 0;
    for accepted in all {
        new += usize::from(accepted.await.unwrap() == Accepted::New);
    }
    let state = store.queue_state().await.unwrap();
    assert_eq!((new, state.deliveries, state.queued, state.dropped), (100, 100, 7, 0));
    while let Some(claimed) = store.claim(now_ms(), 10_000).await.unwrap() {
        assert!(store.finish(claimed.fence, End::Done(AtEnd::default())).await.unwrap());
    }
    let state = store.queue_state().await.unwrap();
    assert_eq!((state.oldest_outstanding_ms, state.queued, state.dropped), (None, 0, 0));
}

async fn what_one_replica_took_the_other_does_not_take(url: String) {
    let (one, two) = (open(&url).await, open(&url).await);
    let first = delivery("a");
    let (here, there) = tokio::join!(one.accept(first.clone(), vec![job("1", "x")]), two.accept(first, vec![job("1", "x")]));
    let mut both = [here.unwrap(), there.unwrap()];
    both.sort_by_key(|accepted| *accepted == Accepted::Known);
    assert_eq!(both, [Accepted::New, Accepted::Known]);
    let (here, there) = tokio::join!(one.claim(now_ms(), 10_000), two.claim(now_ms(), 10_000));
    let claims: Vec<_> = [here.unwrap(), there.unwrap()].into_iter().flatten().collect();
    assert_eq!(claims.len(), 1);
    // The other one ends it, as a replica that took the job over would.
    assert!(two.finish(claims[0].fence, End::Done(AtEnd::default())).await.unwrap());
    assert!(!one.renew(claims[0].fence, now_ms() + 10_000).await.unwrap());
}

async fn a_crowd_of_workers_never_meets_in_a_lane(url: String) {
    use std::sync::atomic::{AtomicU32, Ordering};
    let busy: Arc<Vec<AtomicU32>> = Arc::new((0..5).map(|_| AtomicU32::new(0)).collect());
    let done = Arc::new(AtomicU32::new(0));
    let stores = [open(&url).await, open(&url).await];
    for at in 0..60 {
        let lane = format!("{}", at % 5);
        stores[0].enqueue(vec![NewJob { lane, dedupe: format!("job {at}"), payload: String::new() }]).await.unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|at| {
            let (store, busy, done) = (Arc::clone(&stores[at % 2]), Arc::clone(&busy), Arc::clone(&done));
            tokio::spawn(async move {
                while let Some(claimed) = store.claim(now_ms(), 60_000).await.unwrap() {
                    let lane = &busy[claimed.lane.parse::<usize>().unwrap()];
                    assert_eq!(lane.fetch_add(1, Ordering::SeqCst), 0, "two in one lane");
                    tokio::task::yield_now().await;
                    lane.fetch_sub(1, Ordering::SeqCst);
                    assert!(store.finish(claimed.fence, End::Done(AtEnd::default())).await.unwrap());
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    // A worker that finds every lane busy goes home, so there may be work left, but none of it was done twice.
    let left = stores[1].queue_state().await.unwrap();
    assert_eq!((u64::from(done.load(Ordering::SeqCst)) + left.queued, left.running), (60, 0));
}

async fn a_claim_stands_until_it_ends(url: String) {
    let store = open(&url).await;
    store.enqueue(vec![job("1", "x")]).await.unwrap();
    let claimed = store.claim(now_ms(), 60_000).await.unwrap().unwrap();
    let hold = Hold::new(Arc::clone(&store), claimed.fence);
    assert!(hold.stands().await.unwrap());
    assert!(store.is_busy("1".to_owned()).await.unwrap());
    let heir = store.claim(now_ms() + 120_000, 240_000).await.unwrap().unwrap();
    assert!(!hold.stands().await.unwrap(), "another has taken it over");
    assert!(Hold::new(Arc::clone(&store), heir.fence).stands().await.unwrap());
    assert!(store.finish(heir.fence, End::Done(AtEnd::default())).await.unwrap());
    assert!(!Hold::new(Arc::clone(&store), heir.fence).stands().await.unwrap());
    assert!(!store.is_busy("1".to_owned()).await.unwrap());
}

async fn what_is_there_is_counted(url: String) {
    let store = open(&url).await;
    assert!(!store.is_known("a".to_owned()).await.unwrap());
    store.accept(delivery("a"), vec![job("1", "x")]).await.unwrap();
    store.accept(delivery("b"), vec![]).await.unwrap();
    assert!(store.is_known("a".to_owned()).await.unwrap());
    let state = store.queue_state().await.unwrap();
    assert_eq!((state.deliveries, state.queued, state.running, state.dropped), (2, 1, 0, 0));
    assert!(state.oldest_outstanding_ms.is_some_and(|at| at <= now_ms()) && state.oldest_queued_ms.is_some());
    let claimed = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert!(store.finish(claimed.fence, End::Failed { error: "no".to_owned() }).await.unwrap());
    assert!(!store.is_known("a".to_owned()).await.unwrap(), "a delivery that was given up is wanted again");
    let state = store.queue_state().await.unwrap();
    assert_eq!((state.failed, state.oldest_outstanding_ms, state.dropped), (1, None, 0));
    for (key, value) in [("open:1", "a"), ("open:2", "b"), ("other", "c")] {
        store.keep_note(key.to_owned(), Some(value.to_owned())).await.unwrap();
    }
    let notes = store.notes("open:".to_owned()).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    store.keep_note("open:1".to_owned(), None).await.unwrap();
    assert_eq!(store.note("open:1".to_owned()).await.unwrap(), None);
}

async fn what_a_job_leaves_behind_comes_with_its_end_or_not_at_all(url: String) {
    let store = open(&url).await;
    store.keep_note("open".to_owned(), Some("x".to_owned())).await.unwrap();
    store.enqueue(vec![job("1", "first")]).await.unwrap();
    let dead = store.claim(now_ms(), 0).await.unwrap().unwrap();
    let heir = store.claim(now_ms() + 1000, 10_000).await.unwrap().unwrap();
    let at_end = || AtEnd { forget: vec!["open".to_owned()], jobs: vec![job("2", "second"), job("2", "third"), job("3", "fourth")] };
    assert!(!store.finish(dead.fence, End::Done(at_end())).await.unwrap());
    assert_eq!((store.note("open".to_owned()).await.unwrap().as_deref(), store.queue_state().await.unwrap().queued), (Some("x"), 0));
    assert!(store.finish(heir.fence, End::Done(at_end())).await.unwrap());
    assert_eq!(store.note("open".to_owned()).await.unwrap(), None);
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().payload, "second+third");
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().payload, "fourth");
}
