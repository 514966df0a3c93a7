//! Lines that disagree with those beside them: HAProxy takes each of them, and together they are hardly meant.

use super::super::syntax::{Line, Section, Word};
use super::{Check, is_backend};
use crate::formats::source::has_hole;
use std::collections::BTreeMap;

/// The servers of a section that disagree with the others must be this many at least to be told apart from them.
const FEWEST: usize = 3;

/// With so many others of one port a rule speaks of the odd one.
const RULED: usize = 3;

/// A `server` line whose name and address can be read.
struct Server<'a> {
    line: &'a Line,
    name: &'a str,
    address: &'a Word,
    host: &'a str,
    port: &'a str,
}

impl<'a> Check<'a> {
    /// Compares the servers of `section` with each other.
    pub(super) fn neighbours(&mut self, section: &'a Section) {
        if !is_backend(section) {
            return;
        }
        let servers: Vec<Server<'_>> = section.lines.iter().filter_map(server).collect();
        self.labels(&servers);
        self.same_address(&servers);
        self.odd_port(&servers);
    }

    /// `server web02 web01:80` beside a `server web01`.
    fn labels(&mut self, servers: &[Server<'a>]) {
        let names: BTreeMap<&str, &Line> = servers.iter().map(|server| (server.name, server.line)).collect();
        for server in servers.iter().filter(|server| server.host.parse::<std::net::IpAddr>().is_err()) {
            let short = server.host.split('.').next().unwrap_or(server.host);
            let own = server.name == server.host || server.name.split('.').next() == Some(short);
            let other = names.get(server.host).or_else(|| names.get(short)).filter(|line| !own && line.span != server.line.span);
            if let Some(other) = other {
                let message = format!("`server {}` has the address of another server of this section: `{}`", server.name, server.address.text);
                self.warn(&server.address.span, message, "correct the address, or the name".to_owned());
                self.related(&server.address.span, &other.span, "the server of that name");
            }
        }
    }

    /// The same address twice: it gets twice its part, and counts as two servers.
    fn same_address(&mut self, servers: &[Server<'a>]) {
        let mut seen: BTreeMap<(&str, &str), &Server<'_>> = BTreeMap::new();
        for server in servers.iter().filter(|server| !server.port.is_empty()) {
            let Some(first) = seen.get(&(server.host, server.port)) else {
                seen.insert((server.host, server.port), server);
                continue;
            };
            let message = format!("`{}` and `{}` of this section are both {}", first.name, server.name, server.address.text);
            self.warn(&server.address.span, message, "correct the address, or give the one server a `weight`".to_owned());
            self.related(&server.address.span, &first.line.span, "the first one");
        }
    }

    /// One server on another machine is asked on another port than all others, and the two numbers differ by a slip.
    fn odd_port(&mut self, servers: &[Server<'a>]) {
        let mut ports: BTreeMap<&str, Vec<&Server<'_>>> = BTreeMap::new();
        for server in servers {
            ports.entry(server.port).or_default().push(server);
        }
        let [(a, first), (b, second)] = ports.iter().map(|(port, servers)| (*port, servers)).collect::<Vec<_>>()[..] else { return };
        let (odd, usual, many) = match (first.as_slice(), second.as_slice()) {
            ([one], many) => (*one, b, many),
            (many, [one]) => (*one, a, many),
            _ => return,
        };
        // Where three others agree, `traffic/port-mismatch` says it.
        if many.len() + 1 < FEWEST || many.len() >= RULED || many.iter().any(|server| server.host == odd.host) || !is_slip(odd.port, usual) {
            return;
        }
        let message = format!("`{}` is asked on port {}, and the other {} on {usual}", odd.name, odd.port, many.len());
        self.warn(&odd.address.span, message, format!("write {usual}, if nothing else is meant"));
    }

    /// HTTP/2 alone on clear text: whoever begins with HTTP/1.1 gets nothing.
    pub(super) fn clear_http2(&mut self, line: &Line) {
        let at = line.words.iter().position(|word| &*word.text == "proto");
        let Some(word) = at.and_then(|at| line.words.get(at + 1)).filter(|word| &*word.text == "h2") else { return };
        let port = line.arg(0).and_then(|word| word.text.rsplit(':').next());
        if port == Some("80") && !line.words.iter().any(|word| &*word.text == "ssl" || has_hole(&word.text)) {
            let message = "`proto h2` on clear text: browsers speak HTTP/1.1 to this port, and get no answer".to_owned();
            self.warn(&word.span, message, "leave `proto` out: HAProxy sees by itself which of the two a client speaks".to_owned());
        }
    }
}

/// Returns the server of `line`, if it is one that takes requests and can be read.
fn server(line: &Line) -> Option<Server<'_>> {
    let out = |word: &Word| matches!(&*word.text, "disabled" | "backup") || has_hole(&word.text);
    if line.keyword() != "server" || line.words.iter().any(out) {
        return None;
    }
    let (name, address) = (line.arg(0)?, line.arg(1)?);
    let plain = !address.text.contains(['/', '@']);
    let (host, port) = match address.text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some(parts) => parts,
        None => (&*address.text, ""),
    };
    plain.then_some(Server { line, name: &name.text, address, host, port })
}

/// Returns whether two numbers of the same length differ in one digit, or in two that changed places.
fn is_slip(a: &str, b: &str) -> bool {
    let differ: Vec<usize> = a.bytes().zip(b.bytes()).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    let swapped = || match differ.as_slice() {
        [one, other] => a.get(*one..*one + 1) == b.get(*other..*other + 1) && a.get(*other..*other + 1) == b.get(*one..*one + 1),
        _ => false,
    };
    a.len() == b.len() && (differ.len() == 1 || swapped())
}
