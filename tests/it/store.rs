//! The store: one job a lane, one job a key, leases, fences.

use crate::support::rig::Rig;
use std::sync::Arc;
use waypost::store::{Accepted, Delivery, End, NewJob, Sqlite, Store, now_ms};

fn both(was: &str, new: &str) -> String {
    format!("{was}+{new}")
}

fn job(lane: &str, payload: &str) -> NewJob {
    NewJob { lane: lane.to_owned(), dedupe: lane.to_owned(), payload: payload.to_owned() }
}

fn delivery(guid: &str) -> Delivery {
    Delivery { guid: guid.to_owned(), event: "pull_request".to_owned(), body: b"{}".to_vec() }
}

async fn store() -> (Rig, Sqlite) {
    let rig = Rig::new().await;
    let store = Sqlite::open(&rig.settings().database_url, both).await.unwrap();
    (rig, store)
}

#[tokio::test]
async fn a_delivery_counts_once_until_it_fails() {
    let (_rig, store) = store().await;
    let accept = async || store.accept(delivery("a"), vec![job("1", "x")]).await.unwrap();
    assert_eq!(accept().await, Accepted::New);
    assert_eq!(accept().await, Accepted::Known);
    let claimed = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert_eq!(claimed.payload, "x", "the second was not added");
    assert_eq!(accept().await, Accepted::Known);
    assert!(store.finish(claimed.fence, End::Failed { error: "no".to_owned() }).await.unwrap());
    assert_eq!(accept().await, Accepted::Again);
    let claimed = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert!(store.finish(claimed.fence, End::Done).await.unwrap());
    assert_eq!(accept().await, Accepted::Known);
    assert!(store.claim(now_ms(), 10_000).await.unwrap().is_none());
}

#[tokio::test]
async fn a_lane_runs_one_job_and_what_comes_meanwhile_is_one_more() {
    let (_rig, store) = store().await;
    store.enqueue(vec![job("1", "a"), job("1", "b"), job("2", "c")]).await.unwrap();
    let first = store.claim(now_ms(), 10_000).await.unwrap().unwrap();
    assert_eq!((first.lane.as_str(), first.payload.as_str()), ("1", "a+b"));
    store.enqueue(vec![job("1", "d"), job("1", "e")]).await.unwrap();
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().lane, "2");
    assert!(store.claim(now_ms(), 10_000).await.unwrap().is_none(), "lane 1 is busy");
    assert!(store.finish(first.fence, End::Done).await.unwrap());
    assert_eq!(store.claim(now_ms(), 10_000).await.unwrap().unwrap().payload, "d+e");
}

#[tokio::test]
async fn who_lost_a_job_cannot_end_it() {
    let (_rig, store) = store().await;
    store.accept(delivery("a"), vec![job("1", "x")]).await.unwrap();
    let dead = store.claim(now_ms(), 0).await.unwrap().unwrap();
    assert!(store.claim(now_ms() - 1000, 0).await.unwrap().is_none(), "its lease has not ended by then");
    let heir = store.claim(now_ms() + 1000, 10_000).await.unwrap().unwrap();
    assert_eq!((heir.payload.as_str(), heir.attempt), ("x", 2));
    assert!(!store.renew(dead.fence, now_ms() + 10_000).await.unwrap());
    assert!(!store.finish(dead.fence, End::Failed { error: "late".to_owned() }).await.unwrap());
    assert!(store.renew(heir.fence, now_ms() + 10_000).await.unwrap());
    assert!(store.finish(heir.fence, End::Done).await.unwrap());
    assert_eq!(store.queue_state().await.unwrap().failed, 0);
}

#[tokio::test]
async fn a_lost_job_gives_way_to_a_newer_one_of_its_lane_and_its_delivery_waits_for_that() {
    let (_rig, store) = store().await;
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

#[tokio::test]
async fn the_blobs_used_last_are_kept() {
    let (_rig, store) = store().await;
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
