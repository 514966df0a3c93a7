//! Deliveries in any order, some twice, some not at all, and one look around: it comes to the same.

use crate::standin::client;
use crate::support::random::Random;
use crate::support::rig::{REPOSITORY, Rig, shop};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use waypost::github::webhook::sign;
use waypost::server::{MERGE, Reconcile};
use waypost::standin::NewPull;
use waypost::store::{Database, Store};

/// A delivery: guid, event, body.
type Caught = (String, String, String);

/// Takes deliveries in and does nothing about them. Returns where, and what it caught.
async fn catch() -> (String, Arc<Mutex<Vec<Caught>>>) {
    let caught: Arc<Mutex<Vec<Caught>>> = Arc::default();
    let into = Arc::clone(&caught);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        let body = String::from_utf8(body.to_vec()).unwrap();
        into.lock().unwrap().push((header("x-github-delivery"), header("x-github-event"), body));
        StatusCode::ACCEPTED
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/webhook", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, caught)
}

/// What people do in this story. Returns the pull requests that are open at its end.
fn story(rig: &Rig) -> Vec<u64> {
    let first = rig.open(&shop("10.20.1.12"));
    rig.standin.push(REPOSITORY, "other", &shop("10.20.1.15"), "Other");
    let second = rig.standin.open_pull_request(REPOSITORY, &NewPull { head: "other", base: "main", title: "Other", body: "" });
    rig.standin.set_draft(REPOSITORY, second, true);
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Worse");
    rig.standin.close(REPOSITORY, first);
    rig.standin.push(REPOSITORY, "other", &shop("10.20.1.12"), "Better");
    rig.standin.reopen(REPOSITORY, first);
    rig.standin.push(REPOSITORY, "other", &shop("10.20.1.17"), "Worse again");
    rig.standin.set_draft(REPOSITORY, second, false);
    vec![first, second]
}

async fn idle(rig: &Rig, url: &str) {
    let store = Database::open(url, MERGE).await.unwrap();
    rig.quiet().await;
    for _ in 0..1000 {
        let state = store.queue_state().await.unwrap();
        if state.queued + state.running == 0 {
            assert_eq!((state.dropped, state.failed), (0, 0));
            return store.close().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("it does not come to rest");
}

/// Tells the story to a server in an order that `seed` chooses; returns what each pull request shows at the end.
async fn told(seed: u64) -> Vec<(Vec<String>, usize, String)> {
    let rig = Rig::new().await;
    let (url, caught) = catch().await;
    rig.standin.set_webhook_url(&url);
    let numbers = story(&rig);
    rig.until("the story to be told", || rig.standin.deliveries().iter().all(|delivery| delivery.done).then_some(())).await;
    let mut random = Random::new(seed);
    let mut deliveries = Vec::new();
    for delivery in caught.lock().unwrap().clone() {
        // One in four is lost, one in four comes twice.
        let times = [0, 1, 1, 2][random.below(4)];
        deliveries.extend(std::iter::repeat_n(delivery, times));
    }
    for at in (1..deliveries.len()).rev() {
        deliveries.swap(at, random.below(at + 1));
    }
    let settings = rig.settings();
    let running = waypost::server::start(settings.clone()).await.unwrap();
    for (guid, event, body) in deliveries {
        let signature = sign(&rig.standin.webhook_secret.clone().into(), body.as_bytes());
        let headers = [("x-github-event", event.as_str()), ("x-github-delivery", guid.as_str()), ("x-hub-signature-256", signature.as_str())];
        let answer = client::send("POST", &format!("http://{}/webhook", running.address), &headers, body).await.unwrap();
        assert_eq!(answer.status, 202);
        if random.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
    idle(&rig, &settings.database_url).await;
    running.shutdown().await;
    let mut looking = settings.clone();
    looking.reconcile = Some(Reconcile::default());
    let running = waypost::server::start(looking).await.unwrap();
    for number in &numbers {
        rig.concluded(*number).await;
    }
    idle(&rig, &settings.database_url).await;
    running.shutdown().await;
    let seen = |number: &u64| {
        let checks = rig.checks(*number);
        let conclusions = checks.iter().map(|check| check.conclusion.clone().unwrap_or_else(|| "none".to_owned())).collect();
        (conclusions, rig.ours(*number).len(), checks.last().and_then(|check| check.title.clone()).unwrap_or_default())
    };
    numbers.iter().map(seen).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_duplication_or_loss_and_one_look_around_come_to_the_same() {
    let first = told(0).await;
    assert_eq!(
        first.iter().map(|(conclusions, comments, _)| (conclusions.join(","), *comments)).collect::<Vec<_>>(),
        [("failure".to_owned(), 1), ("failure".to_owned(), 1)]
    );
    for seed in 1..8 {
        assert_eq!(told(seed).await, first, "seed {seed}");
    }
}
