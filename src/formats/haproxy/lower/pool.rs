//! `backend` and `listen` as pools.
//!
//! HAProxy: `configuration.txt` 4.2, `balance`, `cookie`, `stick`, `option allbackups`. Without `balance` it is round robin.

use super::super::syntax::Line;
use super::Lowering;
use super::check::lower_check;
use super::server::{self, Server};
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Balancing, Member, Pool, PoolId};
use std::sync::Arc;

impl Lowering<'_, '_> {
    /// Adds the pool of `proxy`; a `listen` without servers has none.
    pub(super) fn lower_pool(&mut self, proxy: &Proxy<'_>) {
        let servers = server::servers(proxy);
        let is_pool = |line: &Line| matches!(line.keyword(), "server" | "server-template" | "dispatch");
        let dispatch = proxy.get(&["dispatch"]);
        if servers.is_empty() && dispatch.is_none() && proxy.is_frontend() {
            return;
        }
        let mut members: Vec<Member> = servers.iter().map(|server| server.member.clone()).collect();
        // With `dispatch` there is one address and no server is used (`configuration.txt` 4.2).
        if let (Some(line), true) = (dispatch, members.is_empty()) {
            let address = line.arg(0).map(|word| super::address::server_address(&word.text));
            members.extend(address.map(|address| Member::new(address, line.label())));
        }
        let discovered = proxy.own().filter(|line| is_pool(line)).find(|line| server::is_discovered(line));
        if let Some(line) = discovered {
            self.unknown(&line.span, format!("`{}`: how many servers there are is decided elsewhere", line.label().text));
        }
        let holes = members.iter().any(server::is_hole);
        let pool = Pool {
            members,
            balancing: balancing(proxy),
            health_check: lower_check(proxy, &servers),
            backups_together: proxy.option("allbackups").is_some(),
            persistence: persistence(proxy),
            complete: discovered.is_none() && !holes && self.config.complete,
            ..Pool::new(Arc::from(shown(proxy.name())), Vec::new(), proxy.section.head.label())
        };
        self.pool_of.insert(proxy.index, PoolId(self.pools.len()));
        self.pools.push(pool);
    }

    /// Returns the pool in which the server called `name` goes first and the others only while it is down (`use-server`); `None` where there is none.
    pub(super) fn preferring(&mut self, proxy: &Proxy<'_>, name: &str) -> Option<PoolId> {
        let pool = self.pool_of.get(&proxy.index).and_then(|id| self.pools.get(id.0))?;
        let chosen = pool.members.iter().position(|member| member.name.as_deref() == Some(name))?;
        let mut pool = pool.clone();
        pool.name = Arc::from(format!("{}/{name}", pool.name));
        pool.declared = false;
        for (at, member) in pool.members.iter_mut().enumerate() {
            use crate::model::MemberState::{Active, Backup, Down, Drained};
            member.state = match (at == chosen, member.state) {
                (_, Down) => Down,
                (true, _) => Active,
                (false, Drained) => Drained,
                (false, Active | Backup) => Backup,
            };
            if at == chosen {
                member.weight = member.weight.max(1);
            }
        }
        pool.backups_together = true;
        let same = self.pools.iter().position(|have| have.name == pool.name && !have.declared);
        let at = same.unwrap_or_else(|| {
            self.pools.push(pool);
            self.pools.len() - 1
        });
        Some(PoolId(at))
    }
}

/// Returns the protocol its servers are spoken to in.
pub(super) fn protocol(proxy: &Proxy<'_>) -> &'static str {
    let encrypted = server::servers(proxy).first().is_some_and(|server: &Server| server.settings.is_on("ssl"));
    match (proxy.is_tcp(), encrypted) {
        (true, false) => "tcp",
        (true, true) => "tls",
        (false, false) => "http",
        (false, true) => "https",
    }
}

fn balancing(proxy: &Proxy<'_>) -> Balancing {
    let Some(line) = proxy.get(&["balance"]) else { return Balancing::RoundRobin };
    let words = line.words.iter().skip(1).map(|word| shown(&word.text)).collect::<Vec<_>>().join(" ");
    match line.arg(0).map(|word| &*word.text) {
        Some("roundrobin" | "static-rr") | None => Balancing::RoundRobin,
        Some("leastconn") => Balancing::LeastConnections,
        Some(random) if random.starts_with("random") => Balancing::Random,
        Some("source" | "uri" | "url_param" | "rdp-cookie" | "hash") => Balancing::Hash(Arc::from(words)),
        Some(text) if text.starts_with("hdr(") || text.starts_with("rdp-cookie(") => Balancing::Hash(Arc::from(words)),
        Some(_) => Balancing::Other(Arc::from(words)),
    }
}

/// Returns what keeps a client with its server: a cookie, a stick table.
fn persistence(proxy: &Proxy<'_>) -> Option<Arc<str>> {
    let cookie = proxy.get(&["cookie"]).into_iter();
    let sticks = proxy.lines("stick");
    let words = cookie.chain(sticks).map(|line| line.label().text.to_string()).collect::<Vec<_>>().join(", ");
    (!words.is_empty()).then(|| Arc::from(words))
}
