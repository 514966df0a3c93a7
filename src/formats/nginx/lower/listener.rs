//! `listen` and `server_name`: where requests come in and which `server` gets them.
//!
//! nginx: `ngx_http_core_listen`, `ngx_http_add_listen`, `ngx_http_server_names`, `ngx_hash_find_combined`.

use super::super::Directive;
use super::Lowering;
use super::forward::parse_time;
use super::route::block;
use super::scope::Scope;
use super::tls::tls;
use super::variable::regex;
use crate::formats::source::{has_hole, shown};
use crate::model::{
    Condition, Field, HostPattern, Label, ListenAddress, Listener, Matcher, Opaque, Problem, ProblemKind, Protocol, Related, Route, Step, Table,
    TableId, TableKind, Value, VirtualHost,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A `listen` line of a server, or what nginx does without one.
struct Listen {
    address: ListenAddress,
    default_server: bool,
    tls: bool,
    label: Label,
    family: Family,
}

/// Whether an address stands for one family or two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// As written.
    One,
    /// It takes IPv4 connections too (`[::]:80 ipv6only=off`).
    Both,
    /// The IPv4 side of [`Family::Both`]: not written, and it gives way to a `listen` that is.
    Implied,
}

impl Listen {
    /// Returns the IPv4 side of `[::]:80 ipv6only=off`.
    fn other_family(&self) -> Option<Self> {
        let port = self.address.port().filter(|_| self.family == Family::Both)?;
        let address = ListenAddress::Tcp { ip: None, v6: false, port };
        Some(Self { address, label: self.label.clone(), family: Family::Implied, ..*self })
    }
}

/// One address with the servers on it, in file order.
struct Group {
    address: ListenAddress,
    label: Label,
    tls: bool,
    hosts: Vec<(usize, Label)>,
    default: Option<usize>,
    /// It exists only because of an `ipv6only=off`, and gives way to a `listen` of its own.
    implied: bool,
}

impl Lowering<'_> {
    /// Groups the servers by address and lowers each group to a listener.
    pub(super) fn lower_listeners(&mut self, http: &Scope<'_>, servers: &[(&Directive, TableId)], listeners: &mut Vec<Listener>) {
        let mut groups: Vec<Group> = Vec::new();
        for (index, (directive, _)) in servers.iter().enumerate() {
            for listen in listens(directive) {
                // What a template's expressions hide is said once for the file.
                let refused =
                    |problem: &Problem| problem.fatal && problem.span.path == listen.label.span.path && problem.span.start == listen.label.span.start;
                if matches!(listen.address, ListenAddress::Hole(_))
                    && !directive.inside().iter().any(Directive::has_hole)
                    && !self.model.problems.iter().any(refused)
                {
                    self.unknown(&listen.label.span, format!("`{}`: the address cannot be read", listen.label.text));
                }
                self.join_group(&mut groups, index, &listen);
                if let Some(other) = listen.other_family() {
                    self.join_group(&mut groups, index, &other);
                }
            }
        }
        for group in groups {
            let listener = self.lower_group(http, servers, &group);
            listeners.push(listener);
        }
    }

    fn join_group(&mut self, groups: &mut Vec<Group>, index: usize, listen: &Listen) {
        let (address, implied) = (&listen.address, listen.family == Family::Implied);
        let at = groups.iter().position(|group| group.address == *address).unwrap_or_else(|| {
            groups.push(Group { address: address.clone(), label: listen.label.clone(), tls: false, hosts: Vec::new(), default: None, implied });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(at) else { return };
        if group.implied && !implied {
            *group = Group { address: address.clone(), label: listen.label.clone(), tls: false, hosts: Vec::new(), default: None, implied };
        } else if implied && !group.implied {
            return;
        }
        group.tls |= listen.tls;
        if !group.hosts.iter().any(|(have, _)| *have == index) {
            group.hosts.push((index, listen.label.clone()));
        }
        let position = group.hosts.iter().position(|(have, _)| *have == index);
        if listen.default_server {
            if group.default.is_some() && group.default != position {
                let message = format!("a second default server for {address}");
                let help = "take `default_server` from one of the two; nginx refuses the whole configuration until then".to_owned();
                self.refused(ProblemKind::Syntax, message, Some(help), &listen.label.span);
            } else {
                group.default = position;
            }
        }
    }

    fn lower_group(&mut self, http: &Scope<'_>, servers: &[(&Directive, TableId)], group: &Group) -> Listener {
        let mut virtual_hosts = Vec::new();
        let mut directives = Vec::new();
        for (index, listen_label) in &group.hosts {
            let Some((directive, table)) = servers.get(*index) else { continue };
            let names = self.names(directive);
            virtual_hosts.push(VirtualHost { names, table: *table, label: directive.label(), listen_label: listen_label.clone() });
            directives.push(*directive);
        }
        let default = group.default.unwrap_or(0);
        let entry = self.lower_names((&group.address, &group.label, &Field::Host), &virtual_hosts, default);
        self.note_slashes(http, group, &directives, default);
        let answering = directives.get(default).copied();
        Listener {
            address: group.address.clone(),
            protocol: Protocol::Http,
            tls: answering.filter(|_| group.tls).map(|default| tls(http, default, &directives)),
            client_timeout_ms: self.client_timeout(http, answering),
            max_connections: None,
            entry,
            default_host: (!virtual_hosts.is_empty()).then_some(default),
            virtual_hosts,
            label: group.label.clone(),
        }
    }

    /// Notes how the paths of an address are read: nginx takes them apart before it knows the host, by the settings of the default server; over TLS by those
    /// of the server that the name in the handshake chose (`ngx_http_process_request_line`).
    fn note_slashes(&mut self, http: &Scope<'_>, group: &Group, servers: &[&Directive], default: usize) {
        let around = http.text("merge_slashes");
        for server in servers.iter().enumerate().filter(|(at, _)| group.tls || *at == default).map(|(_, server)| server) {
            let own = block(server).iter().rfind(|line| line.name() == "merge_slashes");
            let off = own.and_then(|line| line.arg(0)).or(around).is_some_and(|value| value.eq_ignore_ascii_case("off"));
            let line = own.map_or_else(|| server.head.clone(), |line| line.head.clone());
            match self.keeps_slashes {
                None => self.keeps_slashes = Some(off),
                Some(have) if have == off => {}
                Some(have) => {
                    let read = if have { "kept" } else { "merged" };
                    if self.reported.insert("merge_slashes".to_owned()) {
                        self.unknown(
                            &line,
                            format!("`merge_slashes` differs from that of other servers: slashes in a row are taken to be {read} everywhere"),
                        );
                    }
                }
            }
        }
    }

    /// How long a client may take for its header lines: the default server's `client_header_timeout`, 60 seconds where nothing is said.
    fn client_timeout(&self, http: &Scope<'_>, server: Option<&Directive>) -> Option<u64> {
        let own = server.and_then(|server| block(server).iter().rfind(|line| line.name() == "client_header_timeout"));
        match own.or_else(|| http.get("client_header_timeout")) {
            Some(line) => line.arg(0).and_then(parse_time),
            None => (!self.assumed && self.complete).then_some(60_000),
        }
    }

    /// The names of a server, with the line of each.
    pub(super) fn names(&mut self, server: &Directive) -> Vec<(HostPattern, Label)> {
        let mut names = Vec::new();
        for line in block(server).iter().filter(|line| line.name() == "server_name") {
            for word in &line.args {
                let text = if word.text.is_empty() { "\"\"" } else { &word.text };
                let label = Label { span: line.head.clone(), text: Arc::from(format!("server_name {text}")) };
                let patterns = host_patterns(&word.text);
                if patterns.iter().any(|pattern| matches!(pattern, HostPattern::Hole(_))) && *word.text != *"$hostname" {
                    self.unknown(&word.span, format!("`{}`: the name cannot be read", label.text));
                }
                names.extend(patterns.into_iter().map(|pattern| (pattern, label.clone())));
            }
        }
        names
    }

    /// The choice among the servers of an address: whole names, the longest `*.name`, the longest `name.*`, regexes in file order, the default.
    /// A name that two servers claim is the first one's; nginx only warns.
    pub(super) fn lower_names(
        &mut self,
        (address, label, field): (&ListenAddress, &Label, &Field),
        hosts: &[VirtualHost],
        default: usize,
    ) -> TableId {
        let listen = label;
        let mut ranked: Vec<(Rank, Route)> = Vec::new();
        let mut claimed = Claimed::default();
        for (at, host) in hosts.iter().enumerate() {
            let nameless = (HostPattern::Exact(Arc::from("")), host.label.clone());
            let unnamed = if host.names.is_empty() { Some(&nameless) } else { None };
            for (pattern, label) in host.names.iter().chain(unnamed) {
                // Who claims the empty name first has it; the default server gets it anyway.
                let needless = unnamed.is_some() && at == default;
                if claimed.claim(pattern, label) {
                    if needless {
                        continue;
                    }
                    let (rank, when) = name_test(pattern, field);
                    ranked.push((rank, Route { when, step: Step::table(host.table), label: Some(label.clone()) }));
                } else if let Some(owner) = claimed.patterns.get(pattern).filter(|owner| owner.span != label.span && unnamed.is_none()).cloned() {
                    self.claimed_twice(address, hosts, label, &owner);
                }
            }
        }
        // `.name` behind `*.name` loses both of its meanings.
        ranked.retain(|(_, route)| route.label.as_ref().is_none_or(|label| !claimed.lost.contains(label)));
        ranked.sort_by_key(|(rank, _)| *rank);
        let otherwise = hosts.get(default);
        let table = Table {
            kind: TableKind::VirtualHosts,
            label: listen.clone(),
            routes: ranked.into_iter().map(|(_, route)| route).collect(),
            otherwise: otherwise.map_or_else(|| Step::end(crate::model::Outcome::None), |host| Step::table(host.table)),
            otherwise_label: otherwise.map(|host| host.listen_label.clone()),
        };
        self.add(table)
    }
}

impl Lowering<'_> {
    /// nginx starts and only warns: "conflicting server name, ignored".
    ///
    /// A server without `listen` may have one in a file that is not read: then it is not known to be on this address.
    fn claimed_twice(&mut self, address: &ListenAddress, hosts: &[VirtualHost], label: &Label, owner: &Label) {
        if !self.complete && hosts.iter().any(|host| host.listen_label == host.label) {
            return;
        }
        if !self.reported.insert(format!("name:{}:{}", label.span.path, label.span.start)) {
            return;
        }
        self.model.problems.push(Problem {
            kind: ProblemKind::Syntax,
            fatal: false,
            message: format!("`{}` is claimed by another server on {address}; nginx gives its requests to the first", label.text),
            help: Some("remove the name from one of the two servers".to_owned()),
            span: label.span.clone(),
            related: vec![Related { span: owner.span.clone(), text: "the first claim".to_owned() }],
            fix: None,
        });
    }
}

/// The names that servers of one address have claimed so far.
///
/// nginx: `ngx_hash_add_key`. `.name` is one claim: it is lost as a whole where `name` or `*.name` was there before, and even then nobody behind it gets
/// `name` (observed on 1.22.1).
#[derive(Default)]
struct Claimed {
    patterns: BTreeMap<HostPattern, Label>,
    lost: BTreeSet<Label>,
}

impl Claimed {
    /// Returns whether `pattern` is still free, and takes it.
    fn claim(&mut self, pattern: &HostPattern, label: &Label) -> bool {
        if matches!(pattern, HostPattern::Regex(_)) {
            return true;
        }
        if self.lost.contains(label) {
            return false;
        }
        let Some(owner) = self.patterns.get(pattern) else {
            self.patterns.insert(pattern.clone(), label.clone());
            return true;
        };
        if owner != label && label.text.starts_with("server_name .") {
            self.lost.insert(label.clone());
        }
        false
    }
}

/// The order in which names are tried: smaller first, and file order among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A name that cannot be read may be the request's own.
    Hole,
    Exact,
    Leading(Reverse<usize>),
    Trailing(Reverse<usize>),
    Regex,
}

fn name_test(pattern: &HostPattern, field: &Field) -> (Rank, Condition) {
    let host = Value::field(field.clone());
    match pattern {
        HostPattern::Exact(name) => (Rank::Exact, Condition::test(host, Matcher::Equals { text: Value::literal(name), caseless: false })),
        HostPattern::AnyPrefix(tail) => {
            (Rank::Leading(Reverse(tail.len())), Condition::test(host, Matcher::Suffix { text: Arc::clone(tail), caseless: false }))
        }
        HostPattern::AnySuffix(head) => {
            (Rank::Trailing(Reverse(head.len())), Condition::test(host, Matcher::Prefix { text: Arc::clone(head), caseless: false }))
        }
        HostPattern::Regex(regex) => (Rank::Regex, Condition::test(host, Matcher::Regex(regex.clone()))),
        HostPattern::Hole(text) => (Rank::Hole, Condition::Opaque(Opaque { text: Arc::from(format!("the host is {text}")), input: host })),
    }
}

/// Returns the patterns of one word of `server_name`; `.example.com` is two.
pub(super) fn host_patterns(word: &str) -> Vec<HostPattern> {
    if let Some(pattern) = word.strip_prefix('~') {
        let caseless = pattern.bytes().any(|byte| byte.is_ascii_uppercase());
        return vec![HostPattern::Regex(regex(pattern, caseless))];
    }
    if word.contains(['$', '<', '%']) || has_hole(word) {
        return vec![HostPattern::Hole(Arc::from(shown(word)))];
    }
    let name = word.to_ascii_lowercase();
    if let Some(tail) = name.strip_prefix('*').filter(|tail| tail.starts_with('.')) {
        return vec![HostPattern::AnyPrefix(Arc::from(tail))];
    }
    if let Some(plain) = name.strip_prefix('.') {
        return vec![HostPattern::Exact(Arc::from(plain)), HostPattern::AnyPrefix(Arc::from(name.as_str()))];
    }
    if let Some(head) = name.strip_suffix('*').filter(|head| head.ends_with('.')) {
        return vec![HostPattern::AnySuffix(Arc::from(head))];
    }
    // A final dot stays, and no request has one by then.
    vec![HostPattern::Exact(Arc::from(name))]
}

/// The `listen` lines of a server; without any, `listen 80` (nginx run as root: `ngx_http_core_server`).
fn listens(server: &Directive) -> Vec<Listen> {
    let legacy = block(server).iter().any(|line| line.name() == "ssl" && line.arg(0) == Some("on"));
    let mut found: Vec<Listen> = block(server).iter().filter(|line| line.name() == "listen").filter_map(|line| read_listen(line, legacy)).collect();
    if found.is_empty() {
        let address = ListenAddress::Tcp { ip: None, v6: false, port: 80 };
        found.push(Listen { address, default_server: false, tls: legacy, label: server.label(), family: Family::One });
    }
    found
}

/// Returns the address of a `listen` of `stream`, and whether TLS ends there.
pub(super) fn stream_address(line: &Directive) -> Option<(ListenAddress, bool)> {
    read_listen(line, false).map(|listen| (listen.address, listen.tls))
}

/// Returns whether a server listens on a port that a URL has to name.
pub(super) fn has_odd_port(server: &Directive) -> bool {
    listens(server).iter().any(|listen| listen.address.port().is_some_and(|port| port != if listen.tls { 443 } else { 80 }))
}

fn read_listen(line: &Directive, legacy_ssl: bool) -> Option<Listen> {
    let address = listen_address(line.arg(0)?);
    let flag = |name: &str| line.args.iter().skip(1).any(|word| &*word.text == name);
    let wildcard_v6 = matches!(address, ListenAddress::Tcp { ip: None, v6: true, .. });
    Some(Listen {
        default_server: flag("default_server") || flag("default"),
        tls: legacy_ssl || flag("ssl") || flag("quic"),
        label: line.label(),
        family: if wildcard_v6 && flag("ipv6only=off") { Family::Both } else { Family::One },
        address,
    })
}

fn listen_address(text: &str) -> ListenAddress {
    let hole = || ListenAddress::Hole(Arc::from(shown(text)));
    if has_hole(text) {
        return hole();
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return ListenAddress::Unix(Arc::from(path));
    }
    if let Ok(port) = text.parse::<u16>() {
        return ListenAddress::Tcp { ip: None, v6: false, port };
    }
    let (host, port) = if let Some((ip, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        (ip, rest.strip_prefix(':'))
    } else {
        text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    let Some(port) = port.map_or(Some(80), |port| port.parse().ok()) else { return hole() };
    let ip = match host {
        "*" => return ListenAddress::Tcp { ip: None, v6: false, port },
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => match host.parse::<IpAddr>() {
            Ok(ip) => ip,
            Err(_) => return hole(),
        },
    };
    ListenAddress::Tcp { ip: (!ip.is_unspecified()).then_some(ip), v6: ip.is_ipv6(), port }
}
