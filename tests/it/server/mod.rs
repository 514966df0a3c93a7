//! The server against the stand-in GitHub.

mod bad_input;
mod commands;
mod faults;
mod inbox;
mod lifecycle;
mod reading;
