//! What no delivery told is found by looking, and counted.

use crate::standin::client;
use crate::support::rig::{REPOSITORY, Rig, shop};
use std::time::Duration;
use waypost::github::webhook::sign;
use waypost::server::{Reconcile, Running, Settings};
use waypost::standin::{Fault, NewPull};

fn looking(rig: &Rig, every_ms: u64) -> Settings {
    let mut settings = rig.settings();
    let every = Duration::from_millis(every_ms);
    settings.reconcile = Some(Reconcile { deliveries: every, pulls: every, runs: every });
    settings
}

/// Returns the value after `line`; 0 where there is none yet.
async fn metric(running: &Running, line: &str) -> u64 {
    let answer = client::send("GET", &format!("http://{}/metrics", running.address), &[], String::new()).await.unwrap();
    assert_eq!(answer.status, 200);
    let found = answer.text.lines().find_map(|have| have.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0)
}

async fn until_metric(running: &Running, line: &str, at_least: u64) {
    for _ in 0..600 {
        if metric(running, line).await >= at_least {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{line} stays at {}", metric(running, line).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_found_nobody_is_sent_again_with_its_command() {
    let rig = Rig::new().await;
    // A port on which nobody listens any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    rig.standin.set_webhook_url(&format!("http://{gone}/webhook"));
    let number = rig.open(&shop("10.20.1.15"));
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost help");
    rig.until("the deliveries to fail", || rig.standin.deliveries().iter().all(|delivery| delivery.done).then_some(())).await;
    let running = rig.serve(looking(&rig, 200)).await;
    rig.concluded(number).await;
    // No sweep finds a command; only its delivery tells of it.
    rig.until("the command to be answered", || rig.reactions(number, comment).contains(&"rocket".to_owned()).then_some(())).await;
    until_metric(&running, "waypost_reconciler_recovered_total{of=\"deliveries\"}", 2).await;
    assert_eq!(metric(&running, "waypost_deliveries_dropped").await, 0);
    assert_eq!(rig.checks(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_that_nobody_told_of_is_reviewed() {
    let rig = Rig::new().await;
    let number = rig.open(&shop("10.20.1.15"));
    let running = rig.serve(looking(&rig, 300)).await;
    rig.concluded(number).await;
    until_metric(&running, "waypost_reconciler_recovered_total{of=\"pulls\"}", 1).await;
    rig.until("the comment", || rig.ours(number).pop()).await;
    assert_eq!(metric(&running, "waypost_reconciler_missed_total{of=\"pulls\"}").await, 1);
    running.shutdown().await;
    // A new database sees the conclusion on GitHub and leaves it at that.
    let mut fresh = looking(&rig, 300);
    fresh.database_url = fresh.database_url.replace("waypost.db", "fresh.db");
    let running = rig.serve(fresh).await;
    until_metric(&running, "waypost_reconciler_age_milliseconds{of=\"pulls\"}", 1).await;
    assert_eq!(metric(&running, "waypost_reconciler_missed_total{of=\"pulls\"}").await, 0);
    assert_eq!(rig.checks(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_its_job_left_in_progress_is_concluded() {
    let rig = Rig::new().await;
    let mut settings = looking(&rig, 100);
    settings.reconcile = None;
    settings.attempts = 1;
    // The job cannot even say that it gave up.
    rig.standin.fail("GET", "/git/trees/", 1, Fault::Status(404));
    rig.standin.fail("PATCH", "/check-runs/", 1, Fault::Status(403));
    let running = rig.serve(settings.clone()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.until("the check to be in progress", || rig.checks(number).pop()).await;
    rig.quiet().await;
    assert_eq!(rig.checks(number)[0].status, "in_progress");
    running.shutdown().await;
    settings.reconcile = looking(&rig, 100).reconcile;
    settings.stuck_after = Duration::from_millis(50);
    settings.attempts = 6;
    let running = rig.serve(settings).await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    until_metric(&running, "waypost_reconciler_recovered_total{of=\"runs\"}", 1).await;
    assert_eq!(rig.checks(number).len(), 1, "the same run is concluded");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_went_and_came_is_noticed() {
    let rig = Rig::new().await;
    let running = rig.serve(looking(&rig, 150)).await;
    until_metric(&running, "waypost_reconciler_recovered_total{of=\"installations\"}", 1).await;
    rig.standin.set_webhook_url("http://127.0.0.1:9/webhook");
    rig.standin.uninstall(REPOSITORY);
    until_metric(&running, "waypost_reconciler_recovered_total{of=\"installations\"}", 2).await;
    rig.standin.reinstall(REPOSITORY);
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uninstalled_in_the_middle_of_a_review_it_gives_up_quietly() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(500));
    let number = rig.open(&shop("10.20.1.15"));
    rig.until("the check to be in progress", || rig.checks(number).pop()).await;
    rig.standin.uninstall(REPOSITORY);
    rig.quiet().await;
    rig.quiet().await;
    assert_eq!((metric(&running, "waypost_jobs_failed").await, metric(&running, "waypost_jobs_queued").await), (0, 0));
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "reads the guide for who runs it")]
async fn every_reconciler_is_counted_and_what_the_guide_names_is_there() {
    let rig = Rig::new().await;
    let running = rig.serve(looking(&rig, 100)).await;
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/README.md")).unwrap();
    for of in ["deliveries", "pulls", "runs", "installations"] {
        until_metric(&running, &format!("waypost_reconciler_age_milliseconds{{of=\"{of}\"}}"), 1).await;
        assert!(guide.contains(&format!("| `{of}` |")), "the guide does not say what `{of}` looks for");
    }
    let text = client::send("GET", &format!("http://{}/metrics", running.address), &[], String::new()).await.unwrap().text;
    for (name, kind) in [("missed_total", "counter"), ("recovered_total", "counter"), ("failures_total", "counter"), ("age_milliseconds", "gauge")] {
        assert!(text.contains(&format!("# TYPE waypost_reconciler_{name} {kind}\n")), "{text}");
        for of in ["deliveries", "pulls", "runs", "installations"] {
            assert!(text.contains(&format!("\nwaypost_reconciler_{name}{{of=\"{of}\"}} ")), "{name} of {of}: {text}");
        }
    }
    let names = guide.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("waypost_")).filter_map(|code| code.split('{').next());
    let missing: Vec<&str> = names.filter(|name| !text.contains(&format!("# TYPE waypost_{name} "))).collect();
    assert_eq!(missing, [] as [&str; 0], "named in the guide and not there");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_found_under_its_new_name() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    rig.standin.rename(REPOSITORY, "rim");
    let renamed = "acme/rim";
    rig.standin.push(renamed, "change", &shop("10.20.1.12"), "Correct the address");
    let head = rig.standin.head(renamed, number);
    rig.until("the check there", || rig.standin.checks(renamed, &head).pop().filter(|check| check.conclusion.as_deref() == Some("success"))).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_fork_is_asked_for_again_by_its_commit() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    rig.standin.push_to_fork(REPOSITORY, ("kim", "change"), &shop("10.20.1.15"), "Change");
    let number = rig.standin.open_from_fork(REPOSITORY, ("kim", "change"), "Change");
    let first = rig.concluded(number).await;
    rig.quiet().await;
    assert!(rig.standin.rerequest(REPOSITORY, first.id));
    rig.until("a second check", || rig.checks(number).into_iter().find(|check| check.id != first.id && check.conclusion.is_some())).await;
    rig.quiet().await;
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_or_does_not_come_is_refused_and_others_are_taken_meanwhile() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let mut long = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let head = format!("POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", 27 << 20);
    long.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    long.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // Twenty that promise 20 MB each and send nothing.
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(running.address).await.unwrap();
        let head = format!("POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", 20 << 20);
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    slow[0].read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let body = "{}".to_owned();
    let signature = sign(&rig.standin.webhook_secret.clone().into(), body.as_bytes());
    let headers = [("x-github-event", "ping"), ("x-github-delivery", "a-guid"), ("x-hub-signature-256", signature.as_str())];
    drop(slow);
    let answer = client::send("POST", &format!("http://{}/webhook", running.address), &headers, body).await.unwrap();
    assert_eq!(answer.status, 202);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pull_requests_that_do_harm_together_are_named_in_the_merge_queue() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let mut without_web02 = shop("10.20.1.11");
    without_web02.insert(
        "inventory/hosts.yml".to_owned(),
        "web:\n  hosts:\n    web01: { ansible_host: 10.20.1.11 }\n    web03: { ansible_host: 10.20.1.13 }\n".into(),
    );
    rig.standin.push(REPOSITORY, "retire", &without_web02, "Retire web02");
    let first = rig.standin.open_pull_request(REPOSITORY, &NewPull { head: "retire", base: "main", title: "Retire web02", body: "" });
    assert_eq!(rig.concluded(first).await.conclusion.as_deref(), Some("success"));
    let second = rig.open(&shop("10.20.1.12"));
    assert_eq!(rig.concluded(second).await.conclusion.as_deref(), Some("success"));
    let alone = rig.standin.enqueue(REPOSITORY, first);
    let group = |sha: String| rig.standin.checks(REPOSITORY, &sha).pop().filter(|check| check.conclusion.is_some());
    assert_eq!(rig.until("the first group's check", || group(alone.clone())).await.conclusion.as_deref(), Some("success"));
    let both = rig.standin.enqueue(REPOSITORY, second);
    let check = rig.until("the second group's check", || group(both.clone())).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert_eq!(check.title.as_deref(), Some(format!("#{first} and #{second} do harm together").as_str()));
    assert!(check.summary.unwrap().contains("10.20.1.12"));
    // The same question again is not another run; the button is.
    rig.quiet().await;
    for delivery in rig.standin.deliveries().into_iter().filter(|delivery| delivery.event == "merge_group") {
        assert!(rig.standin.redeliver(&delivery.guid));
    }
    rig.quiet().await;
    assert_eq!(rig.standin.checks(REPOSITORY, &both).len(), 1);
    assert!(rig.standin.rerequest(REPOSITORY, check.id));
    rig.until("another run", || (rig.standin.checks(REPOSITORY, &both).iter().filter(|check| check.conclusion.is_some()).count() == 2).then_some(()))
        .await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_default_branch_gets_counts_for_the_open_pull_requests() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.12"));
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    let mut main = shop("10.20.1.11");
    main.insert("README.md".to_owned(), "Another edge.\n".into());
    rig.standin.push(REPOSITORY, "main", &main, "Say more");
    rig.quiet().await;
    assert_eq!(rig.checks(number).len(), 1, "a base that changed no traffic is no reason to look again");
    main.insert(
        "inventory/hosts.yml".to_owned(),
        "web:\n  hosts:\n    web01: { ansible_host: 10.20.1.11 }\n    web03: { ansible_host: 10.20.1.13 }\n".into(),
    );
    rig.standin.push(REPOSITORY, "main", &main, "Retire web02");
    let check = rig.until("a second check", || rig.checks(number).pop().filter(|check| check.conclusion.as_deref() == Some("failure"))).await;
    assert_eq!(check.title.as_deref(), Some("Does harm together with what main has got since"));
    running.shutdown().await;
}
