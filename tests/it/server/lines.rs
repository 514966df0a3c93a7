//! Comments on lines: once a finding, at most ten, resolved when it is gone.

use crate::standin::client::Api;
use crate::support::rig::{REPOSITORY, Rig, shop};
use serde_json::{Value, json};
use waypost::standin::{Fault, File};

async fn comments(rig: &Rig, number: u64) -> Vec<Value> {
    let api = Api::installation(&rig.standin).await;
    api.get(&format!("/repos/{REPOSITORY}/pulls/{number}/comments?per_page=100")).await.json().as_array().unwrap().clone()
}

/// Waits until there are so many comments on the diff, and returns them: the last thing a review writes.
async fn until_said(rig: &Rig, number: u64, wanted: usize) -> Vec<Value> {
    for _ in 0..150 {
        let found = comments(rig, number).await;
        if found.len() == wanted {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{wanted} comments never came: {:#?}", comments(rig, number).await)
}

/// Returns whether each thread is resolved.
async fn resolved(rig: &Rig, number: u64) -> Vec<bool> {
    let query = "query($n: Int!) { repository(owner: \"acme\", name: \"edge\") { pullRequest(number: $n) { reviewThreads(first: 100) { nodes { isResolved } } } } }";
    let api = Api::installation(&rig.standin).await;
    let answer = api.post("/graphql", &json!({"query": query, "variables": {"n": number}})).await.json();
    let threads = answer.pointer("/data/repository/pullRequest/reviewThreads/nodes").unwrap_or_else(|| panic!("{answer}")).as_array().unwrap();
    threads.iter().map(|thread| thread["isResolved"].as_bool().unwrap()).collect()
}

async fn push(rig: &Rig, number: u64, address: &str) {
    let before = rig.standin.head(REPOSITORY, number);
    rig.standin.push(REPOSITORY, "change", &shop(address), "Again");
    rig.until("the push", || (rig.standin.head(REPOSITORY, number) != before).then_some(())).await;
    rig.concluded(number).await;
    rig.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_said_on_its_line_once_and_its_thread_ends_with_it() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let said = until_said(&rig, number, 1).await;
    assert_eq!((&said[0]["path"], &said[0]["line"], &said[0]["side"]), (&json!("nginx/nginx.conf"), &json!(4), &json!("RIGHT")));
    let body = said[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- waypost:finding:") && body.contains("`traffic/missing-server`"), "{body}");
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.quiet().await;
    assert_eq!(comments(&rig, number).await.len(), 1, "the same finding is said once");
    push(&rig, number, "10.20.1.12").await;
    assert_eq!(resolved(&rig, number).await, [true]);
    let requests = rig.standin.requests().len();
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.quiet().await;
    let graphql = rig.standin.requests().iter().skip(requests).filter(|line| line.path.contains("graphql")).count();
    assert_eq!(graphql, 0, "what was seen to is not asked for again");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_where_somebody_answered_is_theirs() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let first = until_said(&rig, number, 1).await[0]["id"].as_u64().unwrap();
    rig.standin.reply_as_user(REPOSITORY, first, "kim", "It joins tonight");
    push(&rig, number, "10.20.1.12").await;
    assert_eq!(resolved(&rig, number).await, [false]);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_github_lets_us_not_resolve_the_comment_says_that_it_is_gone() {
    let rig = Rig::new().await;
    rig.standin.refuse_resolving();
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    push(&rig, number, "10.20.1.12").await;
    let body = comments(&rig, number).await[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("✅ Gone with `") && body.starts_with("<!-- waypost:finding:"), "{body}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_lines_changes_neither_the_check_nor_the_comment() {
    for fault in [Fault::Status(422), Fault::AfterAccepting(502), Fault::Forbidden(Some(3600)), Fault::Reset] {
        let rig = Rig::new().await;
        rig.standin.fail("POST", "/reviews", 1, fault.clone());
        let running = rig.serve(rig.settings()).await;
        let number = rig.open(&shop("10.20.1.15"));
        assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"), "{fault:?}");
        rig.quiet().await;
        assert_eq!((rig.checks(number).len(), rig.ours(number).len()), (1, 1), "{fault:?}");
        // The next review makes up for it, and doubles nothing.
        rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
        rig.quiet().await;
        until_said(&rig, number, 1).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_findings_ten_are_said_on_lines_and_a_clean_pull_request_costs_no_request() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let mut files = shop("10.20.1.11");
    let pools: String = (0..15).map(|at| format!("  upstream p{at} {{ server 10.20.1.{}:8080; }}\n", 100 + at)).collect();
    let servers: String =
        (0..15).map(|at| format!("  server {{ listen 80; server_name s{at}.example.com; location / {{ proxy_pass http://p{at}; }} }}\n")).collect();
    let clean = rig.open(&shop("10.20.1.12"));
    rig.concluded(clean).await;
    rig.quiet().await;
    assert!(rig.standin.requests().iter().all(|line| !line.path.contains("/pulls/1/comments")), "nothing to say, nothing to look for");
    let text = format!("events {{}}\nhttp {{\n{pools}{servers}}}\n");
    files.insert("nginx/nginx.conf".to_owned(), File::from(text.as_str()));
    rig.standin.push(REPOSITORY, "change", &files, "Many");
    rig.until("the failure", || rig.checks(clean).pop().filter(|check| check.conclusion.as_deref() == Some("failure"))).await;
    rig.quiet().await;
    until_said(&rig, clean, 10).await;
    files.insert("README.md".to_owned(), File::from("Something else.\n"));
    let before = rig.standin.push(REPOSITORY, "change", &files, "Still many");
    rig.until("the push", || (rig.standin.head(REPOSITORY, clean) == before).then_some(())).await;
    rig.concluded(clean).await;
    rig.quiet().await;
    assert_eq!(comments(&rig, clean).await.len(), 10, "ten are ten, however often is pushed");
    let ours = rig.ours(clean).pop().unwrap().body;
    assert!(ours.contains("<summary>Earlier commits</summary>"), "{ours}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_comes_back_is_said_again() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    push(&rig, number, "10.20.1.12").await;
    assert_eq!(resolved(&rig, number).await, [true]);
    push(&rig, number, "10.20.1.15").await;
    assert_eq!(resolved(&rig, number).await, [true, false]);
    push(&rig, number, "10.20.1.12").await;
    assert_eq!(resolved(&rig, number).await, [true, true]);
    running.shutdown().await;
}

/// An nginx whose pool has this name, and far below a server that wants `web_pool`.
fn far_apart(pool: &str) -> waypost::standin::Files {
    let text = format!(
        "events {{}}\nhttp {{\n  upstream {pool} {{ server 10.20.1.11:8080; }}\n{}  server {{\n    listen 80;\n    server_name shop.example.com;\n    \
         location / {{ proxy_pass http://web_pool; }}\n  }}\n}}\n",
        "  # nothing here\n".repeat(10)
    );
    let mut files = shop("10.20.1.11");
    files.insert("nginx/nginx.conf".to_owned(), File::from(text.as_str()));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_the_diff_does_not_show_is_told_of_at_its_file() {
    let rig = Rig::new().await;
    rig.standin.push(REPOSITORY, "main", &far_apart("web_pool"), "Far apart");
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&far_apart("storefront"));
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    rig.quiet().await;
    let said = until_said(&rig, number, 1).await;
    assert_eq!((&said[0]["path"], &said[0]["subject_type"]), (&json!("nginx/nginx.conf"), &json!("file")));
    assert!(said[0]["body"].as_str().unwrap().contains("`nginx/nginx.conf:17`"), "{}", said[0]["body"]);
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.quiet().await;
    assert_eq!(comments(&rig, number).await.len(), 1, "the same finding is said once");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surely_mends_a_line_can_be_applied_with_a_click() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let mut files = shop("10.20.1.12");
    let File::Text(text) = &files["nginx/nginx.conf"] else { panic!() };
    let slip = String::from_utf8(text.clone()).unwrap().replace("server_name", "sever_name");
    files.insert("nginx/nginx.conf".to_owned(), File::from(slip.as_str()));
    let mut base = shop("10.20.1.11");
    base.insert("nginx/nginx.conf".to_owned(), File::from("events {}\n"));
    rig.standin.push(REPOSITORY, "main", &base, "From the start");
    let number = rig.open(&files);
    rig.concluded(number).await;
    rig.quiet().await;
    let said = comments(&rig, number).await;
    let fix = "\n\n```suggestion\n    server_name shop.example.com;\n```\n";
    assert!(said.iter().any(|comment| comment["line"] == json!(8) && comment["body"].as_str().unwrap().ends_with(fix)), "{said:#?}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_review_is_refused_each_comment_is_tried_alone_and_at_its_file_at_last() {
    for (refused, kind) in [(0, "line"), (1, "file"), (2, "")] {
        let rig = Rig::new().await;
        rig.standin.fail("POST", "/pulls/1/reviews", 1, Fault::Status(422));
        rig.standin.fail("POST", "/pulls/1/comments", refused, Fault::Status(422));
        let running = rig.serve(rig.settings()).await;
        let number = rig.open(&shop("10.20.1.15"));
        rig.concluded(number).await;
        rig.quiet().await;
        let said = comments(&rig, number).await;
        let kinds: Vec<&str> = said.iter().map(|comment| comment["subject_type"].as_str().unwrap()).collect();
        assert_eq!(kinds, [kind].into_iter().filter(|kind| !kind.is_empty()).collect::<Vec<_>>());
        assert_eq!((rig.checks(number).len(), rig.ours(number).len()), (1, 1));
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_in_doubt_is_looked_for_and_made_again_only_where_it_is_not_there() {
    for fault in [Fault::AfterAccepting(502), Fault::Status(502), Fault::Reset] {
        let rig = Rig::new().await;
        rig.standin.fail("POST", "/reviews", 1, fault.clone());
        let running = rig.serve(rig.settings()).await;
        let number = rig.open(&shop("10.20.1.15"));
        rig.concluded(number).await;
        rig.quiet().await;
        until_said(&rig, number, 1).await;
        running.shutdown().await;
    }
}
