//! Commits, trees, blobs and comparisons.

use super::super::clock::rfc3339;
use super::super::diff::{ChangedFile, changed_files};
use super::super::objects::CommitObject;
use super::super::state::{Repository, State};
use super::{Shapes, node_id};
use gix::hash::ObjectId;
use serde_json::{Value, json};

/// As many files as a comparison lists.
const COMPARE_FILES: usize = 300;

impl Shapes {
    fn stamp(commit: &CommitObject) -> Value {
        json!({"name": commit.stamp.name, "email": commit.stamp.email, "date": rfc3339(commit.stamp.seconds)})
    }

    fn parents(&self, full_name: &str, commit: &CommitObject, part: &str) -> Vec<Value> {
        let parent = |id: &ObjectId| {
            json!({
                "sha": id.to_string(), "url": format!("{}/repos/{full_name}/{part}/{id}", self.api),
                "html_url": format!("{}/{full_name}/commit/{id}", self.web),
            })
        };
        commit.parents.iter().map(parent).collect()
    }

    /// A `git-commit`.
    pub(in super::super) fn git_commit(&self, full_name: &str, id: ObjectId, commit: &CommitObject) -> Value {
        json!({
            "sha": id.to_string(), "node_id": format!("C_{id}"), "url": format!("{}/repos/{full_name}/git/commits/{id}", self.api),
            "html_url": format!("{}/{full_name}/commit/{id}", self.web), "author": Self::stamp(commit), "committer": Self::stamp(commit),
            "tree": {"sha": commit.tree.to_string(), "url": format!("{}/repos/{full_name}/git/trees/{}", self.api, commit.tree)},
            "message": commit.message, "parents": self.parents(full_name, commit, "git/commits"),
            "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
        })
    }

    /// A `commit`.
    pub(in super::super) fn commit(&self, full_name: &str, id: ObjectId, commit: &CommitObject) -> Value {
        let url = format!("{}/repos/{full_name}/commits/{id}", self.api);
        let account = self.account(&State::account(&commit.stamp.name, "User"));
        json!({
            "sha": id.to_string(), "node_id": format!("C_{id}"), "url": url, "html_url": format!("{}/{full_name}/commit/{id}", self.web),
            "comments_url": format!("{url}/comments"), "author": account, "committer": account,
            "parents": self.parents(full_name, commit, "commits"),
            "commit": {
                "author": Self::stamp(commit), "committer": Self::stamp(commit), "message": commit.message, "comment_count": 0,
                "tree": {"sha": commit.tree.to_string(), "url": format!("{}/repos/{full_name}/git/trees/{}", self.api, commit.tree)},
                "url": format!("{}/repos/{full_name}/git/commits/{id}", self.api),
                "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
            },
        })
    }

    /// A `simple-commit`.
    pub(in super::super) fn simple_commit(id: ObjectId, commit: &CommitObject) -> Value {
        let who = json!({"name": commit.stamp.name, "email": commit.stamp.email});
        json!({
            "id": id.to_string(), "tree_id": commit.tree.to_string(), "message": commit.message, "timestamp": rfc3339(commit.stamp.seconds),
            "author": who, "committer": who,
        })
    }

    /// The commit of a `push` event.
    pub(in super::super) fn pushed_commit(&self, full_name: &str, id: ObjectId, commit: &CommitObject) -> Value {
        let who = json!({"name": commit.stamp.name, "email": commit.stamp.email, "username": commit.stamp.name});
        json!({
            "id": id.to_string(), "tree_id": commit.tree.to_string(), "distinct": true, "message": commit.message,
            "timestamp": rfc3339(commit.stamp.seconds), "url": format!("{}/{full_name}/commit/{id}", self.web),
            "author": who, "committer": who, "added": [], "removed": [], "modified": [],
        })
    }

    /// A `diff-entry`.
    pub(in super::super) fn diff_entry(&self, full_name: &str, head: ObjectId, file: &ChangedFile) -> Value {
        let path = &file.path;
        let mut entry = json!({
            "sha": file.blob.to_string(), "filename": path, "status": file.status, "additions": file.additions, "deletions": file.deletions,
            "changes": file.additions + file.deletions, "blob_url": format!("{}/{full_name}/blob/{head}/{path}", self.web),
            "raw_url": format!("{}/{full_name}/raw/{head}/{path}", self.web),
            "contents_url": format!("{}/repos/{full_name}/contents/{path}?ref={head}", self.api),
        });
        if let Some(object) = entry.as_object_mut() {
            if let Some(patch) = file.patch().filter(|patch| !patch.is_empty()) {
                object.insert("patch".to_owned(), json!(patch));
            }
            if let Some(was) = &file.was {
                object.insert("previous_filename".to_owned(), json!(was));
            }
        }
        entry
    }

    /// A `git-tree`; `None` where there is none.
    pub(in super::super) fn tree(&self, state: &State, full_name: &str, id: ObjectId, recursive: bool) -> Option<Value> {
        let git = format!("{}/repos/{full_name}/git", self.api);
        let entries = state.objects.list(id, recursive)?.into_iter().map(|entry| {
            let part = if entry.kind == "tree" { "trees" } else { "blobs" };
            let mut out = json!({"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.id.to_string()});
            if let Some(object) = out.as_object_mut() {
                if let Some(size) = entry.size {
                    object.insert("size".to_owned(), json!(size));
                }
                object.insert("url".to_owned(), json!(format!("{git}/{part}/{}", entry.id)));
            }
            out
        });
        let entries: Vec<Value> = entries.collect();
        let sha = state.objects.commit(id).map_or(id, |commit| commit.tree);
        Some(json!({"sha": sha.to_string(), "url": format!("{git}/trees/{sha}"), "tree": entries, "truncated": false}))
    }

    /// A `commit-comparison`; `None` for unrelated histories, which GitHub answers with 404.
    pub(in super::super) fn comparison(
        &self,
        state: &State,
        repository: &Repository,
        (base, head): (ObjectId, ObjectId),
        page: &dyn Fn(Vec<Value>) -> Vec<Value>,
    ) -> Option<Value> {
        let full_name = repository.full_name();
        let merge_base = state.objects.merge_base(base, head)?;
        let before: Vec<ObjectId> = state.objects.ancestors(base);
        let after: Vec<ObjectId> = state.objects.ancestors(head);
        let mut ahead: Vec<ObjectId> = after.iter().copied().filter(|id| !before.contains(id)).collect();
        ahead.reverse();
        let behind = before.iter().filter(|id| !after.contains(id)).count();
        let status = match (ahead.is_empty(), behind) {
            (true, 0) => "identical",
            (false, 0) => "ahead",
            (true, _) => "behind",
            (false, _) => "diverged",
        };
        let commit = |id: ObjectId| state.objects.commit(id).map(|commit| self.commit(&full_name, id, commit));
        let commits = page(ahead.iter().filter_map(|id| commit(*id)).collect());
        let files = changed_files(&state.objects, merge_base, head);
        let files: Vec<Value> = files.iter().take(COMPARE_FILES).map(|file| self.diff_entry(&full_name, head, file)).collect();
        let url = format!("{}/repos/{full_name}/compare/{base}...{head}", self.api);
        let html_url = format!("{}/{full_name}/compare/{base}...{head}", self.web);
        Some(json!({
            "url": url, "html_url": html_url, "permalink_url": html_url, "diff_url": format!("{html_url}.diff"),
            "patch_url": format!("{html_url}.patch"), "base_commit": commit(base), "merge_base_commit": commit(merge_base),
            "status": status, "ahead_by": ahead.len(), "behind_by": behind, "total_commits": ahead.len(), "commits": commits, "files": files,
        }))
    }

    /// A `git-ref`.
    pub(in super::super) fn git_ref(&self, full_name: &str, branch: &str, id: ObjectId) -> Value {
        json!({
            "ref": format!("refs/heads/{branch}"), "node_id": node_id("REF", 1),
            "url": format!("{}/repos/{full_name}/git/refs/heads/{branch}", self.api),
            "object": {"sha": id.to_string(), "type": "commit", "url": format!("{}/repos/{full_name}/git/commits/{id}", self.api)},
        })
    }
}
