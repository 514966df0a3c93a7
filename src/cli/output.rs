//! The one place that writes to standard output, standard error and report files.

use super::error::CliError;
use super::{ColorWhen, Exit};
use anstream::{AutoStream, ColorChoice};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// How much is said besides the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Results and errors.
    Quiet,
    /// Results, errors and notes.
    Normal,
    /// More.
    Verbose,
}

/// Where a command writes.
#[derive(Debug)]
pub struct Output {
    color: ColorWhen,
    verbosity: Verbosity,
}

impl Output {
    pub(super) fn new(color: ColorWhen, verbosity: Verbosity) -> Self {
        Self { color, verbosity }
    }

    /// Returns how much is said besides the result.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Returns whether a result written to `file`, or to standard output for `None` and `-`, is coloured.
    pub fn colored(&self, file: Option<&Path>) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => to_stdout(file) && AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        }
    }

    /// Writes a result to standard output. A reader that went away (`| head`) is no error.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::new(format!("cannot write to standard output: {}", reason(&error)))),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a result to `file`, or to standard output for `None` and `-`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, text: &str, file: Option<&Path>) -> Result<(), CliError> {
        let Some(path) = file.filter(|_| !to_stdout(file)) else { return self.print(text) };
        let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            CliError::new(format!("cannot write `{}`: {}", path.display(), reason(&error))).help("name another file with --output, or `-`")
        })
    }

    /// Says something on standard error besides the result, unless the user wants it quiet.
    pub fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            to_stderr(&format!("{text}\n"));
        }
    }

    /// Says what went wrong, on standard error.
    pub fn error(&self, error: &CliError) {
        let colored = match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        };
        to_stderr(&error.render(colored));
    }
}

/// Returns an I/O error in words, without the number of the system call's answer.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        ErrorKind::StorageFull => "no space is left".to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_lowercase()
        }
    }
}

fn to_stdout(file: Option<&Path>) -> bool {
    file.is_none_or(|path| path == Path::new("-"))
}

fn to_stderr(text: &str) {
    // Nobody is left to be told when standard error itself cannot be written.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Prints what clap has to say for `--help` and `--version`.
pub(super) fn print_help(text: &clap::builder::StyledStr) -> Exit {
    let colored = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let text = if colored { text.ansi().to_string() } else { text.to_string() };
    match (Output { color: ColorWhen::Auto, verbosity: Verbosity::Normal }).print(&text) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Usage,
    }
}

/// Makes a panic a message a person can do something with, instead of a backtrace.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = format!(
            "error: internal error: {}\n  --> {place}\nhelp: this is a bug in waypost {}; please report it with the command and the configuration that show it\n",
            what.unwrap_or("no message"),
            env!("CARGO_PKG_VERSION"),
        );
        to_stderr(&text);
    }));
}
