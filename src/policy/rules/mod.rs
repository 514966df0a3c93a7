//! One rule, one file; one line in [`ALL`].

use super::Rule;

/// Every rule, in the order of the documentation.
pub(super) static ALL: &[&Rule] = &[];
