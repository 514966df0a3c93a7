//! The real nginx on loopback, for a test: started in a folder of its own, killed and cleaned up when dropped.

#![expect(clippy::disallowed_methods, reason = "starts the proxy the model is compared with, in a temporary folder")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use waypost::model::{Request, Scheme};

/// A running nginx.
pub(crate) struct Nginx {
    child: Child,
    prefix: PathBuf,
    ports: BTreeMap<String, u16>,
    /// The entry file with the ports filled in.
    pub(crate) config: String,
    /// The other files, filled in too.
    pub(crate) files: Vec<(String, String)>,
    /// The names that clients ask for over TLS, in the order of [`TUNNEL`].
    names: Vec<String>,
}

/// A TLS client beside a configuration, for requests byte by byte: what comes in goes to `front` over TLS. The name it asks for is the one whose number
/// stands as the client's port in the PROXY header before the request.
const TUNNEL: &str = "stream {
 map $proxy_protocol_port $name_to_ask_for { {names} }
 server { listen 127.0.0.1:{port:tunnel} proxy_protocol; proxy_pass 127.0.0.1:{port:front}; proxy_ssl on; proxy_ssl_server_name on;
  proxy_ssl_name $name_to_ask_for; proxy_ssl_session_reuse off; }
}
";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status; 0 when the connection was closed without an answer.
    pub(crate) status: u16,
    /// The headers in order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub(crate) body: String,
}

impl Response {
    /// Returns the first header called `name`, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Returns whether nginx is installed. Where it is not, says so, and fails in continuous integration, where "skipped" would go unread.
pub(crate) fn available() -> bool {
    let found = Command::new("nginx").arg("-v").stderr(Stdio::null()).stdout(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var("CI").is_err(), "nginx is not installed");
        println!("skipped: no nginx");
    }
    found
}

/// Returns whether nginx is installed with its `stream` module, which Debian has as a package of its own. Where it is not, says so, and fails in continuous
/// integration.
pub(crate) fn stream_available() -> bool {
    if !available() {
        return false;
    }
    let found = stream_module().is_some();
    if !found {
        assert!(std::env::var("CI").is_err(), "nginx has no stream module");
        println!("skipped: no nginx stream module");
    }
    found
}

/// Returns the line that loads the `stream` module, empty where it is built in; `None` where there is none.
fn stream_module() -> Option<&'static str> {
    static LINE: OnceLock<Option<String>> = OnceLock::new();
    let look = || {
        let said = Command::new("nginx").arg("-V").stderr(Stdio::piped()).output().ok()?.stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        let options = || said.split_whitespace();
        if options().any(|option| option == "--with-stream") {
            return Some(String::new());
        }
        let folder = options().find_map(|option| option.strip_prefix("--modules-path=")).unwrap_or("/usr/lib/nginx/modules");
        let file = format!("{folder}/ngx_stream_module.so");
        fs::exists(&file).ok().filter(|there| *there)?;
        Some(format!("load_module {file};\n"))
    };
    LINE.get_or_init(look).as_deref()
}

impl Nginx {
    /// Starts nginx with `nginx.conf` being `config`, beside `files` (path, content) in the same folder.
    ///
    /// Every `{port:NAME}` in any of the texts becomes a free port of 127.0.0.1, the same one for the same name; `{prefix}` becomes the folder.
    /// The first `http {` gets logs and temporary paths inside the folder; with `stream {` its module is loaded. Panics with nginx's own words when it does not start.
    pub(crate) fn start(config: &str, files: &[(&str, &str)]) -> Self {
        Self::attempt(config, files).unwrap_or_else(|error| panic!("nginx does not start: {error}\n{config}"))
    }

    /// As [`Self::start`]; returns nginx's own words when it refuses the configuration.
    pub(crate) fn attempt(config: &str, files: &[(&str, &str)]) -> Result<Self, String> {
        Self::attempt_tls(config, files, &[])
    }

    /// As [`Self::attempt`], for clients that speak TLS to the port `front` and ask for one of `names`, the empty one for none.
    pub(crate) fn attempt_tls(config: &str, files: &[(&str, &str)], names: &[String]) -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..3 {
            let prefix = std::env::temp_dir().join(format!("waypost-nginx-{}-{number}-{attempt}", std::process::id()));
            match Self::try_start(config, files, (names, prefix)) {
                // Another test may have taken a port between our looking and nginx's binding.
                Err(error) if error.contains("Address already in use") && attempt < 2 => {}
                tried => return tried,
            }
        }
        Err("no port stays free".to_owned())
    }

    fn try_start(config: &str, files: &[(&str, &str)], (names, prefix): (&[String], PathBuf)) -> Result<Self, String> {
        fs::create_dir_all(prefix.join("temp")).map_err(|error| error.to_string())?;
        let mut ports = Ports::default();
        let folder = prefix.display().to_string();
        let mut filled = Vec::new();
        for (path, content) in files {
            let file = prefix.join(path);
            let content = ports.fill(content).replace("{prefix}", &folder);
            fs::create_dir_all(file.parent().expect("a file has a folder")).map_err(|error| error.to_string())?;
            fs::write(file, &content).map_err(|error| error.to_string())?;
            filled.push(((*path).to_owned(), content));
        }
        let config = ports.fill(config).replace("{prefix}", &folder);
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| [name, "_temp_path temp/", name, "; "].concat()).concat();
        let text = config.replacen("http {", &format!("http {{ access_log off; {temporary}"), 1);
        let numbered: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("{} \"{name}\";", at + 1)).collect();
        let tunnel = if names.is_empty() { String::new() } else { ports.fill(TUNNEL).replace("{names}", &numbered.join(" ")) };
        let module = if config.contains("stream {") || !tunnel.is_empty() { stream_module().unwrap_or_default() } else { "" };
        fs::write(prefix.join("nginx.conf"), [module, &text, &tunnel].concat()).map_err(|error| error.to_string())?;
        let numbers = ports.release();
        let mut child = Command::new("nginx")
            .args(["-p", &folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off; master_process off; pid nginx.pid;"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(prefix.join("stderr")).map_err(|error| error.to_string())?)
            .spawn()
            .map_err(|error| error.to_string())?;
        for _ in 0..500 {
            if child.try_wait().map_err(|error| error.to_string())?.is_some() {
                let said = fs::read_to_string(prefix.join("stderr")).unwrap_or_default();
                fs::remove_dir_all(&prefix).map_err(|error| error.to_string())?;
                return Err(said);
            }
            if numbers.values().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) && prefix.join("nginx.pid").exists() {
                return Ok(Self { child, prefix, ports: numbers, config, files: filled, names: names.to_vec() });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().map_err(|error| error.to_string())?;
        Err("it does not answer on all of its ports".to_owned())
    }

    /// Returns the port that `{port:NAME}` became.
    pub(crate) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// Returns the folder it runs in.
    pub(crate) fn folder(&self) -> &Path {
        &self.prefix
    }

    /// Sends one request to `port` as HTTP/1.1 with `Connection: close`, nothing added but `Host: host`, unless `headers` has one.
    /// `headers` are `Name: value` lines. Without a host it is HTTP/1.0, which needs none.
    pub(crate) fn send(port: u16, method: &str, host: &str, target: &str, headers: &[String]) -> Response {
        answer(port, "", &head(method, host, target, headers))
    }

    /// Sends `request`, over TLS if its scheme says so; it must ask for one of the names that were given at the start.
    pub(crate) fn ask(&self, request: &Request) -> Response {
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let text = head(&request.method, &request.host, &request.target, &headers);
        if request.scheme == Scheme::Http {
            return answer(self.port("front"), "", &text);
        }
        let name = self.names.iter().position(|name| *name == request.host).expect("a name that was given");
        answer(self.port("tunnel"), &format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} 1\r\n", name + 1), &text)
    }

    /// Opens a connection, writes `first`, returns all that comes back.
    pub(crate) fn connect(port: u16, first: &[u8]) -> String {
        String::from_utf8_lossy(&exchange(port, first).0).into_owned()
    }
}

/// Returns the text of a request without a body.
fn head(method: &str, host: &str, target: &str, headers: &[String]) -> String {
    let named = headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:"));
    let version = if named || !host.is_empty() { "1.1" } else { "1.0" };
    let mut text = format!("{method} {target} HTTP/{version}\r\nConnection: close\r\n");
    if !named && !host.is_empty() {
        text.push_str(&["Host: ", host, "\r\n"].concat());
    }
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text + "\r\n"
}

/// Writes `before` and `text` to `port` and reads the answer.
fn answer(port: u16, before: &str, text: &str) -> Response {
    let (bytes, ended) = exchange(port, [before, text].concat().as_bytes());
    // A connection that is reset is one that was closed without an answer, be it before all of the request was written.
    parse(&if ended { String::from_utf8_lossy(&bytes) } else { "".into() })
}

/// Writes `text` to `port` and reads to the end; whether it ended in order.
fn exchange(port: u16, text: &[u8]) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nginx accepts connections");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
    let mut bytes = Vec::new();
    let ended = stream.write_all(text).is_ok() && stream.read_to_end(&mut bytes).is_ok();
    (bytes, ended)
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Nothing to be done when the process is gone already, or the folder.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.prefix));
    }
}

/// Free ports, held until the proxy takes them over.
#[derive(Default)]
pub(super) struct Ports {
    held: BTreeMap<String, TcpListener>,
}

impl Ports {
    /// Returns `text` with a free port in place of each `{port:NAME}`.
    pub(super) fn fill(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{port:") {
            let (name, after) = after.split_once('}').expect("`{port:NAME}` is closed");
            let listener = self.held.entry(name.to_owned()).or_insert_with(|| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
            out.push_str(before);
            out.push_str(&listener.local_addr().expect("it is bound").port().to_string());
            rest = after;
        }
        out + rest
    }

    /// Lets go of the ports, so that the proxy can have them.
    pub(super) fn release(self) -> BTreeMap<String, u16> {
        self.held.into_iter().map(|(name, listener)| (name, listener.local_addr().expect("it is bound").port())).collect()
    }
}

fn parse(text: &str) -> Response {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Response { status: 0, headers: Vec::new(), body: String::new() };
    };
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { join_chunks(body) } else { body.to_owned() };
    Response { status, headers, body }
}

fn join_chunks(mut text: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        out.push_str(chunk);
        text = rest.get(size + 2..).unwrap_or("");
    }
    out
}

#[test]
fn the_runner_starts_sends_and_cleans_up() {
    if !available() {
        return;
    }
    let nginx = Nginx::start(
        "events {} http { server { listen 127.0.0.1:{port:a}; location / { proxy_pass http://127.0.0.1:{port:b}; } location /x { return 444; } }
         server { listen 127.0.0.1:{port:b}; root {prefix}/www; location = /e { return 200 \"$server_port $request_uri\"; } } }",
        &[("www/hello", "hello from {port:b}")],
    );
    assert!(nginx.config.contains(&nginx.port("a").to_string()));
    let echo = Nginx::send(nginx.port("a"), "GET", "shop.example.com", "/e?x=1", &[]);
    assert_eq!((echo.status, echo.body), (200, format!("{} /e?x=1", nginx.port("b"))));
    assert_eq!(Nginx::send(nginx.port("a"), "GET", "h", "/hello", &[]).body, format!("hello from {}", nginx.port("b")));
    assert!(Nginx::send(nginx.port("a"), "GET", "h", "/hello", &[]).header("content-type").is_some());
    assert_eq!(Nginx::send(nginx.port("a"), "GET", "h", "/x", &[]).status, 0);
    let prefix = nginx.prefix.clone();
    drop(nginx);
    assert!(!prefix.exists());
}
