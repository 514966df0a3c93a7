//! Commands in a comment: seen at once, done, answered once.

use super::{App, JobError, Turn, enqueue};
use crate::github::commands::{Command, CommandError, Context, Reply, commands_in};
use crate::github::{CommentId, Place, PrNumber, Publisher, RepoApi, Sides, Trees};
use crate::report::replies::{self, Refusal};
use crate::server::work::Work;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A comment.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) place: Place,
    pub(super) number: PrNumber,
    pub(super) comment: CommentId,
    pub(super) body: String,
}

/// What all commands of a comment come to.
#[derive(Default)]
struct Answers {
    texts: Vec<String>,
    refused: bool,
    review: bool,
}

/// Does what the comment says. 👀 first; 🚀 or 😕 and at most one answer at the end.
pub(super) async fn run(app: &Arc<App>, said: &Said, turn: Turn) -> Result<(), JobError> {
    let api = app.api.at(&said.place);
    let publisher = Publisher::new(api.clone(), Arc::clone(&app.store), said.number, None).held(turn.hold, false);
    publisher.react(said.comment, "eyes").await?;
    let answers = match answers(app, &api, said).await {
        Ok(answers) => answers,
        Err(error) if error.passing && !turn.last => return Err(error),
        Err(error) => {
            tracing::error!(repository = %said.place.repo, number = said.number.0, error = error.text, "command not answered");
            Answers { texts: vec![replies::command_failed(&error.text)], refused: true, review: false }
        }
    };
    if !answers.texts.is_empty() {
        publisher.answer(said.comment, &answers.texts.join("\n\n---\n\n")).await?;
    }
    if answers.review {
        let asked_in = BTreeSet::from([said.comment]);
        let wish = Work::Review { place: said.place.clone(), number: said.number, forced: true, asked_in };
        enqueue(app, &[wish]).await?;
    }
    if answers.refused {
        publisher.react(said.comment, "confused").await?;
    } else if !answers.review {
        publisher.react(said.comment, "rocket").await?;
    }
    app.metrics.commands.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn answers(app: &App, api: &RepoApi, said: &Said) -> Result<Answers, JobError> {
    let commands = commands_in(&said.body);
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let reads_trees = commands.iter().flatten().any(Command::reads_trees);
    let sides = if reads_trees { Some(Sides::of(api, &trees, &api.pull(said.number).await?).await?) } else { None };
    let cx = sides.as_ref().map(|sides| Context { trees: &trees, sides, limit: app.settings.review_limit });
    let mut answers = Answers::default();
    for command in commands {
        let done = match command {
            Ok(command) => command.run(cx.as_ref()).await,
            Err(refusal) => Err(CommandError::Refused(refusal)),
        };
        match done {
            Ok(Reply::Text(text)) => answers.texts.push(text),
            Ok(Reply::Review) => answers.review = true,
            Err(CommandError::Refused(refusal)) => answers.refuse(&refusal),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answers)
}

impl Answers {
    fn refuse(&mut self, refusal: &Refusal) {
        self.refused = true;
        self.texts.push(replies::refusal(refusal));
    }
}
