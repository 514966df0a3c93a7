//! Which listener before is which listener after.

use crate::analysis::route::{Engine, Entrance, choose};
use crate::model::{Gateway, ListenAddress, Listener, Request, Scheme};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A listener on both sides, or on one of them.
#[derive(Clone, Debug)]
pub(super) struct Door<'m> {
    pub(super) was: Option<Entrance<'m>>,
    pub(super) now: Option<Entrance<'m>>,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// The address, where it is a specific one.
    pub(super) ip: Option<IpAddr>,
    /// As it is written in `--listener`.
    pub(super) address: String,
}

impl Door<'_> {
    /// Returns whether a TLS handshake may end otherwise than before: other certificates, or another answer to names that none has.
    pub(super) fn handshakes_differ(&self) -> bool {
        let tls = |entrance: Option<Entrance<'_>>| {
            let tls = entrance?.listener.tls.as_ref()?;
            Some((tls.strict_names, tls.certificates.iter().map(|one| (one.path.to_string(), one.names.clone())).collect::<Vec<_>>()))
        };
        let (was, now) = (tls(self.was), tls(self.now));
        [&was, &now].into_iter().flatten().any(|(strict, _)| *strict) && was != now
    }

    /// Returns whether a handshake for a name that no certificate has is refused on either side.
    pub(super) fn refuses_names(&self) -> bool {
        [self.was, self.now].into_iter().flatten().any(|entrance| entrance.listener.tls.as_ref().is_some_and(|tls| tls.strict_names))
    }

    /// Returns the GET request for `host` and `target` that comes in here.
    pub(super) fn request(&self, host: &str, target: &str) -> Request {
        let scheme = if self.tls { Scheme::Https } else { Scheme::Http };
        Request {
            method: "GET".to_owned(),
            scheme,
            host: host.to_owned(),
            port: self.port,
            target: target.to_owned(),
            headers: Vec::new(),
            from: None,
            listener: None,
        }
    }

    /// Returns `request` with the listener named, unless its URL leads here anyway on each side that has this door.
    pub(super) fn reachable<'m>(&self, was: &Engine<'m>, now: &Engine<'m>, mut request: Request) -> Request {
        let leads = |engine: &Engine<'m>, entrance: Option<&Entrance<'_>>| {
            // A reading of a template is never what a URL leads to: it stands beside the first one.
            let is_reading = |entrance: &Entrance<'_>| entrance.gateway.variant.is_some();
            entrance.is_none_or(|entrance| {
                is_reading(entrance) || choose(engine, &request).is_some_and(|found| std::ptr::eq(found.listener, entrance.listener))
            })
        };
        if !(leads(was, self.was.as_ref()) && leads(now, self.now.as_ref())) {
            request.listener = Some(self.address.clone());
        }
        request
    }
}

/// Returns the doors of both sides, those of the base first, in file order.
pub(super) fn doors<'m>(was: &Engine<'m>, now: &Engine<'m>) -> Vec<Door<'m>> {
    let mut all: Vec<Door<'m>> = Vec::new();
    for (before, after) in pairs(&was.model.gateways, &now.model.gateways) {
        let mut seen = BTreeSet::new();
        let of = |gateway: Option<&'m Gateway>| gateway.into_iter().flat_map(|gateway| &gateway.listeners);
        let mut found: Vec<Door<'m>> = Vec::new();
        for listener in of(before).chain(of(after)) {
            let Some(port) = listener.url_port() else { continue };
            if seen.insert((&listener.address, listener.tls.is_some())) {
                let at = |engine: &Engine<'m>, gateway: Option<&'m Gateway>| {
                    let gateway = gateway?;
                    Some(Entrance::new(engine, gateway, same_door(gateway, listener)?))
                };
                let ip = match &listener.address {
                    ListenAddress::Tcp { ip, .. } => *ip,
                    ListenAddress::Unix(_) | ListenAddress::Hole(_) => None,
                };
                let address = listener.address.to_string();
                found.push(Door { was: at(was, before), now: at(now, after), port, tls: listener.tls.is_some(), ip, address });
            }
        }
        for door in found {
            if !all.iter().any(|known| alike(known, &door)) {
                all.push(door);
            }
        }
    }
    all
}

/// Returns the gateways of both sides that are the same, readings of templates behind their first ones.
fn pairs<'m>(before: &'m [Gateway], after: &'m [Gateway]) -> Vec<(Option<&'m Gateway>, Option<&'m Gateway>)> {
    let first = |all: &'m [Gateway]| all.iter().filter(|gateway| gateway.variant.is_none()).collect::<Vec<_>>();
    let mut pairs = same_gateways(&first(before), &first(after));
    let mut seen = BTreeSet::new();
    for one in before.iter().chain(after).filter(|one| one.variant.is_some() && seen.insert(&one.id)) {
        if let (Some(was), Some(now)) = (reading_like(before, one), reading_like(after, one)) {
            pairs.push((Some(was), Some(now)));
        }
    }
    pairs
}

/// Returns the reading among `all` that assumes what `one` does; where a side has none, because its template asks less, the one in which no condition
/// holds, else the first.
fn reading_like<'m>(all: &'m [Gateway], one: &Gateway) -> Option<&'m Gateway> {
    let siblings = || all.iter().filter(|gateway| gateway.file() == one.file());
    let same = siblings().find(|gateway| gateway.id == one.id);
    same.or_else(|| siblings().find(|gateway| gateway.variant.is_some())).or_else(|| siblings().next())
}

/// Returns the gateways of both sides that are the same: by id; one that is left on each side was moved; of several left, those with the same listeners.
fn same_gateways<'m>(before: &[&'m Gateway], after: &[&'m Gateway]) -> Vec<(Option<&'m Gateway>, Option<&'m Gateway>)> {
    let mut pairs: Vec<(Option<&Gateway>, Option<&Gateway>)> = Vec::new();
    let by_id = |one: &Gateway| after.iter().find(|other| other.id == one.id).copied();
    let mut left: Vec<&Gateway> = after.iter().copied().filter(|one| !before.iter().any(|other| other.id == one.id)).collect();
    let lost = before.iter().filter(|one| by_id(one).is_none()).count();
    for gateway in before.iter().copied() {
        let same = by_id(gateway).or_else(|| {
            let at = if lost == 1 && left.len() == 1 { Some(0) } else { left.iter().position(|other| same_listeners(gateway, other)) };
            at.map(|at| left.remove(at))
        });
        pairs.push((Some(gateway), same));
    }
    pairs.extend(left.into_iter().map(|gateway| (None, Some(gateway))));
    pairs
}

fn same_listeners(ours: &Gateway, theirs: &Gateway) -> bool {
    let addresses = |gateway: &Gateway| gateway.listeners.iter().map(|listener| listener.address.clone()).collect::<BTreeSet<_>>();
    addresses(ours) == addresses(theirs)
}

/// Returns the listener of `gateway` that takes what comes in at the address of `listener`: the same, or one on every address of its family and port.
/// Where `listener` is on every address and none here is, it is the first on that port: a name in a URL most likely leads there.
fn same_door<'m>(gateway: &'m Gateway, listener: &Listener) -> Option<&'m Listener> {
    let fits = |one: &&Listener| one.tls.is_some() == listener.tls.is_some() && one.address.port() == listener.address.port();
    let v6 = |address: &ListenAddress| match address {
        ListenAddress::Tcp { ip: Some(ip), .. } => ip.is_ipv6(),
        ListenAddress::Tcp { ip: None, v6, .. } => *v6,
        ListenAddress::Unix(_) | ListenAddress::Hole(_) => false,
    };
    let any = |one: &&Listener| matches!(one.address, ListenAddress::Tcp { ip: None, .. });
    let family = |one: &&Listener| v6(&one.address) == v6(&listener.address);
    let fitting = || gateway.listeners.iter().filter(fits);
    let same = fitting().find(|one| one.address == listener.address);
    let wider = || fitting().filter(family).find(any);
    let narrower = || if any(&listener) { fitting().find(family) } else { None };
    same.or_else(wider).or_else(narrower)
}

/// Returns whether both doors lead to the same virtual hosts on both sides: `listen 80` and `listen [::]:80` of the same blocks.
fn alike(ours: &Door<'_>, theirs: &Door<'_>) -> bool {
    let side = |ours: Option<&Entrance<'_>>, theirs: Option<&Entrance<'_>>| match (ours, theirs) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => {
            let tables = |listener: &Listener| listener.virtual_hosts.iter().map(|host| host.table).collect::<Vec<_>>();
            std::ptr::eq(ours.gateway, theirs.gateway)
                && ours.listener.default_host == theirs.listener.default_host
                && tables(ours.listener) == tables(theirs.listener)
                && (!ours.listener.virtual_hosts.is_empty() || ours.listener.entry == theirs.listener.entry)
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    ours.port == theirs.port && ours.tls == theirs.tls && side(ours.was.as_ref(), theirs.was.as_ref()) && side(ours.now.as_ref(), theirs.now.as_ref())
}
