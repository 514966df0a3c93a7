//! Check runs: the limits, and annotations that append.

use super::client::Api;
use crate::support::contract::Watched;
use serde_json::{Value, json};
use waypost::standin::{File, Files, NewPull};

pub(crate) fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(path, text)| ((*path).to_owned(), File::from(*text))).collect()
}

/// A stand-in with `acme/edge` and a pull request that changes `a.conf`; the pull request's head.
pub(crate) async fn with_pull_request() -> (Watched, String) {
    let standin = Watched::start().await;
    standin.create_repository("acme", "edge", &files(&[("a.conf", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("b/c.conf", "x\n")]));
    let head = standin.push("acme/edge", "change", &files(&[("a.conf", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"), ("b/c.conf", "x\n")]), "Change");
    let pull = NewPull { head: "change", base: "main", title: "A change", body: "Why" };
    assert_eq!(standin.open_pull_request("acme/edge", &pull), 1);
    (standin, head)
}

fn annotation(line: u64) -> Value {
    json!({"path": "a.conf", "start_line": line, "end_line": line, "annotation_level": "failure", "message": "wrong"})
}

#[tokio::test]
async fn annotations_append_on_update() {
    let (standin, head) = with_pull_request().await;
    let api = Api::installation(&standin).await;
    let output = json!({"title": "t", "summary": "s", "annotations": [annotation(1)]});
    let made =
        api.post("/repos/acme/edge/check-runs", &json!({"name": "waypost", "head_sha": head, "status": "in_progress", "output": output})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = &made.json()["id"];
    let output = json!({"title": "t2", "summary": "s2", "annotations": [annotation(2)]});
    let changed = api.patch(&format!("/repos/acme/edge/check-runs/{id}"), &json!({"conclusion": "failure", "output": output})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((&changed.json()["status"], &changed.json()["output"]["annotations_count"]), (&json!("completed"), &json!(2)));
    let list = api.get(&format!("/repos/acme/edge/check-runs/{id}/annotations")).await.json();
    assert_eq!((&list[0]["start_line"], &list[1]["start_line"]), (&json!(1), &json!(2)));
}
