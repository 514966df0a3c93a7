//! What the two Ansible forms have in common: hosts in groups, gathered for one directory.

use super::authority;
use super::service::{self, Variable};
use crate::model::{Inventory, InventoryHost, Label};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The most hosts a range like `web[1:500]` makes, and the most of one directory.
pub(super) const MAX_HOSTS: usize = 100_000;

/// The inventory that the files of a directory make together.
#[derive(Debug, Default)]
pub(super) struct Directory {
    hosts: Vec<Host>,
    by_name: BTreeMap<Arc<str>, usize>,
    groups: BTreeMap<Arc<str>, Group>,
    /// A plugin or a program adds hosts when Ansible runs.
    pub(super) dynamic: bool,
    /// Part of it could not be read.
    pub(super) incomplete: bool,
}

/// A group as the inventory has it.
#[derive(Debug, Default)]
struct Group {
    /// The groups it is a child of.
    parents: BTreeSet<Arc<str>>,
    /// What is said of the services of its hosts; those of its `group_vars` file win over those in the inventory.
    own: Vec<Variable>,
    file: Vec<Variable>,
}

/// A host as its inventory has it.
#[derive(Debug)]
pub(super) struct Host {
    /// As written, ranges expanded.
    pub(super) name: Arc<str>,
    /// Where Ansible connects to, where that is a literal address.
    pub(super) addresses: Vec<IpAddr>,
    /// Literal addresses in other variables (`ip`, `private_ip`…): it has them, but they make no claim.
    others: Vec<IpAddr>,
    /// The name Ansible connects to, where `ansible_host` is one.
    alias: Option<Arc<str>>,
    /// It is the machine Ansible runs on.
    local: bool,
    /// The groups that name it directly.
    groups: BTreeSet<Arc<str>>,
    /// What is said of its service.
    variables: Vec<Variable>,
    label: Label,
}

/// The most levels of groups above a host.
const MAX_LEVELS: usize = 20;

impl Directory {
    /// Returns the host called `name`, made if it is new, as a member of `group`; `None` when there are too many.
    pub(super) fn host(&mut self, name: &str, group: &str, label: &Label) -> Option<&mut Host> {
        if self.hosts.len() >= MAX_HOSTS {
            self.incomplete = true;
            return None;
        }
        let at = *self.by_name.entry(name.into()).or_insert(self.hosts.len());
        if at == self.hosts.len() {
            self.hosts.push(Host {
                name: name.into(),
                addresses: name.parse().into_iter().collect(),
                others: Vec::new(),
                alias: None,
                local: name == "localhost",
                groups: BTreeSet::new(),
                variables: Vec::new(),
                label: label.clone(),
            });
        }
        let host = self.hosts.get_mut(at)?;
        host.groups.insert(group.into());
        Some(host)
    }

    /// Returns every host, in file order.
    pub(super) fn hosts_mut(&mut self) -> impl Iterator<Item = &mut Host> {
        self.hosts.iter_mut()
    }

    /// Notes that `group` is a child of `parent`.
    pub(super) fn child(&mut self, group: &str, parent: &str) {
        self.groups.entry(group.into()).or_default().parents.insert(parent.into());
    }

    /// Notes what `group` says of the services of its hosts, in the inventory itself.
    pub(super) fn group_variable(&mut self, group: &str, key: &str, value: &str, label: &Label) {
        self.groups.entry(group.into()).or_default().own.extend(Variable::new(key, value, label));
    }

    /// Notes what the `group_vars` file of `group` says; `false` when that is nothing about a service.
    pub(super) fn group_file(&mut self, group: &str, key: &str, value: &str, label: &Label) -> bool {
        let variable = Variable::new(key, value, label);
        let says = variable.is_some();
        self.groups.entry(group.into()).or_default().file.extend(variable);
        says
    }

    /// Returns the variables that hold for `host`, the nearest level first: its own, then those of its groups, then those above, `all` last.
    fn levels<'a>(&'a self, host: &'a Host) -> Vec<Vec<&'a Variable>> {
        let mut levels = vec![host.variables.iter().collect()];
        let all: Arc<str> = "all".into();
        let mut here: BTreeSet<Arc<str>> = host.groups.iter().filter(|group| **group != all).cloned().collect();
        let mut seen = here.clone();
        while !here.is_empty() && levels.len() < MAX_LEVELS {
            let groups = || here.iter().filter_map(|name| self.groups.get(name));
            levels.push(groups().flat_map(Group::variables).collect());
            here = groups().flat_map(|group| &group.parents).filter(|name| **name != all && !seen.contains(*name)).cloned().collect();
            seen.extend(here.iter().cloned());
        }
        levels.extend(self.groups.get(&all).map(|group| group.variables().collect()));
        levels
    }

    /// Returns the groups of `host`, those above them and `all` included, sorted.
    fn groups_of(&self, host: &Host) -> Vec<Arc<str>> {
        let mut here: Vec<&Arc<str>> = host.groups.iter().collect();
        let mut found: BTreeSet<Arc<str>> = BTreeSet::from(["all".into()]);
        while let Some(name) = here.pop() {
            if found.insert(Arc::clone(name)) {
                here.extend(self.groups.get(name).into_iter().flat_map(|group| &group.parents));
            }
        }
        found.into_iter().collect()
    }

    /// Adds the hosts to `inventory`, and what they entitle the directory to claim.
    pub(super) fn finish(self, inventory: &mut Inventory) {
        if !self.dynamic && !self.incomplete {
            let evidence = self.hosts.iter().filter(|host| !host.local).map(|host| authority::Evidence {
                addresses: &host.addresses,
                groups: &host.groups,
                label: &host.label,
            });
            inventory.claims.extend(authority::networks(&evidence.collect::<Vec<_>>()));
        }
        let services: Vec<_> = self.hosts.iter().map(|host| (service::service(&self.levels(host)), self.groups_of(host))).collect();
        inventory.hosts.extend(self.hosts.into_iter().zip(services).map(|(host, (service, groups))| {
            let lower: Arc<str> = host.name.to_lowercase().trim_end_matches('.').into();
            let aliases = host.alias.into_iter().chain((lower != host.name).then_some(lower)).collect();
            let addresses: BTreeSet<IpAddr> = host.addresses.into_iter().chain(host.others).collect();
            InventoryHost { addresses: addresses.into_iter().collect(), aliases, groups, service, ..InventoryHost::new(host.name, host.label) }
        }));
    }
}

impl Group {
    /// Returns what counts of its variables: of each name the `group_vars` file's, else the inventory's.
    fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.file.iter().chain(self.own.iter().filter(|own| !self.file.iter().any(|file| file.is_called_as(own))))
    }
}

impl Host {
    /// Takes in a variable that stands at `label`: what [`Host::set`] does, and what it says of the service.
    pub(super) fn say(&mut self, key: &str, value: &str, label: &Label) {
        self.variables.extend(Variable::new(key, value, label));
        self.set(key, value);
    }

    /// Takes in a variable. The address is what Ansible connects to (`ansible_host`, before 2.0 `ansible_ssh_host`).
    pub(super) fn set(&mut self, key: &str, value: &str) {
        let address = value.parse::<IpAddr>();
        match (key, address) {
            ("ansible_host" | "ansible_ssh_host", Ok(address)) => self.addresses.push(address),
            ("ansible_host" | "ansible_ssh_host", Err(_)) if !super::is_template(value) => {
                self.alias = Some(value.to_lowercase().trim_end_matches('.').into());
            }
            ("ansible_connection", _) if value == "local" => self.local = true,
            (_, Ok(address)) => self.others.push(address),
            (_, Err(_)) => {}
        }
    }
}

/// Returns the names a pattern stands for: `web[01:03].example.com`, `db-[a:c]`, `node[1:9:2]`, several ranges one after the other. The end is
/// included, and the width of a start with leading zeros is kept (Ansible, "Adding ranges of hosts"). `None` when it is not well-formed or too
/// large.
pub(super) fn expand(pattern: &str) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        let (range, tail) = after.split_once(']')?;
        let values = values(range)?;
        if names.len().checked_mul(values.len())? > MAX_HOSTS {
            return None;
        }
        names = names.iter().flat_map(|name| values.iter().map(move |value| format!("{name}{before}{value}"))).collect();
        rest = tail;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Some(names)
}

fn values(range: &str) -> Option<Vec<String>> {
    let mut parts = range.split(':');
    let (first, last) = (parts.next()?, parts.next()?);
    let step: usize = parts.next().map_or(Some(1), |step| step.parse().ok().filter(|step| *step > 0))?;
    if parts.next().is_some() {
        return None;
    }
    if let (Ok(from), Ok(to)) = (if first.is_empty() { Ok(0) } else { first.parse::<u32>() }, last.parse::<u32>()) {
        let width = if first.starts_with('0') { first.len() } else { 0 };
        return (from <= to && (to - from) as usize / step < MAX_HOSTS).then(|| (from..=to).step_by(step).map(|n| format!("{n:0width$}")).collect());
    }
    let letter = |text: &str| text.chars().next().filter(|c| c.is_ascii_alphabetic() && text.len() == 1);
    let (from, to) = (letter(first)?, letter(last)?);
    (from <= to).then(|| (from..=to).step_by(step).filter(char::is_ascii_alphabetic).map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_expanded_as_ansible_does() {
        let of = |pattern: &str| expand(pattern).map(|names| names.join(" "));
        assert_eq!(of("web[01:03].example.com").as_deref(), Some("web01.example.com web02.example.com web03.example.com"));
        assert_eq!(of("web[1:9:4]").as_deref(), Some("web1 web5 web9"));
        assert_eq!(of("db-[a:c]").as_deref(), Some("db-a db-b db-c"));
        assert_eq!(of("r[1:2]n[a:b]").as_deref(), Some("r1na r1nb r2na r2nb"));
        assert_eq!(of("10.0.0.[9:11]").as_deref(), Some("10.0.0.9 10.0.0.10 10.0.0.11"));
        assert_eq!(of("plain").as_deref(), Some("plain"));
        for bad in ["web[1:", "web[3:1]", "web[a:3]", "web[1:999999999]", "web[1:2:0]", "web[]", "a[1:99999][1:99999]"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
