//! What several test rooms share.

pub(crate) mod backends;
pub(crate) mod contract;
pub(crate) mod graphql;
pub(crate) mod haproxy;
pub(crate) mod hello;
pub(crate) mod nginx;
pub(crate) mod postgres;
pub(crate) mod random;
pub(crate) mod replay;
pub(crate) mod rig;
pub(crate) mod schema;
mod scratch;

pub(crate) use postgres::on_both;
pub(crate) use scratch::Scratch;
