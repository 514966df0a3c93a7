//! Destinations, requests and shares in words. Plain text, already safe for a terminal; markdown escapes it once more.

use super::escape::{cut, printable};
use super::put::put;
use crate::analysis::{Destination, ServerShare, ServerState};
use crate::policy::Severity;
pub(super) use crate::policy::percent;
use crate::review::{RequestReport, Review};
use std::collections::BTreeMap;

/// The most characters about the servers of one pool.
const MAX_SERVERS: usize = 400;

/// Returns the severity's word.
pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Returns `1 error` or `3 errors`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The most reasons that the sentence on what was not tried gives.
const MAX_REASONS: usize = 2;

/// The most characters of one of them.
const MAX_REASON: usize = 160;

/// Returns the sentence, without a full stop, on a review that is not exact, and why; `None` for one that is, or that had nothing to look at.
pub(super) fn not_exact_words(review: &Review) -> Option<String> {
    if review.exact || review.inputs.is_empty() {
        return None;
    }
    let mut reasons: Vec<String> = review.inexact.iter().take(MAX_REASONS).map(|reason| cut(reason, MAX_REASON)).collect();
    match review.inexact.len().saturating_sub(MAX_REASONS) {
        0 => {}
        1 => reasons.push("for 1 more reason".to_owned()),
        more => reasons.push(format!("for {more} more reasons")),
    }
    let because = if reasons.is_empty() { String::new() } else { format!(", because {}", reasons.join("; ")) };
    Some(format!("not every possible request was tried{because}"))
}

/// Returns a request as one types it for `waypost trace`, without the command and the listener.
pub(super) fn request_words(request: &RequestReport) -> String {
    let mut words = format!("{} {}", request.method, request.url);
    for (name, value) in &request.headers {
        put!(words, " -H '{name}: {value}'");
    }
    if let Some(from) = &request.from {
        put!(words, " --from {from}");
    }
    printable(&words)
}

/// Returns where a request ends, in a few words without the servers: `web_pool`, `redirect 301 to https://…`.
pub(super) fn destination_words(destination: &Destination) -> String {
    let words = match destination {
        Destination::Forward { pool, .. } => pool.clone(),
        Destination::Redirect { status, location } => format!("redirect {status} to {location}"),
        Destination::Respond { status } => format!("answered with {status}"),
        Destination::Files { root } => format!("files in {root}"),
        Destination::Reject { status } => format!("refused with {status}"),
        Destination::Close => "connection closed".to_owned(),
        Destination::None => "served by nothing".to_owned(),
        Destination::Opaque { reason, .. } => format!("cannot tell: {reason}"),
    };
    printable(&words)
}

/// Returns the servers of a forward, those with the same share and state together; `None` for everything else.
pub(super) fn server_words(destination: &Destination) -> Option<String> {
    let Destination::Forward { servers, .. } = destination else { return None };
    if servers.is_empty() {
        return Some("no servers".to_owned());
    }
    let mut groups: Vec<(String, Vec<&ServerShare>)> = Vec::new();
    let servers = by_address(servers);
    for server in &servers {
        let key = format!("{}{}", percent(server.share), state_words(server));
        match groups.iter_mut().find(|(have, _)| *have == key) {
            Some((_, group)) => group.push(server),
            None => groups.push((key, vec![server])),
        }
    }
    groups.sort_by(|(_, a), (_, b)| share_of(b).total_cmp(&share_of(a)));
    let words = groups.iter().map(|(_, group)| group_words(group));
    Some(cut(&printable(&words.collect::<Vec<_>>().join(", ")), MAX_SERVERS))
}

/// Returns where requests went and where they go, each on one line, so that the two lines differ in what differs.
pub(super) fn way_words(was: &Destination, now: &Destination) -> (String, String) {
    let (mut before, mut after) = (whole_words(was), whole_words(now));
    if let (Destination::Forward { upstream_uri: asked, .. }, Destination::Forward { upstream_uri: asks, .. }) = (was, now)
        && asked != asks
    {
        put!(before, "; asked for {}", printable(asked));
        put!(after, "; asked for {}", printable(asks));
    }
    if before == after && was.same_effect(now) {
        "the same, with other retries, timeouts, limits or balancing".clone_into(&mut after);
    } else if before == after {
        // The same question with other answers.
        let (were, are) = (answers(was), answers(now));
        let other = |ours: &[String], theirs: &[String]| ours.iter().filter(|one| !theirs.contains(one)).cloned().collect::<Vec<_>>();
        for (text, answers) in [(&mut before, other(&were, &are)), (&mut after, other(&are, &were))] {
            if !answers.is_empty() {
                text.push_str("; it can be ");
                text.push_str(&cut(&answers.join(" or "), MAX_SERVERS));
            }
        }
    }
    (before, after)
}

/// Returns where an open question can lead, each place once: as one knows it, with the servers of forwards.
fn answers(destination: &Destination) -> Vec<String> {
    let Destination::Opaque { alternatives, .. } = destination else { return vec![whole_words(destination)] };
    let mut all: Vec<String> = Vec::new();
    for answer in alternatives.iter().flat_map(|one| answers(&one.outcome)) {
        if !all.contains(&answer) {
            all.push(answer);
        }
    }
    all
}

/// Returns where a request ends, with the servers of a forward.
pub(super) fn whole_words(destination: &Destination) -> String {
    let words = destination_words(destination);
    match server_words(destination) {
        // An address without a pool is its own only server.
        Some(servers) => match servers.strip_prefix("100 % to ").filter(|rest| rest.starts_with(&words)) {
            Some(rest) => rest.to_owned(),
            None => format!("{words}: {servers}"),
        },
        None => words,
    }
}

/// Returns each address once: a server that is written twice gets both shares.
fn by_address(servers: &[ServerShare]) -> Vec<ServerShare> {
    let mut merged: Vec<ServerShare> = Vec::new();
    for server in servers {
        match merged.iter_mut().find(|have| have.address == server.address && have.state == server.state) {
            Some(have) => have.share += server.share,
            None => merged.push(server.clone()),
        }
    }
    merged
}

fn share_of(group: &[&ServerShare]) -> f64 {
    group.first().map_or(0.0, |server| server.share)
}

/// Returns `25 % to 10.0.0.1:80`, or `25 % each to 10.0.0.1:80 and 10.0.0.2:80`.
fn group_words(group: &[&ServerShare]) -> String {
    const SHOWN: usize = 4;
    let Some(first) = group.first() else { return String::new() };
    let mut addresses = group.iter().take(SHOWN).map(|server| server.address.as_str()).collect::<Vec<_>>().join(" and ");
    if group.len() > 2 {
        addresses = addresses.replacen(" and ", ", ", group.len().min(SHOWN) - 2);
    }
    if group.len() > SHOWN {
        addresses = format!("{} and {} more", addresses.replace(" and ", ", "), group.len() - SHOWN);
    }
    let each = if group.len() > 1 && first.share > 0.0 { " each" } else { "" };
    let share = if first.share > 0.0 { percent(first.share) } else { "none".to_owned() };
    format!("{share}{each} to {addresses}{}", state_words(first))
}

fn state_words(server: &ServerShare) -> &'static str {
    match server.state {
        ServerState::Ok => "",
        ServerState::Missing => " (does not exist)",
        ServerState::Unknown => " (not in any inventory)",
        ServerState::Down => " (down)",
        ServerState::Drained => " (drained)",
    }
}

/// Returns the formats of the inputs with how many files each has: `4 nginx files, 1 ansible file`.
pub(super) fn input_words(inputs: &[crate::review::InputReport]) -> String {
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    for input in inputs {
        *formats.entry(&input.format).or_default() += 1;
    }
    formats.iter().map(|(format, number)| count(*number, &format!("{format} file"))).collect::<Vec<_>>().join(", ")
}
