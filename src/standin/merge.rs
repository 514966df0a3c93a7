//! Merging, at once and through the queue: three-way, by lines.

use super::actions::{move_branch, pull_event};
use super::clock::now_seconds;
use super::hub::Hub;
use super::objects::{CommitObject, File, Files, Objects, Stamp};
use super::shape::Shapes;
use super::state::{Account, Group, Repository, State};
use gix::hash::ObjectId;
use serde_json::json;
use similar::{DiffOp, TextDiff};

/// Merges a pull request into its base.
///
/// # Errors
/// What GitHub says with 405.
pub(super) fn merge(hub: &Hub, state: &mut State, (at, number): (usize, u64), sender: &Account) -> Result<ObjectId, String> {
    let not_there = || "Not Found".to_owned();
    let repository = state.repositories.get(at).ok_or_else(not_there)?;
    let pull = repository.pull(number).ok_or_else(not_there)?.clone();
    if pull.draft {
        return Err("Pull Request is still a draft".to_owned());
    }
    if !pull.open {
        return Err("Pull Request is not mergeable".to_owned());
    }
    let app = hub.shapes.identity.app_id;
    if let Some(reason) = blocked(repository, &pull.base_branch, pull.head, app) {
        return Err(reason);
    }
    let message = format!("Merge pull request #{number} from {}", pull.head_branch);
    let made = commit_on(&mut state.objects, (pull.base, pull.head), sender, &message).ok_or("Pull Request is not mergeable")?;
    finish(hub, state, (at, number), made, sender);
    Ok(made)
}

/// Why a required check does not let a commit through. `success`, `neutral` and `skipped` do.
fn blocked(repository: &Repository, branch: &str, sha: ObjectId, app: u64) -> Option<String> {
    for required in repository.required.iter().filter(|required| required.branch == branch) {
        let context = &required.context;
        let run = repository.latest_runs(sha).into_iter().find(|run| run.name == *context && required.integration.is_none_or(|id| id == app));
        match run {
            None => return Some(format!("Required status check \"{context}\" is expected.")),
            Some(run) if run.status != "completed" => return Some(format!("Required status check \"{context}\" is in progress.")),
            Some(run) if matches!(run.conclusion.as_deref(), Some("success" | "neutral" | "skipped")) => {}
            Some(_) => return Some(format!("Required status check \"{context}\" is failing.")),
        }
    }
    None
}

/// Closes a pull request as merged, and moves its base.
fn finish(hub: &Hub, state: &mut State, (at, number): (usize, u64), commit: ObjectId, sender: &Account) {
    let Some(pull) = state.repositories.get_mut(at).and_then(|repository| repository.pull_mut(number)) else { return };
    pull.open = false;
    pull.merged = Some(commit);
    pull.updated = now_seconds();
    let base = pull.base_branch.clone();
    pull_event(hub, state, (at, number), (sender, "closed"), json!({}));
    move_branch(hub, state, (at, &base), commit, sender);
}

/// Puts a pull request at the end of the queue, and asks for checks on the group. `None` where it conflicts with those before it.
pub(super) fn enqueue(hub: &Hub, state: &mut State, (at, number): (usize, u64), sender: &Account) -> Option<ObjectId> {
    let repository = state.repositories.get(at)?;
    let pull = repository.pull(number)?.clone();
    let last = repository.queue.iter().rev().find(|group| group.base_branch == pull.base_branch);
    let base = last.map_or(pull.base, |group| group.head);
    let message = format!("Merge pull request #{number} from {}", pull.head_branch);
    let head = commit_on(&mut state.objects, (base, pull.head), sender, &message)?;
    let branch = format!("gh-readonly-queue/{}/pr-{number}-{base}", pull.base_branch);
    let group = Group { number, branch: branch.clone(), base_branch: pull.base_branch, base, head };
    state.repositories.get_mut(at)?.queue.push(group.clone());
    pull_event(hub, state, (at, number), (sender, "enqueued"), json!({}));
    move_branch(hub, state, (at, &branch), head, sender);
    group_event(hub, state, at, &group, (sender, "checks_requested", None));
    Some(head)
}

/// Takes a group out of the queue, and its branch away. Those behind it stood on it: they are invalidated and built anew.
pub(super) fn dequeue(hub: &Hub, state: &mut State, (at, number): (usize, u64), reason: &str) {
    let sender = State::account("github-merge-queue[bot]", "Bot");
    let Some(repository) = state.repositories.get_mut(at) else { return };
    let Some(place) = repository.queue.iter().position(|group| group.number == number) else { return };
    let group = repository.queue.remove(place);
    repository.branches.remove(&group.branch);
    group_event(hub, state, at, &group, (&sender, "destroyed", Some(reason)));
    if reason == "merged" {
        finish(hub, state, (at, number), group.head, &sender);
        return;
    }
    pull_event(hub, state, (at, number), (&sender, "dequeued"), json!({"reason": "MANUAL"}));
    let behind: Vec<Group> = state.repositories.get_mut(at).map(|repository| repository.queue.split_off(place)).unwrap_or_default();
    for group in &behind {
        if let Some(repository) = state.repositories.get_mut(at) {
            repository.branches.remove(&group.branch);
        }
        group_event(hub, state, at, group, (&sender, "destroyed", Some("invalidated")));
    }
    for group in behind {
        enqueue(hub, state, (at, group.number), &sender);
    }
}

fn group_event(hub: &Hub, state: &mut State, at: usize, group: &Group, (sender, action, reason): (&Account, &str, Option<&str>)) {
    let commit = state.objects.commit(group.head).map(|commit| Shapes::simple_commit(group.head, commit));
    let mut payload = json!({
        "action": action,
        "merge_group": {
            "head_sha": group.head.to_string(), "head_ref": format!("refs/heads/{}", group.branch), "base_sha": group.base.to_string(),
            "base_ref": format!("refs/heads/{}", group.base_branch), "head_commit": commit,
        },
    });
    if let (Some(object), Some(reason)) = (payload.as_object_mut(), reason) {
        object.insert("reason".to_owned(), json!(reason));
    }
    hub.emit(state, "merge_group", (at, sender), payload);
}

/// Makes the commit that merges `head` into `base`; `None` where they conflict.
fn commit_on(objects: &mut Objects, (base, head): (ObjectId, ObjectId), sender: &Account, message: &str) -> Option<ObjectId> {
    let ancestor = objects.merge_base(base, head)?;
    let files = merge_files(&objects.checkout(ancestor), &objects.checkout(base), &objects.checkout(head))?;
    let tree = objects.add_tree(&files);
    let stamp = Stamp { name: sender.login.clone(), email: format!("{}@users.noreply.github.com", sender.id), seconds: now_seconds() };
    Some(objects.add_commit(CommitObject { tree, parents: vec![base, head], message: message.to_owned(), stamp }))
}

fn merge_files(ancestor: &Files, ours: &Files, theirs: &Files) -> Option<Files> {
    let mut merged = ours.clone();
    let paths: std::collections::BTreeSet<&String> = ancestor.keys().chain(theirs.keys()).collect();
    for path in paths {
        let (old, our, their) = (ancestor.get(path), ours.get(path), theirs.get(path));
        if their == old || their == our {
            continue;
        }
        let new = match (old, our, their) {
            (_, our, their) if our == old => their.cloned(),
            (Some(File::Text(old)), Some(File::Text(our)), Some(File::Text(their))) => {
                let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
                Some(File::Text(merge_lines(&text(old)?, &text(our)?, &text(their)?)?.into_bytes()))
            }
            _ => return None,
        };
        match new {
            Some(file) => merged.insert(path.clone(), file),
            None => merged.remove(path),
        };
    }
    Some(merged)
}

/// A part of the old text, as a range of its lines, and what one side made of it.
type Edit = (usize, usize, String);

fn edits(old: &str, new: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(old, new);
    let lines: Vec<&str> = new.split_inclusive('\n').collect();
    let changed = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edit = |op: &DiffOp| {
        let (from, to) = (op.old_range(), op.new_range());
        (from.start, from.end, lines.get(to).unwrap_or_default().concat())
    };
    changed.map(edit).collect()
}

/// Merges two changes of a text; `None` where they touch the same or neighbouring lines in different ways.
fn merge_lines(old: &str, ours: &str, theirs: &str) -> Option<String> {
    let mut all = edits(old, ours);
    for edit in edits(old, theirs) {
        if all.contains(&edit) {
            continue;
        }
        if all.iter().any(|(from, to, _)| edit.0 <= *to && *from <= edit.1) {
            return None;
        }
        all.push(edit);
    }
    all.sort();
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut at = 0;
    for (from, to, text) in all {
        out.push_str(&lines.get(at..from).unwrap_or_default().concat());
        out.push_str(&text);
        at = to;
    }
    out.push_str(&lines.get(at..).unwrap_or_default().concat());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::merge_lines;

    #[test]
    fn changes_apart_are_merged_and_others_conflict() {
        let old = "1\n2\n3\n4\n5\n";
        assert_eq!(merge_lines(old, "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\nsix\n").unwrap(), "one\n2\n3\n4\nfive\nsix\n");
        assert_eq!(merge_lines(old, "1\n2\n4\n5\n", "1\n2\n4\n5\n").unwrap(), "1\n2\n4\n5\n");
        assert_eq!(merge_lines(old, "1\n2\nthree\n4\n5\n", "1\n2\ndrei\n4\n5\n"), None);
        assert_eq!(merge_lines(old, "1\n2\nthree\n4\n5\n", "1\n2\n3\nvier\n5\n"), None, "git takes neighbours for a conflict too");
    }
}
