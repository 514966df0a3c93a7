//! Repositories.

use super::super::clock::rfc3339;
use super::super::state::{Fork, Repository};
use super::{Shapes, merged, node_id};
use serde_json::{Value, json};

/// The addresses of a repository that only append to its own.
const LINKS: [(&str, &str); 37] = [
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
    ("url", ""),
];

impl Shapes {
    /// A fork of a repository.
    pub(super) fn fork(&self, repository: &Repository, fork: &Fork) -> Value {
        let copy = Repository { id: fork.id, owner: fork.owner.clone(), pulls: Vec::new(), ..repository.clone() };
        merged(self.repository(&copy), json!({"fork": true}))
    }

    /// A `repository`.
    pub(in super::super) fn repository(&self, repository: &Repository) -> Value {
        let full_name = repository.full_name();
        let html_url = format!("{}/{full_name}", self.web);
        let url = format!("{}/repos/{full_name}", self.api);
        let open = repository.pulls.iter().filter(|pull| pull.open).count();
        let time = rfc3339(repository.created);
        let mut links = json!({});
        if let Some(object) = links.as_object_mut() {
            for (key, rest) in LINKS {
                object.insert(key.to_owned(), json!(format!("{url}{rest}")));
            }
        }
        let own = json!({
            "id": repository.id, "node_id": node_id("R", repository.id), "name": repository.name, "full_name": full_name,
            "private": true, "owner": self.account(&repository.owner), "html_url": html_url, "description": null, "fork": false,
            "created_at": time, "updated_at": time, "pushed_at": time,
            "git_url": format!("{html_url}.git"), "ssh_url": format!("{html_url}.git"), "clone_url": format!("{html_url}.git"),
            "svn_url": html_url, "homepage": null, "size": 1, "stargazers_count": 0, "watchers_count": 0, "language": null,
        });
        let settings = json!({
            "has_issues": true, "has_projects": false, "has_downloads": true, "has_wiki": false, "has_pages": false, "has_discussions": false,
            "forks_count": 0, "mirror_url": null, "archived": false, "disabled": false, "open_issues_count": open, "license": null,
            "allow_forking": false, "is_template": false, "web_commit_signoff_required": false, "topics": [], "visibility": "private",
            "forks": 0, "open_issues": open, "watchers": 0, "default_branch": repository.default_branch, "custom_properties": {},
        });
        merged(merged(own, links), settings)
    }
}
