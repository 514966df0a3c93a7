//! The trees a pull request is about.

use super::api::RepoApi;
use super::transport::ApiError;
use super::tree::{Remote, TreeError, Trees};
use super::types::{PrNumber, Pull, Repo, Sha};
use crate::snapshot::{Undoes, undoes};

/// Of more commits than this that one pull request undoes, the others are not asked for.
const MAX_UNDONE: usize = 10;

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

/// Returns the commit before what `pull` says it undoes. For a pull request that was merged by rebasing several commits, GitHub
/// names only the last one, and this is the state before that one.
async fn known_good(api: &RepoApi, pull: &Pull) -> Result<Option<Sha>, ApiError> {
    let body = pull.body.as_deref().unwrap_or_default();
    let commit = match undoes(&pull.title, body) {
        Some(Undoes::Commits(ids)) => first_undone(api, &ids).await?,
        Some(Undoes::Pull { repository, number }) if is_here(repository.as_deref(), &api.place().repo) => {
            let reverted = api.pull(PrNumber(number)).await?;
            reverted.merge_commit_sha.filter(|_| reverted.merged_at.is_some())
        }
        // A subject is looked for by the command line, which has the history; GitHub would have to be asked for it page by page.
        Some(Undoes::Pull { .. } | Undoes::Subject(_)) | None => None,
    };
    match commit {
        Some(sha) => Ok(api.commit(&sha).await?.parents.into_iter().next().map(|parent| parent.sha)),
        None => Ok(None),
    }
}

/// Returns the oldest of the commits with these ids: the state before it is the one that is restored. `git revert` of several commits
/// writes the newest first. Abbreviated ids are left out: GitHub's git API takes whole ones only.
async fn first_undone(api: &RepoApi, ids: &[String]) -> Result<Option<Sha>, ApiError> {
    let mut oldest: Option<Sha> = None;
    for next in ids.iter().filter_map(|id| Sha::new(id)).take(MAX_UNDONE) {
        oldest = match oldest {
            Some(oldest) if api.compare(&oldest, &next).await?.merge_base_commit.sha != next => Some(oldest),
            Some(_) | None => Some(next),
        };
    }
    Ok(oldest)
}

fn is_here(named: Option<&str>, repo: &Repo) -> bool {
    named.is_none_or(|named| named.eq_ignore_ascii_case(&repo.to_string()))
}
