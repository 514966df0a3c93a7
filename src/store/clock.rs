//! The clock of the rooms that have one.
#![expect(clippy::disallowed_methods, reason = "this is the one place where the store, GitHub and the server read the time")]

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970; 0 on a machine whose clock stands before that.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}
