//! The real nginx on loopback, for a test: started in a folder of its own, killed and cleaned up when dropped.

#![expect(clippy::disallowed_methods, reason = "starts the proxy the model is compared with, in a temporary folder")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A running nginx.
pub(crate) struct Nginx {
    child: Child,
    prefix: PathBuf,
    ports: BTreeMap<String, u16>,
    /// The entry file with the ports filled in.
    pub(crate) config: String,
}

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

impl Nginx {
    /// Starts nginx with `nginx.conf` being `config`, beside `files` (path, content) in the same folder.
    ///
    /// Every `{port:NAME}` in any of the texts becomes a free port of 127.0.0.1, the same one for the same name; `{prefix}` becomes the folder.
    /// The first `http {` gets logs and temporary paths inside the folder. Panics with nginx's own words when it does not start.
    pub(crate) fn start(config: &str, files: &[(&str, &str)]) -> Self {
        Self::attempt(config, files).unwrap_or_else(|error| panic!("nginx does not start: {error}\n{config}"))
    }

    /// As [`Self::start`]; returns nginx's own words when it refuses the configuration.
    pub(crate) fn attempt(config: &str, files: &[(&str, &str)]) -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..3 {
            let prefix = std::env::temp_dir().join(format!("waypost-nginx-{}-{number}-{attempt}", std::process::id()));
            match Self::try_start(config, files, prefix) {
                // Another test may have taken a port between our looking and nginx's binding.
                Err(error) if error.contains("Address already in use") && attempt < 2 => {}
                tried => return tried,
            }
        }
        Err("no port stays free".to_owned())
    }

    fn try_start(config: &str, files: &[(&str, &str)], prefix: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(prefix.join("temp")).map_err(|error| error.to_string())?;
        let mut ports = Ports::default();
        let folder = prefix.display().to_string();
        for (path, content) in files {
            let path = prefix.join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).map_err(|error| error.to_string())?;
            fs::write(path, ports.fill(content).replace("{prefix}", &folder)).map_err(|error| error.to_string())?;
        }
        let config = ports.fill(config).replace("{prefix}", &folder);
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| [name, "_temp_path temp/", name, "; "].concat()).concat();
        let text = config.replacen("http {", &format!("http {{ access_log off; {temporary}"), 1);
        fs::write(prefix.join("nginx.conf"), text).map_err(|error| error.to_string())?;
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
                return Ok(Self { child, prefix, ports: numbers, config });
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

    /// Sends one request to `port` as HTTP/1.1 with `Connection: close`, nothing added but `Host: host`, unless `headers` has one.
    /// `headers` are `Name: value` lines.
    pub(crate) fn send(port: u16, method: &str, host: &str, target: &str, headers: &[String]) -> Response {
        let mut text = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
            text.push_str(&["Host: ", host, "\r\n"].concat());
        }
        for line in headers {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nginx accepts connections");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
        let mut bytes = Vec::new();
        // A connection that is reset is one that was closed without an answer, be it before all of the request was written.
        if stream.write_all(text.as_bytes()).is_err() || stream.read_to_end(&mut bytes).is_err() {
            bytes.clear();
        }
        parse(&String::from_utf8_lossy(&bytes))
    }
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
