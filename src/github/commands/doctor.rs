//! `/waypost doctor`

use super::arguments::Arguments;
use super::{Command, CommandError, Context, Reply, Spec};
use crate::github::publish::CHECK_NAME;
use crate::github::transport::ApiError;
use crate::github::types::BranchRule;
use crate::report::answers::{self, Ailment};
use crate::report::replies::Refusal;
use crate::review::settings::Least;
use std::collections::BTreeMap;

/// Checks the set-up of this repository and says what to mend.
pub(super) const SPEC: Spec = Spec {
    name: "doctor",
    arguments: "",
    least: Least::Anyone,
    summary: "checks permissions, events, deliveries and branch rules, and says what to fix",
    example: "/waypost doctor",
    parse,
};

/// What we need to be allowed, and what for.
const PERMISSIONS: &[(&str, &str)] = &[("checks", "write"), ("contents", "read"), ("metadata", "read"), ("pull_requests", "write")];
/// What is only for some: without it the event does not come.
const MORE_PERMISSIONS: &[(&str, &str, &str)] = &[("merge_queues", "read", "merge_group")];
/// What we need to hear of. `check_run` and `check_suite` come with the permission for checks, unasked.
const EVENTS: &[&str] = &["pull_request", "issue_comment"];
/// What is only for some.
const MORE_EVENTS: &[&str] = &["pull_request_review", "pull_request_review_comment", "merge_group"];

fn parse(arguments: Arguments) -> Result<Command, Refusal> {
    arguments.end(&SPEC, &[])?;
    Ok(Command::Doctor)
}

pub(super) async fn run(cx: &Context<'_>) -> Result<Reply, CommandError> {
    let app = cx.api.as_app();
    let identity = app.app().await?;
    let installation = app.installation(cx.api.place().installation).await?;
    let mut found = Vec::new();
    for (permission, level) in PERMISSIONS {
        if !has(&installation.permissions, permission, level) {
            let asked = has(&identity.permissions, permission, level);
            found.push(Ailment::Permission { permission, level, asked });
        }
    }
    let hears = |event: &&&str| installation.events.iter().any(|have| have == **event);
    found.extend(EVENTS.iter().filter(|event| !hears(event)).map(|event| Ailment::Event { event, needed: true }));
    found.extend(MORE_EVENTS.iter().filter(|event| !hears(event)).map(|event| Ailment::Event { event, needed: false }));
    for (permission, level, event) in MORE_PERMISSIONS {
        if !has(&installation.permissions, permission, level) {
            found.push(Ailment::MorePermission { permission, level, event });
        }
    }
    match app.failed_deliveries().await {
        Ok(failed) if failed.is_empty() => {}
        Ok(failed) => {
            found.push(Ailment::Deliveries { failed: failed.len(), last_status: failed.first().map_or(0, |one| i64::from(one.status_code)) });
        }
        Err(error) => found.push(unknown("the deliveries of the webhook", error)?),
    }
    let branch = cx.pull.base.r#ref.as_str();
    match cx.api.branch_rules(branch).await {
        Ok(rules) => found.extend(of_rules(&rules, identity.id, branch)),
        Err(error) => found.push(unknown("the rules of the branch", error)?),
    }
    Ok(Reply::text(answers::examined(&found, branch)))
}

/// Returns that something cannot be told; an error that goes away by itself is given back.
fn unknown(what: &'static str, error: ApiError) -> Result<Ailment, CommandError> {
    if error.is_temporary() { Err(error.into()) } else { Ok(Ailment::Unknown { what, why: error.to_string() }) }
}

fn has(permissions: &BTreeMap<String, String>, permission: &str, level: &str) -> bool {
    permissions.get(permission).is_some_and(|have| have == level || have == "write" || have == "admin")
}

/// Returns what is wrong with the rules of a branch: whether they require our check, from us.
fn of_rules(rules: &[BranchRule], app_id: u64, branch: &str) -> Vec<Ailment> {
    let checks = rules.iter().filter(|rule| rule.kind == "required_status_checks");
    let named: Vec<Option<u64>> = checks
        .filter_map(|rule| rule.parameters.get("required_status_checks")?.as_array())
        .flatten()
        .filter(|check| check.get("context").and_then(serde_json::Value::as_str) == Some(CHECK_NAME))
        .map(|check| check.get("integration_id").and_then(serde_json::Value::as_u64))
        .collect();
    if named.is_empty() {
        return vec![Ailment::NotRequired { branch: branch.to_owned() }];
    }
    let others = named.iter().flatten().filter(|id| **id != app_id);
    let mut found: Vec<Ailment> = others.map(|_| Ailment::OtherApp { branch: branch.to_owned() }).collect();
    if found.is_empty() && named.iter().all(Option::is_none) {
        found.push(Ailment::AnyApp { branch: branch.to_owned() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_branch_requires_our_check_from_us_or_something_is_wrong() {
        let rules = |checks: serde_json::Value| {
            vec![BranchRule { kind: "required_status_checks".to_owned(), parameters: json!({"required_status_checks": checks}) }]
        };
        let branch = || "main".to_owned();
        assert_eq!(of_rules(&[], 7, "main"), [Ailment::NotRequired { branch: branch() }]);
        assert_eq!(of_rules(&rules(json!([{"context": "ci"}])), 7, "main"), [Ailment::NotRequired { branch: branch() }]);
        assert_eq!(of_rules(&rules(json!([{"context": "waypost"}])), 7, "main"), [Ailment::AnyApp { branch: branch() }]);
        assert_eq!(of_rules(&rules(json!([{"context": "waypost", "integration_id": 9}])), 7, "main"), [Ailment::OtherApp { branch: branch() }]);
        assert_eq!(of_rules(&rules(json!([{"context": "waypost", "integration_id": 7}])), 7, "main"), []);
    }
}
