//! `resilience/rate-limit-broken`.

use crate::analysis::{Limited, Pair, Trace, trace};
use crate::model::Field;
use crate::model::{Action, Cidr, Gateway, Label, Limit, LimitKind, LoadFact, LoadSubject, Model, Name, Next, Part, Quantity, Request, Step, Value};
use crate::policy::arrival::{served, witnesses};
use crate::policy::passage::load;
use crate::policy::words::{duration, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A limit that falls to less than this part is a surprise to whoever was just below it.
const QUARTER: f64 = 0.25;

/// Two clients who have nothing in common (addresses for documentation, RFC 5737).
const CLIENTS: [[u8; 4]; 2] = [[198, 51, 100, 7], [203, 0, 113, 9]];

rule! {
    /// ## What it checks
    ///
    /// Whether a limit that counted each client for itself counts them all together, counts nobody any more, or allows much less than
    /// clients need.
    ///
    /// ## Why it matters
    ///
    /// Behind a content network every request comes from a few addresses. The settings that read the real client from a header look like
    /// leftovers; without them all clients share one allowance, and nearly everybody is refused at peak. A test with one client passes.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// set_real_ip_from 10.0.0.1;      # these two lines: removed
    /// real_ip_header X-Client-IP;
    /// limit_req_zone $binary_remote_addr zone=per_client:10m rate=5r/s;
    /// ```
    ///
    /// ```text
    /// all clients that come through 10.0.0.1 would share one allowance of 5 requests a second at shop.example.com; until now each had its own
    /// help: keep taking the client's address from `x-client-ip` for requests from 10.0.0.1
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep the settings that say who may be believed, and in which header the client stands.
    /// - Count by something that each client has for itself.
    /// - Set limits by what clients do at peak, not by the average.
    ///
    /// It is an **error** when clients that were counted apart are counted together, and when less is allowed than clients are said to need at
    /// peak. It is a **warning** when a limit is gone, and when it falls to less than a quarter.
    ///
    /// ## When it stays silent
    ///
    /// - The limit moves, is renamed, or gets more generous; the requests are refused or unserved anyway.
    /// - What is counted cannot be read.
    /// - New limits, unless they allow less than is said to be needed.
    ///
    /// ## Where it has hurt
    ///
    /// - GitLab, 2020: when limits moved behind a content network, the wrong client was counted, because many share one connection there.
    pub static RATE_LIMIT_BROKEN = { id: "resilience/rate-limit-broken", category: RateLimitBroken, severity: Error, check: check }
}

/// How a side learns who the client is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Believes<'a> {
    header: &'a Name,
    trusted: &'a [Cidr],
    label: Option<&'a Label>,
}

/// A limit of head and what it was, with the requests that meet it.
struct Met<'a> {
    was: Option<&'a Limit>,
    now: Option<&'a Limit>,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut met: BTreeMap<(&str, Option<&Label>, Option<&Label>), Met<'_>> = BTreeMap::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        // Silent: nobody is served before or after, so nobody is refused by a limit.
        if pair.was.limits.is_empty() && pair.now.limits.is_empty() || !served(&pair.was.destination) || !served(&pair.now.destination) {
            continue;
        }
        for (was, now) in both(pair) {
            let key = (pair.now.gateway.as_deref().unwrap_or_default(), was.map(|limit| &limit.label), now.map(|limit| &limit.label));
            met.entry(key).or_insert_with(|| Met { was, now, pairs: BTreeSet::new() }).pairs.insert(at);
        }
    }
    for ((gateway, ..), met) in &met {
        let found = match (met.was, met.now) {
            (Some(was), Some(now)) => shared(cx, gateway, met, (was, now)).or_else(|| lower(cx, met, (was, now))),
            (Some(was), None) => Some(gone(cx, met, was)),
            (None, Some(now)) => too_low(cx, met, now),
            (None, None) => None,
        };
        out.extend(found);
    }
}

/// Returns the limits of a pair, each with what it was: those of a kind in their order, those with the same key first.
fn both(pair: &Pair) -> Vec<(Option<&Limit>, Option<&Limit>)> {
    let mut left: Vec<&Limit> = pair.was.limits.iter().map(|limited| &*limited.limit).collect();
    let mut found = Vec::new();
    for now in pair.now.limits.iter().map(|limited| &*limited.limit) {
        let same = |was: &&Limit| was.kind == now.kind;
        let at = left.iter().position(|was| same(was) && was.key == now.key).or_else(|| left.iter().position(same));
        found.push((at.map(|at| left.remove(at)), Some(now)));
    }
    found.extend(left.into_iter().map(|was| (Some(was), None)));
    found
}

/// Clients that were counted apart are counted together.
fn shared(cx: &RuleContext<'_>, gateway: &str, met: &Met<'_>, (was, now): (&Limit, &Limit)) -> Option<Finding> {
    let (before, after) = (believes(cx.base.model, gateway), believes(cx.head.model, gateway));
    // Silent: what is counted, and how the client is known, have not changed.
    if was.key == now.key && before == after {
        return None;
    }
    let request = &cx.comparison.pairs.get(*met.pairs.first()?)?.now.request;
    let probes = before.iter().map(Some).chain([None]).filter_map(|believes| Some((believes, clients(request, believes)?)));
    let apart = |model: &Model, limit: &Limit, pair: &[Request; 2]| {
        let [one, other] = pair.each_ref().map(|request| key(&trace(model, request), limit));
        one.zip(other).map(|(one, other)| (one != other, one.is_empty() || other.is_empty()))
    };
    let (believed, _) = probes
        .into_iter()
        .find(|(_, pair)| apart(cx.base.model, was, pair) == Some((true, false)) && apart(cx.head.model, now, pair) == Some((false, false)))?;
    let host = &request.host;
    let lost = believed.filter(|one| !after.iter().any(|other| other.header == one.header && other.trusted == one.trusted));
    let (tree, line) = match lost.and_then(|one| one.label) {
        Some(label) => (Tree::Base, label),
        None => (Tree::Head, now.defined.as_ref().unwrap_or(&now.label)),
    };
    let through = believed.map_or_else(String::new, |one| format!(" that come through {}", proxies(one.trusted)));
    let refused = believed.and_then(|one| refused(cx, met, now, one)).unwrap_or_default();
    let help = match believed.filter(|_| lost.is_some()) {
        Some(one) => format!("keep taking the client's address from `{}` for requests from {}", one.header, proxies(one.trusted)),
        None => "count by something that each client has for itself".to_owned(),
    };
    let message = format!("all clients{through} would share one allowance of {} at {host}; until now each had its own{refused}", amount(now));
    Some(finding(cx, met, (Severity::Error, tree, line), (message, help)))
}

/// Returns how much of what is asked for at peak would be refused, in words; `None` where nothing is said of the load.
fn refused(cx: &RuleContext<'_>, met: &Met<'_>, now: &Limit, believed: &Believes<'_>) -> Option<String> {
    let peak = peak(cx, met)?;
    // Each address in front has an allowance; networks may hold any number of them.
    let single = believed.trusted.iter().all(|one| one.bits() == if one.address().is_ipv4() { 32 } else { 128 });
    let count = believed.trusted.iter().filter(|one| !one.address().is_loopback()).count();
    let allowed = rate(now)? * f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
    let share = 1.0 - allowed / peak.amount;
    let place = &peak.label.span.path;
    (single && share > 0.0).then(|| format!(". At peak {} of the requests would be refused (`{}` in {place})", percent(share), peak.label.text))
}

/// Much less is allowed than before, or less than is needed.
fn lower(cx: &RuleContext<'_>, met: &Met<'_>, (was, now): (&Limit, &Limit)) -> Option<Finding> {
    let (before, after) = (strength(was)?, strength(now)?);
    // Silent: it is not less.
    if after >= before || was.kind != now.kind {
        return None;
    }
    if let Some(found) = too_low(cx, met, now) {
        return Some(found);
    }
    // Silent: it falls, but not that far.
    if after >= before * QUARTER {
        return None;
    }
    let line = now.defined.as_ref().unwrap_or(&now.label);
    let message = format!("the limit falls from {} to {}", amount(was), amount(now));
    let help = "make sure that no client needs more, in bursts as well".to_owned();
    Some(finding(cx, met, (Severity::Warning, Tree::Head, line), (message, help)))
}

/// Less is allowed than clients are said to need at peak, and more was allowed before.
fn too_low(cx: &RuleContext<'_>, met: &Met<'_>, now: &Limit) -> Option<Finding> {
    let (peak, allowed) = (peak(cx, met)?, rate(now)?);
    let constant = now.key.as_literal().is_some_and(|key| !key.is_empty());
    let clients = clients_at_peak(cx, met).filter(|clients| clients.amount >= 1.0);
    let needed = if constant { peak.amount } else { peak.amount / clients?.amount };
    // Silent: it is enough, or it was no more before.
    if allowed >= needed || met.was.and_then(rate).is_some_and(|before| before <= allowed || before < needed) {
        return None;
    }
    let line = now.defined.as_ref().unwrap_or(&now.label);
    let who = if constant { "all clients together" } else { "each client" };
    let message = format!(
        "{} is allowed to {who}, and at peak {:.0} a second are needed (`{}` in {})",
        amount(now),
        needed.max(1.0),
        peak.label.text,
        peak.label.span.path
    );
    Some(finding(cx, met, (Severity::Error, Tree::Head, line), (message, "allow what is needed at peak, with room for bursts".to_owned())))
}

fn gone(cx: &RuleContext<'_>, met: &Met<'_>, was: &Limit) -> Finding {
    let message = format!("nothing limits these requests any more; until now {} were allowed", amount(was));
    let help = "keep the limit, or make sure that something in front has one".to_owned();
    finding(cx, met, (Severity::Warning, Tree::Base, &was.label), (message, help))
}

fn finding(cx: &RuleContext<'_>, met: &Met<'_>, (severity, tree, line): (Severity, Tree, &Label), (message, help): (String, String)) -> Finding {
    let requests = witnesses(cx.comparison, &met.pairs);
    let host = requests.first().map(|request| request.host.clone()).unwrap_or_default();
    Finding {
        rule: RATE_LIMIT_BROKEN.id,
        severity,
        message,
        help,
        tree,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{host}|{}", RATE_LIMIT_BROKEN.id, line.text),
        requests,
    }
}

fn peak<'a>(cx: &RuleContext<'a>, met: &Met<'_>) -> Option<&'a LoadFact> {
    fact(cx, met, Quantity::PeakRate)
}

fn clients_at_peak<'a>(cx: &RuleContext<'a>, met: &Met<'_>) -> Option<&'a LoadFact> {
    fact(cx, met, Quantity::PeakClients)
}

/// Returns what is said of the requests that meet the limit: of them all, else of everything, else of the busiest of their hosts. A limit that several
/// hosts share, or hosts that nobody names, sees at least what that one host is asked for.
fn fact<'a>(cx: &RuleContext<'a>, met: &Met<'_>, quantity: Quantity) -> Option<&'a LoadFact> {
    let requests = met.pairs.iter().filter_map(|at| cx.comparison.pairs.get(*at)).map(|pair| &pair.now.request);
    let requests: Vec<(&str, &str)> = requests.map(|request| (&*request.host, request.target.split('?').next().unwrap_or_default())).collect();
    let facts = || cx.head.model.inventory.loads.iter().filter(|fact| fact.quantity == quantity);
    let one_host = |fact: &&LoadFact| matches!(&fact.subject, LoadSubject::Host(host) if requests.iter().any(|(asked, _)| *asked == &**host));
    load(&cx.head.model.inventory, quantity, "", &requests)
        .or_else(|| facts().find(|fact| fact.subject == LoadSubject::Everything))
        .or_else(|| facts().filter(one_host).max_by(|a, b| a.amount.total_cmp(&b.amount)))
}

/// Returns what `limit` of head counts the request of `trace` under.
fn key(trace: &Trace, limit: &Limit) -> Option<String> {
    let same = |limited: &&Limited| limited.limit.label == limit.label && limited.limit.key == limit.key;
    trace.limits.iter().find(same).and_then(|limited| limited.key.clone())
}

/// Returns `request` as two clients send it: through a proxy that is believed, or straight.
fn clients(request: &Request, believes: Option<&Believes<'_>>) -> Option<[Request; 2]> {
    let front = match believes {
        Some(believes) => Some(believes.trusted.iter().map(Cidr::address).find(|address| !address.is_loopback())?),
        None => None,
    };
    Some(CLIENTS.map(IpAddr::from).map(|client| {
        let mut request = request.clone();
        request.from = front.or(Some(client));
        request.headers.extend(believes.map(|believes| (Name::clone(believes.header), client.to_string())));
        request
    }))
}

/// Returns the ways in which `gateway` learns who the client is, in file order, once each.
fn believes<'a>(model: &'a Model, gateway: &str) -> Vec<Believes<'a>> {
    let gateway = model.gateways.iter().find(|one| *one.id == *gateway);
    let mut found: Vec<Believes<'_>> = Vec::new();
    for step in gateway.into_iter().flat_map(steps) {
        for action in &step.actions {
            if let Action::SetSource { value, trusted, label, .. } = action
                && let Some(header) = header_of(value)
                && !found.iter().any(|one| one.header == header && one.trusted == trusted)
            {
                found.push(Believes { header, trusted, label: label.as_ref() });
            }
        }
    }
    found
}

fn steps(gateway: &Gateway) -> Vec<&Step> {
    fn within<'a>(step: &'a Step, found: &mut Vec<&'a Step>) {
        found.push(step);
        match &step.next {
            Next::Try { otherwise, .. } => within(otherwise, found),
            Next::Split(ways) => ways.iter().for_each(|(_, step)| within(step, found)),
            Next::Table(_) | Next::Restart(_) | Next::Fallback | Next::End(_) => {}
        }
    }
    let mut found = Vec::new();
    for table in &gateway.tables {
        table.routes.iter().map(|route| &route.step).chain([&table.otherwise]).for_each(|step| within(step, &mut found));
    }
    found
}

fn header_of(value: &Value) -> Option<&Name> {
    value.parts.iter().find_map(|part| match part {
        Part::Field(Field::Header(name)) => Some(name),
        Part::Converted(converted) => header_of(&converted.value),
        Part::Literal(_) | Part::Field(_) | Part::Variable(_) | Part::Capture(_) | Part::Hole(_) => None,
    })
}

/// Returns the requests a second that `limit` allows; `None` for connections.
fn rate(limit: &Limit) -> Option<f64> {
    if limit.kind == LimitKind::Connections { None } else { strength(limit) }
}

/// Returns how much `limit` allows: requests a second, or connections.
fn strength(limit: &Limit) -> Option<f64> {
    let most = f64::from(u32::try_from(limit.most).ok()?);
    match limit.kind {
        LimitKind::Connections => Some(most),
        LimitKind::Requests => Some(most * 1000.0 / f64::from(u32::try_from(limit.window_ms).ok().filter(|window| *window > 0)?)),
    }
}

/// Returns what `limit` allows, in words.
fn amount(limit: &Limit) -> String {
    match (limit.kind, limit.window_ms) {
        (LimitKind::Connections, _) => format!("{} connections at a time", limit.most),
        (LimitKind::Requests, 1000) => format!("{} requests a second", limit.most),
        (LimitKind::Requests, 60_000) => format!("{} requests a minute", limit.most),
        (LimitKind::Requests, window) => format!("{} requests in {}", limit.most, duration(window)),
    }
}

/// Returns the addresses that are believed, in words, without the machine's own.
fn proxies(trusted: &[Cidr]) -> String {
    let words = |one: &Cidr| one.to_string().trim_end_matches("/32").trim_end_matches("/128").to_owned();
    let named: Vec<String> = trusted.iter().filter(|one| !one.address().is_loopback()).map(words).collect();
    crate::policy::words::list(&named)
}
