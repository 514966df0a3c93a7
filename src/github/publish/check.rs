//! The check run: begun before any slow work, shown on the way, concluded whatever happens.

use super::super::api::RepoApi;
use super::super::transport::ApiError;
use super::super::types::{CheckRun, CheckRunId, Place, PrNumber, Sha};
use super::{CHECK_NAME, Conclusion, MAX_TEXT_BYTES, PublishError, Publisher, TRIES};
use crate::report::{Annotation, Button, CheckOutput, clipped};
use crate::store::{Hold, Note, now_ms};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// GitHub takes this many annotations at a time and adds them to those it has.
const BATCH: usize = 50;
const MAX_TITLE_CHARS: usize = 255;
const MAX_BUTTONS: usize = 3;

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

impl OpenRun {
    /// Returns whether it has its conclusion.
    pub fn is_concluded(&self) -> bool {
        self.concluded
    }
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

impl Publisher {
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
        let Some(id) = run.id.filter(|_| !run.concluded) else { return Ok(()) };
        loop {
            // That it is cancelled is said of a commit because it is not the head.
            if conclusion == Conclusion::Cancelled {
                self.may_write().await?;
            } else {
                self.may_speak().await?;
            }
            let rest = output.annotations.get(run.annotations..).unwrap_or_default();
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
            self.may_write().await?;
            match self.api.update_check_run(id, body).await {
                Err(error) if error.status() == Some(422) && tries.peek().is_some() => {}
                other => return Ok(other.map(drop)?),
            }
        }
        Ok(())
    }

    /// Forgets the run: nothing is left to be written, or it is not there any more.
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

    /// Returns whether GitHub has the run.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn is_there(&self, run: &OpenRun) -> Result<bool, PublishError> {
        Ok(self.find_run(run).await?.is_some())
    }

    async fn remember(&self, run: &OpenRun) -> Result<(), PublishError> {
        Ok(self.store.keep_note(self.note("open-run"), serde_json::to_string(run).ok()).await?)
    }

    async fn find_run(&self, run: &OpenRun) -> Result<Option<CheckRun>, PublishError> {
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

    fn body(&self, run: &OpenRun, status: &str, output: &CheckOutput, annotations: &[Annotation]) -> Value {
        let title = if output.title.is_empty() { "Waypost" } else { &output.title };
        let summary = if output.summary.is_empty() { title } else { &output.summary };
        let mut shown = json!({"title": title.chars().take(MAX_TITLE_CHARS).collect::<String>(), "summary": clipped(summary, MAX_TEXT_BYTES)});
        if let Some(text) = output.text.as_deref().filter(|text| !text.is_empty()) {
            set(&mut shown, "text", clipped(text, MAX_TEXT_BYTES));
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
        "message": note.message,
    });
    if let Some((start, end)) = note.columns.filter(|_| note.start_line == note.end_line) {
        set(&mut body, "start_column", start);
        set(&mut body, "end_column", end);
    }
    body
}
