//! Where requests go, and whether anything there can serve them.

pub mod missing_server;
