//! Pools: sets of members with their balancing.

use super::table::Label;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The index of a pool in [`super::Gateway::pools`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(pub usize);

/// A set of members. Two pools are equal when their members and behaviour are, whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The configured name, or the address itself for a pool that is only an address (`proxy_pass http://10.0.0.1:8080`).
    pub name: Arc<str>,
    /// Whether the configuration declares it (an `upstream` block); `false` for a bare address.
    pub declared: bool,
    /// In file order.
    pub members: Vec<Member>,
    /// How a member is chosen.
    pub balancing: Balancing,
    /// The active probe, if any.
    pub health_check: Option<HealthCheck>,
    /// All backups serve together once no active member can, instead of the first that lives (HAProxy `option allbackups`; nginx always).
    pub backups_together: bool,
    /// What keeps a client with its member, in the config's words.
    pub persistence: Option<Arc<str>>,
    /// `false` when part of the member list could not be read (a template loop, a missing include, a service-discovery name): shares are then not known.
    pub complete: bool,
    /// Where it is written.
    pub label: Label,
}

impl Pool {
    /// Returns the pool that has nothing said of it but its members: in turn, no probe, complete.
    pub fn new(name: Arc<str>, members: Vec<Member>, label: Label) -> Self {
        Self {
            name,
            declared: true,
            members,
            balancing: Balancing::RoundRobin,
            health_check: None,
            backups_together: true,
            persistence: None,
            complete: true,
            label,
        }
    }
}

/// A server's place in a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it is.
    pub address: Address,
    /// The number written, or the proxy's default.
    pub weight: u32,
    /// Whether it gets requests.
    pub state: MemberState,
    /// When it is passed over after failures (nginx `max_fails`, `fail_timeout`); `None` is never.
    pub ejection: Option<Ejection>,
    /// The most connections it gets, `None` for no limit.
    pub max_connections: Option<u32>,
    /// Its own name in the configuration, where it has one (HAProxy `server NAME …`).
    pub name: Option<Arc<str>>,
    /// The pool's active probe looks at it. One that is probed is passed over while it is dead; one that is not counts as up for ever.
    pub checked: bool,
    /// The deciding line.
    pub label: Label,
}

impl Member {
    /// Returns the member that has nothing said of it but its address: active, weight 1, no limit, no probe, never passed over.
    pub fn new(address: Address, label: Label) -> Self {
        Self { address, weight: 1, state: MemberState::Active, ejection: None, max_connections: None, name: None, checked: false, label }
    }
}

/// Whether a member gets requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// Gets its share.
    Active,
    /// Gets requests only while no active member can.
    Backup,
    /// Gets none.
    Down,
    /// Gets no new ones.
    Drained,
}

/// When a failing member is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ejection {
    /// After so many failures within `window_ms`; at least 1.
    pub failures: u32,
    /// The window, and how long it is passed over, in milliseconds.
    pub window_ms: u64,
}

/// How a member is chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Balancing {
    /// In turn, by weight.
    RoundRobin,
    /// The member with the fewest connections, by weight.
    LeastConnections,
    /// At random, by weight.
    Random,
    /// By a hash of this, in the config's words.
    Hash(Arc<str>),
    /// Something else, in the config's words.
    Other(Arc<str>),
}

/// An active probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked for, if it is an HTTP probe.
    pub path: Option<Arc<str>>,
    /// Its method; `None` for the proxy's own.
    pub method: Option<Arc<str>>,
    /// What the answer must be, in the config's words; `None` for the proxy's own idea.
    pub expect: Option<Arc<str>>,
    /// The time between two probes, in milliseconds.
    pub interval_ms: Option<u64>,
    /// So many failures in a row take a member out.
    pub fall: Option<u32>,
    /// So many successes in a row bring it back.
    pub rise: Option<u32>,
    /// Probed at this port instead of the member's own.
    pub port: Option<u16>,
    /// Where it is written.
    pub label: Label,
}

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// The port; `None` where there is none (a socket path) or it cannot be read.
    pub port: Option<u16>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (Host::Ip(IpAddr::V6(ip)), Some(port)) => write!(f, "[{ip}]:{port}"),
            (host, Some(port)) => write!(f, "{host}:{port}"),
            (host, None) => write!(f, "{host}"),
        }
    }
}

/// The host part of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A literal address.
    Ip(IpAddr),
    /// A name, in lower case, without a final dot.
    Name(Arc<str>),
    /// A socket path.
    Unix(Arc<str>),
    /// Cannot be read (a template expression, a variable): the text as written.
    Hole(Arc<str>),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(text) | Self::Hole(text) => f.write_str(text),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}
