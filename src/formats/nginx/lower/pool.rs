//! `upstream` blocks, and pools that are only an address.
//!
//! nginx: `ngx_http_upstream_server`, `ngx_http_upstream_init_round_robin`.

use super::super::Directive;
use super::Lowering;
use super::forward::parse_time;
use super::route::block;
use crate::formats::source::{has_hole, shown};
use crate::model::{Address, Balancing, Ejection, Host, Member, MemberState, Pool, PoolId, ProblemKind};
use std::sync::Arc;

/// Statements of an `upstream` block that choose how a member is chosen.
const BALANCING: &[&str] = &["hash", "ip_hash", "least_conn", "least_time", "random", "sticky", "fair", "consistent_hash", "session_sticky"];

impl Lowering<'_> {
    /// Lowers an `upstream` block.
    pub(super) fn lower_upstream(&mut self, directive: &Directive) {
        let name = directive.arg(0).unwrap_or_default();
        let statements = block(directive);
        let mut members: Vec<Member> = statements.iter().filter(|line| line.name() == "server").filter_map(|line| self.lower_member(line)).collect();
        // With a single server failures are not counted (nginx: `peers->single`); a backup makes it two.
        if members.len() <= 1 {
            for member in &mut members {
                member.ejection = None;
            }
        }
        let complete = !statements.iter().any(|line| line.name() == "include" || is_code(line.name()))
            && !members.iter().any(|member| matches!(member.address.host, Host::Hole(_)))
            && !statements.iter().any(Directive::has_hole)
            && (self.complete || !members.is_empty());
        if members.is_empty() && self.complete && complete {
            let message = format!("`upstream {name}` has no `server`");
            self.refused(ProblemKind::Syntax, message, Some("nginx refuses the whole configuration until there is one".to_owned()), &directive.head);
        }
        if let Some(line) = statements.iter().find(|line| is_code(line.name())) {
            self.unknown(&line.head, format!("`{}` chooses the member of `{name}`", line.name()));
        }
        let balancing = statements.iter().rev().find(|line| BALANCING.contains(&line.name())).map_or(Balancing::RoundRobin, balancing);
        let pool = Pool { balancing, complete, ..Pool::new(Arc::from(shown(name)), members, directive.label()) };
        let key = name.to_ascii_lowercase();
        if self.pool_names.contains_key(&key) {
            let message = format!("`upstream {name}` is there twice");
            self.refused(
                ProblemKind::Syntax,
                message,
                Some("nginx refuses the whole configuration until one of them is gone".to_owned()),
                &directive.head,
            );
            return;
        }
        self.pool_names.insert(key, PoolId(self.pools.len()));
        self.pools.push(pool);
    }

    /// A `server` line of an `upstream` block.
    fn lower_member(&mut self, line: &Directive) -> Option<Member> {
        let address = parse_address(line.arg(0)?, 80);
        let parameter = |name: &str| line.args.iter().skip(1).find_map(|word| word.text.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')));
        let flag = |name: &str| line.args.iter().skip(1).any(|word| &*word.text == name);
        let mut number = |name: &str, default: u32, least: u32| match parameter(name).map(str::parse::<u32>) {
            None => default,
            Some(Ok(value)) if value >= least => value,
            Some(_) if parameter(name).is_some_and(|text| text.contains(['{', '<', '$', '%']) || has_hole(text)) => default,
            Some(_) => {
                let message = format!("`{name}={}` is not a number that nginx accepts here", parameter(name).unwrap_or_default());
                self.refused(ProblemKind::Syntax, message, None, &line.head);
                default
            }
        };
        let weight = number("weight", 1, 1);
        let failures = number("max_fails", 1, 0);
        let connections = number("max_conns", 0, 0);
        let window_ms = parameter("fail_timeout").and_then(parse_time).unwrap_or(10_000);
        let state = if flag("down") {
            MemberState::Down
        } else if flag("drain") {
            MemberState::Drained
        } else if flag("backup") {
            MemberState::Backup
        } else {
            MemberState::Active
        };
        Some(Member {
            weight,
            state,
            ejection: (failures > 0).then_some(Ejection { failures, window_ms }),
            max_connections: (connections > 0).then_some(connections),
            ..Member::new(address, line.label())
        })
    }

    /// Returns the pool that a literal authority names: an `upstream`, else the address itself, one pool for one address.
    ///
    /// nginx: `ngx_http_upstream_add`: names compare without case; a name of an `upstream` must have no port.
    pub(super) fn pool_of(&mut self, authority: &str, default_port: u16, from: &Directive) -> PoolId {
        let lower = authority.to_ascii_lowercase();
        if let Some(id) = self.pool_names.get(&lower) {
            return *id;
        }
        let declared = lower.rsplit_once(':').and_then(|(host, port)| Some((self.pool_names.get(host)?, host.to_owned(), port.to_owned())));
        if let Some((id, host, port)) = declared
            && self.pools.get(id.0).is_some_and(|pool| pool.declared)
        {
            let id = *id;
            if self.reported.insert(format!("port:{}:{}", from.head.path, from.head.start)) {
                let message = format!("`upstream {host}` may not have a port (`:{port}`) here");
                let help =
                    format!("write `{host}` without `:{port}`: its `server` lines say the ports; nginx refuses the whole configuration until then");
                self.refused(ProblemKind::Syntax, message, Some(help), &from.head);
            }
            return id;
        }
        let address = parse_address(authority, default_port);
        let key = if has_hole(authority) { authority.to_owned() } else { address.to_string() };
        if let Some(id) = self.pool_names.get(&key).filter(|id| self.pools.get(id.0).is_some_and(|pool| !pool.declared)) {
            return *id;
        }
        let complete = !matches!(address.host, Host::Hole(_));
        let label = from.label();
        let member = Member::new(address, label.clone());
        let pool = Pool { declared: false, complete, ..Pool::new(Arc::from(shown(authority)), vec![member], label) };
        let id = PoolId(self.pools.len());
        self.pools.push(pool);
        self.pool_names.entry(key).or_insert(id);
        id
    }
}

fn is_code(name: &str) -> bool {
    name.starts_with("balancer_by_lua")
}

fn balancing(line: &Directive) -> Balancing {
    let words = || Arc::from(line.args.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" "));
    match line.name() {
        "hash" | "consistent_hash" => Balancing::Hash(words()),
        "ip_hash" => Balancing::Hash(Arc::from("client address")),
        "least_conn" => Balancing::LeastConnections,
        "random" => Balancing::Random,
        _ => Balancing::Other(line.label().text),
    }
}

/// Reads `host`, `host:port`, `[v6]:port`, `unix:/path`. nginx: `ngx_parse_url`. A port of 0 is none.
pub(super) fn parse_address(text: &str, default_port: u16) -> Address {
    let default_port = (default_port > 0).then_some(default_port);
    if let Some(path) = text.strip_prefix("unix:") {
        return Address { host: Host::Unix(Arc::from(path)), port: None };
    }
    let hole = || Address { host: Host::Hole(Arc::from(shown(text))), port: None };
    if let Some((ip, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let Ok(ip) = ip.parse() else { return hole() };
        return match rest.strip_prefix(':') {
            Some(port) => Address { host: Host::Ip(ip), port: port.parse().ok() },
            None => Address { host: Host::Ip(ip), port: default_port },
        };
    }
    let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if host.is_empty() || host.contains(['$', '{', '}', '<', '>', '%', ' ', '(', '"']) || has_hole(host) {
        let readable = port.is_none_or(|port| !has_hole(port));
        let port = port.and_then(|port| port.parse().ok());
        return Address { host: Host::Hole(Arc::from(shown(if readable { host } else { text }))), port };
    }
    let host = match host.parse() {
        Ok(ip) => Host::Ip(ip),
        Err(_) => Host::Name(Arc::from(host.trim_end_matches('.').to_ascii_lowercase())),
    };
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok(),
    };
    Address { host, port }
}
