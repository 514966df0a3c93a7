//! All integration tests, one binary.

mod support;
mod walls;
