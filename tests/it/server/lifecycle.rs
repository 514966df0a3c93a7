//! What people do with pull requests, comments and the "Re-run" button, and what the check and the comment come to.

use crate::standin::client::Api;
use crate::support::rig::{REPOSITORY, Rig, shop};
use std::sync::Arc;
use waypost::github::{self, AppKey, Conclusion, InstallationId, OpenRun, Place, PrNumber, PublishError, Publisher, Repo, Sha};
use waypost::report::{Annotation, CheckOutput, LineComment, Spot};
use waypost::standin::{CheckSeen, Fault, Files};
use waypost::store::Database;

/// A change that Waypost has nothing to say about.
fn readme() -> Files {
    let mut files = shop("10.20.1.11");
    files.insert("README.md".to_owned(), "The edge, described.\n".into());
    files
}

async fn suites(rig: &Rig, sha: &str) -> Vec<String> {
    let answer = Api::installation(&rig.standin).await.get(&format!("/repos/{REPOSITORY}/commits/{sha}/check-suites")).await;
    let suites = answer.json()["check_suites"].as_array().cloned().unwrap_or_default();
    suites.iter().map(|suite| suite["status"].as_str().unwrap_or_default().to_owned()).collect()
}

fn conclusions(checks: &[CheckSeen]) -> Vec<&str> {
    checks.iter().map(|check| check.conclusion.as_deref().unwrap_or("none")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_asked_for_again_on_the_head_is_a_new_run_and_its_suite_is_done() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let first = rig.concluded(number).await;
    rig.quiet().await;
    assert!(rig.standin.rerequest(REPOSITORY, first.id));
    assert_eq!(suites(&rig, &first.head_sha).await, ["queued"]);
    rig.until("a second run", || (conclusions(&rig.checks(number)) == ["failure", "failure"]).then_some(())).await;
    rig.quiet().await;
    let checks = rig.checks(number);
    assert!(checks.iter().all(|check| check.name == "waypost") && checks[0].id != checks[1].id);
    assert_eq!(suites(&rig, &first.head_sha).await, ["completed"]);
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_asked_for_again_on_an_old_commit_is_not_left_waiting() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let old = rig.concluded(number).await;
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    let head = rig.concluded(number).await;
    rig.quiet().await;
    assert!(rig.standin.rerequest(REPOSITORY, old.id));
    let on_old = || rig.standin.checks(REPOSITORY, &old.head_sha);
    rig.until("an answer on the old commit", || (conclusions(&on_old()) == ["failure", "cancelled"]).then_some(())).await;
    rig.quiet().await;
    assert_eq!(suites(&rig, &old.head_sha).await, ["completed"]);
    assert_eq!(on_old()[1].title.clone().unwrap(), format!("Superseded by {}", head.head_sha.get(..7).unwrap()));
    assert_eq!(rig.checks(number).len(), 1, "the head was reviewed already");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_a_later_push_makes_pointless_says_so_in_place() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let before = rig.ours(number);
    assert!(before[0].body.contains("10.20.1.15:8080"), "{}", before[0].body);
    rig.standin.push(REPOSITORY, "change", &readme(), "Only say what this is");
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    let after = rig.ours(number);
    assert_eq!((after.len(), after[0].id), (1, before[0].id));
    assert!(!after[0].body.contains("10.20.1.15"), "{}", after[0].body);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_someone_deleted_is_made_again_once() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let first = rig.ours(number)[0].id;
    rig.standin.delete_comment(REPOSITORY, first);
    for address in ["10.20.1.16", "10.20.1.17"] {
        rig.standin.push(REPOSITORY, "change", &shop(address), "Try another");
        rig.concluded(number).await;
        rig.quiet().await;
        let ours = rig.ours(number);
        assert_eq!(ours.len(), 1, "{ours:?}");
        assert!(ours[0].id != first && ours[0].body.contains(address), "{}", ours[0].body);
    }
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_with_our_marker_by_someone_else_is_not_ours() {
    let rig = Rig::new().await;
    let number = rig.open(&shop("10.20.1.15"));
    let forged = rig.standin.comment_as_user(REPOSITORY, number, "kim", "<!-- waypost:review -->\n✅ **All is well.**");
    let running = rig.serve(rig.settings()).await;
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.concluded(number).await;
    rig.quiet().await;
    let comments = rig.standin.comments(REPOSITORY, number);
    assert_eq!(comments.iter().find(|comment| comment.id == forged).unwrap().body, "<!-- waypost:review -->\n✅ **All is well.**");
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_an_earlier_database_knew_of_is_found_again() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    running.shutdown().await;
    let mut fresh = rig.settings();
    fresh.database_url = fresh.database_url.replace("waypost.db", "fresh.db");
    let running = rig.serve(fresh).await;
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Try another");
    rig.concluded(number).await;
    rig.quiet().await;
    let ours = rig.ours(number);
    assert!(ours.len() == 1 && ours[0].body.contains("10.20.1.16"), "{ours:?}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_is_refused_leaves_the_check_as_it_is() {
    let rig = Rig::new().await;
    rig.standin.fail("POST", "/comments", 100, Fault::Status(403));
    let settings = rig.settings();
    let running = rig.serve(settings).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    assert_eq!(conclusions(&rig.checks(number)), ["failure"]);
    assert!(rig.checks(number)[0].title.as_deref().unwrap().contains("does not exist"), "{:?}", rig.checks(number)[0].title);
    assert_eq!(rig.ours(number), []);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_reviewed_and_not_again_when_it_is_ready() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.standin.set_draft(REPOSITORY, number, true);
    rig.concluded(number).await;
    rig.quiet().await;
    rig.standin.set_draft(REPOSITORY, number, false);
    rig.quiet().await;
    assert_eq!(conclusions(&rig.checks(number)), ["failure"]);
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_base_is_another_review() {
    let rig = Rig::new().await;
    // The mistake is on `next` already; a pull request into it does not make it.
    rig.standin.push(REPOSITORY, "next", &shop("10.20.1.15"), "Move the load");
    let running = rig.serve(rig.settings()).await;
    let mut more = shop("10.20.1.15");
    more.insert("nginx/unused.conf".to_owned(), "# nothing yet\n".into());
    let number = rig.open(&more);
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    rig.quiet().await;
    rig.standin.retarget(REPOSITORY, number, "next");
    rig.until("a second check", || (rig.checks(number).len() == 2 && rig.checks(number)[1].conclusion.is_some()).then_some(())).await;
    rig.quiet().await;
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_github_cuts_off_is_walked() {
    let rig = Rig::new().await;
    rig.standin.limit_trees(3);
    let running = rig.serve(rig.settings()).await;
    let mut change = shop("10.20.1.15");
    for at in 0..4 {
        change.insert(format!("docs/a{at}/deep/file.txt"), "text\n".into());
    }
    let number = rig.open(&change);
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert!(check.title.as_deref().unwrap().contains("does not exist"), "{:?}", check.title);
    let plain = rig.standin.requests().into_iter().filter(|line| line.path.contains("/git/trees/") && !line.path.contains("recursive")).count();
    assert!(plain >= 2, "{plain}");
    running.shutdown().await;
}

/// A publisher for a pull request of a rig, the check begun, and an output with this many annotations.
async fn begun(rig: &Rig, annotations: usize) -> (Publisher, OpenRun, CheckOutput) {
    let number = rig.open(&shop("10.20.1.15"));
    let repository = Api::installation(&rig.standin).await.get(&format!("/repos/{REPOSITORY}")).await.json();
    let place = Place {
        installation: InstallationId(rig.standin.installation_id),
        repository_id: repository["id"].as_u64().unwrap(),
        repo: Repo::new(REPOSITORY).unwrap(),
    };
    let settings = rig.settings();
    let key = AppKey::new(settings.issuer.clone(), &settings.private_key).unwrap();
    let api = github::Api::new(settings.github, key).unwrap().at(&place);
    let store = Database::open(&settings.database_url, |_, new| new.to_owned()).await.unwrap();
    let publisher = Publisher::new(api, Arc::new(store), PrNumber(number), None);
    let mut output =
        CheckOutput { title: "Many".to_owned(), summary: "Many mistakes".to_owned(), text: None, annotations: Vec::new(), buttons: Vec::new() };
    let run = publisher.begin(&Sha::new(&rig.standin.head(REPOSITORY, number)).unwrap(), &output).await.unwrap();
    output.annotations.extend((1..=annotations).map(|line| Annotation {
        path: "nginx/nginx.conf".to_owned(),
        start_line: line,
        end_line: line,
        columns: None,
        level: "warning",
        title: "traffic/missing-server".to_owned(),
        message: format!("mistake {line}"),
    }));
    (publisher, run, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_go_out_in_batches_and_none_twice() {
    let lost = Fault::AfterAccepting(502);
    for faults in [vec![], vec![lost.clone()], vec![Fault::Status(502), lost]] {
        let rig = Rig::new().await;
        let (publisher, mut run, output) = begun(&rig, 120).await;
        for fault in &faults {
            rig.standin.fail("PATCH", "/check-runs/", 1, fault.clone());
        }
        // A write that did not arrive is for the queue to repeat; then it goes on where it stopped.
        let mut done = publisher.conclude(&mut run, Conclusion::Failure, &output).await;
        if done.is_err() {
            let mut run = publisher.begin(&Sha::new(&rig.standin.head(REPOSITORY, 1)).unwrap(), &output).await.unwrap();
            done = publisher.conclude(&mut run, Conclusion::Failure, &output).await;
        }
        done.unwrap();
        let checks = rig.checks(1);
        assert_eq!(conclusions(&checks), ["failure"], "{faults:?}");
        let lines: Vec<u64> = checks[0].annotations.iter().map(|note| note["start_line"].as_u64().unwrap()).collect();
        assert_eq!(lines, (1..=120).collect::<Vec<u64>>(), "{faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_annotations_are_refused_the_check_is_concluded_without() {
    let rig = Rig::new().await;
    // Once with everything, once without the buttons.
    rig.standin.fail("PATCH", "/check-runs/", 2, Fault::Status(422));
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let check = rig.concluded(number).await;
    assert_eq!((check.conclusion.as_deref(), check.annotations.len()), (Some("failure"), 0));
    assert!(check.summary.unwrap().contains("10.20.1.15:8080"), "what the notes would say stands in the summary");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_buttons_are_refused_the_check_keeps_its_annotations() {
    let rig = Rig::new().await;
    rig.standin.fail("PATCH", "/check-runs/", 1, Fault::Status(422));
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let check = rig.concluded(number).await;
    assert_eq!((check.conclusion.as_deref(), check.annotations.len()), (Some("failure"), 1));
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_a_commit_is_written_only_while_it_is_the_head() {
    let rig = Rig::new().await;
    let (publisher, mut run, output) = begun(&rig, 120).await;
    let head = Sha::new(&rig.standin.head(REPOSITORY, 1)).unwrap();
    // Seen long ago, and it still is the head.
    let publisher = publisher.watching(&head, 0);
    publisher.comment("The review.", true).await.unwrap();
    let newer = rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Another");
    let moved = |error: PublishError| matches!(error, PublishError::MovedOn(sha) if sha.as_str() == newer);
    let publisher = publisher.watching(&head, 0);
    assert!(publisher.comment("The review again.", true).await.is_err_and(moved));
    assert!(publisher.conclude(&mut run, Conclusion::Failure, &output).await.is_err_and(moved));
    assert!(publisher.lines(&head, &[line()], &std::collections::BTreeSet::new()).await.is_err_and(moved));
    let check = rig.standin.checks(REPOSITORY, head.as_str()).pop().unwrap();
    assert_eq!((check.status.as_str(), check.annotations.len()), ("in_progress", 0));
    assert_eq!(rig.ours(1).len(), 1);
    assert!(rig.ours(1)[0].body.ends_with("The review."), "{:?}", rig.ours(1));
    publisher.supersede(&mut run, &Sha::new(&newer).unwrap()).await.unwrap();
    assert_eq!(conclusions(&rig.standin.checks(REPOSITORY, head.as_str())), ["cancelled"]);
}

fn line() -> LineComment {
    let spot = Spot::Lines { start: None, line: 4, is_left: false };
    let (on_line, on_file) = ("Wrong.".to_owned(), "Wrong, in line 4.".to_owned());
    LineComment { fingerprint: "0123456789abcdef".to_owned(), path: "nginx/nginx.conf".to_owned(), spot, on_line, on_file }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_whose_head_was_replaced_stops_before_it_reads_the_files() {
    let rig = Rig::new().await;
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(700));
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let old = rig.standin.head(REPOSITORY, number);
    rig.until("the check to be in progress", || rig.checks(number).pop()).await;
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.12"), "Correct the address");
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    assert_eq!(conclusions(&rig.standin.checks(REPOSITORY, &old)), ["cancelled"]);
    let tree = Api::installation(&rig.standin).await.get(&format!("/repos/{REPOSITORY}/git/trees/{old}?recursive=1")).await.json();
    let blob = tree["tree"].as_array().unwrap().iter().find(|entry| entry["path"] == "nginx/nginx.conf").unwrap()["sha"].as_str().unwrap();
    assert!(rig.standin.requests().iter().all(|line| !line.path.contains(blob)), "nobody needs {blob} any more");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_gone_when_it_is_to_be_concluded_is_made_again() {
    let rig = Rig::new().await;
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(500));
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    let gone = rig.until("the check to be in progress", || rig.checks(number).pop()).await;
    rig.standin.forget_check(REPOSITORY, gone.id);
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert!(check.title.unwrap().contains("does not exist"));
    rig.quiet().await;
    assert_eq!((rig.checks(number).len(), rig.ours(number).len()), (1, 1));
    running.shutdown().await;
}
