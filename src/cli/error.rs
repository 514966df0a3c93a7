//! What a user is told when a command cannot do its work: what, where, what to do.

use super::{Exit, output};
use crate::report::put::put;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Why a command ended without its result.
#[derive(Debug)]
pub struct CliError {
    message: String,
    place: Option<String>,
    help: Option<String>,
    exit: Exit,
}

impl CliError {
    /// Returns wrong usage or unreadable input: `message` in lower case, no full stop, the user's text in backticks.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, help: None, exit: Exit::Usage }
    }

    /// Adds where it is.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Adds one thing to do, which is surely true.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Returns how the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the text for standard error.
    pub fn render(&self, colored: bool) -> String {
        let (red, bold, blue, cyan, off) =
            if colored { ("\x1b[1;31m", "\x1b[1m", "\x1b[1;34m", "\x1b[1;36m", "\x1b[0m") } else { ("", "", "", "", "") };
        let mut text = format!("{red}error{off}{bold}: {}{off}\n", printable(&self.message));
        if let Some(place) = &self.place {
            put!(text, "{blue}  -->{off} {}\n", printable(place));
        }
        if let Some(help) = &self.help {
            put!(text, "{cyan}help{off}: {}\n", printable(help));
        }
        text
    }
}

/// Returns `text` without anything a terminal would act on; line feeds stay.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Prints what clap has to say (help, version, or an error in our own form) and returns how the process ends.
pub(super) fn finish_parse(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output::print_help(&error.render()),
        _ => {
            let out = output::Output::new(super::ColorWhen::Auto, output::Verbosity::Normal);
            let error = usage_error(error);
            out.error(&error);
            error.exit()
        }
    }
}

/// Returns clap's error in our form.
fn usage_error(error: &clap::Error) -> CliError {
    let arg = without_values(&text(error, ContextKind::InvalidArg));
    let value = text(error, ContextKind::InvalidValue);
    let subcommand = text(error, ContextKind::InvalidSubcommand);
    let message = match error.kind() {
        ErrorKind::UnknownArgument => format!("there is no argument `{arg}` here"),
        ErrorKind::InvalidSubcommand => format!("there is no command `{subcommand}`"),
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` needs a value"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(why) => format!("`{value}` is no value for `{arg}`: {why}"),
            None => format!("`{value}` is no value for `{arg}`"),
        },
        ErrorKind::ArgumentConflict => format!("`{arg}` does not go with `{}`", without_values(&text(error, ContextKind::PriorArg))),
        ErrorKind::MissingRequiredArgument => format!("`{arg}` is missing"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command was given".to_owned(),
        _ => first_line(error),
    };
    CliError::new(message).help(usage_help(error))
}

/// Returns one thing to do about clap's error.
fn usage_help(error: &clap::Error) -> String {
    let suggestion = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .map(|kind| text(error, kind))
        .find(|text| !text.is_empty());
    if let Some(suggestion) = suggestion {
        return format!("did you mean `{suggestion}`?");
    }
    let valid = [ContextKind::ValidValue, ContextKind::ValidSubcommand].into_iter().map(|kind| text(error, kind)).find(|text| !text.is_empty());
    if let Some(valid) = valid {
        return format!("it can be `{valid}`");
    }
    let usage = text(error, ContextKind::Usage);
    let usage = usage.trim().trim_start_matches("Usage:").trim().lines().next().unwrap_or_default().trim();
    if usage.is_empty() {
        "`waypost --help` lists the commands, `waypost COMMAND --help` what each takes".to_owned()
    } else {
        format!("it is used as `{usage}`")
    }
}

/// Returns what clap knows of `kind`, in words; empty when it knows nothing. Several are parted so that they can stand in backticks.
fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => alternatives(texts.clone()),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => alternatives(texts.iter().map(ToString::to_string).collect()),
        Some(ContextValue::Number(number)) => number.to_string(),
        Some(ContextValue::Bool(flag)) => flag.to_string(),
        Some(_) | None => String::new(),
    }
}

/// Returns "a`, `b` or `c".
fn alternatives(mut texts: Vec<String>) -> String {
    match texts.pop() {
        Some(last) if !texts.is_empty() => format!("{}` or `{last}", texts.join("`, `")),
        last => last.unwrap_or_default(),
    }
}

/// Returns options without the `<VALUE>` that stands behind their names.
fn without_values(options: &str) -> String {
    let mut out = options.to_owned();
    while let Some((before, rest)) = out.split_once(" <") {
        let after = rest.split_once('>').map_or("", |(_, after)| after);
        out = format!("{before}{after}");
    }
    out
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").replace('\'', "`")
}
