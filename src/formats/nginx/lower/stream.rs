//! `stream`: connections and datagrams that are passed on as bytes.
//!
//! nginx: `ngx_stream_core_run_phases`: whose address is believed, limits, access, the look into the TLS handshake, then the content. In `stream` an address
//! has one server, so there are no names to choose by but those that a `map` reads from the handshake.

use super::super::Directive;
use super::Lowering;
use super::forward::parse_time;
use super::scope::{self, Level, Scope};
use crate::formats::source;
use crate::model::{
    Action, Cidr, Condition, Field, Forward, Label, Listener, Matcher, Name, Opaque, Outcome, ProblemKind, Protocol, Retry, Route, Step, Table,
    TableId, TableKind, Target, TimeoutLines, Timeouts, UpstreamUri, Value, VirtualHost,
};
use std::sync::Arc;

impl Lowering<'_> {
    /// Lowers a `stream` block. Its upstreams and zones have names of their own.
    pub(super) fn lower_stream(&mut self, block: &[Directive], listeners: &mut Vec<Listener>) {
        let settings = scope::settings(block);
        let around = Scope { own: block, settings: Some(&settings), parent: None, level: Level::Http };
        let (pools, zones, chances) = (std::mem::take(&mut self.pool_names), std::mem::take(&mut self.zones), std::mem::take(&mut self.chances));
        self.preread = block.iter().any(|line| is_on(line, "ssl_preread") || line.inside().iter().any(|line| is_on(line, "ssl_preread")));
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
        for directive in block.iter().filter(|directive| directive.name() == "server") {
            let own = directive.inside();
            let settings = scope::settings(own);
            let server = Scope { own, settings: Some(&settings), parent: Some(&around), level: Level::Server(directive) };
            self.lower_stream_server(directive, &server, listeners);
        }
        (self.pool_names, self.zones, self.chances, self.preread) = (pools, zones, chances, false);
    }

    fn lower_stream_server(&mut self, directive: &Directive, scope: &Scope<'_>, listeners: &mut Vec<Listener>) {
        let label = directive.label();
        let step = self.stream_content(scope, &label);
        let step = self.stream_access(scope, step);
        let step = self.limited(scope, step);
        let table =
            Table { kind: TableKind::Routes, label: label.clone(), routes: Vec::new(), otherwise: step, otherwise_label: Some(label.clone()) };
        let entry = self.add(table);
        let entry = self.lower_door(scope, &label, entry);
        for line in directive.inside().iter().filter(|line| line.name() == "listen") {
            let Some((address, tls)) = super::listener::stream_address(line) else { continue };
            let datagrams = line.args.iter().any(|word| &*word.text == "udp");
            let protocol = if datagrams { Protocol::Udp } else { Protocol::Tcp };
            if listeners.iter().any(|have| have.address == address && (have.protocol == Protocol::Udp) == datagrams) {
                let message = format!("{address} is listened to twice");
                let help = "an address of `stream` has one server; nginx refuses the whole configuration until then".to_owned();
                self.refused(ProblemKind::Syntax, message, Some(help), &line.head);
                continue;
            }
            listeners.push(self.stream_listener((address, protocol, tls), directive, scope, (line.label(), entry)));
        }
    }

    fn stream_listener(
        &mut self,
        (address, protocol, tls): (crate::model::ListenAddress, Protocol, bool),
        directive: &Directive,
        scope: &Scope<'_>,
        (label, table): (Label, TableId),
    ) -> Listener {
        let host = VirtualHost { names: Vec::new(), table, label: directive.label(), listen_label: label.clone() };
        let entry = self.add(Table {
            kind: TableKind::VirtualHosts,
            label: label.clone(),
            routes: Vec::new(),
            otherwise: Step::table(table),
            otherwise_label: Some(label.clone()),
        });
        let around = scope.parent.copied().unwrap_or(*scope);
        Listener {
            address,
            protocol,
            tls: tls.then(|| super::tls::tls(&around, directive, &[directive])),
            client_timeout_ms: None,
            max_connections: None,
            entry,
            virtual_hosts: vec![host],
            default_host: Some(0),
            label,
        }
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
            Some(line) if line.name() == "return" => Step::end(Outcome::Respond { status: 200, label: line.label() }),
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
        step
    }

    /// nginx: `ngx_stream_proxy_pass`, `ngx_stream_proxy_eval`.
    fn stream_pass(&mut self, scope: &Scope<'_>, line: &Directive) -> Step {
        let text = line.arg(0).unwrap_or_default();
        let label = line.label();
        let authority = self.value(text, scope, &line.head);
        let literal = authority.as_literal().map(str::to_owned);
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
        let named = Condition::test(authority, Matcher::Truthy { zero_is_false: false });
        self.guarded(&label, named, step, Step::end(Outcome::Close { label: label.clone() }))
    }
}

fn is_on(line: &Directive, name: &str) -> bool {
    line.name() == name && line.arg(0).is_some_and(|value| value.eq_ignore_ascii_case("on"))
}
