//! `/waypost explain RULE`

use super::arguments::Arguments;
use super::{Command, Reply, Spec};
use crate::policy::{by_name, nearest, rules};
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::settings::Least;

/// Shows a rule's documentation.
pub(super) const SPEC: Spec = Spec {
    name: "explain",
    arguments: "RULE",
    least: Least::Anyone,
    summary: "says what a rule checks, why it matters and how to fix what it finds",
    example: "/waypost explain traffic/missing-server",
    parse,
};

/// Which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    rule: &'static str,
}

fn parse(mut arguments: Arguments) -> Result<Command, Refusal> {
    let word = arguments.word(&SPEC, "the name of a rule")?;
    arguments.end(&SPEC, &[])?;
    if let Some(rule) = by_name(&word) {
        return Ok(Command::Explain(Args { rule: rule.id }));
    }
    let short = |id: &'static str| id.rsplit_once('/').map_or(id, |(_, short)| short);
    let ids = || rules().iter().map(|rule| rule.id);
    let near = nearest(&word, ids()).or_else(|| nearest(&word, ids().map(short)).and_then(by_name).map(|rule| rule.id));
    Err(Refusal::NoRule { word, near })
}

pub(super) fn run(args: &Args) -> Reply {
    Reply::text(by_name(args.rule).map(answers::explained).unwrap_or_default())
}
