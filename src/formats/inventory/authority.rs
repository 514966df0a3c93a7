//! Who may say that a server does not exist.
//!
//! A false "missing" blocks somebody's work, so a claim is made only where silence means something. An Ansible inventory speaks for the
//! network around its hosts (IPv4 /24, IPv6 /64) when
//! - at least two of its hosts have literal addresses there: one address in a network says nothing about its neighbours;
//! - the network is of a kind that belongs to one owner: private, shared (RFC 6598), or reserved for documentation. Next to a public address
//!   live other people's machines;
//! - no host in the same groups is without a literal address: the address asked for could be that host's.

use crate::model::{Cidr, Claim, Label, Range};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What a host contributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    /// Its literal addresses; none means that its address is not known.
    pub(super) addresses: &'a [IpAddr],
    /// The groups it is directly in.
    pub(super) groups: &'a BTreeSet<Arc<str>>,
    /// Its line.
    pub(super) label: &'a Label,
}

/// Returns the networks these hosts' inventory speaks for, sorted. Each names the line of its first host.
pub(super) fn networks(hosts: &[Evidence<'_>]) -> Vec<Claim> {
    let mut found: BTreeMap<Cidr, Vec<&Evidence<'_>>> = BTreeMap::new();
    for host in hosts {
        let networks: BTreeSet<Cidr> = host.addresses.iter().filter(|ip| has_one_owner(**ip)).filter_map(|ip| around(*ip)).collect();
        for network in networks {
            found.entry(network).or_default().push(host);
        }
    }
    let open: BTreeSet<&Arc<str>> = hosts.iter().filter(|host| host.addresses.is_empty()).flat_map(|host| host.groups).collect();
    let mut claims = Vec::new();
    for (network, members) in found {
        let addresses: BTreeSet<&IpAddr> = members.iter().flat_map(|host| host.addresses).filter(|ip| network.contains(**ip)).collect();
        let closed = members.iter().flat_map(|host| host.groups).all(|group| !open.contains(group));
        if let Some(first) = members.first().filter(|_| closed && members.len() >= 2 && addresses.len() >= 2) {
            let text = format!("hosts in {network}").into();
            claims.push(Claim { range: Range::Network(network), label: Label { span: first.label.span.clone(), text } });
        }
    }
    claims
}

/// Returns the network around `ip` that an inventory is taken to know.
fn around(ip: IpAddr) -> Option<Cidr> {
    Cidr::new(ip, if ip.is_ipv4() { 24 } else { 64 })
}

/// Returns whether the network around `ip` belongs to one owner: RFC 1918, RFC 6598, RFC 4193, and the documentation ranges of RFC 5737 and
/// RFC 3849. Loopback counts (tests map hosts there), but not the /24 that every machine uses for itself.
fn has_one_owner(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private() || ip.is_documentation() || (a == 100 && (64..128).contains(&b)) || (a == 127 && (b, c) != (0, 0))
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            (first & 0xfe00) == 0xfc00 || (first == 0x2001 && second == 0x0db8)
        }
    }
}
