//! GitHub's nouns, as types that cannot be mixed up, and those fields of its answers that we read.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An installation of the App.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstallationId(pub u64);

/// The number of a pull request in its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PrNumber(pub u64);

/// The number of a comment, unique on its GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommentId(pub u64);

/// Where a comment stands. Numbers of one kind say nothing of those of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommentKind {
    /// In the conversation.
    #[default]
    Conversation,
    /// On a line of the diff.
    Line,
    /// The words of a review.
    Review,
}

/// A comment, and how to react to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommentRef {
    /// Where it stands.
    pub kind: CommentKind,
    /// Its number.
    pub id: CommentId,
    /// Its name in GraphQL, where it was told.
    #[serde(default)]
    pub node: Option<String>,
}

/// What we react with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// 👀: it is seen.
    Eyes,
    /// 🚀: it is done.
    Rocket,
    /// 😕: it is not done.
    Confused,
}

impl Reaction {
    /// Returns REST's word; GraphQL has the same in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Eyes => "eyes",
            Self::Rocket => "rocket",
            Self::Confused => "confused",
        }
    }
}

/// The number of a check run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckRunId(pub u64);

/// The id of a git object: 40 or 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha(String);

impl Sha {
    /// Returns `text` as an object id, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let whole = text.len() == 40 || text.len() == 64;
        (whole && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns all its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the seven digits people use.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Sha {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text).ok_or_else(|| format!("`{text}` is not the id of a git object"))
    }
}

impl From<Sha> for String {
    fn from(sha: Sha) -> Self {
        sha.0
    }
}

/// A repository: `owner/name`, both safe to stand in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repo {
    owner: String,
    name: String,
}

impl Repo {
    /// Returns the repository called `owner/name`; `None` when that is not a name GitHub gives.
    pub fn new(full_name: &str) -> Option<Self> {
        let (owner, name) = full_name.split_once('/')?;
        let safe = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        (safe(owner) && safe(name)).then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Returns the owner.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns the name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl TryFrom<String> for Repo {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text).ok_or_else(|| format!("`{text}` is not the name of a repository"))
    }
}

impl From<Repo> for String {
    fn from(repo: Repo) -> Self {
        repo.to_string()
    }
}

/// Where something is: an installation and a repository, by name for URLs and by number for what must survive a rename.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The installation whose token may act there.
    pub installation: InstallationId,
    /// The repository's number.
    pub repository_id: u64,
    /// The repository's name.
    pub repo: Repo,
}

/// The App we are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// Its name in URLs; its comments are by `slug[bot]`.
    #[serde(default)]
    pub slug: String,
    /// What it asks to be allowed.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// What it asks to hear of.
    #[serde(default)]
    pub events: Vec<String>,
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Pull {
    /// `open` or `closed`.
    pub state: String,
    /// One line.
    #[serde(default)]
    pub title: String,
    /// `None` where the author wrote nothing.
    #[serde(default)]
    pub body: Option<String>,
    /// What is to be merged.
    pub head: PullEnd,
    /// Into what.
    pub base: PullEnd,
    /// The commit it was merged as, once it is.
    #[serde(default)]
    pub merge_commit_sha: Option<Sha>,
    /// When it was merged.
    #[serde(default)]
    pub merged_at: Option<String>,
    /// The page.
    #[serde(default)]
    pub html_url: Option<String>,
    /// Who opened it; `None` when the account is gone.
    #[serde(default)]
    pub user: Option<User>,
}

/// One end of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct PullEnd {
    /// The commit.
    pub sha: Sha,
    /// The branch.
    #[serde(default)]
    pub r#ref: String,
}

/// A commit.
#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    /// Its tree.
    pub tree: ShaOf,
    /// Its parents; the first is the branch it was merged into.
    #[serde(default)]
    pub parents: Vec<ShaOf>,
}

/// An object that is named by its id.
#[derive(Clone, Debug, Deserialize)]
pub struct ShaOf {
    /// The id.
    pub sha: Sha,
}

/// What two commits have in common.
#[derive(Clone, Debug, Deserialize)]
pub struct Compare {
    /// The commit both go back to.
    pub merge_base_commit: MergeBase,
}

/// A commit as the comparison shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct MergeBase {
    /// Its id.
    pub sha: Sha,
    /// The rest.
    pub commit: MergeBaseCommit,
}

/// See [`MergeBase`].
#[derive(Clone, Debug, Deserialize)]
pub struct MergeBaseCommit {
    /// Its tree.
    pub tree: ShaOf,
}

/// The names in a tree.
#[derive(Clone, Debug, Deserialize)]
pub struct Tree {
    /// The names; with `recursive`, of everything below.
    pub tree: Vec<TreeEntry>,
    /// GitHub left some out.
    #[serde(default)]
    pub truncated: bool,
}

/// A name in a tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TreeEntry {
    /// From the root of the tree that was asked for.
    pub path: String,
    /// `100644`, `100755`, `120000` (a link), `160000` (a submodule), `040000` (a directory).
    pub mode: String,
    /// The object.
    pub sha: Sha,
    /// In bytes; of files only.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A check run, as much as we need to find ours again.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckRun {
    /// Its number.
    pub id: CheckRunId,
    /// What we called it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// `queued`, `in_progress` or `completed`.
    #[serde(default)]
    pub status: String,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// What it shows.
    #[serde(default)]
    pub output: Option<CheckRunOutput>,
}

/// See [`CheckRun`].
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct CheckRunOutput {
    /// How many annotations have arrived.
    #[serde(default)]
    pub annotations_count: u64,
}

/// A page of check runs.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckRuns {
    /// The newest first.
    pub check_runs: Vec<CheckRun>,
}

/// A comment on a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: CommentId,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// Its author; `None` when the account is gone.
    #[serde(default)]
    pub user: Option<User>,
    /// The App it was written through.
    #[serde(default)]
    pub performed_via_github_app: Option<AppId>,
}

impl Comment {
    /// Returns whether `app` wrote it.
    pub fn is_by(&self, app: &App) -> bool {
        if let Some(via) = &self.performed_via_github_app {
            return via.id == app.id && self.user.as_ref().is_none_or(User::is_bot);
        }
        self.user.as_ref().is_some_and(|user| user.is_bot() && user.login == format!("{}[bot]", app.slug))
    }
}

/// The number of a comment on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineCommentId(pub u64);

/// A comment on a line of the diff.
#[derive(Clone, Debug, Deserialize)]
pub struct LineSaid {
    /// Its number.
    pub id: LineCommentId,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// Its author; `None` when the account is gone.
    #[serde(default)]
    pub user: Option<User>,
    /// The first comment of the thread, where this is not the first.
    #[serde(default)]
    pub in_reply_to_id: Option<LineCommentId>,
}

impl LineSaid {
    /// Returns whether `app` wrote it. GitHub does not say through which App a comment on a line was written, but whose bot it was.
    pub fn is_by(&self, app: &App) -> bool {
        self.user.as_ref().is_some_and(|user| user.is_bot() && user.login == format!("{}[bot]", app.slug))
    }
}

/// An App, where only its number is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct AppId {
    /// Its number.
    pub id: u64,
}

/// What an installation has been allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Installation {
    /// Permission to `read` or `write`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// What it hears of.
    #[serde(default)]
    pub events: Vec<String>,
}

/// What somebody may do in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Collaborator {
    /// The role as it is called now, which may be one the organisation has made.
    #[serde(default)]
    pub role_name: String,
    /// The older word, which knows only `admin`, `write`, `read` and `none`.
    #[serde(default)]
    pub permission: String,
    /// Whose it is.
    #[serde(default)]
    pub user: Option<User>,
}

/// Whether somebody is in a team.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Membership {
    /// `active`, or `pending` until an invitation is accepted.
    pub state: String,
}

/// A rule of a branch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BranchRule {
    /// `required_status_checks`, `merge_queue`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says, by kind.
    #[serde(default)]
    pub parameters: serde_json::Value,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its number.
    pub id: u64,
    /// Its name.
    #[serde(default)]
    pub login: String,
    /// `User`, `Bot` or `Organization`.
    #[serde(default, rename = "type")]
    pub kind: String,
}

impl User {
    /// Returns whether no person is behind it.
    pub fn is_bot(&self) -> bool {
        self.kind == "Bot"
    }
}

/// A pull request, where only its number is told.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRef {
    /// Its number.
    pub number: PrNumber,
    /// Whether it is open, where that is told.
    #[serde(default)]
    pub state: PullState,
    /// What is to be merged, where that is told.
    #[serde(default)]
    pub head: Option<PullEnd>,
}

/// Whether a pull request is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullState {
    /// It is, or that is not told.
    #[default]
    Open,
    /// It is not.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_change_the_url_is_no_repository() {
        for bad in ["acme", "acme/", "acme/../x", "acme/a?b", "acme/..", "a b/c", "acme/a%2f"] {
            assert_eq!(Repo::new(bad), None, "{bad}");
        }
        assert_eq!(Repo::new("acme/edge.conf_1-x").unwrap().to_string(), "acme/edge.conf_1-x");
    }
}
