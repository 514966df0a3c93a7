//! What the server is told, resolved: no flag, file or environment variable is read here.

use crate::github::{ApiSettings, Issuer};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::time::Duration;

/// How a server runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `sqlite://waypost.db`.
    pub database_url: String,
    /// How GitHub is talked to.
    pub github: ApiSettings,
    /// The App's name in its proofs.
    pub issuer: Issuer,
    /// The App's private key, in PEM.
    pub private_key: SecretString,
    /// Where the key was found, for messages: "the file `waypost.pem`".
    pub private_key_origin: String,
    /// The webhook's secret, or several with commas between; the server does not start without.
    pub webhook_secret: Option<SecretString>,
    /// Where people reach this server; the check links there.
    pub public_url: Option<String>,
    /// Jobs worked on at the same time. 0 only takes deliveries in.
    pub workers: usize,
    /// For how long a job is a worker's before others may take it; renewed three times in that.
    pub lease: Duration,
    /// For one review's computing.
    pub review_limit: Duration,
    /// Before the first repetition of a job; doubled for each further one.
    pub retry_delay: Duration,
    /// How often a job is tried. With the pauses in between, the default holds out for about an hour: GitHub has had such days.
    pub attempts: u32,
    /// How long running jobs may go on when the server is asked to stop.
    pub grace: Duration,
    /// A check in progress for longer than this is concluded, whatever became of its job.
    pub stuck_after: Duration,
    /// How often what no delivery told is looked for; `None` for never.
    pub reconcile: Option<Reconcile>,
}

/// How often what no delivery told is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// Deliveries that GitHub could not hand over.
    pub deliveries: Duration,
    /// Installations that came and went, and open pull requests whose head has no concluded check.
    pub pulls: Duration,
    /// Checks that were left in progress.
    pub runs: Duration,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self { deliveries: Duration::from_mins(5), pulls: Duration::from_mins(15), runs: Duration::from_mins(1) }
    }
}

impl Settings {
    /// Returns the settings with everything at its default but what has none.
    pub fn new(issuer: Issuer, private_key: SecretString, webhook_secret: Option<SecretString>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: "sqlite://waypost.db".to_owned(),
            github: ApiSettings::new("https://api.github.com"),
            issuer,
            private_key,
            private_key_origin: "the setting WAYPOST_GITHUB_PRIVATE_KEY".to_owned(),
            webhook_secret,
            public_url: None,
            workers: 4,
            lease: Duration::from_secs(30),
            review_limit: Duration::from_mins(2),
            retry_delay: Duration::from_secs(2),
            attempts: 13,
            grace: Duration::from_secs(20),
            stuck_after: Duration::from_mins(15),
            reconcile: Some(Reconcile::default()),
        }
    }
}
