//! The server against the stand-in GitHub.

mod any_order;
mod bad_input;
mod commands;
mod crash;
mod decisions;
mod faults;
mod inbox;
mod lifecycle;
mod lines;
mod reading;
mod reconcile;
mod settings;
