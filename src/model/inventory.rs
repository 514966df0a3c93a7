//! What exists, and who is allowed to say so.

use super::gateway::{Certificate, Tls};
use super::pool::{Host, Member, Pool};
use super::table::Label;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// What exists, and what is known of it. A server is missing only where a claim covers it and no host has it; elsewhere it is unknown.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The hosts, in file order.
    pub hosts: Vec<InventoryHost>,
    /// Who speaks for what.
    pub claims: Vec<Claim>,
    /// What is said of certificate files.
    pub certificates: Vec<CertificateFact>,
    /// What is said of load.
    pub loads: Vec<LoadFact>,
    /// INVARIANT: filled at the first question, so both lists are complete by then.
    index: OnceLock<Index>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryHost {
    /// Its name in the source.
    pub name: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Other names it answers to, in lower case, without a final dot.
    pub aliases: Vec<Arc<str>>,
    /// The groups of its source that it belongs to, those above them included; sorted.
    pub groups: Vec<Arc<str>>,
    /// What the source says of the service on it.
    pub service: Service,
    /// Its line.
    pub label: Label,
}

impl InventoryHost {
    /// Returns the host of which nothing is known but its name.
    pub fn new(name: Arc<str>, label: Label) -> Self {
        Self { name, addresses: Vec::new(), aliases: Vec::new(), groups: Vec::new(), service: Service::default(), label }
    }
}

/// What a source says of the service that runs on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The port it listens on.
    pub port: Option<(u16, Label)>,
    /// The path that answers its probe.
    pub health_path: Option<(Arc<str>, Label)>,
    /// The longest it may take for an answer, in milliseconds.
    pub answer_ms: Option<(u64, Label)>,
    /// Where it stands: what fails together (a zone, a rack, a data centre).
    pub zone: Option<(Arc<str>, Label)>,
}

/// What a source says a certificate file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFact {
    /// The file, as the source writes it; the configuration may name it by a longer path.
    pub file: Arc<str>,
    /// The names it covers.
    pub names: Vec<Arc<str>>,
    /// When it ends, as written (`2027-05-30`).
    pub not_after: Option<Arc<str>>,
    /// Where it is said.
    pub label: Label,
}

/// What a source says of load or of the strength of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadFact {
    /// What it is said of.
    pub subject: LoadSubject,
    /// What is said.
    pub quantity: Quantity,
    /// How much.
    pub amount: f64,
    /// Where it is said.
    pub label: Label,
}

/// What a [`LoadFact`] is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadSubject {
    /// All of the traffic.
    Everything,
    /// The requests for a host.
    Host(Arc<str>),
    /// The requests below a path.
    Path(Arc<str>),
    /// A pool by its configured name.
    Pool(Arc<str>),
}

/// What a [`LoadFact`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Requests a second at peak.
    PeakRate,
    /// Requests under way at peak.
    PeakConcurrency,
    /// Clients at peak.
    PeakClients,
    /// Requests a second that one server stands.
    ServerRate,
    /// The longest answer, in milliseconds.
    AnswerMs,
}

/// A source's claim to know everything in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The range.
    pub range: Range,
    /// Where the claim comes from: the source file, or the line that makes the claim.
    pub label: Label,
}

/// What a claim covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// The addresses of a network.
    Network(Cidr),
    /// The names at and below a domain, in lower case, without a final dot.
    Zone(Arc<str>),
    /// The names at and below a domain inside a claimed zone that somebody else speaks for (an `NS` record below the apex): never missing.
    Delegation(Arc<str>),
}

/// Whether a server exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existence<'a> {
    /// A source has it.
    Known(&'a InventoryHost),
    /// A source speaks for its range and does not have it.
    Missing(&'a Claim),
    /// Nobody speaks for it.
    Unknown,
}

impl Inventory {
    /// Returns whether `host` exists. Of claims that cover each other the narrowest answers. Logarithmic in the inventory's size, but for the
    /// first call, which indexes it.
    pub fn existence(&self, host: &Host) -> Existence<'_> {
        let index = self.index.get_or_init(|| Index::new(&self.hosts, &self.claims));
        let (known, claim) = match host {
            Host::Ip(ip) => (index.addresses.get(ip), index.network(*ip)),
            Host::Name(name) => (index.name(name), index.zone(name)),
            Host::Unix(_) | Host::Hole(_) => (None, None),
        };
        if let Some(known) = known.and_then(|at| self.hosts.get(*at)) {
            return Existence::Known(known);
        }
        match claim.and_then(|at| self.claims.get(at)) {
            Some(Claim { range: Range::Delegation(_), .. }) | None => Existence::Unknown,
            Some(claim) => Existence::Missing(claim),
        }
    }
}

impl Inventory {
    /// Returns the inventory of the same world after `host` has gone from it, on the word of `label`.
    #[must_use]
    pub fn without(&self, host: &Host, label: Label) -> Self {
        let range = match host {
            Host::Ip(ip) => Cidr::new(*ip, if ip.is_ipv4() { 32 } else { 128 }).map(Range::Network),
            Host::Name(name) => Some(Range::Zone(Arc::clone(name))),
            Host::Unix(_) | Host::Hole(_) => None,
        };
        let gone = |known: &&InventoryHost| match host {
            Host::Ip(ip) => known.addresses.contains(ip),
            Host::Name(name) => known.name == *name || known.aliases.contains(name),
            Host::Unix(_) | Host::Hole(_) => false,
        };
        Self {
            hosts: self.hosts.iter().filter(|known| !gone(known)).cloned().collect(),
            claims: self.claims.iter().cloned().chain(range.map(|range| Claim { range, label })).collect(),
            certificates: self.certificates.clone(),
            loads: self.loads.clone(),
            ..Self::default()
        }
    }

    /// Returns the path that answers the probe of `member` where its host's source says so and `pool` probes another one: then every probe fails, and
    /// the member is taken out. `None` where nothing is known, where the member is not probed, and for `/`, which nearly every service answers.
    pub fn probe_refused(&self, pool: &Pool, member: &Member) -> Option<&(Arc<str>, Label)> {
        let asked = pool.health_check.as_ref().filter(|_| member.checked)?.path.as_deref()?;
        let asked = asked.split(['?', '#']).next().filter(|path| path.starts_with('/') && *path != "/")?;
        let Existence::Known(host) = self.existence(&member.address.host) else { return None };
        host.service.health_path.as_ref().filter(|(answers, _)| answers.split(['?', '#']).next() != Some(asked))
    }

    /// Returns whether a certificate of `tls` is good for `name`, which is in lower case.
    pub fn covers(&self, tls: &Tls, name: &str) -> Coverage<'_> {
        let mut chosen: Option<&Certificate> = None;
        for certificate in &tls.certificates {
            // Its file is a hole, a directory that was not read, or nobody says what is in it: it could hold any name.
            let facts = self.certificate(&certificate.path);
            if facts.is_none() && certificate.names.is_empty() {
                return Coverage::Unknown;
            }
            let presented = if certificate.names.is_empty() {
                facts.is_some_and(|fact| fact.names.iter().any(|pattern| certifies(pattern, name)))
            } else {
                certificate.names.iter().any(|pattern| pattern.may_be(name))
            };
            if presented {
                chosen = chosen.or(Some(certificate));
            }
        }
        match (chosen, tls.certificates.first()) {
            (None, _) if tls.strict_names && !tls.certificates.is_empty() => Coverage::Refused,
            (None, None) => Coverage::Unknown,
            (Some(certificate), _) | (None, Some(certificate)) => match self.certificate(&certificate.path) {
                None => Coverage::Unknown,
                Some(fact) if fact.names.iter().any(|pattern| certifies(pattern, name)) => Coverage::Good,
                Some(fact) => Coverage::Other(fact),
            },
        }
    }

    /// Returns what is said of the certificate file at `path`: the source may write the end of the path only. `None` when nothing is, or when two
    /// sources mean different files.
    pub fn certificate(&self, path: &str) -> Option<&CertificateFact> {
        let is = |fact: &&CertificateFact| {
            let file = fact.file.trim_start_matches("./");
            path == file
                || path.strip_suffix(file).is_some_and(|before| before.ends_with('/'))
                || file.strip_suffix(path).is_some_and(|rest| rest.ends_with('/'))
        };
        let mut found = self.certificates.iter().filter(is);
        let first = found.next()?;
        found.all(|other| other.names == first.names).then_some(first)
    }
}

/// Whether a listener can show a client a certificate for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage<'a> {
    /// One that holds the name.
    Good,
    /// Only this one, which does not: clients that check refuse it.
    Other(&'a CertificateFact),
    /// None, and the handshake is refused.
    Refused,
    /// Not known.
    Unknown,
}

/// Returns whether a certificate for `pattern` is good for `name`; a star stands for one label (RFC 6125, 6.4.3).
fn certifies(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(rest) => name.split_once('.').is_some_and(|(_, parent)| parent == rest),
        None => pattern == name,
    }
}

/// Where in the lists an address or a name is answered; the first of several with the same one.
#[derive(Clone, Debug, Default)]
struct Index {
    addresses: BTreeMap<IpAddr, usize>,
    names: BTreeMap<Arc<str>, usize>,
    networks: BTreeMap<Cidr, usize>,
    /// The lengths among `networks`.
    bits: BTreeSet<u8>,
    /// Zones and delegations; a zone wins over the delegation of the same name that its parent has.
    zones: BTreeMap<Arc<str>, usize>,
}

impl Index {
    fn new(hosts: &[InventoryHost], claims: &[Claim]) -> Self {
        let mut index = Self::default();
        for (at, host) in hosts.iter().enumerate() {
            for address in &host.addresses {
                index.addresses.entry(*address).or_insert(at);
            }
            for name in std::iter::once(&host.name).chain(&host.aliases) {
                index.names.entry(Arc::clone(name)).or_insert(at);
            }
        }
        let mut delegations = BTreeMap::new();
        for (at, claim) in claims.iter().enumerate() {
            match &claim.range {
                Range::Network(network) => {
                    index.bits.insert(network.bits);
                    index.networks.entry(*network).or_insert(at);
                }
                Range::Zone(zone) => drop(index.zones.insert(Arc::clone(zone), at)),
                Range::Delegation(zone) => drop(delegations.insert(Arc::clone(zone), at)),
            }
        }
        for (zone, at) in delegations {
            index.zones.entry(zone).or_insert(at);
        }
        index
    }

    /// Returns the narrowest network claim that covers `ip`.
    fn network(&self, ip: IpAddr) -> Option<usize> {
        self.bits.iter().rev().find_map(|bits| self.networks.get(&Cidr::new(ip, *bits)?).copied())
    }

    /// Returns the host called `name`, or the wildcard that answers for it (`*.apps.example.com`, RFC 4592).
    fn name(&self, name: &str) -> Option<&usize> {
        self.names.get(name).or_else(|| parents(name).find_map(|parent| self.names.get(format!("*.{parent}").as_str())))
    }

    /// Returns the narrowest zone claim or delegation that covers `name`.
    fn zone(&self, name: &str) -> Option<usize> {
        std::iter::once(name).chain(parents(name)).find_map(|zone| self.zones.get(zone).copied())
    }
}

/// Returns the domains above `name`, the nearest first.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..))
}

/// A network: an address and how many leading bits count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Returns the network of `address` with `bits` leading bits; host bits are cleared. `None` when `bits` is more than the family has.
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(ip) if bits <= 32 => IpAddr::V4((u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)).into()),
            IpAddr::V6(ip) if bits <= 128 => IpAddr::V6((u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)).into()),
            IpAddr::V4(_) | IpAddr::V6(_) => return None,
        };
        Some(Self { address, bits })
    }

    /// Reads `10.0.0.0/8`, or a bare address as a network of one.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((address, bits)) = text.split_once('/') {
            return Self::new(address.parse().ok()?, bits.parse().ok()?);
        }
        let address: IpAddr = text.parse().ok()?;
        Self::new(address, if address.is_ipv4() { 32 } else { 128 })
    }

    /// Returns whether `ip` is in the network. An IPv4 address is in no IPv6 network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        Self::new(ip, self.bits).is_some_and(|other| other.address == self.address)
    }

    /// Returns the network's first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns how many leading bits count.
    pub fn bits(&self) -> u8 {
        self.bits
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Span, TreePath};

    fn label() -> Label {
        Label { span: Span::new(TreePath::new("inventory").unwrap(), 0, 0), text: "inventory".into() }
    }

    fn inventory(hosts: &[(&str, &str)], ranges: Vec<Range>) -> Inventory {
        let host =
            |(name, ip): &(&str, &str)| InventoryHost { addresses: ip.parse().into_iter().collect(), ..InventoryHost::new((*name).into(), label()) };
        let claims = ranges.into_iter().map(|range| Claim { range, label: label() }).collect();
        Inventory { hosts: hosts.iter().map(host).collect(), claims, ..Inventory::default() }
    }

    fn says(inventory: &Inventory, host: &str) -> &'static str {
        let host = host.parse().map_or_else(|_| Host::Name(host.into()), Host::Ip);
        match inventory.existence(&host) {
            Existence::Known(_) => "known",
            Existence::Missing(_) => "missing",
            Existence::Unknown => "unknown",
        }
    }

    #[test]
    fn only_what_a_claim_covers_is_missing() {
        let inventory = inventory(&[("web01", "10.0.1.1")], vec![Range::Network(Cidr::parse("10.0.1.0/24").unwrap())]);
        assert_eq!(says(&inventory, "10.0.1.1"), "known");
        assert_eq!(says(&inventory, "10.0.1.2"), "missing");
        assert_eq!(says(&inventory, "10.0.2.1"), "unknown");
        assert_eq!(says(&inventory, "web01"), "known");
        assert_eq!(says(&inventory, "web02"), "unknown");
    }

    #[test]
    fn a_zone_answers_for_its_names_but_not_for_what_it_delegates() {
        let ranges = vec![Range::Zone("example.com".into()), Range::Delegation("lab.example.com".into())];
        let inventory = inventory(&[("web01.example.com", ""), ("*.apps.example.com", "")], ranges);
        assert_eq!(says(&inventory, "web01.example.com"), "known");
        assert_eq!(says(&inventory, "web02.example.com"), "missing");
        assert_eq!(says(&inventory, "a.b.apps.example.com"), "known");
        assert_eq!(says(&inventory, "x.lab.example.com"), "unknown");
        assert_eq!(says(&inventory, "notexample.com"), "unknown");
    }

    #[test]
    fn a_network_knows_its_addresses() {
        let network = Cidr::parse("10.20.1.77/24").unwrap();
        assert_eq!(network.to_string(), "10.20.1.0/24");
        assert!(network.contains("10.20.1.255".parse().unwrap()));
        assert!(!network.contains("10.20.2.1".parse().unwrap()));
        assert!(!network.contains("::ffff:10.20.1.1".parse().unwrap()));
        assert!(Cidr::parse("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
        assert_eq!(Cidr::parse("10.0.0.0/33"), None);
    }
}
