//! What GraphQL can change: whether a thread is resolved, whether a comment is folded away, reactions to reviews.

use super::super::auth::Caller;
use super::super::hub::Hub;
use super::super::shape::{REACTIONS, node_id};
use super::super::state::State;
use super::query::Field;
use super::{Trouble, forbidden, graph, no_node};
use serde_json::{Value, json};

/// Why a comment is folded away. GitHub shows them in lower case.
const CLASSIFIERS: [&str; 6] = ["ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM"];

/// Does what a field of a mutation says.
pub(super) fn run(hub: &Hub, state: &mut State, caller: &Caller, field: &Field) -> Result<Value, Trouble> {
    let input = |name: &str| field.arguments.get("input").and_then(|input| input.get(name)).and_then(Value::as_str);
    let required = |name: &str| input(name).ok_or_else(|| ("argumentNotFound", format!("Argument '{name}' on InputObject is required.")));
    match field.name.as_str() {
        "resolveReviewThread" | "unresolveReviewThread" => {
            let id = required("threadId")?;
            if !caller.may(&["pull_requests"], true) || state.resolving_refused {
                return Err(forbidden());
            }
            let found = graph::node(hub, state, caller, id).filter(|node| node.get("__typename") == Some(&json!("PullRequestReviewThread")));
            let first = found.as_ref().and_then(|thread| thread.pointer("/comments/(nodes)/0/fullDatabaseId")).and_then(Value::as_str);
            let first: Option<u64> = first.and_then(|id| id.parse().ok());
            let first = first.ok_or_else(|| no_node(id))?;
            if field.name == "resolveReviewThread" {
                state.resolved.insert(first, hub.author(caller));
            } else {
                state.resolved.remove(&first);
            }
            state.version += 1;
            Ok(json!({"__typename": "Payload", "clientMutationId": input("clientMutationId"), "thread": graph::node(hub, state, caller, id)}))
        }
        "minimizeComment" | "unminimizeComment" => {
            let id = required("subjectId")?;
            let minimize = field.name == "minimizeComment";
            let classifier = if minimize { required("classifier")? } else { "" };
            if minimize && !CLASSIFIERS.contains(&classifier) {
                return Err(("argumentLiteralsIncompatible", format!("Argument 'classifier' has an invalid value ({classifier}).")));
            }
            if !caller.may(&["pull_requests", "issues"], true) {
                return Err(forbidden());
            }
            let found = graph::node(hub, state, caller, id).filter(|node| node.get("isMinimized").is_some());
            found.ok_or_else(|| no_node(id))?;
            if minimize {
                state.minimized.insert(id.to_owned(), classifier.to_ascii_lowercase().replace('_', "-"));
            } else {
                state.minimized.remove(id);
            }
            state.version += 1;
            let comment = graph::node(hub, state, caller, id);
            let key = if minimize { "minimizedComment" } else { "unminimizedComment" };
            Ok(json!({"__typename": "Payload", "clientMutationId": input("clientMutationId"), key: comment}))
        }
        "addReaction" => react(state, caller, (required("subjectId")?, required("content")?), input("clientMutationId")),
        other => Err(("undefinedField", format!("Field '{other}' doesn't exist on type 'Mutation'"))),
    }
}

/// Adds a reaction to a review, once.
fn react(state: &mut State, caller: &Caller, (id, content): (&str, &str), mutation: Option<&str>) -> Result<Value, Trouble> {
    let content = content.to_ascii_lowercase();
    if !REACTIONS.contains(&content.as_str()) {
        return Err(("argumentLiteralsIncompatible", format!("Argument 'content' has an invalid value ({content}).")));
    }
    if !caller.may(&["pull_requests", "issues"], true) {
        return Err(forbidden());
    }
    let seen = state.repositories.iter().filter(|repository| caller.sees(repository.id, repository.installed));
    let reviews = seen.flat_map(|repository| &repository.reviews);
    let review = reviews.map(|review| review.id).find(|review| node_id("PRR", *review) == id).ok_or_else(|| no_node(id))?;
    let reaction = json!({"__typename": "Reaction", "content": content.to_ascii_uppercase()});
    let given = state.review_reactions.entry(review).or_default();
    if !given.contains(&content) {
        given.push(content);
    }
    state.version += 1;
    Ok(json!({"__typename": "Payload", "clientMutationId": mutation, "reaction": reaction}))
}
