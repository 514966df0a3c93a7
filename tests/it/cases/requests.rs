//! Requests and where they must go.

use super::Failure;
use waypost::analysis::{Destination, ServerShare};
use waypost::model::{Existence, Host, Inventory, Name, Request};

/// A request and its outcomes.
#[derive(Debug)]
pub(super) struct Expectation {
    /// The line of the page, from 1.
    pub(super) at: usize,
    pub(super) request: Request,
    pub(super) was: Outcome,
    /// `None`: the same as before, and in no reported region.
    pub(super) now: Option<Outcome>,
}

/// Where a request must go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Any,
    Forward { pool: String, to: Option<String>, broken: f64 },
    Redirect { status: u16, location: String },
    Respond(u16),
    Files(String),
    Reject(u16),
    Close,
    None,
    Opaque,
}

/// Reads `METHOD URL [-H 'Name: value'] [--from IP] [--listener ADDR:PORT] OUTCOME [-> OUTCOME]`.
pub(super) fn read(at: usize, line: &str) -> Result<Expectation, Failure> {
    let bad = |why: String| Failure::new(at, why);
    let (method, rest) = word(line);
    let (url, mut rest) = word(rest);
    if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase() || c == '-') {
        return Err(bad(format!("`{method}` is not a method")));
    }
    let mut request = Request::get(url).map_err(|error| bad(error.to_string()))?;
    method.clone_into(&mut request.method);
    while rest.starts_with('-') && !rest.starts_with("->") {
        let (option, after) = word(rest);
        let (value, after) = quoted(after).ok_or_else(|| bad(format!("`{option}` has no value")))?;
        match option {
            "-H" => {
                let (name, value) = value.split_once(':').ok_or_else(|| bad(format!("the header `{value}` has no `:`")))?;
                request.headers.push((Name::from(name.trim()), value.trim().to_owned()));
            }
            "--from" => request.from = Some(value.parse().map_err(|_not_an_address| bad(format!("`{value}` is not an address")))?),
            "--listener" => request.listener = Some(value.to_owned()),
            other => return Err(bad(format!("`{other}` is none of -H, --from, --listener"))),
        }
        rest = after;
    }
    let (was, now) = match rest.split_once("->") {
        Some((was, now)) => (outcome(at, was)?, Some(outcome(at, now)?)),
        None => (outcome(at, rest)?, None),
    };
    Ok(Expectation { at, request, was, now })
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    match text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        Some(quote) => text.get(1..)?.split_once(quote).map(|(value, rest)| (value, rest.trim_start())),
        None => Some(word(text)).filter(|(value, _)| !value.is_empty()),
    }
}

fn outcome(at: usize, text: &str) -> Result<Outcome, Failure> {
    let bad = || Failure::new(at, format!("`{}` is not an outcome", text.trim()));
    let (main, broken) = match text.split_once(", broken ") {
        Some((main, share)) => (main, Some(share.trim().parse().map_err(|_not_a_number| bad())?)),
        None => (text, None),
    };
    let words: Vec<&str> = main.split_whitespace().collect();
    let status = |text: &str| text.parse().map_err(|_not_a_status| bad());
    let outcome = match words.as_slice() {
        ["_"] => Outcome::Any,
        ["forward", pool] => Outcome::Forward { pool: (*pool).to_owned(), to: None, broken: broken.unwrap_or(0.0) },
        ["forward", pool, "to", server] => {
            Outcome::Forward { pool: (*pool).to_owned(), to: Some((*server).to_owned()), broken: broken.unwrap_or(0.0) }
        }
        ["redirect", code, location] => Outcome::Redirect { status: status(code)?, location: (*location).to_owned() },
        ["respond", code] => Outcome::Respond(status(code)?),
        ["files", root] => Outcome::Files((*root).to_owned()),
        ["reject", code] => Outcome::Reject(status(code)?),
        ["close"] => Outcome::Close,
        ["none"] => Outcome::None,
        ["opaque"] => Outcome::Opaque,
        _ => return Err(bad()),
    };
    if broken.is_some() && !matches!(outcome, Outcome::Forward { .. }) {
        return Err(Failure::new(at, "only a forward has a broken share"));
    }
    Ok(outcome)
}

impl Outcome {
    /// Returns whether `destination` is this. A broken share is written with two or three digits.
    pub(super) fn is(&self, destination: &Destination, inventory: &Inventory) -> bool {
        match (self, destination) {
            (Self::Forward { pool, to, broken }, Destination::Forward { pool: have, servers, broken_share, .. }) => {
                let all_there = to.as_ref().is_none_or(|to| servers.iter().filter(|s| s.share > 0.0).all(|s| is_server(to, s, inventory)));
                pool == have && all_there && (broken - broken_share).abs() < 0.001
            }
            (Self::Redirect { status, location }, Destination::Redirect { status: have, location: there }) => status == have && location == there,
            (Self::Respond(status), Destination::Respond { status: have }) | (Self::Reject(status), Destination::Reject { status: have }) => {
                status == have
            }
            (Self::Files(root), Destination::Files { root: have }) => root == have,
            (Self::Any, _) | (Self::Close, Destination::Close) | (Self::None, Destination::None) | (Self::Opaque, Destination::Opaque { .. }) => true,
            _ => false,
        }
    }
}

/// Returns whether `server` is the one called `name`: its address, with or without port, or the host that an inventory has at its address.
fn is_server(name: &str, server: &ServerShare, inventory: &Inventory) -> bool {
    let host = server.address.rsplit_once(':').map_or(server.address.as_str(), |(host, _)| host);
    let there = host.trim_matches(['[', ']']).parse().map_or_else(|_| Host::Name(host.into()), Host::Ip);
    server.address == name || host == name || matches!(inventory.existence(&there), Existence::Known(known) if &*known.name == name)
}
