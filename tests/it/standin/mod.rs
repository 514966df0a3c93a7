//! The stand-in GitHub refuses what GitHub refuses, and says what GitHub says.

pub(crate) mod client;

mod checks;
mod graphql;
mod life;
mod refusals;
pub(crate) mod world;
