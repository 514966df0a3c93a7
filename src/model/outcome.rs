//! What a request gets.

use super::table::{Label, Step};
use super::{PoolId, Value};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The end of a request's way. The kinds are those of the review JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what their names and types say; units are in the variants' docs")]
pub enum Outcome {
    /// Goes to a pool.
    Forward(Box<Forward>),
    /// Is sent elsewhere by the proxy itself. `location` may be relative to the request.
    Redirect { status: u16, location: Value, label: Label },
    /// Is answered by the proxy itself with a status below 400, or with a body.
    Respond { status: u16, label: Label },
    /// Is served from files below `root`. A file that is not there gives 404, which is not modelled further.
    Files { root: Value, label: Label },
    /// Is refused with a status of 400 or more.
    Reject { status: u16, label: Label },
    /// The connection is closed without an answer (nginx `return 444`).
    Close { label: Label },
    /// Nothing serves it.
    None,
    /// Cannot be read from the configuration.
    Opaque { reason: Arc<str>, label: Label },
}

/// Everything that decides what becomes of a forwarded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Who gets it.
    pub target: Target,
    /// What the upstream is asked for.
    pub uri: UpstreamUri,
    /// `http`, `https`, `fastcgi`, `uwsgi`, `grpc`…, in lower case.
    pub protocol: Arc<str>,
    /// Whether another member is tried.
    pub retry: Retry,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// What happens instead of passing on certain statuses (nginx `error_page` with errors made by the proxy itself or intercepted ones).
    pub on_status: Vec<StatusHandler>,
    /// The deciding line.
    pub label: Label,
}

/// Who gets a forwarded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A pool of the gateway.
    Pool(PoolId),
    /// The authority (`host[:port]`) is computed: looked up among the declared pools' names first, then taken as an address with `default_port`.
    Computed {
        /// The authority at request time.
        authority: Value,
        /// Used when the authority has no port.
        default_port: u16,
        /// A name that is no pool can be resolved at run time (nginx `resolver`); if not, it is an error for the client.
        resolvable: bool,
    },
}

/// What the upstream is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamUri {
    /// The target as the client sent it; when the path was rewritten, the rewritten path, encoded again, with the query.
    AsReceived,
    /// The first `prefix` bytes of the path are replaced by `with`, the rest encoded again; the query follows.
    ReplacePrefix {
        /// What the path begins with here.
        prefix: Arc<str>,
        /// What it becomes.
        with: Arc<str>,
    },
    /// Exactly this.
    Exact(Value),
}

/// Whether and when another member is tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retry {
    /// A member that cannot be connected to is passed over for the next one: a dead member means delay, not errors.
    pub on_connect_failure: bool,
    /// The most members tried, `None` for every member once.
    pub attempts: Option<u32>,
}

/// How long is waited, in milliseconds; `None` is not set and not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeouts {
    /// To connect.
    pub connect_ms: Option<u64>,
    /// Between two reads of the answer.
    pub read_ms: Option<u64>,
    /// Between two writes of the request.
    pub send_ms: Option<u64>,
    /// In the queue for a member with a free connection.
    pub queue_ms: Option<u64>,
    /// The lines that say so.
    pub lines: TimeoutLines,
}

/// The line of each of the [`Timeouts`], `None` where the proxy's own default holds. Places do not count: two of these always compare equal.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "named as the timeouts are")]
pub struct TimeoutLines {
    pub connect: Option<Label>,
    pub read: Option<Label>,
    pub send: Option<Label>,
    pub queue: Option<Label>,
}

impl PartialEq for TimeoutLines {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for TimeoutLines {}

impl PartialOrd for TimeoutLines {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TimeoutLines {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for TimeoutLines {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// What happens instead of passing on certain statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusHandler {
    /// The statuses, sorted.
    pub statuses: Vec<u16>,
    /// The handler also sees statuses that the upstream answered, not only those the proxy made itself.
    pub from_upstream: bool,
    /// Where the request goes then.
    pub step: Step,
    /// The line.
    pub label: Label,
}
