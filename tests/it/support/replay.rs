//! Replays requests on the real proxy: the tree is moved to loopback, every server an inventory does not call missing gets a stub,
//! and what nginx or HAProxy does is compared with what the trace says.
//!
//! Moving to loopback: addresses keep all but their first octet (`10.20.1.11` becomes `127.20.1.11`), ports of `listen` become free ones, logs and
//! the user go, the configuration folder is the test's. Everything else is the tree's own text. A HAProxy with certificates is not started: they are
//! not in the tree.

use super::haproxy::{self, Haproxy};
use super::nginx::{self, Nginx, Response};
use fancy_regex::Regex;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use waypost::analysis::{Destination, ServerState, trace};
use waypost::formats;
use waypost::model::{Host, Model, Request, Role};
use waypost::snapshot::Snapshot;

/// How often a forwarded request is sent: a multiple of every total weight that the pages use would be ideal; 60 keeps shares within 0.04.
const TIMES: u32 = 60;
/// How far a share on the real nginx may be from the model's.
const TOLERANCE: f64 = 0.04;

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests whose outcome the proxy confirmed.
    pub(crate) agreed: usize,
    /// Requests the model calls opaque or unserved: nothing to compare.
    pub(crate) open: usize,
}

/// A proxy that runs.
enum Real {
    Nginx(Nginx),
    Haproxy(Haproxy),
}

impl Real {
    /// Starts the proxy of `tree`; `None` where it is not installed or cannot be started from the tree alone.
    fn start(tree: &Snapshot, model: &Model) -> Result<Option<Self>, String> {
        let format = model.inputs.iter().find(|input| input.role == Role::Entry).map(|input| input.format).ok_or("no entry file to start")?;
        let (config, files) = on_loopback(tree, model, format).ok_or("the entry file cannot be read")?;
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        match format {
            "nginx" => Ok(nginx::available().then(|| Self::Nginx(Nginx::start(&config, &files)))),
            "haproxy" if model.gateways.iter().flat_map(|gateway| &gateway.listeners).any(|listener| listener.tls.is_some()) => Ok(None),
            "haproxy" => {
                let started = haproxy::available().then(|| Self::Haproxy(Haproxy::start(&config, &files)));
                std::thread::sleep(until_probed(model));
                Ok(started)
            }
            other => Err(format!("there is no {other} to start")),
        }
    }

    fn port(&self, name: &str) -> u16 {
        match self {
            Self::Nginx(nginx) => nginx.port(name),
            Self::Haproxy(haproxy) => haproxy.port(name),
        }
    }
}

/// Returns how long the probes take to find out who is not there.
fn until_probed(model: &Model) -> Duration {
    let missing = |host| matches!(model.inventory.existence(host), waypost::model::Existence::Missing(_));
    let pools = model.gateways.iter().flat_map(|gateway| &gateway.pools);
    let probed = pools.filter(|pool| pool.members.iter().any(|member| member.checked && missing(&member.address.host)));
    let times = probed.filter_map(|pool| pool.health_check.as_ref()).map(|check| {
        let rounds = u64::from(check.fall.unwrap_or(3)) + 1;
        Duration::from_millis(rounds * check.interval_ms.unwrap_or(2000))
    });
    times.max().unwrap_or_default()
}

/// Sends `requests` to the proxy of `tree` and compares. `Err` names the first request on which model and proxy disagree.
pub(crate) fn replay(tree: &Snapshot, requests: &[Request]) -> Result<Counts, String> {
    let model = formats::read(tree);
    let stubs = Stubs::start(&model);
    let mut counts = Counts::default();
    let Some(proxy) = Real::start(tree, &model)? else {
        counts.open = requests.len();
        return Ok(counts);
    };
    for request in requests {
        let traced = trace(&model, request);
        match compare(&proxy, request, &traced.destination) {
            Ok(true) => counts.agreed += 1,
            Ok(false) => counts.open += 1,
            Err(difference) => return Err(format!("{request}: {difference}; the model has {:?}", traced.destination)),
        }
    }
    drop(stubs);
    Ok(counts)
}

/// Returns whether the proxy did what the destination says; `Ok(false)` when there is nothing to compare.
fn compare(proxy: &Real, request: &Request, destination: &Destination) -> Result<bool, String> {
    let port = proxy.port(&request.port.to_string());
    let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let host = if request.port == request.scheme.default_port() { request.host.clone() } else { format!("{}:{}", request.host, request.port) };
    let send = || Nginx::send(port, &request.method, &host, &request.target, &headers);
    let status = |expected: u16, got: &Response| if got.status == expected { Ok(true) } else { Err(format!("the proxy answered {}", got.status)) };
    match destination {
        Destination::Forward { servers, upstream_uri, broken_share, .. } => {
            let able: BTreeSet<String> = servers
                .iter()
                .filter(|server| matches!(server.state, ServerState::Ok | ServerState::Unknown))
                .map(|server| to_loopback(&server.address))
                .collect();
            let mut broken = 0;
            for _ in 0..TIMES {
                let got = send();
                let Some((server, uri)) = got.body.strip_prefix("stub ").and_then(|text| text.split_once(' ')) else {
                    broken += 1;
                    continue;
                };
                if !able.contains(server) {
                    return Err(format!("the proxy sent it to {server}"));
                }
                if uri != upstream_uri {
                    return Err(format!("the proxy asked {server} for {uri}"));
                }
            }
            let share = f64::from(broken) / f64::from(TIMES);
            if (share - broken_share).abs() > TOLERANCE {
                return Err(format!("{broken} of {TIMES} requests broke on the proxy"));
            }
            Ok(true)
        }
        Destination::Redirect { status: expected, location } => {
            let got = send();
            status(*expected, &got)?;
            let got = got.header("location").unwrap_or_default().replace(&format!(":{port}"), "");
            if got == *location || haproxy::is_relative_of(&got, location) { Ok(true) } else { Err(format!("the proxy redirected to {got}")) }
        }
        Destination::Respond { status: expected } | Destination::Reject { status: expected } => status(*expected, &send()),
        Destination::Close => status(0, &send()),
        Destination::Files { .. } => {
            let got = send();
            if matches!(got.status, 200 | 301 | 403 | 404) && !got.body.starts_with("stub ") {
                Ok(true)
            } else {
                Err(format!("the proxy answered {} {}", got.status, got.body))
            }
        }
        Destination::None | Destination::Opaque { .. } => Ok(false),
    }
}

fn to_loopback(address: &str) -> String {
    let addresses = Regex::new(r"\b\d{1,3}\.(\d{1,3}\.\d{1,3}\.\d{1,3})\b").expect("a regex");
    addresses.replace_all(address, "127.$1").into_owned()
}

/// Returns the entry file and the files beside it, moved to loopback.
fn on_loopback(tree: &Snapshot, model: &Model, format: &str) -> Option<(String, Vec<(String, String)>)> {
    let entry = model.inputs.iter().find(|input| input.format == format && input.role == Role::Entry)?;
    let adapt = if format == "haproxy" { adapt_haproxy } else { adapt };
    let folder = entry.path.parent();
    let below = |path: &str| {
        let folder = folder.as_str();
        if folder.is_empty() { Some(path.to_owned()) } else { path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned) }
    };
    let mut files: Vec<(String, String)> = Vec::new();
    for (path, _) in tree.entries().filter(|(path, _)| **path != entry.path) {
        if let (Some(name), Ok(text)) = (below(path.as_str()), tree.text(path)) {
            files.push((name, adapt(&text)));
        }
    }
    let shipped: &[&str] = if format == "nginx" { &["mime.types", "fastcgi_params", "uwsgi_params"] } else { &[] };
    for shipped in shipped.iter().copied() {
        if !files.iter().any(|(name, _)| name == shipped) {
            files.push((shipped.to_owned(), if shipped == "mime.types" { "types {}".to_owned() } else { String::new() }));
        }
    }
    Some((adapt(&tree.text(&entry.path).ok()?), files))
}

fn adapt(text: &str) -> String {
    let listen = Regex::new(r"(?m)(^|[\s{;])listen\s+(?:(\*|0\.0\.0\.0|\[::\]|\d+\.\d+\.\d+\.\d+):)?(\d+)").expect("a regex");
    let gone = Regex::new(r"(?m)(^|[\s{;])(user|error_log|access_log|pid)\s[^;]*;").expect("a regex");
    let text = gone.replace_all(text, "$1").into_owned();
    let text = to_loopback(&text).replace("/etc/nginx/", "{prefix}/");
    listen
        .replace_all(&text, |found: &fancy_regex::Captures<'_, str>| {
            let before = found.get(1).map_or("", |group| group.as_str());
            let port = found.get(3).map_or("", |group| group.as_str());
            match found.get(2).map(|group| group.as_str()) {
                None | Some("*" | "0.0.0.0") => format!("{before}listen {{port:{port}}}"),
                // nginx 1.22 opens these beside the IPv4 ones; where there is no IPv6 they stand on a port nobody asks.
                Some("[::]") => format!("{before}listen 127.0.0.1:{{port:v6-{port}}}"),
                Some(_) => format!("{before}listen 127.0.0.1:{{port:{port}}}"),
            }
        })
        .into_owned()
}

/// Moves a HAProxy configuration to loopback. Retries to a server that is not there come at once.
fn adapt_haproxy(text: &str) -> String {
    let bind = Regex::new(r"(?m)^(\s*bind\s+)(?:\*|0\.0\.0\.0|\[::\]|\d+\.\d+\.\d+\.\d+)?:(\d+)\b").expect("a regex");
    let gone = Regex::new(r"(?m)^\s*(user|group|chroot|daemon|log|pidfile|stats socket|ca-base|crt-base)\b.*$").expect("a regex");
    let connect = Regex::new(r"(?m)^(\s*timeout\s+connect\s+)\S+").expect("a regex");
    let text = to_loopback(&gone.replace_all(text, "")).replace("/etc/haproxy/", "");
    let text = connect.replace_all(&text, "${1}50ms").into_owned();
    bind.replace_all(&text, "${1}127.0.0.1:{port:$2}").into_owned()
}

/// Servers that answer `stub ADDRESS TARGET`.
struct Stubs {
    stop: Arc<AtomicBool>,
    running: Vec<(SocketAddrV4, JoinHandle<()>)>,
}

impl Stubs {
    fn start(model: &Model) -> Self {
        let mut addresses = BTreeSet::new();
        for member in model.gateways.iter().flat_map(|gateway| &gateway.pools).flat_map(|pool| &pool.members) {
            let missing = matches!(model.inventory.existence(&member.address.host), waypost::model::Existence::Missing(_));
            if let (Host::Ip(std::net::IpAddr::V4(ip)), Some(port), false) = (&member.address.host, member.address.port, missing) {
                let [_, b, c, d] = ip.octets();
                addresses.insert(SocketAddrV4::new(Ipv4Addr::new(127, b, c, d), port));
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let running = addresses
            .into_iter()
            .map(|address| {
                let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("a stub cannot listen on {address}: {error}"));
                let stop = Arc::clone(&stop);
                (address, std::thread::spawn(move || serve(&listener, address, &stop)))
            })
            .collect();
        Self { stop, running }
    }
}

fn serve(listener: &TcpListener, address: SocketAddrV4, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(stream) = stream {
            // A client that goes away is its own affair.
            drop(answer(stream, address));
        }
    }
}

fn answer(mut stream: TcpStream, address: SocketAddrV4) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or("");
    let body = format!("stub {address} {target}");
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

impl Drop for Stubs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for (address, thread) in self.running.drain(..) {
            // Wakes the thread from `accept`.
            drop(TcpStream::connect(address));
            drop(thread.join());
        }
    }
}
