//! Formatting onto the end of a string.

use std::fmt::{Arguments, Write};

/// Formats onto the end of itself.
pub(crate) trait Put {
    /// Adds the formatted text.
    fn put(&mut self, text: Arguments<'_>);
}

impl Put for String {
    fn put(&mut self, text: Arguments<'_>) {
        // Writing to a string cannot fail.
        self.write_fmt(text).unwrap_or(());
    }
}

/// `put!(text, "{x}")` formats onto the end of `text`.
macro_rules! put {
    ($text:expr, $($part:tt)*) => { $crate::report::put::Put::put(&mut $text, format_args!($($part)*)) };
}
pub(crate) use put;
