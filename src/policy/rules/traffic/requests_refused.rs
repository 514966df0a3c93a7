//! `traffic/requests-refused`.

use crate::analysis::Destination;
use crate::model::Label;
use crate::policy::arrival::{changes_of, goes, outcome_line, route_line, served, whose, witnesses};
use crate::policy::hosts::same_host;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether requests that were served are refused by the proxy itself since this change: a `return 503` over a whole site, a `deny all`, a
    /// route that is gone with nothing behind it.
    ///
    /// ## Why it matters
    ///
    /// A maintenance page that is left switched on, or switched on one level too high, takes the whole site down; every server is healthy.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// server {
    ///     server_name shop.example.com;
    ///     return 503;   # new
    ///     location / { proxy_pass http://web_pool; }
    /// }
    /// ```
    ///
    /// ```text
    /// requests to shop.example.com would be refused with 503; now they go to `web_pool`
    /// help: if that is not meant, narrow what refuses them, or take it out
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Narrow what refuses, or take it out.
    /// - If it is maintenance, say in the pull request for how long.
    ///
    /// It is a **warning**: the proxy does what it is told.
    ///
    /// ## When it stays silent
    ///
    /// - Only some paths of a site are refused by a new route (`location ~ /\.git { deny all; }`): that is a choice somebody made.
    /// - The requests were not served before, or were redirected or answered by the proxy itself.
    /// - Another virtual host answers, or no host names them any more: `traffic/host-dropped` and `traffic/default-server-changed` say so.
    /// - The pool they go to has nobody to serve: other rules say so.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited.
    pub static REQUESTS_REFUSED = { id: "traffic/requests-refused", category: TrafficShift, severity: Warning, check: check }
}

struct Refused<'a> {
    gateway: &'a str,
    line: &'a Label,
    ends: (&'a Destination, &'a Destination),
    /// The whole site, or a route that served these requests before.
    wide: bool,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label), Refused<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let (was, now) = (&pair.was.destination, &pair.now.destination);
        // Silent: nobody was served by somebody behind the proxy, or is not refused now. 410 says that something is gone for good.
        let refused = matches!(now, Destination::Reject { status } if *status != 410) || *now == Destination::Close;
        if !refused || !served(was) || !matches!(was, Destination::Forward { .. } | Destination::Files { .. }) || pair.now.request.from.is_some() {
            continue;
        }
        // Silent: another virtual host answers; other rules are about that.
        let hosts = pair.was.virtual_host_in(cx.base.model).zip(pair.now.virtual_host_in(cx.head.model));
        if hosts.is_some_and(|(was, now)| !same_host(was, now)) {
            continue;
        }
        let Some(line) = outcome_line(&pair.now) else { continue };
        let routes = route_line(cx.base.model, &pair.was).zip(route_line(cx.head.model, &pair.now));
        let path = pair.now.request.target.split('?').next().unwrap_or_default();
        let wide = path == "/" || routes.is_some_and(|(was, now)| was.text == now.text);
        let gateway = pair.now.gateway.as_deref().unwrap_or_default();
        let entry = found.entry((gateway, line)).or_insert_with(|| Refused { gateway, line, ends: (was, now), wide, pairs: BTreeSet::new() });
        entry.wide |= wide;
        entry.pairs.insert(at);
    }
    // Silent: a new route that refuses a part is a choice somebody made.
    out.extend(found.values().filter(|refused| refused.wide).map(|refused| refused.finding(cx)));
}

impl Refused<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let (was, now) = self.ends;
        let name = match was {
            Destination::Forward { pool, .. } => pool,
            _ => "",
        };
        let whose = whose(&changes_of(cx.comparison, &self.pairs), name);
        Finding {
            rule: REQUESTS_REFUSED.id,
            severity: Severity::Warning,
            message: format!("requests {whose} would {}; now they {}", goes(now).replacen("are ", "be ", 1), goes(was)),
            help: "if that is not meant, narrow what refuses them, or take it out".to_owned(),
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{}", REQUESTS_REFUSED.id, self.gateway, self.line.text),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}
