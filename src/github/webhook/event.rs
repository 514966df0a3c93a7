//! From a delivery to what it means for us.

use crate::github::types::{AppId, CommentId, InstallationId, Place, PrNumber, Repo, Sha, User};
use serde::Deserialize;
use serde_json::Value;

/// What a delivery means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// GitHub tries whether we are there.
    Ping,
    /// A pull request may have changed.
    Pull(PullEvent),
    /// Someone wrote a comment on a pull request.
    Comment {
        /// On which.
        pull: PullEvent,
        /// The comment.
        comment: CommentId,
        /// Its text.
        body: String,
    },
    /// Someone asks for the check again.
    Rerun {
        /// Where.
        place: Place,
        /// On which commit.
        head: Sha,
        /// The pull requests; empty for those from forks, which are found by the commit.
        pulls: Vec<PrNumber>,
    },
    /// Nothing to do, and why.
    Nothing(&'static str),
    /// Not what GitHub's documentation says: what is wrong.
    Unreadable(String),
}

/// A pull request and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullEvent {
    /// Where.
    pub place: Place,
    /// Which.
    pub number: PrNumber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    action: Option<String>,
    installation: Option<InstallationPart>,
    repository: Option<RepositoryPart>,
    sender: Option<User>,
    number: Option<PrNumber>,
    changes: Option<Value>,
    pull_request: Option<NumberPart>,
    issue: Option<IssuePart>,
    comment: Option<CommentPart>,
    check_run: Option<CheckPart>,
    check_suite: Option<CheckPart>,
}

#[derive(Debug, Deserialize)]
struct InstallationPart {
    id: InstallationId,
}

#[derive(Debug, Deserialize)]
struct RepositoryPart {
    id: u64,
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct NumberPart {
    number: PrNumber,
}

#[derive(Debug, Deserialize)]
struct IssuePart {
    number: PrNumber,
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct CommentPart {
    id: CommentId,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    performed_via_github_app: Option<AppId>,
}

#[derive(Debug, Deserialize)]
struct CheckPart {
    #[serde(default)]
    head_sha: Option<String>,
    #[serde(default)]
    pull_requests: Option<Vec<NumberPart>>,
}

/// Returns what the delivery of `event` (`X-GitHub-Event`) with `body` means.
pub fn parse(event: &str, body: &[u8]) -> Event {
    match event {
        "ping" => return Event::Ping,
        "pull_request" | "issue_comment" | "check_run" | "check_suite" => {}
        _ => return Event::Nothing("an event we do not act on"),
    }
    let payload: Payload = match serde_json::from_slice(body) {
        Ok(payload) => payload,
        Err(error) => return Event::Unreadable(error.to_string()),
    };
    let place = payload.installation.as_ref().zip(payload.repository.as_ref()).and_then(|(installation, repository)| {
        Some(Place { installation: installation.id, repository_id: repository.id, repo: Repo::new(&repository.full_name)? })
    });
    let Some(place) = place else {
        return Event::Unreadable("it names no installation or no repository: is it the App's webhook?".to_owned());
    };
    match event {
        "pull_request" => pull_request(payload, place),
        "issue_comment" => issue_comment(payload, place),
        _ => rerun(payload, place),
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

fn issue_comment(payload: Payload, place: Place) -> Event {
    let Some((issue, comment)) = payload.issue.zip(payload.comment) else {
        return Event::Unreadable("it holds no comment".to_owned());
    };
    if payload.action.as_deref() != Some("created") {
        return Event::Nothing("a comment that was not just written");
    }
    if issue.pull_request.is_none_or(|pull| pull.is_null()) {
        return Event::Nothing("a comment on an issue");
    }
    let sender_is_bot = payload.sender.as_ref().is_some_and(User::is_bot);
    if sender_is_bot || comment.performed_via_github_app.is_some() || comment.user.as_ref().is_none_or(User::is_bot) {
        return Event::Nothing("a comment no person wrote");
    }
    let pull = PullEvent { place, number: issue.number };
    Event::Comment { pull, comment: comment.id, body: comment.body.unwrap_or_default() }
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
    use serde_json::json;

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
        let said = Event::Comment { pull: pull(), comment: CommentId(5), body: "/waypost help".to_owned() };
        assert_eq!(comment("created", &by(person.clone(), Value::Null)), said);
        for (action, body) in [
            ("edited", by(person.clone(), Value::Null)),
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
}
