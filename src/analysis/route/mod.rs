//! One request through one listener: the concrete evaluator behind [`super::trace()`] and [`super::compare()`].
//!
//! Read in this order: `normalize` (what the conditions see), `walk` (the tables), `value` and `condition`, `finish` and `share` (the end), `explore`
//! (what happens at a question that the configuration does not answer: both ways are walked).

mod alternatives;
mod choose;
mod condition;
mod convert;
mod explore;
mod finish;
mod index;
mod normalize;
mod share;
mod text;
mod uri;
mod value;
mod walk;
mod words;

pub(super) use choose::{choose, host_of, is_named};
pub(super) use explore::explore;
pub(super) use index::{Engine, Patterns};
pub(super) use normalize::{encode_path, sent_path, target};
pub(super) use walk::Entrance;
pub(super) use words::{host_words, test_words};

use super::destination::Destination;
use super::trace::{Choice, Limited, TraceStep};
use crate::model::PoolId;

/// Where one walk ended.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) steps: Vec<TraceStep>,
    pub(super) destination: Destination,
    pub(super) pool: Option<PoolId>,
    /// All pools it can end in: [`Leaf::pool`], those of status handlers, and those of the other ways at an open question.
    pub(super) pools: Vec<PoolId>,
    pub(super) limits: Vec<Limited>,
    pub(super) virtual_host: Option<usize>,
    pub(super) exact: bool,
}
