//! The fixed words of the contract: categories and severities.

use schemars::JsonSchema;
use serde::Serialize;

/// What a finding is about. The set is part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the contract lists them; each rule documents its own")]
pub enum Category {
    Syntax,
    DanglingReference,
    MissingServer,
    PortMismatch,
    NoHealthyServer,
    RouteShadowed,
    RouteHijack,
    TrafficShift,
    CapacityLoss,
    SinglePointOfFailure,
    HealthCheckRemoved,
    TimeoutInversion,
    TlsBroken,
    ExposureWidened,
    SelectorMismatch,
    DnsBroken,
    RedirectLoop,
    RateLimitBroken,
    RollbackUnsafe,
    DrainAll,
    WeightZero,
    DefaultServerChanged,
    MonitoringGap,
    Policy,
}

/// How bad a finding is. Ordered from harmless to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look before merging.
    Warning,
    /// Blocks.
    Error,
}
