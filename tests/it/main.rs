//! All integration tests, one binary.

#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod support;
mod walls;
