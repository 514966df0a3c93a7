//! Whether an answer of nginx is the one that the model told.
//!
//! What the model leaves open because of files or of who has a password is decided here by looking: only the way that holds may be the one nginx took.

use crate::support::backends::visible;
use crate::support::nginx::Response;
use std::path::Path;
use waypost::analysis::{Alternative, Destination, ServerShare, ServerState};

/// What is known beside the configuration.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    /// Where nginx looks for files.
    pub(super) folder: &'a Path,
    /// The client sends a password that is in the file of users.
    pub(super) known: bool,
}

impl World<'_> {
    /// Returns the alternatives that can hold here.
    pub(super) fn possible<'d>(&self, alternatives: &'d [Alternative]) -> Vec<&'d Alternative> {
        let plain = |when: &str| when == "there is no such file";
        let held: Vec<Option<bool>> = alternatives.iter().map(|one| self.holds(&one.when)).collect();
        let some_file = held.iter().zip(alternatives).any(|(held, one)| *held == Some(true) && !plain(&one.when));
        let possible = |(held, one): (Option<bool>, &Alternative)| held.unwrap_or(true) && !(plain(&one.when) && some_file);
        held.iter().copied().zip(alternatives).filter(|(held, one)| possible((*held, one))).map(|(_, one)| one).collect()
    }

    /// Returns whether more than one end of `destination` is possible here.
    pub(super) fn leaves_open(&self, destination: &Destination) -> bool {
        let Destination::Opaque { alternatives, .. } = destination else { return false };
        match self.possible(alternatives).as_slice() {
            [one] => self.leaves_open(&one.outcome),
            _ => true,
        }
    }

    /// Returns whether `when` holds, `None` where it takes more than files and passwords to tell.
    fn holds(&self, when: &str) -> Option<bool> {
        let ways: Vec<Option<bool>> = when.split(", or ").map(|way| self.all(way)).collect();
        if ways.contains(&Some(true)) { Some(true) } else { ways.iter().all(Option::is_some).then_some(false) }
    }

    fn all(&self, way: &str) -> Option<bool> {
        let parts: Vec<Option<bool>> = way.split(" and ").map(|part| self.one(part)).collect();
        if parts.contains(&Some(false)) { Some(false) } else { parts.iter().all(Option::is_some).then_some(true) }
    }

    fn one(&self, part: &str) -> Option<bool> {
        match part {
            "the client has credentials (auth_basic)" => return Some(self.known),
            "not the client has credentials (auth_basic)" => return Some(!self.known),
            "there is no such file" => return Some(true),
            _ => {}
        }
        let (rest, wanted) = match (part.strip_prefix("the "), part.strip_prefix("there is no ")) {
            (Some(rest), _) => (rest.strip_suffix(" exists")?, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return None,
        };
        // The longest kind first: one is how another begins.
        let kinds = ["file or directory ", "executable file ", "directory ", "file "];
        let (kind, path) = kinds.iter().find_map(|kind| rest.strip_prefix(kind).map(|path| (*kind, path)))?;
        let found = std::fs::metadata(self.folder.join(path));
        let is = found.is_ok_and(|found| match kind {
            "file " => found.is_file(),
            "directory " => found.is_dir(),
            "executable file " => false,
            _ => true,
        });
        Some(is == wanted)
    }
}

/// Says what nginx did where it is not `destination`.
pub(super) fn compare(destination: &Destination, answer: &Response, world: World<'_>) -> Result<(), String> {
    let location = answer.header("location").unwrap_or_default();
    let agree = match destination {
        Destination::Forward { servers, upstream_uri, behaviour, .. } => forwarded(servers, upstream_uri, behaviour, (answer, destination.retried())),
        Destination::Redirect { status, location: expected } => redirected(*status, expected, answer),
        Destination::Respond { status } | Destination::Reject { status } => answer.status == *status && answer.header("x-at").is_none(),
        // A folder without its slash is a redirect, one without an index is refused, and a file takes no POST.
        Destination::Files { .. } if matches!(answer.status, 301 | 403 | 404 | 405) => true,
        // A list of the files of a folder does not say which.
        Destination::Files { root } => {
            answer.status == 200 && (!answer.body.starts_with("file in ") || answer.body.starts_with(&format!("file in {root}")))
        }
        Destination::Close => answer.status == 0,
        Destination::Opaque { alternatives, .. } => world.possible(alternatives).iter().any(|one| compare(&one.outcome, answer, world).is_ok()),
        Destination::None => false,
    };
    if agree {
        Ok(())
    } else {
        Err(format!("{} {location} {}", answer.status, answer.header("x-at").or(answer.body.lines().next()).unwrap_or_default()))
    }
}

/// A server of the tests that never answers listens at port 1.
fn is_dead(server: &ServerShare) -> bool {
    server.address.ends_with(":1")
}

/// Whether a request came to one of `servers` with the right path, or failed as it must where they are dead.
fn forwarded(servers: &[ServerShare], upstream_uri: &str, behaviour: &str, (answer, retried): (&Response, bool)) -> bool {
    let serving: Vec<&ServerShare> = servers.iter().filter(|server| server.share > 0.0).collect();
    let dead = serving.iter().filter(|server| is_dead(server)).count();
    // Where none of them answers a backup does, and where there is none nginx says so itself.
    let waits = |server: &ServerShare| !is_dead(server) && server.share == 0.0 && server.state != ServerState::Down;
    let lost = serving.is_empty() || dead == serving.len() && !servers.iter().any(waits);
    let failed = || handled(behaviour, 502, false, answer).unwrap_or(answer.status == 502 && answer.header("x-at").is_none());
    let status = upstream_uri.split_once("st=").and_then(|(_, rest)| rest.get(..3)).and_then(|status| status.parse().ok()).unwrap_or(200);
    let answered = || {
        if let Some(agree) = handled(behaviour, status, true, answer) {
            return agree;
        }
        let ports = servers.iter().filter(|server| !is_dead(server)).filter_map(|server| server.address.rsplit(':').next());
        ports.map(|port| format!("{port} {}.", visible(upstream_uri))).any(|expected| answer.header("x-at") == Some(&*expected))
    };
    if lost {
        return failed();
    }
    // One try is not enough where it meets a dead server.
    let may_fail = dead > 0 && (!retried || behaviour.contains("servers are tried"));
    answered() || may_fail && failed()
}

fn redirected(status: u16, expected: &str, answer: &Response) -> bool {
    let location = answer.header("location").unwrap_or_default();
    answer.status == status && (location == expected || same_location(location, expected))
}

/// Whether a location is `expected`, which the model makes absolute where nginx leaves that to the client.
fn same_location(location: &str, expected: &str) -> bool {
    match (location.split_once("://"), expected.split_once("://")) {
        (None, Some((_, rest))) => rest.find('/').is_some_and(|at| rest[at..] == *location),
        _ => location == expected,
    }
}

/// Whether `answer` is that of the error page that `behaviour` has for `status`; `None` where it has none.
///
/// `behaviour` ends in `, on [502] Respond { status: 299 } as 502` for each; a page may forward and then has a behaviour of its own in brackets.
fn handled(behaviour: &str, status: u16, from_upstream: bool, answer: &Response) -> Option<bool> {
    let entry = entries(behaviour).into_iter().find_map(|entry| {
        let (statuses, rest) = entry.strip_prefix("on [")?.split_once(']')?;
        let rest = rest.strip_prefix(" from upstream").or((!from_upstream).then_some(rest))?;
        statuses.split(", ").any(|one| one == status.to_string()).then_some(rest.trim_start())
    })?;
    let (end, fixed) = match entry.rsplit_once(" as ") {
        Some((end, fixed)) if fixed.len() == 3 => (end, fixed.parse::<u16>().ok()),
        _ => (entry, None),
    };
    let number = |text: &str| text.split_once("status: ").and_then(|(_, rest)| rest.get(..3)).and_then(|number| number.parse::<u16>().ok());
    if end.starts_with("Respond") || end.starts_with("Reject") {
        return Some(number(end).map(|own| fixed.unwrap_or(own)) == Some(answer.status) || number(end) == Some(answer.status));
    }
    if end.starts_with("Redirect") {
        let location = end.split_once("location: \"").and_then(|(_, rest)| rest.rsplit_once('"')).map_or("", |(location, _)| location);
        return Some(number(end).is_some_and(|own| redirected(own, location, answer)));
    }
    if let Some(servers) = end.strip_prefix("forward [") {
        let (servers, inner) = servers.split_once("] (")?;
        let ports: Vec<&str> = servers.split(' ').filter_map(|word| word.split_once('=')?.0.rsplit_once(':')).map(|(_, port)| port).collect();
        let at = answer.header("x-at").and_then(|at| at.split(' ').next());
        return Some(match at {
            Some(at) => ports.contains(&at) || inner.contains("on ["),
            // It fails in its turn, or its answer is taken over by a page of its own.
            None => ports.contains(&"1") || ports.is_empty() || inner.contains("on ["),
        });
    }
    // Files, the closed connection, and what is open.
    Some(!end.starts_with("Close") || answer.status == 0)
}

/// Splits at the commas that are in no bracket.
fn entries(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                out.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(text[start..].trim());
    out
}

#[test]
fn an_error_page_is_found_in_a_behaviour() {
    let answer = |status| Response { status, headers: Vec::new(), body: String::new() };
    let behaviour =
        "http, connect 1 ms, on [502] Respond { status: 299 } as 502, on [404] from upstream forward [127.0.0.1:1=1 Ok] (http, on [500] Close)";
    assert_eq!(handled(behaviour, 502, false, &answer(502)), Some(true));
    assert_eq!(handled(behaviour, 502, false, &answer(200)), Some(false));
    assert_eq!(handled(behaviour, 404, true, &answer(502)), Some(true));
    assert_eq!(handled(behaviour, 502, true, &answer(502)), None, "what an upstream answers is not nginx's own");
    assert_eq!(handled(behaviour, 500, false, &answer(502)), None, "that is the page of another server");
}
