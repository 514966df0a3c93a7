//! GitHub's own GraphQL schema, and whether queries and answers are as it says. `tests/github/cut-graphql` makes the file.

use graphql_tools::parser::{parse_query, parse_schema};
use graphql_tools::static_graphql::{query, schema};
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::validate;
use schema::{Definition, TypeDefinition};
use serde_json::{Map, Value};
use std::sync::OnceLock;

fn github() -> &'static schema::Document {
    static GITHUB: OnceLock<schema::Document> = OnceLock::new();
    let text = concat!("scalar Int scalar Float scalar String scalar Boolean scalar ID\n", include_str!("../../github/schema.graphql"));
    GITHUB.get_or_init(|| parse_schema::<String>(text).unwrap().into_static())
}

fn named(name: &str) -> Option<&'static TypeDefinition> {
    github().definitions.iter().find_map(|one| match one {
        Definition::TypeDefinition(kind) if name_of(kind) == name => Some(kind),
        _ => None,
    })
}

fn name_of(kind: &TypeDefinition) -> &str {
    match kind {
        TypeDefinition::Scalar(one) => &one.name,
        TypeDefinition::Object(one) => &one.name,
        TypeDefinition::Interface(one) => &one.name,
        TypeDefinition::Union(one) => &one.name,
        TypeDefinition::Enum(one) => &one.name,
        TypeDefinition::InputObject(one) => &one.name,
    }
}

fn field(kind: &str, name: &str) -> Option<&'static schema::Field> {
    let fields = match named(kind)? {
        TypeDefinition::Object(one) => &one.fields,
        TypeDefinition::Interface(one) => &one.fields,
        _ => return None,
    };
    fields.iter().find(|field| field.name == name)
}

/// The operation of a request: its root type, variables and fields.
struct Asked {
    document: query::Document,
    root: &'static str,
    variables: Vec<query::VariableDefinition>,
    fields: Vec<query::Selection>,
}

fn asked(body: &Value) -> Result<Asked, String> {
    let text = body["query"].as_str().ok_or("the body has no query")?;
    let document = parse_query::<String>(text).map_err(|error| error.to_string())?.into_static();
    let [query::Definition::Operation(operation)] = document.definitions.as_slice() else { return Err("one operation is enough".to_owned()) };
    let (root, variables, set) = match operation.clone() {
        query::OperationDefinition::SelectionSet(set) => ("Query", Vec::new(), set),
        query::OperationDefinition::Query(one) => ("Query", one.variable_definitions, one.selection_set),
        query::OperationDefinition::Mutation(one) => ("Mutation", one.variable_definitions, one.selection_set),
        query::OperationDefinition::Subscription(_) => return Err("GitHub has no subscriptions".to_owned()),
    };
    Ok(Asked { document, root, variables, fields: set.items })
}

/// How a request is not as GitHub's schema says. What GitHub has deprecated is an error too: it goes away, or lies already.
pub(crate) fn request_errors(body: &Value) -> Vec<String> {
    let asked = match asked(body) {
        Ok(asked) => asked,
        Err(error) => return vec![error],
    };
    let mut errors: Vec<String> =
        validate(github(), &asked.document, &default_rules_validation_plan()).into_iter().map(|error| error.message).collect();
    let none = Map::new();
    let given = body["variables"].as_object().unwrap_or(&none);
    for name in given.keys().filter(|name| asked.variables.iter().all(|one| one.name != **name)) {
        errors.push(format!("the variable ${name} is not declared"));
    }
    for one in &asked.variables {
        let value = given.get(&one.name).unwrap_or(&Value::Null);
        if !(value.is_null() && one.default_value.is_some()) {
            fits(&one.var_type, value, &format!("${}", one.name), &mut errors, &mut |_, _, _, _| {});
        }
    }
    deprecated(asked.root, &asked.fields, &mut errors);
    errors
}

fn deprecated(kind: &str, fields: &[query::Selection], errors: &mut Vec<String>) {
    for one in fields {
        match one {
            query::Selection::Field(asked) => {
                let Some(field) = field(kind, &asked.name) else { continue };
                if field.directives.iter().any(|directive| directive.name == "deprecated") {
                    errors.push(format!("{kind}.{} is deprecated", asked.name));
                }
                deprecated(inner(&field.field_type), &asked.selection_set.items, errors);
            }
            query::Selection::InlineFragment(part) => deprecated(on(part).unwrap_or(kind), &part.selection_set.items, errors),
            query::Selection::FragmentSpread(_) => {}
        }
    }
}

fn on(part: &query::InlineFragment) -> Option<&str> {
    part.type_condition.as_ref().map(|query::TypeCondition::On(name)| name.as_str())
}

fn inner(kind: &schema::Type) -> &str {
    match kind {
        schema::Type::NamedType(name) => name,
        schema::Type::ListType(of) | schema::Type::NonNullType(of) => inner(of),
    }
}

/// How an answer is not as GitHub's schema says for what was asked.
pub(crate) fn answer_errors(body: &Value, answer: &Value) -> Vec<String> {
    let Ok(asked) = asked(body) else {
        return if answer["errors"].is_array() { Vec::new() } else { vec!["an error is expected".to_owned()] };
    };
    let mut errors = Vec::new();
    for error in answer["errors"].as_array().into_iter().flatten() {
        if !error["message"].is_string() {
            errors.push(format!("an error without a message: {error}"));
        }
    }
    // What could not be answered is null up to the first that may be; GitHub's own answer to an error is no data.
    if answer.get("errors").is_none() || answer["data"].as_object().is_some_and(|data| data.values().all(|value| !value.is_null())) {
        object(asked.root, &asked.fields, &answer["data"], "data", &mut errors);
    }
    errors
}

fn object(kind: &str, fields: &[query::Selection], value: &Value, at: &str, errors: &mut Vec<String>) {
    let Some(have) = value.as_object() else { return errors.push(format!("{at} is no object: {value}")) };
    for one in fields {
        match one {
            query::Selection::Field(asked) => {
                let name = asked.alias.as_ref().unwrap_or(&asked.name);
                let at = format!("{at}.{name}");
                let Some(value) = have.get(name) else {
                    errors.push(format!("{at} is not there"));
                    continue;
                };
                if asked.name == "__typename" {
                    continue;
                }
                let Some(field) = field(kind, &asked.name) else {
                    errors.push(format!("{at}: {kind} has no `{}`", asked.name));
                    continue;
                };
                fits(&field.field_type, value, &at, errors, &mut |kind, value, at, errors| {
                    object(kind, &asked.selection_set.items, value, at, errors);
                });
            }
            // Which of several types it is only the answer knows, and it need not say.
            query::Selection::InlineFragment(part) => {
                let wanted = on(part).unwrap_or(kind);
                let first = part.selection_set.items.iter().find_map(|one| match one {
                    query::Selection::Field(field) => Some(field.alias.as_ref().unwrap_or(&field.name)),
                    _ => None,
                });
                if first.is_some_and(|name| have.contains_key(name)) {
                    object(wanted, &part.selection_set.items, value, at, errors);
                }
            }
            query::Selection::FragmentSpread(_) => {}
        }
    }
}

/// Sees to an object of a type.
type Inside<'a> = &'a mut dyn FnMut(&str, &Value, &str, &mut Vec<String>);

/// Holds a value, given or answered, against its type.
fn fits(kind: &schema::Type, value: &Value, at: &str, errors: &mut Vec<String>, inside: Inside<'_>) {
    match kind {
        schema::Type::NonNullType(_) if value.is_null() => errors.push(format!("{at} is null")),
        schema::Type::NonNullType(of) => fits(of, value, at, errors, inside),
        _ if value.is_null() => {}
        schema::Type::ListType(of) => match value.as_array() {
            Some(items) => items.iter().for_each(|item| fits(of, item, at, errors, inside)),
            None => errors.push(format!("{at} is no list: {value}")),
        },
        schema::Type::NamedType(name) => {
            let good = match (name.as_str(), named(name)) {
                // Numbers of GraphQL have 32 bits.
                ("Int", _) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                ("Float", _) => value.is_number(),
                ("Boolean", _) => value.is_boolean(),
                ("String" | "ID", _) | (_, Some(TypeDefinition::Scalar(_))) => value.is_string(),
                (_, Some(TypeDefinition::Enum(one))) => one.values.iter().any(|word| Some(word.name.as_str()) == value.as_str()),
                (_, Some(TypeDefinition::InputObject(_))) => value.is_object(),
                _ => return inside(name, value, at, errors),
            };
            if !good {
                errors.push(format!("{at} is no {name}: {value}"));
            }
        }
    }
}

#[test]
fn what_the_schema_does_not_have_is_seen() {
    use serde_json::json;
    let pull = |inner: &str| format!("query($n: Int!) {{ repository(owner: \"a\", name: \"b\") {{ pullRequest(number: $n) {{ {inner} }} }} }}");
    assert_eq!(request_errors(&json!({"query": pull("id title"), "variables": {"n": 1}})), [] as [&str; 0]);
    for (query, variables, wanted) in [
        (pull("colour"), json!({"n": 1}), "colour"),
        (pull("author"), json!({"n": 1}), "author"),
        (pull("title { id }"), json!({"n": 1}), "title"),
        (pull("reviewThreads(firsts: 1) { totalCount }"), json!({"n": 1}), "firsts"),
        (pull("reviewThreads(first: \"1\") { totalCount }"), json!({"n": 1}), "\"1\""),
        (pull("databaseId"), json!({}), "$n is null"),
        (pull("id"), json!({"n": 1, "m": 2}), "$m is not declared"),
        (pull("id"), json!({"n": 3_000_000_000_u64}), "no Int"),
        (pull("databaseId"), json!({"n": 1}), "deprecated"),
        ("mutation($id: ID!) { resolveReviewThread(input: {thread: $id}) { thread { id } } }".to_owned(), json!({"id": "x"}), "thread"),
        ("query {".to_owned(), json!({}), ""),
    ] {
        let found = request_errors(&json!({"query": query, "variables": variables}));
        assert!(found.iter().any(|error| error.contains(wanted)), "{query}: {found:?}");
    }
    let body = json!({"query": pull("number title isDraft state reviewThreads(first: 1) { nodes { id } }"), "variables": {"n": 1}});
    let answer = |pull: Value| answer_errors(&body, &json!({"data": {"repository": {"pullRequest": pull}}}));
    let good = json!({"number": 1, "title": "t", "isDraft": false, "state": "OPEN", "reviewThreads": {"nodes": [{"id": "x"}]}});
    assert_eq!(answer(good.clone()), [] as [&str; 0]);
    assert_eq!(answer(Value::Null), [] as [&str; 0], "a pull request may be null");
    for (key, value) in [("number", json!("1")), ("title", Value::Null), ("state", json!("DRAFT")), ("reviewThreads", json!({"nodes": [{}]}))] {
        let mut bad = good.clone();
        bad[key] = value;
        assert_eq!(answer(bad).len(), 1, "{key}");
    }
}
