//! `traffic/dns-broken`.

use crate::analysis::{Destination, Trace};
use crate::model::{Existence, Host, InventoryHost, Label};
use crate::policy::arrival::{arrivals, outcome_line, served, witnesses};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether a name that requests are sent to still resolves: a record that the change takes out of its zone, or a name put together at
    /// request time where nothing is there to resolve it.
    ///
    /// ## Why it matters
    ///
    /// A name in a variable is resolved when a request comes, and only by the proxy's own resolver: without one nginx answers 502, and
    /// `nginx -t` passes. A record that is gone is noticed when the proxy starts the next time, or when the cache runs out.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// map $http_x_tier $app { default app-a.shop.example.net; b app-b.shop.example.net; }
    /// server {
    ///     # resolver 10.20.0.53;   (removed)
    ///     location / { proxy_pass http://$app:8080; }
    /// }
    /// ```
    ///
    /// ```text
    /// nothing resolves app-a.shop.example.net:8080 when a request comes: requests to shop.example.com would get an error
    /// help: say who resolves names (nginx: `resolver`; HAProxy: a section `resolvers`), or write the name as it is, so that it is resolved at the start
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep the resolver where names are put together.
    /// - Take the name out of every pool before its record goes.
    ///
    /// It is an **error**.
    ///
    /// ## When it stays silent
    ///
    /// - The requests were not served before.
    /// - No zone of the tree speaks for the name, or a resolver may be set in a file that is not here.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 8 were in how an address is put together.
    pub static DNS_BROKEN = { id: "traffic/dns-broken", category: DnsBroken, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut unresolved: BTreeMap<(&str, &Label), (&str, BTreeSet<usize>)> = BTreeMap::new();
    let mut gone: BTreeMap<&str, (&InventoryHost, BTreeSet<usize>)> = BTreeMap::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        // Silent: nobody was served.
        if !served(&pair.was.destination) {
            continue;
        }
        if let Some((name, line)) = nobody(&pair.now).zip(outcome_line(&pair.now)) {
            let gateway = pair.now.gateway.as_deref().unwrap_or_default();
            unresolved.entry((gateway, line)).or_insert_with(|| (name, BTreeSet::new())).1.insert(at);
        }
        for member in arrivals(cx.head.model, &pair.now).iter().filter_map(|arrival| arrival.pool).flat_map(|pool| &pool.members) {
            let Host::Name(name) = &member.address.host else { continue };
            let (before, after) = (cx.base.model.inventory.existence(&member.address.host), cx.head.model.inventory.existence(&member.address.host));
            if let (Existence::Known(record), Existence::Missing(_)) = (before, after) {
                gone.entry(name).or_insert_with(|| (record, BTreeSet::new())).1.insert(at);
            }
        }
    }
    out.extend(unresolved.iter().map(|((gateway, line), (name, pairs))| {
        let host = witnesses(cx.comparison, pairs).first().map(|request| request.host.clone()).unwrap_or_default();
        Finding {
            rule: DNS_BROKEN.id,
            severity: Severity::Error,
            message: format!("nothing resolves {name} when a request comes: requests to {host} would get an error"),
            help: "say who resolves names (nginx: `resolver`; HAProxy: a section `resolvers`), or write the name as it is, so that it is resolved at the start".to_owned(),
            tree: Tree::Head,
            span: line.span.clone(),
            when: None,
            identity: format!("{}|{gateway}|{}", DNS_BROKEN.id, line.text),
            requests: witnesses(cx.comparison, pairs),
        }
    }));
    out.extend(gone.iter().map(|(name, (record, pairs))| Finding {
        rule: DNS_BROKEN.id,
        severity: Severity::Error,
        message: format!("the record of {name} is taken out of its zone, and requests are still sent there"),
        help: format!("take {name} out of every pool first, or keep its record"),
        tree: Tree::Base,
        span: record.label.span.clone(),
        when: None,
        identity: format!("{}|{name}", DNS_BROKEN.id),
        requests: witnesses(cx.comparison, pairs),
    }));
}

/// Returns the name that nothing resolves, where the request of `trace` ends at one.
fn nobody(trace: &Trace) -> Option<&str> {
    match &trace.destination {
        Destination::Forward { pool, servers, broken_share, .. } if servers.is_empty() && trace.pool.is_none() && *broken_share > 0.5 => {
            pool.contains('.').then_some(&**pool)
        }
        _ => None,
    }
}
