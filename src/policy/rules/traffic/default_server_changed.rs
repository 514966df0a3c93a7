//! `traffic/default-server-changed`.

use crate::analysis::{Choice, Destination, Trace};
use crate::model::{Gateway, HostPattern, Label, Listener, Model, Table, TableKind, VirtualHost};
use crate::policy::arrival::{goes, served, witnesses};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether requests for hosts that no virtual host names are answered by another virtual host than before.
    ///
    /// ## Why it matters
    ///
    /// Where no virtual host is marked as the default, the first one that is read is: a new file that sorts first takes over every request by
    /// address, by a partner's own name, or without a host. Nobody sees it in the diff, because the line that changed its meaning is an
    /// ordinary `listen`.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # conf.d/05-campaign.conf, new; until now conf.d/10-api.conf was read first
    /// server {
    ///     listen 80;
    ///     server_name spring.example.com;
    ///     location / { proxy_pass http://promo_pool; }
    /// }
    /// ```
    ///
    /// ```text
    /// requests for hosts that no virtual host names would go to `promo_pool` (virtual host spring.example.com); until now they go to `api_pool` (virtual host api.example.com)
    /// help: if that is not meant, mark the virtual host api.example.com as the default (nginx: `default_server` on its `listen` line)
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Mark the default on purpose, so that the order of files does not decide.
    /// - If nobody should use other names, add a virtual host for them that refuses.
    ///
    /// It is an **error** when these requests were served and a virtual host with names of its own takes them over: that is a side effect of
    /// the order. It is a **warning** when the new default names no host, because then it is there to be the default, and when the requests
    /// were refused until now.
    ///
    /// ## When it stays silent
    ///
    /// - The requests end where they ended: the default was made explicit, or the same virtual host moved to another file.
    /// - One refusal takes the place of another.
    /// - A host that fell to the default gets a virtual host of its own.
    /// - The default stays and its own routes change.
    ///
    /// ## Where it has hurt
    ///
    /// - Chef, 18 June 2014: the Supermarket site showed the default "Welcome to nginx" page in place of the application.
    pub static DEFAULT_SERVER_CHANGED = { id: "traffic/default-server-changed", category: DefaultServerChanged, severity: Error, check: check }
}

/// The facts of one finding: a virtual host that has become the default.
struct NewDefault<'a> {
    gateway: &'a str,
    line: &'a Label,
    now: &'a VirtualHost,
    was: &'a VirtualHost,
    severity: Severity,
    /// Where the first of the requests went and goes.
    ends: (&'a Destination, &'a Destination),
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, String), NewDefault<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let (Some(was), Some(now)) = (default_of(cx.base.model, &pair.was), default_of(cx.head.model, &pair.now)) else { continue };
        let (before, after) = (&pair.was.destination, &pair.now.destination);
        // Silent: the same virtual host with other routes, or one refusal for another.
        if same_host(was.1, now.1) || (!served(before) && !served(after)) {
            continue;
        }
        let severity = if served(before) && !is_catch_all(now.1) { Severity::Error } else { Severity::Warning };
        let line = default_table(now.0, &pair.now).and_then(|table| table.otherwise_label.as_ref()).unwrap_or(&now.1.listen_label);
        let entry = found.entry((&now.0.id, host_name(now.1))).or_insert_with(|| NewDefault {
            gateway: &now.0.id,
            line,
            now: now.1,
            was: was.1,
            severity,
            ends: (before, after),
            pairs: BTreeSet::new(),
        });
        entry.pairs.insert(at);
        if severity > entry.severity {
            (entry.severity, entry.line, entry.ends, entry.was) = (severity, line, (before, after), was.1);
        }
    }
    out.extend(found.values().map(|found| found.finding(cx)));
}

/// Returns the default virtual host that took the request of `trace` because nobody names its host.
fn default_of<'a>(model: &'a Model, trace: &Trace) -> Option<(&'a Gateway, &'a VirtualHost)> {
    let gateway = trace.gateway_in(model)?;
    default_table(gateway, trace)?;
    let address = trace.listener.as_deref()?;
    let is_it = |listener: &&Listener| listener.address.to_string() == address;
    let listener = gateway.listeners.iter().find(is_it)?;
    Some((gateway, listener.virtual_hosts.get(listener.default_host?)?))
}

/// Returns the table of virtual hosts whose default took the request of `trace`.
fn default_table<'a>(gateway: &'a Gateway, trace: &Trace) -> Option<&'a Table> {
    trace.steps.iter().find_map(|step| match step.choice {
        Choice::Otherwise(id) => gateway.tables.get(id.0).filter(|table| table.kind == TableKind::VirtualHosts),
        Choice::Listener | Choice::Route(..) | Choice::Action | Choice::Outcome | Choice::Pool => None,
    })
}

/// Returns whether two virtual hosts of two revisions are the same one: they share a name, or neither names anything.
fn same_host(a: &VirtualHost, b: &VirtualHost) -> bool {
    let shared = a.names.iter().any(|(name, _)| is_name(name) && b.names.iter().any(|(other, _)| name == other));
    shared || (is_catch_all(a) && is_catch_all(b))
}

/// Returns whether `host` names no host that a client would ask for (`_`, nothing, an empty name): it is there to be the default.
fn is_catch_all(host: &VirtualHost) -> bool {
    !host.names.iter().any(|(name, _)| is_name(name))
}

/// Returns whether `name` can be a name on the Internet or in an office: it has a dot, or is `localhost`, or is a pattern.
fn is_name(name: &HostPattern) -> bool {
    match name {
        HostPattern::Exact(name) => name.contains('.') || name.chars().any(char::is_alphanumeric),
        HostPattern::AnyPrefix(_) | HostPattern::AnySuffix(_) | HostPattern::Hole(_) => true,
        HostPattern::Regex(regex) => !matches!(&*regex.pattern, "" | "." | ".*" | ".+" | "^" | "^.*$" | "^.+$" | "^.*" | "^.+"),
    }
}

/// Returns the first name of `host`, else its line's words.
fn host_name(host: &VirtualHost) -> String {
    let exact = host.names.iter().find_map(|(name, label)| match name {
        HostPattern::Exact(name) if is_name(&HostPattern::Exact(name.clone())) => Some(name.to_string()),
        HostPattern::Exact(_) => None,
        HostPattern::AnyPrefix(_) | HostPattern::AnySuffix(_) | HostPattern::Regex(_) | HostPattern::Hole(_) => Some(label.text.to_string()),
    });
    exact.unwrap_or_else(|| "without names".to_owned())
}

impl NewDefault<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (before, after) = self.ends;
        let (was, now) = (host_name(self.was), host_name(self.now));
        let help = if served(before) {
            format!("if that is not meant, mark the virtual host {was} as the default (nginx: `default_server` on its `listen` line)")
        } else {
            format!("if that is not meant, keep the virtual host {was} as the default: it refused these requests")
        };
        Finding {
            rule: DEFAULT_SERVER_CHANGED.id,
            severity: self.severity,
            message: format!(
                "requests for hosts that no virtual host names would {} (virtual host {now}); until now they {} (virtual host {was})",
                goes(after).replacen("are ", "be ", 1),
                goes(before)
            ),
            help,
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{now}", DEFAULT_SERVER_CHANGED.id, self.gateway),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}
