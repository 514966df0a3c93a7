//! Requests near the edges of a configuration: its own patterns, a little off.

use super::grammar::Case;
use crate::nginx::agreement::local;
use crate::support::random::Random;
use waypost::model::{Name, Request, Scheme};

const METHODS: &[&str] = &["GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// The user and the password of the file `users`.
pub(super) const KNOWN: &str = "Basic dTpw";

/// Values that maps, conditions and networks of the grammar ask for, and some that they do not.
pub(super) const WORDS: &[&str] =
    &["1", "0", "a", "b", "A", "ab", "xyz", "", "10.0.0.1", "10.1.2.3", "10.1.2.9", "192.168.0.1", "www.a.test", "b.test", "%61"];

/// Returns the names that clients of `case` may ask for over TLS; the empty one is none.
pub(super) fn names(random: &mut Random, case: &Case) -> Vec<String> {
    if !case.tls {
        return Vec::new();
    }
    let mut names: Vec<String> = case.hosts.clone();
    names.extend((0..8).map(|_| host(random, case)).filter(|name| !name.contains(':')));
    names.sort();
    names.dedup();
    names
}

/// Draws one request to `case`; over TLS where there are `names` to ask for.
pub(super) fn draw(random: &mut Random, case: &Case, names: &[String], port: u16) -> Request {
    let path = path(random, case);
    let mut target = bent(random, &path);
    if random.chance(40) {
        target.push('?');
        for at in 0..random.below(3) {
            if at > 0 {
                target.push('&');
            }
            if random.chance(6) {
                // What a backend answers with.
                target.push_str(random.pick(&["st=404", "st=403", "st=500", "st=502", "st=302"]));
                continue;
            }
            target.push_str(random.pick(&["a", "b", "k", "ip", "A", "u"]));
            if random.chance(90) {
                target.push('=');
                target.push_str(random.pick(WORDS));
            }
        }
    }
    let over_tls = !names.is_empty();
    // Where redirects name no port, one to a client that named no host is not told apart.
    let nameless = random.chance(3) && !case.http.contains("port_in_redirect");
    let host = match (over_tls, nameless) {
        (true, _) => random.pick(names),
        (false, true) => String::new(),
        (false, false) => host(random, case),
    };
    if over_tls && (!target.starts_with('/') || target.contains("..") || target.contains("%2e")) {
        // What nginx cannot read is a 400 only once the handshake was accepted.
        "/".clone_into(&mut target);
    }
    let mut request = local(random.pick(METHODS), &host, &target, port);
    if over_tls {
        request.scheme = Scheme::Https;
    }
    for (name, percent) in [("x-k", 30), ("cookie", 15), ("x-forwarded-for", 15), ("user-agent", 10), ("authorization", 15)] {
        if random.chance(percent) {
            let word = random.pick(WORDS);
            let value = match name {
                "authorization" => random.pick(&[KNOWN, KNOWN, "Basic dTp4", "Bearer x"]).to_owned(),
                "cookie" => format!("c={word}; d=1"),
                "x-forwarded-for" => {
                    [random.pick(&["10.1.2.3", "10.0.0.1", "192.168.0.1, 10.1.2.9", "127.0.0.1", "no", "10.9.9.9, 127.0.0.1"])].concat()
                }
                _ => word.to_owned(),
            };
            if !value.is_empty() {
                request.headers.push((Name::from(name), value));
            }
        }
    }
    request
}

fn path(random: &mut Random, case: &Case) -> String {
    let mut path = random.pick(&case.paths);
    match random.below(10) {
        0 => path.push('/'),
        1 => path.push_str("/b"),
        2 => path.push('x'),
        3 => {
            path.pop();
        }
        4 => path.push_str(random.pick(&["a.txt", "/a.php", "b/a", "/A", ".php", "/.", "/.."])),
        _ => {}
    }
    if path.starts_with('/') { path } else { format!("/{path}") }
}

/// Writes `path` in another way that mostly means the same.
fn bent(random: &mut Random, path: &str) -> String {
    let at = random.below(path.len().max(1));
    let (before, after) = path.split_at_checked(at).unwrap_or((path, ""));
    match random.below(24) {
        0 => path.replacen('/', "//", 1 + random.below(2)),
        1 => format!("/.{path}"),
        2 => format!("/x/..{path}"),
        3 => path.replace('a', "%61"),
        4 => path.replacen('/', "/%2f", 1),
        5 => path.to_ascii_uppercase(),
        6 => format!("{path}%20x"),
        7 => format!("{path}%0a"),
        8 => format!("{path}+;,"),
        9 => format!("{path}%3Fq"),
        10 => format!("{path}%25"),
        12 => format!("{before}%C3%A9{after}"),
        13 => format!("{path}//"),
        14 => format!("{path}/%2e%2e"),
        _ => path.to_owned(),
    }
}

fn host(random: &mut Random, case: &Case) -> String {
    let mut host = random.pick(&case.hosts);
    match random.below(12) {
        0 => host.push('.'),
        1 => host = host.to_ascii_uppercase(),
        2 => host = format!("x.{host}"),
        3 => host.push_str(":81"),
        4 => host.push('x'),
        _ => {}
    }
    if host.is_empty() { "h".to_owned() } else { host }
}
