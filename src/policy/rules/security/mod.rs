//! What protects requests, and whom they may reach.

pub mod exposure_widened;
pub mod tls_broken;
