//! What a configuration needs and has not: certificates for `listen … ssl`, locations for subrequests.

use super::lower::{Serving, serving};
use super::syntax::Directive;
use crate::formats::source::has_hole;
use crate::model::{Problem, ProblemKind, Related};
use std::collections::BTreeMap;

/// Returns what the `http` block `http` lacks, of which no file is missing. `assumed` where a main file elsewhere may have certificates for all of it.
pub(super) fn lacking(http: &[Directive], assumed: bool) -> Vec<Problem> {
    let servers: Vec<&Directive> = http.iter().filter(|line| line.name() == "server" && line.block.is_some()).collect();
    let mut found = if assumed { Vec::new() } else { certificates(http, &servers) };
    for server in servers {
        subrequests(server, server.inside(), None, &mut found);
    }
    found
}

/// A server with the `listen` line that put it on an address.
type Heard<'a> = (&'a Directive, &'a Directive);

/// nginx: `ngx_http_ssl_init`: the default server of an address with `ssl` needs a certificate; where it refuses all handshakes, the others do.
fn certificates(http: &[Directive], servers: &[&Directive]) -> Vec<Problem> {
    let mut addresses: BTreeMap<&str, Vec<Heard<'_>>> = BTreeMap::new();
    for server in servers {
        for line in server.inside().iter().filter(|line| line.name() == "listen") {
            if let Some(address) = line.arg(0) {
                addresses.entry(address).or_default().push((server, line));
            }
        }
    }
    let mut found: Vec<Problem> = Vec::new();
    for heard in addresses.values() {
        let Some((_, tls)) = heard.iter().find(|(_, line)| has_word(line, "ssl")) else { continue };
        if heard.iter().any(|(server, line)| line.has_hole() || server.inside().iter().any(|line| has_hole(line.name()))) {
            continue;
        }
        let named = heard.iter().find(|(_, line)| has_word(line, "default_server") || has_word(line, "default"));
        let Some(default) = named.or(heard.first()) else { continue };
        let without = if rejects(http, default.0) {
            heard.iter().find(|(server, _)| !has_certificate(http, server) && !rejects(http, server))
        } else {
            Some(default).filter(|(server, _)| !has_certificate(http, server))
        };
        let Some((server, line)) = without else { continue };
        let at = if has_word(line, "ssl") { line } else { tls };
        if found.iter().any(|known| known.span == at.head) {
            continue;
        }
        found.push(Problem {
            kind: ProblemKind::Syntax,
            fatal: true,
            message: format!("`{}` has no certificate: neither the server nor `http` has an `ssl_certificate`", at.label().text),
            help: Some(
                "add `ssl_certificate` and `ssl_certificate_key`, or take `ssl` away; nginx refuses the whole configuration until then".to_owned(),
            ),
            span: at.head.clone(),
            related: vec![Related { span: server.head.clone(), text: "the server that answers first there".to_owned() }],
            fix: None,
        });
    }
    found
}

fn has_word(line: &Directive, word: &str) -> bool {
    line.args.iter().skip(1).any(|arg| &*arg.text == word)
}

fn has_certificate(http: &[Directive], server: &Directive) -> bool {
    server.inside().iter().chain(http).any(|line| line.name() == "ssl_certificate")
}

fn rejects(http: &[Directive], server: &Directive) -> bool {
    let own = server.inside().iter().rfind(|line| line.name() == "ssl_reject_handshake");
    own.or_else(|| http.iter().rfind(|line| line.name() == "ssl_reject_handshake")).is_some_and(|line| line.arg(0) == Some("on"))
}

/// Looks for `auth_request` lines whose question no location is there for: it would be asked of a file, or of what it protects. `around` is the location that
/// has the block.
///
/// nginx: `ngx_http_auth_request_handler`: the subrequest's location is searched as any other's, and any answer but 2xx, 401 and 403 makes it 500.
fn subrequests(server: &Directive, block: &[Directive], around: Option<&Directive>, found: &mut Vec<Problem>) {
    for line in block {
        match line.name() {
            "location" => subrequests(server, line.inside(), Some(line), found),
            "auth_request" if !line.has_hole() => found.extend(unanswered(server, line, around)),
            _ => {}
        }
    }
}

fn unanswered(server: &Directive, line: &Directive, around: Option<&Directive>) -> Option<Problem> {
    let path = line.arg(0).filter(|path| path.starts_with('/') && !path.contains('$'))?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let (message, related) = match serving(server.inside(), path) {
        Serving::Unclear => return None,
        Serving::Nobody => (format!("no location answers `{}`: the question goes to a file of that name", line.label().text), Vec::new()),
        Serving::Location(location) => {
            let is_root = location.arg(0) == Some("/") && location.args.len() == 1;
            let protected = match around {
                Some(around) => around.head == location.head,
                None => !location.inside().iter().any(|inner| inner.name() == "auth_request"),
            };
            if !is_root || !protected || path == "/" {
                return None;
            }
            let text = "`location /` is asked whether `location /` may be seen".to_owned();
            let message = format!("no location of its own answers `{}`: the question goes to what it protects", line.label().text);
            (message, vec![Related { span: location.head.clone(), text }])
        }
    };
    Some(Problem {
        kind: ProblemKind::DanglingReference,
        fatal: false,
        message,
        help: Some(format!(
            "add `location = {path} {{ internal; … }}`, or correct the name; any answer but 2xx, 401 and 403 makes every request a 500"
        )),
        span: line.head.clone(),
        related,
        fix: None,
    })
}
