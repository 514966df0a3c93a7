//! `traffic/redirect-loop`.

use crate::analysis::{Choice, Destination, Trace, trace};
use crate::model::{Condition, Field, HostPattern, Label, Model, Name, Part, Request, Scheme, Test, Value, VirtualHost};
use crate::policy::arrival::{outcome_line, route_line, served, witnesses};
use crate::policy::hosts::is_catch_all;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Browsers follow about 20; a chain that has not come back by then is no loop of ours.
const MOST: usize = 12;

/// The most requests that are followed.
const MOST_FOLLOWED: usize = 400;

rule! {
    /// ## What it checks
    ///
    /// Whether a redirect leads back to itself, at once or by way of others, and whether internal rewrites go in circles.
    ///
    /// ## Why it matters
    ///
    /// Browsers give up with "too many redirects", and nobody is served. The usual ways there: a redirect to HTTPS on the listener that
    /// already speaks HTTPS, a rule for the address without `www` beside one for the address with it, a pattern that its own result matches.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// location / { return 301 /app/; }       # new
    /// location /app { return 301 /; }        # was: proxy_pass
    /// ```
    ///
    /// ```text
    /// requests to http://shop.example.com/ would be redirected in circles: to http://shop.example.com/app/, then to http://shop.example.com/
    /// help: leave what a redirect leads to out of the route that redirects
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Give the target of the redirect a route of its own that answers.
    /// - Redirect to HTTPS only where the client came without it.
    ///
    /// It is an **error**; a **warning** where a cookie takes part in the choice, because the redirect may set it.
    ///
    /// A balancer that ends TLS in front says so in `X-Forwarded-Proto`. Where requests that came by HTTPS were told from others by that header
    /// and are not any more, they are sent to where they came from: an **error**, or a **warning** where this proxy speaks TLS itself too.
    ///
    /// ## When it stays silent
    ///
    /// - The redirect leads to a host or listener that this configuration does not have: what is there is not known. Another host that only the
    ///   default server would answer for is such a place; so is a balancer in front, where nothing here ever asked for `X-Forwarded-Proto`.
    /// - The requests went in circles before.
    /// - Something that cannot be read takes part in the choice.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 4 were a redirect to itself.
    pub static REDIRECT_LOOP = { id: "traffic/redirect-loop", category: RedirectLoop, severity: Error, check: check }
}

/// A way that comes back.
struct Circle {
    /// Where it leads, in order; the last one was met before.
    stops: Vec<String>,
    /// A cookie takes part.
    cookie: bool,
    /// A balancer in front ends TLS, and sends what comes back here; whether this proxy speaks TLS too.
    forwarded: Option<bool>,
    /// Where the redirects are written.
    lines: BTreeSet<Label>,
}

struct Found<'a> {
    circle: Circle,
    line: &'a Label,
    gateway: &'a str,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label), Found<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed.take(MOST_FOLLOWED) {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let gateway = pair.now.gateway.as_deref().unwrap_or_default();
        if is_circle(&pair.now) && !is_circle(&pair.was) {
            let Some(line) = pair.now.steps.last().map(|step| &step.label) else { continue };
            let circle = Circle { stops: Vec::new(), lines: BTreeSet::new(), cookie: false, forwarded: None };
            found.entry((gateway, line)).or_insert_with(|| Found { circle, line, gateway, pairs: BTreeSet::new() }).pairs.insert(at);
            continue;
        }
        if let Some((circle, line)) = forwarded(cx, &pair.was, &pair.now) {
            let line = cx.comparison.pairs.get(at).and_then(|pair| outcome_line(&pair.now)).filter(|have| **have == line);
            let Some(line) = line else { continue };
            found.entry((gateway, line)).or_insert_with(|| Found { circle, line, gateway, pairs: BTreeSet::new() }).pairs.insert(at);
            continue;
        }
        let Some(circle) = circle(cx.head.model, &pair.now) else { continue };
        // Silent: it was like this before.
        if self::circle(cx.base.model, &pair.was).is_some() {
            continue;
        }
        let Some(line) = outcome_line(&pair.now).or_else(|| route_line(cx.head.model, &pair.now)) else { continue };
        // Two redirects at each other are one circle, wherever somebody enters it.
        if let Some(known) = found.values_mut().find(|known| known.gateway == gateway && !known.circle.lines.is_disjoint(&circle.lines)) {
            known.pairs.insert(at);
            continue;
        }
        found.entry((gateway, line)).or_insert_with(|| Found { circle, line, gateway, pairs: BTreeSet::new() }).pairs.insert(at);
    }
    out.extend(found.values().map(|found| found.finding(cx)));
}

/// Returns whether the request of `trace` is rewritten until the proxy gives up: its refusal has no line of its own.
fn is_circle(trace: &Trace) -> bool {
    trace.exact && trace.destination == Destination::Reject { status: 500 } && !trace.steps.iter().any(|step| step.choice == Choice::Outcome)
}

/// Follows the redirect that `first` ends in; `None` when it ends somewhere, or leads where nothing is known.
fn circle(model: &Model, first: &Trace) -> Option<Circle> {
    let mut stops: Vec<String> = Vec::new();
    let mut seen = BTreeSet::from([first.request.url()]);
    let mut cookie = false;
    let mut lines = BTreeSet::new();
    let mut here = first.clone();
    while stops.len() < MOST {
        // Silent: an open question takes part.
        let Destination::Redirect { location, .. } = &here.destination else { return None };
        if !here.exact {
            return None;
        }
        lines.extend(outcome_line(&here).cloned());
        cookie |= looks_at_cookies(model, &here);
        let mut next = Request::get(location).ok()?;
        next.headers.clone_from(&here.request.headers);
        next.from = here.request.from;
        // A listener that is named stays the one that is asked, while host, scheme and port stay.
        if (&next.host, next.scheme, next.port) == (&here.request.host, here.request.scheme, here.request.port) {
            next.listener.clone_from(&here.request.listener);
        }
        stops.push(next.url());
        if !seen.insert(next.url()) {
            return Some(Circle { stops, cookie, lines, forwarded: None });
        }
        let moved = next.host != here.request.host;
        here = trace(model, &next);
        // Silent: another host, of which nothing here says that it leads here.
        if moved && !is_named(model, &here) {
            return None;
        }
    }
    None
}

/// Follows a redirect to HTTPS through a balancer that ends TLS: base told by `X-Forwarded-Proto` who had come by HTTPS already, and head sends those too.
fn forwarded(cx: &RuleContext<'_>, was: &Trace, now: &Trace) -> Option<(Circle, Label)> {
    let same_place = |trace: &Trace| match &trace.destination {
        Destination::Redirect { location, .. } => Request::get(location).ok().filter(|next| {
            next.scheme == Scheme::Https && next.host == trace.request.host && next.target.split('?').next() == trace.request.target.split('?').next()
        }),
        _ => None,
    };
    if now.request.scheme != Scheme::Http || same_place(now).is_none() {
        return None;
    }
    let with = |model: &Model, proto: &str| {
        let mut request = was.request.clone();
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(FORWARDED));
        request.headers.push((Name::from(FORWARDED), proto.to_owned()));
        trace(model, &request)
    };
    let (https, http) = (with(cx.base.model, "https"), with(cx.base.model, "http"));
    // Silent: base did not ask for the header, or did not serve who came by HTTPS.
    if !served(&https.destination) || same_place(&https).is_some() || same_place(&http).is_none() {
        return None;
    }
    let after = with(cx.head.model, "https");
    let next = same_place(&after).filter(|_| after.exact)?;
    let line = outcome_line(now)?.clone();
    let speaks_tls = |model: &Model| now.gateway_in(model).is_some_and(|gateway| gateway.listeners.iter().any(|one| one.tls.is_some()));
    // Silent: TLS moved here from the balancer.
    let before = was.gateway_in(cx.base.model).is_some_and(|gateway| gateway.listeners.iter().any(|one| one.tls.is_some()));
    if speaks_tls(cx.head.model) && !before {
        return None;
    }
    let circle = Circle { stops: vec![next.url()], cookie: false, lines: BTreeSet::from([line.clone()]), forwarded: Some(before) };
    Some((circle, line))
}

/// What a balancer says of the scheme that the client used.
const FORWARDED: &str = "x-forwarded-proto";

/// A host that no configuration names.
const UNNAMED: &str = "unnamed.invalid";

/// Returns whether something in `model` knows the host of `trace`: the virtual host that answers claims it, or a condition tells it from other hosts.
fn is_named(model: &Model, trace: &Trace) -> bool {
    let names = |host: &VirtualHost| {
        let may_be = |name: &HostPattern| !matches!(name, HostPattern::Hole(_)) && name.may_be(&trace.request.host);
        !is_catch_all(host) && host.names.iter().any(|(name, _)| may_be(name))
    };
    if trace.virtual_host_in(model).is_some_and(names) {
        return true;
    }
    let unnamed = self::trace(model, &Request { host: UNNAMED.into(), ..trace.request.clone() });
    let lines = |trace: &Trace| trace.steps.iter().map(|step| step.label.clone()).collect::<Vec<_>>();
    lines(&unnamed) != lines(trace)
}

/// Returns whether a route on the way, taken or not, asks for a cookie.
fn looks_at_cookies(model: &Model, trace: &Trace) -> bool {
    let Some(gateway) = trace.gateway_in(model) else { return false };
    let tables = trace.steps.iter().filter_map(|step| match step.choice {
        Choice::Route(table, _) | Choice::Otherwise(table) => gateway.tables.get(table.0),
        Choice::Listener | Choice::Action | Choice::Outcome | Choice::Pool => None,
    });
    tables.flat_map(|table| &table.routes).any(|route| asks_cookie(&route.when))
}

fn asks_cookie(condition: &Condition) -> bool {
    match condition {
        Condition::Always | Condition::Opaque(_) => false,
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(asks_cookie),
        Condition::Not(inner) => asks_cookie(inner),
        Condition::Test(Test { subject, .. }) => value_asks_cookie(subject),
    }
}

fn value_asks_cookie(value: &Value) -> bool {
    value.parts.iter().any(|part| match part {
        Part::Field(Field::Cookie(_)) => true,
        Part::Field(Field::Header(name)) => &**name == "cookie",
        Part::Converted(converted) => value_asks_cookie(&converted.value),
        Part::Literal(_) | Part::Field(_) | Part::Variable(_) | Part::Capture(_) | Part::Hole(_) => false,
    })
}

impl Found<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let requests = witnesses(cx.comparison, &self.pairs);
        let url = requests.first().map(Request::url).unwrap_or_default();
        let (message, help) = if self.circle.stops.is_empty() {
            (
                format!("requests to {url} would be rewritten in circles until the proxy gives up with 500"),
                "end the rewriting where it has done its work, or leave its result out of the pattern".to_owned(),
            )
        } else if self.circle.forwarded.is_some() {
            (
                format!(
                    "requests that a balancer took over HTTPS (`X-Forwarded-Proto: https`) would be redirected to where they came from, such as {}",
                    self.circle.stops.join(", ")
                ),
                "redirect only what did not come by HTTPS: keep asking for `X-Forwarded-Proto`".to_owned(),
            )
        } else {
            (
                format!("requests to {url} would be redirected in circles: to {}", self.circle.stops.join(", then to ")),
                "leave what a redirect leads to out of the route that redirects".to_owned(),
            )
        };
        Finding {
            rule: REDIRECT_LOOP.id,
            severity: if self.circle.cookie || self.circle.forwarded == Some(true) { Severity::Warning } else { Severity::Error },
            message,
            help,
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: self.circle.cookie.then(|| "while the client does not send the cookie that is asked for".to_owned()),
            identity: format!("{}|{}|{}", REDIRECT_LOOP.id, self.gateway, self.line.text),
            requests,
        }
    }
}
