//! The files themselves: can they be read, and does what they name exist.

pub mod dangling_reference;
pub mod settings;
pub mod syntax;
