//! Where a request ends, with everything resolved: the `outcome`, `was` and `now` of the JSON.

use schemars::JsonSchema;
use serde::Serialize;

/// Where a request ends. Serialised as it stands in the review and in traces.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Destination {
    /// Goes to a pool.
    Forward {
        /// The pool's configured name, or the address.
        pool: String,
        /// Who gets it, in file order; backups, down and drained members have a share of 0 while active ones can serve.
        servers: Vec<ServerShare>,
        /// What the upstream is asked for: path and query.
        upstream_uri: String,
        /// The fraction of these requests that gets an error, counting retries, ejection and error handlers; 0..=1. Members whose state is unknown count as serving.
        #[serde(skip)]
        broken_share: f64,
        /// Everything else that decides what becomes of the request (protocol, balancing, retries, timeouts, limits), in a normal form without names:
        /// two forwards with equal members and equal behaviour are the same whatever their pools are called.
        #[serde(skip)]
        behaviour: String,
    },
    /// Is sent elsewhere by the proxy.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// The `Location`, absolute where the proxy makes it so.
        location: String,
    },
    /// Is answered by the proxy.
    Respond {
        /// The status.
        status: u16,
    },
    /// Is served from files.
    Files {
        /// The directory.
        root: String,
    },
    /// Is refused.
    Reject {
        /// The status.
        status: u16,
    },
    /// The connection is closed without an answer.
    Close,
    /// No configuration serves it.
    None,
    /// Cannot be read.
    Opaque {
        /// Why.
        reason: String,
        /// What it can be, and when, where that is known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alternatives: Vec<Alternative>,
    },
}

/// How [`Destination::Forward`]'s behaviour begins after the protocol where a failed request is not tried elsewhere.
pub(super) const NO_RETRY: &str = "no other server is tried";

impl Destination {
    /// Returns whether a request that one server fails is given to the next one; `false` for everything but forwards.
    pub fn retried(&self) -> bool {
        let Self::Forward { behaviour, .. } = self else { return false };
        behaviour.split_once(", ").is_none_or(|(_, rest)| !rest.starts_with(NO_RETRY))
    }
}

/// One way an opaque destination can turn out.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alternative {
    /// What must hold, in words: `the file /srv/www/a.css exists`, `there is no such file`.
    pub when: String,
    /// Where the request ends then.
    pub outcome: Box<Destination>,
}

/// A server and its part of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServerShare {
    /// `10.20.1.11:8080`.
    pub address: String,
    /// The fraction of the requests it is chosen for first, 0..=1.
    pub share: f64,
    /// Whether it is there.
    pub state: ServerState,
}

/// Whether a server can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// An inventory has it.
    Ok,
    /// An inventory that speaks for its range does not have it.
    Missing,
    /// No inventory speaks for it.
    Unknown,
    /// Configured down.
    Down,
    /// Configured to get no new requests.
    Drained,
}

impl Destination {
    /// Returns the fraction of the requests that gets an error instead of an answer: of a forward its own, of an opaque destination that of its worst
    /// alternative, 0 of everything else.
    pub fn broken_share(&self) -> f64 {
        match self {
            Self::Forward { broken_share, .. } => *broken_share,
            Self::Opaque { alternatives, .. } => alternatives.iter().map(|one| one.outcome.broken_share()).fold(0.0, f64::max),
            Self::Redirect { .. } | Self::Respond { .. } | Self::Files { .. } | Self::Reject { .. } | Self::Close | Self::None => 0.0,
        }
    }
}
