//! What people and git do: push, open a pull request, comment, ask for a check again. Each changes the state and sends the events GitHub sends.

use super::Activity;
use super::clock::now_seconds;
use super::hub::Hub;
use super::objects::{CommitObject, Files, Stamp};
use super::state::{Account, Comment, Fork, Pull, Repository, Review, Run, State, Suite};
use gix::hash::ObjectId;
use serde_json::{Value, json};

/// Makes a commit of a tree on top of a branch's tip, moves the branch there, and updates the pull requests that come from it.
pub(super) fn push(
    hub: &Hub,
    state: &mut State,
    (at, branch): (usize, &str),
    tree: ObjectId,
    (sender, message): (&Account, &str),
) -> Option<ObjectId> {
    let repository = state.repositories.get(at)?;
    let before = repository.branches.get(branch).copied();
    let parent = before.or_else(|| repository.branches.get(&repository.default_branch).copied());
    let stamp =
        Stamp { name: sender.login.clone(), email: format!("{}+{}@users.noreply.github.com", sender.id, sender.login), seconds: now_seconds() };
    let commit = CommitObject { tree, parents: parent.into_iter().collect(), message: message.to_owned(), stamp };
    let id = state.objects.add_commit(commit);
    move_branch(hub, state, (at, branch), id, sender);
    Some(id)
}

/// Points a branch at a commit, with the events of a push.
pub(super) fn move_branch(hub: &Hub, state: &mut State, (at, branch): (usize, &str), id: ObjectId, sender: &Account) {
    let Some(repository) = state.repositories.get_mut(at) else { return };
    let before = repository.branches.insert(branch.to_owned(), id);
    for pull in &mut repository.pulls {
        if pull.base_branch == branch {
            pull.base = id;
        }
    }
    if before == Some(id) {
        return;
    }
    // What happens in a fork is told to the Apps of the fork.
    if !branch.contains(':') {
        push_event(hub, state, (at, branch), (before, id), sender);
        suite_requested(hub, state, (at, branch), (before, id), sender);
    }
    let numbers: Vec<u64> = state
        .repositories
        .get(at)
        .map(|repository| repository.pulls.iter().filter(|pull| pull.open && pull.head_branch == branch).map(|pull| pull.number).collect())
        .unwrap_or_default();
    for number in numbers {
        if let Some(pull) = state.repositories.get_mut(at).and_then(|repository| repository.pull_mut(number)) {
            pull.head = id;
            pull.updated = now_seconds();
        }
        let ends = json!({"before": before.map(|id| id.to_string()), "after": id.to_string()});
        pull_event(hub, state, (at, number), (sender, "synchronize"), ends);
    }
    hub.tell(Activity::Pushed { branch: branch.to_owned(), sha: id.to_string() });
}

fn push_event(hub: &Hub, state: &mut State, (at, branch): (usize, &str), (before, id): (Option<ObjectId>, ObjectId), sender: &Account) {
    let Some(repository) = state.repositories.get(at) else { return };
    let full_name = repository.full_name();
    let commit = state.objects.commit(id).map(|commit| hub.shapes.pushed_commit(&full_name, id, commit));
    let old = before.map_or_else(|| "0".repeat(40), |id| id.to_string());
    let payload = json!({
        "ref": format!("refs/heads/{branch}"), "before": old, "after": id.to_string(), "created": before.is_none(), "deleted": false,
        "forced": false, "base_ref": null, "compare": format!("{}/{full_name}/compare/{old}...{id}", hub.shapes.web), "commits": [commit],
        "head_commit": commit, "pusher": {"name": sender.login, "email": null},
    });
    hub.emit(state, "push", (at, sender), payload);
}

/// Takes a branch away.
pub(super) fn delete_branch(hub: &Hub, state: &mut State, (at, branch): (usize, &str), sender: &Account) {
    let Some(repository) = state.repositories.get_mut(at) else { return };
    let Some(before) = repository.branches.remove(branch) else { return };
    let none = "0".repeat(40);
    let payload = json!({
        "ref": format!("refs/heads/{branch}"), "before": before.to_string(), "after": none, "created": false, "deleted": true, "forced": false,
        "base_ref": null, "compare": format!("{}/{}/compare/{before}...{none}", hub.shapes.web, repository.full_name()), "commits": [],
        "head_commit": null, "pusher": {"name": sender.login, "email": null},
    });
    hub.emit(state, "push", (at, sender), payload);
}

/// GitHub makes a suite for every push, and tells every App that may write checks.
fn suite_requested(hub: &Hub, state: &mut State, (at, branch): (usize, &str), (before, sha): (Option<ObjectId>, ObjectId), sender: &Account) {
    let id = state.new_id();
    let Some(commit) = state.objects.commit(sha).cloned() else { return };
    let Some(repository) = state.repositories.get_mut(at).filter(|repository| repository.installed) else { return };
    if repository.suites.iter().any(|suite| suite.sha == sha) {
        return;
    }
    let suite = Suite { id, sha, commit, branch: Some(branch.to_owned()), before, created: now_seconds(), rerequested: false };
    let shown = hub.shapes.suite(repository, &suite);
    repository.suites.push(suite);
    hub.emit(state, "check_suite", (at, sender), json!({"action": "requested", "check_suite": shown}));
}

/// Sends a `pull_request` event.
pub(super) fn pull_event(hub: &Hub, state: &mut State, (at, number): (usize, u64), (sender, action): (&Account, &str), more: Value) {
    let Some(repository) = state.repositories.get(at) else { return };
    let Some(pull) = repository.pull(number) else { return };
    let own = json!({"action": action, "number": number, "pull_request": hub.shapes.pull(state, repository, pull)});
    hub.emit(state, "pull_request", (at, sender), super::shape::merged(own, more));
}

/// What a pull request is opened with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) head: String,
    pub(super) base: String,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) draft: bool,
    pub(super) fork: Option<Fork>,
}

/// Opens a pull request; `None` where a branch is not there.
pub(super) fn open_pull(hub: &Hub, state: &mut State, at: usize, author: &Account, opening: Opening) -> Option<u64> {
    let id = state.new_id();
    let repository = state.repositories.get_mut(at)?;
    let head = *repository.branches.get(&opening.head)?;
    let base = *repository.branches.get(&opening.base)?;
    let number = repository.next_number;
    repository.next_number += 1;
    let now = now_seconds();
    repository.pulls.push(Pull {
        id,
        number,
        title: opening.title,
        body: opening.body,
        author: author.clone(),
        draft: opening.draft,
        open: true,
        head_branch: opening.head,
        head,
        base_branch: opening.base,
        base,
        created: now,
        updated: now,
        offers: Vec::new(),
        suggestions: Vec::new(),
        fork: opening.fork,
        merged: None,
        labels: Vec::new(),
    });
    pull_event(hub, state, (at, number), (author, "opened"), json!({}));
    Some(number)
}

/// Adds a comment. The App hears of it even where it wrote it itself.
pub(super) fn comment(hub: &Hub, state: &mut State, (at, number): (usize, u64), author: &Account, body: String) -> Option<u64> {
    let id = state.new_id();
    let now = now_seconds();
    let repository = state.repositories.get_mut(at)?;
    repository.pull(number)?;
    let via_app = author.kind == "Bot";
    let written = Comment { id, number, author: author.clone(), body, created: now, updated: now, reactions: Vec::new(), via_app };
    let shown = hub.shapes.comment(&repository.full_name(), &written);
    repository.comments.push(written);
    let issue = repository.pull(number).map(|pull| hub.shapes.issue(repository, pull));
    hub.emit(state, "issue_comment", (at, author), json!({"action": "created", "issue": issue, "comment": shown}));
    hub.tell(Activity::CommentCreated { id, by: author.login.clone() });
    Some(id)
}

/// Adds a review with its comments, and sends the events of both.
pub(super) fn review(hub: &Hub, state: &mut State, at: usize, review: &Review) {
    let Some(repository) = state.repositories.get(at) else { return };
    let full_name = repository.full_name();
    let pull = repository.pull(review.number).map(|pull| hub.shapes.pull_simple(repository, pull));
    let mut shown = hub.shapes.review(&full_name, review);
    if let Some(object) = shown.as_object_mut() {
        // The events say it in lower case, unlike the API.
        object.insert("state".to_owned(), json!(review.state.to_ascii_lowercase()));
    }
    let author = review.author.clone();
    let pending = review.state == "PENDING";
    let Some(repository) = state.repositories.get_mut(at) else { return };
    repository.reviews.push(review.clone());
    state.version += 1;
    if pending {
        return;
    }
    hub.emit(state, "pull_request_review", (at, &author), json!({"action": "submitted", "review": shown, "pull_request": pull}));
    for comment in &review.comments {
        let Some(repository) = state.repositories.get(at) else { return };
        let mut shown = hub.shapes.review_comment(state, repository, review, comment);
        if let Some(object) = shown.as_object_mut().filter(|_| comment.line.is_none()) {
            // Unlike the API, the event says that there is none.
            object.insert("line".to_owned(), Value::Null);
            object.insert("original_line".to_owned(), Value::Null);
        }
        hub.emit(state, "pull_request_review_comment", (at, &author), json!({"action": "created", "comment": shown, "pull_request": pull}));
    }
}

/// Asks for one run again. The run stays as it is; its suite is open again.
pub(super) fn rerequest_run(hub: &Hub, state: &mut State, at: usize, id: u64, sender: &Account) -> bool {
    let Some(repository) = state.repositories.get_mut(at) else { return false };
    let Some(run) = repository.runs.iter().find(|run| run.id == id).cloned() else { return false };
    repository.suites.iter_mut().filter(|suite| suite.id == run.suite).for_each(|suite| suite.rerequested = true);
    let shown = run_in_event(hub, repository, &run);
    hub.emit(state, "check_run", (at, sender), json!({"action": "rerequested", "check_run": shown}));
    true
}

/// A run as events have it: with its suite.
pub(super) fn run_in_event(hub: &Hub, repository: &Repository, run: &Run) -> Value {
    let suite = repository.suites.iter().find(|suite| suite.id == run.suite).map(|suite| hub.shapes.suite(repository, suite));
    super::shape::merged(hub.shapes.run(repository, run), json!({"check_suite": suite}))
}

/// Asks for all runs of a commit again ("Re-run all checks").
pub(super) fn rerequest_suite(hub: &Hub, state: &mut State, at: usize, sha: ObjectId, sender: &Account) -> bool {
    let Some(repository) = state.repositories.get_mut(at) else { return false };
    repository.suites.iter_mut().filter(|suite| suite.sha == sha).for_each(|suite| suite.rerequested = true);
    let Some(suite) = repository.suites.iter().find(|suite| suite.sha == sha) else { return false };
    let shown = hub.shapes.suite(repository, suite);
    hub.emit(state, "check_suite", (at, sender), json!({"action": "rerequested", "check_suite": shown}));
    true
}

/// Puts files into the store and returns their tree.
pub(super) fn tree_of(state: &mut State, files: &Files) -> ObjectId {
    state.objects.add_tree(files)
}
