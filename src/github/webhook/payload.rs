//! The fields of a delivery that we read. Any of them may be absent: GitHub leaves out what it likes.

use crate::github::types::{AppId, CheckRunId, CommentId, InstallationId, PrNumber, User};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) action: Option<String>,
    pub(super) installation: Option<InstallationPart>,
    pub(super) repository: Option<RepositoryPart>,
    pub(super) sender: Option<User>,
    pub(super) number: Option<PrNumber>,
    pub(super) changes: Option<Value>,
    pub(super) pull_request: Option<NumberPart>,
    pub(super) issue: Option<IssuePart>,
    pub(super) comment: Option<CommentPart>,
    pub(super) check_run: Option<CheckPart>,
    pub(super) check_suite: Option<CheckPart>,
    pub(super) merge_group: Option<GroupPart>,
    pub(super) r#ref: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) repositories_removed: Option<Vec<IdPart>>,
    pub(super) review: Option<CommentPart>,
    pub(super) requested_action: Option<ButtonPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ButtonPart {
    #[serde(default)]
    pub(super) identifier: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct InstallationPart {
    pub(super) id: InstallationId,
}

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryPart {
    pub(super) id: u64,
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IdPart {
    pub(super) id: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GroupPart {
    pub(super) head_sha: Option<String>,
    pub(super) base_sha: Option<String>,
    pub(super) base_ref: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NumberPart {
    pub(super) number: PrNumber,
}

#[derive(Debug, Deserialize)]
pub(super) struct IssuePart {
    pub(super) number: PrNumber,
    #[serde(default)]
    pub(super) pull_request: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommentPart {
    pub(super) id: CommentId,
    #[serde(default)]
    pub(super) node_id: Option<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) performed_via_github_app: Option<AppId>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckPart {
    #[serde(default)]
    pub(super) id: Option<CheckRunId>,
    #[serde(default)]
    pub(super) head_sha: Option<String>,
    #[serde(default)]
    pub(super) pull_requests: Option<Vec<NumberPart>>,
}
