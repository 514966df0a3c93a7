//! From a delivery to what it means for us.

use super::event::{Event, PullEvent};
use super::payload::{CommentPart, Payload};
use crate::github::types::{CommentKind, CommentRef, Place, Repo, Sha, User};

/// Returns what the delivery of `event` (`X-GitHub-Event`) with `body` means.
pub fn parse(event: &str, body: &[u8]) -> Event {
    match event {
        "ping" => return Event::Ping,
        "pull_request"
        | "issue_comment"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "check_run"
        | "check_suite"
        | "merge_group"
        | "push"
        | "repository"
        | "installation_target"
        | "installation"
        | "installation_repositories" => {}
        _ => return Event::Nothing("an event we do not act on"),
    }
    let payload: Payload = match serde_json::from_slice(body) {
        Ok(payload) => payload,
        Err(error) => return Event::Unreadable(error.to_string()),
    };
    if let "installation" | "installation_repositories" | "installation_target" = event {
        return installation(payload);
    }
    let place = payload.installation.as_ref().zip(payload.repository.as_ref()).and_then(|(installation, repository)| {
        Some(Place { installation: installation.id, repository_id: repository.id, repo: Repo::new(&repository.full_name)? })
    });
    let Some(place) = place else {
        return Event::Unreadable("it names no installation or no repository: is it the App's webhook?".to_owned());
    };
    match event {
        "pull_request" => pull_request(payload, place),
        "issue_comment" => issue_comment(payload, place),
        "merge_group" => merge_group(payload, place),
        "push" => push(payload, place),
        "repository" => repository(&payload, place),
        "pull_request_review" => review_words(payload, place),
        "pull_request_review_comment" => line_comment(payload, place),
        "check_run" if payload.action.as_deref() == Some("requested_action") => button(payload, place),
        _ => rerun(payload, place),
    }
}

fn installation(payload: Payload) -> Event {
    let Some(installation) = payload.installation.map(|installation| installation.id) else {
        return Event::Unreadable("it names no installation".to_owned());
    };
    match payload.action.as_deref() {
        // The owner has another name, and all that is theirs with it.
        Some("created" | "unsuspend" | "new_permissions_accepted" | "added" | "renamed") => Event::Installed { installation, place: None },
        Some("deleted" | "suspend") => Event::Uninstalled { installation, repositories: Vec::new() },
        Some("removed") => {
            let repositories: Vec<u64> = payload.repositories_removed.unwrap_or_default().into_iter().map(|repository| repository.id).collect();
            // None named is not all of them.
            if repositories.is_empty() { Event::Nothing("no repository was removed") } else { Event::Uninstalled { installation, repositories } }
        }
        _ => Event::Nothing("an action that changes no rights of ours"),
    }
}

fn repository(payload: &Payload, place: Place) -> Event {
    match payload.action.as_deref() {
        // Archived repositories take no checks; unarchived, they may have missed some.
        Some("renamed" | "transferred" | "unarchived") => Event::Installed { installation: place.installation, place: Some(place) },
        _ => Event::Nothing("an action that changes neither name nor rights"),
    }
}

fn merge_group(payload: Payload, place: Place) -> Event {
    let wanted = match payload.action.as_deref() {
        Some("checks_requested") => true,
        Some("destroyed") => false,
        _ => return Event::Nothing("an action of the merge queue that asks for nothing"),
    };
    let group = payload.merge_group.unwrap_or_default();
    let sha = |text: &Option<String>| text.as_deref().and_then(Sha::new);
    let (Some(head), Some(base)) = (sha(&group.head_sha), sha(&group.base_sha)) else {
        return Event::Unreadable("its merge group names no commits".to_owned());
    };
    let branch = group.base_ref.unwrap_or_default();
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned();
    Event::Group { place, head, base, branch, wanted }
}

fn push(payload: Payload, place: Place) -> Event {
    let default = payload.repository.and_then(|repository| repository.default_branch);
    let branch = payload.r#ref.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
    let Some(branch) = branch.filter(|branch| Some(*branch) == default.as_deref()) else {
        return Event::Nothing("a push to another branch than the default one");
    };
    let sha = |text: &Option<String>| text.as_deref().and_then(Sha::new).filter(|sha| sha.as_str().bytes().any(|digit| digit != b'0'));
    match (sha(&payload.before), sha(&payload.after)) {
        (Some(before), Some(after)) => Event::Moved { place, branch: branch.to_owned(), before, after },
        _ => Event::Nothing("a default branch that was made or deleted"),
    }
}

fn pull_request(payload: Payload, place: Place) -> Event {
    match payload.action.as_deref() {
        Some("opened" | "reopened" | "synchronize" | "ready_for_review") => {}
        // The title and body matter too, to a revert; but what is edited most often is the text, and the review is the same then.
        Some("edited") => {
            let changed = |what: &str| payload.changes.as_ref().and_then(|changes| changes.get(what)).is_some_and(|change| !change.is_null());
            if !changed("base") {
                return Event::Nothing("an edit that leaves the base as it was");
            }
        }
        _ => return Event::Nothing("an action that changes neither head nor base"),
    }
    match payload.pull_request.map(|pull| pull.number).or(payload.number) {
        Some(number) => Event::Pull(PullEvent { place, number }),
        None => Event::Unreadable("it names no pull request".to_owned()),
    }
}

fn issue_comment(mut payload: Payload, place: Place) -> Event {
    let Some((issue, comment)) = payload.issue.take().zip(payload.comment.take()) else {
        return Event::Unreadable("it holds no comment".to_owned());
    };
    if issue.pull_request.is_none_or(|pull| pull.is_null()) {
        return Event::Nothing("a comment on an issue");
    }
    said(&payload, PullEvent { place, number: issue.number }, CommentKind::Conversation, comment)
}

fn line_comment(mut payload: Payload, place: Place) -> Event {
    let Some((pull, comment)) = payload.pull_request.take().zip(payload.comment.take()) else {
        return Event::Unreadable("it holds no comment".to_owned());
    };
    said(&payload, PullEvent { place, number: pull.number }, CommentKind::Line, comment)
}

fn review_words(mut payload: Payload, place: Place) -> Event {
    let Some((pull, review)) = payload.pull_request.take().zip(payload.review.take()) else {
        return Event::Unreadable("it holds no review".to_owned());
    };
    said(&payload, PullEvent { place, number: pull.number }, CommentKind::Review, review)
}

/// Returns what somebody said; nothing where no person did.
fn said(payload: &Payload, pull: PullEvent, kind: CommentKind, comment: CommentPart) -> Event {
    let edited = match payload.action.as_deref() {
        Some("created" | "submitted") => false,
        // Only what is written anew counts: an edit can hide what was said before. Who did it is told.
        Some("edited") => true,
        _ => return Event::Nothing("a comment that was not just written"),
    };
    let sender_is_bot = payload.sender.as_ref().is_some_and(User::is_bot);
    let Some(by) = comment.user.filter(|user| !user.is_bot() && !sender_is_bot && comment.performed_via_github_app.is_none()) else {
        return Event::Nothing("a comment no person wrote");
    };
    // Whoever may edit comments of others does not speak for them.
    let by = if edited { payload.sender.clone().unwrap_or(by) } else { by };
    let at = CommentRef { kind, id: comment.id, node: comment.node_id };
    Event::Comment { pull, comment: at, body: comment.body.unwrap_or_default(), by, edited }
}

fn button(payload: Payload, place: Place) -> Event {
    let Some((check, button)) = payload.check_run.zip(payload.requested_action) else {
        return Event::Nothing("it holds no button");
    };
    let Some(by) = payload.sender.filter(|sender| !sender.is_bot()) else {
        return Event::Nothing("a button no person pressed");
    };
    let (Some(head), Some(run)) = (check.head_sha.as_deref().and_then(Sha::new), check.id) else {
        return Event::Unreadable("its check names no commit".to_owned());
    };
    let pulls = check.pull_requests.unwrap_or_default().into_iter().map(|pull| pull.number).collect();
    Event::Button { place, head, pulls, button: button.identifier, by, run }
}

fn rerun(payload: Payload, place: Place) -> Event {
    // `requested` comes with every push and races with `synchronize`: only a person's wish counts.
    if payload.action.as_deref() != Some("rerequested") {
        return Event::Nothing("a check nobody asks for again");
    }
    let Some(check) = payload.check_run.or(payload.check_suite) else {
        return Event::Unreadable("it holds no check".to_owned());
    };
    let Some(head) = check.head_sha.as_deref().and_then(Sha::new) else {
        return Event::Unreadable("its check names no commit".to_owned());
    };
    let pulls = check.pull_requests.unwrap_or_default().into_iter().map(|pull| pull.number).collect();
    Event::Rerun { place, head, pulls }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::types::{CheckRunId, CommentId, InstallationId, PrNumber};
    use serde_json::{Value, json};

    fn payload(extra: &Value) -> Vec<u8> {
        let mut payload = json!({
            "installation": {"id": 7, "node_id": "x"},
            "repository": {"id": 42, "full_name": "acme/edge", "private": true, "owner": {"login": "acme", "id": 1, "gravatar_id": null}},
            "sender": {"login": "kim", "id": 9, "type": "User"},
        });
        payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::to_vec(&payload).unwrap()
    }

    fn place() -> Place {
        Place { installation: InstallationId(7), repository_id: 42, repo: Repo::new("acme/edge").unwrap() }
    }

    fn pull() -> PullEvent {
        PullEvent { place: place(), number: PrNumber(812) }
    }

    #[test]
    fn what_changes_head_or_base_is_a_changed_pull_request() {
        for action in ["opened", "reopened", "synchronize", "ready_for_review"] {
            let body = payload(
                &json!({"action": action, "number": 812, "pull_request": {"number": 812, "body": null, "user": null, "head": {"repo": null}}}),
            );
            assert_eq!(parse("pull_request", &body), Event::Pull(pull()), "{action}");
        }
        let edited = |changes: Value| payload(&json!({"action": "edited", "number": 812, "pull_request": {"number": 812}, "changes": changes}));
        assert_eq!(parse("pull_request", &edited(json!({"base": {"ref": {"from": "old"}}}))), Event::Pull(pull()));
        assert!(matches!(parse("pull_request", &edited(json!({"title": {"from": "old"}}))), Event::Nothing(_)));
        assert!(matches!(parse("pull_request", &edited(Value::Null)), Event::Nothing(_)));
    }

    #[test]
    fn an_action_of_next_year_means_nothing_and_is_no_error() {
        let body = payload(&json!({"action": "levitated", "number": 812, "pull_request": {"number": 812}}));
        assert!(matches!(parse("pull_request", &body), Event::Nothing(_)));
        assert!(matches!(parse("quantum_entangled", b"{}"), Event::Nothing(_)));
        assert_eq!(parse("ping", b"{\"zen\": \"Keep it logically awesome.\"}"), Event::Ping);
    }

    #[test]
    fn what_is_not_as_documented_is_unreadable_and_says_why() {
        assert!(matches!(parse("pull_request", b"{"), Event::Unreadable(_)));
        assert!(matches!(parse("pull_request", b"{\"action\": \"opened\", \"number\": 1}"), Event::Unreadable(why) if why.contains("installation")));
        let bad_name = payload(&json!({"action": "opened", "number": 1, "repository": {"id": 1, "full_name": "a/../b"}}));
        assert!(matches!(parse("pull_request", &bad_name), Event::Unreadable(_)));
    }

    fn comment(action: &str, comment: &Value) -> Event {
        parse("issue_comment", &payload(&json!({"action": action, "issue": {"number": 812, "pull_request": {"url": "x"}}, "comment": comment})))
    }

    #[test]
    fn a_comment_by_a_person_counts_and_no_other() {
        let by = |user: Value, app: Value| json!({"id": 5, "body": "/waypost help", "user": user, "performed_via_github_app": app});
        let person = json!({"id": 9, "login": "kim", "type": "User"});
        let kim = || User { id: 9, login: "kim".to_owned(), kind: "User".to_owned() };
        let said = |edited| Event::Comment {
            pull: pull(),
            comment: CommentRef { kind: CommentKind::Conversation, id: CommentId(5), node: None },
            body: "/waypost help".to_owned(),
            by: kim(),
            edited,
        };
        assert_eq!(comment("created", &by(person.clone(), Value::Null)), said(false));
        assert_eq!(comment("edited", &by(person.clone(), Value::Null)), said(true));
        for (action, body) in [
            ("deleted", by(person.clone(), Value::Null)),
            ("pinned", by(person.clone(), Value::Null)),
            ("created", by(json!({"id": 1, "login": "waypost[bot]", "type": "Bot"}), json!({"id": 3}))),
            ("created", by(json!({"id": 1, "login": "other[bot]", "type": "Bot"}), Value::Null)),
            ("created", by(person, json!({"id": 3}))),
            ("created", by(Value::Null, Value::Null)),
        ] {
            assert!(matches!(comment(action, &body), Event::Nothing(_)), "{action} {body}");
        }
        let on_issue = payload(&json!({"action": "created", "issue": {"number": 1}, "comment": {"id": 1, "user": {"id": 1, "type": "User"}}}));
        assert!(matches!(parse("issue_comment", &on_issue), Event::Nothing("a comment on an issue")));
    }

    #[test]
    fn words_on_lines_and_of_reviews_count_too() {
        let words = |number: u64| json!({"id": number, "node_id": format!("N{number}"), "body": "/waypost help", "user": {"id": 9, "login": "kim", "type": "User"}});
        for (event, action, key, kind) in [
            ("pull_request_review_comment", "created", "comment", CommentKind::Line),
            ("pull_request_review", "submitted", "review", CommentKind::Review),
        ] {
            let body = |action: &str| payload(&json!({"action": action, key: words(5), "pull_request": {"number": 812}}));
            let at = CommentRef { kind, id: CommentId(5), node: Some("N5".to_owned()) };
            assert!(matches!(parse(event, &body(action)), Event::Comment { comment, edited: false, .. } if comment == at), "{event}");
            assert!(matches!(parse(event, &body("edited")), Event::Comment { edited: true, .. }), "{event}");
            assert!(matches!(parse(event, &body("dismissed")), Event::Nothing(_)), "{event}");
            assert!(matches!(parse(event, &payload(&json!({"action": action}))), Event::Unreadable(_)), "{event}");
        }
    }

    #[test]
    fn a_button_names_its_run_and_who_pressed_it() {
        let head = "a".repeat(40);
        let body = json!({"action": "requested_action", "requested_action": {"identifier": "rerun"}, "check_run": {"id": 3, "head_sha": head, "pull_requests": []}});
        let found = parse("check_run", &payload(&body));
        assert!(matches!(&found, Event::Button { button, run: CheckRunId(3), by, .. } if button == "rerun" && by.id == 9), "{found:?}");
    }

    #[test]
    fn a_rerun_names_its_pull_requests_or_only_its_commit() {
        let head = "a".repeat(40);
        let body = |pulls: Value| payload(&json!({"action": "rerequested", "check_run": {"head_sha": head, "pull_requests": pulls}}));
        let sha = Sha::new(&head).unwrap();
        let rerun = |pulls| Event::Rerun { place: place(), head: sha.clone(), pulls };
        assert_eq!(parse("check_run", &body(json!([{"number": 812}]))), rerun(vec![PrNumber(812)]));
        assert_eq!(parse("check_run", &body(json!([]))), rerun(vec![]));
        assert_eq!(parse("check_run", &body(Value::Null)), rerun(vec![]));
        let suite = payload(&json!({"action": "rerequested", "check_suite": {"head_sha": head}}));
        assert_eq!(parse("check_suite", &suite), rerun(vec![]));
        let requested = payload(&json!({"action": "requested", "check_suite": {"head_sha": head}}));
        assert!(matches!(parse("check_suite", &requested), Event::Nothing(_)));
    }

    #[test]
    fn a_merge_group_is_asked_about_or_given_up() {
        let (head, base) = ("a".repeat(40), "b".repeat(40));
        let group = |action: &str| {
            let part =
                json!({"head_sha": head, "base_sha": base, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-b", "base_ref": "refs/heads/main"});
            parse("merge_group", &payload(&json!({"action": action, "merge_group": part})))
        };
        let expected = |wanted| Event::Group {
            place: place(),
            head: Sha::new(&head).unwrap(),
            base: Sha::new(&base).unwrap(),
            branch: "main".to_owned(),
            wanted,
        };
        assert_eq!(group("checks_requested"), expected(true));
        assert_eq!(group("destroyed"), expected(false));
        assert!(matches!(group("blessed"), Event::Nothing(_)));
        assert!(matches!(parse("merge_group", &payload(&json!({"action": "checks_requested"}))), Event::Unreadable(_)));
    }

    #[test]
    fn a_push_counts_on_the_default_branch_only() {
        let (before, after) = ("a".repeat(40), "b".repeat(40));
        let push = |name: &str, before: &str| {
            let repository = json!({"id": 42, "full_name": "acme/edge", "default_branch": "main"});
            parse("push", &payload(&json!({"ref": name, "before": before, "after": after, "repository": repository})))
        };
        let moved = Event::Moved { place: place(), branch: "main".to_owned(), before: Sha::new(&before).unwrap(), after: Sha::new(&after).unwrap() };
        assert_eq!(push("refs/heads/main", &before), moved);
        for (name, before) in [("refs/heads/next", &before), ("refs/tags/main", &before), ("refs/heads/main", &"0".repeat(40))] {
            assert!(matches!(push(name, before), Event::Nothing(_)), "{name} {before}");
        }
    }

    #[test]
    fn rights_that_come_and_go_are_noticed() {
        let said = |event: &str, extra: Value| parse(event, &payload(&extra));
        let all = Event::Installed { installation: InstallationId(7), place: None };
        assert_eq!(said("installation", json!({"action": "created"})), all);
        assert_eq!(said("installation_repositories", json!({"action": "added", "repositories_added": [{"id": 1}]})), all);
        assert_eq!(
            said("installation_repositories", json!({"action": "removed", "repositories_removed": [{"id": 42}]})),
            Event::Uninstalled { installation: InstallationId(7), repositories: vec![42] }
        );
        assert!(matches!(said("installation_repositories", json!({"action": "removed"})), Event::Nothing(_)));
        assert_eq!(said("installation", json!({"action": "deleted"})), Event::Uninstalled { installation: InstallationId(7), repositories: vec![] });
        assert_eq!(
            parse("installation", br#"{"action": "suspend", "installation": {"id": 7}}"#),
            Event::Uninstalled { installation: InstallationId(7), repositories: vec![] }
        );
        assert_eq!(said("repository", json!({"action": "renamed"})), Event::Installed { installation: InstallationId(7), place: Some(place()) });
        assert!(matches!(said("repository", json!({"action": "edited"})), Event::Nothing(_)));
        assert_eq!(said("repository", json!({"action": "transferred"})), Event::Installed { installation: InstallationId(7), place: Some(place()) });
        assert_eq!(parse("installation_target", br#"{"action": "renamed", "installation": {"id": 7}}"#), all);
    }
}
