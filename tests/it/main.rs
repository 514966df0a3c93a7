//! All integration tests, one binary.

mod walls;
