//! The webhook server: inbox, worker, pages.

#![forbid(unsafe_code)]
