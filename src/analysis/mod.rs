//! What the model means: where a request goes, and which requests a change sends somewhere else.

#![forbid(unsafe_code)]

mod compare;
mod destination;
mod digest;
mod equality;
#[cfg(test)]
mod fixture;
mod prints;
mod route;
mod shadow;
mod symbolic;
mod trace;
mod values;

pub use compare::{Change, Comparison, Pair, compare};
pub use destination::{Alternative, Destination, ServerShare, ServerState};
pub use equality::moved_share;
pub use shadow::{Shadow, shadows};
pub use trace::{Choice, Limited, Trace, TraceStep, trace, trace_in};
