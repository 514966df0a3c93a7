//! A small builder of models for tests.

use crate::model::{
    Action, Address, Condition, Ejection, Field, Forward, Gateway, Host, HostPattern, Label, ListenAddress, Listener, Matcher, Member, Model, Next,
    Normalization, Outcome, Pool, PoolId, Protocol, Regex, RegexDialect, Retry, Route, Step, Table, TableId, TableKind, Target, Timeouts,
    UpstreamUri, Value, VirtualHost,
};
use crate::span::{Span, TreePath};
use std::sync::Arc;

pub(super) fn label(text: &str) -> Label {
    // Each text is a line of its own.
    let start = text.bytes().fold(0_usize, |hash, byte| (hash * 31 + usize::from(byte)) % 100_000);
    Label { span: Span::new(TreePath::new("nginx.conf").unwrap(), start, start + text.len()), text: Arc::from(text) }
}

pub(super) fn exact(path: &str) -> Condition {
    Condition::test(Value::field(Field::Path), Matcher::Equals { text: Value::literal(path), caseless: false })
}

pub(super) fn prefix(path: &str) -> Condition {
    Condition::test(Value::field(Field::Path), Matcher::Prefix { text: Arc::from(path), caseless: false })
}

pub(super) fn regex(pattern: &str) -> Regex {
    Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() }
}

pub(super) fn path_regex(pattern: &str) -> Condition {
    Condition::test(Value::field(Field::Path), Matcher::Regex(regex(pattern)))
}

pub(super) fn member(address: &str, weight: u32) -> Member {
    let (host, port) = address.rsplit_once(':').unwrap();
    let host = host.parse().map_or_else(|_| Host::Name(Arc::from(host)), Host::Ip);
    Member { weight, ..Member::new(Address { host, port: Some(port.parse().unwrap()) }, label(address)) }
}

pub(super) fn ejecting(member: Member) -> Member {
    Member { ejection: Some(Ejection { failures: 1, window_ms: 10_000 }), ..member }
}

pub(super) fn pool(name: &str, members: Vec<Member>) -> Pool {
    Pool::new(Arc::from(name), members, label(&format!("upstream {name}")))
}

pub(super) fn forward(pool: usize) -> Forward {
    Forward {
        target: Target::Pool(PoolId(pool)),
        uri: UpstreamUri::AsReceived,
        protocol: Arc::from("http"),
        retry: Retry { on_connect_failure: false, attempts: None },
        timeouts: Timeouts::default(),
        on_status: Vec::new(),
        label: label(&format!("proxy_pass {pool}")),
    }
}

pub(super) fn to(pool: usize) -> Step {
    Step::end(Outcome::Forward(Box::new(forward(pool))))
}

pub(super) fn answer(status: u16) -> Step {
    Step::end(Outcome::Respond { status, label: label(&format!("return {status}")) })
}

pub(super) fn set(variable: &str, value: Value) -> Action {
    Action::Set { variable: Arc::from(variable), value, label: Some(label(&format!("set ${variable}"))) }
}

pub(super) fn rewrite(path: Value) -> Action {
    Action::Rewrite { path: Some(path), query: crate::model::QueryEdit::Keep, label: Some(label("rewrite")) }
}

pub(super) fn restart(actions: Vec<Action>, table: usize) -> Step {
    Step { actions, next: Next::Restart(TableId(table)) }
}

/// Virtual hosts by name with their routes, all on port 80; the first answers for all other names.
pub(super) struct Site {
    pub(super) hosts: Vec<(&'static str, Vec<(Condition, Step)>)>,
    pub(super) pools: Vec<Pool>,
}

impl Site {
    /// Table 0 chooses the host, table `n + 1` is of host `n`.
    pub(super) fn gateway(self) -> Gateway {
        let mut tables = vec![];
        let mut virtual_hosts = vec![];
        let mut entry = vec![];
        for (at, (name, routes)) in self.hosts.into_iter().enumerate() {
            let id = TableId(at + 1);
            let when = Condition::test(Value::field(Field::Host), Matcher::Equals { text: Value::literal(name), caseless: false });
            entry.push(Route { when, step: Step::table(id), label: Some(label(&format!("server_name {name}"))) });
            let routes = routes.into_iter().map(|(when, step)| Route { label: Some(label(&format!("location of {name}: {when:?}"))), when, step });
            tables.push(Table {
                kind: TableKind::Routes,
                label: label(&format!("server {name}")),
                routes: routes.collect(),
                otherwise: Step::end(Outcome::Reject { status: 404, label: label(&format!("server {name}")) }),
                otherwise_label: None,
            });
            virtual_hosts.push(VirtualHost {
                names: vec![(HostPattern::Exact(Arc::from(name)), label(&format!("server_name {name}")))],
                table: id,
                label: label(&format!("server {name}")),
                listen_label: label(&format!("listen 80 of {name}")),
            });
        }
        let first = Table {
            kind: TableKind::VirtualHosts,
            label: label("listen 80"),
            routes: entry,
            otherwise: Step::table(TableId(1)),
            otherwise_label: virtual_hosts.first().map(|host| host.listen_label.clone()),
        };
        tables.insert(0, first);
        Gateway {
            id: Arc::from("nginx.conf"),
            product: "nginx",
            normalization: Normalization { strip_port: true, decode_path: true, resolve_dots: true, merge_slashes: true, exact_names: false },
            listeners: vec![Listener {
                address: ListenAddress::Tcp { ip: None, v6: false, port: 80 },
                protocol: Protocol::Http,
                tls: None,
                client_timeout_ms: None,
                max_connections: None,
                entry: TableId(0),
                virtual_hosts,
                default_host: Some(0),
                label: label("listen 80"),
            }],
            tables,
            pools: self.pools,
            lookups: Vec::new(),
            variant: None,
            max_connections: None,
            restart_limit: 10,
        }
    }

    pub(super) fn model(self) -> Model {
        Model { gateways: vec![self.gateway()], ..Model::default() }
    }
}
