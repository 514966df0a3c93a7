//! Webhooks as GitHub really sends them, and as its description says that it may: every nullable field null, every optional one absent. None of
//! them may be unreadable to us.

use crate::support::contract::events;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use waypost::github::webhook::{Event, parse};

/// The real payloads, by event. `tests/github/cut` takes them from `@octokit/webhooks-examples`.
fn examples() -> BTreeMap<String, Vec<Value>> {
    let document: Value = serde_json::from_str(include_str!("../github/examples.json")).unwrap();
    let shared = document["shared"].as_array().unwrap();
    let event = |(name, list): (&String, &Value)| (name.clone(), list.as_array().unwrap().iter().map(|one| expanded(shared, one)).collect());
    document["events"].as_object().unwrap().iter().map(event).collect()
}

/// Puts back what is written once for several.
fn expanded(shared: &[Value], value: &Value) -> Value {
    match value {
        Value::Object(object) => match object.get("$same").and_then(Value::as_u64) {
            Some(at) => expanded(shared, &shared[usize::try_from(at).unwrap()]),
            None => object.iter().map(|(key, value)| (key.clone(), expanded(shared, value))).collect::<Map<_, _>>().into(),
        },
        Value::Array(items) => items.iter().map(|item| expanded(shared, item)).collect(),
        other => other.clone(),
    }
}

/// What GitHub calls optional because not every webhook is an App's or a repository's; without it there is nothing we could do.
const NEEDED: [&str; 3] = ["/installation", "/installation/id", "/repository"];

/// The payload as an App gets it: the examples are from webhooks of repositories, too, which have no installation.
fn for_an_app(mut payload: Value) -> Value {
    let object = payload.as_object_mut().unwrap();
    object.entry("installation").or_insert_with(|| serde_json::json!({"id": 7, "node_id": "x"}));
    payload
}

fn pointer_of(event: &str, payload: &Value) -> String {
    format!("/events/{event}/{}", payload["action"].as_str().unwrap_or_default())
}

/// The fields of a payload, as pointers: which may be absent, which may be null, and which may not. A field is described by several parts of a
/// schema (`allOf`), and must be what all of them say.
#[derive(Default)]
struct Fields {
    absent: BTreeSet<String>,
    required: BTreeSet<String>,
    null: BTreeSet<String>,
    not_null: BTreeSet<String>,
}

impl Fields {
    fn collect(&mut self, schema: &'static Value, value: &Value, at: &str) {
        let schema = resolved(schema);
        for list in ["anyOf", "oneOf", "allOf"] {
            schema[list].as_array().into_iter().flatten().for_each(|inner| self.collect(inner, value, at));
        }
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let Some(field) = value.get(name) else { continue };
            let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if required.contains(&name.as_str()) { &mut self.required } else { &mut self.absent }.insert(place.clone());
            if may_be_null(inner) { &mut self.null } else { &mut self.not_null }.insert(place.clone());
            self.collect(inner, field, &place);
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate().take(1) {
            self.collect(&schema["items"], item, &format!("{at}/{n}"));
        }
    }

    /// Each field with what is to be done to it: made null (`true`), or taken away.
    fn mutations(&self) -> BTreeSet<(String, bool)> {
        let absent = self.absent.difference(&self.required).map(|place| (place.clone(), false));
        absent.chain(self.null.difference(&self.not_null).map(|place| (place.clone(), true))).collect()
    }
}

fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(name) => resolved(events().document.pointer(name.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

fn may_be_null(schema: &'static Value) -> bool {
    let schema = resolved(schema);
    let of_type = schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null")) || schema["type"] == "null";
    of_type || ["anyOf", "oneOf"].iter().any(|list| schema[*list].as_array().into_iter().flatten().any(may_be_null))
}

/// The payload with a field null, or without it.
fn mutant(payload: &Value, place: &str, null: bool) -> Value {
    let mut out = payload.clone();
    if null {
        *out.pointer_mut(place).unwrap() = Value::Null;
    } else {
        let (parent, name) = place.rsplit_once('/').unwrap();
        out.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&name.replace("~1", "/").replace("~0", "~"));
    }
    out
}

fn read(event: &str, payload: &Value) -> Event {
    parse(event, payload.to_string().as_bytes())
}

#[test]
fn every_real_payload_is_understood() {
    let mut count = 0;
    for (event, payloads) in examples() {
        for payload in payloads {
            let found = read(&event, &for_an_app(payload.clone()));
            assert!(!matches!(found, Event::Unreadable(_)), "{event} {}: {found:?}", payload["action"]);
            count += 1;
        }
    }
    assert!(count > 80, "{count} examples");
}

#[test]
fn nothing_that_github_may_leave_out_is_needed() {
    let mut count = 0;
    for (event, payloads) in examples() {
        let mut tried = BTreeSet::new();
        for payload in payloads.into_iter().map(for_an_app) {
            let pointer = pointer_of(&event, &payload);
            let Some(schema) = events().document.pointer(&pointer) else { continue };
            let mut fields = Fields::default();
            fields.collect(schema, &payload, "");
            // Once for each action and field: the examples of an action have nearly the same fields.
            for (place, null) in fields.mutations().into_iter().filter(|(place, _)| !NEEDED.contains(&place.as_str())) {
                if !tried.insert((pointer.clone(), place.clone(), null)) {
                    continue;
                }
                let found = read(&event, &mutant(&payload, &place, null));
                let how = if null { "null" } else { "absent" };
                assert!(!matches!(found, Event::Unreadable(_)), "{event} {} with {place} {how}: {found:?}", payload["action"]);
                count += 1;
            }
        }
    }
    assert!(count > 3000, "{count} mutants");
}

#[test]
fn no_action_is_an_error_be_it_unknown() {
    for (event, payloads) in examples() {
        let mut payload = for_an_app(payloads[0].clone());
        payload["action"] = "levitated".into();
        let found = read(&event, &payload);
        assert!(!matches!(found, Event::Unreadable(_)), "{event}: {found:?}");
    }
}
