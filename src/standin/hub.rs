//! What the rooms of the stand-in share: the state behind a lock, who the App is, and the way out for webhooks.

use super::Activity;
use super::auth::{Caller, Keys, app_permissions, caller};
use super::clock::{new_guid, now_seconds};
use super::error::Refusal;
use super::faults::Faults;
use super::record::Record;
use super::shape::{Shapes, merged};
use super::state::{Account, Delivery, Repository, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, mpsc};

/// Ids begin here: those of GitHub's comments have long outgrown 32 bits.
const FIRST_ID: u64 = 3_000_001_000;

/// Shared by all requests.
#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) shapes: Shapes,
    pub(super) keys: Keys,
    pub(super) secret: String,
    /// A person's token: reads all, but is no App.
    pub(super) user_token: String,
    /// A GitHub Enterprise Server: its API is below `/api/v3`.
    pub(super) enterprise: bool,
    pub(super) faults: Faults,
    pub(super) record: Record,
    /// Ids of deliveries that are to be sent, in order.
    pub(super) queue: mpsc::UnboundedSender<u64>,
    pub(super) activity: broadcast::Sender<Activity>,
}

/// What an endpoint asks of its caller.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// One of these permissions, to read.
    Read(&'static [&'static str]),
    /// One of these permissions, to write.
    Write(&'static [&'static str]),
    /// Checks are written by Apps only.
    WriteChecks,
}

/// A repository that the caller may use, with everything else locked.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) state: MutexGuard<'a, State>,
    /// The repository's place in `state.repositories`.
    pub(super) at: usize,
    pub(super) caller: Caller,
}

impl Opened<'_> {
    /// The repository.
    ///
    /// # Errors
    /// 404 where it went away.
    pub(super) fn repository(&self) -> Result<&Repository, Refusal> {
        self.state.repositories.get(self.at).ok_or_else(Refusal::not_found)
    }

    /// The repository, to change it.
    ///
    /// # Errors
    /// 404 where it went away.
    pub(super) fn repository_mut(&mut self) -> Result<&mut Repository, Refusal> {
        self.state.repositories.get_mut(self.at).ok_or_else(Refusal::not_found)
    }
}

impl Hub {
    pub(super) fn new(
        (shapes, record): (Shapes, Record),
        (keys, secret, user_token): (Keys, String, String),
        (token_lifetime_seconds, enterprise): (i64, bool),
        queue: mpsc::UnboundedSender<u64>,
    ) -> Self {
        let state = State { last_id: FIRST_ID, token_lifetime_seconds, permissions: app_permissions(), ..State::default() };
        let (activity, _) = broadcast::channel(4096);
        Self { state: Mutex::new(state), shapes, keys, secret, user_token, enterprise, faults: Faults::default(), record, queue, activity }
    }

    /// Locks the state. A panic elsewhere does not stop the stand-in.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a caller into a repository.
    ///
    /// # Errors
    /// 401 for unknown credentials, 404 where the caller cannot see the repository, 403 where it lacks a permission.
    pub(super) fn open(&self, headers: &HeaderMap, owner: &str, name: &str, need: Need) -> Result<Opened<'_>, Refusal> {
        let state = self.lock();
        let caller = caller(&state, &self.user_token, headers)?;
        let at = state.find(owner, name).ok_or_else(Refusal::not_found)?;
        let visible = state.repositories.get(at).is_some_and(|repository| caller.sees(repository.id, repository.installed));
        if !visible {
            return Err(Refusal::not_found());
        }
        let allowed = match need {
            Need::Read(names) => caller.may(names, false),
            Need::Write(names) => caller.may(names, true),
            Need::WriteChecks => match caller {
                Caller::Person => return Err(Refusal::forbidden("You must authenticate via a GitHub App.")),
                Caller::Installation(_) => caller.may(&["checks"], true),
            },
        };
        if allowed { Ok(Opened { state, at, caller }) } else { Err(Refusal::forbidden("Resource not accessible by integration")) }
    }

    /// Who the caller writes as.
    pub(super) fn author(&self, caller: &Caller) -> Account {
        match caller {
            Caller::Installation(_) => self.shapes.identity.bot(),
            Caller::Person => State::account("you", "User"),
        }
    }

    /// Tells whoever watches.
    pub(super) fn tell(&self, activity: Activity) {
        // Nobody has to watch.
        drop(self.activity.send(activity));
    }

    /// Sends a webhook about a repository to the App. `payload` is what the event adds to the common keys.
    pub(super) fn emit(&self, state: &mut State, event: &str, (at, sender): (usize, &Account), payload: Value) {
        let suspended = state.suspended;
        let Some(repository) = state.repositories.get(at).filter(|repository| repository.installed && !suspended) else { return };
        let id = repository.id;
        let common = json!({
            "repository": self.shapes.repository(repository), "sender": self.shapes.account(sender),
            "installation": {"id": self.shapes.identity.installation_id, "node_id": super::shape::node_id("MDIz", self.shapes.identity.installation_id)},
        });
        self.post(state, event, Some(id), &merged(payload, common));
    }

    /// Puts a webhook on its way, where the App has an address.
    pub(super) fn post(&self, state: &mut State, event: &str, repository: Option<u64>, payload: &Value) {
        state.version += 1;
        if state.webhook_url.is_none() {
            return;
        }
        let action = payload.get("action").and_then(Value::as_str).map(str::to_owned);
        self.send_again(
            state,
            &Delivery {
                id: 0,
                guid: new_guid(),
                event: event.to_owned(),
                action,
                repository,
                body: payload.to_string(),
                redelivery: false,
                delivered: now_seconds(),
                status: 0,
                duration_ms: 0,
                answer: String::new(),
                done: false,
            },
        );
    }

    /// Puts a delivery into the log and on its way, under its own GUID. Returns its new id.
    pub(super) fn send_again(&self, state: &mut State, delivery: &Delivery) -> u64 {
        let id = state.new_id();
        state.deliveries.push(Delivery { id, delivered: now_seconds(), done: false, ..delivery.clone() });
        if self.queue.send(id).is_err() {
            // The stand-in is shutting down.
            state.deliveries.pop();
        }
        id
    }
}
