//! The command line: one file per command. Arguments in, library call, rendering out.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
