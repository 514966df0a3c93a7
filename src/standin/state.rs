//! What the stand-in remembers: repositories with their pull requests, checks and comments, tokens, deliveries. Plain data and look-ups.

use super::objects::{CommitObject, Objects};
use gix::hash::ObjectId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A person or a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The login; a bot's ends in `[bot]`.
    pub(super) login: String,
    /// The numeric id.
    pub(super) id: u64,
    /// `User`, `Bot` or `Organization`.
    pub(super) kind: &'static str,
}

/// A repository.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) owner: Account,
    pub(super) name: String,
    pub(super) default_branch: String,
    pub(super) created: i64,
    /// Branch names without `refs/heads/`.
    pub(super) branches: BTreeMap<String, ObjectId>,
    pub(super) pulls: Vec<Pull>,
    pub(super) comments: Vec<Comment>,
    pub(super) reviews: Vec<Review>,
    pub(super) suites: Vec<Suite>,
    pub(super) runs: Vec<Run>,
    /// The number of the next pull request.
    pub(super) next_number: u64,
    /// Whether the App is installed on it.
    pub(super) installed: bool,
    /// What people may do, by login. Who is not here may write.
    pub(super) roles: BTreeMap<String, String>,
    /// The checks that branches demand.
    pub(super) required: Vec<Required>,
    /// The merge groups of the queue, the first in line first.
    pub(super) queue: Vec<Group>,
}

/// A check that must pass before a merge.
#[derive(Clone, Debug)]
pub(super) struct Required {
    pub(super) branch: String,
    pub(super) context: String,
    /// The App that must have set it; any where `None`.
    pub(super) integration: Option<u64>,
}

/// What the merge queue tries: everything before it in line, and this pull request.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) number: u64,
    /// `gh-readonly-queue/{base}/pr-{number}-{base sha}`.
    pub(super) branch: String,
    pub(super) base_branch: String,
    pub(super) base: ObjectId,
    pub(super) head: ObjectId,
}

impl Repository {
    /// `owner/name`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner.login, self.name)
    }

    pub(super) fn pull(&self, number: u64) -> Option<&Pull> {
        self.pulls.iter().find(|pull| pull.number == number)
    }

    pub(super) fn pull_mut(&mut self, number: u64) -> Option<&mut Pull> {
        self.pulls.iter_mut().find(|pull| pull.number == number)
    }

    /// The newest run of each name on a commit, the oldest first.
    pub(super) fn latest_runs(&self, sha: ObjectId) -> Vec<&Run> {
        let mut names = BTreeSet::new();
        let mut runs: Vec<&Run> = self.runs.iter().rev().filter(|run| run.sha == sha && names.insert(run.name.clone())).collect();
        runs.reverse();
        runs
    }
}

/// A pull request.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) author: Account,
    pub(super) draft: bool,
    pub(super) open: bool,
    pub(super) head_branch: String,
    pub(super) head: ObjectId,
    pub(super) base_branch: String,
    pub(super) base: ObjectId,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Commits that somebody can push with a button of the page.
    pub(super) offers: Vec<Offer>,
    /// Comments that the page suggests to try.
    pub(super) suggestions: Vec<String>,
    /// Where the head branch is, if not in the repository itself.
    pub(super) fork: Option<Fork>,
    /// The commit it was merged as.
    pub(super) merged: Option<ObjectId>,
    pub(super) labels: Vec<String>,
}

/// A fork that a pull request comes from.
#[derive(Clone, Debug)]
pub(super) struct Fork {
    pub(super) id: u64,
    pub(super) owner: Account,
    /// It was deleted; GitHub then says `head.repo: null`.
    pub(super) deleted: bool,
}

/// A push that is prepared as a button.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) label: String,
    pub(super) message: String,
    pub(super) tree: ObjectId,
}

/// A comment in the conversation of a pull request.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) id: u64,
    /// The pull request.
    pub(super) number: u64,
    pub(super) author: Account,
    pub(super) body: String,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Content and who gave it, in the order given.
    pub(super) reactions: Vec<(u64, String, Account)>,
    /// Written through the App.
    pub(super) via_app: bool,
}

/// A review of a pull request with its line comments.
#[derive(Clone, Debug)]
pub(super) struct Review {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) author: Account,
    pub(super) body: String,
    pub(super) state: &'static str,
    pub(super) commit: ObjectId,
    pub(super) submitted: i64,
    pub(super) comments: Vec<ReviewComment>,
}

/// A comment on a line of the diff.
#[derive(Clone, Debug)]
pub(super) struct ReviewComment {
    pub(super) id: u64,
    pub(super) path: String,
    /// `None` for a comment on the whole file.
    pub(super) line: Option<u64>,
    pub(super) start_line: Option<u64>,
    pub(super) side: String,
    pub(super) body: String,
    /// The first comment of the thread, where this one is an answer.
    pub(super) reply_to: Option<u64>,
    /// The part of the diff that is shown with it.
    pub(super) hunk: String,
    pub(super) updated: i64,
    pub(super) reactions: Vec<(u64, String, Account)>,
}

/// The checks of one App on one commit.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    pub(super) id: u64,
    pub(super) sha: ObjectId,
    /// The commit itself, which events show.
    pub(super) commit: CommitObject,
    pub(super) branch: Option<String>,
    pub(super) before: Option<ObjectId>,
    pub(super) created: i64,
    /// Asked for again, and nothing has come since.
    pub(super) rerequested: bool,
}

/// A check run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) suite: u64,
    pub(super) sha: ObjectId,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) external_id: String,
    pub(super) details_url: Option<String>,
    pub(super) started: Option<String>,
    pub(super) completed: Option<String>,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) text: Option<String>,
    /// As they were sent; later ones are appended.
    pub(super) annotations: Vec<Value>,
    pub(super) actions: Vec<Value>,
}

/// An installation access token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Seconds since 1970.
    pub(super) expires: i64,
    /// Repository ids; `None` for all of the installation.
    pub(super) repositories: Option<BTreeSet<u64>>,
    /// Permission to `read` or `write`.
    pub(super) permissions: BTreeMap<String, String>,
}

/// A webhook that was sent, as the App's delivery log has it.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) id: u64,
    pub(super) guid: String,
    pub(super) event: String,
    pub(super) action: Option<String>,
    pub(super) repository: Option<u64>,
    pub(super) body: String,
    pub(super) redelivery: bool,
    pub(super) delivered: i64,
    /// 0 where no answer came.
    pub(super) status: u16,
    pub(super) duration_ms: u64,
    pub(super) answer: String,
    /// The answer (or its absence) is known.
    pub(super) done: bool,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct State {
    /// A recursive listing longer than this is cut off; 100,000 on GitHub.
    pub(super) tree_limit: Option<usize>,
    /// Goes up with everything that can be seen on a page.
    pub(super) version: u64,
    pub(super) last_id: u64,
    pub(super) objects: Objects,
    pub(super) repositories: Vec<Repository>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) webhook_url: Option<String>,
    pub(super) token_lifetime_seconds: i64,
    /// Members by organisation and team.
    pub(super) teams: BTreeMap<(String, String), BTreeSet<String>>,
    /// Old names of repositories, in lower case, and their ids.
    pub(super) moved: BTreeMap<String, u64>,
    /// What the App may do.
    pub(super) permissions: BTreeMap<String, String>,
    /// Tokens have the long shape; with the number of the App.
    pub(super) long_tokens: Option<u64>,
    /// The installation is suspended: no tokens, no events.
    pub(super) suspended: bool,
    /// First comments of threads that are resolved, and who resolved them.
    pub(super) resolved: BTreeMap<u64, Account>,
    /// `resolveReviewThread` is refused, as GitHub does to Apps that may not write contents.
    pub(super) resolving_refused: bool,
    /// Reactions of the App to reviews, which only GraphQL knows.
    pub(super) review_reactions: BTreeMap<u64, Vec<String>>,
    /// Comments that are folded away, by node id, with the reason.
    pub(super) minimized: BTreeMap<String, String>,
}

impl State {
    /// A number that nothing else has.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The account of a login; the same login has the same id always.
    pub(super) fn account(login: &str, kind: &'static str) -> Account {
        let id = login.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 90_000_000) + 1_000_000;
        Account { login: login.to_owned(), id, kind }
    }

    /// The place of `owner/name` in `repositories`. Case does not matter, as on GitHub.
    pub(super) fn find(&self, owner: &str, name: &str) -> Option<usize> {
        self.repositories
            .iter()
            .position(|repository| repository.owner.login.eq_ignore_ascii_case(owner) && repository.name.eq_ignore_ascii_case(name))
    }

    /// Where the repository now is that once had this name.
    pub(super) fn moved_to(&self, owner: &str, name: &str) -> Option<u64> {
        if self.find(owner, name).is_some() {
            return None;
        }
        self.moved.get(&format!("{owner}/{name}").to_ascii_lowercase()).copied()
    }

    pub(super) fn repository(&self, owner: &str, name: &str) -> Option<&Repository> {
        self.find(owner, name).and_then(|at| self.repositories.get(at))
    }

    /// What a name in a URL means: a full commit id, a branch, `owner:branch` or `heads/branch`.
    pub(super) fn resolve(&self, repository: &Repository, name: &str) -> Option<ObjectId> {
        if let Ok(id) = ObjectId::from_hex(name.as_bytes()) {
            return self.objects.commit(id).map(|_| id);
        }
        let branch = name.split_once(':').map_or(name, |(_, branch)| branch);
        let branch = branch.strip_prefix("refs/").unwrap_or(branch);
        let branch = branch.strip_prefix("heads/").unwrap_or(branch);
        repository.branches.get(branch).copied()
    }
}
