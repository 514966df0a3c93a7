//! A stand-in GitHub, in memory: for the tests and for `waypost demo`.
//!
//! It speaks GitHub's REST API on one loopback port, shows pull requests as web pages on another, and sends signed webhooks to the App. Its
//! git objects have git's own ids. It is strict where GitHub is: a request that GitHub refuses is refused here, in the same words.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "the stand-in is a server: it has a clock")]

mod actions;
mod api;
mod auth;
mod clock;
mod diff;
mod error;
mod faults;
pub mod founding;
mod graphql;
mod handle;
mod hub;
mod merge;
mod objects;
mod page;
mod people;
mod record;
mod seen;
mod settings;
mod shape;
mod state;
mod webhooks;

pub use faults::{Fault, Moment, RequestLine};
pub use handle::{CheckSeen, CommentSeen, DeliverySeen, NewPull, Standin};
pub use objects::{File, Files, Stamp};
pub use record::Exchange;
pub use seen::LineSeen;

use auth::Keys;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hub::Hub;
use record::Record;
use shape::{Identity, Shapes};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// How the stand-in starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the web pages; 0 for any that is free.
    pub web_port: u16,
    /// How long installation tokens live, in seconds. An hour on GitHub.
    pub token_lifetime_seconds: i64,
    /// Who may write as the App: its name in comments is `{slug}[bot]`.
    pub slug: String,
    /// A GitHub Enterprise Server: the API is below `/api/v3`.
    pub enterprise: bool,
    /// All requests and answers are kept whole, for who holds them against GitHub's description.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { web_port: 0, token_lifetime_seconds: 3600, slug: "waypost".to_owned(), enterprise: false, record: false }
    }
}

/// Why the stand-in did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port is taken, or loopback is not there.
    #[error("cannot listen on 127.0.0.1:{port}: {cause}")]
    Listen {
        /// The port that was wanted; 0 for any.
        port: u16,
        /// What the system says.
        cause: std::io::Error,
    },
    /// No key pair could be made.
    #[error("cannot make a key pair for the App: the system has no randomness to give")]
    Keys,
}

/// Something that happened, for who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A branch moved.
    Pushed {
        /// The branch.
        branch: String,
        /// Its new tip.
        sha: String,
    },
    /// A webhook was sent.
    Delivered {
        /// `X-GitHub-Event`.
        event: String,
        /// The action within the event.
        action: Option<String>,
        /// The login of who caused it; empty for a ping.
        sender: String,
        /// `X-GitHub-Delivery`.
        guid: String,
        /// What the App answered; 0 for nothing within ten seconds.
        status: u16,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A check run was created or concluded.
    Check {
        /// The run.
        id: u64,
        /// The name.
        name: String,
        /// The commit.
        sha: String,
        /// `queued`, `in_progress` or `completed`.
        status: String,
        /// With `completed`.
        conclusion: Option<String>,
        /// The headline of its output.
        title: Option<String>,
    },
    /// A comment was written.
    CommentCreated {
        /// Its id.
        id: u64,
        /// Who wrote it.
        by: String,
    },
    /// A comment was changed.
    CommentUpdated {
        /// Its id.
        id: u64,
        /// Who changed it.
        by: String,
    },
    /// Somebody reacted to a comment.
    Reaction {
        /// The comment.
        comment: u64,
        /// The reaction.
        content: String,
    },
}

/// Starts a stand-in on loopback. It runs until the last handle is dropped.
///
/// # Errors
/// [`StartError`].
pub async fn start(options: Options) -> Result<Standin, StartError> {
    let keys = tokio::task::spawn_blocking(Keys::generate).await.ok().flatten().ok_or(StartError::Keys)?;
    let (api, api_address) = listen(0).await?;
    let (web, web_address) = listen(options.web_port).await?;
    let identity = Identity {
        app_id: 812_004,
        client_id: "Iv23liStandIn0000001".to_owned(),
        name: "Waypost".to_owned(),
        slug: options.slug,
        installation_id: 51_001,
    };
    let prefix = if options.enterprise { "/api/v3" } else { "" };
    let shapes = Shapes { api: format!("http://{api_address}{prefix}"), web: format!("http://{web_address}"), identity };
    let record = Record::new(options.record);
    let (queue, deliveries) = mpsc::unbounded_channel();
    let secrets = (keys, clock::random_hex::<20>(), format!("ghp_{}", clock::random_hex::<18>()));
    let hub = Arc::new(Hub::new((shapes, record), secrets, (options.token_lifetime_seconds, options.enterprise), queue));
    let tasks = vec![
        tokio::spawn(serve(api, guarded(api::router(&hub)))),
        tokio::spawn(serve(web, guarded(page::router(&hub)))),
        tokio::spawn(webhooks::send_all(Arc::clone(&hub), deliveries)),
    ];
    Ok(Standin::new(hub, tasks))
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let cannot = |cause| StartError::Listen { port, cause };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

async fn serve(listener: TcpListener, router: Router) {
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the stand-in stopped listening");
    }
}

fn guarded(router: Router) -> Router {
    router.layer(axum::middleware::from_fn(loopback_only))
}

/// Refuses requests under another name than this machine's own, so that a web page elsewhere cannot reach in by pointing its name at 127.0.0.1,
/// and requests that a page of another origin sends.
async fn loopback_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "this server answers on this machine's own address only\n").into_response()
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_loopback);
    is_loopback(header(header::HOST).unwrap_or_default()) && header(header::ORIGIN).is_none_or(own_origin)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["127.0.0.1:8080", "localhost:1", "localhost", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.com", "127.0.0.1.example.com:80", "localhost.example.com", "10.0.0.1:80"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
