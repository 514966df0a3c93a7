//! What people do: on the pages of GitHub, with git, with the merge queue. Each sends the events that GitHub sends.

use super::actions;
use super::clock::now_seconds;
use super::handle::Standin;
use super::hub::Hub;
use super::merge;
use super::objects::Files;
use super::state::{Account, Fork, Pull, Review, State};
use serde_json::{Value, json};

fn you() -> Account {
    State::account("you", "User")
}

fn pull_mut(state: &mut State, at: usize, number: u64) -> Option<&mut Pull> {
    state.repositories.get_mut(at).and_then(|repository| repository.pull_mut(number))
}

impl Standin {
    /// Makes a pull request a draft, or one that is ready for review, which sends that event.
    pub fn set_draft(&self, repository: &str, number: u64, draft: bool) {
        self.change(repository, |hub, state, at| {
            let Some(pull) = pull_mut(state, at, number) else { return };
            pull.draft = draft;
            let action = if draft { "converted_to_draft" } else { "ready_for_review" };
            actions::pull_event(hub, state, (at, number), (&you(), action), json!({}));
        });
    }

    /// Lets a pull request go to another branch.
    pub fn retarget(&self, repository: &str, number: u64, base: &str) {
        self.change(repository, |hub, state, at| {
            let Some(tip) = state.repositories.get(at).and_then(|repository| repository.branches.get(base)).copied() else { return };
            let Some(pull) = pull_mut(state, at, number) else { return };
            let changes = json!({"changes": {"base": {"ref": {"from": pull.base_branch}, "sha": {"from": pull.base.to_string()}}}});
            base.clone_into(&mut pull.base_branch);
            pull.base = tip;
            actions::pull_event(hub, state, (at, number), (&you(), "edited"), changes);
        });
    }

    /// Changes the title of a pull request.
    pub fn retitle(&self, repository: &str, number: u64, title: &str) {
        self.change(repository, |hub, state, at| {
            let Some(pull) = pull_mut(state, at, number) else { return };
            let changes = json!({"changes": {"title": {"from": pull.title}}});
            title.clone_into(&mut pull.title);
            actions::pull_event(hub, state, (at, number), (&you(), "edited"), changes);
        });
    }

    /// Closes a pull request without merging it.
    pub fn close(&self, repository: &str, number: u64) {
        self.set_open(repository, number, false);
    }

    /// Opens a closed pull request again.
    pub fn reopen(&self, repository: &str, number: u64) {
        self.set_open(repository, number, true);
    }

    fn set_open(&self, repository: &str, number: u64, open: bool) {
        self.change(repository, |hub, state, at| {
            let Some(pull) = pull_mut(state, at, number) else { return };
            pull.open = open;
            pull.updated = now_seconds();
            let action = if open { "reopened" } else { "closed" };
            actions::pull_event(hub, state, (at, number), (&you(), action), json!({}));
        });
    }

    /// Puts a label on a pull request.
    pub fn label(&self, repository: &str, number: u64, label: &str) {
        self.change(repository, |hub, state, at| {
            let Some(pull) = pull_mut(state, at, number) else { return };
            pull.labels.push(label.to_owned());
            let full_name = state.repositories.get(at).map(super::state::Repository::full_name).unwrap_or_default();
            let label = hub.shapes.label(&full_name, label);
            actions::pull_event(hub, state, (at, number), (&you(), "labeled"), json!({"label": label}));
        });
    }

    /// Pushes files to a branch of somebody's fork; the App hears nothing of it but what it does to pull requests. Returns the commit's id.
    pub fn push_to_fork(&self, repository: &str, (login, branch): (&str, &str), files: &Files, message: &str) -> String {
        let pushed = self.change(repository, |hub, state, at| {
            let tree = actions::tree_of(state, files);
            actions::push(hub, state, (at, &format!("{login}:{branch}")), tree, (&State::account(login, "User"), message))
        });
        pushed.flatten().map(|id| id.to_string()).unwrap_or_default()
    }

    /// Opens a pull request from a branch of a fork to `main`. Returns its number; 0 where the branch is not there.
    pub fn open_from_fork(&self, repository: &str, (login, branch): (&str, &str), title: &str) -> u64 {
        let author = State::account(login, "User");
        let opened = self.change(repository, |hub, state, at| {
            let fork = Fork { id: state.new_id(), owner: author.clone(), deleted: false };
            let opening = actions::Opening {
                head: format!("{login}:{branch}"),
                base: state.repositories.get(at)?.default_branch.clone(),
                title: title.to_owned(),
                body: None,
                draft: false,
                fork: Some(fork),
            };
            actions::open_pull(hub, state, at, &author, opening)
        });
        opened.flatten().unwrap_or_default()
    }

    /// Deletes the fork that a pull request comes from: GitHub says `head.repo: null` from then on.
    pub fn delete_fork(&self, repository: &str, number: u64) {
        self.change(repository, |_, state, at| {
            if let Some(fork) = pull_mut(state, at, number).and_then(|pull| pull.fork.as_mut()) {
                fork.deleted = true;
            }
        });
    }

    /// Comments as a person. Returns the comment's id; 0 where there is no such pull request.
    pub fn comment_as_user(&self, repository: &str, number: u64, login: &str, body: &str) -> u64 {
        let author = State::account(login, "User");
        self.change(repository, |hub, state, at| actions::comment(hub, state, (at, number), &author, body.to_owned())).flatten().unwrap_or_default()
    }

    /// Takes a comment away.
    pub fn delete_comment(&self, repository: &str, comment: u64) {
        self.change(repository, |hub, state, at| {
            let Some(repository) = state.repositories.get_mut(at) else { return };
            let Some(index) = repository.comments.iter().position(|have| have.id == comment) else { return };
            let gone = repository.comments.remove(index);
            let shown = hub.shapes.comment(&repository.full_name(), &gone);
            let issue = repository.pull(gone.number).map(|pull| hub.shapes.issue(repository, pull));
            hub.emit(state, "issue_comment", (at, &you()), json!({"action": "deleted", "issue": issue, "comment": shown}));
        });
    }

    /// Changes a comment, as its author or somebody who may.
    pub fn edit_comment(&self, repository: &str, comment: u64, body: &str) {
        self.change(repository, |hub, state, at| {
            let Some(repository) = state.repositories.get_mut(at) else { return };
            let Some(found) = repository.comments.iter_mut().find(|have| have.id == comment) else { return };
            let old = std::mem::replace(&mut found.body, body.to_owned());
            found.updated = now_seconds();
            let found = found.clone();
            let shown = hub.shapes.comment(&repository.full_name(), &found);
            let issue = repository.pull(found.number).map(|pull| hub.shapes.issue(repository, pull));
            let payload = json!({"action": "edited", "changes": {"body": {"from": old}}, "issue": issue, "comment": shown});
            hub.emit(state, "issue_comment", (at, &found.author), payload);
        });
    }

    /// Answers a comment on a line. Returns the answer's id; 0 where there is no such comment.
    pub fn reply_as_user(&self, repository: &str, comment: u64, login: &str, body: &str) -> u64 {
        let author = State::account(login, "User");
        let made = self.change(repository, |hub, state, at| {
            let reviews = &state.repositories.get(at)?.reviews;
            let found = reviews.iter().find_map(|review| Some((review, review.comments.iter().find(|have| have.id == comment)?)));
            let (number, commit, first) = found.map(|(review, first)| (review.number, review.commit, first.clone()))?;
            let to = first.reply_to.unwrap_or(first.id);
            let id = state.new_id();
            let answer =
                super::state::ReviewComment { id, body: body.to_owned(), reply_to: Some(to), updated: now_seconds(), reactions: Vec::new(), ..first };
            submit(hub, state, (at, number), &author, (String::new(), commit, vec![answer]));
            Some(id)
        });
        made.flatten().unwrap_or_default()
    }

    /// Submits a review that is only text. Returns its id; 0 where there is no such pull request.
    pub fn review_as_user(&self, repository: &str, number: u64, login: &str, body: &str) -> u64 {
        let author = State::account(login, "User");
        let made = self.change(repository, |hub, state, at| {
            let commit = state.repositories.get(at)?.pull(number)?.head;
            Some(submit(hub, state, (at, number), &author, (body.to_owned(), commit, Vec::new())))
        });
        made.flatten().unwrap_or_default()
    }

    /// Asks for a check run again, as the "Re-run" button does.
    pub fn rerequest(&self, repository: &str, check_run: u64) -> bool {
        let sender = you();
        self.change(repository, |hub, state, at| actions::rerequest_run(hub, state, at, check_run, &sender)).unwrap_or_default()
    }

    /// Asks for all checks of a pull request's head again, as "Re-run all checks" does.
    pub fn rerequest_suite(&self, repository: &str, number: u64) -> bool {
        let sender = you();
        let done = self.change(repository, |hub, state, at| {
            let head = state.repositories.get(at)?.pull(number)?.head;
            Some(actions::rerequest_suite(hub, state, at, head, &sender))
        });
        done.flatten().unwrap_or_default()
    }

    /// Clicks a button that a check run shows. `false` where it shows no such button.
    pub fn click(&self, repository: &str, check_run: u64, identifier: &str, login: &str) -> bool {
        let sender = State::account(login, "User");
        let clicked = self.change(repository, |hub, state, at| {
            let repository = state.repositories.get(at)?;
            let run = repository.runs.iter().find(|run| run.id == check_run && run.status == "completed")?;
            run.actions.iter().find(|action| action.get("identifier").and_then(Value::as_str) == Some(identifier))?;
            let shown = actions::run_in_event(hub, repository, run);
            let payload = json!({"action": "requested_action", "check_run": shown, "requested_action": {"identifier": identifier}});
            hub.emit(state, "check_run", (at, &sender), payload);
            Some(())
        });
        clicked.flatten().is_some()
    }

    /// Merges a pull request as a person who may.
    ///
    /// # Errors
    /// The sentence that GitHub refuses with.
    pub fn merge(&self, repository: &str, number: u64) -> Result<String, String> {
        let merged = self.change(repository, |hub, state, at| merge::merge(hub, state, (at, number), &you()));
        merged.unwrap_or_else(|| Err("Not Found".to_owned())).map(|id| id.to_string())
    }

    /// Puts a pull request into the merge queue of its base, behind those that are in it. Returns the group's commit; empty where it does
    /// not merge cleanly.
    pub fn enqueue(&self, repository: &str, number: u64) -> String {
        let made = self.change(repository, |hub, state, at| merge::enqueue(hub, state, (at, number), &you()));
        made.flatten().map(|id| id.to_string()).unwrap_or_default()
    }

    /// Takes a pull request out of the queue: `merged` (its base moves to the group's commit), `invalidated` or `dequeued`.
    pub fn dequeue(&self, repository: &str, number: u64, reason: &str) {
        self.change(repository, |hub, state, at| merge::dequeue(hub, state, (at, number), reason));
    }
}

fn submit(
    hub: &Hub,
    state: &mut State,
    (at, number): (usize, u64),
    author: &Account,
    (body, commit, comments): (String, gix::hash::ObjectId, Vec<super::state::ReviewComment>),
) -> u64 {
    let id = state.new_id();
    let review = Review { id, number, author: author.clone(), body, state: "COMMENTED", commit, submitted: now_seconds(), comments };
    actions::review(hub, state, at, &review);
    id
}
