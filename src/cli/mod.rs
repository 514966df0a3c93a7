//! The command line: one file per command. Arguments in, library call, rendering out.
//!
//! A command is added with its file, a line in `Command` and a line in `Command::run`.

#![forbid(unsafe_code)]

mod demo;
mod error;
mod explain;
mod output;
mod review;
mod serve;
mod source;
mod trace;

pub use error::CliError;
pub use output::{Output, Verbosity};

use clap::{Parser, Subcommand, ValueEnum};
use std::process::ExitCode;

/// Review changes to load balancers and routing before they meet users
///
/// Which requests would go somewhere else, and does everything they reach exist?
#[derive(Debug, Parser)]
#[command(name = "waypost", version, disable_help_subcommand = true, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    /// Colour the output; `NO_COLOR` and `CLICOLOR_FORCE` are heeded
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, help_heading = "Global options")]
    color: ColorWhen,
    /// Say less: results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = "Global options")]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  waypost review --base main
      the work tree against the branch main
  waypost trace http://shop.example.com/cart
      where a request goes, and which lines decide it
  waypost explain missing-server
      what the rule checks, why it matters, how to fix what it finds

Exit codes: 0 nothing at or above --fail-on, 1 findings at or above it, 2 wrong usage or unreadable
input, 3 internal error";

#[derive(Debug, Subcommand)]
enum Command {
    Review(review::Args),
    Trace(trace::Args),
    Explain(explain::Args),
    Serve(serve::Args),
    Demo(demo::Args),
}

impl Command {
    fn run(self, out: &mut Output) -> Result<Exit, CliError> {
        match self {
            Self::Review(args) => review::run(&args, out),
            Self::Trace(args) => trace::run(&args, out),
            Self::Explain(args) => explain::run(&args, out),
            Self::Serve(args) => serve::run(&args, out),
            Self::Demo(args) => demo::run(&args, out),
        }
    }
}

/// When the output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How the process ends. The numbers are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing at or above `--fail-on`.
    Success = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Wrong usage or unreadable input.
    Usage = 2,
    /// A bug of ours.
    Internal = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    output::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return error::finish_parse(&error).into(),
    };
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let mut out = Output::new(cli.color, verbosity);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cli.command.run(&mut out).unwrap_or_else(|error| {
            out.error(&error);
            error.exit()
        })
    }));
    // The panic hook has said what happened.
    ended.unwrap_or(Exit::Internal).into()
}
