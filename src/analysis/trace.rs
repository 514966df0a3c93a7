//! The concrete evaluator: one request through one gateway, step by step.

use super::destination::Destination;
use crate::model::{Gateway, Label, Listener, Model, Pool, PoolId, Request, TableId};

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

impl Trace {
    /// Returns the gateway it was traced through, found in the model it was traced in.
    pub fn gateway_in<'m>(&self, model: &'m Model) -> Option<&'m Gateway> {
        let id = self.gateway.as_deref()?;
        model.gateways.iter().find(|gateway| *gateway.id == *id)
    }

    /// Returns the pool it ends in, found in the model it was traced in.
    pub fn pool_in<'m>(&self, model: &'m Model) -> Option<&'m Pool> {
        self.gateway_in(model)?.pools.get(self.pool?.0)
    }
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

/// Traces `request` through this listener of this gateway of `model`, whatever the URL says of port and scheme.
pub fn trace_in(_model: &Model, gateway: &Gateway, listener: &Listener, request: &Request) -> Trace {
    let mut trace = trace(_model, request);
    trace.gateway = Some(gateway.id.to_string());
    trace.listener = Some(listener.address.to_string());
    trace
}
