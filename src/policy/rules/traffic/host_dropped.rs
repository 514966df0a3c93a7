//! `traffic/host-dropped`.

use crate::analysis::{Choice, Destination, Pair, Trace};
use crate::model::{Gateway, HostPattern, Label, Model, Scheme, TableKind, VirtualHost};
use crate::policy::arrival::{changes_of, goes, hosts_of, served, witnesses};
use crate::policy::hosts::{host_name, same_host};
use crate::policy::words::list;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether hosts that a virtual host named are named by none after the change, so that the default one answers them, or nobody.
    ///
    /// ## Why it matters
    ///
    /// A slip in a host name, an alias that gets lost when a file is split, or a `listen` that goes: the configuration is valid, and all
    /// requests to that host get a refusal or somebody else's site.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// server {
    ///     server_name shop.example.com;   # was: shop.example.com www.shop.example.com
    ///     location / { proxy_pass http://web_pool; }
    /// }
    /// ```
    ///
    /// ```text
    /// no virtual host names www.shop.example.com any more: its requests would be refused with 404 (virtual host without names); now they go to `web_pool`
    /// help: name it in the virtual host shop.example.com again, or redirect its requests
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Name the host again, where it is still used.
    /// - Redirect the old name to the new one until nobody asks for it.
    ///
    /// It is an **error** when the virtual host stays and loses an exact name that was served: its name changes, an alias goes, or it leaves
    /// a listener. It is a **warning** when the virtual host is removed as a whole, because that is rarely a slip; when only a pattern
    /// gets narrower; when clear text is given up for a host that is served over TLS; and when the default redirects the requests elsewhere.
    ///
    /// ## When it stays silent
    ///
    /// - Another virtual host names the host.
    /// - The default redirects to the same host, as for all of HTTP to HTTPS.
    /// - The host was refused before, or gets what it got.
    /// - The configuration does not load: `config/syntax` says so.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited.
    pub static HOST_DROPPED = { id: "traffic/host-dropped", category: DefaultServerChanged, severity: Error, check: check }
}

/// What became of the virtual host that named the hosts.
#[derive(Clone, Copy, Debug)]
enum Left<'a> {
    /// It is gone.
    Gone,
    /// It is there, but not for them.
    Stays(&'a VirtualHost),
    /// It is there under other names.
    Renamed(&'a VirtualHost),
}

/// The facts of one finding: hosts of one virtual host that nobody names any more.
struct Dropped<'a> {
    gateway: &'a str,
    was: &'a VirtualHost,
    left: Left<'a>,
    severity: Severity,
    /// The first of the requests.
    pair: &'a Pair,
    /// The virtual host that answers it now.
    by: Option<&'a VirtualHost>,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    // Silent: nothing of it would be loaded.
    if cx.head.model.problems.iter().any(|problem| problem.fatal) {
        return;
    }
    let mut found: BTreeMap<(&str, String), Dropped<'_>> = BTreeMap::new();
    let changed: BTreeSet<usize> =
        cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied()).collect();
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let Some(was) = naming(cx.base.model, &pair.was) else { continue };
        // Silent: a virtual host names it, or nobody was served.
        if naming(cx.head.model, &pair.now).is_some() || !served(&pair.was.destination) || stays_home(pair) {
            continue;
        }
        // Silent: a new name is an expression of a template, and may be this one.
        if became_expression(cx, pair) {
            continue;
        }
        let by = pair.now.virtual_host_in(cx.head.model);
        // Silent: the same virtual host answers, as the default.
        if by.is_some_and(|by| same_host(was, by)) {
            continue;
        }
        let left = left(cx, was, pair);
        let severity = severity(cx, was, left, pair);
        // Virtual hosts that are removed together are one cause.
        let key = (pair.was.gateway.as_deref().unwrap_or_default(), if let Left::Gone = left { String::new() } else { host_name(was) });
        let entry = found.entry(key).or_insert_with(|| Dropped { gateway: key_gateway(pair), was, left, severity, pair, by, pairs: BTreeSet::new() });
        if severity > entry.severity {
            (entry.severity, entry.pair, entry.by) = (severity, pair, by);
            entry.pairs.clear();
        }
        if severity == entry.severity {
            entry.pairs.insert(at);
        }
    }
    out.extend(found.values().map(|dropped| dropped.finding(cx)));
}

/// Returns whether head has a name that is an expression and that base lacks.
fn became_expression(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let names = |gateway: &Gateway| -> BTreeSet<String> {
        let hosts = gateway.listeners.iter().flat_map(|listener| &listener.virtual_hosts).flat_map(|host| &host.names);
        let expression = |(pattern, _): &(HostPattern, Label)| match pattern {
            HostPattern::Exact(name) | HostPattern::Hole(name) => name.contains('{').then(|| name.to_string()),
            HostPattern::AnyPrefix(_) | HostPattern::AnySuffix(_) | HostPattern::Regex(_) => None,
        };
        hosts.filter_map(expression).collect()
    };
    let (Some(was), Some(now)) = (pair.was.gateway_in(cx.base.model), pair.now.gateway_in(cx.head.model)) else { return false };
    !names(now).is_subset(&names(was))
}

fn key_gateway(pair: &Pair) -> &str {
    pair.was.gateway.as_deref().unwrap_or_default()
}

/// Returns the virtual host that names the host of `trace`; `None` where the default answers, or nobody.
fn naming<'a>(model: &'a Model, trace: &Trace) -> Option<&'a VirtualHost> {
    let gateway = trace.gateway_in(model)?;
    let named = trace.steps.iter().any(|step| match step.choice {
        Choice::Route(table, _) => gateway.tables.get(table.0).is_some_and(|table| table.kind == TableKind::VirtualHosts),
        Choice::Listener | Choice::Otherwise(_) | Choice::Action | Choice::Outcome | Choice::Pool => false,
    });
    trace.virtual_host_in(model).filter(|_| named)
}

/// Returns whether the default only redirects within the host, so that its virtual host answers the next request.
fn stays_home(pair: &Pair) -> bool {
    let Destination::Redirect { location, .. } = &pair.now.destination else { return false };
    let authority = location.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let host = authority.split(':').next().unwrap_or_default();
    host.eq_ignore_ascii_case(&pair.now.request.host)
}

/// Returns every virtual host of `model`, once per listener.
fn virtual_hosts(model: &Model) -> impl Iterator<Item = &VirtualHost> {
    model.gateways.iter().flat_map(|gateway| &gateway.listeners).flat_map(|listener| &listener.virtual_hosts)
}

fn left<'a>(cx: &RuleContext<'a>, was: &VirtualHost, pair: &Pair) -> Left<'a> {
    if let Some(host) = virtual_hosts(cx.head.model).find(|host| same_host(was, host)) {
        return Left::Stays(host);
    }
    // New names in front of what the old ones led to: of the same path, by the same listener.
    let twin = cx.comparison.pairs.iter().find_map(|other| {
        let host = naming(cx.head.model, &other.now)?;
        let alike = other.now.request.target == pair.was.request.target
            && other.now.request.scheme == pair.was.request.scheme
            && other.now.destination.same(&pair.was.destination);
        let new = !virtual_hosts(cx.base.model).any(|before| same_host(before, host));
        (alike && new && !naming(cx.base.model, &other.was).is_some_and(|before| same_host(before, host))).then_some(host)
    });
    twin.map_or(Left::Gone, Left::Renamed)
}

fn severity(cx: &RuleContext<'_>, was: &VirtualHost, left: Left<'_>, pair: &Pair) -> Severity {
    let host = pair.was.request.host.to_ascii_lowercase();
    let exact = was.names.iter().any(|(name, _)| matches!(name, HostPattern::Exact(name) if **name == *host));
    let clear = pair.was.request.scheme == Scheme::Http && named_in(cx.head.model, &host, Some(Scheme::Https));
    match left {
        Left::Gone => Severity::Warning,
        _ if !exact || clear || matches!(pair.now.destination, Destination::Redirect { .. }) => Severity::Warning,
        Left::Stays(_) | Left::Renamed(_) => Severity::Error,
    }
}

/// Returns whether a virtual host of `model` has exactly this name, at a listener of this scheme where one is given.
fn named_in(model: &Model, host: &str, scheme: Option<Scheme>) -> bool {
    let listeners = model.gateways.iter().flat_map(|gateway| &gateway.listeners);
    let fitting = listeners.filter(|listener| scheme.is_none_or(|scheme| listener.tls.is_some() == (scheme == Scheme::Https)));
    let mut names = fitting.flat_map(|listener| &listener.virtual_hosts).flat_map(|host| &host.names);
    names.any(|(name, _)| matches!(name, HostPattern::Exact(name) if **name == *host))
}

impl Dropped<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let request = &self.pair.now.request;
        let elsewhere = named_in(cx.head.model, &request.host, None);
        let hosts = hosts_of(&changes_of(cx.comparison, &self.pairs));
        let door = if elsewhere { format!(" on port {} ({})", request.port, request.scheme.as_str()) } else { String::new() };
        let by = self.by.map(|by| format!(" (virtual host {})", host_name(by))).unwrap_or_default();
        let its = if hosts.len() == 1 { "its" } else { "their" };
        let (tree, line) = self.line(elsewhere);
        Finding {
            rule: HOST_DROPPED.id,
            severity: self.severity,
            message: format!(
                "no virtual host names {}{door} any more: {its} requests would {}{by}; now they {}",
                list(&hosts),
                goes(&self.pair.now.destination).replacen("are ", "be ", 1),
                goes(&self.pair.was.destination)
            ),
            help: self.help(elsewhere),
            tree,
            span: line.span.clone(),
            when: None,
            identity: format!("{}|{}|{}", HOST_DROPPED.id, self.gateway, host_name(self.was)),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }

    /// Returns the line of what is left of the virtual host: its names, or its `listen` where that is what changed.
    fn line(&self, elsewhere: bool) -> (Tree, &Label) {
        match self.left {
            Left::Stays(host) if elsewhere => (Tree::Head, &host.listen_label),
            Left::Stays(host) | Left::Renamed(host) => (Tree::Head, host.names.first().map_or(&host.label, |(_, label)| label)),
            Left::Gone => {
                let asked = self.pair.was.request.host.to_ascii_lowercase();
                let exact = self.was.names.iter().find(|(name, _)| matches!(name, HostPattern::Exact(name) if **name == *asked));
                (Tree::Base, exact.or(self.was.names.first()).map_or(&self.was.label, |(_, label)| label))
            }
        }
    }

    fn help(&self, elsewhere: bool) -> String {
        match self.left {
            Left::Gone => "keep the virtual host, or redirect its requests, while somebody still asks for the name".to_owned(),
            Left::Stays(host) if elsewhere => {
                format!("let the virtual host {} listen there as well, or redirect these requests", host_name(host))
            }
            Left::Stays(host) => format!("name it in the virtual host {} again, or redirect its requests", host_name(host)),
            Left::Renamed(host) => format!("if {} is not a slip, redirect the old name to it", host_name(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    const URLS: [&str; 4] = ["http://shop.example.com/", "http://www.example.com/", "http://shpo.example.com/", "http://new.example.com/"];
    const HEAD: &str = "pool web: 10.0.0.1:80\nhost _\n/ -> 404\n";

    #[test]
    fn a_slip_in_a_name_is_an_error_on_the_new_name() {
        let base = format!("{HEAD}host shop.example.com\n/ -> web");
        insta::assert_debug_snapshot!(say(&base, &base.replace("host shop", "host shpo"), &URLS), @r#"
        [
            "error traffic/host-dropped: no virtual host names shop.example.com any more: its requests would be refused with 404 (virtual host without names); now they go to `web` @ server_name shpo.example.com (the 1)",
        ]
        "#);
    }

    #[test]
    fn a_virtual_host_that_is_removed_is_a_warning() {
        let base = format!("{HEAD}host www.example.com\n/ -> 204\nhost shop.example.com\n/ -> web");
        insta::assert_debug_snapshot!(say(&base, &format!("{HEAD}host www.example.com\n/ -> 204"), &URLS), @r#"
        [
            "warning traffic/host-dropped: no virtual host names shop.example.com any more: its requests would be refused with 404 (virtual host without names); now they go to `web` @ ?",
        ]
        "#);
    }

    #[test]
    fn a_host_that_was_refused_is_not_missed() {
        let base = format!("{HEAD}host www.example.com\n/ -> 403");
        assert!(say(&base, HEAD, &URLS).is_empty());
        let base = format!("{HEAD}host www.example.com\n/ -> web");
        assert!(say(&base, &format!("{base}\nhost new.example.com\n/ -> web"), &URLS).is_empty());
    }
}
