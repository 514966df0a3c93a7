//! All integration tests, one binary.

#[cfg(test)]
mod support;
mod walls;
