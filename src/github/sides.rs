//! The trees a pull request is about.

use super::api::RepoApi;
use super::revert::{Reverts, reverts};
use super::transport::ApiError;
use super::tree::{Remote, TreeError, Trees};
use super::types::{Pull, Sha};

/// Base, head and what a rollback should restore.
#[derive(Debug)]
pub struct Sides {
    /// Where the branch left its base: what the pull request changes is seen from there, not from what others have merged since.
    pub base: Remote,
    /// That commit.
    pub base_sha: Sha,
    /// The head.
    pub head: Remote,
    /// Where the pull request says it reverts something: the tree before that.
    pub known_good: Option<Remote>,
}

impl Sides {
    /// Lists the trees of `pull`.
    ///
    /// # Errors
    /// When GitHub does not give them.
    pub async fn of(api: &RepoApi, trees: &Trees, pull: &Pull) -> Result<Self, TreeError> {
        let compare = api.compare(&pull.base.sha, &pull.head.sha).await?;
        let base = trees.snapshot(&compare.merge_base_commit.commit.tree.sha).await?;
        let head = trees.snapshot(&pull.head.sha).await?;
        let known_good = match known_good(api, pull).await {
            Ok(Some(sha)) => Some(trees.snapshot(&sha).await?),
            Ok(None) => None,
            // What is reverted is not there (any more): the review goes on without.
            Err(error) if matches!(error.status(), Some(404 | 409 | 422)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { base, base_sha: compare.merge_base_commit.sha, head, known_good })
    }

    /// Returns all trees.
    pub fn all(&self) -> Vec<Remote> {
        [Some(&self.base), Some(&self.head), self.known_good.as_ref()].into_iter().flatten().cloned().collect()
    }
}

/// Returns the commit before what `pull` says it reverts. For a pull request that was merged by rebasing several commits, GitHub
/// names only the last one, and this is the state before that one.
async fn known_good(api: &RepoApi, pull: &Pull) -> Result<Option<Sha>, ApiError> {
    let body = pull.body.as_deref().unwrap_or_default();
    let commit = match reverts(&api.place().repo, &pull.title, body) {
        None => return Ok(None),
        Some(Reverts::Commit(sha)) => Some(sha),
        Some(Reverts::Pull(number)) => {
            let reverted = api.pull(number).await?;
            reverted.merge_commit_sha.filter(|_| reverted.merged_at.is_some())
        }
    };
    match commit {
        Some(sha) => Ok(api.commit(&sha).await?.parents.into_iter().next().map(|parent| parent.sha)),
        None => Ok(None),
    }
}
