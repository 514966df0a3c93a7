//! Where requests go, and whether anything there can serve them.

pub mod default_server_changed;
pub mod dns_broken;
pub mod drain_all;
pub mod host_dropped;
pub mod missing_server;
pub mod no_healthy_server;
pub mod port_mismatch;
pub mod redirect_loop;
pub mod route_hijack;
pub mod traffic_shift;
pub mod weight_zero;
