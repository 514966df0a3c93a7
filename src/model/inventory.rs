//! What exists, and who is allowed to say so.

use super::pool::Host;
use super::table::Label;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What exists. A server is missing only where a claim covers it and no host has it; elsewhere it is unknown.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The hosts, in file order.
    pub hosts: Vec<InventoryHost>,
    /// Who speaks for what.
    pub claims: Vec<Claim>,
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
    /// Its line.
    pub label: Label,
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
    /// Returns whether `host` exists. Linear in the inventory's size.
    pub fn existence(&self, host: &Host) -> Existence<'_> {
        let known = self.hosts.iter().find(|known| match host {
            Host::Ip(ip) => known.addresses.contains(ip),
            Host::Name(name) => *known.name == **name || known.aliases.iter().any(|alias| **alias == **name),
            Host::Unix(_) | Host::Hole(_) => false,
        });
        if let Some(known) = known {
            return Existence::Known(known);
        }
        let claim = self.claims.iter().find(|claim| match (&claim.range, host) {
            (Range::Network(network), Host::Ip(ip)) => network.contains(*ip),
            (Range::Zone(zone), Host::Name(name)) => name.strip_suffix(&**zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            _ => false,
        });
        claim.map_or(Existence::Unknown, Existence::Missing)
    }
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
