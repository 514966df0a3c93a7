//! `waypost explain`: the documentation of a rule.

use super::{CliError, Exit, Output};
use crate::policy::{by_name, rules};
use crate::report;

/// Print what a rule checks, why it matters, an example, and how to fix what it finds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost explain
      lists the rules
  waypost explain traffic/missing-server
  waypost explain missing-server
      the same: the part after the `/` is enough")]
pub(super) struct Args {
    /// The rule's id or the part after the `/`; none lists the rules
    rule: Option<String>,
}

pub(super) fn run(args: &Args, out: &Output) -> Result<Exit, CliError> {
    let colored = out.colored(None);
    let text = match &args.rule {
        None => report::rule_list(rules(), colored),
        Some(name) => match by_name(name) {
            Some(rule) => report::rule_page(rule, colored),
            None => return Err(unknown_rule(name)),
        },
    };
    out.print(&text)?;
    Ok(Exit::Success)
}

fn unknown_rule(name: &str) -> CliError {
    let names: Vec<&str> = rules().iter().flat_map(|rule| [rule.id, rule.id.rsplit_once('/').map_or(rule.id, |(_, short)| short)]).collect();
    let error = CliError::new(format!("there is no rule `{name}`"));
    match similar::get_close_matches(name, &names, 1, 0.6).first() {
        Some(near) => error.help(format!("did you mean `{near}`? `waypost explain` lists them all")),
        None => error.help("`waypost explain` lists the rules"),
    }
}
