//! The calls we make, each a method. What they return is `types`.

use super::auth::AppKey;
use super::transport::{ApiError, ApiSettings, Call, Counters, GRAPHQL, Repeat, Transport};
use super::types::{
    App, BranchRule, CheckRun, CheckRunId, CheckRuns, Collaborator, Comment, CommentId, CommentKind, CommentRef, Commit, Compare, Installation,
    InstallationId, LineCommentId, LineSaid, Membership, Place, PrNumber, Pull, PullRef, PullState, Reaction, Sha, Tree,
};
use crate::store::now_ms;
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";
/// A token is replaced this long before it ends.
const TOKEN_MARGIN_MS: i64 = 5 * 60 * 1000;
/// Comments are read in pages of this many, at most this many pages.
const PAGE: usize = 100;
const MAX_PAGES: usize = 30;
const REACT: &str =
    "mutation($id: ID!, $content: ReactionContent!) { addReaction(input: {subjectId: $id, content: $content}) { reaction { content } } }";
/// Stands for all repositories of an installation; GitHub numbers from 1.
const ALL_REPOSITORIES: u64 = 0;

/// GitHub, as the App.
#[derive(Clone, Debug)]
pub struct Api {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    key: AppKey,
    app: OnceCell<App>,
    tokens: Mutex<BTreeMap<(InstallationId, u64, Scope), Token>>,
}

/// What a token is for. Who is in a team is asked only where a repository's settings name teams, and not every App may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Usual,
    Members,
}

#[derive(Clone, Debug)]
struct Token {
    secret: SecretString,
    expires_ms: i64,
}

/// GraphQL answers 200 also where it refuses.
#[derive(Deserialize)]
struct GraphAnswer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<GraphError>,
}

#[derive(Deserialize)]
struct GraphError {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: String,
    expires_at: String,
}

impl Api {
    /// Returns the GitHub of `settings`, for the App of `key`.
    ///
    /// # Errors
    /// When the URL is none, or the machine has no TLS roots; in words.
    pub fn new(settings: ApiSettings, key: AppKey) -> Result<Self, String> {
        let shared = Shared { transport: Transport::new(settings)?, key, app: OnceCell::new(), tokens: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the counters of all requests.
    pub fn counters(&self) -> &Counters {
        &self.shared.transport.counters
    }

    /// Returns the App we are; asked once.
    ///
    /// # Errors
    /// As any call.
    pub async fn app(&self) -> Result<App, ApiError> {
        self.shared.app.get_or_try_init(|| self.get_as_app("/app")).await.cloned()
    }

    /// Returns the calls on one repository, which count their requests together.
    pub fn at(&self, place: &Place) -> RepoApi {
        RepoApi { api: self.clone(), place: place.clone(), requests: Arc::default() }
    }

    /// Sends a call as the App itself. Returns the answer's body and its `Link` header.
    pub(super) async fn send_as_app(&self, call: &Call<'_>) -> Result<(Vec<u8>, Option<String>), ApiError> {
        self.shared.transport.send_linked(call, &self.shared.key.proof(now_ms())?).await
    }

    /// Returns what an installation has been allowed.
    ///
    /// # Errors
    /// As any call.
    pub(crate) async fn installation(&self, id: InstallationId) -> Result<Installation, ApiError> {
        self.get_as_app(&format!("/app/installations/{}", id.0)).await
    }

    async fn get_as_app<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let call = reading(path, JSON);
        read(&call, &self.send_as_app(&call).await?.0)
    }

    /// Reads something of an installation that is no single repository's.
    pub(super) async fn as_installation<T: DeserializeOwned>(&self, installation: InstallationId, path: &str) -> Result<T, ApiError> {
        let call = reading(path, JSON);
        let body = json!({"permissions": {"metadata": "read"}});
        let key = (installation, ALL_REPOSITORIES, Scope::Usual);
        let transport = &self.shared.transport;
        let answer = match transport.send(&call, &self.token_for(key, &body).await?).await {
            Err(error) if error.status() == Some(401) => {
                self.forget_token((installation, ALL_REPOSITORIES));
                transport.send(&call, &self.token_for(key, &body).await?).await
            }
            other => other,
        }?;
        read(&call, &answer)
    }

    /// Returns a token for one repository and no more than we need there.
    async fn token(&self, place: &Place, scope: Scope) -> Result<SecretString, ApiError> {
        let body = json!({
            "repository_ids": [place.repository_id],
            "permissions": match scope {
                Scope::Usual => json!({"checks": "write", "contents": "read", "metadata": "read", "pull_requests": "write"}),
                Scope::Members => json!({"members": "read"}),
            },
        });
        self.token_for((place.installation, place.repository_id, scope), &body).await
    }

    async fn token_for(&self, key: (InstallationId, u64, Scope), body: &Value) -> Result<SecretString, ApiError> {
        let known = self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(token) = known.filter(|token| token.expires_ms - TOKEN_MARGIN_MS > now_ms()) {
            return Ok(token.secret);
        }
        let path = format!("/app/installations/{}/access_tokens", key.0.0);
        // Two tokens are no harm, so this POST may be repeated; it is not paced, for it writes nothing that is seen.
        let call = writing(Method::POST, &path, body.clone(), Repeat::Harmless);
        let answer: TokenAnswer = read(&call, &self.shared.transport.send(&call, &self.shared.key.proof(now_ms())?).await?)?;
        let expires: jiff::Timestamp = answer
            .expires_at
            .parse()
            .map_err(|error: jiff::Error| ApiError::Unreadable { call: format!("POST {path}"), cause: error.to_string() })?;
        let secret = SecretString::from(answer.token);
        let token = Token { secret: secret.clone(), expires_ms: expires.as_millisecond() };
        let mut tokens = self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires_ms > now_ms());
        tokens.insert(key, token);
        Ok(secret)
    }

    /// Forgets the tokens of one repository.
    fn forget_token(&self, of: (InstallationId, u64)) {
        let mut tokens = self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|(installation, repository, _), _| (*installation, *repository) != of);
    }

    /// Forgets all tokens of an installation: what it may do has changed.
    pub fn forget_tokens(&self, installation: InstallationId) {
        self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _, _), _| *of != installation);
    }
}

/// The calls on one repository.
#[derive(Clone, Debug)]
pub struct RepoApi {
    api: Api,
    place: Place,
    requests: Arc<AtomicU64>,
}

impl RepoApi {
    /// Returns where this is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the App we are.
    ///
    /// # Errors
    /// As any call.
    pub async fn app(&self) -> Result<App, ApiError> {
        self.api.app().await
    }

    /// Returns how many requests these calls made, repetitions not counted.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the App that this installation is of.
    pub(crate) fn as_app(&self) -> &Api {
        &self.api
    }

    /// Returns what `login` may do here. A name that could not stand in a URL may do nothing.
    pub(crate) async fn collaborator(&self, login: &str) -> Result<Collaborator, ApiError> {
        if !is_name(login) {
            return Ok(Collaborator::default());
        }
        match self.get(&format!("collaborators/{login}/permission")).await {
            // Nobody here.
            Err(error) if error.status() == Some(404) => Ok(Collaborator::default()),
            other => other,
        }
    }

    /// Returns whether `login` is in a team of the repository's owner.
    pub(crate) async fn is_in_team(&self, team: &str, login: &str) -> Result<bool, ApiError> {
        if !is_name(team) || !is_name(login) {
            return Ok(false);
        }
        let path = format!("/orgs/{}/teams/{team}/memberships/{login}", self.place.repo.owner());
        let call = Call { installation: Some(self.place.installation), ..reading(&path, JSON) };
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.api.shared.transport.send(&call, &self.api.token(&self.place, Scope::Members).await?).await {
            Ok(body) => read::<Membership>(&call, &body).map(|membership| membership.state == "active"),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the rules that hold for a branch, whoever made them.
    pub(crate) async fn branch_rules(&self, branch: &str) -> Result<Vec<BranchRule>, ApiError> {
        self.get(&format!("rules/branches/{}?per_page={PAGE}", crate::report::percent_encoded(branch).replace('/', "%2F"))).await
    }

    /// Returns a pull request.
    pub(crate) async fn pull(&self, number: PrNumber) -> Result<Pull, ApiError> {
        self.get(&format!("pulls/{}", number.0)).await
    }

    /// Returns what `base` and `head` have in common.
    pub(crate) async fn compare(&self, base: &Sha, head: &Sha) -> Result<Compare, ApiError> {
        self.get(&format!("compare/{base}...{head}?per_page=1")).await
    }

    /// Returns a commit.
    pub(crate) async fn commit(&self, sha: &Sha) -> Result<Commit, ApiError> {
        self.get(&format!("git/commits/{sha}")).await
    }

    /// Returns the names in a tree, or in the tree of a commit.
    pub(crate) async fn tree(&self, sha: &Sha, recursive: bool) -> Result<Tree, ApiError> {
        self.get(&format!("git/trees/{sha}{}", if recursive { "?recursive=1" } else { "" })).await
    }

    /// Returns the content of a file.
    pub(crate) async fn blob(&self, sha: &Sha) -> Result<Vec<u8>, ApiError> {
        self.send(reading(&format!("git/blobs/{sha}"), RAW)).await.map(|(_, body)| body)
    }

    /// Returns the open pull requests whose head is `sha`. GitHub finds those of forks only in the list of all that are open.
    pub(crate) async fn pulls_of(&self, sha: &Sha) -> Result<Vec<PrNumber>, ApiError> {
        let open = |pull: &PullRef| pull.state == PullState::Open;
        match self.get::<Vec<PullRef>>(&format!("commits/{sha}/pulls?per_page={PAGE}")).await {
            Ok(pulls) if pulls.iter().any(open) => return Ok(pulls.into_iter().filter(open).map(|pull| pull.number).collect()),
            Ok(_) => {}
            // The commit is in no branch of the repository itself.
            Err(error) if matches!(error.status(), Some(404 | 422)) => {}
            Err(error) => return Err(error),
        }
        for page in 1..=MAX_PAGES {
            let pulls: Vec<PullRef> = self.get(&format!("pulls?state=open&sort=updated&direction=desc&per_page={PAGE}&page={page}")).await?;
            let last = pulls.len() < PAGE;
            let of_head = |pull: &PullRef| open(pull) && pull.head.as_ref().is_some_and(|head| head.sha == *sha);
            let found: Vec<PrNumber> = pulls.into_iter().filter(of_head).map(|pull| pull.number).collect();
            if last || !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Returns our check runs on a commit, finished ones too.
    pub(crate) async fn check_runs(&self, sha: &Sha, name: &str) -> Result<Vec<CheckRun>, ApiError> {
        let page: CheckRuns = self.get(&format!("commits/{sha}/check-runs?check_name={name}&filter=all&per_page={PAGE}")).await?;
        Ok(page.check_runs)
    }

    /// Makes a check run.
    pub(crate) async fn create_check_run(&self, body: Value) -> Result<CheckRun, ApiError> {
        self.write(Method::POST, "check-runs", body, Repeat::LookFirst).await
    }

    /// Changes a check run. With annotations it adds them, so that is not repeated.
    pub(crate) async fn update_check_run(&self, id: CheckRunId, body: Value) -> Result<CheckRun, ApiError> {
        let adds = body.pointer("/output/annotations").is_some();
        self.write(Method::PATCH, &format!("check-runs/{}", id.0), body, if adds { Repeat::LookFirst } else { Repeat::Harmless }).await
    }

    /// Returns the first comment of a pull request that `wanted` says yes to.
    pub(crate) async fn find_comment(&self, number: PrNumber, wanted: impl Fn(&Comment) -> bool + Send) -> Result<Option<Comment>, ApiError> {
        // Page numbers of our own: the `next` links of GitHub Enterprise Server are absolute, and octocrab follows them without the token.
        for page in 1..=MAX_PAGES {
            let comments: Vec<Comment> = self.get(&format!("issues/{}/comments?per_page={PAGE}&page={page}", number.0)).await?;
            let last = comments.len() < PAGE;
            if let Some(found) = comments.into_iter().find(|comment| wanted(comment)) {
                return Ok(Some(found));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    /// Adds a comment.
    pub(crate) async fn create_comment(&self, number: PrNumber, body: &str) -> Result<Comment, ApiError> {
        self.write(Method::POST, &format!("issues/{}/comments", number.0), json!({"body": body}), Repeat::LookFirst).await
    }

    /// Changes a comment.
    pub(crate) async fn update_comment(&self, id: CommentId, body: &str) -> Result<Comment, ApiError> {
        self.write(Method::PATCH, &format!("issues/comments/{}", id.0), json!({"body": body}), Repeat::Harmless).await
    }

    /// Returns the comments on lines of a pull request.
    pub(crate) async fn line_comments(&self, number: PrNumber) -> Result<Vec<LineSaid>, ApiError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let comments: Vec<LineSaid> = self.get(&format!("pulls/{}/comments?per_page={PAGE}&page={page}", number.0)).await?;
            let last = comments.len() < PAGE;
            all.extend(comments);
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// Adds a review with comments on lines.
    pub(crate) async fn create_review(&self, number: PrNumber, body: Value) -> Result<(), ApiError> {
        self.send(writing(Method::POST, &format!("pulls/{}/reviews", number.0), body, Repeat::LookFirst)).await.map(|_| ())
    }

    /// Adds one comment to the diff: on a line, or on a whole file.
    pub(crate) async fn create_line_comment(&self, number: PrNumber, body: Value) -> Result<(), ApiError> {
        self.send(writing(Method::POST, &format!("pulls/{}/comments", number.0), body, Repeat::LookFirst)).await.map(|_| ())
    }

    /// Changes a comment on a line.
    pub(crate) async fn update_line_comment(&self, id: LineCommentId, body: &str) -> Result<(), ApiError> {
        let path = format!("pulls/comments/{}", id.0);
        self.send(writing(Method::PATCH, &path, json!({"body": body}), Repeat::Harmless)).await.map(|_| ())
    }

    /// Asks in GraphQL and returns the data. `only_reads` is not paced. Both kinds of ours may be asked twice.
    pub(crate) async fn graphql(&self, query: &str, variables: Value, only_reads: bool) -> Result<Value, ApiError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let installation = (!only_reads).then_some(self.place.installation);
        let call = Call { installation, ..writing(Method::POST, GRAPHQL, json!({"query": query, "variables": variables}), Repeat::Harmless) };
        let answer: GraphAnswer = read(&call, &self.send_renewing(&call).await?)?;
        match answer.errors.first() {
            None => Ok(answer.data),
            Some(error) => Err(self.api.shared.transport.graph_error(&error.r#type, &error.message)),
        }
    }

    /// Reacts to a comment; the same reaction twice is one. Returns whether the comment is still there, where that is told.
    pub(crate) async fn react(&self, to: &CommentRef, content: Reaction) -> Result<bool, ApiError> {
        let path = match to.kind {
            CommentKind::Conversation => format!("issues/comments/{}/reactions", to.id.0),
            CommentKind::Line => format!("pulls/comments/{}/reactions", to.id.0),
            CommentKind::Review => return self.react_to_node(to.node.as_deref(), content).await,
        };
        match self.send(writing(Method::POST, &path, json!({"content": content.word()}), Repeat::Harmless)).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reacts to the words of a review, to which REST has no reactions.
    async fn react_to_node(&self, node: Option<&str>, content: Reaction) -> Result<bool, ApiError> {
        let Some(node) = node else { return Ok(true) };
        self.graphql(REACT, json!({"id": node, "content": content.word().to_ascii_uppercase()}), false).await?;
        Ok(true)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let (call, body) = self.send(reading(path, JSON)).await?;
        parse(&call, &body)
    }

    async fn write<T: DeserializeOwned>(&self, method: Method, path: &str, body: Value, repeat: Repeat) -> Result<T, ApiError> {
        let (call, answer) = self.send(writing(method, path, body, repeat)).await?;
        parse(&call, &answer)
    }

    /// Sends one call on the repository.
    async fn send(&self, call: Call<'_>) -> Result<(String, Vec<u8>), ApiError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let rest = call.path;
        let path = format!("/repos/{}/{rest}", self.place.repo);
        let name = format!("{} {path}", call.method);
        let call = Call { path: &path, installation: Some(self.place.installation), ..call };
        match self.send_renewing(&call).await {
            // GitHub sends on what is meant for a repository's old name or owner, and no client sends a body on. The number stays the same.
            Err(error) if matches!(error.status(), Some(301 | 302 | 307 | 308)) => {
                let moved = format!("/repositories/{}/{rest}", self.place.repository_id);
                Ok((name, self.send_renewing(&Call { path: &moved, ..call }).await?))
            }
            answer => Ok((name, answer?)),
        }
    }

    /// Sends a call; a token that GitHub no longer knows is replaced once.
    async fn send_renewing(&self, call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
        let transport = &self.api.shared.transport;
        match transport.send(call, &self.api.token(&self.place, Scope::Usual).await?).await {
            Err(error) if error.status() == Some(401) => {
                self.api.forget_token((self.place.installation, self.place.repository_id));
                transport.send(call, &self.api.token(&self.place, Scope::Usual).await?).await
            }
            other => other,
        }
    }

    /// Returns whether the App may see the repository no longer: uninstalled, suspended, or deleted.
    pub(crate) async fn is_gone(&self) -> bool {
        let path = format!("/repos/{}", self.place.repo);
        let call = Call { installation: Some(self.place.installation), ..reading(&path, JSON) };
        matches!(self.send_renewing(&call).await, Err(error) if matches!(error.status(), Some(401 | 403 | 404 | 422)))
    }
}

/// Returns whether `text` can be a login or a team's short name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

pub(super) fn reading<'a>(path: &'a str, accept: &'a str) -> Call<'a> {
    Call { method: Method::GET, path, accept, body: None, repeat: Repeat::Harmless, installation: None }
}

pub(super) fn writing(method: Method, path: &str, body: Value, repeat: Repeat) -> Call<'_> {
    Call { method, path, accept: JSON, body: Some(body), repeat, installation: None }
}

fn read<T: DeserializeOwned>(call: &Call<'_>, body: &[u8]) -> Result<T, ApiError> {
    parse(&format!("{} {}", call.method, call.path), body)
}

pub(super) fn parse<T: DeserializeOwned>(call: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Unreadable { call: call.to_owned(), cause: error.to_string() })
}
