//! Deliveries: nothing lost, nothing twice, nothing forged.

use crate::standin::client;
use crate::support::rig::{REPOSITORY, Rig, shop};
use std::time::Duration;
use waypost::github::webhook::sign;
use waypost::server::Settings;
use waypost::store::{Database, ReviewKey, Store};

async fn deliveries_kept(settings: &Settings) -> u64 {
    let store = Database::open(&settings.database_url, |_, new| new.to_owned()).await.unwrap();
    let state = store.queue_state().await.unwrap();
    store.close().await.unwrap();
    state.deliveries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_reviewed_once_and_a_redelivery_changes_nothing() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let check = rig.concluded(number).await;
    assert_eq!(check.name, "waypost");
    rig.quiet().await;
    let comments = rig.ours(number);
    assert_eq!(comments.len(), 1, "{comments:?}");

    let before = rig.standin.requests().len();
    for delivery in rig.standin.deliveries() {
        assert!(rig.standin.redeliver(&delivery.guid));
    }
    rig.quiet().await;
    assert_eq!(rig.standin.requests().len(), before, "a redelivery of what is done needs no request");
    assert_eq!(rig.checks(number).len(), 1);
    assert_eq!(rig.ours(number), comments);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_brings_a_new_check_and_the_same_comment() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let first = rig.ours(number);
    let before = rig.standin.requests().len();
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    rig.concluded(number).await;
    rig.quiet().await;
    let second = rig.ours(number);
    assert_eq!(first.iter().map(|comment| comment.id).collect::<Vec<_>>(), second.iter().map(|comment| comment.id).collect::<Vec<_>>());
    let reads = rig.standin.requests().into_iter().skip(before).filter(|line| line.method == "GET").collect::<Vec<_>>();
    assert!(reads.len() <= 6, "a review of a push that changed one file reads at most six times: {reads:#?}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_touches_no_traffic_gets_a_check_and_no_comment() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let mut files = shop("10.20.1.11");
    files.insert("README.md".to_owned(), "Another edge.\n".into());
    let number = rig.open(&files);
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    assert_eq!(rig.ours(number), []);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_delivery_is_refused_and_leaves_no_trace() {
    let rig = Rig::new().await;
    let settings = rig.settings();
    let running = rig.serve(settings.clone()).await;
    let url = format!("http://{}/webhook", running.address);
    let body = r#"{"action":"opened"}"#;
    let good = sign(&rig.standin.webhook_secret.clone().into(), body.as_bytes());
    let other = sign(&"another secret".into(), body.as_bytes());
    let headers = |signature| [("x-github-event", "pull_request"), ("x-github-delivery", "a-guid"), ("x-hub-signature-256", signature)];
    for forged in [other.as_str(), "", "sha256=", good.strip_prefix("sha256=").unwrap()] {
        assert_eq!(client::send("POST", &url, &headers(forged), body.to_owned()).await.unwrap().status, 401, "{forged}");
    }
    assert_eq!(client::send("POST", &url, &headers(&good)[..2], body.to_owned()).await.unwrap().status, 401);
    assert_eq!(client::send("POST", &url, &headers(&good), format!("{body} ")).await.unwrap().status, 401);
    assert_eq!(deliveries_kept(&settings).await, 0);
    // The same, rightly signed, is kept although it is not understood.
    assert_eq!(client::send("POST", &url, &headers(&good), body.to_owned()).await.unwrap().status, 202);
    assert_eq!(deliveries_kept(&settings).await, 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_before_a_stop_is_done_after_it() {
    let rig = Rig::new().await;
    let mut deaf = rig.settings();
    deaf.workers = 0;
    let running = rig.serve(deaf).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.until("the delivery to be accepted", || rig.standin.deliveries().iter().all(|delivery| delivery.status == 202).then_some(())).await;
    rig.quiet().await;
    assert_eq!(rig.checks(number), []);
    // Not shut down: dropped, as a killed process is.
    drop(running);
    let running = rig.serve(rig.settings()).await;
    rig.concluded(number).await;
    rig.quiet().await;
    assert_eq!(rig.checks(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_a_stopped_server_left_open_is_concluded_by_the_next() {
    let rig = Rig::new().await;
    let settings = rig.settings();
    // A server that takes the job, opens the check, and is stopped before it gets any further.
    rig.standin.fail("GET", "/compare/", 1, waypost::standin::Fault::Slow(2_000));
    let mut dying = settings.clone();
    dying.grace = Duration::ZERO;
    let running = rig.serve(dying).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.until("the check to be in progress", || rig.checks(number).pop().filter(|check| check.status == "in_progress")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.shutdown().await;
    let running = rig.serve(settings.clone()).await;
    rig.concluded(number).await;
    rig.quiet().await;
    assert_eq!(rig.checks(number).len(), 1, "the check that was left open is the one that is concluded");
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
    let store = Database::open(&settings.database_url, |_, new| new.to_owned()).await.unwrap();
    let name = ReviewKey::Name { owner: "ACME".to_owned(), name: "edge".to_owned(), number };
    assert_eq!(store.review(name).await.unwrap().unwrap().head_sha, rig.standin.head(REPOSITORY, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_pushes_while_nobody_looks_are_one_review() {
    let rig = Rig::new().await;
    let mut deaf = rig.settings();
    deaf.workers = 0;
    let running = rig.serve(deaf).await;
    let number = rig.open(&shop("10.20.1.15"));
    for host in 1..10 {
        rig.standin.push(REPOSITORY, "change", &shop(&format!("10.20.1.1{host}")), "Try another");
    }
    rig.quiet().await;
    running.shutdown().await;
    let running = rig.serve(rig.settings()).await;
    rig.concluded(number).await;
    rig.quiet().await;
    let made = rig.standin.requests().into_iter().filter(|line| line.method == "POST" && line.path.ends_with("/check-runs")).count();
    assert_eq!(made, 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_for_again_the_check_is_made_again() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let first = rig.concluded(number).await;
    rig.quiet().await;
    assert!(rig.standin.rerequest(REPOSITORY, first.id));
    rig.until("a second check", || rig.checks(number).into_iter().find(|check| check.id != first.id && check.conclusion.is_some())).await;
    assert!(rig.standin.rerequest_suite(REPOSITORY, number));
    rig.until("a third check", || (rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count() == 3).then_some(())).await;
    rig.quiet().await;
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}
