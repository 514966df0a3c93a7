//! The stand-in GitHub refuses what GitHub refuses, and says what GitHub says.

pub(crate) mod client;

mod checks;
mod refusals;
pub(crate) mod world;
