//! nginx: what the model says against what the real one does.

mod agreement;
mod differential;
mod judge;
mod lowering;
mod stream;
mod suites;

pub(crate) use differential::written;
