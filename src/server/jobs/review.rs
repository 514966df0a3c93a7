//! A pull request is reviewed: check in progress, trees, review, check concluded, comment.

use super::{App, JobError, Turn, together};
use crate::github::{
    Asked, CommentRef, Conclusion, OpenRun, Place, PrNumber, PublishError, Publisher, Pull, Reaction, RepoApi, Sha, Sides, TreeError, Trees,
};
use crate::policy::{Decision, Severity};
use crate::report::{self, CheckOutput, CommentContext, LineComment, PastRun, replies};
use crate::review::{Change, Review, Verdict, touches_traffic};
use crate::server::work::Work;
use crate::snapshot::diff;
use crate::span::TreePath;
use crate::store::{ReviewKey, StoredReview, now_ms};
use crate::{formats, review};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Whose review is wished for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) place: Place,
    pub(super) number: PrNumber,
    pub(super) forced: bool,
    pub(super) asked_in: BTreeSet<CommentRef>,
}

/// The pull request that is worked on, and who writes there.
struct At<'a> {
    app: &'a App,
    wish: &'a Wish,
    pull: &'a Pull,
    to: &'a Publisher,
    turn: &'a Turn,
}

/// A review and what is shown of it.
struct Made {
    review: Review,
    check: CheckOutput,
    comment: String,
    lines: Vec<LineComment>,
    /// Whether the pull request touches a file that Waypost reads.
    relevant: bool,
    text: String,
    base_sha: String,
}

/// Why a review is not made or not said.
enum Stopped {
    /// The pull request has this head by now.
    MovedOn(Sha),
    /// Something is in the way.
    Failed(JobError),
}

impl From<PublishError> for Stopped {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::MovedOn(newer) => Self::MovedOn(newer),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<TreeError> for Stopped {
    fn from(error: TreeError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<JobError> for Stopped {
    fn from(error: JobError) -> Self {
        Self::Failed(error)
    }
}

/// Reviews the pull request as it is now.
pub(super) async fn run(app: &Arc<App>, wish: &Wish, turn: Turn) -> Result<(), JobError> {
    let started_ms = now_ms();
    let api = app.api.at(&wish.place);
    let pull = match api.pull(wish.number).await {
        Ok(pull) => pull,
        Err(error) if error.status() == Some(404) => {
            tracing::info!(repository = %wish.place.repo, number = wish.number.0, "the pull request is gone, or we may not see it any more");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let publisher = Publisher::new(api.clone(), Arc::clone(&app.store), wish.number, details_url(app, wish));
    let publisher = publisher.held(turn.hold.clone(), wish.forced).watching(&pull.head.sha, started_ms);
    let inputs = inputs(&pull);
    if !wish.forced && (pull.state != "open" || is_reviewed(app, wish, &inputs).await?) {
        // Whoever was cut off after the last write left no more than this to do.
        return Ok(publisher.all_written().await?);
    }
    let mut run = publisher.begin(&pull.head.sha, &replies::in_progress(pull.head.sha.short())).await?;
    let at = At { app, wish, pull: &pull, to: &publisher, turn: &turn };
    let concluded = match make(&at, &api, started_ms).await {
        Ok(made) => conclude(&at, &mut run, &made, inputs, turn.last).await,
        Err(stopped) => Err(stopped),
    };
    match concluded {
        Ok(()) => {}
        Err(Stopped::MovedOn(newer)) => {
            publisher.supersede(&mut run, &newer).await?;
            again(&at);
        }
        Err(Stopped::Failed(error)) => fail(&at, &api, &mut run, error, turn.last).await?,
    }
    let requests = api.requests();
    let took_ms = now_ms().saturating_sub(started_ms).max(0).unsigned_abs();
    app.metrics.requests_of_review(requests);
    app.metrics.review_ms.fetch_add(took_ms, Ordering::Relaxed);
    tracing::info!(repository = %wish.place.repo, number = wish.number.0, head = %pull.head.sha, requests, took_ms, "pull request reviewed");
    Ok(())
}

/// Sees to a review that could not be made or said.
async fn fail(at: &At<'_>, api: &RepoApi, run: &mut OpenRun, error: JobError, last: bool) -> Result<(), JobError> {
    let At { wish, to, .. } = at;
    match error.status {
        // The verdict is said. Else the check stays in progress, and the next attempt goes on with it.
        _ if run.is_concluded() || (error.passing && !last) => Err(error),
        // Uninstalled meanwhile, or deleted: nobody is left to tell.
        Some(404) if is_gone(api, wish.number).await? => {
            tracing::info!(repository = %wish.place.repo, number = wish.number.0, "the pull request went away while it was reviewed");
            Ok(to.all_written().await?)
        }
        // The check is gone, as GitHub does to the oldest of a thousand: the next attempt makes another.
        Some(404) if !last && !to.is_there(run).await? => {
            to.all_written().await?;
            Err(JobError::passing(error.text, None))
        }
        _ => give_up(at, run, &error).await,
    }
}

/// Returns whether we may not see the pull request any more.
async fn is_gone(api: &RepoApi, number: PrNumber) -> Result<bool, JobError> {
    match api.pull(number).await {
        Ok(_) => Ok(false),
        Err(error) if error.status() == Some(404) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Stops a review that is of the past: where something waits for this one to end, it is looked whether that is a newer head.
async fn go_on(at: &At<'_>) -> Result<(), Stopped> {
    let lane = Work::review(at.wish.place.clone(), at.wish.number, false).job().lane;
    if at.app.store.is_waiting(lane).await.map_err(JobError::from)? {
        at.to.look().await?;
    }
    Ok(())
}

/// Makes the review: all reading is done before, so that it is the pure function that the command line runs.
async fn make(at: &At<'_>, api: &RepoApi, started_ms: i64) -> Result<Made, Stopped> {
    let At { app, wish, pull, .. } = at;
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let sides = Arc::new(Sides::of(api, &trees, pull).await?);
    go_on(at).await?;
    let limit = app.settings.review_limit;
    // First only read: a review of half the files would be work for nothing.
    let mut all = sides.all();
    let tip = if sides.base_sha == pull.base.sha { None } else { Some(trees.snapshot(&pull.base.sha).await?) };
    all.extend(tip.clone());
    let reading = {
        let (all, sides) = (all.clone(), Arc::clone(&sides));
        move || {
            for side in &all {
                drop(formats::read(side));
            }
            drop(review::settings_findings(&sides.base, &sides.head));
        }
    };
    trees.run(&all, limit, Arc::new(reading)).await?;
    go_on(at).await?;
    let cx = CommentContext {
        repository_url: pull.html_url.as_deref().and_then(|url| url.split_once("/pull/")).map(|(repository, _)| repository.to_owned()),
        head_sha: pull.head.sha.to_string(),
        base_sha: sides.base_sha.to_string(),
        lead: None,
    };
    let branch = pull.base.r#ref.clone();
    let decisions = in_force(app, &wish.place, wish.number).await?;
    let (title, body) = (pull.title.clone(), pull.body.clone().unwrap_or_default());
    let reviewing = {
        let sides = Arc::clone(&sides);
        move || {
            let (base, head) = (&*sides.base, &*sides.head);
            let change = Change { base, head, known_good: sides.known_good.as_deref(), title: &title, body: &body };
            let mut review = review::review_with(&change, &decisions);
            let with_tip = tip.as_ref().map(|tip| together::with_base(&sides.base, &sides.head, tip, &review, &decisions)).unwrap_or_default();
            if !with_tip.is_empty() {
                review.verdict = Verdict::Fail;
            }
            review.timings_ms.total = now_ms().saturating_sub(started_ms).max(0).unsigned_abs();
            let changed = diff(base, head);
            let words = report::together::with_base(&branch, &with_tip);
            let cx = CommentContext { lead: words.as_ref().map(|words| words.summary.clone()), ..cx.clone() };
            let mut check = report::check_output(&review, base, head, &cx);
            if let Some(words) = words {
                check.title = words.title;
            }
            Made {
                relevant: touches_traffic(changed.iter().map(TreePath::as_str), &review.inputs),
                check,
                comment: report::comment(&review, base, head, &cx),
                lines: report::line_comments(&review, base, head, &cx),
                text: report::text(&review, base, head, false),
                base_sha: cx.base_sha.clone(),
                review,
            }
        }
    };
    Ok(trees.run(&all, limit, Arc::new(reviewing)).await?)
}

/// Returns what people have decided about a pull request and what still holds.
pub(super) async fn in_force(app: &App, place: &Place, number: PrNumber) -> Result<Vec<Decision>, JobError> {
    let all = app.store.decisions(place.repository_id, number.0).await?;
    let now = now_ms();
    Ok(all.into_iter().filter(|one| one.lapses_at_ms.is_none_or(|end| end > now)).map(|one| one.decision).collect())
}

/// Concludes the check with the review and says the rest, while the pull request has not moved on.
async fn conclude(at: &At<'_>, run: &mut OpenRun, made: &Made, inputs: String, last: bool) -> Result<(), Stopped> {
    at.to.look().await?;
    // A warning does not block: GitHub has no conclusion for "look at this", and `neutral` looks like "did not run".
    let conclusion = if made.review.verdict == Verdict::Fail { Conclusion::Failure } else { Conclusion::Success };
    at.to.conclude(run, conclusion, &made.check).await?;
    tell(at, inputs, made, last).await
}

/// Writes the comment, keeps the review, and tells who asked. The check is concluded: what goes wrong here does not change the verdict.
async fn tell(at: &At<'_>, inputs: String, made: &Made, last: bool) -> Result<(), Stopped> {
    let At { app, wish, pull, to, .. } = at;
    let comment = report::with_history(&made.comment, &to.earlier_runs(&pull.head.sha).await?);
    match to.comment(&comment, made.relevant || made.review.verdict == Verdict::Fail).await.map_err(Stopped::from) {
        Ok(()) => {}
        Err(Stopped::MovedOn(newer)) => return Err(Stopped::MovedOn(newer)),
        Err(Stopped::Failed(error)) if error.passing && !last => return Err(error.into()),
        // A conversation may be locked; the check says it all too.
        Err(Stopped::Failed(error)) => {
            tracing::warn!(repository = %wish.place.repo, number = wish.number.0, error = error.text, "the comment was refused; the check stands");
        }
    }
    say_lines(at, made).await;
    keep(at, inputs, made).await?;
    let run = PastRun {
        head: pull.head.sha.short().to_owned(),
        verdict: verdict_word(made.review.verdict).to_owned(),
        summary: made.review.summary.clone(),
    };
    to.remember_run(run).await?;
    for comment in &wish.asked_in {
        to.react(&Asked::Comment(comment.clone()), Reaction::Rocket).await?;
    }
    to.all_written().await?;
    app.metrics.reviews.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Says the worst findings on their lines. What goes wrong here is made up for by the next review: everything is in the comment too.
async fn say_lines(at: &At<'_>, made: &Made) {
    let counts = made.review.findings.iter().filter(|finding| finding.severity > Severity::Info && finding.waived.is_none());
    let standing: BTreeSet<String> = counts.map(|finding| finding.fingerprint.clone()).collect();
    if let Err(error) = at.to.lines(&at.pull.head.sha, &made.lines, &standing).await {
        tracing::warn!(repository = %at.wish.place.repo, number = at.wish.number.0, %error, "comments on lines are left to the next review");
    }
}

/// Has the pull request reviewed once more, as it is by then.
fn again(at: &At<'_>) {
    let Wish { place, number, forced, asked_in } = at.wish;
    let work = Work::Review { place: place.clone(), number: *number, forced: *forced, asked_in: asked_in.clone() };
    at.turn.then(&[work]);
}

/// Ends the check without a review. It blocks, and says why.
async fn give_up(at: &At<'_>, run: &mut OpenRun, error: &JobError) -> Result<(), JobError> {
    let At { app, wish, to, .. } = at;
    tracing::error!(repository = %wish.place.repo, number = wish.number.0, error = error.text, "no review could be made");
    let output = replies::no_review(&error.text);
    to.conclude(run, Conclusion::Failure, &output).await?;
    // A comment of an earlier push would speak of a commit that is no longer the head.
    to.comment(&format!("**{}**\n\n{}", output.title, output.summary), false).await?;
    for comment in &wish.asked_in {
        to.react(&Asked::Comment(comment.clone()), Reaction::Confused).await?;
    }
    to.all_written().await?;
    app.metrics.reviews_failed.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn keep(at: &At<'_>, inputs: String, made: &Made) -> Result<(), JobError> {
    let At { app, wish, pull, .. } = at;
    let stored = StoredReview {
        repository_id: wish.place.repository_id,
        number: wish.number.0,
        owner: wish.place.repo.owner().to_owned(),
        name: wish.place.repo.name().to_owned(),
        head_sha: pull.head.sha.to_string(),
        base_sha: made.base_sha.clone(),
        inputs,
        title: pull.title.clone(),
        verdict: verdict_word(made.review.verdict).to_owned(),
        summary: made.review.summary.clone(),
        review: serde_json::to_string(&made.review).unwrap_or_default(),
        report: made.text.clone(),
        reviewed_at_ms: now_ms(),
    };
    Ok(app.store.keep_review(stored).await?)
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    }
}

/// Returns whether the last review was made of the same.
async fn is_reviewed(app: &App, wish: &Wish, inputs: &str) -> Result<bool, JobError> {
    let key = ReviewKey::Id { repository_id: wish.place.repository_id, number: wish.number.0 };
    Ok(app.store.review(key).await?.is_some_and(|last| last.inputs == inputs))
}

/// Returns a digest of everything a review is made of.
fn inputs(pull: &Pull) -> String {
    let body = pull.body.as_deref().unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION"), pull.head.sha.as_str(), pull.base.sha.as_str(), &pull.title, body] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn details_url(app: &App, wish: &Wish) -> Option<String> {
    let url = app.settings.public_url.as_deref()?.trim_end_matches('/');
    Some(format!("{url}/reviews/{}/{}", wish.place.repo, wish.number.0))
}
