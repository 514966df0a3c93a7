//! Addresses of `bind` and `server` lines.
//!
//! HAProxy: `str2sa_range`: the last colon parts address and port, brackets around an IPv6 address are optional, `ipv4@`, `unix@` and their kin say the
//! family, and what begins with `/` is a socket path.

use crate::formats::source::{has_hole, shown};
use crate::model::{Address, Host, ListenAddress};
use std::net::IpAddr;
use std::sync::Arc;

/// The most ports that a range is taken apart into; a larger one is one listener that cannot be read.
const MOST_PORTS: u16 = 1024;

/// An address taken apart.
struct Parts<'a> {
    /// What stands before the port, without brackets and prefix.
    host: &'a str,
    /// What stands behind the last colon.
    port: Option<&'a str>,
    family: Family,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
    Path,
    /// `fd@`, `abns@`, `sockpair@`: not an address anybody connects to by name.
    Other,
}

fn parts(text: &str) -> Parts<'_> {
    let (family, rest) = match text.split_once('@') {
        Some(("ipv4" | "stream+ipv4" | "quic4" | "udp4" | "tcp4" | "stream+tcp4", rest)) => (Family::V4, rest),
        Some(("ipv6" | "stream+ipv6" | "quic6" | "udp6" | "tcp6" | "stream+tcp6", rest)) => (Family::V6, rest),
        Some(("tcp" | "ip" | "stream+ip" | "udp", rest)) => (Family::Any, rest),
        Some(("unix", rest)) => (Family::Path, rest),
        Some((_, rest)) => (Family::Other, rest),
        None => (if text.starts_with('/') { Family::Path } else { Family::Any }, text),
    };
    if matches!(family, Family::Path | Family::Other) {
        return Parts { host: rest, port: None, family };
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    Parts { host: host.trim_start_matches('[').trim_end_matches(']'), port, family }
}

/// Returns the addresses that one address of a `bind` line stands for: a range of ports is one each.
///
/// An IPv6 wildcard takes IPv4 connections too unless the line says `v6only` (`net.ipv6.bindv6only` is 0).
pub(super) fn listen_addresses(text: &str, v6_only: bool) -> Vec<ListenAddress> {
    let hole = || vec![ListenAddress::Hole(Arc::from(shown(text)))];
    if has_hole(text) {
        return hole();
    }
    let read = parts(text);
    let ip = match (read.family, read.host) {
        (Family::Path, path) => return vec![ListenAddress::Unix(Arc::from(path))],
        (Family::Other, _) => return hole(),
        (Family::V6, "" | "*") => Some(IpAddr::from([0_u16; 8])),
        (_, "" | "*") => None,
        (_, "localhost") => Some(IpAddr::from([127, 0, 0, 1])),
        (_, host) => match host.parse() {
            Ok(ip) => Some(ip),
            Err(_) => return hole(),
        },
    };
    let Some((first, last)) = read.port.and_then(range).filter(|(first, last)| first <= last && last - first < MOST_PORTS) else { return hole() };
    let v6 = ip.is_some_and(|ip| ip.is_ipv6());
    let ip = ip.filter(|ip| !ip.is_unspecified());
    let one = |port: u16| {
        let own = ListenAddress::Tcp { ip, v6, port };
        let other = (ip.is_none() && v6 && !v6_only).then_some(ListenAddress::Tcp { ip: None, v6: false, port });
        std::iter::once(own).chain(other)
    };
    (first..=last).flat_map(one).collect()
}

fn range(text: &str) -> Option<(u16, u16)> {
    match text.split_once('-') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => text.parse().ok().map(|port| (port, port)),
    }
}

/// Returns the address of a server. Without a port, or with one relative to the client's (`+10`), it has none that can be told here.
pub(super) fn server_address(text: &str) -> Address {
    let read = parts(text);
    let port = read.port.filter(|port| !port.starts_with('+')).and_then(|port| port.parse().ok()).filter(|port| *port > 0);
    if has_hole(read.host) || (read.family == Family::Other) {
        return Address { host: Host::Hole(Arc::from(shown(read.host))), port };
    }
    let host = match (read.family, read.host.parse::<IpAddr>()) {
        (Family::Path, _) => Host::Unix(Arc::from(read.host)),
        (_, Ok(ip)) => Host::Ip(ip),
        (_, Err(_)) => Host::Name(Arc::from(read.host.trim_end_matches('.').to_ascii_lowercase())),
    };
    Address { host, port }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listens(text: &str) -> Vec<String> {
        listen_addresses(text, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_bind_address_may_be_many() {
        assert_eq!(listens(":80"), ["0.0.0.0:80"]);
        assert_eq!(listens("*:8000-8002"), ["0.0.0.0:8000", "0.0.0.0:8001", "0.0.0.0:8002"]);
        assert_eq!(listens("[::]:80"), ["[::]:80", "0.0.0.0:80"]);
        assert_eq!(listens(":::80"), ["[::]:80", "0.0.0.0:80"]);
        assert_eq!(listen_addresses("[::]:80", true).len(), 1);
        assert_eq!(listens("ipv4@10.0.0.1:80"), ["10.0.0.1:80"]);
        assert_eq!(listens("::1:80"), ["[::1]:80"]);
        assert_eq!(listens("/run/x.sock"), ["unix:/run/x.sock"]);
        assert_eq!(listens("unix@/run/x.sock"), ["unix:/run/x.sock"]);
        assert!(matches!(listen_addresses("fd@3", false).as_slice(), [ListenAddress::Hole(_)]));
        assert!(matches!(listen_addresses("10.0.0.1", false).as_slice(), [ListenAddress::Hole(_)]));
    }

    #[test]
    fn a_server_may_have_no_port() {
        let shown = |text: &str| server_address(text).to_string();
        assert_eq!(shown("10.0.0.1:80"), "10.0.0.1:80");
        assert_eq!(shown("10.0.0.1"), "10.0.0.1");
        assert_eq!(shown("10.0.0.1:+10"), "10.0.0.1");
        assert_eq!(shown("App.Example.com.:80"), "app.example.com:80");
        assert_eq!(shown("[fd00::1]:80"), "[fd00::1]:80");
        assert_eq!(shown("ipv6@fd00::1:80"), "[fd00::1]:80");
    }
}
