//! The real HAProxy on loopback, for a test: started in a folder of its own beside servers that say who they are, killed and cleaned up when dropped.

#![expect(clippy::disallowed_methods, reason = "starts the proxy the model is compared with, in a temporary folder")]

use super::nginx::{Ports, Response};
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use waypost::analysis::Destination;
use waypost::model::{Name, Request, Scheme};

/// The names of the servers that run beside it: `{port:a}` and so on.
const SERVERS: [&str; 4] = ["a", "b", "c", "d"];

/// For tests only: a key and a certificate that nobody trusts.
const CERTIFICATE: &str = include_str!("../haproxy/certificate.pem");

/// Beside configurations that speak TLS: servers that do (`ta`, `tb`), and a client. It asks with the name in `X-Name`, and what came back carries `X-Came`.
const TLS: &str = "
listen stub-ta
 mode http
 bind 127.0.0.1:{port:ta} ssl crt certificate.pem
 http-request return status 200 hdr X-At \"%[dst_port] %[url]\"
listen stub-tb
 mode http
 bind 127.0.0.1:{port:tb} ssl crt certificate.pem
 http-request return status 200 hdr X-At \"%[dst_port] %[url]\"
listen client
 mode http
 bind 127.0.0.1:{port:client}
 http-request set-var(txn.name) req.hdr(x-name)
 http-request del-header x-name
 http-response set-header X-Came yes
 server front 127.0.0.1:{port:front} ssl verify none sni var(txn.name)
";

/// A running HAProxy.
pub(crate) struct Haproxy {
    child: Child,
    prefix: PathBuf,
    ports: BTreeMap<String, u16>,
    /// The configuration with the ports filled in.
    pub(crate) config: String,
    /// The other files, filled in too.
    pub(crate) files: Vec<(String, String)>,
    /// Clients speak TLS.
    tls: bool,
}

/// Returns whether HAProxy is installed. Where it is not, says so, and fails in continuous integration, where "skipped" would go unread.
pub(crate) fn available() -> bool {
    let found = Command::new("haproxy").arg("-v").stderr(Stdio::null()).stdout(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var("CI").is_err(), "haproxy is not installed");
        println!("skipped: no haproxy");
    }
    found
}

impl Haproxy {
    /// Starts HAProxy with `config`, beside `files` (path, content) in the same folder.
    ///
    /// Every `{port:NAME}` in any of the texts becomes a free port of 127.0.0.1, the same one for the same name. `a` to `d` are servers that answer
    /// with their port and what they were asked for in `X-At`. Panics with HAProxy's own words when it does not start.
    pub(crate) fn start(config: &str, files: &[(&str, &str)]) -> Self {
        Self::attempt(config, files).unwrap_or_else(|error| panic!("HAProxy does not start: {error}\n{config}"))
    }

    /// As [`Self::start`]; returns HAProxy's own words when it refuses the configuration.
    pub(crate) fn attempt(config: &str, files: &[(&str, &str)]) -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..3 {
            let prefix = std::env::temp_dir().join(format!("waypost-haproxy-{}-{number}-{attempt}", std::process::id()));
            match Self::try_start(config, files, prefix) {
                // Another test may have taken a port between our looking and HAProxy's binding.
                Err(error) if error.contains("in use") && attempt < 2 => {}
                tried => return tried,
            }
        }
        Err("no port stays free".to_owned())
    }

    fn try_start(config: &str, files: &[(&str, &str)], prefix: PathBuf) -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        fs::create_dir_all(&prefix).map_err(told)?;
        let mut ports = Ports::default();
        let mut filled = Vec::new();
        for (path, content) in files {
            let content = ports.fill(content);
            let place = prefix.join(path);
            fs::create_dir_all(place.parent().expect("a file has a folder")).map_err(told)?;
            fs::write(place, &content).map_err(told)?;
            filled.push(((*path).to_owned(), content));
        }
        let config = ports.fill(config);
        let servers = SERVERS.map(|name| {
            format!(
                "listen stub-{name}\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n bind 127.0.0.1:{{port:{name}}}\n \
                 http-request return status 200 hdr X-At \"%[dst_port] %[url]\" hdr X-Host \"%[req.fhdr(host)]\"\n"
            )
        });
        let tls = config.contains(" ssl crt") || config.contains("ssl_sni");
        let times = "defaults\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n";
        let servers = ports.fill(&[times, &servers.concat(), if tls { TLS } else { "" }].concat());
        if tls {
            fs::write(prefix.join("certificate.pem"), CERTIFICATE).map_err(told)?;
        }
        fs::write(prefix.join("haproxy.cfg"), &config).map_err(told)?;
        fs::write(prefix.join("servers.cfg"), servers).map_err(told)?;
        let numbers = ports.release();
        let mut child = Command::new("haproxy")
            .args(["-db", "-f", "haproxy.cfg"])
            .args(
                files
                    .iter()
                    .filter(|(path, _)| std::path::Path::new(path).extension().is_some_and(|ending| ending == "cfg"))
                    .flat_map(|(path, _)| ["-f", path]),
            )
            .args(["-f", "servers.cfg"])
            .current_dir(&prefix)
            .stdout(Stdio::null())
            .stderr(fs::File::create(prefix.join("stderr")).map_err(told)?)
            .spawn()
            .map_err(told)?;
        // Only these are surely opened: others may be addresses of servers that are not there.
        let opened = |name: &str| {
            name.starts_with("front") || ["ta", "tb", "client"].contains(&name) || SERVERS.contains(&name) || name.parse::<u16>().is_ok()
        };
        let open = || numbers.iter().filter(|(name, _)| opened(name)).all(|(_, port)| TcpStream::connect(("127.0.0.1", *port)).is_ok());
        for _ in 0..500 {
            if child.try_wait().map_err(told)?.is_some() {
                let said = fs::read_to_string(prefix.join("stderr")).unwrap_or_default();
                fs::remove_dir_all(&prefix).map_err(told)?;
                return Err(said);
            }
            if open() {
                return Ok(Self { child, prefix, ports: numbers, config, files: filled, tls });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().map_err(told)?;
        Err("it does not answer on all of its ports".to_owned())
    }

    /// Returns the port that `{port:NAME}` became.
    pub(crate) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// Returns the files as a tree.
    pub(crate) fn tree(&self) -> waypost::snapshot::Snapshot {
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        waypost::snapshot::memory(files.chain([("haproxy.cfg", self.config.as_str())]))
    }

    /// Reads `METHOD HOST TARGET [Name: value[; …]]…`, headers parted by ` | `.
    pub(crate) fn request(&self, line: &str) -> Request {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (method, host, target) = (next(), next(), next());
        let port = self.port("front");
        let mut request = Request::get(&format!("http://h:{port}/")).expect("the request can be read");
        host.clone_into(&mut request.host);
        target.clone_into(&mut request.target);
        request.method = method.to_owned();
        request.listener = Some(format!("127.0.0.1:{port}"));
        request.from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        request.headers.push((Name::from("host"), host.to_owned()));
        if self.tls {
            request.scheme = Scheme::Https;
        }
        for header in words.next().unwrap_or_default().split(" | ") {
            if let Some((name, value)) = header.split_once(':') {
                request.headers.push((Name::from(name.to_ascii_lowercase()), value.trim().to_owned()));
            }
        }
        request
    }

    /// Sends `request` to the port called `front`.
    pub(crate) fn send(&self, request: &Request) -> Response {
        let mut headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if !self.tls {
            return super::nginx::Nginx::send(self.port("front"), &request.method, &request.host, &request.target, &headers);
        }
        headers.push(format!("X-Name: {}", request.host));
        let answer = super::nginx::Nginx::send(self.port("client"), &request.method, &request.host, &request.target, &headers);
        // What the client says itself is that the connection was closed.
        if answer.header("x-came").is_some() { answer } else { Response { status: 0, headers: Vec::new(), body: String::new() } }
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // Nothing to be done when the process is gone already, or the folder.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.prefix));
    }
}

/// Says what HAProxy did where it is not `destination`.
pub(crate) fn compare(destination: &Destination, answer: &Response) -> Result<(), String> {
    let location = answer.header("location").unwrap_or_default();
    let at = answer.header("x-at");
    let agree = match destination {
        Destination::Forward { broken_share, .. } if *broken_share >= 1.0 => answer.status == 503 && at.is_none(),
        Destination::Forward { servers, upstream_uri, .. } => {
            let serving = servers.iter().filter(|server| server.share > 0.0);
            let ports: Vec<&str> = serving.filter_map(|server| server.address.rsplit(':').next()).collect();
            at.and_then(|at| at.split_once(' ')).is_some_and(|(port, uri)| ports.contains(&port) && uri == upstream_uri)
        }
        Destination::Redirect { status, location: expected } => {
            answer.status == *status && (location == expected || is_relative_of(location, expected))
        }
        Destination::Respond { status } | Destination::Reject { status } => answer.status == *status && at.is_none(),
        Destination::Opaque { alternatives, .. } => alternatives.iter().any(|alternative| compare(&alternative.outcome, answer).is_ok()),
        // Where nobody takes the connection, the handshake is refused by its name.
        Destination::Close | Destination::None => answer.status == 0,
        Destination::Files { .. } => false,
    };
    if agree { Ok(()) } else { Err(format!("{} {location} {}", answer.status, at.unwrap_or_default())) }
}

/// Whether a location is `expected`, which the model makes absolute where HAProxy leaves that to the client.
pub(super) fn is_relative_of(location: &str, expected: &str) -> bool {
    let below = expected.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    location.starts_with('/') && below == Some(location)
}
