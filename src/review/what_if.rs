//! Two questions to the model that are no review: what if a server dies, and what if a rollback leaves the new files behind.

use super::ChangeReport;
use super::assemble::change_reports;
use crate::analysis::{Destination, ServerShare, ServerState, compare};
use crate::formats;
use crate::model::{Host, Label, Model};
use crate::snapshot::{Snapshot, overlay};
use crate::span::TreePath;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What happens when a host dies.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// The host, as it was understood.
    pub host: String,
    /// The pools it is in, with their gateways' ids, sorted.
    pub pools: Vec<(String, String)>,
    /// The requests that notice: `was` is with the host, `now` without.
    pub changes: Vec<ChangeReport>,
    /// Whether those are all.
    pub exact: bool,
    /// Names and addresses of hosts that are servers here, sorted: for who asked after one that is not.
    pub hosts: Vec<String>,
}

/// Says what happens in `tree` when `server` dies: a host, or an address with a port, whose host is meant. Proxies go on as they are
/// configured: with their retries, their probes, their idea of who is passed over.
pub fn simulate(tree: &Snapshot, server: &str) -> Simulation {
    let model = formats::read(tree);
    let host = host_of(server);
    let mut hosts = BTreeSet::new();
    let mut pools = BTreeSet::new();
    let mut line: Option<Label> = None;
    let same = same_host(&model, &host);
    for gateway in &model.gateways {
        for pool in &gateway.pools {
            for member in &pool.members {
                hosts.insert(member.address.host.to_string());
                if same(&member.address.host) {
                    pools.insert((pool.name.to_string(), gateway.file().to_owned()));
                    line.get_or_insert_with(|| member.label.clone());
                }
            }
        }
    }
    let mut simulation = Simulation {
        host: host.to_string(),
        pools: pools.into_iter().collect(),
        changes: Vec::new(),
        exact: true,
        hosts: hosts.into_iter().collect(),
    };
    let Some(line) = line else { return simulation };
    let mut without = model.clone();
    for host in simulation.hosts.iter().map(|host| host_of(host)).chain([host.clone()]).filter(|other| same(other)) {
        without.inventory = without.inventory.without(&host, line.clone());
    }
    let comparison = compare(&model, &without);
    simulation.exact = comparison.exact;
    simulation.changes = change_reports(&comparison);
    for change in &mut simulation.changes {
        mark_down(&mut change.now, &simulation.host);
    }
    simulation
}

/// Returns a test for what is the same machine as `host`: its name, its aliases, its addresses, where the inventory knows them.
fn same_host<'m>(model: &'m Model, host: &'m Host) -> impl Fn(&Host) -> bool + 'm {
    let known = match model.inventory.existence(host) {
        crate::model::Existence::Known(known) => Some(known),
        crate::model::Existence::Missing(_) | crate::model::Existence::Unknown => None,
    };
    move |other: &Host| {
        other == host
            || known.is_some_and(|known| match other {
                Host::Ip(ip) => known.addresses.contains(ip),
                Host::Name(name) => known.name == *name || known.aliases.contains(name),
                Host::Unix(_) | Host::Hole(_) => false,
            })
    }
}

/// Returns the host of `10.0.0.1:8080`, `[::1]:80`, `web01.example.com`.
fn host_of(text: &str) -> Host {
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Host::Ip(address.ip());
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse() {
        return Host::Ip(ip);
    }
    let name = text.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(text, |(name, _)| name);
    Host::Name(Arc::from(name.trim_end_matches('.').to_ascii_lowercase()))
}

/// Calls the host's servers down: nothing is known to be missing, it was asked what if.
fn mark_down(destination: &mut Destination, host: &str) {
    let mark = |server: &mut ServerShare| {
        if server.state == ServerState::Missing && host_of(&server.address).to_string() == host {
            server.state = ServerState::Down;
        }
    };
    match destination {
        Destination::Forward { servers, .. } => servers.iter_mut().for_each(mark),
        Destination::Opaque { alternatives, .. } => {
            for alternative in alternatives {
                mark_down(&mut alternative.outcome, host);
            }
        }
        Destination::Redirect { .. }
        | Destination::Respond { .. }
        | Destination::Files { .. }
        | Destination::Reject { .. }
        | Destination::Close
        | Destination::None => {}
    }
}

/// What is left of a change that was taken back by copying the old files over the new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftovers {
    /// The change's new files that are read also beside the old ones.
    pub files: Vec<String>,
    /// The requests that go elsewhere because of them: `was` is before the change, `now` after taking it back so.
    pub changes: Vec<ChangeReport>,
    /// Whether those are all.
    pub exact: bool,
}

/// Says what a rollback of the change from `base` to `head` does that restores the old files and does not delete the new ones.
pub fn leftovers(base: &Arc<Snapshot>, head: &Arc<Snapshot>) -> Leftovers {
    let there: BTreeSet<&TreePath> = base.entries().map(|(path, _)| path).collect();
    let new: BTreeSet<TreePath> = head.entries().map(|(path, _)| path).filter(|path| !there.contains(path)).cloned().collect();
    let both = overlay(base, head, &new);
    let (was, now) = (formats::read(base), formats::read(&both));
    let files = now.inputs.iter().filter(|input| new.contains(&input.path)).map(|input| input.path.to_string()).collect();
    let comparison = compare(&was, &now);
    Leftovers { files, changes: change_reports(&comparison), exact: comparison.exact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    const MAIN: &str = "events {}\nhttp {\n  upstream web { server 10.0.0.1:80 max_fails=0; server 10.0.0.2:80 max_fails=0; include extra/*.conf; }\n  server { listen 80; server_name a.example.com; location / { proxy_pass http://web; proxy_next_upstream off; } }\n}\n";

    #[test]
    fn half_of_the_requests_break_with_one_of_two_servers_that_is_never_passed_over() {
        let tree = memory([("nginx/nginx.conf", MAIN)]);
        for asked in ["10.0.0.1", "10.0.0.1:80"] {
            let simulation = simulate(&tree, asked);
            assert_eq!(simulation.pools, [("web".to_owned(), "nginx/nginx.conf".to_owned())]);
            let [change] = simulation.changes.as_slice() else { panic!("{simulation:?}") };
            assert!((change.broken_share - 0.5).abs() < 1e-9, "{change:?}");
            let Destination::Forward { servers, .. } = &change.now else { panic!("{change:?}") };
            assert_eq!(servers.iter().map(|server| server.state).collect::<Vec<_>>(), [ServerState::Down, ServerState::Unknown]);
        }
        let nobody = simulate(&tree, "10.0.0.9");
        assert_eq!((nobody.pools.len(), nobody.changes.len()), (0, 0));
        assert_eq!(nobody.hosts, ["10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn a_file_that_a_wildcard_still_includes_is_a_leftover() {
        let base = Arc::new(memory([("nginx/nginx.conf", MAIN), ("nginx/extra/a.conf", "server 10.0.0.3:80;\n")]));
        let extra = [("nginx/nginx.conf", MAIN), ("nginx/extra/a.conf", ""), ("nginx/extra/b.conf", "server 10.0.0.4:80;\n"), ("notes.md", "x")];
        let left = leftovers(&base, &Arc::new(memory(extra)));
        assert_eq!(left.files, ["nginx/extra/b.conf"]);
        assert_eq!(left.changes.len(), 1, "{left:?}");
        let clean = leftovers(&base, &Arc::new(memory([("nginx/nginx.conf", MAIN)])));
        assert_eq!((clean.files.len(), clean.changes.len()), (0, 0));
    }
}
