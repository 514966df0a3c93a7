//! Changes that are meant to go back.

pub mod rollback_unsafe;
