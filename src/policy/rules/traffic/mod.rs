//! Where requests go, and whether anything there can serve them.

pub mod default_server_changed;
pub mod dns_broken;
pub mod drain_all;
pub mod host_dropped;
pub mod missing_server;
pub mod no_healthy_server;
pub mod port_mismatch;
pub mod redirect_loop;
pub mod requests_refused;
pub mod route_hijack;
pub mod route_removed;
pub mod route_shadowed;
pub mod traffic_shift;
pub mod upstream_path_changed;
pub mod weight_zero;
