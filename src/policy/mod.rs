//! Rules: what is checked, and what is said of it.

#![forbid(unsafe_code)]

mod category;
mod finding;
mod registry;
pub mod rules;

pub use category::{Category, Severity};
pub use finding::{Finding, Side, Tree};
pub use registry::{Rule, RuleContext, by_name, check_all, rules};
