//! A stand-in GitHub and a server that is its App, for a test.

use super::contract::Watched;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use waypost::github::{ApiSettings, Issuer};
use waypost::server::{Running, Settings, start};
use waypost::standin::{CheckSeen, CommentSeen, File, Files, NewPull, Options};

/// The repository of every test.
pub(crate) const REPOSITORY: &str = "acme/edge";

/// A stand-in, and the folder of a server's database; removed when dropped.
pub(crate) struct Rig {
    pub(crate) standin: Watched,
    folder: PathBuf,
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Returns text files.
pub(crate) fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(path, text)| ((*path).to_owned(), File::from(*text))).collect::<BTreeMap<_, _>>()
}

/// An nginx that forwards everything to one server, at port 8080 of `address`, and an inventory with 10.20.1.11 in it.
pub(crate) fn shop(address: &str) -> Files {
    let config = format!(
        "events {{}}\nhttp {{\n  upstream web_pool {{\n    server {address}:8080;\n  }}\n  server {{\n    listen 80;\n    server_name shop.example.com;\n    location / {{ proxy_pass http://web_pool; }}\n  }}\n}}\n"
    );
    let inventory = "web:\n  hosts:\n    web01: { ansible_host: 10.20.1.11 }\n    web02: { ansible_host: 10.20.1.12 }\n";
    files(&[("nginx/nginx.conf", &config), ("inventory/hosts.yml", inventory), ("README.md", "The edge.\n")])
}

impl Rig {
    /// Starts a stand-in with `acme/edge` in it.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// Starts a stand-in of another kind with `acme/edge` in it.
    pub(crate) async fn with(options: Options) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!("waypost-rig-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&folder).unwrap();
        let standin = Watched::with(options).await;
        standin.create_repository("acme", "edge", &shop("10.20.1.11"));
        Self { standin, folder }
    }

    /// Returns the settings of a server that is the stand-in's App: nothing paced, everything quick.
    pub(crate) fn settings(&self) -> Settings {
        let key = SecretString::from(self.standin.private_key_pem.clone());
        let mut settings = Settings::new(Issuer::ClientId(self.standin.client_id.clone()), key, Some(self.standin.webhook_secret.clone().into()));
        settings.listen = ([127, 0, 0, 1], 0).into();
        settings.database_url = format!("sqlite://{}/waypost.db", self.folder.display());
        settings.github = ApiSettings::new(&self.standin.api_url);
        settings.github.pace = Duration::ZERO;
        settings.github.backoff = Duration::from_millis(5);
        settings.github.unsaid_pause = Duration::from_secs(1);
        settings.retry_delay = Duration::from_millis(20);
        settings.attempts = 6;
        // Tests count requests; those of the reconcilers say so.
        settings.reconcile = None;
        settings
    }

    /// Starts a server with `settings` and has webhooks sent to it.
    pub(crate) async fn serve(&self, settings: Settings) -> Running {
        let running = start(settings).await.unwrap();
        self.standin.set_webhook_url(&format!("http://{}/webhook", running.address));
        running
    }

    /// Pushes `files` to the branch `change` and opens a pull request.
    pub(crate) fn open(&self, files: &Files) -> u64 {
        self.standin.push(REPOSITORY, "change", files, "Change");
        self.standin.open_pull_request(REPOSITORY, &NewPull { head: "change", base: "main", title: "Change", body: "" })
    }

    /// Returns the checks on the head.
    pub(crate) fn checks(&self, number: u64) -> Vec<CheckSeen> {
        self.standin.checks(REPOSITORY, &self.standin.head(REPOSITORY, number))
    }

    /// Waits until the newest check on the head is concluded, and returns it.
    pub(crate) async fn concluded(&self, number: u64) -> CheckSeen {
        self.until("the check to be concluded", || self.checks(number).pop().filter(|check| check.conclusion.is_some())).await
    }

    /// Returns the comments of the App.
    pub(crate) fn ours(&self, number: u64) -> Vec<CommentSeen> {
        self.standin.comments(REPOSITORY, number).into_iter().filter(|comment| comment.author == "waypost[bot]").collect()
    }

    /// Returns the reactions to a comment.
    pub(crate) fn reactions(&self, number: u64, comment: u64) -> Vec<String> {
        let found = self.standin.comments(REPOSITORY, number).into_iter().find(|seen| seen.id == comment);
        found.map(|seen| seen.reactions.into_iter().map(|(content, _)| content).collect()).unwrap_or_default()
    }

    /// Waits for something to be there.
    pub(crate) async fn until<T>(&self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        for _ in 0..1500 {
            if let Some(found) = seen() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let requests: Vec<String> = self.standin.requests().iter().map(|line| format!("{line:?}")).collect();
        panic!("waited in vain for {what}\n{}", requests.join("\n"));
    }

    /// Waits until every delivery has been answered and nothing more is asked of GitHub for a while.
    pub(crate) async fn quiet(&self) {
        let mut last = usize::MAX;
        loop {
            let now = self.standin.requests().len() + self.standin.deliveries().iter().filter(|delivery| !delivery.done).count() * 1_000_000;
            if std::mem::replace(&mut last, now) == now {
                return;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }
}
