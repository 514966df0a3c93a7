//! What several test rooms share.

pub(crate) mod nginx;
