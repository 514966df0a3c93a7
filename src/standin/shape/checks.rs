//! Check runs, their annotations, check suites.

use super::super::auth::app_permissions;
use super::super::clock::rfc3339;
use super::super::state::{Repository, Run, Suite};
use super::{Shapes, node_id};
use serde_json::{Value, json};

impl Shapes {
    /// A `check-run`.
    pub(in super::super) fn run(&self, repository: &Repository, run: &Run) -> Value {
        let full_name = repository.full_name();
        let url = format!("{}/repos/{full_name}/check-runs/{}", self.api, run.id);
        let html_url = format!("{}/{full_name}/runs/{}", self.web, run.id);
        json!({
            "id": run.id, "name": run.name, "node_id": node_id("CR", run.id), "head_sha": run.sha.to_string(),
            "external_id": run.external_id, "url": url, "html_url": html_url,
            "details_url": run.details_url.clone().unwrap_or_else(|| html_url.clone()), "status": run.status, "conclusion": run.conclusion,
            "started_at": run.started, "completed_at": run.completed,
            "output": {
                "title": run.title, "summary": run.summary, "text": run.text, "annotations_count": run.annotations.len(),
                "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": {"id": run.suite}, "app": self.app(&app_permissions()), "pull_requests": self.pulls_of_check(repository, run.sha),
        })
    }

    /// The `check-annotation`s of a run.
    pub(in super::super) fn annotations(&self, repository: &Repository, run: &Run) -> Vec<Value> {
        let full_name = repository.full_name();
        let annotations = run.annotations.iter().map(|annotation| {
            let get = |key: &str| annotation.get(key).cloned().unwrap_or(Value::Null);
            let path = annotation.get("path").and_then(Value::as_str).unwrap_or_default();
            json!({
                "path": path, "start_line": get("start_line"), "end_line": get("end_line"), "start_column": get("start_column"),
                "end_column": get("end_column"), "annotation_level": get("annotation_level"), "title": get("title"),
                "message": get("message"), "raw_details": get("raw_details"),
                "blob_href": format!("{}/repos/{full_name}/contents/{path}?ref={}", self.api, run.sha),
            })
        });
        annotations.collect()
    }

    /// A `check-suite`. Its state is that of its newest runs.
    pub(in super::super) fn suite(&self, repository: &Repository, suite: &Suite) -> Value {
        let full_name = repository.full_name();
        let url = format!("{}/repos/{full_name}/check-suites/{}", self.api, suite.id);
        let runs = repository.latest_runs(suite.sha);
        let done = !suite.rerequested && !runs.is_empty() && runs.iter().all(|run| run.status == "completed");
        let started = !suite.rerequested && runs.iter().any(|run| run.status != "queued");
        let worst = ["failure", "timed_out", "action_required", "cancelled", "success", "neutral", "skipped"];
        let conclusion = worst.into_iter().find(|word| runs.iter().any(|run| run.conclusion.as_deref() == Some(word)));
        json!({
            "id": suite.id, "node_id": node_id("CS", suite.id), "head_branch": suite.branch, "head_sha": suite.sha.to_string(),
            "head_commit": Self::simple_commit(suite.sha, &suite.commit), "status": if done { "completed" } else if started { "in_progress" } else { "queued" },
            "conclusion": if done { json!(conclusion) } else { Value::Null }, "url": url,
            "before": suite.before.map(|id| id.to_string()), "after": suite.sha.to_string(),
            "pull_requests": self.pulls_of_check(repository, suite.sha), "app": self.app(&app_permissions()), "created_at": rfc3339(suite.created),
            "updated_at": rfc3339(suite.created), "rerequestable": true, "runs_rerequestable": true,
            "latest_check_runs_count": runs.len(), "check_runs_url": format!("{url}/check-runs"),
        })
    }
}
