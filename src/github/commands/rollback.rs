//! `/waypost rollback`

use super::arguments::Arguments;
use super::{Command, CommandError, Context, Reply, Spec};
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::leftovers;
use crate::review::settings::Least;
use std::sync::Arc;

/// Says what taking this change back would leave behind, by the model alone: nothing is rehearsed.
pub(super) const SPEC: Spec = Spec {
    name: "rollback",
    arguments: "",
    least: Least::Anyone,
    summary: "says what taking this change back would leave behind",
    example: "/waypost rollback",
    parse,
};

fn parse(arguments: Arguments) -> Result<Command, Refusal> {
    arguments.end(&SPEC, &[])?;
    Ok(Command::Rollback)
}

pub(super) async fn run(cx: &Context<'_>) -> Result<Reply, CommandError> {
    let Some(sides) = cx.sides else { return Ok(Reply::default()) };
    let (base, head) = (Arc::clone(&sides.base), Arc::clone(&sides.head));
    let trees = [Arc::clone(&base), Arc::clone(&head)];
    let left = cx.trees.run(&trees, cx.limit, Arc::new(move || leftovers(&base, &head))).await?;
    Ok(Reply::text(answers::rolled_back(&left, sides.base_sha.short())))
}
