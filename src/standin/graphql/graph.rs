//! The graph: repositories, pull requests, review threads, comments, the merge queue.

use super::super::auth::Caller;
use super::super::clock::rfc3339;
use super::super::hub::Hub;
use super::super::shape::{Shapes, node_id};
use super::super::state::{Account, Comment, Pull, Repository, Review, ReviewComment, State};
use super::query::Field;
use super::{BY_NUMBER, NODES, Trouble, no_node};
use serde_json::{Map, Value, json};

fn list(nodes: Vec<Value>) -> Value {
    Value::Object(Map::from_iter([(NODES.to_owned(), Value::Array(nodes))]))
}

/// A number of GraphQL has 32 bits: an id that is longer is not told.
fn short(id: u64) -> Option<i32> {
    i32::try_from(id).ok()
}

/// A thread as the first of its comments names it.
pub(super) fn thread_id(first: u64) -> String {
    node_id("PRRT", first)
}

/// Answers a field of a query.
pub(super) fn root(hub: &Hub, state: &State, caller: &Caller, field: &Field) -> Result<Value, Trouble> {
    let text = |name: &str| field.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    match field.name.as_str() {
        "__typename" => Ok(json!("Query")),
        "viewer" => Ok(actor(&hub.author(caller))),
        "repository" => {
            let found = state.repository(text("owner"), text("name")).filter(|repository| caller.sees(repository.id, repository.installed));
            let none = || ("NOT_FOUND", format!("Could not resolve to a Repository with the name '{}/{}'.", text("owner"), text("name")));
            Ok(repository(hub, state, found.ok_or_else(none)?))
        }
        "node" => node(hub, state, caller, text("id")).ok_or_else(|| no_node(text("id"))),
        other => Err(("undefinedField", format!("Field '{other}' doesn't exist on type 'Query'"))),
    }
}

/// Anything that has a global id and that the caller sees.
pub(super) fn node(hub: &Hub, state: &State, caller: &Caller, id: &str) -> Option<Value> {
    let seen = state.repositories.iter().filter(|repository| caller.sees(repository.id, repository.installed));
    for repository in seen {
        for found in &repository.pulls {
            if node_id("PR", found.id) == id {
                return Some(pull(hub, state, repository, found));
            }
        }
        for found in &repository.comments {
            if node_id("IC", found.id) == id {
                return Some(comment(hub, state, repository, found));
            }
        }
        for (review, found) in line_comments(repository) {
            if node_id("PRRC", found.id) == id {
                return Some(review_comment(hub, state, repository, review, found));
            }
            if found.reply_to.is_none() && thread_id(found.id) == id {
                return Some(thread(hub, state, repository, review, found));
            }
        }
    }
    None
}

fn actor(account: &Account) -> Value {
    // The login of a bot is without `[bot]` here, unlike in REST.
    let login = account.login.strip_suffix("[bot]").unwrap_or(&account.login);
    json!({"__typename": account.kind, "login": login, "id": node_id("U", account.id), "databaseId": account.id})
}

fn line_comments(repository: &Repository) -> impl Iterator<Item = (&Review, &ReviewComment)> {
    repository.reviews.iter().flat_map(|review| review.comments.iter().map(move |comment| (review, comment)))
}

fn repository(hub: &Hub, state: &State, found: &Repository) -> Value {
    let pulls: Map<String, Value> = found.pulls.iter().map(|one| (one.number.to_string(), pull(hub, state, found, one))).collect();
    let entries = found.queue.iter().enumerate().map(|(at, group)| {
        json!({
            "__typename": "MergeQueueEntry", "id": node_id("MQE", group.number), "position": at + 1, "state": "AWAITING_CHECKS",
            "headCommit": {"__typename": "Commit", "oid": group.head.to_string()}, "baseCommit": {"__typename": "Commit", "oid": group.base.to_string()},
            "pullRequest": found.pull(group.number).map(|one| pull(hub, state, found, one)),
        })
    });
    let queue = if found.queue.is_empty() { Value::Null } else { json!({"__typename": "MergeQueue", "entries": list(entries.collect())}) };
    json!({
        "__typename": "Repository", "id": node_id("R", found.id), "databaseId": short(found.id), "name": found.name, "nameWithOwner": found.full_name(),
        "pullRequest": {"__typename": "PullRequest", BY_NUMBER: pulls}, "pullRequests": list(found.pulls.iter().map(|one| pull(hub, state, found, one)).collect()),
        "mergeQueue": queue,
    })
}

fn pull(hub: &Hub, state: &State, repository: &Repository, found: &Pull) -> Value {
    let threads = line_comments(repository).filter(|(review, comment)| review.number == found.number && comment.reply_to.is_none());
    let comments = repository.comments.iter().filter(|comment| comment.number == found.number);
    json!({
        "__typename": "PullRequest", "id": node_id("PR", found.id), "databaseId": short(found.id), "number": found.number, "title": found.title,
        "state": if found.merged.is_some() { "MERGED" } else if found.open { "OPEN" } else { "CLOSED" }, "isDraft": found.draft,
        "headRefOid": found.head.to_string(), "headRefName": found.head_branch.rsplit(':').next(), "baseRefOid": found.base.to_string(),
        "baseRefName": found.base_branch, "author": actor(&found.author), "isInMergeQueue": repository.queue.iter().any(|group| group.number == found.number),
        "reviewThreads": list(threads.map(|(review, comment)| thread(hub, state, repository, review, comment)).collect()),
        "comments": list(comments.map(|one| comment(hub, state, repository, one)).collect()),
    })
}

/// A thread of comments on a line.
pub(super) fn thread(hub: &Hub, state: &State, repository: &Repository, review: &Review, first: &ReviewComment) -> Value {
    let all = line_comments(repository).filter(|(_, comment)| comment.id == first.id || comment.reply_to == Some(first.id));
    let now = Shapes::line_now(state, repository, review, first);
    let resolved = state.resolved.contains_key(&first.id);
    json!({
        "__typename": "PullRequestReviewThread", "id": thread_id(first.id), "isResolved": resolved,
        "resolvedBy": state.resolved.get(&first.id).map(actor), "isOutdated": first.line.is_some() && now.is_none(), "isCollapsed": resolved,
        "path": first.path, "line": now, "originalLine": first.line, "startLine": now.and(first.start_line), "originalStartLine": first.start_line,
        "diffSide": first.side, "subjectType": if first.line.is_some() { "LINE" } else { "FILE" },
        "viewerCanResolve": !resolved, "viewerCanUnresolve": resolved, "viewerCanReply": true,
        "comments": list(all.map(|(review, comment)| review_comment(hub, state, repository, review, comment)).collect()),
    })
}

fn review_comment(hub: &Hub, state: &State, repository: &Repository, review: &Review, found: &ReviewComment) -> Value {
    let id = node_id("PRRC", found.id);
    let now = Shapes::line_now(state, repository, review, found);
    json!({
        "__typename": "PullRequestReviewComment", "id": id, "databaseId": short(found.id), "fullDatabaseId": found.id.to_string(), "body": found.body, "path": found.path,
        "author": actor(&review.author), "line": now, "originalLine": found.line, "outdated": found.line.is_some() && now.is_none(),
        "isMinimized": state.minimized.contains_key(&id), "minimizedReason": state.minimized.get(&id), "createdAt": rfc3339(review.submitted),
        "url": format!("{}/{}/pull/{}#discussion_r{}", hub.shapes.web, repository.full_name(), review.number, found.id),
        "commit": {"__typename": "Commit", "oid": review.commit.to_string()}, "replyTo": found.reply_to.map(|to| json!({"__typename": "PullRequestReviewComment", "id": node_id("PRRC", to), "databaseId": short(to)})),
    })
}

/// A comment of the conversation.
pub(super) fn comment(hub: &Hub, state: &State, repository: &Repository, found: &Comment) -> Value {
    let id = node_id("IC", found.id);
    json!({
        "__typename": "IssueComment", "id": id, "databaseId": short(found.id), "fullDatabaseId": found.id.to_string(), "body": found.body, "author": actor(&found.author),
        "isMinimized": state.minimized.contains_key(&id), "minimizedReason": state.minimized.get(&id), "createdAt": rfc3339(found.created),
        "url": format!("{}/{}/pull/{}#issuecomment-{}", hub.shapes.web, repository.full_name(), found.number, found.id),
    })
}
