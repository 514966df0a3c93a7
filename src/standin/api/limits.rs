//! What GitHub refuses in a check run: half of it is in its schema, half is only said in prose.

use super::super::error::Refusal;
use super::{missing, text, wrong_type};
use serde_json::{Map, Value};

const ANNOTATIONS: usize = 50;
const ACTIONS: usize = 3;
/// Of `summary` and `text`, in bytes though the documentation says characters.
const OUTPUT_BYTES: usize = 65_535;
const MESSAGE_BYTES: usize = 64 * 1024;
const TITLE_CHARACTERS: usize = 255;
const CONCLUSIONS: [&str; 7] = ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"];
const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];
const LEVELS: [&str; 3] = ["notice", "warning", "failure"];

type Object = Map<String, Value>;

fn one_of(object: &Object, key: &str, words: &[&str]) -> Result<(), Refusal> {
    match text(object, key)? {
        Some(word) if !words.contains(&word) => {
            Err(Refusal::unfit(format!("Invalid request.\n\nFor 'properties/{key}', {word} is not one of {}.", words.join(", "))))
        }
        Some(_) | None => Ok(()),
    }
}

fn at_most(object: &Object, key: &str, limit: usize, length: fn(&str) -> usize) -> Result<(), Refusal> {
    match text(object, key)? {
        Some(words) if length(words) > limit => {
            Err(Refusal::unfit(format!("Invalid request.\n\nOnly {limit} characters are allowed; {} were supplied.", length(words))))
        }
        Some(_) | None => Ok(()),
    }
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// Checks the body of a create or update call, except for what depends on the run there is.
///
/// # Errors
/// 422.
pub(super) fn check_run(body: &Object) -> Result<(), Refusal> {
    one_of(body, "status", &STATUSES)?;
    if text(body, "conclusion")? == Some("stale") {
        return Err(Refusal::invalid("CheckRun", "conclusion", "invalid", "`stale` is set by GitHub only"));
    }
    one_of(body, "conclusion", &CONCLUSIONS)?;
    let completed = text(body, "status")? == Some("completed");
    if completed && text(body, "conclusion")?.is_none() {
        return Err(Refusal::unfit("Invalid request.\n\nNo subschema in \"anyOf\" matched.\n\"conclusion\" wasn't supplied."));
    }
    if text(body, "conclusion")?.is_some() && body.contains_key("status") && !completed {
        return Err(Refusal::unfit("Invalid request.\n\nNo subschema in \"anyOf\" matched.\nstatus is not \"completed\"."));
    }
    for key in ["external_id", "details_url", "started_at", "completed_at"] {
        text(body, key)?;
    }
    match body.get("output") {
        None | Some(Value::Null) => {}
        Some(Value::Object(object)) => output(object)?,
        Some(other) => return Err(wrong_type("output", other, "an object")),
    }
    actions(body)
}

fn output(output: &Object) -> Result<(), Refusal> {
    for key in ["title", "summary"] {
        if text(output, key)?.is_none_or(str::is_empty) {
            return Err(missing(key));
        }
    }
    at_most(output, "title", TITLE_CHARACTERS, characters)?;
    at_most(output, "summary", OUTPUT_BYTES, str::len)?;
    at_most(output, "text", OUTPUT_BYTES, str::len)?;
    let annotations = match output.get("annotations") {
        None => return Ok(()),
        Some(Value::Array(annotations)) => annotations,
        Some(other) => return Err(wrong_type("annotations", other, "an array")),
    };
    if annotations.len() > ANNOTATIONS {
        return Err(Refusal::unfit(format!(
            "Invalid request.\n\nNo more than {ANNOTATIONS} items are allowed; {} were supplied.",
            annotations.len()
        )));
    }
    annotations.iter().try_for_each(annotation)
}

fn annotation(value: &Value) -> Result<(), Refusal> {
    let annotation = value.as_object().ok_or_else(|| wrong_type("annotations", value, "an object"))?;
    for key in ["path", "annotation_level", "message"] {
        if text(annotation, key)?.is_none_or(str::is_empty) {
            return Err(missing(key));
        }
    }
    one_of(annotation, "annotation_level", &LEVELS)?;
    at_most(annotation, "message", MESSAGE_BYTES, str::len)?;
    at_most(annotation, "raw_details", MESSAGE_BYTES, str::len)?;
    at_most(annotation, "title", TITLE_CHARACTERS, characters)?;
    let number = |key: &str| match annotation.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong_type(key, value, "an integer")),
    };
    let start = number("start_line")?.ok_or_else(|| missing("start_line"))?;
    let end = number("end_line")?.ok_or_else(|| missing("end_line"))?;
    if start == 0 || end < start {
        return Err(Refusal::invalid("CheckRun", "annotations", "invalid", "end_line must not be before start_line, and lines count from 1"));
    }
    let columns = (number("start_column")?, number("end_column")?);
    if start != end && columns != (None, None) {
        return Err(Refusal::invalid("CheckRun", "annotations", "invalid", "columns need start_line and end_line to be equal"));
    }
    Ok(())
}

fn actions(body: &Object) -> Result<(), Refusal> {
    let Some(actions) = body.get("actions").and_then(Value::as_array) else { return Ok(()) };
    if actions.len() > ACTIONS {
        return Err(Refusal::unfit(format!("Invalid request.\n\nNo more than {ACTIONS} items are allowed; {} were supplied.", actions.len())));
    }
    for action in actions {
        let action = action.as_object().ok_or_else(|| wrong_type("actions", action, "an object"))?;
        for (key, limit) in [("label", 20), ("description", 40), ("identifier", 20)] {
            text(action, key)?.ok_or_else(|| missing(key))?;
            at_most(action, key, limit, characters)?;
        }
    }
    Ok(())
}
