//! `server` lines.
//!
//! HAProxy: `configuration.txt` 5.2, `parse_server`. A line starts as a copy of the `default-server` before it; `no-check` and its kin take back.

use super::super::syntax::{Line, Word};
use super::address::server_address;
use super::settings::{Proxy, time_ms};
use crate::formats::source::{has_hole, shown};
use crate::model::{Host, Member, MemberState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Words that take one argument; all others stand alone.
const WITH_VALUE: &[&str] = &[
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "check-alpn",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "downinter",
    "error-limit",
    "fall",
    "fastinter",
    "id",
    "init-addr",
    "inter",
    "log-proto",
    "max-reuse",
    "maxconn",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "proxy-v2-options",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
    "sigalgs",
    "slowstart",
    "sni",
    "socks4",
    "ssl-max-ver",
    "ssl-min-ver",
    "tcp-ut",
    "tfo",
    "track",
    "verify",
    "verifyhost",
    "weight",
    "ws",
];

/// What a `server` line and the `default-server` lines before it say.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, Word>,
    flags: BTreeMap<String, bool>,
}

impl Settings {
    /// Reads settings from `words`, over what is there already.
    pub(super) fn read(&mut self, words: &[Word]) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.text.to_string();
            if WITH_VALUE.contains(&name.as_str()) && name != "tfo" {
                if let Some(value) = words.next() {
                    self.values.insert(name, value.clone());
                }
            } else if let Some(off) = name.strip_prefix("no-") {
                self.flags.insert(off.to_owned(), false);
            } else if name == "enabled" {
                self.flags.insert("disabled".to_owned(), false);
            } else {
                self.flags.insert(name, true);
            }
        }
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.flags.get(name).copied().unwrap_or(false)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|word| &*word.text)
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn time_ms(&self, name: &str) -> Option<u64> {
        time_ms(self.text(name)?)
    }
}

/// A server with its settings.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) member: Member,
    pub(super) settings: Settings,
}

/// Returns the servers of `proxy` in order; a `server-template` is so many.
pub(super) fn servers(proxy: &Proxy<'_>) -> Vec<Server> {
    let mut defaults = Settings::default();
    for line in proxy.inherited("default-server") {
        defaults.read(line.words.get(1..).unwrap_or_default());
    }
    let mut found = Vec::new();
    for line in proxy.own() {
        match line.keyword() {
            "default-server" => defaults.read(line.words.get(1..).unwrap_or_default()),
            "server" => {
                let mut settings = defaults.clone();
                settings.read(line.words.get(3..).unwrap_or_default());
                let name = line.arg(0).map(|word| shown(&word.text).into_owned()).unwrap_or_default();
                let address = line.arg(1).map(|word| &*word.text).unwrap_or_default();
                found.push(server(line, name, address, settings));
            }
            "server-template" => found.extend(template(line, &defaults)),
            _ => {}
        }
    }
    found
}

/// `server-template PREFIX FROM-TO|COUNT ADDRESS …`.
fn template(line: &Line, defaults: &Settings) -> Vec<Server> {
    let text = |at: usize| line.arg(at).map(|word| &*word.text).unwrap_or_default();
    let range = match text(1).split_once('-') {
        Some((from, to)) => from.parse().ok().zip(to.parse().ok()),
        None => text(1).parse().ok().map(|count| (1_u32, count)),
    };
    // What cannot be counted is one whose number is not known.
    let (from, to) = range.unwrap_or((1, 1));
    let mut settings = defaults.clone();
    settings.read(line.words.get(4..).unwrap_or_default());
    let one = |number: u32| server(line, format!("{}{number}", shown(text(0))), text(2), settings.clone());
    (from..=to.min(from.saturating_add(999))).map(one).collect()
}

fn server(line: &Line, name: String, address: &str, settings: Settings) -> Server {
    let weight = settings.number("weight").filter(|weight| *weight <= 256).unwrap_or(1);
    let hole = settings.text("weight").is_some_and(has_hole);
    let weight = if hole { 1 } else { weight };
    let state = if settings.is_on("disabled") {
        MemberState::Down
    } else if weight == 0 {
        MemberState::Drained
    } else if settings.is_on("backup") {
        MemberState::Backup
    } else {
        MemberState::Active
    };
    let member = Member {
        weight,
        state,
        max_connections: settings.number("maxconn").filter(|most| *most > 0),
        name: Some(Arc::from(name)),
        checked: settings.is_on("check") || settings.text("track").is_some(),
        ..Member::new(server_address(address), line.label())
    };
    Server { member, settings }
}

/// Returns whether the address of a member is a list that something else keeps (`server-template` with a name, SRV records).
pub(super) fn is_discovered(line: &Line) -> bool {
    let named = |word: &Word| !matches!(server_address(&word.text).host, Host::Ip(_) | Host::Unix(_));
    line.keyword() == "server-template" && line.arg(2).is_some_and(named) || line.arg(1).is_some_and(|word| word.text.starts_with('_'))
}

/// Returns whether the address can be read.
pub(super) fn is_hole(member: &Member) -> bool {
    matches!(member.address.host, Host::Hole(_))
}
