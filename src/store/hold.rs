//! A claim, as seen by who writes elsewhere.

use super::{Answer, Fence, Store};
use std::sync::Arc;

/// A claim on a job, for who writes on GitHub, which cannot be told of our fences: each write asks first whether the claim still stands.
#[derive(Clone, Debug)]
pub struct Hold {
    store: Arc<dyn Store>,
    fence: Fence,
}

impl Hold {
    /// Returns the hold of `fence`.
    pub fn new(store: Arc<dyn Store>, fence: Fence) -> Self {
        Self { store, fence }
    }

    /// Returns the number of the job.
    pub fn job(&self) -> i64 {
        self.fence.job.0
    }

    /// Returns whether the job is still ours, so that a write cannot cross one by who took it over.
    pub fn stands(&self) -> Answer<'_, bool> {
        self.store.holds(self.fence)
    }
}
