//! Waypost reviews changes to load balancers and routing: which requests would go somewhere else, and does everything they reach exist?
//!
//! `source -> snapshot -> formats -> model -> analysis -> review -> report -> terminal or GitHub`; `ARCHITECTURE.md` is the map.

pub mod analysis;
pub mod cli;
pub mod formats;
pub mod github;
pub mod model;
pub mod policy;
pub mod report;
pub mod review;
pub mod server;
pub mod snapshot;
pub mod space;
pub mod span;
pub mod standin;
pub mod store;
