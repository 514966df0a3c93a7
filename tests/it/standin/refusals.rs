//! Every refusal: what is sent, what comes back.

use super::checks::with_pull_request;
use super::client::{Api, jwt, now, send};
use serde_json::{Value, json};
use waypost::standin::Fault;

const RUNS: &str = "/repos/acme/edge/check-runs";

#[tokio::test]
async fn check_runs_beyond_the_limits_are_422() {
    let (standin, head) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let note = |more: Value| {
        let mut note = json!({"path": "a.conf", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"});
        note.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"output": {"title": "t", "summary": "s", "annotations": [note]}})
    };
    let many: Vec<Value> = (1..=51).map(|line| note(json!({"start_line": line, "end_line": line}))["output"]["annotations"][0].clone()).collect();
    let refused = [
        json!({"output": {"title": "t", "summary": "s", "annotations": many}}),
        json!({"output": {"summary": "s"}}),
        json!({"output": {"title": "t"}}),
        json!({"output": {"title": "t", "summary": "s".repeat(65_536)}}),
        json!({"output": {"title": "t", "summary": "ä".repeat(40_000)}}),
        json!({"output": {"title": "t", "summary": "s", "text": "s".repeat(65_536)}}),
        json!({"status": "completed"}),
        json!({"status": "in_progress", "conclusion": "success"}),
        json!({"conclusion": "stale"}),
        json!({"conclusion": "good"}),
        json!({"status": "waiting"}),
        json!({"name": ""}),
        json!({"head_sha": "0".repeat(40)}),
        json!({"actions": [{"label": "x".repeat(21), "description": "d", "identifier": "i"}]}),
        note(json!({"annotation_level": "error"})),
        note(json!({"message": ""})),
        note(json!({"title": "t".repeat(256)})),
        note(json!({"end_line": 2, "start_column": 1})),
        note(json!({"start_line": 3})),
    ];
    for more in refused {
        let mut body = json!({"name": "waypost", "head_sha": head});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = api.post(RUNS, &body).await;
        assert_eq!(answer.status, 422, "{:.200} -> {}", more.to_string(), answer.text);
        assert!(answer.json()["message"].is_string() && answer.json()["documentation_url"].is_string());
    }
    assert!(standin.checks("acme/edge", &head).is_empty());
    assert_eq!(api.send("POST", RUNS, "{".to_owned()).await.unwrap().status, 400);
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let (standin, head) = with_pull_request().await;
    let body = json!({"name": "waypost", "head_sha": head});
    assert_eq!(Api::with(&standin, &standin.user_token).post(RUNS, &body).await.status, 403, "no App, no check");
    let unknown = Api::with(&standin, "ghs_unknown").get("/repos/acme/edge/pulls/1").await;
    assert_eq!((unknown.status, &unknown.json()["message"]), (401, &json!("Bad credentials")));
    let none = send("GET", &format!("{}/repos/acme/edge/pulls/1", standin.api_url), &[("user-agent", "t")], String::new()).await.unwrap();
    assert_eq!(none.status, 401);
    let nameless = send("GET", &format!("{}/app", standin.api_url), &[], String::new()).await.unwrap();
    assert_eq!(nameless.status, 403, "no User-Agent");
    let elsewhere = send("GET", &format!("{}/app", standin.api_url), &[("host", "evil.example"), ("user-agent", "t")], String::new()).await.unwrap();
    assert_eq!(elsewhere.status, 421);

    let good = json!({"iat": now() - 60, "exp": now() + 500, "iss": standin.app_id.to_string()});
    assert_eq!(Api::with(&standin, &jwt(&standin.private_key_pem, &good)).get("/app").await.status, 200);
    let bad = [("exp", json!(now() + 900)), ("exp", json!(now() - 1)), ("iat", json!(now() + 300)), ("iss", json!("somebody"))];
    for (claim, value) in bad {
        let mut claims = good.clone();
        claims[claim] = value;
        assert_eq!(Api::with(&standin, &jwt(&standin.private_key_pem, &claims)).get("/app").await.status, 401, "{claims}");
    }

    let api = Api::installation(&standin).await;
    assert_eq!(api.get("/repos/acme/other").await.status, 404);
    assert_eq!(api.get("/repos/acme/edge/pulls/99").await.status, 404);
    standin.expire_tokens();
    assert_eq!(api.get("/repos/acme/edge/pulls/1").await.status, 401);
    let fresh = Api::installation(&standin).await;
    standin.uninstall("acme/edge");
    assert_eq!(fresh.get("/repos/acme/edge/pulls/1").await.status, 404);
}

#[tokio::test]
async fn a_line_outside_the_diff_refuses_the_whole_review() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let on = |line: u64| json!({"path": "a.conf", "line": line, "side": "RIGHT", "body": "b"});
    let review = |comments: Value| json!({"event": "COMMENT", "body": "b", "comments": comments});
    let path = "/repos/acme/edge/pulls/1/reviews";
    for refused in [json!([on(5), on(1)]), json!([{"path": "b/c.conf", "line": 1, "body": "b"}])] {
        assert_eq!(api.post(path, &review(refused)).await.status, 422);
    }
    assert_eq!(api.get(path).await.json(), json!([]));
    assert_eq!(api.post(path, &review(json!([on(5)]))).await.status, 200);
}

#[tokio::test]
async fn comments_and_reactions_keep_their_bounds() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let path = "/repos/acme/edge/issues/1/comments";
    for body in [json!({"body": "x".repeat(65_537)}), json!({"body": " "}), json!({})] {
        assert_eq!(api.post(path, &body).await.status, 422);
    }
    let made = api.post(path, &json!({"body": "x"})).await;
    assert_eq!(made.status, 201);
    let reactions = format!("/repos/acme/edge/issues/comments/{}/reactions", made.json()["id"]);
    assert_eq!(api.post(&reactions, &json!({"content": "eyes"})).await.status, 201);
    assert_eq!(api.post(&reactions, &json!({"content": "eyes"})).await.status, 200);
    assert_eq!(api.post(&reactions, &json!({"content": "shrug"})).await.status, 422);
}

#[tokio::test]
async fn faults_come_as_planned_and_then_stop() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let path = "/repos/acme/edge/issues/1/comments";
    standin.fail("GET", "/comments", 1, Fault::TooManyRequests(Some(7)));
    let limited = api.get(path).await;
    assert_eq!((limited.status, limited.headers["retry-after"].to_str().unwrap()), (429, "7"));
    standin.fail("POST", "/comments", 1, Fault::AfterAccepting(502));
    assert_eq!(api.post(path, &json!({"body": "x"})).await.status, 502);
    assert_eq!(api.get(path).await.json().as_array().unwrap().len(), 1, "the lost answer was to a comment that is there");
    standin.fail("", "/comments", 1, Fault::Reset);
    assert!(api.send("GET", path, String::new()).await.is_err());
    assert_eq!(api.get(path).await.status, 200);
}

#[tokio::test]
async fn reviews_keep_their_bounds() {
    let (standin, head) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let path = "/repos/acme/edge/pulls/1/reviews";
    let on = |more: Value| {
        let mut comment = json!({"path": "a.conf", "line": 5, "side": "RIGHT", "body": "b"});
        comment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"event": "COMMENT", "comments": [comment]})
    };
    for (refused, words) in [
        (json!({"event": "COMMENT"}), "Body can't be blank"),
        (json!({"event": "REQUEST_CHANGES"}), "Body can't be blank"),
        (json!({"event": "COMMENT", "body": "x".repeat(65_537)}), "too long"),
        (json!({"event": "SHRUG", "body": "x"}), "SHRUG"),
        (json!({"event": "COMMENT", "body": "x", "commit_id": "0".repeat(40)}), "not part of the pull request"),
        (on(json!({"start_line": 5})), "start_line must precede"),
        (on(json!({"start_line": 1})), "Start line could not be resolved"),
        (on(json!({"path": "nowhere.conf"})), "Path could not be resolved"),
        (on(json!({"line": 99})), "Line could not be resolved"),
        (on(json!({"line": null})), "Line could not be resolved"),
    ] {
        let answer = api.post(path, &refused).await;
        assert_eq!(answer.status, 422, "{refused}");
        assert!(answer.text.contains(words), "{:.200}: {}", refused.to_string(), answer.text);
    }
    assert_eq!(api.post(path, &on(json!({"start_line": 4}))).await.status, 200);
    let file = json!({"path": "a.conf", "subject_type": "file", "body": "of the whole file", "commit_id": head});
    let made = api.post("/repos/acme/edge/pulls/1/comments", &file).await;
    assert_eq!((made.status, &made.json()["subject_type"]), (201, &json!("file")), "{}", made.text);
    let first = made.json()["id"].as_u64().unwrap();
    let answer = api.post(&format!("/repos/acme/edge/pulls/1/comments/{first}/replies"), &json!({"body": "and"})).await.json();
    let again = format!("/repos/acme/edge/pulls/1/comments/{}/replies", answer["id"]);
    assert_eq!(api.post(&again, &json!({"body": "to an answer"})).await.status, 422, "an answer is not answered");
}

#[tokio::test]
async fn what_others_wrote_is_not_ours_to_change() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let theirs = standin.comment_as_user("acme/edge", 1, "kim", "mine");
    assert_eq!(api.patch(&format!("/repos/acme/edge/issues/comments/{theirs}"), &json!({"body": "ours"})).await.status, 403);
    let line = json!({"event": "COMMENT", "comments": [{"path": "a.conf", "line": 5, "body": "b"}]});
    assert_eq!(api.post("/repos/acme/edge/pulls/1/reviews", &line).await.status, 200);
    let ours = api.get("/repos/acme/edge/pulls/1/comments").await.json()[0]["id"].as_u64().unwrap();
    let answer = standin.reply_as_user("acme/edge", ours, "kim", "no");
    assert_eq!(api.patch(&format!("/repos/acme/edge/pulls/comments/{answer}"), &json!({"body": "yes"})).await.status, 403);
    assert_eq!(api.patch(&format!("/repos/acme/edge/pulls/comments/{ours}"), &json!({"body": "yes"})).await.json()["body"], "yes");
}

#[tokio::test]
async fn an_exhausted_quota_says_when_it_is_full_again() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    standin.fail("GET", "/pulls/1", 1, Fault::Exhausted(90));
    let answer = api.get("/repos/acme/edge/pulls/1").await;
    let header = |name: &str| answer.headers[name].to_str().unwrap().parse::<i64>().unwrap();
    assert_eq!((answer.status, header("x-ratelimit-remaining")), (403, 0));
    assert!((85..=95).contains(&(header("x-ratelimit-reset") - now())) && !answer.headers.contains_key("retry-after"));
    standin.fail("GET", "/pulls/1", 1, Fault::Forbidden(None));
    let secondary = api.get("/repos/acme/edge/pulls/1").await;
    assert!(secondary.status == 403 && secondary.text.contains("secondary rate limit") && !secondary.headers.contains_key("retry-after"));
}
