//! What becomes of requests when something is slow, full or dead.

pub mod capacity_loss;
pub mod health_check_removed;
pub mod rate_limit_broken;
pub mod single_point_of_failure;
pub mod timeout_inversion;
