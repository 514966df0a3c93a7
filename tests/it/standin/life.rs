//! What happens to repositories, pull requests, tokens and deliveries in the course of their life.

use super::checks::{files, with_pull_request};
use super::client::{Api, send};
use crate::support::contract::Watched;
use serde_json::{Value, json};
use waypost::standin::{DeliverySeen, File, NewPull, Options, Standin};

/// An address where nobody answers: deliveries are kept, and fail.
const NOBODY: &str = "http://127.0.0.1:9/webhook";

async fn delivered(standin: &Standin) -> Vec<DeliverySeen> {
    for _ in 0..500 {
        let all = standin.deliveries();
        if all.iter().all(|delivery| delivery.done) {
            return all;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("deliveries that never end");
}

/// The payload of the last delivery of an event.
async fn last(standin: &Standin, event: &str) -> Value {
    let all = delivered(standin).await;
    let found = all.iter().rev().find(|delivery| delivery.event == event).unwrap_or_else(|| panic!("no {event}"));
    serde_json::from_str(&found.body).unwrap()
}

#[tokio::test]
async fn a_push_moves_the_head_and_says_so() {
    let (standin, head) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    let api = Api::installation(&standin).await;
    let list = api.get("/repos/acme/edge/pulls/1/files").await.json();
    assert_eq!((&list[0]["filename"], &list[0]["status"], &list[0]["changes"]), (&json!("a.conf"), &json!("modified"), &json!(2)));
    let new = standin.push("acme/edge", "change", &files(&[("a.conf", "1\n")]), "More");
    let event = last(&standin, "pull_request").await;
    assert_eq!((&event["action"], &event["before"], &event["after"]), (&json!("synchronize"), &json!(head), &json!(new)));
    assert_eq!(event["pull_request"]["head"]["sha"], json!(new));
    assert_eq!(api.get("/repos/acme/edge/pulls/1").await.json()["head"]["sha"], json!(new));
}

#[tokio::test]
async fn tokens_end_after_an_hour() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    standin.pass_time(3590);
    assert_eq!(api.get("/repos/acme/edge").await.status, 200);
    standin.pass_time(20);
    assert_eq!(api.get("/repos/acme/edge").await.status, 401);
}

#[tokio::test]
async fn a_token_does_no_more_than_it_was_asked_for() {
    let (standin, head) = with_pull_request().await;
    standin.create_repository("acme", "other", &files(&[("x", "x")]));
    let app = Api::app(&standin);
    let mint = async |body: Value| app.post(&format!("/app/installations/{}/access_tokens", standin.installation_id), &body).await;
    let id = Api::installation(&standin).await.get("/repos/acme/edge").await.json()["id"].clone();
    let token = mint(json!({"repository_ids": [id], "permissions": {"contents": "read"}})).await.json();
    let narrow = Api::with(&standin, token["token"].as_str().unwrap());
    assert_eq!(narrow.get(&format!("/repos/acme/edge/git/commits/{head}")).await.status, 200);
    assert_eq!(narrow.get("/repos/acme/other").await.status, 404);
    assert_eq!(narrow.post("/repos/acme/edge/check-runs", &json!({"name": "waypost", "head_sha": head})).await.status, 403);
    assert_eq!(mint(json!({"permissions": {"administration": "read"}})).await.status, 422);
    assert_eq!(mint(json!({"repositories": ["nowhere"]})).await.status, 422);
    standin.installation_event("suspend");
    assert_eq!(mint(json!({})).await.status, 403);
    standin.installation_event("unsuspend");
    standin.installation_event("deleted");
    assert_eq!(mint(json!({})).await.status, 404);
    assert_eq!(narrow.get("/repos/acme/edge").await.status, 401);
}

#[tokio::test]
async fn roles_and_teams_are_told_as_github_tells_them() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let of = async |login: &str| api.get(&format!("/repos/acme/edge/collaborators/{login}/permission")).await.json();
    for (role, legacy) in [("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read"), ("none", "none")] {
        standin.set_role("acme/edge", "kim", role);
        let seen = of("kim").await;
        assert_eq!((&seen["role_name"], &seen["permission"]), (&json!(role), &json!(legacy)));
    }
    standin.set_role("acme/edge", "nobody", "unknown");
    assert_eq!(of("nobody").await["message"], "Not Found");
    standin.set_team("acme", "ops", &["kim"]);
    let team = "/orgs/acme/teams/ops/memberships/kim";
    assert_eq!(api.get(team).await.status, 403, "without the permission members");
    standin.permit("members", "read");
    let api = Api::installation(&standin).await;
    assert_eq!(api.get(team).await.json()["state"], "active");
    assert_eq!(api.get("/orgs/acme/teams/ops/memberships/lee").await.status, 404);
}

#[tokio::test]
async fn a_merge_is_refused_until_the_required_check_lets_it_through() {
    for (conclusion, merged) in [("failure", false), ("cancelled", false), ("success", true), ("neutral", true), ("skipped", true)] {
        let (standin, head) = with_pull_request().await;
        standin.require_check("acme/edge", "main", "waypost", Some(standin.app_id));
        let api = Api::installation(&standin).await;
        let rules = api.get("/repos/acme/edge/rules/branches/main").await.json();
        assert_eq!(rules[0]["parameters"]["required_status_checks"], json!([{"context": "waypost", "integration_id": standin.app_id}]));
        let person = Api::with(&standin, &standin.user_token);
        let merge = async |body: &Value| person.send("PUT", "/repos/acme/edge/pulls/1/merge", body.to_string()).await.unwrap();
        let early = merge(&json!({})).await;
        assert_eq!((early.status, &early.json()["message"]), (405, &json!("Required status check \"waypost\" is expected.")));
        assert_eq!(api.send("PUT", "/repos/acme/edge/pulls/1/merge", String::new()).await.unwrap().status, 403, "the App may not write contents");
        let run = json!({"name": "waypost", "head_sha": head, "status": "completed", "conclusion": conclusion});
        assert_eq!(api.post("/repos/acme/edge/check-runs", &run).await.status, 201);
        assert_eq!(merge(&json!({"sha": "0".repeat(40)})).await.status, 409);
        let answer = merge(&json!({"sha": head})).await;
        assert_eq!(answer.status, if merged { 200 } else { 405 }, "{conclusion}: {}", answer.text);
        assert_eq!(api.get("/repos/acme/edge/pulls/1").await.json()["merged"], json!(merged));
    }
}

#[tokio::test]
async fn the_merge_queue_asks_for_checks_on_groups() {
    let (standin, _) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    standin.push("acme/edge", "second", &files(&[("a.conf", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n"), ("b/c.conf", "x\n")]), "Second");
    let number = standin.open_pull_request("acme/edge", &NewPull { head: "second", base: "main", title: "Second", body: "" });
    let first = standin.enqueue("acme/edge", 1);
    let second = standin.enqueue("acme/edge", number);
    let event = last(&standin, "merge_group").await;
    let group = &event["merge_group"];
    assert_eq!((&event["action"], &group["head_sha"], &group["base_sha"]), (&json!("checks_requested"), &json!(second), &json!(first)));
    assert_eq!(group["head_ref"], json!(format!("refs/heads/gh-readonly-queue/main/pr-{number}-{first}")));
    let text = standin.files("acme/edge", &format!("gh-readonly-queue/main/pr-{number}-{first}"));
    assert_eq!(text["a.conf"], File::from("1\n2\n3\n4\nfive\n6\n7\n8\nnine\n"), "both changes together");
    let api = Api::installation(&standin).await;
    let query = "{ repository(owner: \"acme\", name: \"edge\") { mergeQueue { entries(first: 5) { nodes { position headCommit { oid } pullRequest { number } } } } } }";
    let entries = api.post("/graphql", &json!({"query": query})).await.json();
    assert_eq!(entries["data"]["repository"]["mergeQueue"]["entries"]["nodes"][1]["pullRequest"]["number"], json!(number));

    standin.dequeue("acme/edge", 1, "dequeued");
    let all = delivered(&standin).await;
    let groups = all.iter().filter(|delivery| delivery.event == "merge_group").map(|delivery| {
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        format!("{} {}", body["action"].as_str().unwrap(), body["reason"].as_str().unwrap_or("-"))
    });
    let wanted = ["checks_requested -", "checks_requested -", "destroyed dequeued", "destroyed invalidated", "checks_requested -"];
    assert_eq!(groups.collect::<Vec<_>>(), wanted);
    standin.dequeue("acme/edge", number, "merged");
    assert_eq!(api.get(&format!("/repos/acme/edge/pulls/{number}")).await.json()["merged"], json!(true));
}

#[tokio::test]
async fn a_fork_is_seen_by_its_commit_only() {
    let (standin, _) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    let head = standin.push_to_fork("acme/edge", ("kim", "patch"), &files(&[("a.conf", "1\n")]), "Fork");
    let number = standin.open_from_fork("acme/edge", ("kim", "patch"), "From a fork");
    assert_eq!(number, 2);
    let opened = last(&standin, "pull_request").await["pull_request"]["head"].clone();
    assert_eq!((&opened["label"], &opened["ref"], &opened["repo"]["fork"]), (&json!("kim:patch"), &json!("patch"), &json!(true)));
    let api = Api::installation(&standin).await;
    let run = api.post("/repos/acme/edge/check-runs", &json!({"name": "waypost", "head_sha": head})).await.json();
    assert_eq!(run["pull_requests"], json!([]));
    let event = last(&standin, "check_run").await;
    assert_eq!(event["check_run"]["check_suite"]["head_branch"], Value::Null);
    assert_eq!(api.get(&format!("/repos/acme/edge/commits/{head}/pulls")).await.json(), json!([]));
    assert_eq!(api.get("/repos/acme/edge/pulls?head=kim:patch").await.json()[0]["number"], json!(2));
    standin.delete_fork("acme/edge", number);
    assert_eq!(api.get("/repos/acme/edge/pulls/2").await.json()["head"]["repo"], Value::Null);
    let events = delivered(&standin).await;
    assert!(events.iter().all(|delivery| delivery.event != "push"), "a push to a fork is the fork's");
}

#[tokio::test]
async fn a_renamed_repository_is_found_under_both_names() {
    let (standin, _) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    standin.rename("acme/edge", "gateway");
    let event = last(&standin, "repository").await;
    assert_eq!((&event["action"], &event["changes"]["repository"]["name"]["from"]), (&json!("renamed"), &json!("edge")));
    let api = Api::installation(&standin).await;
    let old = api.get("/repos/acme/edge/pulls/1").await;
    assert_eq!(old.status, 301);
    let target = old.headers["location"].to_str().unwrap().to_owned();
    let path = target.strip_prefix(&standin.api_url).unwrap();
    assert_eq!(api.get(path).await.json()["base"]["repo"]["full_name"], "acme/gateway");
    assert_eq!(api.post("/repos/acme/edge/issues/1/comments", &json!({"body": "x"})).await.status, 307);
    standin.transfer("acme/gateway", "umbrella");
    assert_eq!(last(&standin, "repository").await["repository"]["full_name"], "umbrella/gateway");
    assert_eq!(api.get("/repos/umbrella/gateway/pulls/1").await.status, 200);
}

#[tokio::test]
async fn deliveries_are_paged_by_cursor_and_sent_again_under_their_guid() {
    let (standin, _) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    for n in 0..5 {
        standin.comment_as_user("acme/edge", 1, "kim", &format!("comment {n}"));
    }
    let sent = delivered(&standin).await;
    let app = Api::app(&standin);
    let mut path = "/app/hook/deliveries?status=failure&per_page=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = app.get(&path).await;
        seen.extend(page.json().as_array().unwrap().iter().map(|item| item["guid"].as_str().unwrap().to_owned()));
        let Some(link) = page.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        assert!(link.contains("cursor=v1_") && link.ends_with("rel=\"next\""), "{link}");
        path = link.strip_prefix(&format!("<{}", standin.api_url)).unwrap().split('>').next().unwrap().to_owned();
    }
    let wanted: Vec<String> = sent.iter().rev().map(|delivery| delivery.guid.clone()).collect();
    assert_eq!(seen, wanted);
    assert_eq!(app.get("/app/hook/deliveries?status=success").await.json(), json!([]));
    let first = sent[0].id;
    assert_eq!(app.post(&format!("/app/hook/deliveries/{first}/attempts"), &json!({})).await.status, 202);
    let again = delivered(&standin).await.pop().unwrap();
    assert_eq!(again.guid, sent[0].guid);
    assert!(again.id != first);
    standin.pass_time(3 * 24 * 3600 + 1);
    assert_eq!(app.post(&format!("/app/hook/deliveries/{first}/attempts"), &json!({})).await.status, 404, "forgotten after three days");
}

#[tokio::test]
async fn an_enterprise_server_is_below_its_prefix_and_its_links_need_the_token_too() {
    let standin = Watched::with(Options { enterprise: true, ..Options::default() }).await;
    standin.create_repository("acme", "edge", &files(&[("a", "a")]));
    for n in 0..3 {
        standin.push("acme/edge", &format!("b{n}"), &files(&[("a", &n.to_string())]), "b");
        standin.open_pull_request("acme/edge", &NewPull { head: &format!("b{n}"), base: "main", title: "b", body: "" });
    }
    assert!(standin.api_url.ends_with("/api/v3"));
    let api = Api::installation(&standin).await;
    let page = api.get("/repos/acme/edge/pulls?per_page=2").await;
    let link = page.headers["link"].to_str().unwrap();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    assert!(next.starts_with(&standin.api_url), "{next}");
    assert_eq!(send("GET", next, &[("user-agent", "t")], String::new()).await.unwrap().status, 401);
    assert_eq!(api.get("/repos/acme/edge/pulls?per_page=2&page=2").await.json().as_array().unwrap().len(), 1);
    let root = standin.api_url.strip_suffix("/api/v3").unwrap();
    assert_eq!(send("GET", &format!("{root}/app"), &[("user-agent", "t")], String::new()).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_button_works_only_where_it_is_shown() {
    let (standin, head) = with_pull_request().await;
    standin.set_webhook_url(NOBODY);
    let api = Api::installation(&standin).await;
    let actions = json!([{"label": "Explain worst", "description": "Why it is one", "identifier": "explain"}]);
    let run = json!({"name": "waypost", "head_sha": head, "status": "completed", "conclusion": "failure", "actions": actions});
    let id = api.post("/repos/acme/edge/check-runs", &run).await.json()["id"].as_u64().unwrap();
    assert!(!standin.click("acme/edge", id, "launch", "kim"));
    assert!(standin.click("acme/edge", id, "explain", "kim"));
    let event = last(&standin, "check_run").await;
    assert_eq!((&event["requested_action"]["identifier"], &event["sender"]["login"]), (&json!("explain"), &json!("kim")));
}
