//! GitHub on a bad day: whatever it does, one check that is concluded, and one comment.

use crate::standin::client;
use crate::support::rig::{REPOSITORY, Rig, shop};
use std::time::Duration;
use waypost::standin::Fault;

/// Every kind of write that a review, a command and a push make: method, and a part of the path.
const WRITES: [(&str, &str); 8] = [
    ("POST", "/access_tokens"),
    ("POST", "/check-runs"),
    ("PATCH", "/check-runs/"),
    ("POST", "/issues/1/comments"),
    ("PATCH", "/issues/comments/"),
    ("POST", "/reviews"),
    ("POST", "/reactions"),
    ("POST", "/graphql"),
];

/// Lets every kind of write fail once in this way, from an opened pull request over a command to the push that mends it, and holds that it
/// comes out as on a good day. `resolves` is whether GitHub lets us resolve threads; where it does not, their comments are changed.
async fn bears(fault: Fault, resolves: bool) {
    let rig = Rig::new().await;
    for (method, part) in WRITES {
        rig.standin.fail(method, part, 1, fault.clone());
    }
    if !resolves {
        rig.standin.refuse_resolving();
        rig.standin.fail("PATCH", "/pulls/comments/", 1, fault.clone());
    }
    let mut settings = rig.settings();
    settings.github.timeout = Duration::from_secs(1);
    let running = rig.serve(settings).await;
    let number = rig.open(&shop("10.20.1.15"));
    let first = rig.concluded(number).await;
    rig.until("the comment", || rig.ours(number).pop()).await;
    let asked = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost trace http://shop.example.com/cart");
    rig.until("the rocket", || rig.reactions(number, asked).contains(&"rocket".to_owned()).then_some(())).await;
    let before = rig.standin.head(REPOSITORY, number);
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    rig.concluded(number).await;
    // What is said on lines may be left to the next review.
    for _ in 0..2 {
        idle(&rig, &running).await;
        let wished = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
        rig.until("another review", || rig.reactions(number, wished).contains(&"rocket".to_owned()).then_some(())).await;
    }
    idle(&rig, &running).await;
    let conclusions =
        |sha: &str| rig.standin.checks(REPOSITORY, sha).into_iter().map(|check| check.conclusion.unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(conclusions(&before), ["failure"], "{fault:?}");
    assert_eq!(conclusions(&rig.standin.head(REPOSITORY, number)), ["success"; 3], "{fault:?}");
    assert_ne!(first.title.as_deref(), Some("Cannot tell: the change was not reviewed"), "{fault:?}");
    let mut marks: Vec<String> = rig.ours(number).iter().map(|comment| comment.body.lines().next().unwrap_or_default().to_owned()).collect();
    marks.sort();
    assert_eq!(marks, [format!("<!-- waypost:reply:{asked} -->"), "<!-- waypost:review -->".to_owned()], "{fault:?}");
    assert_eq!(rig.reactions(number, asked), ["eyes", "rocket"], "{fault:?}");
    let lines = rig.standin.lines(REPOSITORY, number);
    assert!(lines.len() <= 1, "{fault:?}: {lines:#?}");
    for line in lines {
        assert!(if resolves { line.resolved } else { line.body.contains("✅ Gone with `") }, "{fault:?}: {line:?}");
    }
    running.shutdown().await;
}

async fn numbers(running: &waypost::server::Running) -> String {
    client::send("GET", &format!("http://{}/metrics", running.address), &[], String::new()).await.unwrap().text
}

/// Waits until the server has nothing to do, now or later, and nothing failed.
async fn idle(rig: &Rig, running: &waypost::server::Running) {
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let text = numbers(running).await;
        let is = |line: &str| text.lines().any(|have| have == line);
        if is("waypost_jobs_queued 0") && is("waypost_jobs_running 0") && rig.standin.deliveries().iter().all(|delivery| delivery.done) {
            assert!(is("waypost_jobs_failed 0") && is("waypost_deliveries_dropped 0"), "{text}");
            return;
        }
    }
    panic!("it does not come to rest: {}", numbers(running).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_bears_a_bad_gateway_before_and_after_it_took_effect() {
    for fault in [Fault::Status(502), Fault::AfterAccepting(502)] {
        for resolves in [true, false] {
            bears(fault.clone(), resolves).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_bears_a_connection_that_breaks_or_says_nothing() {
    for fault in [Fault::Reset, Fault::ResetAfterAccepting, Fault::Slow(1500)] {
        bears(fault, true).await;
    }
    bears(Fault::ResetAfterAccepting, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_bears_to_be_put_off_for_a_while_that_is_said() {
    for fault in [Fault::TooManyRequests(Some(1)), Fault::Forbidden(Some(1)), Fault::Exhausted(1)] {
        bears(fault, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_bears_to_be_put_off_for_a_while_that_is_not_said() {
    for fault in [Fault::TooManyRequests(None), Fault::Forbidden(None)] {
        bears(fault, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_bears_that_the_token_runs_out_just_before() {
    for resolves in [true, false] {
        bears(Fault::TokenExpired, resolves).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graphql_cannot_do_now_is_done_later_and_what_it_may_not_is_said_in_words() {
    for (kind, resolved) in [("RATE_LIMITED", true), ("", true), ("FORBIDDEN", false)] {
        let rig = Rig::new().await;
        let running = rig.serve(rig.settings()).await;
        let number = rig.open(&shop("10.20.1.15"));
        rig.concluded(number).await;
        idle(&rig, &running).await;
        // The first asks which threads there are, the second resolves one.
        rig.standin.fail("POST", "/graphql", 1, Fault::Slow(0));
        rig.standin.fail("POST", "/graphql", 1, Fault::Graph(kind));
        rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
        assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"), "{kind}");
        idle(&rig, &running).await;
        let wished = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
        rig.until("another review", || rig.reactions(number, wished).contains(&"rocket".to_owned()).then_some(())).await;
        idle(&rig, &running).await;
        let lines = rig.standin.lines(REPOSITORY, number);
        assert_eq!((lines.len(), lines[0].resolved, lines[0].body.contains("✅ Gone with `")), (1, resolved, !resolved), "{kind}");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uninstalled_just_before_any_write_it_gives_up_quietly() {
    for (method, part) in WRITES.into_iter().filter(|(_, part)| !part.contains("graphql") && *part != "/issues/comments/") {
        let rig = Rig::new().await;
        let running = rig.serve(rig.settings()).await;
        let number = rig.open(&shop("10.20.1.12"));
        rig.concluded(number).await;
        idle(&rig, &running).await;
        rig.standin.expire_tokens();
        rig.standin.fail(method, part, 1, Fault::Uninstalled);
        rig.standin.push(REPOSITORY, "change", &shop("10.20.1.15"), "Worse");
        rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost explain missing-server");
        let is_gone = || rig.standin.deliveries().iter().any(|delivery| delivery.event == "installation");
        rig.until(&format!("the end at {method} {part}"), || is_gone().then_some(())).await;
        idle(&rig, &running).await;
        running.shutdown().await;
    }
}

/// Plans `faults`, opens a pull request, and holds that it comes out right.
async fn survives(faults: &[(&str, &str, u32, Fault)]) {
    let rig = Rig::new().await;
    for (method, part, times, fault) in faults {
        rig.standin.fail(method, part, *times, fault.clone());
    }
    let mut settings = rig.settings();
    settings.github.timeout = Duration::from_secs(2);
    let running = rig.serve(settings).await;
    let number = rig.open(&shop("10.20.1.15"));
    let check = rig.concluded(number).await;
    rig.quiet().await;
    assert_ne!(check.title.as_deref(), Some("Cannot tell: the change was not reviewed"), "{faults:?}");
    assert_eq!(rig.checks(number).len(), 1, "{faults:?}");
    assert_eq!(rig.ours(number).len(), 1, "{faults:?}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_not_made_twice() {
    for part in ["/check-runs", "/comments"] {
        survives(&[("POST", part, 1, Fault::AfterAccepting(502))]).await;
    }
    survives(&[("PATCH", "/check-runs/", 1, Fault::AfterAccepting(502))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_and_bad_gateways_are_borne() {
    survives(&[("", "", 3, Fault::Status(502))]).await;
    survives(&[("GET", "/git/", 2, Fault::Reset), ("POST", "/check-runs", 1, Fault::Reset), ("POST", "/comments", 1, Fault::Reset)]).await;
    survives(&[("PATCH", "/check-runs/", 1, Fault::Reset)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_github_asks_for_is_kept() {
    survives(&[("POST", "", 1, Fault::TooManyRequests(Some(1))), ("PATCH", "", 1, Fault::Forbidden(Some(1)))]).await;
    survives(&[("GET", "/git/", 1, Fault::Exhausted(1)), ("PATCH", "", 1, Fault::Exhausted(1))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ran_out_is_replaced() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    rig.standin.expire_tokens();
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    rig.concluded(number).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reviewed_is_not_let_through() {
    let rig = Rig::new().await;
    rig.standin.fail("GET", "/git/trees/", 1000, Fault::Status(500));
    let mut settings = rig.settings();
    settings.attempts = 2;
    let running = rig.serve(settings).await;
    let number = rig.open(&shop("10.20.1.11"));
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert_eq!(check.title.as_deref(), Some("Cannot tell: the change was not reviewed"));
    rig.quiet().await;
    assert_eq!(rig.checks(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_moved_on_meanwhile_is_reviewed_again() {
    let rig = Rig::new().await;
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(700));
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let old = rig.standin.head(REPOSITORY, number);
    rig.until("the check to be in progress", || rig.checks(number).pop()).await;
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    rig.concluded(number).await;
    rig.quiet().await;
    let superseded = rig.standin.checks(REPOSITORY, &old);
    assert_eq!(superseded.iter().map(|check| check.conclusion.as_deref()).collect::<Vec<_>>(), [Some("cancelled")]);
    assert!(rig.ours(number).len() <= 1);
    running.shutdown().await;
}
