//! One proxy instance.

use super::pool::Pool;
use super::table::{Label, Table, TableId};
use super::{Lookup, Regex};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// One proxy instance, found from an entry file.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Stable across revisions: the path of the entry file, or of the folder of parts that have none.
    pub id: Arc<str>,
    /// The proxy's name, for sentences only.
    pub product: &'static str,
    /// How a raw request becomes what the conditions see.
    pub normalization: Normalization,
    /// Where requests come in.
    pub listeners: Vec<Listener>,
    /// The tables; [`TableId`] is the index.
    pub tables: Vec<Table>,
    /// The pools; [`super::PoolId`] is the index. Declared ones first, in file order.
    pub pools: Vec<Pool>,
    /// Variables computed when used.
    pub lookups: Vec<Lookup>,
    /// Which reading of a template this is, where the file is one and can be read in several ways; `None` for the first reading and for plain files.
    /// Readings of one file have ids of their own, the same on both sides of a change.
    pub variant: Option<Arc<str>>,
    /// The most connections of the whole process, `None` where not said.
    pub max_connections: Option<u64>,
    /// How many internal redirects a request may make before it is answered with 500.
    pub restart_limit: u32,
}

impl Gateway {
    /// Joins the id of a gateway with the name of a reading of its templates.
    pub fn reading_id(id: &str, variant: &str) -> Arc<str> {
        Arc::from(format!("{id} where {variant}"))
    }

    /// Returns the id without the reading: what all readings of a gateway share.
    pub fn file(&self) -> &str {
        let without = |variant: &Arc<str>| self.id.strip_suffix(&**variant)?.strip_suffix(" where ");
        self.variant.as_ref().and_then(without).unwrap_or(&self.id)
    }
}

/// How a raw request becomes what the conditions see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches that proxies set one by one")]
pub struct Normalization {
    /// The host loses its port and a final dot, and is lower-cased. When `false` it is only lower-cased.
    pub strip_port: bool,
    /// The path is percent-decoded; an escape above the root or a NUL is a 400.
    pub decode_path: bool,
    /// `.` and `..` segments are resolved.
    pub resolve_dots: bool,
    /// `//` becomes `/`.
    pub merge_slashes: bool,
    /// Names of cookies and of query parameters compare with case.
    pub exact_names: bool,
}

/// Where requests come in.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address.
    pub address: ListenAddress,
    /// What is spoken here.
    pub protocol: Protocol,
    /// Clients speak TLS here, and it ends here.
    pub tls: Option<Tls>,
    /// How long clients are waited for, in milliseconds; `None` is not set and not known (nginx `client_header_timeout`, HAProxy `timeout client`).
    pub client_timeout_ms: Option<u64>,
    /// The most connections at a time, `None` where not said.
    pub max_connections: Option<u64>,
    /// The table where requests enter; of kind [`super::TableKind::VirtualHosts`] where there are virtual hosts.
    pub entry: TableId,
    /// The virtual hosts, in file order. The entry table already does the choosing; this is for descriptions, candidates and rules.
    pub virtual_hosts: Vec<VirtualHost>,
    /// The index in `virtual_hosts` of the one that answers names nobody claims.
    pub default_host: Option<usize>,
    /// The line that opens it first.
    pub label: Label,
}

impl Listener {
    /// Returns the port in the URL of a request that comes in here: the protocol's own where the address cannot be read; `None` for a socket.
    pub fn url_port(&self) -> Option<u16> {
        match self.address {
            ListenAddress::Hole(_) => self.address.port().or(Some(if self.tls.is_some() { 443 } else { 80 })),
            ListenAddress::Tcp { .. } | ListenAddress::Unix(_) => self.address.port(),
        }
    }
}

/// An address and port to listen on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListenAddress {
    /// `None` is every address of the family; `v6` says which family.
    Tcp {
        /// A specific address, or `None` for all.
        ip: Option<IpAddr>,
        /// The family of a wildcard.
        v6: bool,
        /// The port.
        port: u16,
    },
    /// A socket path.
    Unix(Arc<str>),
    /// Cannot be read: the text as written.
    Hole(Arc<str>),
}

impl ListenAddress {
    /// Returns the port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } => Some(*port),
            Self::Unix(_) => None,
            // Only the address cannot be read.
            Self::Hole(text) => text.rsplit_once(':').and_then(|(_, port)| port.parse().ok()),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { ip: Some(IpAddr::V6(ip)), port, .. } => write!(f, "[{ip}]:{port}"),
            Self::Tcp { ip: Some(ip), port, .. } => write!(f, "{ip}:{port}"),
            Self::Tcp { ip: None, v6: false, port } => write!(f, "0.0.0.0:{port}"),
            Self::Tcp { ip: None, v6: true, port } => write!(f, "[::]:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Hole(text) => f.write_str(text),
        }
    }
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP: routing looks at requests.
    #[default]
    Http,
    /// Bytes: routing looks at the connection alone, and at the name in a TLS handshake that it does not end.
    Tcp,
    /// Datagrams.
    Udp,
}

/// TLS at a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificates, in order; the first is presented where no name fits.
    pub certificates: Vec<Certificate>,
    /// A name that no certificate covers is refused in the handshake (HAProxy `strict-sni`, nginx `ssl_reject_handshake on` for the default server).
    pub strict_names: bool,
    /// The protocols offered as written (`TLSv1.2`), oldest first; empty is the proxy's default.
    pub versions: Vec<Arc<str>>,
    /// The cipher list as written.
    pub ciphers: Option<Arc<str>>,
    /// Clients must show a certificate.
    pub client_certificate: bool,
    /// The line that says which protocols are offered, where one does.
    pub versions_label: Option<Label>,
    /// The line that asks for a certificate, where one does.
    pub client_label: Option<Label>,
}

/// A certificate a listener presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its file or directory, as written; without a final part where it cannot be read.
    pub path: Arc<str>,
    /// The names it is presented for where the configuration says so (an SNI filter of a crt-list, the names of its server block); empty is not said.
    pub names: Vec<HostPattern>,
    /// Where it is written.
    pub label: Label,
}

/// The routes for a set of host names.
#[derive(Clone, Debug)]
pub struct VirtualHost {
    /// The names it claims, with the line of each.
    pub names: Vec<(HostPattern, Label)>,
    /// Where its requests go.
    pub table: TableId,
    /// Its own line.
    pub label: Label,
    /// The line that attaches it to the listener.
    pub listen_label: Label,
}

/// A pattern of host names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This name; the empty one is "no `Host` at all".
    Exact(Arc<str>),
    /// `*.example.com`: one or more labels before `.example.com`; holds the text after `*`, with its dot.
    AnyPrefix(Arc<str>),
    /// `www.example.*`: one or more labels after `www.example.`; holds the text before `*`, with its dot.
    AnySuffix(Arc<str>),
    /// A regular expression.
    Regex(Regex),
    /// Cannot be read (a template expression): the text as written. May claim any name.
    Hole(Arc<str>),
}

impl HostPattern {
    /// Returns whether `name`, in lower case, is or may be one of ours: patterns that are not read here count as if they were.
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Exact(own) => **own == *name,
            Self::AnyPrefix(rest) => name.len() > rest.len() && name.ends_with(&**rest),
            Self::AnySuffix(rest) => name.len() > rest.len() && name.starts_with(&**rest),
            Self::Regex(_) | Self::Hole(_) => true,
        }
    }
}
