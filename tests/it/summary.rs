//! The one sentence of a review, from whole small trees.

use waypost::review::{Change, Verdict, review};
use waypost::snapshot::{Snapshot, memory};

const INVENTORY: &str = "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } } }\n";

/// A configuration with these servers, this much more in the pool, and these locations.
fn tree(servers: &[&str], pool: &str, locations: &str) -> Snapshot {
    let servers: String = servers.iter().map(|server| format!("    server {server} max_fails=0;\n")).collect();
    let nginx = format!(
        "events {{}}\nhttp {{\n  upstream web_pool {{\n{servers}{pool}  }}\n  server {{\n    listen 80;\n    server_name shop.example.com;\n{locations}  }}\n}}\n"
    );
    memory([("hosts.yml", INVENTORY.to_owned()), ("nginx.conf", nginx)])
}

const ALL: &str = "    location / { proxy_pass http://web_pool; proxy_next_upstream off; }\n";

fn well() -> Snapshot {
    tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "", ALL)
}

fn half_broken() -> Snapshot {
    tree(&["10.20.1.11:8080", "10.20.1.15:8080"], "", ALL)
}

fn told(base: &Snapshot, head: &Snapshot) -> String {
    let review = review(&Change { base, head, known_good: None, title: "", body: "" });
    format!("{:?}: {}", review.verdict, review.summary)
}

#[test]
fn what_breaks_is_said_with_its_share() {
    insta::assert_snapshot!(told(&well(), &half_broken()), @"Fail: 50 % of requests to shop.example.com would reach a server that does not exist");
    let all = tree(&["10.20.1.15:8080"], "", ALL);
    insta::assert_snapshot!(told(&well(), &all), @"Fail: All requests to shop.example.com would reach a server that does not exist");
    let both = tree(&["10.20.1.15:8080 weight=3", "10.20.1.16:8080"], "", ALL);
    insta::assert_snapshot!(told(&well(), &both), @"Fail: All requests to shop.example.com would reach servers that do not exist");
}

#[test]
fn what_breaks_below_a_path_is_not_said_of_the_whole_host() {
    let split = |pool: &str| {
        let locations = format!("{ALL}    location /api/ {{ proxy_pass http://{pool}; proxy_next_upstream off; }}\n");
        tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "", &locations)
    };
    insta::assert_snapshot!(told(&split("10.20.1.11:9000"), &split("10.20.1.77:9000")), @"Fail: All requests to shop.example.com under /api/ would reach a server that does not exist");
}

#[test]
fn what_is_mended_is_said() {
    insta::assert_snapshot!(told(&half_broken(), &well()), @"Pass: 50 % of requests to shop.example.com would no longer reach a server that does not exist");
}

#[test]
fn what_was_broken_before_and_is_not_touched_is_not_news() {
    let base = tree(&["10.20.1.11:8080", "10.20.1.15:8080"], "    # before\n", ALL);
    let told = told(&base, &half_broken());
    assert_eq!(told, "Pass: No request goes elsewhere");
}

#[test]
fn no_change_is_claimed_only_where_nothing_changed() {
    assert_eq!(told(&well(), &well()), "Pass: Nothing that routes traffic changed");
    let commented = tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "    # a comment\n", ALL);
    let told = told(&well(), &commented);
    assert_eq!(told, "Pass: No request goes elsewhere");
}

#[test]
fn a_change_that_breaks_nothing_says_whom_it_touches() {
    let head = tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "", &format!("{ALL}    location /old/ {{ return 301 /new/; }}\n"));
    insta::assert_snapshot!(told(&well(), &head), @"Pass: Requests to shop.example.com (path /old/) would be redirected to http://shop.example.com/new/ (301); now they go to `web_pool`; 1 other group of requests changes");
    let more = tree(&["10.20.1.11:8080 weight=3", "10.20.1.12:8080"], "", ALL);
    insta::assert_snapshot!(told(&more, &well()), @"Pass: 25 % of requests to shop.example.com would go to another server of `web_pool`");
    let asked = tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "", &ALL.replace("web_pool;", "web_pool/v2/;"));
    insta::assert_snapshot!(told(&well(), &asked), @"Warn: For requests to shop.example.com `web_pool` would be asked for /v2/page where it was asked for /page");
}

#[test]
fn a_change_of_timeouts_only_says_that_requests_stay() {
    let with = |timeout: &str| {
        let location = format!("    location / {{ proxy_pass http://web_pool; proxy_next_upstream off; proxy_read_timeout {timeout}; }}\n");
        tree(&["10.20.1.11:8080", "10.20.1.12:8080"], "", &location)
    };
    insta::assert_snapshot!(told(&with("30s"), &with("40s")), @"Pass: Every request goes where it went; retries, timeouts, limits or balancing change");
}

#[test]
fn a_file_that_cannot_be_loaded_comes_first() {
    let head =
        memory([("hosts.yml", INVENTORY), ("nginx.conf", "events {}\nhttp {\n  server {\n    listen 80;\n    location / { return 204 }\n  }\n}\n")]);
    let told = told(&well(), &head);
    assert!(told.starts_with("Fail: ") && told.contains("nginx.conf:5"), "{told}");
}

#[test]
fn the_same_trees_give_the_same_review_to_the_byte() {
    let once = |base: &Snapshot, head: &Snapshot| {
        let review = review(&Change { base, head, known_good: Some(base), title: "Revert \"x\"", body: "" });
        assert_ne!(review.verdict, Verdict::Pass);
        serde_json::to_string(&review).unwrap()
    };
    assert_eq!(once(&well(), &half_broken()), once(&well(), &half_broken()));
}
