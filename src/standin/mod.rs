//! A stand-in GitHub, in memory: for the tests and for `waypost demo`.

#![forbid(unsafe_code)]
