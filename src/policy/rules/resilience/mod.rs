//! What becomes of requests when something is slow, full or dead.

pub mod health_check_removed;
pub mod timeout_inversion;
