//! The server against the stand-in GitHub.

mod any_order;
mod bad_input;
mod commands;
mod crash;
mod faults;
mod inbox;
mod lifecycle;
mod reading;
mod reconcile;
