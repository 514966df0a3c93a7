//! GraphQL: threads are listed, resolved and opened again; comments are folded away.

use super::checks::{files, with_pull_request};
use super::client::Api;
use serde_json::{Value, json};

const THREADS: &str = "query($n: Int!) { repository(owner: \"acme\", name: \"edge\") { pullRequest(number: $n) {
  reviewThreads(first: 10) { pageInfo { hasNextPage } totalCount nodes { id isResolved isOutdated line path
    comments(first: 10) { nodes { fullDatabaseId body author { __typename login } } } } } } } }";

async fn ask(api: &Api, query: &str, variables: Value) -> Value {
    let answer = api.post("/graphql", &json!({"query": query, "variables": variables})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn threads(api: &Api) -> Vec<Value> {
    let answer = ask(api, THREADS, json!({"n": 1})).await;
    answer.pointer("/data/repository/pullRequest/reviewThreads/nodes").unwrap_or_else(|| panic!("{answer}")).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_thread_is_resolved_and_an_answer_is_seen() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let review = json!({"event": "COMMENT", "body": "b", "comments": [{"path": "a.conf", "line": 5, "side": "RIGHT", "body": "wrong"}]});
    assert_eq!(api.post("/repos/acme/edge/pulls/1/reviews", &review).await.status, 200);
    let thread = threads(&api).await.remove(0);
    assert_eq!((&thread["isResolved"], &thread["line"], &thread["path"]), (&json!(false), &json!(5), &json!("a.conf")));
    let comment = &thread["comments"]["nodes"][0];
    assert_eq!(comment["author"], json!({"__typename": "Bot", "login": "waypost"}), "no [bot] here, unlike in REST");
    let id: u64 = comment["fullDatabaseId"].as_str().unwrap().parse().unwrap();
    assert!(standin.reply_as_user("acme/edge", id, "kim", "I will look") > 0);
    let after = threads(&api).await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0]["comments"]["nodes"][1]["author"], json!({"__typename": "User", "login": "kim"}));

    let resolve = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }";
    let done = ask(&api, resolve, json!({"id": thread["id"]})).await;
    assert_eq!(done["data"]["resolveReviewThread"]["thread"], json!({"isResolved": true}));
    assert_eq!(threads(&api).await[0]["isResolved"], json!(true));
    assert_eq!(ask(&api, resolve, json!({"id": "PRRT_no"})).await["errors"][0]["type"], "NOT_FOUND");
    standin.refuse_resolving();
    assert_eq!(ask(&api, resolve, json!({"id": thread["id"]})).await["errors"][0]["type"], "FORBIDDEN");

    // A line that a later push changes is outdated: it has no line any more.
    standin.push("acme/edge", "change", &files(&[("a.conf", "0\n1\n2\n3\n4\nsix\n6\n7\n8\n9\n"), ("b/c.conf", "x\n")]), "Again");
    let moved = &threads(&api).await[0];
    assert_eq!((&moved["isOutdated"], &moved["line"]), (&json!(true), &Value::Null));
    let list = api.get("/repos/acme/edge/pulls/1/comments").await.json();
    assert_eq!((&list[0]["line"], &list[0]["original_line"], &list[1]["in_reply_to_id"]), (&Value::Null, &json!(5), &json!(id)));
}

#[tokio::test]
async fn a_comment_is_folded_away_by_its_node_id() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let made = api.post("/repos/acme/edge/issues/1/comments", &json!({"body": "x"})).await.json();
    let fold = "mutation($id: ID!, $why: ReportedContentClassifiers!) { minimizeComment(input: {subjectId: $id, classifier: $why}) { minimizedComment { isMinimized minimizedReason } } }";
    let done = ask(&api, fold, json!({"id": made["node_id"], "why": "OUTDATED"})).await;
    assert_eq!(done["data"]["minimizeComment"]["minimizedComment"], json!({"isMinimized": true, "minimizedReason": "outdated"}));
    assert!(ask(&api, fold, json!({"id": made["node_id"], "why": "OLD"})).await["errors"].is_array());
}

#[tokio::test]
async fn what_github_does_not_know_or_bound_is_an_error() {
    let (standin, _) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let pull = |inner: &str| format!("{{ repository(owner: \"acme\", name: \"edge\") {{ pullRequest(number: 1) {{ {inner} }} }} }}");
    for (query, kind) in [
        (pull("reviewThreads { nodes { id } }"), "MISSING_PAGINATION_BOUNDARIES"),
        (pull("reviewThreads(first: 101) { nodes { id } }"), "EXCESSIVE_PAGINATION"),
        (pull("colour"), "undefinedField"),
        (pull("author"), "selectionMismatch"),
        ("{ repository(owner: \"acme\", name: \"edge\") { pullRequest(number: 9) { id } } }".to_owned(), "NOT_FOUND"),
        ("{ repository(owner: \"acme\", name: \"other\") { id } }".to_owned(), "NOT_FOUND"),
    ] {
        let answer = ask(&api, &query, json!({})).await;
        assert_eq!(answer["errors"][0]["type"], kind, "{query}: {answer}");
    }
    assert_eq!(api.post("/graphql", &json!({"query": "{"})).await.json()["data"], Value::Null);
}
