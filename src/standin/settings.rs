//! What administrators set: names, roles, teams, rules, and what the App may do and where.

use super::actions;
use super::handle::Standin;
use super::hub::Hub;
use super::state::{Account, Repository, Required, State};
use serde_json::{Value, json};

fn you() -> Account {
    State::account("you", "User")
}

impl Standin {
    /// Gives a person a role: `admin`, `maintain`, `write`, `triage`, `read`, `none`, or one of the organisation's own. Whoever has none may
    /// write; `unknown` is somebody who has no account.
    pub fn set_role(&self, repository: &str, login: &str, role: &str) {
        self.change(repository, |_, state, at| {
            if let Some(repository) = state.repositories.get_mut(at) {
                repository.roles.insert(login.to_owned(), role.to_owned());
            }
        });
    }

    /// Makes a team of an organisation, or changes who is in it. Apps see it with the permission `members` only.
    pub fn set_team(&self, organisation: &str, team: &str, members: &[&str]) {
        let members = members.iter().map(|login| (*login).to_owned()).collect();
        self.hub.lock().teams.insert((organisation.to_ascii_lowercase(), team.to_owned()), members);
    }

    /// Demands a check on a branch, by whatever App or by one.
    pub fn require_check(&self, repository: &str, branch: &str, context: &str, integration: Option<u64>) {
        self.change(repository, |_, state, at| {
            if let Some(repository) = state.repositories.get_mut(at) {
                repository.required.push(Required { branch: branch.to_owned(), context: context.to_owned(), integration });
            }
        });
    }

    /// Changes what the App may do: `read`, `write`, or nothing for an empty level. Tokens keep what they were given with.
    pub fn permit(&self, permission: &str, level: &str) {
        let mut state = self.hub.lock();
        if level.is_empty() {
            state.permissions.remove(permission);
        } else {
            state.permissions.insert(permission.to_owned(), level.to_owned());
        }
    }

    /// Lets `resolveReviewThread` be refused, as GitHub does to Apps that may not write contents.
    pub fn refuse_resolving(&self) {
        self.hub.lock().resolving_refused = true;
    }

    /// Returns what the App reacted with to a review.
    pub fn review_reactions(&self, review: u64) -> Vec<String> {
        self.hub.lock().review_reactions.get(&review).cloned().unwrap_or_default()
    }

    /// Deletes a check run, as GitHub does to the oldest of a thousand of one name.
    pub fn forget_check(&self, repository: &str, check_run: u64) {
        self.change(repository, |_, state, at| {
            if let Some(found) = state.repositories.get_mut(at) {
                found.runs.retain(|run| run.id != check_run);
            }
        });
    }

    /// Gives a repository another name. Requests for the old one are redirected.
    pub fn rename(&self, repository: &str, name: &str) {
        self.move_to(repository, |found| {
            let from = std::mem::replace(&mut found.name, name.to_owned());
            ("renamed", json!({"changes": {"repository": {"name": {"from": from}}}}))
        });
    }

    /// Gives a repository to another organisation, where the App is installed too. Requests for the old name are redirected.
    pub fn transfer(&self, repository: &str, owner: &str) {
        let shapes = &self.hub.shapes;
        self.move_to(repository, |found| {
            let from = std::mem::replace(&mut found.owner, State::account(owner, "Organization"));
            ("transferred", json!({"changes": {"owner": {"from": {"organization": shapes.organization(&from)}}}}))
        });
    }

    fn move_to(&self, repository: &str, change: impl FnOnce(&mut Repository) -> (&'static str, Value)) {
        self.change(repository, |hub, state, at| {
            let Some(found) = state.repositories.get_mut(at) else { return };
            let (old, id) = (found.full_name(), found.id);
            let (action, more) = change(found);
            state.moved.insert(old.to_ascii_lowercase(), id);
            let payload = super::shape::merged(json!({"action": action}), more);
            hub.emit(state, "repository", (at, &you()), payload);
        });
    }

    /// Takes the App off a repository: it is 404 for it from now on, and sends no events but the one that says so.
    pub fn uninstall(&self, repository: &str) {
        self.install(repository, false);
    }

    /// Puts the App back on a repository.
    pub fn reinstall(&self, repository: &str) {
        self.install(repository, true);
    }

    fn install(&self, repository: &str, installed: bool) {
        self.change(repository, |hub, state, at| {
            let Some(found) = state.repositories.get_mut(at) else { return };
            found.installed = installed;
            let id = found.id;
            let short =
                json!([{"id": id, "node_id": super::shape::node_id("R", id), "name": found.name, "full_name": found.full_name(), "private": true}]);
            let owner = found.owner.clone();
            let none = json!([]);
            let (action, added, removed) = if installed { ("added", short, none) } else { ("removed", none, short) };
            let payload = json!({
                "action": action, "installation": hub.shapes.installation(state, &owner), "repository_selection": "selected",
                "repositories_added": added, "repositories_removed": removed, "requester": null, "sender": hub.shapes.account(&you()),
            });
            hub.post(state, "installation_repositories", None, &payload);
        });
    }

    /// Takes the whole installation away, or suspends it, or lets it go on: `deleted`, `suspend`, `unsuspend`.
    pub fn installation_event(&self, action: &str) {
        installation_event(&self.hub, action);
    }

    /// Gives out tokens of the long shape (`ghs_APPID_JWT`, some 520 characters with dots) from now on.
    pub fn use_long_tokens(&self) {
        self.hub.lock().long_tokens = Some(self.app_id);
    }

    /// All tokens given out so far, so that a test can look for them where they must not be.
    pub fn tokens(&self) -> Vec<String> {
        self.hub.lock().tokens.keys().cloned().collect()
    }

    /// Lets time pass: tokens come nearer to their end, deliveries to the day when they are forgotten. The clock of the App stands still.
    pub fn pass_time(&self, seconds: i64) {
        let mut state = self.hub.lock();
        state.tokens.values_mut().for_each(|token| token.expires -= seconds);
        state.deliveries.iter_mut().for_each(|delivery| delivery.delivered -= seconds);
    }

    /// Deletes a branch, with the event of a push that does so.
    pub fn delete_branch(&self, repository: &str, branch: &str) {
        self.change(repository, |hub, state, at| actions::delete_branch(hub, state, (at, branch), &you()));
    }
}

/// See [`Standin::installation_event`].
pub(super) fn installation_event(hub: &Hub, action: &str) {
    let mut state = hub.lock();
    state.suspended = action == "suspend";
    let Some(owner) = state.repositories.first().map(|repository| repository.owner.clone()) else { return };
    let short = |found: &Repository| json!({"id": found.id, "node_id": super::shape::node_id("R", found.id), "name": found.name, "full_name": found.full_name(), "private": true});
    let repositories: Vec<Value> = state.repositories.iter().filter(|found| found.installed).map(short).collect();
    if action == "deleted" {
        state.repositories.iter_mut().for_each(|repository| repository.installed = false);
        state.tokens.clear();
    }
    let payload = json!({
        "action": action, "installation": hub.shapes.installation(&state, &owner), "repositories": repositories, "requester": null,
        "sender": hub.shapes.account(&you()),
    });
    hub.post(&mut state, "installation", None, &payload);
}
