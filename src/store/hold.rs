//! A claim, as seen by who writes elsewhere.

use super::{Answer, AtEnd, Fence, NewJob, Store};
use std::sync::{Arc, Mutex, PoisonError};

/// A claim on a job, for who writes on GitHub, which cannot be told of our fences: each write asks first whether the claim still stands.
#[derive(Clone, Debug)]
pub struct Hold {
    store: Arc<dyn Store>,
    fence: Fence,
    at_end: Arc<Mutex<AtEnd>>,
}

impl Hold {
    /// Returns the hold of `fence`.
    pub fn new(store: Arc<dyn Store>, fence: Fence) -> Self {
        Self { store, fence, at_end: Arc::default() }
    }

    /// Returns the number of the job.
    pub fn job(&self) -> i64 {
        self.fence.job.0
    }

    /// Has a note forgotten when the job is done: not before, and not later.
    pub fn forget_at_end(&self, note: String) {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner).forget.push(note);
    }

    /// Has further jobs added when this one is done: one that is killed before adds none, and does not add them twice when it is done again.
    pub fn add_at_end(&self, jobs: Vec<NewJob>) {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner).jobs.extend(jobs);
    }

    /// Returns what is to happen when the job is done.
    pub fn at_end(&self) -> AtEnd {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the job is still ours, so that a write cannot cross one by who took it over.
    pub fn stands(&self) -> Answer<'_, bool> {
        self.store.holds(self.fence)
    }
}
