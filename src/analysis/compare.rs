//! Which requests go somewhere else.
//!
//! The first form: the evaluator over candidate requests derived from the patterns of both sides, so everything reported is true and nothing
//! is claimed of what was not tried (`exact: false`).

use super::trace::Trace;
use crate::model::{Model, PoolId};

/// What a change does to requests.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The regions that changed, most harmful first.
    pub changes: Vec<Change>,
    /// Every candidate request with its way on both sides, unchanged ones too; rules find witnesses here.
    pub pairs: Vec<Pair>,
    /// Whether "no change" means that there is none.
    pub exact: bool,
}

/// One request on both sides.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Before.
    pub was: Trace,
    /// After.
    pub now: Trace,
}

/// Requests that share where they went and where they go.
#[derive(Clone, Debug)]
pub struct Change {
    /// The requests in the config's own words: `host shop.example.com, path not under /static/`.
    pub region: String,
    /// The hosts of the region as a person would name them (`shop.example.com`, `any other host`), for sentences.
    pub hosts: Vec<String>,
    /// Indexes into [`Comparison::pairs`], the request a person would type first; never empty.
    pub pairs: Vec<usize>,
    /// Whether the region is all of the requests with this was and now.
    pub exact: bool,
    /// The same servers get the same requests; only how they are treated differs (timeouts, retries, limits, balancing).
    pub behaviour_only: bool,
}

impl Comparison {
    /// Returns the pair a person would type first of `change`.
    pub fn witness(&self, change: &Change) -> Option<&Pair> {
        change.pairs.first().and_then(|at| self.pairs.get(*at))
    }

    /// Returns the pairs that end, after the change, in this pool of this gateway, changed or not; the one a person would type first comes first.
    pub fn reaching_now<'a>(&'a self, gateway: &'a str, pool: PoolId) -> impl Iterator<Item = &'a Pair> {
        self.pairs.iter().filter(move |pair| pair.now.pool == Some(pool) && pair.now.gateway.as_deref() == Some(gateway))
    }

    /// Returns the pairs that ended, before the change, in this pool of this gateway; the one a person would type first comes first.
    pub fn reaching_before<'a>(&'a self, gateway: &'a str, pool: PoolId) -> impl Iterator<Item = &'a Pair> {
        self.pairs.iter().filter(move |pair| pair.was.pool == Some(pool) && pair.was.gateway.as_deref() == Some(gateway))
    }
}

/// Compares two models.
pub fn compare(_base: &Model, _head: &Model) -> Comparison {
    Comparison::default()
}
