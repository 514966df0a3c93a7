//! `traffic/upstream-path-changed`.

use crate::analysis::{Destination, Pair};
use crate::model::Label;
use crate::policy::arrival::{changes_of, outcome_line, route_line, whose, witnesses};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether the same route, or the one in its place, leads to the same servers and asks them for another path.
    ///
    /// ## Why it matters
    ///
    /// A slash at the end of `proxy_pass` decides whether `/api/users` reaches the service as `/api/users` or as `/users`. Both start, and the
    /// service answers one of them with 404.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// location /api/ {
    ///     proxy_pass http://api_pool/;   # was http://api_pool
    /// }
    /// ```
    ///
    /// ```text
    /// for requests to shop.example.com under /api/ `api_pool` would be asked for /page where it was asked for /api/page
    /// help: if the service does not expect that, keep the path it was asked for
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Write the path that the service expects. If it changes as well, deploy both together.
    ///
    /// It is a **warning**.
    ///
    /// ## When it stays silent
    ///
    /// - Other servers are asked, or another route asks while the one that asked is still there: then the path may well be another one.
    /// - Only the query changes.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 8 were in how an address is put together.
    pub static UPSTREAM_PATH_CHANGED = { id: "traffic/upstream-path-changed", category: TrafficShift, severity: Warning, check: check }
}

struct Asked<'a> {
    gateway: &'a str,
    pool: &'a str,
    line: &'a Label,
    /// The clearest example: before and after.
    paths: (&'a str, &'a str),
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label), Asked<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let (Destination::Forward { servers: before, upstream_uri: was, .. }, Destination::Forward { servers: after, upstream_uri: now, pool, .. }) =
            (&pair.was.destination, &pair.now.destination)
        else {
            continue;
        };
        // Silent: other servers, the same path, or the same path in another spelling of its query.
        let shared = before.iter().any(|one| after.iter().any(|other| one.address == other.address));
        let (was, now) = (path(was), path(now));
        if !shared || was == now {
            continue;
        }
        // Silent: another route asks, and the one that asked is still there.
        let routes = route_line(cx.base.model, &pair.was).zip(route_line(cx.head.model, &pair.now));
        if routes.is_none_or(|(was, now)| was.text != now.text && still_there(cx, pair, &was.text)) {
            continue;
        }
        let Some(line) = outcome_line(&pair.now) else { continue };
        let gateway = pair.now.gateway.as_deref().unwrap_or_default();
        let entry = found.entry((gateway, line)).or_insert_with(|| Asked { gateway, pool, line, paths: (was, now), pairs: BTreeSet::new() });
        entry.pairs.insert(at);
        // A path with more than its beginning shows what happens to the rest.
        if entry.paths.0.len() < 5 && was.len() > entry.paths.0.len() || entry.paths.1.len() < 2 && now.len() > entry.paths.1.len() {
            entry.paths = (was, now);
        }
    }
    out.extend(found.values().map(|asked| asked.finding(cx)));
}

/// Returns whether the gateway that `pair` comes to has a route with the words `text`, anywhere.
fn still_there(cx: &RuleContext<'_>, pair: &Pair, text: &str) -> bool {
    let tables = pair.now.gateway_in(cx.head.model).map_or(&[][..], |gateway| &gateway.tables);
    tables.iter().flat_map(|table| &table.routes).any(|route| route.label.as_ref().is_some_and(|label| *label.text == *text))
}

fn path(uri: &str) -> &str {
    uri.split('?').next().unwrap_or_default()
}

impl Asked<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (was, now) = self.paths;
        let whose = whose(&changes_of(cx.comparison, &self.pairs), self.pool);
        Finding {
            rule: UPSTREAM_PATH_CHANGED.id,
            severity: Severity::Warning,
            message: format!("for requests {whose} `{}` would be asked for {now} where it was asked for {was}", self.pool),
            help: "if the service does not expect that, keep the path it was asked for".to_owned(),
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{}", UPSTREAM_PATH_CHANGED.id, self.gateway, self.line.text),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}
