//! What is asked of GitHub to find what no delivery told: installations, their repositories, open pull requests, failed deliveries.
//!
//! Pages are asked for by number: the `next` links of GitHub Enterprise Server are absolute, and octocrab follows them without the token.
//! Only the log of deliveries has no page numbers; of its link, nothing but the cursor is used.

use super::api::{Api, RepoApi, parse, reading, writing};
use super::transport::{ApiError, Repeat};
use super::types::{InstallationId, Place, PrNumber, Repo, Sha};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::ops::ControlFlow;

const JSON: &str = "application/vnd.github+json";
const PAGE: usize = 100;
/// As many pages are read at most: 10,000 of anything.
const MAX_PAGES: usize = 100;

/// An installation of the App.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KnownInstallation {
    /// Its number.
    pub id: InstallationId,
    /// When it was suspended; a suspended one cannot be asked anything.
    #[serde(default)]
    pub suspended_at: Option<String>,
}

/// A delivery that the App did not take.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FailedDelivery {
    /// The attempt's number.
    pub id: u64,
    /// `X-GitHub-Delivery`; a redelivery has the same.
    pub guid: String,
    /// When it was sent.
    #[serde(default)]
    pub delivered_at: String,
    /// What GitHub got for an answer; 0 for none.
    #[serde(default)]
    pub status_code: u16,
}

/// An open pull request, as a list shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct OpenPull {
    /// Its number.
    pub number: PrNumber,
    /// Its head.
    pub head: End,
    /// Its base.
    pub base: End,
}

/// See [`OpenPull`].
#[derive(Clone, Debug, Deserialize)]
pub struct End {
    /// The commit.
    pub sha: Sha,
    /// The branch.
    #[serde(default)]
    pub r#ref: String,
}

/// A commit between two others.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupCommit {
    /// Its id.
    pub sha: Sha,
    commit: Message,
    #[serde(default)]
    parents: Vec<Parent>,
}

#[derive(Clone, Debug, Deserialize)]
struct Message {
    #[serde(default)]
    message: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    sha: Sha,
}

impl GroupCommit {
    /// Returns the commit it was put on.
    pub fn parent(&self) -> Option<&Sha> {
        self.parents.first().map(|parent| &parent.sha)
    }

    /// Returns the pull request that GitHub says it is the merge of: `Merge pull request #7 from …`, or `Title (#7)`.
    pub fn pull(&self) -> Option<PrNumber> {
        let title = self.commit.message.lines().next()?;
        let number = match title.strip_prefix("Merge pull request #") {
            Some(rest) => rest.split(|c: char| !c.is_ascii_digit()).next(),
            None => title.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once("(#")).map(|(_, number)| number),
        };
        number?.parse().ok().map(PrNumber)
    }
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
struct Commits {
    commits: Vec<GroupCommit>,
}

impl Api {
    /// Returns the installations of the App.
    ///
    /// # Errors
    /// As any call.
    pub async fn installations(&self) -> Result<Vec<KnownInstallation>, ApiError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let (some, _): (Vec<KnownInstallation>, _) = self.as_app(&format!("/app/installations?per_page={PAGE}&page={page}")).await?;
            if more(&mut all, some).is_break() {
                break;
            }
        }
        Ok(all)
    }

    /// Returns the repositories of an installation that can have checks: not those that are archived or disabled.
    ///
    /// # Errors
    /// As any call; 404 where it is no installation of ours any more.
    pub async fn repositories(&self, installation: InstallationId) -> Result<Vec<Place>, ApiError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let some: Repositories = self.as_installation(installation, &format!("/installation/repositories?per_page={PAGE}&page={page}")).await?;
            if more(&mut all, some.repositories).is_break() {
                break;
            }
        }
        let usable = all.into_iter().filter(|repository| !repository.archived && !repository.disabled);
        Ok(usable
            .filter_map(|repository| Some(Place { installation, repository_id: repository.id, repo: Repo::new(&repository.full_name)? }))
            .collect())
    }

    /// Returns the deliveries in GitHub's log that the App did not take, the newest first: those of the last three days, on GitHub
    /// Enterprise Server of the last seven. At most `MAX_PAGES` pages.
    ///
    /// # Errors
    /// As any call.
    pub async fn failed_deliveries(&self) -> Result<Vec<FailedDelivery>, ApiError> {
        let mut all: Vec<FailedDelivery> = Vec::new();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let path = format!("/app/hook/deliveries?per_page={PAGE}&status=failure{cursor}");
            let (some, link): (Vec<FailedDelivery>, _) = self.as_app(&path).await?;
            // Older servers do not know the filter.
            all.extend(some.into_iter().filter(|delivery| !(200..400).contains(&delivery.status_code)));
            match link.as_deref().and_then(next_of) {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(all)
    }

    /// Has GitHub send a delivery again.
    ///
    /// # Errors
    /// As any call.
    pub async fn redeliver(&self, delivery: &FailedDelivery) -> Result<(), ApiError> {
        let path = format!("/app/hook/deliveries/{}/attempts", delivery.id);
        // A second redelivery has the same id, and is known by then.
        self.send_as_app(&writing(Method::POST, &path, json!({}), Repeat::Harmless)).await.map(drop)
    }

    async fn as_app<T: DeserializeOwned>(&self, path: &str) -> Result<(T, Option<String>), ApiError> {
        let (body, link) = self.send_as_app(&reading(path, JSON)).await?;
        Ok((parse(&format!("GET {path}"), &body)?, link))
    }
}

impl RepoApi {
    /// Returns the open pull requests.
    ///
    /// # Errors
    /// As any call.
    pub async fn open_pulls(&self) -> Result<Vec<OpenPull>, ApiError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let some: Vec<OpenPull> = self.get(&format!("pulls?state=open&per_page={PAGE}&page={page}")).await?;
            if more(&mut all, some).is_break() {
                break;
            }
        }
        Ok(all)
    }

    /// Returns the commits that `head` has and `branch` has not, the oldest first; at most 250.
    ///
    /// # Errors
    /// As any call.
    pub async fn commits_ahead(&self, branch: &str, head: &Sha) -> Result<Vec<GroupCommit>, ApiError> {
        let branch: String = branch.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
        let found: Commits = self.get(&format!("compare/{branch}...{head}")).await?;
        Ok(found.commits)
    }
}

/// Returns whether a byte may stand in a path as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte)
}

/// Adds a page to a list; a page that is not full is the last.
fn more<T>(all: &mut Vec<T>, some: Vec<T>) -> ControlFlow<()> {
    let last = some.len() < PAGE;
    all.extend(some);
    if last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Returns what continues a list after the page whose `Link` header this is: `&cursor=…`, or `&page=…` where there are page numbers.
fn next_of(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let query = next.split_once('<')?.1.split_once('>')?.0.split_once('?')?.1;
    let part = query.split('&').find(|part| part.starts_with("cursor=") || part.starts_with("page="))?;
    Some(format!("&{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_link_only_the_cursor_counts() {
        let link = r#"<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_12077215967&status=failure>; rel="next""#;
        assert_eq!(next_of(link).as_deref(), Some("&cursor=v1_12077215967"));
        assert_eq!(next_of(r#"<https://ghe/x?page=2>; rel="next", <https://ghe/x?page=1>; rel="prev""#).as_deref(), Some("&page=2"));
        assert_eq!(next_of(r#"<https://ghe/x?page=1>; rel="first""#), None);
    }

    #[test]
    fn a_merge_names_its_pull_request() {
        let pull = |message: &str| {
            let commit: GroupCommit = serde_json::from_value(json!({"sha": "a".repeat(40), "commit": {"message": message}})).unwrap();
            commit.pull().map(|number| number.0)
        };
        assert_eq!(pull("Merge pull request #12 from acme/change\n\nBody (#9)"), Some(12));
        assert_eq!(pull("Raise the weight (#34)\n\n* one"), Some(34));
        assert_eq!(pull("Revert \"x (#3)\""), None);
        assert_eq!(pull("x"), None);
    }
}
