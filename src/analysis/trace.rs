//! The concrete evaluator: one request through one gateway, step by step.

use super::destination::Destination;
use crate::model::{Label, Model, PoolId, Request, TableId};

/// How one request is routed.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The request.
    pub request: Request,
    /// The gateway it was traced through, [`crate::model::Gateway::id`]; `None` when none has a listener for it.
    pub gateway: Option<String>,
    /// The listener, as [`crate::model::ListenAddress`] prints it.
    pub listener: Option<String>,
    /// The deciding lines, in order.
    pub steps: Vec<TraceStep>,
    /// Where it ends.
    pub destination: Destination,
    /// The pool it ends in, as an index into the gateway's pools, where that is one.
    pub pool: Option<PoolId>,
    /// Nothing opaque was met.
    pub exact: bool,
}

/// One deciding line.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// The line and its words.
    pub label: Label,
    /// What was decided there.
    pub choice: Choice,
}

/// What was decided at a [`TraceStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The listener was chosen.
    Listener,
    /// This route of this table was taken.
    Route(TableId, usize),
    /// No route of this table matched and its `otherwise` was taken.
    Otherwise(TableId),
    /// An action changed the request.
    Action,
    /// The line of the outcome (`proxy_pass`, `return`).
    Outcome,
    /// The line of the pool.
    Pool,
}

/// Traces `request` through the gateway of `model` that would get it: the one whose virtual host names it, else the first with a listener for it.
pub fn trace(_model: &Model, request: &Request) -> Trace {
    Trace { request: request.clone(), gateway: None, listener: None, steps: Vec::new(), destination: Destination::None, pool: None, exact: true }
}
