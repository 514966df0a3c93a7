//! The model against the real HAProxy.

mod agreement;
mod configurations;
mod corners;
mod generator;
mod lowering;
mod random;
mod shares;

pub(crate) use random::written;
