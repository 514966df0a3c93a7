//! Rules: what is checked, and what is said of it.

#![forbid(unsafe_code)]

mod arrival;
mod category;
mod decision;
mod finding;
mod hosts;
mod idle;
mod near;
mod passage;
mod problems;
mod registry;
pub mod rules;
#[cfg(test)]
mod scene;
mod words;

pub(crate) use arrival::goes;
pub use category::{Category, Severity};
pub use decision::{Decision, DecisionKind, Said, content_of, decided, rule_digest};
pub use finding::{Finding, Side, Tree};
pub use near::nearest;
pub use registry::{HEADINGS, Rule, RuleContext, Shared, by_name, check_all, explanation, rules};
pub(crate) use words::{of_requests, percent, to_region};
