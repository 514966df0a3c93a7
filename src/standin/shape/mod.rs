//! GitHub's JSON: one function a shape, with every key the real API requires.

mod checks;
mod code;
mod pulls;
mod repository;
mod reviews;

use super::clock::rfc3339;
use super::state::{Account, Comment, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The eight reactions.
pub(super) const REACTIONS: [&str; 8] = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];

/// What the App hears of.
const EVENTS: [&str; 9] = [
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "repository",
];

/// Who the App is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) app_id: u64,
    pub(super) client_id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) installation_id: u64,
}

impl Identity {
    /// The account that the App writes as.
    pub(super) fn bot(&self) -> Account {
        State::account(&format!("{}[bot]", self.slug), "Bot")
    }
}

/// Builds JSON with absolute addresses.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(super) api: String,
    pub(super) web: String,
    pub(super) identity: Identity,
}

/// A made-up but stable global id.
pub(super) fn node_id(kind: &str, id: u64) -> String {
    format!("{kind}_kwDO{id:08x}")
}

/// Both parts as one object; the second wins.
pub(super) fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// A `reaction-rollup`.
fn reaction_rollup(url: &str, given: &[(u64, String, Account)]) -> Value {
    let mut rollup = json!({"url": format!("{url}/reactions"), "total_count": given.len()});
    if let Some(counts) = rollup.as_object_mut() {
        for content in REACTIONS {
            let count = given.iter().filter(|(_, given, _)| given == content).count();
            counts.insert(content.to_owned(), json!(count));
        }
    }
    rollup
}

impl Shapes {
    /// A `simple-user`.
    pub(super) fn account(&self, account: &Account) -> Value {
        let login = account.login.replace('[', "%5B").replace(']', "%5D");
        let user = format!("{}/users/{login}", self.api);
        let html = match account.login.strip_suffix("[bot]") {
            Some(slug) => format!("{}/apps/{slug}", self.web),
            None => format!("{}/{login}", self.web),
        };
        json!({
            "login": account.login, "id": account.id, "node_id": node_id("U", account.id),
            "avatar_url": format!("{}/avatars/{}", self.web, account.id), "gravatar_id": "",
            "url": user, "html_url": html,
            "followers_url": format!("{user}/followers"), "following_url": format!("{user}/following{{/other_user}}"),
            "gists_url": format!("{user}/gists{{/gist_id}}"), "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{user}/subscriptions"), "organizations_url": format!("{user}/orgs"),
            "repos_url": format!("{user}/repos"), "events_url": format!("{user}/events{{/privacy}}"),
            "received_events_url": format!("{user}/received_events"),
            "type": account.kind, "user_view_type": "public", "site_admin": false,
        })
    }

    /// An `organization-simple`.
    pub(super) fn organization(&self, account: &Account) -> Value {
        let url = format!("{}/orgs/{}", self.api, account.login);
        json!({
            "login": account.login, "id": account.id, "node_id": node_id("O", account.id), "url": url, "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"), "hooks_url": format!("{url}/hooks"), "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"), "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/{}", self.web, account.id), "description": null,
        })
    }

    /// An `integration`.
    pub(super) fn app(&self, permissions: &BTreeMap<String, String>) -> Value {
        let owner = State::account("acme", "Organization");
        json!({
            "id": self.identity.app_id, "client_id": self.identity.client_id, "slug": self.identity.slug,
            "node_id": node_id("A", self.identity.app_id), "owner": self.account(&owner), "name": self.identity.name,
            "description": null, "external_url": "https://waypost.example", "html_url": format!("{}/apps/{}", self.web, self.identity.slug),
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "permissions": permissions,
            "events": EVENTS,
        })
    }

    /// An `installation`.
    pub(super) fn installation(&self, state: &State, owner: &Account) -> Value {
        let id = self.identity.installation_id;
        json!({
            "id": id, "client_id": self.identity.client_id, "account": self.account(owner), "repository_selection": "selected",
            "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", self.api),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "html_url": format!("{}/organizations/{}/settings/installations/{id}", self.web, owner.login),
            "app_id": self.identity.app_id, "app_slug": self.identity.slug, "target_id": owner.id, "target_type": owner.kind,
            "permissions": state.permissions,
            "events": EVENTS,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z", "single_file_name": null,
            "has_multiple_single_files": false, "single_file_paths": [], "suspended_by": null, "suspended_at": if state.suspended { json!("2026-01-02T00:00:00Z") } else { Value::Null },
        })
    }

    /// An `issue-comment`.
    pub(super) fn comment(&self, full_name: &str, comment: &Comment) -> Value {
        let url = format!("{}/repos/{full_name}/issues/comments/{}", self.api, comment.id);
        let reactions = reaction_rollup(&url, &comment.reactions);
        json!({
            "url": url, "html_url": format!("{}/{full_name}/pull/{}#issuecomment-{}", self.web, comment.number, comment.id),
            "issue_url": format!("{}/repos/{full_name}/issues/{}", self.api, comment.number),
            "id": comment.id, "node_id": node_id("IC", comment.id), "user": self.account(&comment.author),
            "created_at": rfc3339(comment.created), "updated_at": rfc3339(comment.updated), "body": comment.body,
            "author_association": if comment.via_app { "NONE" } else { "MEMBER" }, "reactions": reactions,
            "performed_via_github_app": if comment.via_app { self.app(&super::auth::app_permissions()) } else { Value::Null },
        })
    }

    /// A `reaction`.
    pub(super) fn reaction(&self, (id, content, account): &(u64, String, Account), created: i64) -> Value {
        json!({
            "id": id, "node_id": node_id("REA", *id), "user": self.account(account), "content": content, "created_at": rfc3339(created),
        })
    }
}
