//! A button of the check was pressed: whoever did may do no more than with a comment.

use super::comment::base_settings;
use super::{App, JobError, Turn};
use crate::github::commands::{Context, allowed, command_named};
use crate::github::{Asked, CheckRunId, Place, PrNumber, Publisher, Pull, RepoApi, Sha, Trees, User};
use crate::policy::by_name;
use crate::report::{answers, replies};
use crate::server::work::Work;
use crate::store::ReviewKey;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A button that was pressed.
#[derive(Debug)]
pub(super) struct Pressed {
    pub(super) place: Place,
    pub(super) head: Sha,
    pub(super) pulls: Vec<PrNumber>,
    pub(super) button: String,
    pub(super) by: User,
    pub(super) run: CheckRunId,
}

#[derive(Deserialize)]
struct Reviewed {
    findings: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    rule: String,
    severity: String,
    message: String,
    fingerprint: String,
    #[serde(default)]
    waived: Option<serde_json::Value>,
}

/// Does what the button says, on every open pull request with that head.
pub(super) async fn run(app: &Arc<App>, pressed: &Pressed, turn: Turn) -> Result<(), JobError> {
    let api = app.api.at(&pressed.place);
    let numbers = if pressed.pulls.is_empty() { api.pulls_of(&pressed.head).await? } else { pressed.pulls.clone() };
    for number in numbers {
        match api.pull(number).await {
            Ok(pull) if pull.head.sha == pressed.head => on_pull(app, (&api, &turn), pressed, (number, &pull)).await?,
            // A button of an older commit: its review is of the past.
            Ok(_) => {}
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.metrics.commands.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn on_pull(app: &Arc<App>, (api, turn): (&RepoApi, &Turn), pressed: &Pressed, (number, pull): (PrNumber, &Pull)) -> Result<(), JobError> {
    let publisher = Publisher::new(api.clone(), Arc::clone(&app.store), number, None).held(turn.hold.clone(), false);
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let command = match pressed.button.as_str() {
        "rerun" => "review",
        "explain" => "explain",
        // Asking for a waiver is not giving one.
        "waiver" => "status",
        _ => return Ok(()),
    };
    let Some(spec) = command_named(command) else { return Ok(()) };
    let asked = Asked::Button(pressed.run, spec.name);
    let cx = Context {
        api,
        store: &app.store,
        trees: &trees,
        number,
        pull,
        sides: None,
        actor: &pressed.by,
        source: format!("button:{}:{}", pressed.run.0, pressed.button),
        limit: app.settings.review_limit,
    };
    if let Err(refusal) = allowed(&cx, spec, &base_settings(app, &trees, pull).await?).await? {
        return Ok(publisher.answer(&asked, &replies::refusal(&refusal)).await?);
    }
    if spec.name == "review" {
        turn.then(&[Work::review(pressed.place.clone(), number, true)]);
        return Ok(());
    }
    let key = ReviewKey::Id { repository_id: pressed.place.repository_id, number: number.0 };
    let review = app.store.review(key).await?.filter(|review| review.head_sha == pull.head.sha.as_str());
    let findings = review.and_then(|review| serde_json::from_str::<Reviewed>(&review.review).ok()).map(|review| review.findings).unwrap_or_default();
    let text = if spec.name == "explain" {
        findings.first().and_then(|worst| by_name(&worst.rule)).map(answers::explained)
    } else {
        let blocking = findings.iter().filter(|found| found.severity == "error" && found.waived.as_ref().is_none_or(serde_json::Value::is_null));
        let blocking: Vec<(&str, &str)> = blocking.map(|found| (found.fingerprint.as_str(), found.message.as_str())).collect();
        Some(answers::waiver_wanted(&pressed.by.login, &blocking))
    };
    if let Some(text) = text {
        publisher.answer(&asked, &text).await?;
    }
    Ok(())
}
