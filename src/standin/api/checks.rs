//! Check runs and suites.

use super::super::Activity;
use super::super::actions;
use super::super::clock::{now_seconds, rfc3339};
use super::super::error::{Answer, Refusal, created, ok};
use super::super::hub::{Hub, Need, Opened};
use super::super::state::{Repository, Run, Suite};
use super::{body, limits, missing, paged, query, text};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use gix::hash::ObjectId;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const CHECKS: Need = Need::Read(&["checks"]);

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/check-runs", post(create))
        .route("/repos/{owner}/{repo}/check-runs/{id}", get(run).patch(update))
        .route("/repos/{owner}/{repo}/check-runs/{id}/annotations", get(annotations))
        .route("/repos/{owner}/{repo}/check-runs/{id}/rerequest", post(rerequest))
        .route("/repos/{owner}/{repo}/check-suites/{id}", get(suite))
        .route("/repos/{owner}/{repo}/check-suites/{id}/check-runs", get(runs_of_suite))
        .route("/repos/{owner}/{repo}/commits/{name}/check-runs", get(runs_of_commit))
        .route("/repos/{owner}/{repo}/commits/{name}/check-suites", get(suites_of_commit))
}

type Two = Path<(String, String)>;
type Numbered = Path<(String, String, u64)>;
type Named = Path<(String, String, String)>;

fn find_run(repository: &Repository, id: u64) -> Result<&Run, Refusal> {
    repository.runs.iter().find(|run| run.id == id).ok_or_else(Refusal::not_found)
}

/// The App's suite on a commit; made where there is none.
pub(in super::super) fn suite_of(opened: &mut Opened<'_>, sha: ObjectId) -> Result<u64, Refusal> {
    // The head of a fork is on no branch of this repository.
    let here = |(name, id): &(&String, &ObjectId)| **id == sha && !name.contains(':');
    let branch = opened.repository()?.branches.iter().find(here).map(|(name, _)| name.clone());
    if let Some(found) = opened.repository()?.suites.iter().find(|suite| suite.sha == sha) {
        return Ok(found.id);
    }
    let commit = opened.state.objects.commit(sha).cloned().ok_or_else(Refusal::not_found)?;
    let before = commit.parents.first().copied();
    let id = opened.state.new_id();
    opened.repository_mut()?.suites.push(Suite { id, sha, commit, branch, before, created: now_seconds(), rerequested: false });
    Ok(id)
}

async fn create(State(hub): State<Arc<Hub>>, Path((owner, repo)): Two, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, Need::WriteChecks)?;
    let body = body(&bytes)?;
    let name = text(&body, "name")?.filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?.to_owned();
    let head = text(&body, "head_sha")?.ok_or_else(|| missing("head_sha"))?;
    limits::check_run(&body)?;
    let none = || Refusal::unfit(format!("No commit found for SHA: {head}"));
    let sha = ObjectId::from_hex(head.as_bytes()).ok().filter(|id| opened.state.objects.commit(*id).is_some()).ok_or_else(none)?;
    let suite = suite_of(&mut opened, sha)?;
    let mut run = Run {
        id: opened.state.new_id(),
        suite,
        sha,
        name,
        status: "queued".to_owned(),
        conclusion: None,
        external_id: String::new(),
        details_url: None,
        started: Some(rfc3339(now_seconds())),
        completed: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
        actions: Vec::new(),
    };
    apply(&mut run, &body)?;
    let shown = hub.shapes.run(opened.repository()?, &run);
    let repository = opened.repository_mut()?;
    repository.suites.iter_mut().filter(|suite| suite.sha == sha).for_each(|suite| suite.rerequested = false);
    repository.runs.push(run.clone());
    written(&hub, &mut opened, "created", &run, &shown);
    if run.status == "completed" {
        written(&hub, &mut opened, "completed", &run, &shown);
    }
    created(shown)
}

/// Sends the event that a written run causes, and tells who watches.
fn written(hub: &Hub, opened: &mut Opened<'_>, action: &str, run: &Run, shown: &Value) {
    let sender = hub.author(&opened.caller);
    let at = opened.at;
    let in_event = opened.repository().map_or_else(|_| shown.clone(), |repository| actions::run_in_event(hub, repository, run));
    hub.emit(&mut opened.state, "check_run", (at, &sender), json!({"action": action, "check_run": in_event}));
    if action == "created" && run.status == "completed" {
        // The same run is told of as completed.
        return;
    }
    hub.tell(Activity::Check {
        id: run.id,
        name: run.name.clone(),
        sha: run.sha.to_string(),
        status: run.status.clone(),
        conclusion: run.conclusion.clone(),
        title: run.title.clone(),
    });
}

async fn update(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, Need::WriteChecks)?;
    let mut run = find_run(opened.repository()?, id)?.clone();
    let body = body(&bytes)?;
    limits::check_run(&body)?;
    let was_completed = run.status == "completed";
    apply(&mut run, &body)?;
    let shown = hub.shapes.run(opened.repository()?, &run);
    if let Some(slot) = opened.repository_mut()?.runs.iter_mut().find(|run| run.id == id) {
        *slot = run.clone();
    }
    opened.state.version += 1;
    if run.status == "completed" && !was_completed {
        written(&hub, &mut opened, "completed", &run, &shown);
    }
    ok(shown)
}

/// Writes what a body says into a run. Annotations are appended to those there are.
fn apply(run: &mut Run, body: &Map<String, Value>) -> Result<(), Refusal> {
    let own = |key: &str| text(body, key).map(|value| value.map(str::to_owned));
    if let Some(name) = own("name")? {
        run.name = name;
    }
    if let Some(status) = own("status")? {
        if status != "completed" {
            run.conclusion = None;
            run.completed = None;
        }
        run.status = status;
    }
    if let Some(conclusion) = own("conclusion")? {
        run.conclusion = Some(conclusion);
        "completed".clone_into(&mut run.status);
        run.completed = Some(rfc3339(now_seconds()));
    }
    run.external_id = own("external_id")?.unwrap_or_else(|| run.external_id.clone());
    run.details_url = own("details_url")?.or_else(|| run.details_url.clone());
    run.started = own("started_at")?.or_else(|| run.started.clone());
    if run.status == "completed" {
        run.completed = own("completed_at")?.or_else(|| run.completed.clone());
    }
    if let Some(actions) = body.get("actions").and_then(Value::as_array) {
        run.actions.clone_from(actions);
    }
    if let Some(output) = body.get("output").and_then(Value::as_object) {
        run.title = text(output, "title")?.map(str::to_owned);
        run.summary = text(output, "summary")?.map(str::to_owned);
        run.text = text(output, "text")?.map(str::to_owned);
        run.annotations.extend(output.get("annotations").and_then(Value::as_array).cloned().unwrap_or_default());
    }
    Ok(())
}

async fn run(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    ok(hub.shapes.run(repository, find_run(repository, id)?))
}

async fn annotations(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    paged(&hub, &uri, hub.shapes.annotations(repository, find_run(repository, id)?), None)
}

async fn rerequest(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, Need::WriteChecks)?;
    find_run(opened.repository()?, id)?;
    let sender = hub.author(&opened.caller);
    let at = opened.at;
    actions::rerequest_run(&hub, &mut opened.state, at, id, &sender);
    super::super::error::answer(StatusCode::CREATED, json!({}))
}

async fn suite(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    let suite = repository.suites.iter().find(|suite| suite.id == id).ok_or_else(Refusal::not_found)?;
    ok(with_repository(&hub, repository, suite))
}

/// A suite as the API has it; in events the repository stands beside it.
fn with_repository(hub: &Hub, repository: &Repository, suite: &Suite) -> Value {
    super::super::shape::merged(hub.shapes.suite(repository, suite), json!({"repository": hub.shapes.repository(repository)}))
}

async fn suites_of_commit(State(hub): State<Arc<Hub>>, Path((owner, repo, name)): Named, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    let id = opened.state.resolve(repository, &name).ok_or_else(Refusal::not_found)?;
    let suites = repository.suites.iter().filter(|suite| suite.sha == id).map(|suite| with_repository(&hub, repository, suite)).collect();
    paged(&hub, &uri, suites, Some("check_suites"))
}

/// The runs that fit the query, as a page.
fn list(hub: &Hub, uri: &Uri, repository: &Repository, sha: ObjectId) -> Answer {
    let all = query(uri, "filter").as_deref() == Some("all");
    let runs: Vec<&Run> = if all { repository.runs.iter().filter(|run| run.sha == sha).collect() } else { repository.latest_runs(sha) };
    let (name, status) = (query(uri, "check_name"), query(uri, "status"));
    let app = query(uri, "app_id").and_then(|id| id.parse::<u64>().ok());
    let fits = |run: &&&Run| {
        name.as_ref().is_none_or(|name| *name == run.name)
            && status.as_ref().is_none_or(|status| *status == run.status)
            && app.is_none_or(|app| app == hub.shapes.identity.app_id)
    };
    // The newest first, as GitHub lists them.
    paged(hub, uri, runs.iter().rev().filter(fits).map(|run| hub.shapes.run(repository, run)).collect(), Some("check_runs"))
}

async fn runs_of_commit(State(hub): State<Arc<Hub>>, Path((owner, repo, name)): Named, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    let id = opened.state.resolve(repository, &name).ok_or_else(|| Refusal::unfit(format!("No commit found for SHA: {name}")))?;
    list(&hub, &uri, repository, id)
}

async fn runs_of_suite(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Numbered, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, CHECKS)?;
    let repository = opened.repository()?;
    let suite = repository.suites.iter().find(|suite| suite.id == id).ok_or_else(Refusal::not_found)?;
    list(&hub, &uri, repository, suite.sha)
}
