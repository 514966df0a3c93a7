//! One rule, one file; one line in [`ALL`].

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

pub mod traffic;

use super::Rule;

/// Every rule, in the order of the documentation.
pub(super) static ALL: &[&Rule] = &[&traffic::missing_server::MISSING_SERVER];
