//! `traffic/default-server-changed`.

use crate::analysis::{Choice, Destination, Trace};
use crate::model::{Gateway, Label, Model, TableKind, VirtualHost};
use crate::policy::arrival::{goes, served, witnesses};
use crate::policy::hosts::{host_name, is_catch_all, same_host};
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
    /// requests for hosts that no virtual host names would go to `promo_pool` (virtual host spring.example.com); now they go to `api_pool` (virtual host api.example.com)
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

/// The default virtual host that answered a request.
struct Default<'a> {
    gateway: &'a Gateway,
    host: &'a VirtualHost,
    /// What makes it the default.
    line: &'a Label,
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
        if same_host(was.host, now.host) || (!served(before) && !served(after)) {
            continue;
        }
        let severity = if served(before) && !is_catch_all(now.host) { Severity::Error } else { Severity::Warning };
        let entry = found.entry((&now.gateway.id, host_name(now.host))).or_insert_with(|| NewDefault {
            gateway: &now.gateway.id,
            line: now.line,
            now: now.host,
            was: was.host,
            severity,
            ends: (before, after),
            pairs: BTreeSet::new(),
        });
        entry.pairs.insert(at);
        if severity > entry.severity {
            (entry.severity, entry.line, entry.ends, entry.was) = (severity, now.line, (before, after), was.host);
        }
    }
    out.extend(found.values().map(|found| found.finding(cx)));
}

/// Returns the default virtual host that took the request of `trace` because nobody names its host, and the line that makes it the default.
fn default_of<'a>(model: &'a Model, trace: &Trace) -> Option<Default<'a>> {
    let gateway = trace.gateway_in(model)?;
    let listener = trace.listener_in(model)?;
    let named = trace.steps.iter().any(|step| match step.choice {
        Choice::Route(table, _) => gateway.tables.get(table.0).is_some_and(|table| table.kind == TableKind::VirtualHosts),
        Choice::Listener | Choice::Otherwise(_) | Choice::Action | Choice::Outcome | Choice::Pool => false,
    });
    if named || trace.virtual_host != listener.default_host {
        return None;
    }
    let host = trace.virtual_host_in(model)?;
    let line = gateway.tables.get(listener.entry.0).and_then(|table| table.otherwise_label.as_ref()).unwrap_or(&host.listen_label);
    Some(Default { gateway, host, line })
}

impl NewDefault<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (before, after) = self.ends;
        let (was, now) = (host_name(self.was), host_name(self.now));
        let help = if served(before) {
            let nginx = cx.head.model.gateways.iter().any(|gateway| *gateway.id == *self.gateway && gateway.product == "nginx");
            let how = if nginx { " (nginx: `default_server` on its `listen` line)" } else { "" };
            format!("if that is not meant, mark the virtual host {was} as the default{how}")
        } else {
            format!("if that is not meant, keep the virtual host {was} as the default: it refused these requests")
        };
        Finding {
            rule: DEFAULT_SERVER_CHANGED.id,
            severity: self.severity,
            message: format!(
                "requests for hosts that no virtual host names would {} (virtual host {now}); now they {} (virtual host {was})",
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

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    const URLS: [&str; 3] = ["http://10.23.0.10/v1", "http://api.example.com/v1", "http://spring.example.com/"];
    const POOLS: &str = "pool api: 10.0.0.1:80\npool promo: 10.0.0.2:80\n";
    const API: &str = "host api.example.com\n/ -> api\n";
    const SPRING: &str = "host spring.example.com\n/ -> promo\n";

    #[test]
    fn a_host_that_sorts_first_takes_over_the_default() {
        let (base, head) = (format!("{POOLS}{API}"), format!("{POOLS}{SPRING}{API}"));
        insta::assert_debug_snapshot!(say(&base, &head, &URLS), @r#"
        [
            "error traffic/default-server-changed: requests for hosts that no virtual host names would go to `promo` (virtual host spring.example.com); now they go to `api` (virtual host api.example.com) @ listen 80 of spring.example.com",
        ]
        "#);
    }

    #[test]
    fn a_refusal_made_on_purpose_is_a_warning_and_another_refusal_is_none() {
        let (base, head) = (format!("{POOLS}{API}"), format!("{POOLS}host _\n/ -> 404\n{API}"));
        insta::assert_debug_snapshot!(say(&base, &head, &URLS), @r#"
        [
            "warning traffic/default-server-changed: requests for hosts that no virtual host names would be refused with 404 (virtual host without names); now they go to `api` (virtual host api.example.com) @ listen 80 of _",
        ]
        "#);
        let (base, head) = (format!("{POOLS}host _\n/ -> 403\n{API}"), format!("{POOLS}host old.example.com\n/ -> 404\n{API}"));
        assert!(say(&base, &head, &URLS).is_empty());
    }

    #[test]
    fn the_same_host_elsewhere_and_the_same_outcome_are_no_change() {
        assert!(say(&format!("{POOLS}{API}"), &format!("{POOLS}{API}{SPRING}"), &URLS).is_empty());
        let same = format!("{POOLS}host first.example.com\n/ -> api\n{API}");
        assert!(say(&format!("{POOLS}{API}"), &same, &URLS).is_empty());
    }
}
