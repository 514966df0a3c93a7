//! All integration tests, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test may panic, look at a clock, read files and start programs"
)]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "what a test spends on making its texts does not matter"
)]

#[cfg(test)]
mod browser;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod complaints;
#[cfg(test)]
mod completeness;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod exactness;
mod examples;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod fixes;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod haproxy;
#[cfg(test)]
mod haproxy_syntax;
#[cfg(test)]
mod hostile;
mod inventory;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod nginx_syntax;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod server;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod space;
#[cfg(test)]
mod standin;
#[cfg(test)]
mod store;
#[cfg(test)]
mod summary;
#[cfg(test)]
mod support;
#[cfg(test)]
mod walls;
mod webhooks;
