//! One rule, one file; one line in `ALL`.

/// Declares a rule: its doc comment is its documentation, kept for `waypost explain`.
macro_rules! rule {
    ($(#[doc = $doc:literal])* pub static $name:ident = { id: $id:literal, category: $category:ident, severity: $severity:ident, check: $check:path $(,)? }) => {
        $(#[doc = $doc])*
        pub static $name: $crate::policy::Rule = $crate::policy::Rule {
            id: $id,
            category: $crate::policy::Category::$category,
            severity: $crate::policy::Severity::$severity,
            documentation: concat!($($doc, "\n"),*),
            check: $check,
        };
    };
}

pub mod config;
pub mod resilience;
pub mod rollback;
pub mod security;
pub mod traffic;

use super::Rule;

/// Every rule, in the order of the documentation.
pub(super) static ALL: &[&Rule] = &[
    &traffic::missing_server::MISSING_SERVER,
    &traffic::no_healthy_server::NO_HEALTHY_SERVER,
    &traffic::drain_all::DRAIN_ALL,
    &traffic::traffic_shift::TRAFFIC_SHIFT,
    &traffic::default_server_changed::DEFAULT_SERVER_CHANGED,
    &traffic::host_dropped::HOST_DROPPED,
    &traffic::route_hijack::ROUTE_HIJACK,
    &traffic::route_shadowed::ROUTE_SHADOWED,
    &traffic::route_removed::ROUTE_REMOVED,
    &traffic::requests_refused::REQUESTS_REFUSED,
    &traffic::upstream_path_changed::UPSTREAM_PATH_CHANGED,
    &traffic::port_mismatch::PORT_MISMATCH,
    &traffic::dns_broken::DNS_BROKEN,
    &traffic::weight_zero::WEIGHT_ZERO,
    &traffic::redirect_loop::REDIRECT_LOOP,
    &resilience::timeout_inversion::TIMEOUT_INVERSION,
    &resilience::health_check_removed::HEALTH_CHECK_REMOVED,
    &resilience::capacity_loss::CAPACITY_LOSS,
    &resilience::single_point_of_failure::SINGLE_POINT_OF_FAILURE,
    &resilience::rate_limit_broken::RATE_LIMIT_BROKEN,
    &security::tls_broken::TLS_BROKEN,
    &security::exposure_widened::EXPOSURE_WIDENED,
    &config::dangling_reference::DANGLING_REFERENCE,
    &config::syntax::SYNTAX,
    &config::settings::SETTINGS,
    &rollback::rollback_unsafe::ROLLBACK_UNSAFE,
];
