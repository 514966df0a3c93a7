//! `traffic/route-hijack`.

use crate::analysis::{Choice, Destination, Trace};
use crate::model::{Condition, Field, Gateway, HostPattern, Label, Listener, Matcher, Model, Next, Step, TableId, TableKind, Test, VirtualHost};
use crate::policy::arrival::{goes, served, witnesses};
use crate::policy::hosts::{host_name, same_host};
use crate::policy::words::list;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether a new or moved route, or a second virtual host for the same name, takes requests from a route that is still there and still
    /// says that it serves them.
    ///
    /// ## Why it matters
    ///
    /// The order in which a proxy chooses is not the order of the file: in nginx a regular expression beats a longer prefix, `^~` beats both,
    /// and of two virtual hosts with the same name the one read first wins, with no more than a warning. The old route stands unchanged in
    /// the file and looks as if it worked.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// location /api/  { proxy_pass http://api; }
    /// location /feed/ { proxy_pass http://feed; }
    /// location ~ /v1/ { proxy_pass http://legacy; }   # new
    /// ```
    ///
    /// ```text
    /// `location ~ /v1/` takes requests from `location /api/` and `location /feed/`, which are still there: they would go to `legacy`
    /// help: narrow `location ~ /v1/`, or take out `location /api/` and `location /feed/` if it is meant to replace that
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Narrow the new route: anchor the regular expression, or write the longer prefix that is meant.
    /// - If it is meant to replace the old route, take the old one out, so that nobody trusts it.
    /// - Give each host name to one virtual host.
    ///
    /// It is an **error** when an old route loses all of its requests while it stays, when a new one forwards the requests of several old
    /// ones, and when a host is claimed twice and the other claim now wins. It is a **warning** when it takes some requests of one old
    /// route.
    ///
    /// ## When it stays silent
    ///
    /// - A more specific route is split out: a longer prefix or an exact path below the old one.
    /// - Only the catch-all route (`location /`) loses some requests.
    /// - The old route is gone, or the requests end where they ended.
    /// - The requests were not served before.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 11 were a prefix or regular expression that
    /// matched too much or never.
    pub static ROUTE_HIJACK = { id: "traffic/route-hijack", category: RouteHijack, severity: Error, check: check }
}

/// A route that a trace took: the innermost one of a virtual host.
#[derive(Clone, Copy)]
struct Taken<'a> {
    gateway: &'a Gateway,
    host: &'a VirtualHost,
    label: &'a Label,
    shape: Shape<'a>,
}

/// What a route asks of the path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape<'a> {
    /// Nothing.
    Any,
    /// That it begins so.
    Prefix(&'a str),
    /// That it is this.
    Exact(&'a str),
    /// Anything else.
    Other,
}

/// The facts of one finding: a route and those it takes requests from.
struct Hijack<'a> {
    gateway: &'a str,
    by: &'a Label,
    /// The virtual host.
    of: &'a VirtualHost,
    /// Where the first of the requests goes now.
    now: &'a Destination,
    losers: BTreeMap<&'a str, Loser<'a>>,
}

struct Loser<'a> {
    line: &'a Label,
    shape: Shape<'a>,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    claimed_twice(cx, out);
    let mut found: BTreeMap<&Label, Hijack<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let (Some(was), Some(now)) = (taken(cx.base.model, &pair.was), taken(cx.head.model, &pair.now)) else { continue };
        // Silent: another virtual host answers; other rules are about that.
        if !same_host(was.host, now.host) {
            continue;
        }
        // Silent: the same route, nobody was served, or the old route is gone.
        if was.label.text == now.label.text || !served(&pair.was.destination) || !still_there(&now, &was.label.text) {
            continue;
        }
        // Silent: all that the old route did with these was to add the slash.
        if adds_slash(&pair.was) {
            continue;
        }
        // Silent: split out of a wider route on purpose.
        if was.shape.holds(now.shape) {
            continue;
        }
        let hijack = found.entry(now.label).or_insert_with(|| Hijack {
            gateway: &now.gateway.id,
            by: now.label,
            of: now.host,
            now: &pair.now.destination,
            losers: BTreeMap::new(),
        });
        let loser = hijack.losers.entry(&was.label.text).or_insert_with(|| Loser { line: was.label, shape: was.shape, pairs: BTreeSet::new() });
        loser.pairs.insert(at);
    }
    out.extend(found.values().filter_map(|hijack| hijack.finding(cx)));
}

/// Returns whether the request is redirected to its own path with a slash at the end, as nginx does before a `location` that ends with one.
fn adds_slash(trace: &Trace) -> bool {
    let Destination::Redirect { location, .. } = &trace.destination else { return false };
    let path = trace.request.target.split('?').next().unwrap_or_default();
    location.split('?').next().and_then(|location| location.strip_suffix('/')).is_some_and(|location| location.ends_with(path))
}

/// Returns the innermost route of a virtual host that took the request of `trace`.
fn taken<'a>(model: &'a Model, trace: &'a Trace) -> Option<Taken<'a>> {
    let gateway = trace.gateway_in(model)?;
    let host = trace.virtual_host_in(model)?;
    trace.steps.iter().rev().find_map(|step| match step.choice {
        Choice::Route(table, route) => {
            let table = gateway.tables.get(table.0).filter(|table| table.kind == TableKind::Routes)?;
            Some(Taken { gateway, host, label: &step.label, shape: Shape::of(&table.routes.get(route)?.when) })
        }
        Choice::Listener | Choice::Otherwise(_) | Choice::Action | Choice::Outcome | Choice::Pool => None,
    })
}

/// Returns whether the virtual host of `now` still has a route with the words `text`.
fn still_there(now: &Taken<'_>, text: &str) -> bool {
    let mut open: Vec<TableId> = vec![now.host.table];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let Some(table) = now.gateway.tables.get(id.0).filter(|_| seen.insert(id)) else { continue };
        if table.routes.iter().any(|route| route.label.as_ref().is_some_and(|label| *label.text == *text)) {
            return true;
        }
        let steps = table.routes.iter().map(|route| &route.step).chain([&table.otherwise]);
        open.extend(steps.flat_map(tables_of));
    }
    false
}

/// Returns the tables that `step` goes on with, internal redirects aside.
fn tables_of(step: &Step) -> Vec<TableId> {
    match &step.next {
        Next::Table(table) => vec![*table],
        Next::Try { table, otherwise } => [vec![*table], tables_of(otherwise)].concat(),
        Next::Split(parts) => parts.iter().flat_map(|(_, step)| tables_of(step)).collect(),
        Next::Restart(_) | Next::Fallback | Next::End(_) => Vec::new(),
    }
}

impl<'a> Shape<'a> {
    fn of(when: &'a Condition) -> Self {
        match when {
            Condition::Always => Self::Any,
            Condition::All(parts) => parts.iter().map(Self::of).find(|shape| *shape != Self::Any).unwrap_or(Self::Any),
            Condition::Test(Test { subject, matcher }) if subject.as_field() == Some(&Field::Path) => match matcher {
                Matcher::Prefix { text, .. } if &**text == "/" => Self::Any,
                Matcher::Prefix { text, .. } => Self::Prefix(text),
                Matcher::Equals { text, .. } => text.as_literal().map_or(Self::Other, Self::Exact),
                _ => Self::Other,
            },
            Condition::Test(_) | Condition::Any(_) | Condition::Not(_) | Condition::Opaque(_) => Self::Other,
        }
    }

    /// Returns whether every path of `inner` is one of ours and not the other way round, as far as prefixes tell.
    fn holds(self, inner: Self) -> bool {
        match (self, inner) {
            // One exact path is a choice somebody made, whatever took it before.
            (Self::Any, Self::Prefix(_)) | (Self::Any | Self::Prefix(_) | Self::Other, Self::Exact(_)) => true,
            (Self::Prefix(ours), Self::Prefix(theirs)) => ours != theirs && theirs.starts_with(ours),
            _ => false,
        }
    }
}

impl Hijack<'_> {
    /// Returns the finding, or `None` where only catch-all routes lose a part.
    fn finding(&self, cx: &RuleContext<'_>) -> Option<Finding> {
        let whole: Vec<&str> = self.losers.iter().filter(|(_, loser)| loses_all(cx, loser)).map(|(text, _)| *text).collect();
        let specific: Vec<&str> = self.losers.iter().filter(|(_, loser)| loser.shape != Shape::Any).map(|(text, _)| *text).collect();
        let forwards = matches!(self.now, Destination::Forward { .. });
        let (by, goes) = (&self.by.text, goes(self.now).replacen("are ", "be ", 1));
        let quote = |texts: &[&str]| list(&texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>());
        let (severity, message) = if !whole.is_empty() {
            let is = if whole.len() == 1 { "is" } else { "are" };
            (Severity::Error, format!("`{by}` takes every request that was tried from {}, which {is} still there: they would {goes}", quote(&whole)))
        } else if specific.is_empty() {
            return None;
        } else {
            let severity = if specific.len() > 1 && forwards { Severity::Error } else { Severity::Warning };
            let is = if specific.len() == 1 { "is" } else { "are" };
            (severity, format!("`{by}` takes requests from {}, which {is} still there: they would {goes}", quote(&specific)))
        };
        let told = if whole.is_empty() { &specific } else { &whole };
        let pairs: BTreeSet<usize> = told.iter().filter_map(|text| self.losers.get(text)).flat_map(|loser| loser.pairs.iter().copied()).collect();
        Some(Finding {
            rule: ROUTE_HIJACK.id,
            severity,
            message,
            help: format!("narrow `{by}`, or take out {} if it is meant to replace that", quote(told)),
            tree: Tree::Head,
            span: self.by.span.clone(),
            when: None,
            identity: format!("{}|{}|{}|{by}", ROUTE_HIJACK.id, self.gateway, host_name(self.of)),
            requests: witnesses(cx.comparison, &pairs),
        })
    }
}

/// Returns whether every request that the route took on base is taken from it. One line can stand for several routes (nginx redirects `/api` to
/// `location /api/`): the one of this shape counts.
fn loses_all(cx: &RuleContext<'_>, loser: &Loser<'_>) -> bool {
    let same = |was: Taken<'_>| was.label.span == loser.line.span && was.shape == loser.shape;
    let mut had = cx.comparison.pairs.iter().enumerate().filter(|(_, pair)| taken(cx.base.model, &pair.was).is_some_and(same));
    had.all(|(at, _)| loser.pairs.contains(&at))
}

/// Hosts that two virtual hosts of a listener claim since this change, where the other one wins now.
fn claimed_twice(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut told: BTreeMap<(&str, &HostPattern), Finding> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let Some((gateway, listener)) = pair.now.gateway_in(cx.head.model).zip(pair.now.listener_in(cx.head.model)) else { continue };
        let host = pair.now.request.host.to_ascii_lowercase();
        let (first, second) = match claims(listener, &host).as_slice() {
            [first, second, ..] => (*first, *second),
            // Silent: one claim or none.
            [] | [_] => continue,
        };
        let before = pair.was.listener_in(cx.base.model).map_or(0, |listener| claims(listener, &host).len());
        // Silent: it was claimed twice before, by nobody, or nobody was served.
        if before != 1 || !served(&pair.was.destination) {
            continue;
        }
        let entry = told.entry((&gateway.id, first.0)).or_insert_with(|| Finding {
            rule: ROUTE_HIJACK.id,
            severity: Severity::Error,
            message: format!(
                "{host} is claimed by two virtual hosts, and the one that wins now is new to it: requests would {}",
                goes(&pair.now.destination).replacen("are ", "be ", 1)
            ),
            help: format!("give {host} to one virtual host; the other claim is in {}", second.1.span.path),
            tree: Tree::Head,
            span: first.1.span.clone(),
            when: None,
            identity: format!("{}|{}|host {host}", ROUTE_HIJACK.id, gateway.id),
            requests: Vec::new(),
        });
        if entry.requests.len() < 5 && !entry.requests.contains(&pair.now.request) {
            entry.requests.push(pair.now.request.clone());
        }
    }
    out.extend(told.into_values());
}

/// Returns the exact claims of different virtual hosts on `host`, in file order.
fn claims<'a>(listener: &'a Listener, host: &str) -> Vec<(&'a HostPattern, &'a Label)> {
    let claim = |virtual_host: &'a VirtualHost| {
        virtual_host.names.iter().find(|(name, _)| matches!(name, HostPattern::Exact(name) if **name == *host)).map(|(name, label)| (name, label))
    };
    listener.virtual_hosts.iter().filter_map(claim).collect()
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    const URLS: [&str; 6] = [
        "http://a.example/",
        "http://a.example/api/v1/x",
        "http://a.example/api/x",
        "http://a.example/feed/v1/x",
        "http://a.example/feed/x",
        "http://a.example/logo.png",
    ];
    const BASE: &str = "pool web: 10.0.0.1:80\npool api: 10.0.0.2:80\npool feed: 10.0.0.3:80\npool legacy: 10.0.0.4:80
        host a.example\n/ -> web\n/api/ -> api\n/feed/ -> feed\n";

    #[test]
    fn a_regex_that_takes_from_several_routes_is_an_error() {
        insta::assert_debug_snapshot!(say(BASE, &format!("{BASE}~ /v1/ -> legacy"), &URLS), @r#"
        [
            "error traffic/route-hijack: `location ~ /v1/` takes requests from `location /api/` and `location /feed/`, which are still there: they would go to `legacy` @ location ~ /v1/",
        ]
        "#);
    }

    #[test]
    fn a_regex_that_takes_a_whole_route_is_an_error() {
        insta::assert_debug_snapshot!(say(BASE, &format!("{BASE}~ ^/api -> legacy"), &URLS), @r#"
        [
            "error traffic/route-hijack: `location ~ ^/api` takes every request that was tried from `location /api/`, which is still there: they would go to `legacy` @ location ~ ^/api",
        ]
        "#);
    }

    #[test]
    fn a_regex_that_takes_part_of_a_route_is_a_warning() {
        insta::assert_debug_snapshot!(say(BASE, &format!("{BASE}~ ^/api/v1 -> legacy"), &URLS), @r#"
        [
            "warning traffic/route-hijack: `location ~ ^/api/v1` takes requests from `location /api/`, which is still there: they would go to `legacy` @ location ~ ^/api/v1",
        ]
        "#);
    }

    #[test]
    fn splitting_out_is_what_routes_are_for() {
        assert!(say(BASE, &format!("{BASE}/api/v1/ -> legacy"), &URLS).is_empty());
        assert!(say(BASE, &format!("{BASE}= /api/x -> legacy"), &URLS).is_empty());
        assert!(say(BASE, &format!("{BASE}~ \\.png$ -> legacy"), &URLS).is_empty());
        assert!(say(BASE, &BASE.replace("/api/ ->", "~ ^/api/ ->"), &URLS).is_empty());
    }

    #[test]
    fn a_host_claimed_twice_is_an_error_where_the_other_claim_wins() {
        let second = "host a.example\n/ -> legacy\n";
        let first = BASE.replace("host a.example", &format!("host other.example\n/ -> web\n{second}host a.example"));
        let base = BASE.replace("host a.example", "host other.example\n/ -> web\nhost a.example");
        insta::assert_debug_snapshot!(say(&base, &first, &["http://a.example/"]), @r#"
        [
            "error traffic/route-hijack: a.example is claimed by two virtual hosts, and the one that wins now is new to it: requests would go to `legacy` @ server_name a.example (the 1)",
        ]
        "#);
        assert!(say(&base, &format!("{base}{second}"), &["http://a.example/"]).is_empty());
    }
}
