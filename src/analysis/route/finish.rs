//! From the outcome of a walk to a destination with everything resolved.

use super::normalize::encode;
use super::share::{Serving, broken_share, servers};
use super::text::Text;
use super::walk::{At, End, Walk, without_host};
use crate::analysis::destination::{Destination, NO_RETRY};
use crate::analysis::trace::Choice;
use crate::model::{
    Address, Balancing, Forward, HealthCheck, Host, Label, ListenAddress, Member, MemberState, Outcome, Pool, PoolId, Retry, StatusHandler, Target,
    Timeouts, UpstreamUri,
};
use std::net::IpAddr;
use std::sync::Arc;

/// How deep status handlers may lead to forwards with status handlers.
const HANDLER_DEPTH: u32 = 3;

/// The statuses a proxy makes itself when a server is not there: 502 when refused, 504 when nobody answers.
const UNREACHABLE: [u16; 2] = [502, 504];

/// A destination and the pool it is.
pub(super) struct Finished {
    pub(super) destination: Destination,
    pub(super) pool: Option<PoolId>,
}

impl From<Destination> for Finished {
    fn from(destination: Destination) -> Self {
        Self { destination, pool: None }
    }
}

/// Returns where the walk ended.
pub(super) fn finish<'m>(walk: &mut Walk<'_, 'm>, end: &End<'m>) -> Finished {
    let outcome = match end {
        End::Circle => return Destination::Reject { status: 500 }.into(),
        End::Outcome(outcome) => outcome,
    };
    match outcome {
        Outcome::Forward(forward) => walk.forward(forward),
        Outcome::Redirect { status, location, label } => {
            walk.step(label, Choice::Outcome, None);
            let location = walk.value(location);
            walk.exact &= !location.hole;
            Destination::Redirect { status: *status, location: walk.absolute(&location) }.into()
        }
        Outcome::Respond { status, label } => {
            walk.step(label, Choice::Outcome, None);
            match walk.refusal() {
                Some(refusal) => refusal.into(),
                None => Destination::Respond { status: walk.state.status.unwrap_or(*status) }.into(),
            }
        }
        Outcome::Files { root, label } => {
            walk.step(label, Choice::Outcome, None);
            let root = walk.value(root);
            if let Some(refusal) = walk.refusal() {
                return refusal.into();
            }
            walk.exact &= !root.hole;
            Destination::Files { root: root.lossy().into_owned() }.into()
        }
        Outcome::Reject { status, label } => {
            walk.step(label, Choice::Outcome, None);
            Destination::Reject { status: *status }.into()
        }
        Outcome::Close { label } => {
            walk.step(label, Choice::Outcome, None);
            Destination::Close.into()
        }
        Outcome::None => Destination::None.into(),
        Outcome::Opaque { reason, label } => {
            walk.step(label, Choice::Outcome, None);
            walk.exact = false;
            Destination::Opaque { reason: reason.to_string(), alternatives: Vec::new() }.into()
        }
    }
}

/// Where requests go that a status handler takes over.
struct Handled<'m> {
    handler: &'m StatusHandler,
    destination: Destination,
    /// The status it is answered with, if that is fixed.
    status: Option<u16>,
}

/// Who gets a forwarded request.
enum Resolved<'m> {
    Declared(PoolId, &'m Pool),
    /// An address made at request time.
    Address(Box<Pool>),
    /// A name that is no pool and that nothing resolves.
    Nobody(String),
    /// It is no address (nginx: "invalid port in upstream", 500).
    Wrong,
    /// The authority cannot be read.
    Hole(String),
}

impl<'m> Walk<'_, 'm> {
    /// Returns what an answer of the proxy's own comes to under a fixed status that is an error.
    fn refusal(&self) -> Option<Destination> {
        self.state.status.filter(|status| *status >= 400).map(|status| Destination::Reject { status })
    }

    fn forward(&mut self, forward: &'m Forward) -> Finished {
        let resolved = self.target(&forward.target);
        let upstream_uri = self.computed_uri(&forward.target, &forward.uri).unwrap_or_else(|| self.upstream_uri(&forward.uri));
        self.step(&forward.label, Choice::Outcome, None);
        let (id, pool) = match &resolved {
            Resolved::Declared(id, pool) => (Some(*id), *pool),
            Resolved::Address(pool) => (None, &**pool),
            Resolved::Nobody(name) => {
                let behaviour = self.behaviour(forward, None, &[]);
                return Destination::Forward { pool: name.clone(), servers: Vec::new(), upstream_uri, broken_share: 1.0, behaviour }.into();
            }
            Resolved::Wrong => return Destination::Reject { status: 500 }.into(),
            Resolved::Hole(words) => {
                self.exact = false;
                return Destination::Opaque { reason: format!("the server is chosen by {words}"), alternatives: Vec::new() }.into();
            }
        };
        if id.is_some() && pool.declared {
            self.step(&pool.label, Choice::Pool, None);
        }
        self.pools.extend(id);
        self.exact &= pool.complete;
        self.engine.patterns.spend(8 * pool.members.len());
        let servers = servers(pool, &self.engine.model.inventory);
        let broken = broken_share(pool, &servers, &forward.retry);
        let handlers = self.handled(&forward.on_status);
        let behaviour = self.behaviour(forward, Some((pool, &servers)), &handlers);
        let broken = broken * still_broken(&handlers);
        let destination = Destination::Forward { pool: pool.name.to_string(), servers, upstream_uri, broken_share: broken, behaviour };
        Finished { destination, pool: id }
    }

    fn target(&mut self, target: &'m Target) -> Resolved<'m> {
        let gateway = self.entrance.gateway;
        let (authority, default_port, resolvable) = match target {
            Target::Pool(id) => {
                return gateway.pools.get(id.0).map_or_else(|| Resolved::Nobody(String::new()), |pool| Resolved::Declared(*id, pool));
            }
            Target::Computed { authority, default_port, resolvable } => (self.value(authority), *default_port, *resolvable),
        };
        if authority.hole {
            return Resolved::Hole(authority.lossy().into_owned());
        }
        self.engine.patterns.spend(gateway.pools.len() / 8);
        let text = split_authority(&authority.lossy()).0.to_ascii_lowercase();
        // ngx_http_upstream_init_request: the declared upstreams are looked through first, by name.
        if let Some((at, pool)) = gateway.pools.iter().enumerate().find(|(_, pool)| pool.declared && pool.name.eq_ignore_ascii_case(&text)) {
            return Resolved::Declared(PoolId(at), pool);
        }
        let Some(address) = parse_authority(&text, default_port) else { return Resolved::Wrong };
        if !resolvable && matches!(address.host, Host::Name(_)) {
            return Resolved::Nobody(text);
        }
        Resolved::Address(Box::new(single(&text, address, target_label(self))))
    }

    /// Returns the path and query that stand in a computed authority (`http://10.0.0.1$suffix`): the whole is taken apart once it is known (`ngx_http_proxy_eval`).
    fn computed_uri(&mut self, target: &'m Target, more: &'m UpstreamUri) -> Option<String> {
        let Target::Computed { authority, .. } = target else { return None };
        let authority = self.value(authority);
        let text = authority.lossy();
        let (_, uri) = split_authority(&text);
        if authority.hole || uri.is_empty() {
            return None;
        }
        let uri = if uri.starts_with('/') { uri.to_owned() } else { format!("/{uri}") };
        Some(match more {
            UpstreamUri::Exact(more) => uri + &self.value(more).lossy(),
            UpstreamUri::AsReceived | UpstreamUri::ReplacePrefix { .. } => uri,
        })
    }

    /// Returns the path and query that the upstream is asked for (`ngx_http_proxy_create_request`).
    fn upstream_uri(&mut self, uri: &'m UpstreamUri) -> String {
        let escaped = self.escaped || self.state.rewritten;
        let again = |path: &[u8]| if escaped { encode(path) } else { String::from_utf8_lossy(path).into_owned() };
        let path = match uri {
            UpstreamUri::AsReceived if !self.state.rewritten => return self.request.target.clone(),
            UpstreamUri::AsReceived => again(&self.state.path.bytes),
            UpstreamUri::ReplacePrefix { prefix, with } => {
                let rest = self.state.path.bytes.get(prefix.len()..).unwrap_or_default();
                format!("{with}{}", again(rest))
            }
            UpstreamUri::Exact(value) => {
                let text = self.value(value);
                self.exact &= !text.hole;
                return text.lossy().into_owned();
            }
        };
        self.exact &= !self.state.path.hole && !self.state.query.hole;
        if self.state.query.bytes.is_empty() { path } else { format!("{path}?{}", self.state.query.lossy()) }
    }

    /// Returns `location` as the client understands it: one without a scheme is relative to the request.
    fn absolute(&self, location: &Text) -> String {
        let text = location.lossy();
        // nginx takes `//host/` for a path too (`ngx_http_header_filter`).
        let strip_port = self.entrance.gateway.normalization.strip_port;
        if !text.starts_with('/') || text.starts_with("//") && !strip_port {
            return text.into_owned();
        }
        let scheme = if self.entrance.listener.tls.is_some() { "https" } else { "http" };
        let port = self.entrance.listener.address.port().filter(|port| *port != if scheme == "https" { 443 } else { 80 });
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        // Who named no host is sent to the address it came to (nginx: `ngx_http_header_filter`).
        let local = match &self.entrance.listener.address {
            ListenAddress::Tcp { ip: Some(ip), .. } if without_host(self.request) => Some(ip.to_string()),
            _ => None,
        };
        let host = local.map_or_else(|| self.host.lossy(), Into::into);
        // Where the host keeps its port it says itself which.
        let port = if strip_port { port } else { String::new() };
        format!("{scheme}://{host}{port}{text}")
    }

    /// Returns where the requests go that a status handler takes over. Their lines are not part of the way of a request that succeeds.
    fn handled(&mut self, handlers: &'m [StatusHandler]) -> Vec<Handled<'m>> {
        if self.handlers >= HANDLER_DEPTH {
            return Vec::new();
        }
        self.handlers += 1;
        let before = (self.state.clone(), self.steps.clone(), self.virtual_host, self.exact);
        let mut all = Vec::new();
        for handler in handlers {
            let end = self.walk(At::Step(&handler.step));
            let destination = finish(self, &end).destination;
            all.push(Handled { handler, destination, status: self.state.status });
            (self.state, self.steps, self.virtual_host, self.exact) = before.clone();
        }
        self.handlers -= 1;
        all
    }

    /// Returns all that decides what becomes of the request but is not in the servers, in a normal form without names.
    fn behaviour(&self, forward: &Forward, pool: Option<(&Pool, &[Serving])>, handlers: &[Handled<'_>]) -> String {
        let Forward { protocol, retry, timeouts, .. } = forward;
        let mut text = format!("{protocol}{}{}", retry_words(retry), timeout_words(timeouts));
        if let Some((pool, _)) = pool {
            text.push_str(&balancing_words(&pool.balancing));
            if let Some(persistence) = &pool.persistence {
                add(&mut text, format_args!(", {persistence}"));
            }
            if let Some(check) = &pool.health_check {
                text.push_str(&check_words(check));
            }
            // A pool of one is never without its member, so what would pass it over has no effect (ngx_http_upstream_init_round_robin: `single`).
            let single = pool.members.len() == 1;
            let mut members: Vec<String> = pool.members.iter().map(|member| member_words(member, single)).collect();
            members.sort();
            for member in members.iter().filter(|member| !member.is_empty()) {
                text.push_str(", ");
                text.push_str(member);
            }
        }
        if let Some(status) = self.state.status {
            add(&mut text, format_args!(", answered as {status}"));
        }
        for Handled { handler, destination, status } in handlers {
            let from = if handler.from_upstream { " from upstream" } else { "" };
            let answered = status.map(|status| format!(" as {status}")).unwrap_or_default();
            add(&mut text, format_args!(", on {:?}{from} {}{answered}", handler.statuses, normal_form(destination)));
        }
        text
    }
}

/// Returns the part of the failed requests that stays failed: a handler helps where it takes over both ways to be unreachable and forwards to a pool that serves.
fn still_broken(handlers: &[Handled<'_>]) -> f64 {
    let of_status = |status: u16| {
        let handled = handlers.iter().find(|one| one.handler.statuses.contains(&status));
        match handled.map(|one| (&one.destination, one.status)) {
            // With the status of the error the client sees an error, whatever the body says.
            Some((Destination::Forward { broken_share, .. }, None | Some(..500))) => *broken_share,
            Some(_) | None => 1.0,
        }
    };
    UNREACHABLE.into_iter().map(of_status).fold(0.0, f64::max)
}

/// Appends to a text, which cannot fail.
fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    std::fmt::Write::write_fmt(text, more).unwrap_or_default();
}

fn retry_words(retry: &Retry) -> String {
    match (retry.on_connect_failure, retry.attempts) {
        (false, _) => format!(", {NO_RETRY}"),
        (true, None) => String::new(),
        (true, Some(attempts)) => format!(", at most {attempts} servers are tried"),
    }
}

fn timeout_words(timeouts: &Timeouts) -> String {
    let mut text = String::new();
    for (name, value) in [("connect", timeouts.connect_ms), ("read", timeouts.read_ms), ("send", timeouts.send_ms), ("queue", timeouts.queue_ms)] {
        if let Some(value) = value {
            add(&mut text, format_args!(", {name} {value} ms"));
        }
    }
    text
}

/// Returns all of a probe that decides what it finds.
fn check_words(check: &HealthCheck) -> String {
    let mut text = format!(", checked {}", check.path.as_deref().unwrap_or_default());
    for (name, value) in [("method", &check.method), ("expect", &check.expect)] {
        if let Some(value) = value {
            add(&mut text, format_args!(" {name} {value}"));
        }
    }
    let numbers =
        [("every", check.interval_ms), ("fall", check.fall.map(u64::from)), ("rise", check.rise.map(u64::from)), ("port", check.port.map(u64::from))];
    for (name, value) in numbers {
        if let Some(value) = value {
            add(&mut text, format_args!(" {name} {value}"));
        }
    }
    text
}

fn balancing_words(balancing: &Balancing) -> String {
    match balancing {
        Balancing::RoundRobin => String::new(),
        Balancing::LeastConnections => ", least connections".to_owned(),
        Balancing::Random => ", random".to_owned(),
        Balancing::Hash(text) | Balancing::Other(text) => format!(", {text}"),
    }
}

/// Returns what is special about a member besides its share; empty for nothing.
fn member_words(member: &Member, single: bool) -> String {
    let mut text = String::new();
    match member.state {
        MemberState::Active => {}
        MemberState::Backup => text.push_str(" backup"),
        MemberState::Down => text.push_str(" down"),
        MemberState::Drained => text.push_str(" drained"),
    }
    if let Some(ejection) = member.ejection.filter(|_| !single) {
        add(&mut text, format_args!(" out after {} failures in {} ms", ejection.failures, ejection.window_ms));
    }
    if let Some(most) = member.max_connections {
        add(&mut text, format_args!(" at most {most} connections"));
    }
    if member.checked {
        text.push_str(" checked");
    }
    if text.is_empty() { text } else { format!("{}{text}", member.address) }
}

/// Returns a destination in a form in which equal ones are the same text; pool names do not count.
fn normal_form(destination: &Destination) -> String {
    match destination {
        Destination::Forward { servers, behaviour, .. } => {
            let mut servers: Vec<String> =
                servers.iter().map(|server| format!("{}={:.6} {:?}", server.address, server.share, server.state)).collect();
            servers.sort();
            format!("forward [{}] ({behaviour})", servers.join(" "))
        }
        other => format!("{other:?}"),
    }
}

/// Reads `host`, `host:port` or `[v6]:port`.
fn parse_authority(text: &str, default_port: u16) -> Option<Address> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Some(Address { host: Host::Unix(Arc::from(path.trim_end_matches(':'))), port: None });
    }
    let (host, port) = match text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if host.is_empty() {
        return None;
    }
    let host = host.parse::<IpAddr>().map_or_else(|_name| Host::Name(Arc::from(host)), Host::Ip);
    Some(Address { host, port: Some(port) })
}

fn target_label(walk: &Walk<'_, '_>) -> Label {
    walk.entrance.listener.label.clone()
}

/// Returns the authority, and what follows it.
fn split_authority(text: &str) -> (&str, &str) {
    let end = if text.starts_with("unix:") { None } else { text.find(['/', '?']) };
    end.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// Returns the pool that is only one address.
fn single(name: &str, address: Address, label: Label) -> Pool {
    Pool { declared: false, ..Pool::new(Arc::from(name), vec![Member::new(address, label.clone())], label) }
}
