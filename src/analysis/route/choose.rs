//! Which gateway and which listener a request comes in at.

use crate::analysis::route::{Engine, walk::Entrance};
use crate::model::{Gateway, HostPattern, ListenAddress, Listener, Model, Protocol, Request, Scheme};
use std::cmp::Reverse;
use std::net::IpAddr;

/// How well a gateway's virtual hosts know a host; better is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    Hole,
    Regex,
    Wildcard,
    Exactly,
}

/// Returns where `request` comes in: of the gateways with a listener for it the one that knows the host best, else the first.
pub(in crate::analysis) fn choose<'m>(engine: &Engine<'m>, request: &Request) -> Option<Entrance<'m>> {
    let model: &'m Model = engine.model;
    engine.patterns.spend(model.gateways.iter().map(|gateway| 1 + gateway.listeners.len() / 8).sum());
    let found: Vec<_> = model.gateways.iter().filter_map(|gateway| Some((gateway, listener(gateway, request)?))).collect();
    // Asking every virtual host for its names does not pay where there is no choice.
    if let [(gateway, listener)] = found.as_slice() {
        return Some(Entrance::new(engine, gateway, listener));
    }
    let host = host_of(request);
    let best = found.into_iter().enumerate().max_by_key(|(at, (_, listener))| (named(engine, listener, &host), Reverse(*at)));
    best.map(|(_, (gateway, listener))| Entrance::new(engine, gateway, listener))
}

pub(in crate::analysis) fn host_of(request: &Request) -> String {
    let raw = request.header("host").unwrap_or(&request.host);
    let host = if raw.starts_with('[') { raw } else { raw.split_once(':').map_or(raw, |(host, _)| host) };
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn named(engine: &Engine<'_>, listener: &Listener, host: &str) -> Named {
    let names = || listener.virtual_hosts.iter().flat_map(|one| &one.names);
    engine.patterns.spend(names().count() / 4);
    let names = names();
    names.map(|(pattern, _)| claims(engine, pattern, host)).max().unwrap_or(Named::No)
}

/// Returns whether a virtual host of `listener` names `host`.
pub(in crate::analysis) fn is_named(engine: &Engine<'_>, listener: &Listener, host: &str) -> bool {
    named(engine, listener, host) > Named::No
}

fn claims(engine: &Engine<'_>, pattern: &HostPattern, host: &str) -> Named {
    let (claimed, how) = match pattern {
        HostPattern::Exact(name) => (**name == *host, Named::Exactly),
        HostPattern::AnyPrefix(rest) => (host.len() > rest.len() && host.ends_with(&**rest), Named::Wildcard),
        HostPattern::AnySuffix(start) => (host.len() > start.len() && host.starts_with(&**start), Named::Wildcard),
        HostPattern::Regex(regex) => {
            let found = engine.patterns.get(regex).and_then(|pattern| pattern.find(host.as_bytes()).ok().flatten());
            (found.is_some(), Named::Regex)
        }
        HostPattern::Hole(_) => (true, Named::Hole),
    };
    if claimed { how } else { Named::No }
}

/// Where a request wants to go in.
struct Wanted {
    ip: Option<IpAddr>,
    port: u16,
    /// `None` when the listener is given: then it says whether it speaks TLS.
    tls: Option<bool>,
}

/// Returns the listener of `gateway` for `request`: one on exactly the address connected to, else one on every address; IPv4 before IPv6; in file order.
/// With a name in the URL the address is not known: a listener on every address is taken first.
fn listener<'m>(gateway: &'m Gateway, request: &Request) -> Option<&'m Listener> {
    if let Some(text) = &request.listener
        && let Some(found) = gateway.listeners.iter().find(|listener| matches!(&listener.address, ListenAddress::Hole(words) if **words == **text))
    {
        return Some(found);
    }
    let wanted = wanted(request)?;
    let rank = |listener: &Listener| {
        let ListenAddress::Tcp { ip, v6, port } = &listener.address else { return None };
        if *port != wanted.port || wanted.tls.is_some_and(|tls| !speaks(listener, tls)) {
            return None;
        }
        match (wanted.ip, ip) {
            (Some(wanted), Some(ip)) if wanted == *ip => Some(0),
            (Some(wanted), None) if wanted.is_ipv6() == *v6 => Some(1),
            (None, None) => Some(2 + i32::from(*v6)),
            (None, Some(ip)) => Some(4 + i32::from(ip.is_ipv6())),
            (Some(_), _) => None,
        }
    };
    let ranked = gateway.listeners.iter().enumerate().filter_map(|(at, listener)| Some((rank(listener)?, at, listener)));
    let found = ranked.min_by_key(|(rank, at, _)| (*rank, *at)).map(|(_, _, listener)| listener);
    // An address in the URL may be one of the machine's that no `listen` names, of either family.
    found.or_else(|| {
        let any = |one: &&Listener| matches!(one.address, ListenAddress::Tcp { ip: None, port, .. } if port == wanted.port);
        gateway.listeners.iter().filter(any).find(|one| wanted.tls.is_none_or(|tls| speaks(one, tls)))
    })
}

/// Returns whether a client that speaks TLS, or one that does not, is understood: a listener of bytes passes TLS on to who ends it.
fn speaks(listener: &Listener, tls: bool) -> bool {
    tls == listener.tls.is_some() || tls && listener.protocol == Protocol::Tcp
}

/// Reads the request's own listener (`ADDR:PORT`, `*:PORT`, `:PORT` or `PORT`), else the URL.
fn wanted(request: &Request) -> Option<Wanted> {
    let Some(text) = &request.listener else {
        let ip = request.host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        return Some(Wanted { ip, port: request.port, tls: Some(request.scheme == Scheme::Https) });
    };
    let (address, port) = text.rsplit_once(':').unwrap_or(("", text));
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let ip = match address {
        "" | "*" => None,
        text => Some(text.parse::<IpAddr>().ok()?).filter(|ip| !ip.is_unspecified()),
    };
    let any_v6 = address == "::";
    let port = port.parse().ok()?;
    Some(Wanted { ip: if any_v6 { Some(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)) } else { ip }, port, tls: None })
}
