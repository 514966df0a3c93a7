//! Commands in a comment: seen at once, done, answered once.

use super::{App, JobError, Turn};
use crate::github::commands::{Command, CommandError, Context, allowed, commands_in};
use crate::github::{Asked, CommentRef, Place, PrNumber, PublishError, Publisher, Pull, Reaction, RepoApi, Sides, Trees, User};
use crate::report::replies::{self, Refusal};
use crate::review::settings::{COMMAND_NAMES, Settings, SettingsProblem, settings};
use crate::server::work::Work;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A comment.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) place: Place,
    pub(super) number: PrNumber,
    pub(super) comment: CommentRef,
    pub(super) body: String,
    pub(super) by: User,
    pub(super) edited: bool,
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
    let publisher = Publisher::new(api.clone(), Arc::clone(&app.store), said.number, None).held(turn.hold.clone(), false);
    if said.edited {
        return Ok(hint(&publisher, &said.comment).await?);
    }
    let asked = Asked::Comment(said.comment.clone());
    if !publisher.react(&asked, Reaction::Eyes).await? {
        tracing::info!(repository = %said.place.repo, number = said.number.0, "a command was taken back before it was done");
        return Ok(());
    }
    let mut answers = match answers(app, &api, said).await {
        Ok(answers) => answers,
        Err(error) if error.passing && !turn.last => return Err(error),
        Err(error) => {
            tracing::error!(repository = %said.place.repo, number = said.number.0, error = error.text, "command not answered");
            Answers { texts: vec![replies::command_failed(&error.text)], refused: true, review: false }
        }
    };
    if !answers.texts.is_empty() {
        match publisher.answer(&asked, &replies::together(&answers.texts)).await.map_err(JobError::from) {
            Ok(()) => {}
            Err(error) if error.passing && !turn.last => return Err(error),
            // A conversation may be locked. What was done is done; the reaction says that something is missing.
            Err(error) => {
                tracing::warn!(repository = %said.place.repo, number = said.number.0, error = error.text, "an answer was refused");
                answers.refused = true;
            }
        }
    }
    if answers.review {
        let asked_in = if answers.refused { BTreeSet::new() } else { BTreeSet::from([said.comment.clone()]) };
        let wish = Work::Review { place: said.place.clone(), number: said.number, forced: true, asked_in };
        turn.then(&[wish]);
    }
    if answers.refused {
        publisher.react(&asked, Reaction::Confused).await?;
    } else if !answers.review {
        publisher.react(&asked, Reaction::Rocket).await?;
    }
    app.metrics.commands.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Tells who edited a command into a comment that this does nothing. What was answered when it was written needs no hint: then only a slip
/// of the pen was mended.
async fn hint(publisher: &Publisher, comment: &CommentRef) -> Result<(), PublishError> {
    if !publisher.has_answered(&Asked::Comment(comment.clone())).await? {
        let edited = Asked::Edited(comment.clone());
        publisher.react(&edited, Reaction::Confused).await?;
        publisher.answer(&edited, &replies::edited()).await?;
    }
    Ok(())
}

async fn answers(app: &App, api: &RepoApi, said: &Said) -> Result<Answers, JobError> {
    let commands = commands_in(&said.body);
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let pull = api.pull(said.number).await?;
    let rules = if commands.iter().flatten().all(|command| *command == Command::Help) {
        (Settings::default(), Vec::new())
    } else {
        base_settings(app, &trees, &pull).await?
    };
    let reads_trees = commands.iter().flatten().any(Command::reads_trees);
    let sides = if reads_trees { Some(Sides::of(api, &trees, &pull).await?) } else { None };
    let mut answers = Answers::default();
    for (at, command) in commands.into_iter().enumerate() {
        let cx = Context {
            api,
            store: &app.store,
            trees: &trees,
            number: said.number,
            pull: &pull,
            sides: sides.as_ref(),
            actor: &said.by,
            source: format!("comment:{}:{:?}:{}:{at}", said.place.repository_id, said.comment.kind, said.comment.id.0),
            limit: app.settings.review_limit,
        };
        let done = match &command {
            Ok(command) => give(&cx, command, &rules).await,
            Err(refusal) => Err(refusal.clone().into()),
        };
        match done {
            Ok(reply) => {
                answers.texts.extend(reply.text);
                answers.review |= reply.review;
            }
            Err(CommandError::Refused(refusal)) => answers.refuse(&refusal),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answers)
}

/// Gives a command, where the person may; the record has it where they may not.
async fn give(cx: &Context<'_>, command: &Command, rules: &(Settings, Vec<SettingsProblem>)) -> Result<crate::github::commands::Reply, CommandError> {
    let done = match allowed(cx, command.spec(), rules).await? {
        Ok(granted) => command.run(cx, &granted).await,
        Err(refusal) => Err(refusal.into()),
    };
    if let Err(CommandError::Refused(refusal)) = &done {
        command.record_refusal(cx, refusal).await?;
    }
    done
}

/// Returns the settings of the branch that the pull request goes to, as it is now.
pub(super) async fn base_settings(app: &App, trees: &Trees, pull: &Pull) -> Result<(Settings, Vec<SettingsProblem>), JobError> {
    let base = trees.snapshot(&pull.base.sha).await?;
    let reading = {
        let base = Arc::clone(&base);
        move || settings(&base, COMMAND_NAMES)
    };
    Ok(trees.run(&[base], app.settings.review_limit, Arc::new(reading)).await?)
}

impl Answers {
    fn refuse(&mut self, refusal: &Refusal) {
        self.refused = true;
        self.texts.push(replies::refusal(refusal));
    }
}
