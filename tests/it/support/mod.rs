//! What several test rooms share.

pub(crate) mod nginx;
pub(crate) mod replay;
pub(crate) mod rig;
mod scratch;

pub(crate) use scratch::Scratch;
