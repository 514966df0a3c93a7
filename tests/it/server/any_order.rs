//! Deliveries in any order, some twice, some not at all, and one look around: it comes to the same.
//!
//! What GitHub could not hand over it lists, and it is asked for again. What it never sent, it does not list: then only what a look at the
//! pull requests tells can be made up for, so in this test only news of pull requests are lost without a trace.

use crate::standin::client;
use crate::support::random::Random;
use crate::support::rig::{REPOSITORY, Rig, shop};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use waypost::github::webhook::sign;
use waypost::server::{MERGE, Reconcile};
use waypost::standin::{Files, NewPull};
use waypost::store::{Database, Store};

/// A delivery: guid, event, body.
type Caught = (String, String, String);

/// Takes deliveries in, loses some, and does nothing about the others. Returns where, and what it caught: some of it twice.
async fn catch(seed: u64) -> (String, Arc<Mutex<Vec<Caught>>>) {
    let caught: Arc<Mutex<Vec<Caught>>> = Arc::default();
    let random = Mutex::new(Random::new(seed));
    let into = Arc::clone(&caught);
    let take = move |headers: HeaderMap, body: Bytes| {
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        let delivery = (header("x-github-delivery"), header("x-github-event"), String::from_utf8(body.to_vec()).unwrap());
        let mut random = random.lock().unwrap();
        // One in four is lost, one in four comes twice.
        let times = [0, 1, 1, 2][random.below(4)];
        let is_silent = delivery.1 == "pull_request" && random.below(2) == 0;
        into.lock().unwrap().extend(std::iter::repeat_n(delivery, times));
        std::future::ready(if times == 0 && !is_silent { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED })
    };
    let take = Arc::new(take);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/webhook", axum::routing::post(move |headers: HeaderMap, body: Bytes| take(headers, body)));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, caught)
}

/// What is there at the end of the story.
struct Told {
    pulls: Vec<u64>,
    /// The pull request and the comment on it that asks something.
    question: (u64, u64),
    /// The groups that the queue waits for, and those that it has given up.
    waiting: Vec<String>,
    given_up: Vec<String>,
}

fn retired() -> Files {
    let mut files = shop("10.20.1.11");
    files.insert(
        "inventory/hosts.yml".to_owned(),
        "web:\n  hosts:\n    web01: { ansible_host: 10.20.1.11 }\n    web03: { ansible_host: 10.20.1.13 }\n".into(),
    );
    files
}

/// What people do in this story.
fn story(rig: &Rig) -> Told {
    let open = |branch: &str, address: &str| {
        rig.standin.push(REPOSITORY, branch, &shop(address), branch);
        rig.standin.open_pull_request(REPOSITORY, &NewPull { head: branch, base: "main", title: branch, body: "" })
    };
    let first = rig.open(&shop("10.20.1.12"));
    let second = open("other", "10.20.1.15");
    rig.standin.set_draft(REPOSITORY, second, true);
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Worse");
    rig.standin.close(REPOSITORY, first);
    rig.standin.installation_event("suspend");
    rig.standin.installation_event("unsuspend");
    rig.standin.push(REPOSITORY, "other", &shop("10.20.1.12"), "Better");
    rig.standin.reopen(REPOSITORY, first);
    rig.standin.comment_as_user(REPOSITORY, second, "kim", "What does it do?");
    let asked = rig.standin.comment_as_user(REPOSITORY, second, "kim", "/waypost explain missing-server");
    let third = open("third", "10.20.1.12");
    let alone = rig.standin.enqueue(REPOSITORY, third);
    let behind = rig.standin.enqueue(REPOSITORY, second);
    rig.standin.dequeue(REPOSITORY, second, "dequeued");
    rig.standin.uninstall(REPOSITORY);
    rig.standin.reinstall(REPOSITORY);
    rig.standin.push(REPOSITORY, "main", &retired(), "Retire web02");
    rig.standin.push(REPOSITORY, "other", &shop("10.20.1.17"), "Worse again");
    rig.standin.set_draft(REPOSITORY, second, false);
    Told { pulls: vec![first, second, third], question: (second, asked), waiting: vec![alone], given_up: vec![behind] }
}

/// Waits until what could not be handed over was handed over after all, and nothing is left to do.
async fn settled(rig: &Rig) {
    let store = Database::open(&rig.settings().database_url, MERGE).await.unwrap();
    let mut calm = 0;
    for _ in 0..3000 {
        let deliveries = rig.standin.deliveries();
        let arrived: BTreeSet<&String> = deliveries.iter().filter(|delivery| delivery.status == 202).map(|delivery| &delivery.guid).collect();
        let all = deliveries.iter().all(|delivery| delivery.done && arrived.contains(&delivery.guid));
        let state = store.queue_state().await.unwrap();
        calm = if all && state.queued + state.running == 0 { calm + 1 } else { 0 };
        if calm > 20 {
            assert_eq!((state.dropped, state.failed), (0, 0));
            return store.close().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("it does not come to rest: {:#?}", store.queue_state().await);
}

/// Sends the deliveries to a server, in an order by chance.
async fn deliver(rig: &Rig, mut deliveries: Vec<Caught>, seed: u64) {
    let mut random = Random::new(seed);
    for at in (1..deliveries.len()).rev() {
        deliveries.swap(at, random.below(at + 1));
    }
    let running = waypost::server::start(rig.settings()).await.unwrap();
    for (guid, event, body) in deliveries {
        let signature = sign(&rig.standin.webhook_secret.clone().into(), body.as_bytes());
        let headers = [("x-github-event", event.as_str()), ("x-github-delivery", guid.as_str()), ("x-hub-signature-256", signature.as_str())];
        let answer = client::send("POST", &format!("http://{}/webhook", running.address), &headers, body).await.unwrap();
        assert_eq!(answer.status, 202);
        if random.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
    queue_is_empty(rig).await;
    running.shutdown().await;
}

async fn queue_is_empty(rig: &Rig) {
    let store = Database::open(&rig.settings().database_url, MERGE).await.unwrap();
    for _ in 0..3000 {
        let state = store.queue_state().await.unwrap();
        if state.queued + state.running == 0 {
            return store.close().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("it does not come to rest: {:#?}", store.queue_state().await);
}

/// Tells the story to a server as `seed` has it; returns what it shows at the end.
async fn told(seed: u64) -> Vec<String> {
    let rig = Rig::new().await;
    let (url, caught) = catch(seed).await;
    rig.standin.set_webhook_url(&url);
    let story = story(&rig);
    rig.until("the story to be told", || rig.standin.deliveries().iter().all(|delivery| delivery.done).then_some(())).await;
    // From here on nobody listens there: what is sent again waits for the next server.
    rig.standin.set_webhook_url("http://127.0.0.1:9/webhook");
    let caught = caught.lock().unwrap().clone();
    deliver(&rig, caught, seed).await;

    let mut looking = rig.settings();
    looking.reconcile = Some(Reconcile { deliveries: Duration::from_millis(300), ..Reconcile::default() });
    let running = rig.serve(looking).await;
    for number in &story.pulls {
        rig.concluded(*number).await;
    }
    let (number, comment) = story.question;
    rig.until("the answer", || rig.reactions(number, comment).contains(&"rocket".to_owned()).then_some(())).await;
    for group in &story.waiting {
        rig.until("the group's check", || rig.standin.checks(REPOSITORY, group).pop()).await;
    }
    settled(&rig).await;
    running.shutdown().await;
    shown(&rig, &story)
}

/// Returns what is seen on GitHub, but for how often a head was reviewed: that depends on when what was told.
fn shown(rig: &Rig, story: &Told) -> Vec<String> {
    let mut seen = Vec::new();
    for number in &story.pulls {
        let checks = rig.checks(*number);
        assert!(checks.iter().all(|check| check.conclusion.is_some()), "{checks:#?}");
        let last = checks.last().unwrap();
        let mut marks: Vec<String> = rig.ours(*number).iter().map(|comment| comment.body.lines().next().unwrap_or_default().to_owned()).collect();
        marks.sort();
        let open = rig.standin.lines(REPOSITORY, *number).iter().filter(|line| !line.resolved).count();
        let marks = marks.join(" ").replace(&story.question.1.to_string(), "question");
        seen.push(format!("#{number}: {:?} {:?} {marks} {open} open lines", last.conclusion, last.title));
    }
    seen.push(rig.reactions(story.question.0, story.question.1).join(" "));
    let groups = story.waiting.iter().map(|group| rig.standin.checks(REPOSITORY, group));
    seen.extend(groups.map(|checks| format!("{:?}", checks.iter().map(|check| (&check.conclusion, &check.title)).collect::<Vec<_>>())));
    for group in &story.given_up {
        assert!(rig.standin.checks(REPOSITORY, group).iter().all(|check| check.conclusion.is_some()), "nothing is left open");
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_duplication_or_loss_and_one_look_around_come_to_the_same() {
    let first = told(0).await;
    insta::assert_snapshot!(first.join("\n"));
    for seed in 1..6 {
        assert_eq!(told(seed).await, first, "seed {seed}");
    }
}
