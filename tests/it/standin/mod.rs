//! The stand-in GitHub refuses what GitHub refuses, and says what GitHub says.

pub(crate) mod client;

mod checks;
pub(crate) mod world;
