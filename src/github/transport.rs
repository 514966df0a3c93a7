//! One request to GitHub: sent by octocrab, bounded in time and size, paced, counted, repeated by our own rules.
//!
//! octocrab's own retries are off: they repeat a POST that may have taken effect. Here only what can be repeated without harm is
//! ([`Repeat::Harmless`]); after any other write that ended in doubt the caller is told so ([`ApiError::InDoubt`]) and looks first.

use super::auth::BadKey;
use super::pace::{Pace, Worth};
use super::types::InstallationId;
use crate::store::now_ms;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tower_http::follow_redirect::FollowRedirectLayer;

/// The version of GitHub's REST API that we were written for.
const API_VERSION: &str = "2022-11-28";
/// The path of everything in GraphQL.
pub(super) const GRAPHQL: &str = "/graphql";
/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// The longest wait inside a request; whatever GitHub wants beyond is for the queue.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// How GitHub is talked to.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// `https://api.github.com`, `https://ghe.example.com/api/v3`.
    pub url: String,
    /// Between two writes of one installation. GitHub asks for a second. Zero, for a GitHub that is none, keeps no other limit either.
    pub pace: Duration,
    /// For one request, answer included.
    pub timeout: Duration,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// Before the first repetition; doubled for each further one.
    pub backoff: Duration,
    /// How long GitHub is left alone when it asks for a pause and does not say for how long. It says itself: at least a minute.
    pub unsaid_pause: Duration,
}

impl ApiSettings {
    /// Returns the settings for the GitHub at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            pace: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            attempts: 4,
            backoff: Duration::from_millis(500),
            unsaid_pause: Duration::from_mins(1),
        }
    }
}

/// Why GitHub did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// No answer, and nothing happened.
    #[error("GitHub at {url} cannot be reached: {cause}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        cause: String,
    },
    /// No good answer, and it is not known whether the write took effect.
    #[error("GitHub gave no answer to {call}, which may have taken effect: {cause}")]
    InDoubt {
        /// `POST /repos/…`.
        call: String,
        /// Why.
        cause: String,
    },
    /// GitHub said no.
    #[error("GitHub answered {call} with {status}: {message}")]
    Refused {
        /// `POST /repos/…`.
        call: String,
        /// The status.
        status: u16,
        /// In GitHub's words, shortened.
        message: String,
    },
    /// Too many requests.
    #[error("GitHub asks for a pause before the next request")]
    Paused {
        /// Not before this, in milliseconds since 1970.
        until_ms: i64,
    },
    /// The answer is not what its documentation says, or too long.
    #[error("GitHub's answer to {call} cannot be read: {cause}")]
    Unreadable {
        /// `GET /repos/…`.
        call: String,
        /// Why.
        cause: String,
    },
    /// The private key cannot sign.
    #[error("the App's private key cannot be used: {0}")]
    Key(#[from] BadKey),
}

impl ApiError {
    /// Returns the status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::InDoubt { .. } | Self::Paused { .. } | Self::Unreadable { .. } | Self::Key(_) => None,
        }
    }

    /// Returns whether the same may work later, with nobody changing anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::InDoubt { .. } | Self::Paused { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429 || *status == 401,
            Self::Unreadable { .. } | Self::Key(_) => false,
        }
    }
}

/// Whether a request may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// The second does nothing that the first did not.
    Harmless,
    /// The second would add something: look first.
    LookFirst,
}

/// One request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// From the base URL on, query included.
    pub(super) path: &'a str,
    pub(super) accept: &'a str,
    pub(super) body: Option<serde_json::Value>,
    pub(super) repeat: Repeat,
    /// Whose pace a write keeps.
    pub(super) installation: Option<InstallationId>,
}

/// How many requests were sent.
#[derive(Debug, Default)]
pub struct Counters {
    /// All of them.
    pub requests: AtomicU64,
    /// Those sent again.
    pub repeated: AtomicU64,
    /// Those GitHub answered with "too many".
    pub limited: AtomicU64,
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Transport {
    crab: Octocrab,
    graph: Octocrab,
    settings: ApiSettings,
    pub(super) counters: Arc<Counters>,
    /// The writes of each installation, counted from `start`.
    paces: Mutex<BTreeMap<InstallationId, Pace>>,
    start: Instant,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

/// What one attempt came to.
enum Attempt {
    /// The status, the body, the `Link` header.
    Answer(StatusCode, Vec<u8>, Option<String>),
    /// Nothing has happened; may be sent again after this long.
    NotDone(ApiError, Option<Duration>),
    /// It may have happened.
    Doubt(String),
}

impl Transport {
    /// Returns a transport to the GitHub of `settings`.
    ///
    /// # Errors
    /// When the URL is none, or the machine has no TLS roots; in words.
    pub(super) fn new(settings: ApiSettings) -> Result<Self, String> {
        let crab = client(&settings.url, settings.timeout)?;
        // On GitHub Enterprise Server GraphQL is `/api/graphql` beside `/api/v3`, and the client puts its base before every path.
        let graph = match settings.url.strip_suffix("/v3") {
            Some(before) => client(before, settings.timeout)?,
            None => crab.clone(),
        };
        Ok(Self { crab, graph, settings, counters: Arc::default(), paces: Mutex::default(), start: Instant::now() })
    }

    /// Sends `call` until it is answered or repeating it is hopeless or harmful. Returns the body of a good answer.
    pub(super) async fn send(&self, call: &Call<'_>, bearer: &SecretString) -> Result<Vec<u8>, ApiError> {
        self.send_linked(call, bearer).await.map(|(body, _)| body)
    }

    /// As [`Transport::send`], with the `Link` header.
    pub(super) async fn send_linked(&self, call: &Call<'_>, bearer: &SecretString) -> Result<(Vec<u8>, Option<String>), ApiError> {
        let mut wait = self.settings.backoff;
        let mut last = None;
        for attempt in 0..self.settings.attempts.max(1) {
            if attempt > 0 {
                self.counters.repeated.fetch_add(1, Ordering::Relaxed);
            }
            if let (false, Some(installation)) = (call.method == Method::GET, call.installation) {
                let worth = if call.path.contains("/check-runs") { Worth::Check } else { Worth::Words };
                self.turn(installation, worth).await?;
            }
            let (error, pause) = match self.attempt(call, bearer).await {
                Attempt::Answer(status, body, link) if status.is_success() => return Ok((body, link)),
                Attempt::Answer(status, body, _) => return Err(refused(call, status, &body)),
                Attempt::NotDone(error, pause) => (error, pause),
                Attempt::Doubt(cause) if call.repeat == Repeat::LookFirst => return Err(ApiError::InDoubt { call: name(call), cause }),
                Attempt::Doubt(cause) => (ApiError::Unreachable { url: self.settings.url.clone(), cause }, None),
            };
            if pause.is_some_and(|pause| pause > MAX_WAIT) {
                return Err(error);
            }
            tokio::time::sleep(pause.unwrap_or_else(|| jittered(wait))).await;
            wait = wait.saturating_mul(2);
            last = Some(error);
        }
        Err(last.unwrap_or(ApiError::Unreachable { url: self.settings.url.clone(), cause: "no attempt was made".to_owned() }))
    }

    /// Sends `call` once.
    async fn attempt(&self, call: &Call<'_>, bearer: &SecretString) -> Attempt {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let Ok(mut authorization) = HeaderValue::try_from(format!("Bearer {}", bearer.expose_secret())) else {
            return Attempt::NotDone(ApiError::Key(BadKey), Some(Duration::MAX));
        };
        // Then no library below writes it into a log.
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(call.method.clone())
            .uri(call.path)
            .header("accept", call.accept)
            .header("authorization", authorization)
            .header("user-agent", concat!("waypost/", env!("CARGO_PKG_VERSION")))
            .header("x-github-api-version", API_VERSION)
            .header("content-type", "application/json")
            .body(call.body.as_ref().map(ToString::to_string).unwrap_or_default());
        let request = match request {
            Ok(request) => request,
            Err(error) => return Attempt::NotDone(ApiError::Unreadable { call: name(call), cause: error.to_string() }, Some(Duration::MAX)),
        };
        let exchange = async {
            let crab = if call.path == GRAPHQL { &self.graph } else { &self.crab };
            let answer = crab.execute(request).await.map_err(|error| (is_refused_connection(&error), root_cause(&error)))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| (false, error.to_string()))?;
            Ok::<_, (bool, String)>((parts.status, parts.headers, body.to_bytes().to_vec()))
        };
        match tokio::time::timeout(self.settings.timeout, exchange).await {
            Ok(Ok((status, headers, body))) => self.judge(status, &headers, body),
            Ok(Err((true, cause))) => Attempt::NotDone(ApiError::Unreachable { url: self.settings.url.clone(), cause }, None),
            Ok(Err((false, cause))) => Attempt::Doubt(cause),
            Err(_) => Attempt::Doubt(format!("nothing came within {} s", self.settings.timeout.as_secs_f32())),
        }
    }

    /// Tells an answer from a request to come again later.
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Attempt {
        let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<i64>().ok());
        let exhausted = number("x-ratelimit-remaining") == Some(0);
        let secondary = || String::from_utf8_lossy(&body).to_ascii_lowercase().contains("secondary rate limit");
        let limited = status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::FORBIDDEN && (number("retry-after").is_some() || exhausted || secondary()));
        if limited {
            self.counters.limited.fetch_add(1, Ordering::Relaxed);
            let until_reset = || number("x-ratelimit-reset").filter(|_| exhausted).map(|reset_s| reset_s - now_ms() / 1000 + 1);
            let unsaid = i64::try_from(self.settings.unsaid_pause.as_secs()).unwrap_or(60);
            let seconds = number("retry-after").or_else(until_reset).unwrap_or(unsaid).clamp(0, 3600);
            let error = ApiError::Paused { until_ms: now_ms() + seconds * 1000 };
            return Attempt::NotDone(error, Some(Duration::from_secs(seconds.unsigned_abs())));
        }
        if status.is_server_error() {
            return Attempt::Doubt(format!("it answered {status}"));
        }
        let link = headers.get("link").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Attempt::Answer(status, body, link)
    }

    /// Returns what GraphQL says in an answer with 200.
    pub(super) fn graph_error(&self, kind: &str, message: &str) -> ApiError {
        let call = format!("POST {GRAPHQL}");
        if kind == "RATE_LIMITED" || message.to_ascii_lowercase().contains("rate limit") {
            self.counters.limited.fetch_add(1, Ordering::Relaxed);
            let pause_ms = i64::try_from(self.settings.unsaid_pause.as_millis()).unwrap_or(60_000);
            return ApiError::Paused { until_ms: now_ms().saturating_add(pause_ms) };
        }
        // Refusals have a type; without one it is GitHub that could not.
        if kind.is_empty() && message.starts_with("Something went wrong") {
            return ApiError::InDoubt { call, cause: message.chars().take(300).collect() };
        }
        ApiError::Refused { call, status: 200, message: message.chars().take(300).collect() }
    }

    /// Waits until this installation may write; says so where that is long.
    async fn turn(&self, installation: InstallationId, worth: Worth) -> Result<(), ApiError> {
        if self.settings.pace.is_zero() {
            return Ok(());
        }
        let now = self.start.elapsed();
        let taken = {
            let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
            paces.entry(installation).or_default().take(now, worth, self.settings.pace, MAX_WAIT)
        };
        match taken {
            Ok(when) => {
                tokio::time::sleep_until(self.start + when).await;
                Ok(())
            }
            Err(when) => {
                let wait_ms = i64::try_from(when.saturating_sub(now).as_millis()).unwrap_or(i64::MAX);
                Err(ApiError::Paused { until_ms: now_ms().saturating_add(wait_ms) })
            }
        }
    }
}

fn client(url: &str, timeout: Duration) -> Result<Octocrab, String> {
    let base: Uri = url.parse().map_err(|error| format!("it is not a URL: {error}"))?;
    let connect = Duration::from_secs(10).min(timeout);
    if base.scheme_str() == Some("http") { Ok(without_tls(base, connect)) } else { with_tls(base, connect) }
}

/// Returns a client that knows no certificates, so that one on this machine or network is reached where none are installed.
fn without_tls(base: Uri, connect: Duration) -> Octocrab {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(connect));
    let client = Client::builder(TokioExecutor::new()).build::<_, OctoBody>(connector);
    let built = OctocrabBuilder::new_empty()
        .with_service(client)
        .with_layer(&FollowRedirectLayer::new())
        .with_layer(&BaseUriLayer::new(base))
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(crab) => crab,
        Err(never) => match never {},
    }
}

/// Returns a client that believes the certificates of this machine.
fn with_tls(base: Uri, connect: Duration) -> Result<Octocrab, String> {
    let builder = Octocrab::builder().base_uri(base).map_err(|error| format!("it is not a URL: {}", root_cause(&error)))?;
    builder.add_retry_config(RetryConfig::None).set_connect_timeout(Some(connect)).build().map_err(|error| root_cause(&error))
}

fn name(call: &Call<'_>) -> String {
    format!("{} {}", call.method, call.path.split_once('?').map_or(call.path, |(path, _)| path))
}

fn refused(call: &Call<'_>, status: StatusCode, body: &[u8]) -> ApiError {
    let said = serde_json::from_slice::<Refusal>(body).unwrap_or(Refusal { message: String::new(), errors: Vec::new() });
    let mut message = said.message;
    for error in said.errors.iter().take(3) {
        message.push_str("; ");
        message.push_str(&error.get("message").and_then(serde_json::Value::as_str).map_or_else(|| error.to_string(), str::to_owned));
    }
    ApiError::Refused { call: name(call), status: status.as_u16(), message: message.chars().take(500).collect() }
}

/// Returns the innermost cause, which says most.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Returns whether nobody was there to hear the request.
fn is_refused_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Returns `wait` plus up to a quarter, so that several workers do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait + wait / 4 * u32::try_from(now_ms().rem_euclid(16)).unwrap_or(0) / 16
}
