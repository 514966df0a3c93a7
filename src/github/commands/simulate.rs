//! `/waypost simulate down=SERVER`

use super::arguments::Arguments;
use super::{Command, CommandError, Context, Reply, Spec};
use crate::policy::nearest;
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::settings::Least;
use crate::review::simulate;
use std::sync::Arc;

/// Says what happens after this change when a server dies, by the model alone.
pub(super) const SPEC: Spec = Spec {
    name: "simulate",
    arguments: "down=SERVER",
    least: Least::Anyone,
    summary: "says which requests notice, after this change, when that server dies",
    example: "/waypost simulate down=10.20.1.11",
    parse,
};

/// Which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    down: String,
}

fn parse(mut arguments: Arguments) -> Result<Command, Refusal> {
    let down = arguments.required(&SPEC, "down")?;
    arguments.end(&SPEC, &["down"])?;
    Ok(Command::Simulate(Args { down: down.trim_matches('`').to_owned() }))
}

pub(super) async fn run(cx: &Context<'_>, args: &Args) -> Result<Reply, CommandError> {
    let Some(sides) = cx.sides else { return Ok(Reply::default()) };
    let (head, down) = (Arc::clone(&sides.head), args.down.clone());
    let found = cx.trees.run(&[Arc::clone(&sides.head)], cx.limit, Arc::new(move || simulate(&head, &down))).await?;
    if found.pools.is_empty() {
        let near = nearest(&found.host, found.hosts.iter().map(String::as_str)).map(str::to_owned);
        return Err(Refusal::NoServer { word: args.down.clone(), near }.into());
    }
    Ok(Reply::text(answers::simulated(&found)))
}
