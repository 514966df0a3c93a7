//! GitHub's own description of its API, and whether requests and answers are as it says. `tests/github/cut` makes the description.

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock};
use waypost::standin::{self, Exchange, Options, Standin};

/// A document with definitions; each schema in it is compiled when it is first used.
pub(crate) struct Description {
    pub(crate) document: Value,
    registry: Registry<'static>,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Description {
    pub(crate) fn new(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).unwrap();
        let registry = Registry::new().add("urn:github", document.clone()).unwrap().prepare().unwrap();
        Self { document, registry, compiled: Mutex::default() }
    }

    /// Returns how `value` differs from the schema at `pointer`.
    pub(crate) fn differences(&self, pointer: &str, value: &Value) -> Vec<String> {
        let known = self.compiled.lock().unwrap().get(pointer).cloned();
        let validator = known.unwrap_or_else(|| {
            let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
            let schema = json!({"$ref": format!("urn:github#{fragment}")});
            let made = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).with_registry(&self.registry).build(&schema);
            let made = Arc::new(made.unwrap_or_else(|error| panic!("{pointer}: {error}")));
            self.compiled.lock().unwrap().insert(pointer.to_owned(), Arc::clone(&made));
            made
        });
        validator.iter_errors(value).map(|error| format!("{}: {:.300}", error.instance_path(), error.to_string())).collect()
    }
}

/// The operations of the REST API.
pub(crate) fn rest() -> &'static Description {
    static REST: OnceLock<Description> = OnceLock::new();
    REST.get_or_init(|| Description::new(include_str!("../../github/openapi.json")))
}

/// Finds the operation of a request; of several, the one that says most itself. Returns its index and the variable parts.
fn operation(method: &str, path: &str) -> Option<(usize, Vec<(String, String)>)> {
    let operations = rest().document["operations"].as_array().unwrap();
    let fitting = operations.iter().enumerate().filter(|(_, one)| one["method"] == method);
    let fitting = fitting.filter_map(|(at, one)| Some((at, segments(one["path"].as_str().unwrap(), path)?)));
    let literal = |at: usize| operations[at]["path"].as_str().unwrap().split('/').filter(|part| !part.starts_with('{')).count();
    fitting.max_by_key(|(at, _)| literal(*at))
}

/// The variable parts of a path that fits a template. The last part of some takes slashes.
fn segments(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let (mut wanted, mut given) = (template.split('/').peekable(), path.split('/'));
    while let Some(part) = wanted.next() {
        let have = given.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if part != have => return None,
            None => {}
            Some(name @ ("ref" | "path")) if wanted.peek().is_none() => {
                let rest: Vec<&str> = [have].into_iter().chain(given.by_ref()).collect();
                found.push((name.to_owned(), rest.join("/")));
            }
            Some(name) => found.push((name.to_owned(), have.to_owned())),
        }
    }
    given.next().is_none().then_some(found)
}

/// What a parameter of an address is: a number where it looks like one and the schema wants one.
fn parameter(schema: &Value, text: &str) -> Value {
    let decoded = text.replace("%3A", ":").replace("%2F", "/");
    let wants = |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)));
    match text {
        "true" | "false" if wants("boolean") => json!(text == "true"),
        number if wants("integer") || schema.get("oneOf").is_some() => number.parse::<u64>().map_or(json!(decoded), |number| json!(number)),
        _ => json!(decoded),
    }
}

/// How a request is not as described.
fn request_errors(at: usize, segments: &[(String, String)], exchange: &Exchange) -> Vec<String> {
    let one = &rest().document["operations"][at];
    let mut errors = Vec::new();
    for (name, value) in segments {
        errors.extend(rest().differences(&format!("/operations/{at}/segments/{name}"), &parameter(&one["segments"][name], value)));
    }
    for pair in exchange.path.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match one["query"].get(name) {
            None => errors.push(format!("the query has `{name}`")),
            Some(schema) => errors.extend(rest().differences(&format!("/operations/{at}/query/{name}"), &parameter(schema, value))),
        }
        if name == "per_page" && value.parse::<u64>().is_ok_and(|count| count > 100) {
            errors.push("more than 100 per page".to_owned());
        }
    }
    let body = if exchange.body.is_empty() { None } else { Some(serde_json::from_slice::<Value>(&exchange.body)) };
    match (one.get("body"), body) {
        (_, Some(Err(error))) => errors.push(format!("the body is no JSON: {error}")),
        (Some(_), Some(Ok(body))) => errors.extend(rest().differences(&format!("/operations/{at}/body"), &body)),
        (Some(_), None) if one["body_required"] == true => errors.push("there is no body".to_owned()),
        (None, Some(Ok(body))) if body != json!({}) => errors.push(format!("there is a body: {body}")),
        (Some(_) | None, None | Some(Ok(_))) => {}
    }
    errors
}

/// Where GitHub itself is not as it describes: a comment on a line that has gone has neither `line` nor `position` (the events say so too), and
/// the head of a pull request whose fork was deleted has no `repo`. And the events of an App that events show know no merge queue.
fn is_known(error: &str) -> bool {
    if error.contains("/app/events/") && error.contains("\"merge_group\" is not one of") {
        return true;
    }
    let place = error.split(':').next().unwrap_or_default();
    let null = ["/line", "/position", "/start_line", "/head/repo"].iter().any(|end| place.ends_with(end));
    null && error.contains("null is not of type")
}

/// How an answer is not as described.
fn answer_errors(at: usize, exchange: &Exchange) -> Vec<String> {
    let answers = &rest().document["operations"][at]["answers"];
    let status = exchange.status.to_string();
    let parsed: Result<Value, _> = serde_json::from_slice(&exchange.answer);
    if exchange.content_type.contains(".raw") {
        return Vec::new();
    }
    match answers.get(&status) {
        Some(Value::Null) if exchange.answer.is_empty() => Vec::new(),
        Some(Value::Null) if exchange.status < 400 => vec!["an answer without content is expected".to_owned()],
        Some(Value::Object(_)) => match parsed {
            Ok(answer) => {
                rest().differences(&format!("/operations/{at}/answers/{status}"), &answer).into_iter().filter(|error| !is_known(error)).collect()
            }
            Err(error) => vec![format!("no JSON: {error}")],
        },
        // Refusals are not listed for every operation.
        _ if exchange.status >= 400 => match parsed {
            Ok(answer) if answer["message"].is_string() && answer["documentation_url"].is_string() => Vec::new(),
            Ok(_) | Err(_) => vec!["a refusal has `message` and `documentation_url`".to_owned()],
        },
        _ => vec!["the description has no answer with this status".to_owned()],
    }
}

/// How exchanges are not as GitHub describes them. What Waypost sends must be right; what the tests send on purpose may be wrong, but must then
/// be refused. Every answer must be right.
pub(crate) fn violations(exchanges: &[Exchange]) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in exchanges {
        let path = exchange.path.split('?').next().unwrap_or_default();
        if path == "/graphql" {
            found.extend(graphql_violations(exchange));
            continue;
        }
        let mut say = |errors: Vec<String>| {
            let body: String = String::from_utf8_lossy(&exchange.body).chars().take(200).collect();
            found.extend(errors.into_iter().map(|error| format!("{} {} -> {}: {error} {body}", exchange.method, exchange.path, exchange.status)));
        };
        let Some((at, segments)) = operation(&exchange.method, path) else {
            if exchange.status != 404 || exchange.agent.starts_with("waypost/") {
                say(vec!["an operation that is not in tests/github/openapi.json".to_owned()]);
            }
            continue;
        };
        let wrong = request_errors(at, &segments, exchange);
        if exchange.agent.starts_with("waypost/") || exchange.status < 400 {
            say(wrong);
        }
        say(answer_errors(at, exchange));
    }
    found
}

/// As [`violations`], for GraphQL: it refuses with 200.
fn graphql_violations(exchange: &Exchange) -> Vec<String> {
    let asked: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
    let answered: Value = serde_json::from_slice(&exchange.answer).unwrap_or_default();
    let wrong = super::graphql::request_errors(&asked);
    let refused = exchange.status >= 400 || answered["errors"].is_array();
    let mut errors = if exchange.agent.starts_with("waypost/") || !refused { wrong } else { Vec::new() };
    if exchange.status == 200 {
        errors.extend(super::graphql::answer_errors(&asked, &answered));
    }
    errors.into_iter().map(|error| format!("POST /graphql: {error} {:.200}", asked["query"].as_str().unwrap_or_default())).collect()
}

/// The events, by name and action.
pub(crate) fn events() -> &'static Description {
    static EVENTS: OnceLock<Description> = OnceLock::new();
    EVENTS.get_or_init(|| Description::new(include_str!("../../github/webhooks.json")))
}

/// How the webhooks that were sent are not as GitHub describes them.
fn event_violations(standin: &Standin) -> Vec<String> {
    let mut found = Vec::new();
    for delivery in standin.deliveries() {
        let pointer = format!("/events/{}/{}", delivery.event, delivery.action.as_deref().unwrap_or_default());
        if events().document.pointer(&pointer).is_none() {
            found.push(format!("{pointer}: an event that is not in tests/github/webhooks.json"));
            continue;
        }
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        found.extend(events().differences(&pointer, &body).into_iter().filter(|error| !is_known(error)).map(|error| format!("{pointer}: {error}")));
    }
    found
}

/// A stand-in whose exchanges are held against the description when it is dropped.
#[derive(Debug)]
pub(crate) struct Watched(Standin);

impl Watched {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self(standin::start(Options { record: true, ..options }).await.unwrap())
    }
}

impl Deref for Watched {
    type Target = Standin;

    fn deref(&self) -> &Standin {
        &self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut found = violations(&self.0.exchanges());
        found.extend(event_violations(&self.0));
        // A test that fails already says why.
        assert!(found.is_empty() || std::thread::panicking(), "not as GitHub describes it:\n{}", found.join("\n"));
    }
}

/// An exchange, as a test of this file makes it.
fn exchange(method: &str, path: &str, body: &Value, status: u16, answer: &Value) -> Exchange {
    Exchange {
        method: method.to_owned(),
        path: path.to_owned(),
        agent: "waypost/1".to_owned(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        status,
        content_type: "application/json".to_owned(),
        answer: answer.to_string().into_bytes(),
    }
}

#[test]
fn what_is_not_as_described_is_seen() {
    let sha = "a".repeat(40);
    let refusal = json!({"message": "no", "documentation_url": "https://docs.github.com/rest"});
    let good = exchange("POST", "/repos/a/b/check-runs", &json!({"name": "waypost", "head_sha": sha}), 404, &refusal);
    assert_eq!(violations(&[good]), [] as [&str; 0]);
    for (method, path, body, status, answer, wanted) in [
        ("POST", "/repos/a/b/check-runs", json!({"name": "waypost"}), 404, &refusal, "head_sha"),
        ("POST", "/repos/a/b/check-runs", json!({"name": "w", "head_sha": sha, "colour": "red"}), 404, &refusal, "colour"),
        (
            "POST",
            "/repos/a/b/check-runs",
            json!({"name": "w", "head_sha": sha, "output": {"title": "t", "summary": "s", "tone": 1}}),
            404,
            &refusal,
            "tone",
        ),
        ("PATCH", "/repos/a/b/check-runs/1", json!({"status": "completed"}), 404, &refusal, "anyOf"),
        ("POST", "/repos/a/b/issues/x/comments", json!({"body": "b"}), 404, &refusal, "integer"),
        ("GET", "/repos/a/b/pulls?state=merged", Value::Null, 404, &refusal, "merged"),
        ("GET", "/repos/a/b/pulls?colour=red", Value::Null, 404, &refusal, "colour"),
        ("GET", "/repos/a/b/pulls?per_page=200", Value::Null, 404, &refusal, "100"),
        ("GET", "/repos/a/b/stargazers", Value::Null, 404, &refusal, "not in"),
        ("GET", "/app/hook/config", Value::Null, 200, &json!({"url": 1}), "url"),
        ("GET", "/app", Value::Null, 500, &json!("oops"), "refusal"),
    ] {
        let found = violations(&[exchange(method, path, &body, status, answer)]);
        assert!(found.iter().any(|line| line.contains(wanted)), "{method} {path} {body}: {found:?}");
    }
}
