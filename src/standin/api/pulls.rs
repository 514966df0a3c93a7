//! Pull requests and their files.

use super::super::diff::changed_files;
use super::super::error::{Answer, Refusal, ok};
use super::super::hub::{Hub, Need};
use super::{paged, query, sha};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;

const PULLS: Need = Need::Read(&["pull_requests"]);
/// As many files as GitHub lists.
const MOST_FILES: usize = 3000;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/pulls", get(list))
        .route("/repos/{owner}/{repo}/pulls/{number}", get(pull))
        .route("/repos/{owner}/{repo}/pulls/{number}/files", get(files))
        .route("/repos/{owner}/{repo}/pulls/{number}/merge", axum::routing::put(merge))
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
            && head.as_ref().is_none_or(|head| *head == label(repository, pull))
    };
    let pulls = repository.pulls.iter().rev().filter(fits).map(|pull| hub.shapes.pull_simple(repository, pull)).collect();
    paged(&hub, &uri, pulls, None)
}

/// `owner:branch` of a pull request's head.
fn label(repository: &super::super::state::Repository, pull: &super::super::state::Pull) -> String {
    if pull.fork.is_some() { pull.head_branch.clone() } else { format!("{}:{}", repository.owner.login, pull.head_branch) }
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

/// Merges, which needs `contents: write`: people may, the App may not.
async fn merge(
    State(hub): State<Arc<Hub>>,
    Path((owner, repo, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    bytes: axum::body::Bytes,
) -> Answer {
    let mut opened = hub.open(&headers, &owner, &repo, Need::Write(&["contents"]))?;
    let body = super::body(&bytes)?;
    let pull = opened.repository()?.pull(number).ok_or_else(Refusal::not_found)?;
    let wanted = super::text(&body, "sha")?.map(sha).transpose()?;
    if wanted.is_some_and(|sha| sha != pull.head) {
        return Err(Refusal::with(StatusCode::CONFLICT, "Head branch was modified. Review and try the merge again."));
    }
    let (at, author) = (opened.at, hub.author(&opened.caller));
    match super::super::merge::merge(&hub, &mut opened.state, (at, number), &author) {
        Ok(sha) => ok(json!({"sha": sha.to_string(), "merged": true, "message": "Pull Request successfully merged"})),
        Err(reason) => Err(Refusal::with(StatusCode::METHOD_NOT_ALLOWED, reason)),
    }
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
    // A commit that is only in a fork is not found, even where an open pull request has it (seen in TooTallNate/nx.js#410).
    let pulls = repository.pulls.iter().filter(|pull| pull.fork.is_none()).filter(has).map(|pull| hub.shapes.pull_simple(repository, pull)).collect();
    paged(&hub, &uri, pulls, None)
}
