//! A stand-in GitHub with Waypost behind it, both on loopback, and ways to wait for what happens.

use crate::support::contract::Watched;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use waypost::github::{ApiSettings, Issuer};
use waypost::server::{self, Running, Settings};
use waypost::standin::{CheckSeen, CommentSeen, Files, NewPull, Standin, founding};

pub(crate) const REPOSITORY: &str = "acme/edge";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that takes part; gone when dropped.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) github: Watched,
    pub(crate) server: Running,
    folder: std::path::PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl World {
    /// Starts both; `acme/edge` holds these files.
    pub(crate) async fn start(name: &str, base: &Files) -> Self {
        let folder = std::env::temp_dir().join(format!("waypost-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let github = Watched::start().await;
        let key = SecretString::from(github.private_key_pem.clone());
        let secret = SecretString::from(github.webhook_secret.clone());
        let mut settings = Settings::new(Issuer::ClientId(github.client_id.clone()), key, Some(secret));
        settings.listen.set_port(0);
        settings.database_url = format!("sqlite://{}", folder.join("waypost.db").display());
        settings.github = ApiSettings { pace: Duration::from_millis(5), ..ApiSettings::new(&github.api_url) };
        let server = server::start(settings).await.unwrap();
        github.set_webhook_url(&format!("http://{}/webhook", server.address));
        github.create_repository("acme", "edge", base);
        Self { github, server, folder }
    }

    /// Starts both with the founding pull request open; returns its number.
    pub(crate) async fn founding(name: &str) -> (Self, u64) {
        let world = Self::start(name, &founding::base()).await;
        let number = world.open("rack-b-back", &founding::head(), founding::TITLE);
        (world, number)
    }

    /// Opens a pull request with these files.
    pub(crate) fn open(&self, branch: &str, files: &Files, title: &str) -> u64 {
        self.github.push(REPOSITORY, branch, files, title);
        self.github.open_pull_request(REPOSITORY, &NewPull { head: branch, base: "main", title, body: "" })
    }

    /// Waits until `look` finds something.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl FnMut(&Standin) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look(&self.github) {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "{what} did not happen; requests: {:#?}", self.github.requests());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The concluded check on a pull request's head.
    pub(crate) async fn check(&self, number: u64) -> CheckSeen {
        self.until("a concluded check", |github| {
            let head = github.head(REPOSITORY, number);
            github.checks(REPOSITORY, &head).into_iter().rev().find(|check| check.conclusion.is_some())
        })
        .await
    }

    /// The comments, once there are this many.
    pub(crate) async fn comments(&self, number: u64, at_least: usize) -> Vec<CommentSeen> {
        self.until(&format!("comment {at_least}"), |github| {
            let comments = github.comments(REPOSITORY, number);
            (comments.len() >= at_least).then_some(comments)
        })
        .await
    }

    /// Waits until all webhooks are delivered and, as far as one can see from outside, nothing more comes of them.
    pub(crate) async fn settle(&self) {
        let mut quiet_since = Instant::now();
        let mut seen = 0;
        self.until("an end of the work", |github| {
            let now = github.requests().len();
            if now != seen || github.deliveries().iter().any(|delivery| !delivery.done) {
                seen = now;
                quiet_since = Instant::now();
            }
            (quiet_since.elapsed() > Duration::from_millis(700)).then_some(())
        })
        .await;
    }
}
