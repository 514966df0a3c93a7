//! Everything we write on GitHub: the check run and the comments. Each write can be cut off anywhere and done again without doubling.
//!
//! A check run is found again by its `external_id`, a comment by a hidden marker and its author. What is open is noted in the store
//! before it is made, so that a server that was killed in between finds it and ends it.

use super::api::RepoApi;
use super::transport::ApiError;
use super::types::{CheckRunId, Comment, CommentId, CommentKind, Place, PrNumber, Sha};
use crate::report::{Annotation, Button, CheckOutput, PastRun};
use crate::store::{Hold, Note, Store, StoreError, now_ms};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// The name people require.
pub const CHECK_NAME: &str = "waypost";
/// GitHub takes this many annotations at a time and adds them to those it has.
const BATCH: usize = 50;
/// More than this nobody reads, and each batch is a write.
const MAX_ANNOTATIONS: usize = 500;
/// GitHub counts bytes and refuses 65,536.
const MAX_TEXT_BYTES: usize = 65_000;
const MAX_TITLE_CHARS: usize = 255;
const MAX_BUTTONS: usize = 3;
/// Runs that the comment still tells of.
const EARLIER_RUNS: usize = 3;
/// How often a write in doubt is looked for and made again.
const TRIES: usize = 3;
const STICKY_MARKER: &str = "<!-- waypost:review -->";

/// Why something is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// GitHub did not take it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another worker has taken the job over, and writes in our place.
    #[error("another worker has taken this over")]
    Lost,
}

/// How a check run ends. There is no `neutral` and no `skipped`: GitHub lets both through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Lets through; also with warnings, which the title then says.
    Success,
    /// Blocks.
    Failure,
    /// A newer commit is looked at instead.
    Cancelled,
}

impl Conclusion {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A comment.
    Comment(CommentKind, CommentId),
    /// A comment that was changed after it was written.
    Edited(CommentId),
    /// A button of a check run, by the command it stands for.
    Button(CheckRunId, &'static str),
}

impl Asked {
    /// Returns what our answer begins with, unseen.
    fn marker(self) -> String {
        match self {
            Self::Comment(CommentKind::Conversation, id) => format!("<!-- waypost:reply:{} -->", id.0),
            Self::Comment(CommentKind::Line, id) => format!("<!-- waypost:reply:line:{} -->", id.0),
            Self::Comment(CommentKind::Review, id) => format!("<!-- waypost:reply:review:{} -->", id.0),
            Self::Edited(id) => format!("<!-- waypost:reply:edited:{} -->", id.0),
            Self::Button(run, command) => format!("<!-- waypost:reply:button:{}:{command} -->", run.0),
        }
    }
}

/// A check run that we have begun, and whose review is not all written yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    external_id: String,
    head: Sha,
    id: Option<CheckRunId>,
    /// Annotations that have arrived.
    annotations: usize,
    /// The job that began it: what that job left half done it goes on with, concluded or not.
    #[serde(default)]
    job: Option<i64>,
    /// Where it is, for who finds it left open.
    #[serde(default)]
    place: Option<Place>,
    /// When it was begun, in milliseconds since 1970.
    #[serde(default)]
    begun_ms: i64,
    /// It has its conclusion.
    #[serde(default)]
    concluded: bool,
}

/// A run that was begun and whose review was never all written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftRun {
    /// Where.
    pub place: Place,
    /// On which commit.
    pub head: Sha,
    /// Of which pull request; `None` for a merge group.
    pub number: Option<PrNumber>,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: i64,
    /// The note that tells of it.
    pub note: String,
    external_id: String,
}

impl LeftRun {
    /// Returns the beginning of the keys of all notes that tell of begun runs.
    pub const NOTES: &str = "open-run:";

    /// Returns what a note tells.
    pub fn of(note: &Note) -> Option<Self> {
        let run: OpenRun = serde_json::from_str(&note.value).ok()?;
        let subject = note.key.rsplit(':').next()?;
        let number = subject.parse().ok().map(PrNumber);
        Some(Self { place: run.place?, head: run.head, number, begun_ms: run.begun_ms, note: note.key.clone(), external_id: run.external_id })
    }

    /// Returns whether GitHub still shows it as running.
    ///
    /// # Errors
    /// As any call.
    pub async fn is_open(&self, api: &RepoApi) -> Result<bool, ApiError> {
        let runs = api.check_runs(&self.head, CHECK_NAME).await?;
        Ok(runs.iter().any(|run| run.external_id.as_deref() == Some(&self.external_id) && run.status != "completed"))
    }
}

/// Writes on one pull request.
#[derive(Debug)]
pub struct Publisher {
    pub(super) api: RepoApi,
    pub(super) store: Arc<dyn Store>,
    pub(super) number: PrNumber,
    /// What the notes are about: the pull request, or the merge group.
    subject: String,
    details_url: Option<String>,
    hold: Option<Hold>,
    forced: bool,
}

impl Publisher {
    /// Returns the publisher for a pull request. `details_url` is where the check's link leads.
    pub fn new(api: RepoApi, store: Arc<dyn Store>, number: PrNumber, details_url: Option<String>) -> Self {
        Self { api, store, number, subject: number.0.to_string(), details_url, hold: None, forced: false }
    }

    /// Returns the publisher for the check on a merge group, which has no comments.
    pub fn for_group(api: RepoApi, store: Arc<dyn Store>, head: &Sha) -> Self {
        Self { subject: format!("group-{head}"), ..Self::new(api, store, PrNumber(0), None) }
    }

    /// Returns the publisher of a job: it writes only while the job is ours. With `forced`, a commit that has a concluded run gets another.
    #[must_use]
    pub fn held(self, hold: Hold, forced: bool) -> Self {
        Self { hold: Some(hold), forced, ..self }
    }

    pub(super) fn note(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.api.place().repository_id, self.subject)
    }

    /// Fails where the job is no longer ours: whoever took it over writes instead.
    pub(super) async fn may_write(&self) -> Result<(), PublishError> {
        match &self.hold {
            Some(hold) if !hold.stands().await? => Err(PublishError::Lost),
            Some(_) | None => Ok(()),
        }
    }

    /// Begins the check on `head`, or goes on with the one that a killed server left open there. One left open on another commit is
    /// ended as cancelled. `output` is shown until the check is concluded.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn begin(&self, head: &Sha, output: &CheckOutput) -> Result<OpenRun, PublishError> {
        let note = self.note("open-run");
        let left: Option<OpenRun> = self.store.note(note.clone()).await?.and_then(|json| serde_json::from_str(&json).ok());
        if let Some(mut left) = left {
            if let Some(found) = self.find_run(&left).await? {
                left.id = Some(found.id);
                left.annotations = found.output.map_or(0, |output| usize::try_from(output.annotations_count).unwrap_or(0));
                let open = found.status != "completed";
                let job = self.hold.as_ref().map(Hold::job);
                // One that is concluded was cut off before its comment: its own job writes that, and so does any that is no wish for another run.
                if left.head == *head && (open || !self.forced || (job.is_some() && left.job == job)) {
                    left.concluded = !open;
                    return Ok(left);
                }
                if open {
                    self.supersede(&mut left, head).await?;
                }
            }
            self.store.keep_note(note.clone(), None).await?;
        }
        let begun_ms = now_ms();
        let mut run = OpenRun {
            external_id: format!("waypost-{begun_ms}-{}", self.number.0),
            head: head.clone(),
            id: None,
            annotations: 0,
            job: self.hold.as_ref().map(Hold::job),
            place: Some(self.api.place().clone()),
            begun_ms,
            concluded: false,
        };
        self.remember(&run).await?;
        let body = self.body(&run, "in_progress", output, &[]);
        run.id = Some(self.create_run(&run, &body).await?);
        self.remember(&run).await?;
        Ok(run)
    }

    /// Ends the check. Annotations go out in batches; where GitHub refuses them, the check is concluded without. Until
    /// [`Publisher::all_written`] the run is remembered, so that what comes after it is not forgotten, nor the run made twice.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn conclude(&self, run: &mut OpenRun, conclusion: Conclusion, output: &CheckOutput) -> Result<(), PublishError> {
        let annotations = output.annotations.get(..MAX_ANNOTATIONS).unwrap_or(&output.annotations);
        let Some(id) = run.id.filter(|_| !run.concluded) else { return Ok(()) };
        loop {
            self.may_write().await?;
            let rest = annotations.get(run.annotations..).unwrap_or_default();
            let (batch, later) = rest.split_at(rest.len().min(BATCH));
            let mut body = self.body(run, if later.is_empty() { "completed" } else { "in_progress" }, output, batch);
            if later.is_empty() {
                end(&mut body, conclusion, output);
            }
            match self.api.update_check_run(id, body).await {
                Ok(_) => run.annotations += batch.len(),
                Err(ApiError::InDoubt { call, cause }) => {
                    let found = self.find_run(run).await?;
                    let arrived = found.as_ref().and_then(|run| run.output).map_or(0, |output| output.annotations_count);
                    let arrived = usize::try_from(arrived).unwrap_or(0);
                    if arrived <= run.annotations && found.is_none_or(|run| run.status != "completed") {
                        return Err(ApiError::InDoubt { call, cause }.into());
                    }
                    run.annotations = arrived;
                }
                Err(error) if error.status() == Some(422) && (!batch.is_empty() || !output.buttons.is_empty()) => {
                    tracing::warn!(repository = %self.api.place().repo, number = self.number.0, %error, "annotations or buttons refused, the check is concluded without");
                    let batch = if later.is_empty() { batch } else { &[] };
                    self.conclude_with_less((run, id), conclusion, output, batch).await?;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
            if later.is_empty() {
                break;
            }
        }
        run.concluded = true;
        Ok(())
    }

    /// Ends a check of which GitHub does not take everything: the conclusion matters most, then the annotations, then the buttons.
    async fn conclude_with_less(
        &self,
        (run, id): (&OpenRun, CheckRunId),
        conclusion: Conclusion,
        output: &CheckOutput,
        batch: &[Annotation],
    ) -> Result<(), PublishError> {
        let plain = CheckOutput { buttons: Vec::new(), ..output.clone() };
        let mut tries: Vec<(&CheckOutput, &[Annotation])> = Vec::new();
        if !output.buttons.is_empty() {
            if !batch.is_empty() {
                tries.push((&plain, batch));
            }
            tries.push((output, &[]));
        }
        tries.push((&plain, &[]));
        let mut tries = tries.into_iter().peekable();
        while let Some((output, batch)) = tries.next() {
            let mut body = self.body(run, "completed", output, batch);
            end(&mut body, conclusion, output);
            match self.api.update_check_run(id, body).await {
                Err(error) if error.status() == Some(422) && tries.peek().is_some() => {}
                other => return Ok(other.map(drop)?),
            }
        }
        Ok(())
    }

    /// Forgets the run: nothing is left to be written.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn all_written(&self) -> Result<(), PublishError> {
        let note = self.note("open-run");
        match &self.hold {
            // With the end of the job, so that one that is killed just before it does not begin another run when it is done again.
            Some(hold) => hold.forget_at_end(note),
            None => self.store.keep_note(note, None).await?,
        }
        Ok(())
    }

    /// Ends a check whose commit is no longer the head.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn supersede(&self, run: &mut OpenRun, newer: &Sha) -> Result<(), PublishError> {
        let output = crate::report::replies::superseded(newer.short());
        self.conclude(run, Conclusion::Cancelled, &output).await
    }

    /// Shows `body` in the one comment of ours on this pull request. Makes it only where `may_create`; updates it wherever it is.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn comment(&self, body: &str, may_create: bool) -> Result<(), PublishError> {
        self.may_write().await?;
        let text = format!("{STICKY_MARKER}\n{}", cut(body, MAX_TEXT_BYTES - STICKY_MARKER.len() - 1));
        let note = self.note("comment");
        if let Some(id) = self.store.note(note.clone()).await?.and_then(|id| id.parse().ok()) {
            match self.api.update_comment(CommentId(id), &text).await {
                Ok(_) => return Ok(()),
                // Someone deleted it.
                Err(error) if error.status() == Some(404) => self.store.keep_note(note.clone(), None).await?,
                Err(error) => return Err(error.into()),
            }
        } else if let Some(found) = self.find_ours(STICKY_MARKER).await? {
            self.api.update_comment(found.id, &text).await?;
            self.store.keep_note(note, Some(found.id.0.to_string())).await?;
            return Ok(());
        }
        if may_create {
            let id = self.create_comment(&text, STICKY_MARKER).await?;
            self.store.keep_note(note, Some(id.0.to_string())).await?;
        }
        Ok(())
    }

    /// Returns the runs before the one on `head`, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn earlier_runs(&self, head: &Sha) -> Result<Vec<PastRun>, PublishError> {
        let runs: Vec<PastRun> = self.store.note(self.note("runs")).await?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        Ok(runs.into_iter().filter(|run| run.head != head.short()).take(EARLIER_RUNS).collect())
    }

    /// Notes how a run ended, in place of an earlier one on the same commit.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn remember_run(&self, run: PastRun) -> Result<(), PublishError> {
        let runs: Vec<PastRun> = self.store.note(self.note("runs")).await?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let others = runs.into_iter().filter(|past| past.head != run.head).take(EARLIER_RUNS);
        let runs: Vec<PastRun> = std::iter::once(run.clone()).chain(others).collect();
        Ok(self.store.keep_note(self.note("runs"), serde_json::to_string(&runs).ok()).await?)
    }

    /// Returns whether we have answered this.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn has_answered(&self, to: Asked) -> Result<bool, PublishError> {
        Ok(self.find_ours(&to.marker()).await?.is_some())
    }

    /// Answers, once.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn answer(&self, to: Asked, body: &str) -> Result<(), PublishError> {
        let marker = to.marker();
        if self.find_ours(&marker).await?.is_none() {
            let text = format!("{marker}\n{}", cut(body, MAX_TEXT_BYTES - marker.len() - 1));
            self.create_comment(&text, &marker).await?;
        }
        Ok(())
    }

    /// Reacts to a comment: `eyes`, `rocket`, `confused`. A comment that is gone needs no reaction.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn react(&self, to: Asked, content: &str) -> Result<(), PublishError> {
        let Asked::Comment(kind, id) = to else { return Ok(()) };
        self.may_write().await?;
        match self.api.react(kind, id, content).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Returns whether `head` is what would be merged now.
    ///
    /// # Errors
    /// When GitHub or the store does not take it.
    pub async fn is_head(&self, head: &Sha) -> Result<bool, PublishError> {
        Ok(self.api.pull(self.number).await?.head.sha == *head)
    }

    async fn remember(&self, run: &OpenRun) -> Result<(), PublishError> {
        Ok(self.store.keep_note(self.note("open-run"), serde_json::to_string(run).ok()).await?)
    }

    async fn find_run(&self, run: &OpenRun) -> Result<Option<super::types::CheckRun>, PublishError> {
        let runs = self.api.check_runs(&run.head, CHECK_NAME).await?;
        Ok(runs.into_iter().find(|found| found.external_id.as_deref() == Some(&run.external_id)))
    }

    async fn create_run(&self, run: &OpenRun, body: &Value) -> Result<CheckRunId, PublishError> {
        let mut last = None;
        for _ in 0..TRIES {
            self.may_write().await?;
            match self.api.create_check_run(body.clone()).await {
                Ok(made) => return Ok(made.id),
                Err(error @ ApiError::InDoubt { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
            if let Some(found) = self.find_run(run).await? {
                return Ok(found.id);
            }
        }
        Err(last.unwrap_or(ApiError::Paused { until_ms: now_ms() }).into())
    }

    async fn create_comment(&self, text: &str, marker: &str) -> Result<CommentId, PublishError> {
        let mut last = None;
        for _ in 0..TRIES {
            self.may_write().await?;
            match self.api.create_comment(self.number, text).await {
                Ok(made) => return Ok(made.id),
                Err(error @ ApiError::InDoubt { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
            if let Some(found) = self.find_ours(marker).await? {
                return Ok(found.id);
            }
        }
        Err(last.unwrap_or(ApiError::Paused { until_ms: now_ms() }).into())
    }

    /// Finds a comment that begins with `marker` and that we wrote: anybody can copy a marker.
    async fn find_ours(&self, marker: &str) -> Result<Option<Comment>, PublishError> {
        let app = self.api.app().await?;
        let ours = |comment: &Comment| comment.is_by(&app) && comment.body.as_deref().is_some_and(|body| body.starts_with(marker));
        Ok(self.api.find_comment(self.number, ours).await?)
    }

    fn body(&self, run: &OpenRun, status: &str, output: &CheckOutput, annotations: &[Annotation]) -> Value {
        let title = if output.title.is_empty() { "Waypost" } else { &output.title };
        let summary = if output.summary.is_empty() { title } else { &output.summary };
        let mut shown = json!({"title": title.chars().take(MAX_TITLE_CHARS).collect::<String>(), "summary": cut(summary, MAX_TEXT_BYTES)});
        if let Some(text) = output.text.as_deref().filter(|text| !text.is_empty()) {
            set(&mut shown, "text", cut(text, MAX_TEXT_BYTES));
        }
        if !annotations.is_empty() {
            set(&mut shown, "annotations", annotations.iter().map(annotation).collect::<Vec<_>>());
        }
        let mut body = json!({"name": CHECK_NAME, "external_id": run.external_id, "status": status, "output": shown});
        if run.id.is_none() {
            set(&mut body, "head_sha", run.head.as_str());
        }
        if let Some(url) = &self.details_url {
            set(&mut body, "details_url", url.as_str());
        }
        body
    }
}

/// Makes a check on `head` that is concluded as cancelled at once: it is asked for, and there is nothing to review.
///
/// # Errors
/// When GitHub does not take it.
pub async fn decline(api: &RepoApi, head: &Sha, output: &CheckOutput) -> Result<(), PublishError> {
    let body = json!({
        "name": CHECK_NAME, "head_sha": head.as_str(), "status": "completed", "conclusion": Conclusion::Cancelled.as_str(),
        "output": {"title": output.title, "summary": output.summary},
    });
    api.create_check_run(body).await?;
    Ok(())
}

fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}

/// Ends a check: its conclusion and its buttons, which are shown from then on.
fn end(body: &mut Value, conclusion: Conclusion, output: &CheckOutput) {
    set(body, "conclusion", conclusion.as_str());
    let button = |button: &Button| json!({"label": button.label, "description": button.description, "identifier": button.identifier});
    let buttons: Vec<Value> = output.buttons.iter().take(MAX_BUTTONS).map(button).collect();
    if !buttons.is_empty() {
        set(body, "actions", buttons);
    }
}

fn annotation(note: &Annotation) -> Value {
    let mut body = json!({
        "path": note.path,
        "start_line": note.start_line,
        "end_line": note.end_line,
        "annotation_level": note.level,
        "title": note.title.chars().take(MAX_TITLE_CHARS).collect::<String>(),
        "message": cut(&note.message, MAX_TEXT_BYTES),
    });
    if let Some((start, end)) = note.columns.filter(|_| note.start_line == note.end_line) {
        set(&mut body, "start_column", start);
        set(&mut body, "end_column", end);
    }
    body
}

/// Returns the longest beginning of `text` that has at most `bytes` bytes.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
