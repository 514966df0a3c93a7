//! GitHub on a bad day: whatever it does, one check that is concluded, and one comment.

use crate::support::rig::{REPOSITORY, Rig, shop};
use waypost::standin::Fault;

/// Plans `faults`, opens a pull request, and holds that it comes out right.
async fn survives(faults: &[(&str, &str, u32, Fault)]) {
    let rig = Rig::new().await;
    for (method, part, times, fault) in faults {
        rig.standin.fail(method, part, *times, fault.clone());
    }
    let mut settings = rig.settings();
    settings.github.timeout = std::time::Duration::from_secs(2);
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
