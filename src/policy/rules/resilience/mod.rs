//! What becomes of requests when something is slow, full or dead.

pub mod health_check_removed;
pub mod rate_limit_broken;
pub mod timeout_inversion;
