//! The hosts worth trying at a door, grouped by the pair of virtual hosts they reach.

use super::door::Door;
use crate::analysis::route::{Engine, Entrance, explore, host_words, is_named};
use crate::model::{HostPattern, TableId};
use crate::space::samples;
use std::collections::{BTreeMap, BTreeSet};

/// A host to try.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// As it is typed in the URL.
    pub(super) text: String,
    /// As a sentence names it: itself, the pattern it is a sample of, or `any other host`.
    pub(super) words: String,
    /// 0 for a name of the configuration; the less so, the higher.
    pub(super) rank: u8,
}

/// What sentences call the hosts that no virtual host names.
pub(super) const ANY_OTHER: &str = "any other host";

/// The hosts that reach the same virtual host before and the same after.
#[derive(Clone, Debug)]
pub(super) struct HostGroup {
    /// The one that a person would type first comes first; never empty.
    pub(super) hosts: Vec<Host>,
    pub(super) was: Option<TableId>,
    pub(super) now: Option<TableId>,
    /// Whether a virtual host names them, before and after; otherwise the default one answers.
    pub(super) named: (bool, bool),
}

/// How many of the exact names of the same virtual hosts are routed before the others are taken to go the same way.
const ALIKE: usize = 20;

/// Which virtual hosts name a host, before and after.
type NamedBy = (Vec<usize>, Vec<usize>);

/// The tables a host reaches before and after, and whether it is named there.
pub(super) type Reached = (Option<TableId>, Option<TableId>, (bool, bool));

/// Returns what `host` reaches at `door`.
pub(super) fn reached(was: &Engine<'_>, now: &Engine<'_>, door: &Door<'_>, host: &str) -> Reached {
    let request = door.request(host, "/");
    let side = |engine: &Engine<'_>, entrance: Option<Entrance<'_>>| {
        let entrance = entrance?;
        let leaf = explore(engine, entrance, &request);
        Some(leaf.virtual_host.and_then(|at| entrance.listener.virtual_hosts.get(at)).map_or(entrance.listener.entry, |host| host.table))
    };
    let is_named = |engine: &Engine<'_>, entrance: Option<Entrance<'_>>| entrance.is_some_and(|one| is_named(engine, one.listener, host));
    (side(was, door.was), side(now, door.now), (is_named(was, door.was), is_named(now, door.now)))
}

/// Returns the groups of `door`, in the order of their first host. `asked` are hosts that conditions inside virtual hosts ask about. No host is routed
/// once `most` work is spent.
pub(super) fn groups(was: &Engine<'_>, now: &Engine<'_>, door: &Door<'_>, asked: &[String], most: u64) -> Vec<HostGroup> {
    let mut groups: Vec<HostGroup> = Vec::new();
    let mut known: BTreeMap<Reached, usize> = BTreeMap::new();
    let mut alike: BTreeMap<NamedBy, (usize, usize)> = BTreeMap::new();
    let mut routed = 0;
    let names = (exact_names(door.was), exact_names(door.now));
    for host in candidates(was, now, door, asked) {
        let by = |names: &BTreeMap<&str, Vec<usize>>| names.get(host.text.as_str()).cloned().unwrap_or_default();
        let named_by = (by(&names.0), by(&names.1));
        if host.rank == 0
            && let Some((count, group)) = alike.get(&named_by)
            && *count >= ALIKE
            && let Some(group) = groups.get_mut(*group)
        {
            group.hosts.push(host);
            continue;
        }
        routed += 1;
        if routed > ALIKE && now.patterns.spent() > most {
            continue;
        }
        let (before, after, named) = reached(was, now, door, &host.text);
        let at = *known.entry((before, after, named)).or_insert(groups.len());
        if named_by != NamedBy::default() {
            let (count, group) = alike.entry(named_by).or_insert((0, at));
            *count = if *group == at { *count + 1 } else { 0 };
            *group = at;
        }
        match groups.get_mut(at) {
            Some(group) => group.hosts.push(host),
            None => groups.push(HostGroup { hosts: vec![host], was: before, now: after, named }),
        }
    }
    for group in &mut groups {
        group.hosts.sort_by_key(|host| host.rank);
    }
    groups
}

/// Returns the virtual hosts that list each exact name.
fn exact_names(entrance: Option<Entrance<'_>>) -> BTreeMap<&str, Vec<usize>> {
    let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let hosts = entrance.into_iter().flat_map(|entrance| entrance.listener.virtual_hosts.iter().enumerate());
    for (at, (pattern, _)) in hosts.flat_map(|(at, host)| host.names.iter().map(move |name| (at, name))) {
        if let HostPattern::Exact(name) = pattern {
            all.entry(name).or_default().push(at);
        }
    }
    all
}

fn candidates(was: &Engine<'_>, now: &Engine<'_>, door: &Door<'_>, asked: &[String]) -> Vec<Host> {
    let sides = [(was, door.was), (now, door.now)];
    let named = |host: &str| sides.iter().any(|(engine, entrance)| entrance.is_some_and(|entrance| is_named(engine, entrance.listener, host)));
    let mut hosts: Vec<Host> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut add = |text: String, words: String, rank: u8| {
        if is_typable(&text) && known.insert(text.clone()) {
            hosts.push(Host { text, words, rank });
        }
    };
    let patterns = || {
        let listeners = sides.iter().filter_map(|(_, entrance)| entrance.map(|entrance| entrance.listener));
        listeners.flat_map(|listener| &listener.virtual_hosts).flat_map(|host| &host.names).map(|(pattern, _)| pattern)
    };
    // Exact names first: a sample of a pattern must not be one of them.
    for pattern in patterns() {
        if let HostPattern::Exact(name) = pattern {
            add(name.to_string(), name.to_string(), 0);
        }
    }
    for pattern in patterns() {
        for text in pattern_samples(pattern) {
            let rank = if matches!(pattern, HostPattern::Regex(_)) { 2 } else { 1 };
            add(text, host_words(pattern), rank);
        }
    }
    for host in asked {
        add(host.to_ascii_lowercase(), host.to_ascii_lowercase(), 0);
    }
    let other = ["other.example", "unknown.example.net", "nobody.test", "x"].into_iter().find(|host| !named(host));
    if let Some(other) = other {
        add(other.to_owned(), ANY_OTHER.to_owned(), 3);
    }
    if let Some(ip) = door.ip {
        let text = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        add(text.clone(), if named(&text) { text } else { ANY_OTHER.to_owned() }, 4);
    }
    hosts
}

fn pattern_samples(pattern: &HostPattern) -> Vec<String> {
    match pattern {
        HostPattern::Exact(_) | HostPattern::Hole(_) => Vec::new(),
        HostPattern::AnyPrefix(rest) => ["www", "any", "a.b"].iter().map(|label| format!("{label}{rest}")).collect(),
        HostPattern::AnySuffix(start) => ["com", "example", "a.b"].iter().map(|label| format!("{start}{label}")).collect(),
        HostPattern::Regex(regex) => {
            let plain = samples(regex).into_iter().filter_map(|text| String::from_utf8(text).ok());
            plain
                .flat_map(|text| {
                    let text = text.to_ascii_lowercase();
                    // A sample that begins or ends with a dot is a part of a name.
                    let front = if text.starts_with('.') { "www" } else { "" };
                    let back = if text.ends_with('.') { "com" } else { "" };
                    [format!("{front}{text}{back}"), format!("www.{text}")]
                })
                .take(6)
                .collect()
        }
    }
}

fn is_typable(host: &str) -> bool {
    host.bytes().any(|byte| byte.is_ascii_alphanumeric())
        // A template's expression stands in braces.
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:{}".contains(&byte))
        && !host.starts_with('.')
        && !host.contains("..")
}
