//! `traffic/route-removed`.

use crate::analysis::{Choice, Destination, Trace};
use crate::model::{Gateway, Label, Model, TableKind};
use crate::policy::arrival::{arrivals, goes, served, witnesses};
use crate::policy::hosts::same_host;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether a route is gone and its requests fall through to a wider one that leads elsewhere: what went to `/api/` goes to `/`.
    ///
    /// ## Why it matters
    ///
    /// The requests are still answered, by a service that does not know them: a page in place of data, a 404 that looks like the
    /// application's own, a form that is sent to the wrong place.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// server {
    ///     # location /api/ { proxy_pass http://api_pool; }   (removed)
    ///     location / { proxy_pass http://web_pool; }
    /// }
    /// ```
    ///
    /// ```text
    /// `location /api/` is gone, and its requests fall through to `location /`: they would go to `web_pool`; now they go to `api_pool`
    /// help: keep the route, or refuse these requests if nobody serves them any more
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep the route, or refuse its requests (`return 410`) if nobody serves them any more.
    ///
    /// It is a **warning**: the other service may know them by now.
    ///
    /// ## When it stays silent
    ///
    /// - The servers are the same ones, or another route takes its place: a new one, or one that is not wider.
    /// - The requests were not served by anybody behind the proxy, or are redirected or refused now.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited.
    pub static ROUTE_REMOVED = { id: "traffic/route-removed", category: RouteHijack, severity: Warning, check: check }
}

struct Removed<'a> {
    gateway: &'a str,
    was: &'a Label,
    now: &'a Label,
    ends: (&'a Destination, &'a Destination),
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label, &Label), Removed<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let (before, after) = (&pair.was.destination, &pair.now.destination);
        let backed = |destination: &Destination| matches!(destination, Destination::Forward { .. } | Destination::Files { .. });
        // Silent: nobody behind the proxy served them, or serves them now.
        if !backed(before) || !backed(after) || !served(before) {
            continue;
        }
        let hosts = pair.was.virtual_host_in(cx.base.model).zip(pair.now.virtual_host_in(cx.head.model));
        if hosts.is_some_and(|(was, now)| !same_host(was, now)) {
            continue;
        }
        let (Some((base, was)), Some((head, now))) = (taken(cx.base.model, &pair.was), taken(cx.head.model, &pair.now)) else { continue };
        // Silent: the route is there, its place is taken by a new one, or servers are shared.
        if has(head, &was.text) || !has(base, &now.text) || shares_servers(cx, pair) {
            continue;
        }
        let entry = found.entry((&head.id, was, now));
        entry.or_insert_with(|| Removed { gateway: &head.id, was, now, ends: (before, after), pairs: BTreeSet::new() }).pairs.insert(at);
    }
    out.extend(found.values().map(|removed| removed.finding(cx)));
}

/// Returns the innermost route that took the request of `trace`; where none did, the line of what is left.
fn taken<'a>(model: &'a Model, trace: &'a Trace) -> Option<(&'a Gateway, &'a Label)> {
    let gateway = trace.gateway_in(model)?;
    let is_route = |choice: Choice| match choice {
        Choice::Route(table, _) | Choice::Otherwise(table) => gateway.tables.get(table.0).is_some_and(|table| table.kind == TableKind::Routes),
        Choice::Listener | Choice::Action | Choice::Outcome | Choice::Pool => false,
    };
    Some((gateway, trace.steps.iter().rev().find(|step| is_route(step.choice)).map(|step| &step.label)?))
}

/// Returns whether a table of `gateway` has a route, or an end, with these words.
fn has(gateway: &Gateway, text: &str) -> bool {
    gateway
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::Routes)
        .any(|table| table.routes.iter().filter_map(|route| route.label.as_ref()).chain(&table.otherwise_label).any(|label| *label.text == *text))
}

fn shares_servers(cx: &RuleContext<'_>, pair: &crate::analysis::Pair) -> bool {
    let servers = |model: &Model, trace: &Trace| {
        let all = arrivals(model, trace);
        all.iter().flat_map(|arrival| arrival.servers.iter().map(|server| server.address.clone())).collect::<BTreeSet<_>>()
    };
    !servers(cx.base.model, &pair.was).is_disjoint(&servers(cx.head.model, &pair.now))
}

impl Removed<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (before, after) = self.ends;
        Finding {
            rule: ROUTE_REMOVED.id,
            severity: Severity::Warning,
            message: format!(
                "`{}` is gone, and its requests fall through to `{}`: they would {}; now they {}",
                self.was.text,
                self.now.text,
                goes(after).replacen("are ", "be ", 1),
                goes(before)
            ),
            help: "keep the route, or refuse these requests if nobody serves them any more".to_owned(),
            tree: Tree::Base,
            span: self.was.span.clone(),
            when: None,
            identity: format!("{}|{}|{}", ROUTE_REMOVED.id, self.gateway, self.was.text),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}
