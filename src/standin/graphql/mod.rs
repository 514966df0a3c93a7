//! GraphQL, as far as clients of ours need it: review threads, folded comments, the merge queue. Thread resolution exists only here.
//!
//! The graph is built as JSON, whole, and then cut down to what was asked: a repository of a test is small. A list with pages is an object
//! with the key [`NODES`]; an object that is found by a number is one with the key [`BY_NUMBER`].

mod graph;
mod mutations;
mod query;

use super::auth::{Caller, caller};
use super::error::{Answer, Refusal, ok};
use super::hub::Hub;
use super::state::State as Data;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use query::{Field, Operation};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The key of a paged list's elements.
const NODES: &str = "(nodes)";
/// The key of objects that are asked for by number.
const BY_NUMBER: &str = "(by number)";
/// As many elements as a page may have.
const MOST: u64 = 100;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new().route("/graphql", post(graphql))
}

/// An error of GraphQL: its type and message.
type Trouble = (&'static str, String);

async fn graphql(State(hub): State<Arc<Hub>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let mut state = hub.lock();
    let caller = caller(&state, &hub.user_token, &headers)?;
    let body: Value = serde_json::from_slice(&bytes).map_err(|_not_json| Refusal::bad_json())?;
    let none = Map::new();
    let variables = body.get("variables").and_then(Value::as_object).unwrap_or(&none);
    let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
    let operation = match query::parse(text, variables) {
        Ok(operation) => operation,
        Err(message) => return ok(json!({"errors": [{"message": message, "locations": [{"line": 1, "column": 1}]}]})),
    };
    answer(&hub, &mut state, &caller, &operation)
}

/// Answers field by field; one that fails is null, with an error beside it.
fn answer(hub: &Hub, state: &mut Data, caller: &Caller, operation: &Operation) -> Answer {
    let mut data = Map::new();
    let mut errors = Vec::new();
    for field in &operation.fields {
        let found = if operation.mutation { mutations::run(hub, state, caller, field) } else { graph::root(hub, state, caller, field) };
        match found.and_then(|value| cut(&value, field)) {
            Ok(value) => {
                data.insert(field.alias.clone(), value);
            }
            Err((kind, message)) => {
                data.insert(field.alias.clone(), Value::Null);
                errors.push(json!({"type": kind, "path": [field.alias], "locations": [{"line": 1, "column": 1}], "message": message}));
            }
        }
    }
    let undefined = errors.iter().any(|error| error.get("type") == Some(&json!("undefinedField")));
    let mut out = if undefined { json!({}) } else { json!({"data": data}) };
    if let Some(object) = out.as_object_mut().filter(|_| !errors.is_empty()) {
        object.insert("errors".to_owned(), Value::Array(errors));
    }
    ok(out)
}

/// Cuts a value down to the selected fields.
fn cut(value: &Value, field: &Field) -> Result<Value, Trouble> {
    match value {
        Value::Array(items) => items.iter().map(|item| cut(item, field)).collect(),
        Value::Object(object) if object.contains_key(NODES) => cut(&page(object, field)?, field),
        Value::Object(object) if object.contains_key(BY_NUMBER) => by_number(object, field),
        Value::Object(object) => select(object, field),
        plain if field.fields.is_empty() => Ok(plain.clone()),
        Value::Null => Ok(Value::Null),
        _ => Err(("selectionMismatch", format!("Selections can't be made on scalars (field '{}')", field.name))),
    }
}

fn select(object: &Map<String, Value>, field: &Field) -> Result<Value, Trouble> {
    if field.fields.is_empty() {
        return Err(("selectionMismatch", format!("Field must have selections (field '{}')", field.name)));
    }
    let kind = object.get("__typename").and_then(Value::as_str).unwrap_or("Object");
    let mut out = Map::new();
    for inner in &field.fields {
        if inner.on.as_ref().is_some_and(|on| on != kind && on != "Node" && !(on == "User" && kind == "Organization")) {
            continue;
        }
        let none = || ("undefinedField", format!("Field '{}' doesn't exist on type '{kind}'", inner.name));
        let value = object.get(&inner.name).ok_or_else(none)?;
        out.insert(inner.alias.clone(), cut(value, inner)?);
    }
    Ok(Value::Object(out))
}

fn by_number(object: &Map<String, Value>, field: &Field) -> Result<Value, Trouble> {
    let number = field.arguments.get("number").and_then(Value::as_u64).unwrap_or_default();
    let what = object.get("__typename").and_then(Value::as_str).unwrap_or("Object");
    let found = object.get(BY_NUMBER).and_then(|all| all.get(number.to_string()));
    let found = found.ok_or_else(|| ("NOT_FOUND", format!("Could not resolve to a {what} with the number of {number}.")))?;
    cut(found, field)
}

/// The page of a list that is asked for, as a connection.
fn page(object: &Map<String, Value>, field: &Field) -> Result<Value, Trouble> {
    let number = |name: &str| field.arguments.get(name).and_then(Value::as_u64);
    let text =
        |name: &str| field.arguments.get(name).and_then(Value::as_str).and_then(|cursor| cursor.strip_prefix("cursor:")?.parse::<usize>().ok());
    let name = &field.name;
    let nodes = object.get(NODES).and_then(Value::as_array).cloned().unwrap_or_default();
    let (asked, which) = match (number("first"), number("last")) {
        (Some(first), None) => (first, "first"),
        (None, Some(last)) => (last, "last"),
        (None, None) => {
            return Err((
                "MISSING_PAGINATION_BOUNDARIES",
                format!("You must provide a `first` or `last` value to properly paginate the `{name}` connection."),
            ));
        }
        (Some(_), Some(_)) => {
            return Err(("INVALID_PAGINATION", format!("Passing both `first` and `last` to paginate the `{name}` connection is not supported.")));
        }
    };
    if asked > MOST {
        return Err((
            "EXCESSIVE_PAGINATION",
            format!("Requesting {asked} records on the `{name}` connection exceeds the `{which}` limit of {MOST} records."),
        ));
    }
    let asked = usize::try_from(asked).unwrap_or_default();
    let from = text("after").map_or(0, |at| at + 1);
    let to = text("before").unwrap_or(nodes.len()).min(nodes.len());
    let (from, to) = if which == "first" { (from.min(to), (from + asked).min(to)) } else { (to.saturating_sub(asked).max(from.min(to)), to) };
    let total = nodes.len();
    let part: Vec<Value> = nodes.into_iter().skip(from).take(to - from).collect();
    let cursor = |at: usize| json!(format!("cursor:{at}"));
    let edges: Vec<Value> =
        part.iter().enumerate().map(|(at, node)| json!({"__typename": "Edge", "node": node, "cursor": cursor(from + at)})).collect();
    let ends = if part.is_empty() { (Value::Null, Value::Null) } else { (cursor(from), cursor(to - 1)) };
    Ok(json!({
        "__typename": format!("{name}Connection"), "nodes": part, "edges": edges, "totalCount": total,
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": to < total, "hasPreviousPage": from > 0, "startCursor": ends.0, "endCursor": ends.1},
    }))
}

fn forbidden() -> Trouble {
    ("FORBIDDEN", "Resource not accessible by integration".to_owned())
}

fn no_node(id: &str) -> Trouble {
    ("NOT_FOUND", format!("Could not resolve to a node with the global id of '{id}'"))
}
