//! What must survive a restart: deliveries, jobs, blobs. SQLite.

#![forbid(unsafe_code)]
