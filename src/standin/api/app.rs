//! What the App asks as itself: who it is, where it is installed, tokens, its deliveries.

use super::super::auth::{issue, require_app};
use super::super::clock::{now_seconds, rfc3339};
use super::super::error::{Answer, Refusal, answer, created, ok};
use super::super::hub::{Hub, Need};
use super::super::state::{Delivery, State as Data};
use super::{body, link_to_next, paged, query};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/app", get(app))
        .route("/app/installations", get(installations))
        .route("/app/installations/{id}", get(installation))
        .route("/app/installations/{id}/access_tokens", post(access_token))
        .route("/app/hook/config", get(hook_config))
        .route("/app/hook/deliveries", get(deliveries))
        .route("/app/hook/deliveries/{id}", get(delivery))
        .route("/app/hook/deliveries/{id}/attempts", post(attempt))
        .route("/installation/repositories", get(repositories))
        .route("/repos/{owner}/{repo}/installation", get(installation_of))
        .route("/repos/{owner}/{repo}", get(repository))
}

async fn app(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let mut app = hub.shapes.app(&hub.lock().permissions);
    if let Some(object) = app.as_object_mut() {
        object.insert("installations_count".to_owned(), json!(1));
    }
    ok(app)
}

/// Where the App's webhooks go; the secret is not told.
async fn hook_config(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let url = hub.lock().webhook_url.clone().unwrap_or_default();
    ok(json!({"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url}))
}

/// The installation exists while the App is on at least one repository.
fn the_installation(hub: &Hub, state: &Data) -> Option<Value> {
    let repository = state.repositories.iter().find(|repository| repository.installed)?;
    Some(hub.shapes.installation(state, &repository.owner))
}

async fn installations(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let all = the_installation(&hub, &hub.lock()).into_iter().collect();
    paged(&hub, &uri, all, None)
}

async fn installation(State(hub): State<Arc<Hub>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let found = the_installation(&hub, &hub.lock()).filter(|_| id == hub.shapes.identity.installation_id);
    ok(found.ok_or_else(Refusal::not_found)?)
}

async fn installation_of(State(hub): State<Arc<Hub>>, Path((owner, repo)): Path<(String, String)>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let state = hub.lock();
    let found = state.repository(&owner, &repo).filter(|repository| repository.installed);
    ok(hub.shapes.installation(&state, &found.ok_or_else(Refusal::not_found)?.owner))
}

async fn repository(State(hub): State<Arc<Hub>>, Path((owner, repo)): Path<(String, String)>, headers: HeaderMap) -> Answer {
    let opened = hub.open(&headers, &owner, &repo, Need::Read(&["metadata"]))?;
    let more = json!({"network_count": 0, "subscribers_count": 1});
    ok(super::super::shape::merged(hub.shapes.repository(opened.repository()?), more))
}

/// Which repositories a token is asked for. `None` for all.
fn asked_repositories(state: &Data, asked: &Map<String, Value>) -> Result<Option<BTreeSet<u64>>, Refusal> {
    let refuse = || Refusal::unfit("There is at least one repository that does not exist or is not accessible to the parent installation.");
    let list = |key: &str| asked.get(key).and_then(Value::as_array).cloned();
    let mut ids = BTreeSet::new();
    for name in list("repositories").unwrap_or_default() {
        let found = state.repositories.iter().find(|repository| repository.installed && Some(repository.name.as_str()) == name.as_str());
        ids.insert(found.ok_or_else(refuse)?.id);
    }
    for id in list("repository_ids").unwrap_or_default() {
        let found = state.repositories.iter().find(|repository| repository.installed && Some(repository.id) == id.as_u64());
        ids.insert(found.ok_or_else(refuse)?.id);
    }
    let narrowed = asked.contains_key("repositories") || asked.contains_key("repository_ids");
    Ok(narrowed.then_some(ids))
}

/// Which permissions a token is asked for; none that the App does not have.
fn asked_permissions(own: &BTreeMap<String, String>, asked: &Map<String, Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(wanted) = asked.get("permissions").and_then(Value::as_object) else { return Ok(own.clone()) };
    let mut out = BTreeMap::from([("metadata".to_owned(), "read".to_owned())]);
    for (name, level) in wanted {
        let level = level.as_str().unwrap_or_default();
        let granted = own.get(name).is_some_and(|have| have == level || (have == "write" && level == "read"));
        if !granted {
            return Err(Refusal::unfit("The permissions requested are not granted to this installation."));
        }
        out.insert(name.clone(), level.to_owned());
    }
    Ok(out)
}

async fn access_token(State(hub): State<Arc<Hub>>, Path(id): Path<u64>, headers: HeaderMap, bytes: Bytes) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let asked = body(&bytes)?;
    let mut state = hub.lock();
    if id != hub.shapes.identity.installation_id || the_installation(&hub, &state).is_none() {
        return Err(Refusal::not_found());
    }
    if state.suspended {
        return Err(Refusal::forbidden("This installation has been suspended"));
    }
    let repositories = asked_repositories(&state, &asked)?;
    let permissions = asked_permissions(&state.permissions, &asked)?;
    let selection = if repositories.is_some() { "selected" } else { "all" };
    let listed: Vec<Value> = state
        .repositories
        .iter()
        .filter(|repository| repositories.as_ref().is_some_and(|ids| ids.contains(&repository.id)))
        .map(|repository| hub.shapes.repository(repository))
        .collect();
    let (token, expires) = issue(&mut state, repositories, permissions.clone());
    let mut out = json!({"token": token, "expires_at": rfc3339(expires), "permissions": permissions, "repository_selection": selection});
    if let Some(object) = out.as_object_mut()
        && selection == "selected"
    {
        object.insert("repositories".to_owned(), Value::Array(listed));
    }
    created(out)
}

async fn repositories(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Answer {
    let state = hub.lock();
    let caller = super::super::auth::caller(&state, &hub.user_token, &headers)?;
    let seen = state.repositories.iter().filter(|repository| repository.installed && caller.sees(repository.id, true));
    let seen = seen.map(|repository| hub.shapes.repository(repository)).collect();
    paged(&hub, &uri, seen, Some("repositories"))
}

/// A `hook-delivery-item`.
fn delivery_item(hub: &Hub, delivery: &Delivery) -> Value {
    let good = (200..400).contains(&delivery.status);
    json!({
        "id": delivery.id, "guid": delivery.guid, "delivered_at": rfc3339(delivery.delivered), "redelivery": delivery.redelivery,
        "duration": std::time::Duration::from_millis(delivery.duration_ms).as_secs_f64(), "status": if good { "OK" } else { "Invalid HTTP Response" },
        "status_code": delivery.status, "event": delivery.event, "action": delivery.action,
        "installation_id": hub.shapes.identity.installation_id, "repository_id": delivery.repository, "throttled_at": null,
    })
}

async fn deliveries(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let wanted = query(&uri, "status");
    let fits = |delivery: &&Delivery| match wanted.as_deref() {
        Some("success") => (200..400).contains(&delivery.status),
        Some("failure") => !(200..400).contains(&delivery.status),
        Some(_) | None => true,
    };
    let state = hub.lock();
    let listed = state.deliveries.iter().rev().filter(|delivery| delivery.done && is_kept(delivery)).filter(fits);
    let per_page = query(&uri, "per_page").and_then(|value| value.parse::<usize>().ok()).unwrap_or(30).clamp(1, 100);
    // Pages by cursor, not by number: new deliveries come in at the front all the time.
    let below = match query(&uri, "cursor") {
        None => u64::MAX,
        Some(cursor) => cursor.strip_prefix("v1_").and_then(|id| id.parse().ok()).ok_or_else(|| Refusal::unfit("Invalid cursor"))?,
    };
    let mut page: Vec<&Delivery> = listed.filter(|delivery| delivery.id < below).take(per_page + 1).collect();
    let more = page.len() > per_page;
    page.truncate(per_page);
    let next = page.last().filter(|_| more).map(|last| format!("cursor=v1_{}", last.id));
    let mut response = ok(Value::Array(page.iter().map(|delivery| delivery_item(&hub, delivery)).collect()))?;
    if let Some(next) = next {
        link_to_next(&hub, &uri, &mut response, "cursor=", &next);
    }
    Ok(response)
}

/// GitHub keeps deliveries for three days.
fn is_kept(delivery: &Delivery) -> bool {
    delivery.delivered + 3 * 24 * 3600 > now_seconds()
}

async fn delivery(State(hub): State<Arc<Hub>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let state = hub.lock();
    let found = state.deliveries.iter().find(|delivery| delivery.id == id && delivery.done && is_kept(delivery)).ok_or_else(Refusal::not_found)?;
    let payload: Value = serde_json::from_str(&found.body).unwrap_or_default();
    let more = json!({
        "url": state.webhook_url, "request": {"headers": {"X-GitHub-Delivery": found.guid, "X-GitHub-Event": found.event}, "payload": payload},
        "response": {"headers": {}, "payload": found.answer},
    });
    ok(super::super::shape::merged(delivery_item(&hub, found), more))
}

async fn attempt(State(hub): State<Arc<Hub>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    require_app(&hub.keys, &hub.shapes.identity, &headers)?;
    let mut state = hub.lock();
    let found = state.deliveries.iter().find(|delivery| delivery.id == id && is_kept(delivery)).cloned().ok_or_else(Refusal::not_found)?;
    hub.send_again(&mut state, &Delivery { redelivery: true, ..found });
    answer(StatusCode::ACCEPTED, json!({}))
}
