//! `stream`: connections and datagrams that are passed on as bytes.
//!
//! nginx: `ngx_stream_core_run_phases`: whose address is believed, limits, access, the look into the TLS handshake, then the content. In `stream` an address
//! has one server, so there are no names to choose by but those that a `map` reads from the handshake; since 1.25.5 it may have several, chosen by that name.

use super::super::Directive;
use super::Lowering;
use super::forward::parse_time;
use super::scope::{self, Level, Scope};
use crate::formats::source;
use crate::model::{
    Action, Cidr, Condition, Field, Forward, Label, ListenAddress, Listener, Matcher, Name, Next, Opaque, Outcome, Part, ProblemKind, Protocol,
    Retry, Route, Step, Table, TableId, TableKind, Target, TimeoutLines, Timeouts, UpstreamUri, Value, VirtualHost,
};
use std::sync::Arc;

/// The variable of the name in the handshake.
pub(super) const PREREAD_NAME: &str = "ssl_preread_server_name";

/// A `server` of `stream`.
struct Server<'a> {
    directive: &'a Directive,
    scope: Scope<'a>,
    /// Where its connections are passed on.
    content: TableId,
    /// What comes before, by its own settings, and then the content.
    entry: TableId,
}

/// An address with its servers.
struct Door {
    address: ListenAddress,
    protocol: Protocol,
    tls: bool,
    /// Each with its `listen`.
    hosts: Vec<(usize, Label)>,
    default: Option<usize>,
}

/// Which servers know the name in the TLS handshake without ending TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preread {
    /// This is not `stream`.
    Outside,
    /// All of them.
    Everywhere,
    /// None: the name is empty.
    Nowhere,
    /// Each server sets the variable, or does not.
    Somewhere,
}

impl Lowering<'_> {
    /// Lowers a `stream` block. Its upstreams and zones have names of their own.
    pub(super) fn lower_stream(&mut self, block: &[Directive], listeners: &mut Vec<Listener>) {
        let settings = scope::settings(block);
        let around = Scope { own: block, settings: Some(&settings), parent: None, level: Level::Http };
        let (pools, zones, chances) = (std::mem::take(&mut self.pool_names), std::mem::take(&mut self.zones), std::mem::take(&mut self.chances));
        self.preread = self.preread_of(&around);
        for directive in block {
            match directive.name() {
                "upstream" => self.lower_upstream(directive),
                "geo" => self.lower_geo(directive, &around),
                "map" => self.lower_map(directive, &around),
                "split_clients" => self.lower_split_clients(directive),
                "limit_conn_zone" => self.lower_zone(directive, &around),
                _ => {}
            }
        }
        let blocks: Vec<(&Directive, Vec<&Directive>)> =
            block.iter().filter(|directive| directive.name() == "server").map(|directive| (directive, scope::settings(directive.inside()))).collect();
        let servers: Vec<Server<'_>> = blocks
            .iter()
            .map(|(directive, settings)| {
                let scope = Scope { own: directive.inside(), settings: Some(settings), parent: Some(&around), level: Level::Server(directive) };
                self.lower_stream_server(directive, scope)
            })
            .collect();
        for door in self.stream_doors(&servers) {
            let listener = self.stream_listener(&around, &servers, &door);
            listeners.extend(listener);
        }
        (self.pool_names, self.zones, self.chances, self.preread) = (pools, zones, chances, Preread::Outside);
    }

    /// Which servers of `stream` know the name in the handshake. Where all do or none does, the name needs no variable.
    fn preread_of(&self, around: &Scope<'_>) -> Preread {
        let mut servers = around.own.iter().filter(|line| line.name() == "server").map(|server| {
            let scope = Scope { own: server.inside(), settings: None, parent: Some(around), level: Level::Server(server) };
            self.reads_name(&scope)
        });
        let Some(first) = servers.next() else { return Preread::Everywhere };
        match (first, servers.all(|one| one == first)) {
            (true, true) => Preread::Everywhere,
            (false, true) => Preread::Nowhere,
            (_, false) => Preread::Somewhere,
        }
    }

    /// Whether `$ssl_preread_server_name` is the name in the handshake once a connection of this server is passed on.
    ///
    /// It is empty without `ssl_preread on`. What is `set` is set before the handshake is read, and limits count before it; a variable that was asked for once
    /// keeps its value, so after that the name stays empty (`ngx_stream_set_handler`, `ngx_stream_get_indexed_variable`; seen on 1.22.1).
    fn reads_name(&self, server: &Scope<'_>) -> bool {
        let on = match server.text("ssl_preread") {
            Some(value) => value.eq_ignore_ascii_case("on"),
            // It may be in a file that is not here.
            None => !self.complete || self.assumed,
        };
        let early: Vec<Directive> = server.own.iter().filter(|line| line.name() == "set").cloned().collect();
        on && !super::arrival::used_in(&early, server).contains(PREREAD_NAME)
    }

    fn lower_stream_server<'s>(&mut self, directive: &'s Directive, scope: Scope<'s>) -> Server<'s> {
        let label = directive.label();
        let otherwise = self.stream_content(&scope, &label);
        let content =
            self.add(Table { kind: TableKind::Routes, label: label.clone(), routes: Vec::new(), otherwise, otherwise_label: Some(label.clone()) });
        let entry = self.stream_entry(&scope, &label, content);
        Server { directive, scope, content, entry }
    }

    /// What happens to a connection before its content, by the settings of the server of its address.
    fn stream_entry(&mut self, scope: &Scope<'_>, label: &Label, content: TableId) -> TableId {
        let step = self.stream_access(scope, Step::table(content));
        let step = self.limited(scope, step);
        let entry = match step {
            Step { next: Next::Table(table), ref actions } if actions.is_empty() => table,
            otherwise => self.add(Table { kind: TableKind::Routes, label: label.clone(), routes: Vec::new(), otherwise, otherwise_label: None }),
        };
        self.lower_door(scope, label, entry)
    }

    /// The addresses that are listened to, each with its servers in file order: one, or since 1.25.5 several that have names.
    fn stream_doors(&mut self, servers: &[Server<'_>]) -> Vec<Door> {
        let mut doors: Vec<Door> = Vec::new();
        for (at, server) in servers.iter().enumerate() {
            for line in server.directive.inside().iter().filter(|line| line.name() == "listen") {
                let Some((address, tls)) = super::listener::stream_address(line) else { continue };
                let flag = |name: &str| line.args.iter().any(|word| &*word.text == name);
                let protocol = if flag("udp") { Protocol::Udp } else { Protocol::Tcp };
                let hosts = vec![(at, line.label())];
                let Some(door) = doors.iter_mut().find(|door| door.address == address && door.protocol == protocol) else {
                    doors.push(Door { address, protocol, tls, hosts, default: flag("default_server").then_some(0) });
                    continue;
                };
                let named = |at: usize| servers.get(at).is_some_and(|one| one.directive.inside().iter().any(|line| line.name() == "server_name"));
                if door.hosts.iter().any(|(have, _)| *have == at) || !named(at) && !door.hosts.iter().any(|(have, _)| named(*have)) {
                    let message = format!("{address} is listened to twice");
                    let help = "an address of `stream` has one server; nginx refuses the whole configuration until then".to_owned();
                    self.refused(ProblemKind::Syntax, message, Some(help), &line.head);
                    continue;
                }
                door.tls |= tls;
                door.default = door.default.or(flag("default_server").then_some(door.hosts.len()));
                door.hosts.extend(hosts);
            }
        }
        doors
    }

    /// Of several servers the one that the name in the handshake chooses has the content; what comes before is that of the default one.
    ///
    /// nginx: `ngx_stream_ssl_preread_servername`, `ngx_stream_ssl_servername`, `ngx_stream_find_virtual_server` (1.25.5; read in its source).
    fn stream_listener(&mut self, around: &Scope<'_>, servers: &[Server<'_>], door: &Door) -> Option<Listener> {
        let members: Vec<(&Server<'_>, &Label)> = door.hosts.iter().filter_map(|(at, label)| Some((servers.get(*at)?, label))).collect();
        let default = door.default.unwrap_or(0);
        let several = members.len() > 1;
        let mut hosts = Vec::new();
        for (at, (server, label)) in members.iter().enumerate() {
            let table = match members.get(default) {
                Some((first, _)) if at != default => self.stream_entry(&first.scope, &server.directive.label(), server.content),
                _ => server.entry,
            };
            let names = if several { self.names(server.directive) } else { Vec::new() };
            hosts.push(VirtualHost { names, table, label: server.directive.label(), listen_label: (*label).clone() });
        }
        let label = members.first().map(|(_, label)| (*label).clone())?;
        let chooses = members.get(default).is_some_and(|(server, _)| door.tls || self.reads_name(&server.scope));
        let shown: &[VirtualHost] = if several && chooses { &hosts } else { hosts.get(default..=default).unwrap_or_default() };
        let entry = self.lower_names((&door.address, &label, &Field::Sni), shown, if shown.len() > 1 { default } else { 0 });
        let directives: Vec<&Directive> = members.iter().map(|(server, _)| server.directive).collect();
        Some(Listener {
            address: door.address.clone(),
            protocol: door.protocol,
            tls: directives.get(default).filter(|_| door.tls).map(|first| super::tls::tls(around, first, &directives)),
            client_timeout_ms: None,
            max_connections: None,
            entry,
            virtual_hosts: hosts,
            default_host: Some(default),
            label,
        })
    }

    /// `allow` and `deny`: who is refused is cut off. nginx: `ngx_stream_access_handler`.
    fn stream_access(&mut self, scope: &Scope<'_>, allowed: Step) -> Step {
        let rules = scope.nearest(&["allow", "deny"]);
        let Some(first) = rules.iter().find(|rule| rule.name() == "deny").and(rules.first()) else { return allowed };
        let label = first.label();
        let allowed = self.shared(allowed, &label);
        let route = |rule: &&Directive| {
            let text = rule.arg(0).unwrap_or_default();
            let when = match Cidr::parse(text) {
                _ if text == "all" => Condition::Always,
                Some(network) => Condition::test(Value::field(Field::Source), Matcher::Network(network)),
                None => Condition::Opaque(Opaque {
                    text: Arc::from(format!("the client is {}", source::shown(text))),
                    input: Value::field(Field::Source),
                }),
            };
            let step = if rule.name() == "deny" { Step::end(Outcome::Close { label: rule.label() }) } else { allowed.clone() };
            Route { when, step, label: Some(rule.label()) }
        };
        let routes = rules.iter().map(route).collect();
        Step::table(self.add(Table { kind: TableKind::Instruction, label, routes, otherwise: allowed, otherwise_label: None }))
    }

    fn stream_content(&mut self, scope: &Scope<'_>, label: &Label) -> Step {
        let handler = scope.own.iter().rfind(|line| matches!(line.name(), "proxy_pass" | "return" | "js_filter" | "pass" | "content_by_lua_block"));
        let mut step = match handler {
            Some(line) if line.name() == "proxy_pass" => self.stream_pass(scope, line),
            Some(line) if line.name() == "return" => self.stream_return(scope, line),
            Some(line) => self.answer_of(line, line.label()),
            // "no handler for server" (`ngx_stream_core_merge_srv_conf`).
            None => {
                if self.complete && !scope.own.iter().any(|line| line.name() == "include") {
                    let help = "add `proxy_pass`; nginx refuses the whole configuration until then".to_owned();
                    self.refused(
                        ProblemKind::Syntax,
                        "this `server` of `stream` passes its connections to nobody".to_owned(),
                        Some(help),
                        &label.span,
                    );
                }
                Step::end(Outcome::None)
            }
        };
        for line in scope.own.iter().filter(|line| line.name() == "set").collect::<Vec<_>>().into_iter().rev() {
            if let (Some(name), Some(value)) = (line.arg(0).and_then(|word| word.strip_prefix('$')), line.args.get(1)) {
                let value = self.value(&value.text, scope, &value.span);
                step.actions.insert(0, Action::Set { variable: Name::from(name.to_ascii_lowercase()), value, label: Some(line.label()) });
            }
        }
        if self.preread == Preread::Somewhere && self.reads_name(scope) {
            step.actions.push(Action::Set { variable: Name::from(PREREAD_NAME), value: Value::field(Field::Sni), label: None });
        }
        step
    }

    /// `return`: its text is all the client gets; of an empty one nothing (`ngx_stream_return_handler`).
    fn stream_return(&mut self, scope: &Scope<'_>, line: &Directive) -> Step {
        let label = line.label();
        let text = self.value(line.arg(0).unwrap_or_default(), scope, &line.head);
        let answered = Step::end(Outcome::Respond { status: 200, label: label.clone() });
        let closed = Step::end(Outcome::Close { label: label.clone() });
        match text.as_literal() {
            Some("") => closed,
            Some(_) => answered,
            None if text.parts.iter().any(|part| matches!(part, Part::Literal(_) | Part::Field(Field::Source))) => answered,
            None => self.guarded(&label, Condition::test(text, Matcher::Truthy { zero_is_false: false }), answered, closed),
        }
    }

    /// nginx: `ngx_stream_proxy_pass`, `ngx_stream_proxy_eval`.
    fn stream_pass(&mut self, scope: &Scope<'_>, line: &Directive) -> Step {
        let text = line.arg(0).unwrap_or_default();
        let label = line.label();
        let authority = self.value(text, scope, &line.head);
        let literal = authority.as_literal().map(str::to_owned);
        // A variable that is always empty leaves no host.
        if text.contains('$') && literal.as_ref().is_some_and(|text| text.is_empty() || text.starts_with(':')) {
            return Step::end(Outcome::Close { label });
        }
        let target = match &literal {
            Some(text) => {
                let declared = self.pool_names.contains_key(&text.to_ascii_lowercase());
                if !declared && self.complete && !text.contains(':') && !line.has_hole() {
                    let message = format!("`proxy_pass {text}` names no pool that is here, and as a host it lacks a port");
                    let help = format!("name a declared pool, or write `{text}:PORT`; nginx refuses the whole configuration until then");
                    self.refused(ProblemKind::DanglingReference, message, Some(help), &line.head);
                }
                Target::Pool(self.pool_of(text, 0, line))
            }
            None => Target::Computed { authority: authority.clone(), default_port: 0, resolvable: scope.get("resolver").is_some() || !self.complete },
        };
        let time = |name: &str, default| Some(scope.text(name).and_then(parse_time).unwrap_or(default));
        let waits = scope.get("proxy_timeout").map(Directive::label);
        let datagrams = scope.own.iter().any(|line| line.name() == "listen" && line.args.iter().any(|word| &*word.text == "udp"));
        let forward = Forward {
            target,
            uri: UpstreamUri::AsReceived,
            protocol: Arc::from(match (datagrams, scope.is_on("proxy_ssl")) {
                (true, _) => "udp",
                (false, true) => "tls",
                (false, false) => "tcp",
            }),
            retry: Retry {
                on_connect_failure: scope.text("proxy_next_upstream") != Some("off"),
                attempts: scope.text("proxy_next_upstream_tries").and_then(|text| text.parse().ok()).filter(|tries| *tries > 0),
            },
            timeouts: Timeouts {
                connect_ms: time("proxy_connect_timeout", 60_000),
                read_ms: time("proxy_timeout", 600_000),
                send_ms: time("proxy_timeout", 600_000),
                queue_ms: None,
                lines: TimeoutLines {
                    connect: scope.get("proxy_connect_timeout").map(Directive::label),
                    read: waits.clone(),
                    send: waits,
                    queue: None,
                },
            },
            on_status: Vec::new(),
            label: label.clone(),
        };
        let step = Step::end(Outcome::Forward(Box::new(forward)));
        if literal.is_some() {
            return step;
        }
        // "no host in upstream" (`ngx_stream_proxy_eval`).
        let host = authority.parts.into_iter().take_while(|part| !matches!(part, Part::Literal(text) if text.starts_with(':'))).collect();
        let named = Condition::test(Value { parts: host }, Matcher::Truthy { zero_is_false: false });
        self.guarded(&label, named, step, Step::end(Outcome::Close { label: label.clone() }))
    }
}
