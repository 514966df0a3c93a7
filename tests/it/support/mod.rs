//! What several test rooms share.

pub(crate) mod nginx;
pub(crate) mod replay;
mod scratch;

pub(crate) use scratch::Scratch;
pub(crate) mod rig;
