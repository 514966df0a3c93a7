//! Pull requests and their files.

use super::super::diff::changed_files;
use super::super::error::{Answer, Refusal, ok};
use super::super::hub::{Hub, Need};
use super::{paged, query, sha};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::routing::get;
use std::sync::Arc;

const PULLS: Need = Need::Read(&["pull_requests"]);
/// As many files as GitHub lists.
const MOST_FILES: usize = 3000;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/pulls", get(list))
        .route("/repos/{owner}/{repo}/pulls/{number}", get(pull))
        .route("/repos/{owner}/{repo}/pulls/{number}/files", get(files))
        .route("/repos/{owner}/{repo}/commits/{sha}/pulls", get(of_commit))
}

async fn list(State(hub): State<Arc<Hub>>, Path((owner, repo)): Path<(String, String)>, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, PULLS)?;
    let repository = opened.repository()?;
    let wanted = query(&uri, "state").unwrap_or_else(|| "open".to_owned());
    let base = query(&uri, "base");
    let head = query(&uri, "head");
    let fits = |pull: &&super::super::state::Pull| {
        let state = if pull.open { "open" } else { "closed" };
        (wanted == "all" || wanted == state)
            && base.as_ref().is_none_or(|base| *base == pull.base_branch)
            && head.as_ref().is_none_or(|head| *head == format!("{}:{}", repository.owner.login, pull.head_branch))
    };
    let pulls = repository.pulls.iter().rev().filter(fits).map(|pull| hub.shapes.pull_simple(repository, pull)).collect();
    paged(&hub, &uri, pulls, None)
}

async fn pull(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Path<(String, String, u64)>, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, PULLS)?;
    let repository = opened.repository()?;
    let pull = repository.pull(number).ok_or_else(Refusal::not_found)?;
    ok(hub.shapes.pull(&opened.state, repository, pull))
}

async fn files(State(hub): State<Arc<Hub>>, Path((owner, repo, number)): Path<(String, String, u64)>, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, PULLS)?;
    let repository = opened.repository()?;
    let pull = repository.pull(number).ok_or_else(Refusal::not_found)?;
    let merge_base = opened.state.objects.merge_base(pull.base, pull.head).unwrap_or(pull.base);
    let full_name = repository.full_name();
    let files = changed_files(&opened.state.objects, merge_base, pull.head);
    let entries = files.iter().take(MOST_FILES).map(|file| hub.shapes.diff_entry(&full_name, pull.head, file)).collect();
    paged(&hub, &uri, entries, None)
}

async fn of_commit(State(hub): State<Arc<Hub>>, Path((owner, repo, id)): Path<(String, String, String)>, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, PULLS)?;
    let repository = opened.repository()?;
    let id = sha(&id)?;
    opened.state.objects.commit(id).ok_or_else(|| Refusal::unfit(format!("No commit found for SHA: {id}")))?;
    let has = |pull: &&super::super::state::Pull| {
        let before = opened.state.objects.ancestors(pull.base);
        opened.state.objects.ancestors(pull.head).into_iter().any(|commit| commit == id && !before.contains(&commit))
    };
    let pulls = repository.pulls.iter().filter(has).map(|pull| hub.shapes.pull_simple(repository, pull)).collect();
    paged(&hub, &uri, pulls, None)
}
