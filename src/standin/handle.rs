//! The handle on a running stand-in: what tests and the demo do with it.

use super::Activity;
use super::actions;
use super::faults::{Fault, Moment, RequestLine};
use super::hub::Hub;
use super::objects::Files;
use super::record::Exchange;
use super::state::{Delivery, Offer, Repository, State};
use gix::hash::ObjectId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;

/// A running stand-in. Clones are the same one; it stops when the last is dropped.
#[derive(Clone, Debug)]
pub struct Standin {
    /// Where the REST API is.
    pub api_url: String,
    /// Where the pages are.
    pub web_url: String,
    /// The App's id.
    pub app_id: u64,
    /// The App's client id.
    pub client_id: String,
    /// The installation on all repositories.
    pub installation_id: u64,
    /// What the App signs its JWTs with: PEM.
    pub private_key_pem: String,
    /// What webhooks are signed with.
    pub webhook_secret: String,
    /// A person's own token, which is no App.
    pub user_token: String,
    pub(super) hub: Arc<Hub>,
    _tasks: Arc<Tasks>,
}

#[derive(Debug)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// A pull request to be opened.
#[derive(Clone, Debug)]
pub struct NewPull<'a> {
    /// The branch with the change.
    pub head: &'a str,
    /// The branch it goes to.
    pub base: &'a str,
    /// The title.
    pub title: &'a str,
    /// The description; empty for none.
    pub body: &'a str,
}

/// A check run as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSeen {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The commit.
    pub head_sha: String,
    /// The status.
    pub status: String,
    /// The conclusion.
    pub conclusion: Option<String>,
    /// What the App knows it by.
    pub external_id: String,
    /// The headline.
    pub title: Option<String>,
    /// The summary, in Markdown.
    pub summary: Option<String>,
    /// The details, in Markdown.
    pub text: Option<String>,
    /// The annotations, as they were sent.
    pub annotations: Vec<Value>,
}

/// A comment as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentSeen {
    /// The id.
    pub id: u64,
    /// The login.
    pub author: String,
    /// The text, in Markdown.
    pub body: String,
    /// What people and bots reacted with: content and login.
    pub reactions: Vec<(String, String)>,
}

/// A webhook that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySeen {
    /// The id in the log.
    pub id: u64,
    /// The GUID; a redelivery has that of the first.
    pub guid: String,
    /// The event.
    pub event: String,
    /// The action.
    pub action: Option<String>,
    /// The answer's status; 0 where none came.
    pub status: u16,
    /// The answer has come, or will not come any more.
    pub done: bool,
    /// The payload as it was signed.
    pub body: String,
}

impl Standin {
    pub(super) fn new(hub: Arc<Hub>, tasks: Vec<JoinHandle<()>>) -> Self {
        let identity = hub.shapes.identity.clone();
        Self {
            api_url: hub.shapes.api.clone(),
            web_url: hub.shapes.web.clone(),
            app_id: identity.app_id,
            client_id: identity.client_id,
            installation_id: identity.installation_id,
            private_key_pem: hub.keys.private_pem.clone(),
            webhook_secret: hub.secret.clone(),
            user_token: hub.user_token.clone(),
            hub,
            _tasks: Arc::new(Tasks(tasks)),
        }
    }

    /// Where webhooks go. Until then none is sent.
    pub fn set_webhook_url(&self, url: &str) {
        self.hub.lock().webhook_url = Some(url.to_owned());
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Activity> {
        self.hub.activity.subscribe()
    }

    /// Creates `owner/name` with these files on `main`, the App installed. Returns the first commit's id.
    pub fn create_repository(&self, owner: &str, name: &str, files: &Files) -> String {
        let mut state = self.hub.lock();
        let id = state.new_id();
        let repository = Repository {
            id,
            owner: State::account(owner, "Organization"),
            name: name.to_owned(),
            default_branch: "main".to_owned(),
            created: super::clock::now_seconds(),
            branches: BTreeMap::new(),
            pulls: Vec::new(),
            comments: Vec::new(),
            reviews: Vec::new(),
            suites: Vec::new(),
            runs: Vec::new(),
            next_number: 1,
            installed: true,
            roles: BTreeMap::new(),
            required: Vec::new(),
            queue: Vec::new(),
        };
        state.repositories.push(repository);
        let at = state.repositories.len() - 1;
        let tree = actions::tree_of(&mut state, files);
        let sender = State::account("you", "User");
        shown(actions::push(&self.hub, &mut state, (at, "main"), tree, (&sender, "Start")))
    }

    /// Lets the next pull request of a repository have this number.
    pub fn number_from(&self, repository: &str, number: u64) {
        self.change(repository, |_, state, at| {
            if let Some(repository) = state.repositories.get_mut(at) {
                repository.next_number = number;
            }
        });
    }

    /// Pushes a commit that leaves exactly these files on a branch; a new branch starts at `main`. Returns the commit's id.
    pub fn push(&self, repository: &str, branch: &str, files: &Files, message: &str) -> String {
        let pushed = self.change(repository, |hub, state, at| {
            let tree = actions::tree_of(state, files);
            let sender = State::account("you", "User");
            actions::push(hub, state, (at, branch), tree, (&sender, message))
        });
        shown(pushed.flatten())
    }

    /// The files of a branch; empty where there is none.
    pub fn files(&self, repository: &str, branch: &str) -> Files {
        let found = self.change(repository, |_, state, at| {
            let tip = state.repositories.get(at).and_then(|repository| repository.branches.get(branch)).copied();
            tip.map(|tip| state.objects.checkout(tip))
        });
        found.flatten().unwrap_or_default()
    }

    /// Opens a pull request and returns its number; 0 where a branch is not there.
    pub fn open_pull_request(&self, repository: &str, pull: &NewPull<'_>) -> u64 {
        let opening = actions::Opening {
            head: pull.head.to_owned(),
            base: pull.base.to_owned(),
            title: pull.title.to_owned(),
            body: Some(pull.body.to_owned()).filter(|body| !body.is_empty()),
            draft: false,
            fork: None,
        };
        let author = State::account("you", "User");
        self.change(repository, |hub, state, at| actions::open_pull(hub, state, at, &author, opening)).flatten().unwrap_or_default()
    }

    /// Prepares a push that the page shows as a button.
    pub fn offer_push(&self, repository: &str, number: u64, files: &Files, (label, message): (&str, &str)) {
        self.change(repository, |_, state, at| {
            let tree = actions::tree_of(state, files);
            let offer = Offer { label: label.to_owned(), message: message.to_owned(), tree };
            if let Some(pull) = state.repositories.get_mut(at).and_then(|repository| repository.pull_mut(number)) {
                pull.offers.push(offer);
            }
        });
    }

    /// Lets the page suggest a comment to try.
    pub fn suggest(&self, repository: &str, number: u64, comment: &str) {
        self.change(repository, |_, state, at| {
            if let Some(pull) = state.repositories.get_mut(at).and_then(|repository| repository.pull_mut(number)) {
                pull.suggestions.push(comment.to_owned());
            }
        });
    }

    /// Lets recursive listings of trees end after this many entries, as GitHub's do after 100,000.
    pub fn limit_trees(&self, entries: usize) {
        self.hub.lock().tree_limit = Some(entries);
    }

    /// Sends the ping that GitHub sends when an App gets its webhook address.
    pub fn ping(&self) {
        let mut state = self.hub.lock();
        let url = state.webhook_url.clone();
        let payload = json!({
            "zen": "Keep it logically awesome.", "hook_id": 1,
            "hook": {
                "type": "App", "id": 1, "name": "web", "active": true, "events": ["*"], "app_id": self.app_id,
                "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url},
                "updated_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z",
                "deliveries_url": format!("{}/app/hook/deliveries", self.api_url),
            },
        });
        self.hub.post(&mut state, "ping", None, &payload);
    }

    /// Sends a delivery again, under its GUID. `false` where there is no such one.
    pub fn redeliver(&self, guid: &str) -> bool {
        let mut state = self.hub.lock();
        let Some(found) = state.deliveries.iter().find(|delivery| delivery.guid == guid).cloned() else { return false };
        self.hub.send_again(&mut state, &Delivery { redelivery: true, ..found });
        true
    }

    /// All deliveries so far, the oldest first.
    pub fn deliveries(&self) -> Vec<DeliverySeen> {
        let seen = |delivery: &Delivery| DeliverySeen {
            id: delivery.id,
            guid: delivery.guid.clone(),
            event: delivery.event.clone(),
            action: delivery.action.clone(),
            status: delivery.status,
            done: delivery.done,
            body: delivery.body.clone(),
        };
        self.hub.lock().deliveries.iter().map(seen).collect()
    }

    /// The commit that a pull request is at; empty where there is none.
    pub fn head(&self, repository: &str, number: u64) -> String {
        let head = self.change(repository, |_, state, at| state.repositories.get(at)?.pull(number).map(|pull| pull.head));
        shown(head.flatten())
    }

    /// All check runs on a commit, the oldest first.
    pub fn checks(&self, repository: &str, sha: &str) -> Vec<CheckSeen> {
        let found = self.change(repository, |_, state, at| {
            let runs = state.repositories.get(at).map(|repository| repository.runs.clone()).unwrap_or_default();
            let wanted = ObjectId::from_hex(sha.as_bytes()).ok();
            let runs = runs.into_iter().filter(|run| Some(run.sha) == wanted).map(|run| CheckSeen {
                id: run.id,
                name: run.name,
                head_sha: run.sha.to_string(),
                status: run.status,
                conclusion: run.conclusion,
                external_id: run.external_id,
                title: run.title,
                summary: run.summary,
                text: run.text,
                annotations: run.annotations,
            });
            runs.collect()
        });
        found.unwrap_or_default()
    }

    /// All comments of a pull request, the oldest first.
    pub fn comments(&self, repository: &str, number: u64) -> Vec<CommentSeen> {
        let found = self.change(repository, |_, state, at| {
            let comments = state.repositories.get(at).map(|repository| repository.comments.clone()).unwrap_or_default();
            let comments = comments.into_iter().filter(|comment| comment.number == number).map(|comment| CommentSeen {
                id: comment.id,
                author: comment.author.login,
                body: comment.body,
                reactions: comment.reactions.into_iter().map(|(_, content, account)| (content, account.login)).collect(),
            });
            comments.collect()
        });
        found.unwrap_or_default()
    }

    /// Lets all installation tokens given out so far run out.
    pub fn expire_tokens(&self) {
        self.hub.lock().tokens.values_mut().for_each(|token| token.expires = 0);
    }

    /// The next `times` requests with this method (or any, for an empty one) whose path contains `part` fail so.
    pub fn fail(&self, method: &str, part: &str, times: u32, fault: Fault) {
        self.hub.faults.plan(method, part, times, fault);
    }

    /// Forgets what [`Standin::trip`] planned, if no request came that far.
    pub fn untrip(&self) {
        self.hub.faults.untrip();
    }

    /// Leaves the request after the next `left` without an answer for ever. The receiver is told when it came that far.
    pub fn trip(&self, left: usize, moment: Moment) -> oneshot::Receiver<()> {
        self.hub.faults.trip(left, moment)
    }

    /// All requests to the REST API so far.
    pub fn requests(&self) -> Vec<RequestLine> {
        self.hub.faults.seen()
    }

    /// What was asked and answered since the last call, where [`record`](super::Options::record) is set.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.hub.record.take()
    }

    /// The address of a pull request's page.
    pub fn page_url(&self, repository: &str, number: u64) -> String {
        format!("{}/{repository}/pull/{number}", self.web_url)
    }

    /// Does something with `owner/name`; `None` where it is not there.
    pub(super) fn change<T>(&self, repository: &str, act: impl FnOnce(&Hub, &mut State, usize) -> T) -> Option<T> {
        let (owner, name) = repository.split_once('/')?;
        let mut state = self.hub.lock();
        let at = state.find(owner, name)?;
        state.version += 1;
        Some(act(&self.hub, &mut state, at))
    }
}

fn shown(id: Option<ObjectId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
