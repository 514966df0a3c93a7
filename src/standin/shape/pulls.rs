//! Pull requests, and the issues behind them.

use super::super::clock::rfc3339;
use super::super::diff::changed_files;
use super::super::state::{Pull, Repository, State};
use super::{Shapes, merged, node_id};
use gix::hash::ObjectId;
use serde_json::{Value, json};

impl Shapes {
    fn end(&self, repository: &Repository, branch: &str, sha: ObjectId) -> Value {
        json!({
            "label": format!("{}:{branch}", repository.owner.login), "ref": branch, "sha": sha.to_string(),
            "user": self.account(&repository.owner), "repo": self.repository(repository),
        })
    }

    /// The end that is to be merged: in the repository, or in a fork, which may be gone.
    fn head_end(&self, repository: &Repository, pull: &Pull) -> Value {
        let Some(fork) = &pull.fork else { return self.end(repository, &pull.head_branch, pull.head) };
        let branch = pull.head_branch.split_once(':').map_or(pull.head_branch.as_str(), |(_, branch)| branch);
        let repo = if fork.deleted { Value::Null } else { self.fork(repository, fork) };
        json!({"label": pull.head_branch, "ref": branch, "sha": pull.head.to_string(), "user": self.account(&fork.owner), "repo": repo})
    }

    fn pull_addresses(&self, full_name: &str, pull: &Pull) -> Value {
        let url = format!("{}/repos/{full_name}/pulls/{}", self.api, pull.number);
        let issue = format!("{}/repos/{full_name}/issues/{}", self.api, pull.number);
        let html = format!("{}/{full_name}/pull/{}", self.web, pull.number);
        let statuses = format!("{}/repos/{full_name}/statuses/{}", self.api, pull.head);
        json!({
            "url": url, "html_url": html, "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
            "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{}/repos/{full_name}/pulls/comments{{/number}}", self.api),
            "comments_url": format!("{issue}/comments"), "statuses_url": statuses,
            "_links": {
                "self": {"href": url}, "html": {"href": html}, "issue": {"href": issue}, "comments": {"href": format!("{issue}/comments")},
                "review_comments": {"href": format!("{url}/comments")}, "commits": {"href": format!("{url}/commits")},
                "review_comment": {"href": format!("{}/repos/{full_name}/pulls/comments{{/number}}", self.api)},
                "statuses": {"href": statuses},
            },
        })
    }

    /// A `pull-request-simple`.
    pub(in super::super) fn pull_simple(&self, repository: &Repository, pull: &Pull) -> Value {
        let own = json!({
            "id": pull.id, "node_id": node_id("PR", pull.id), "number": pull.number, "state": if pull.open { "open" } else { "closed" },
            "locked": false, "title": pull.title, "user": self.account(&pull.author), "body": pull.body,
            "created_at": rfc3339(pull.created), "updated_at": rfc3339(pull.updated),
            "closed_at": if pull.open { Value::Null } else { json!(rfc3339(pull.updated)) },
            "merged_at": pull.merged.map(|_| rfc3339(pull.updated)), "merge_commit_sha": pull.merged.map(|id| id.to_string()), "assignee": null, "assignees": [], "requested_reviewers": [],
            "requested_teams": [], "labels": pull.labels.iter().map(|label| self.label(&repository.full_name(), label)).collect::<Vec<_>>(), "milestone": null, "draft": pull.draft,
            "head": self.head_end(repository, pull), "base": self.end(repository, &pull.base_branch, pull.base),
            "author_association": "MEMBER", "auto_merge": null, "active_lock_reason": null,
        });
        merged(self.pull_addresses(&repository.full_name(), pull), own)
    }

    /// A `pull-request`.
    pub(in super::super) fn pull(&self, state: &State, repository: &Repository, pull: &Pull) -> Value {
        let merge_base = state.objects.merge_base(pull.base, pull.head).unwrap_or(pull.base);
        let files = changed_files(&state.objects, merge_base, pull.head);
        let before = state.objects.ancestors(pull.base);
        let commits = state.objects.ancestors(pull.head).into_iter().filter(|id| !before.contains(id)).count();
        let sum = |count: fn(&super::super::diff::ChangedFile) -> usize| files.iter().map(count).sum::<usize>();
        let comments = repository.comments.iter().filter(|comment| comment.number == pull.number).count();
        let review_comments: usize =
            repository.reviews.iter().filter(|review| review.number == pull.number).map(|review| review.comments.len()).sum();
        let more = json!({
            "merged": pull.merged.is_some(), "mergeable": null, "rebaseable": null, "mergeable_state": "unknown", "merged_by": null, "comments": comments,
            "review_comments": review_comments, "maintainer_can_modify": false, "commits": commits,
            "additions": sum(|file| file.additions), "deletions": sum(|file| file.deletions), "changed_files": files.len(),
        });
        merged(self.pull_simple(repository, pull), more)
    }

    /// A `label`.
    pub(in super::super) fn label(&self, full_name: &str, name: &str) -> Value {
        let url = format!("{}/repos/{full_name}/labels/{name}", self.api);
        json!({"id": 1, "node_id": node_id("LA", 1), "url": url, "name": name, "description": null, "color": "ededed", "default": false})
    }

    /// The pull requests of a check: open, on this commit, and not from a fork.
    pub(in super::super) fn pulls_of_check(&self, repository: &Repository, sha: ObjectId) -> Vec<Value> {
        let full_name = repository.full_name();
        let repo = json!({"id": repository.id, "url": format!("{}/repos/{full_name}", self.api), "name": repository.name});
        let pulls = repository.pulls.iter().filter(|pull| pull.open && pull.head == sha && pull.fork.is_none()).map(|pull| {
            json!({
                "url": format!("{}/repos/{full_name}/pulls/{}", self.api, pull.number), "id": pull.id, "number": pull.number,
                "head": {"ref": pull.head_branch, "sha": pull.head.to_string(), "repo": repo},
                "base": {"ref": pull.base_branch, "sha": pull.base.to_string(), "repo": repo},
            })
        });
        pulls.collect()
    }

    /// The issue that a comment event carries for a pull request.
    pub(in super::super) fn issue(&self, repository: &Repository, pull: &Pull) -> Value {
        let full_name = repository.full_name();
        let url = format!("{}/repos/{full_name}/issues/{}", self.api, pull.number);
        let html = format!("{}/{full_name}/pull/{}", self.web, pull.number);
        let comments = repository.comments.iter().filter(|comment| comment.number == pull.number).count();
        json!({
            "url": url, "repository_url": format!("{}/repos/{full_name}", self.api), "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"), "html_url": html, "id": pull.id,
            "node_id": node_id("PR", pull.id), "number": pull.number, "title": pull.title, "user": self.account(&pull.author), "labels": [],
            "state": if pull.open { "open" } else { "closed" }, "locked": false, "assignee": null, "assignees": [], "milestone": null,
            "comments": comments, "created_at": rfc3339(pull.created), "updated_at": rfc3339(pull.updated), "closed_at": null,
            "author_association": "MEMBER", "active_lock_reason": null, "draft": pull.draft, "body": pull.body,
            "pull_request": {
                "url": format!("{}/repos/{full_name}/pulls/{}", self.api, pull.number), "html_url": html,
                "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "merged_at": null,
            },
            "reactions": {"url": format!("{url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0,
                "heart": 0, "rocket": 0, "eyes": 0},
            "timeline_url": format!("{url}/timeline"), "performed_via_github_app": null, "state_reason": null,
        })
    }
}
