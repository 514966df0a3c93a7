//! Who may do what: roles, teams, and the rules of branches.

use super::super::auth::{Caller, caller};
use super::super::error::{Answer, Refusal, ok};
use super::super::hub::{Hub, Need};
use super::super::state::{Repository, State as Data};
use super::paged;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;

type Three = Path<(String, String, String)>;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/repos/{owner}/{repo}/collaborators/{login}/permission", get(permission))
        .route("/repos/{owner}/{repo}/rules/branches/{branch}", get(rules))
        .route("/repos/{owner}/{repo}/branches/{branch}/protection", get(protection))
        .route("/orgs/{org}/teams/{team}/memberships/{login}", get(membership))
}

/// What the older field makes of a role: it knows neither `maintain` nor `triage`.
fn legacy(role: &str) -> &str {
    match role {
        "admin" | "none" => role,
        "maintain" | "write" => "write",
        _ => "read",
    }
}

async fn permission(State(hub): State<Arc<Hub>>, Path((owner, repo, login)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["metadata"]))?;
    let role = opened.repository()?.roles.get(&login).map_or("write", String::as_str);
    if role == "unknown" {
        // There is no such account.
        return Err(Refusal::not_found());
    }
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    let mut user = hub.shapes.account(&Data::account(&login, kind));
    let permission = legacy(role);
    if let Some(object) = user.as_object_mut() {
        let has = |least: &[&str]| json!(least.contains(&role));
        object.insert(
            "permissions".to_owned(),
            json!({
                "admin": has(&["admin"]), "maintain": has(&["admin", "maintain"]), "push": has(&["admin", "maintain", "write"]),
                "triage": has(&["admin", "maintain", "write", "triage"]), "pull": has(&["admin", "maintain", "write", "triage", "read"]),
            }),
        );
        object.insert("role_name".to_owned(), json!(role));
    }
    ok(json!({"permission": permission, "role_name": role, "user": user}))
}

/// Needs the organisation permission "members", which an App often does not have.
async fn membership(State(hub): State<Arc<Hub>>, Path((org, team, login)): Three, headers: HeaderMap) -> Answer {
    let state = hub.lock();
    match caller(&state, &hub.user_token, &headers)? {
        Caller::Installation(token) if !token.permissions.contains_key("members") => {
            return Err(Refusal::forbidden("Resource not accessible by integration"));
        }
        Caller::Installation(_) | Caller::Person => {}
    }
    let members = state.teams.get(&(org.to_ascii_lowercase(), team.clone())).ok_or_else(Refusal::not_found)?;
    members.get(&login).ok_or_else(Refusal::not_found)?;
    let url = format!("{}/orgs/{org}/teams/{team}/memberships/{login}", hub.shapes.api);
    ok(json!({"url": url, "role": "member", "state": "active"}))
}

/// The rules of all levels that hold for a branch: readable with no more than "metadata".
async fn rules(State(hub): State<Arc<Hub>>, Path((owner, repo, branch)): Three, headers: HeaderMap, uri: Uri) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["metadata"]))?;
    let repository = opened.repository()?;
    paged(&hub, &uri, branch_rules(repository, &branch), None)
}

fn branch_rules(repository: &Repository, branch: &str) -> Vec<Value> {
    let required = repository.required.iter().filter(|required| required.branch == branch).map(|required| match required.integration {
        Some(id) => json!({"context": required.context, "integration_id": id}),
        None => json!({"context": required.context}),
    });
    let required: Vec<Value> = required.collect();
    if required.is_empty() {
        return Vec::new();
    }
    vec![json!({
        "type": "required_status_checks", "ruleset_source_type": "Repository", "ruleset_source": repository.full_name(), "ruleset_id": 1,
        "parameters": {"strict_required_status_checks_policy": false, "do_not_enforce_on_create": false, "required_status_checks": required},
    })]
}

/// Classic protection: needs "administration", and no branch here has it.
async fn protection(State(hub): State<Arc<Hub>>, Path((owner, repo, branch)): Three, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["administration"]))?;
    let there = opened.repository()?.branches.contains_key(&branch);
    Err(Refusal::gone(if there { "Branch not protected" } else { "Branch not found" }))
}
