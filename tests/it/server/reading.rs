//! What is read from GitHub for a review: little, with no more rights than needed, on any kind of GitHub.

use crate::standin::client::Api;
use crate::support::contract::{Watched, violations};
use crate::support::rig::{REPOSITORY, Rig, shop};
use serde_json::{Value, json};
use waypost::standin::{Fault, File, NewPull, Options};

/// A review of a push that changes one file may ask GitHub for no more than this.
const MOST_READS: usize = 6;

fn reads(rig: &Rig) -> Vec<String> {
    rig.standin.requests().into_iter().filter(|line| line.method == "GET").map(|line| line.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_of_a_push_that_changes_one_file_takes_at_most_six_reads() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let before = reads(&rig).len();
    rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Another address");
    rig.concluded(number).await;
    rig.quiet().await;
    let made = reads(&rig).split_off(before);
    assert!(made.len() <= MOST_READS, "{} reads:\n{}", made.len(), made.join("\n"));
    let blobs = made.iter().filter(|path| path.contains("/git/blobs/")).count();
    assert_eq!(blobs, 1, "one file changed: {made:#?}");
    assert!(made.iter().all(|path| !path.ends_with("/files")), "what changed is found in the trees, whose list has no end");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_for_one_repository_and_for_no_more_than_is_done() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let exchanges = rig.standin.exchanges();
    assert_eq!(violations(&exchanges), [] as [&str; 0]);
    let mut minted = 0;
    for asked in exchanges.iter().filter(|exchange| exchange.path.ends_with("/access_tokens")) {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let permissions = body["permissions"].as_object().unwrap();
        assert!(body["repository_ids"].as_array().is_none_or(|ids| ids.len() == 1), "{body}");
        for (name, level) in permissions {
            let may_write = ["checks", "pull_requests"].contains(&name.as_str());
            assert!(level == "read" || may_write, "{name}: {level}");
        }
        assert!(!permissions.contains_key("administration") && permissions.get("contents") != Some(&json!("write")), "{body}");
        minted += usize::from(body["repository_ids"].is_array());
    }
    assert!(minted >= 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_server_is_read_page_by_page_with_the_token() {
    let rig = Rig::with(Options { enterprise: true, ..Options::default() }).await;
    let running = rig.serve(rig.settings()).await;
    assert!(rig.standin.api_url.ends_with("/api/v3"));
    let number = rig.open(&shop("10.20.1.15"));
    // The sticky comment is to be looked for behind more than a page of others.
    for n in 0..105 {
        rig.standin.comment_as_user(REPOSITORY, number, "kim", &format!("comment {n}"));
    }
    rig.concluded(number).await;
    rig.until("a comment", || rig.ours(number).pop()).await;
    rig.quiet().await;
    assert_eq!(rig.ours(number).len(), 1);
    let refused: Vec<_> = rig.standin.requests().into_iter().filter(|line| line.status == 401).collect();
    assert!(refused.is_empty(), "{refused:?}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_of_a_fork_is_reviewed_and_its_check_can_be_asked_for_again() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    rig.standin.push_to_fork(REPOSITORY, ("kim", "patch"), &shop("10.20.1.15"), "From a fork");
    let number = rig.standin.open_from_fork(REPOSITORY, ("kim", "patch"), "From a fork");
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    rig.quiet().await;
    // GitHub names no pull request here, and lists none for the commit.
    assert!(rig.standin.rerequest(REPOSITORY, check.id));
    rig.until("a second run", || (rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count() == 2).then_some(())).await;
    rig.standin.delete_fork(REPOSITORY, number);
    assert!(rig.standin.rerequest(REPOSITORY, rig.checks(number)[1].id));
    rig.until("a third run", || (rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count() == 3).then_some(())).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_goes_on_under_its_new_name() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    rig.standin.rename(REPOSITORY, "gateway");
    rig.standin.push("acme/gateway", "change", &shop("10.20.1.12"), "Correct the address");
    let renamed = || {
        let head = rig.standin.head("acme/gateway", number);
        rig.standin.checks("acme/gateway", &head).pop().filter(|check| check.conclusion.as_deref() == Some("success"))
    };
    rig.until("a check under the new name", renamed).await;
    rig.quiet().await;
    let ours = rig.standin.comments("acme/gateway", number);
    assert_eq!(ours.iter().filter(|comment| comment.author == "waypost[bot]").count(), 1, "one comment under both names");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transferred_repository_goes_on_under_its_new_owner() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(500));
    let old = rig.standin.push(REPOSITORY, "change", &shop("10.20.1.16"), "Another address");
    rig.until("the check to be in progress", || rig.standin.checks(REPOSITORY, &old).pop()).await;
    rig.standin.transfer(REPOSITORY, "umbrella");
    let concluded = |sha: String| rig.standin.checks("umbrella/edge", &sha).pop().filter(|check| check.conclusion.is_some());
    assert_eq!(rig.until("the check that was begun before", || concluded(old.clone())).await.conclusion.as_deref(), Some("failure"));
    let new = rig.standin.push("umbrella/edge", "change", &shop("10.20.1.12"), "Correct the address");
    assert_eq!(rig.until("a check of the new owner", || concluded(new.clone())).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    let ours = rig.standin.comments("umbrella/edge", number);
    assert_eq!(ours.iter().filter(|comment| comment.author == "waypost[bot]").count(), 1, "one comment for both owners");
    running.shutdown().await;
}

#[tokio::test]
async fn long_lists_end_where_github_ends_them() {
    let github = Watched::start().await;
    let many = |count: usize, text: &str| (0..count).map(|n| (format!("f/{n:04}.conf"), File::from(text))).collect();
    github.create_repository("acme", "edge", &many(3010, "a\n"));
    github.push("acme/edge", "change", &many(3010, "b\n"), "All of them");
    let pull = NewPull { head: "change", base: "main", title: "All", body: "" };
    assert_eq!(github.open_pull_request("acme/edge", &pull), 1);
    let api = Api::installation(&github).await;
    let count = |answer: &Value| answer.as_array().map_or(0, Vec::len);
    let compared = api.get("/repos/acme/edge/compare/main...change").await.json();
    assert_eq!(count(&compared["files"]), 300, "a comparison has no more files");
    assert_eq!(count(&api.get("/repos/acme/edge/pulls/1/files?per_page=100&page=30").await.json()), 100);
    assert_eq!(count(&api.get("/repos/acme/edge/pulls/1/files?per_page=100&page=31").await.json()), 0, "a pull request lists 3,000");
    let tree = api.get("/repos/acme/edge/git/trees/change?recursive=1").await.json();
    assert_eq!((count(&tree["tree"]), &tree["truncated"]), (3011, &json!(false)), "the tree has all of them");
    github.limit_trees(100);
    let tree = api.get("/repos/acme/edge/git/trees/change?recursive=1").await.json();
    assert_eq!((count(&tree["tree"]), &tree["truncated"]), (100, &json!(true)));
}
