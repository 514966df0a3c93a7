//! `resilience/capacity-loss`.

use crate::model::{Label, LoadFact, Member, Pool, Quantity};
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::passage::{Passage, Stop, load, passages};
use crate::policy::words::{count, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};

/// So many servers make a pool in which one more or less is ordinary.
const MANY: usize = 7;
/// A limit of connections that falls to this part or less is a surprise.
const TENTH: u64 = 10;

rule! {
    /// ## What it checks
    ///
    /// Whether what is left of a pool can carry its load: servers that are gone or out of service, requests that are sent to fewer of them,
    /// limits of connections that are set too low.
    ///
    /// ## Why it matters
    ///
    /// Each server that is left works, and every single request succeeds when it is tried by hand. At peak the rest is overloaded and fails
    /// as a whole, or requests wait in the proxy's queue until they are refused.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # capacity.yml: web_pool has per_server_rps: 250, peak_rps: 850
    /// upstream web_pool {
    ///     server 10.20.1.11:8080;
    ///     server 10.20.1.12:8080;   # and two more, which are removed
    /// }
    /// ```
    ///
    /// ```text
    /// the 2 servers left in `web_pool` carry 500 requests a second together, and at peak there are 850 (`peak_rps: 850` in capacity.yml); until now there were 4
    /// help: keep enough servers for the peak, with one to spare
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep enough servers in service for the peak, and one more.
    /// - Set limits of connections above what is needed at peak; the product of limit and servers is what counts.
    ///
    /// It is an **error** when what is said of the load (capacity plans in the repository) does not fit any more; a **warning** when nothing
    /// is said and more than half of the servers are gone, or a limit falls to a tenth.
    ///
    /// ## When it stays silent
    ///
    /// - Nothing is said of the load, and half of the servers or more are left.
    /// - One or two of many are left: `traffic/traffic-shift` says what each of them gets.
    /// - It did not fit before, and is no worse.
    /// - No server is left: `traffic/drain-all` and `traffic/no-healthy-server` say so.
    ///
    /// ## Where it has hurt
    ///
    /// - GitHub, January 2024: a limit of connections was lower than it should have been.
    /// - Cloudflare, 17 July 2020: one change drew all backbone traffic to Atlanta.
    pub static CAPACITY_LOSS = { id: "resilience/capacity-loss", category: CapacityLoss, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for passage in passages(cx) {
        // Silent: shares are not known, or nobody is left to carry anything.
        if !passage.was.pool.complete || !passage.now.pool.complete || passage.now.usable().is_empty() {
            continue;
        }
        out.extend(overloaded(cx, passage).or_else(|| fewer(cx, passage)));
        out.extend(connections(cx, passage));
    }
}

/// Fewer requests a second are carried than there are at peak.
fn overloaded(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let requests = passage.asked(cx);
    let name = &passage.now.pool.name;
    let fact = |stop: &Stop<'_>, quantity| load(&cx.head.model.inventory, quantity, &stop.pool.name, &requests);
    let peak = fact(&passage.now, Quantity::PeakRate).or_else(|| fact(&passage.was, Quantity::PeakRate))?;
    let each = fact(&passage.now, Quantity::ServerRate)?;
    let carried = |stop: &Stop<'_>, each: &LoadFact| each.amount * effective(stop.pool, &stop.usable());
    let before = carried(&passage.was, fact(&passage.was, Quantity::ServerRate).unwrap_or(each));
    let after = carried(&passage.now, each);
    // Silent: it fits, or did not fit before either.
    if after >= peak.amount || before < peak.amount && after >= before {
        return None;
    }
    let (tree, line) = line(passage);
    let servers = passage.now.servers().len();
    let uneven = after < each.amount * number(servers) - 1e-6;
    let (who, verb) = if servers == 1 { ("1 server".to_owned(), "carries") } else { (format!("{servers} servers"), "carry") };
    let how = if uneven { " with these weights" } else { "" };
    let message = format!(
        "the {who} left in `{name}` {verb} {after:.0} requests a second together{how}, and at peak there are {:.0} (`{}` in {}); until now there were {}",
        peak.amount,
        peak.label.text,
        peak.label.span.path,
        passage.was.servers().len()
    );
    Some(finding(cx, passage, (Severity::Error, tree, line), (message, "keep enough servers for the peak, with one to spare"), "at peak"))
}

/// Returns how many servers of the strength of one the members are worth: with uneven weights the heaviest is full before the others are.
fn effective(pool: &Pool, usable: &[&Member]) -> f64 {
    let all: f64 = usable.iter().map(|member| f64::from(member.weight)).sum();
    let most = usable.iter().map(|member| f64::from(member.weight)).fold(0.0, f64::max);
    let by_turn = matches!(pool.balancing, crate::model::Balancing::RoundRobin | crate::model::Balancing::Random);
    if by_turn && most > 0.0 { (all / most).min(number(usable.len())) } else { number(usable.len()) }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// More than half of many servers are gone, and nothing is said of the load.
fn fewer(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (before, after) = (passage.was.servers(), passage.now.servers());
    // Silent: other servers take their place, few were there, half are left, or so few that one of them gets half (traffic/traffic-shift says so).
    if before.len() < MANY || after.len() < 3 || after.len() * 2 >= before.len() || !after.iter().any(|server| before.contains(server)) {
        return None;
    }
    let name = &passage.now.pool.name;
    let (tree, line) = line(passage);
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let lost = 1.0 - number(after.len()) / number(before.len());
    let message = format!(
        "{} are left of {} that served requests {whose}: {} of the capacity is gone",
        after.len(),
        count(before.len(), "server"),
        percent(lost)
    );
    Some(finding(cx, passage, (Severity::Warning, tree, line), (message, "make sure that the rest carries the load at peak"), "at peak"))
}

/// Fewer connections are allowed to the servers together than there are at peak, or than there were by far.
fn connections(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let total = |stop: &Stop<'_>| stop.usable().iter().map(|member| member.max_connections.map(u64::from)).sum::<Option<u64>>();
    let after = total(&passage.now)?;
    let before = total(&passage.was);
    let name = &passage.now.pool.name;
    let peak = load(&cx.head.model.inventory, Quantity::PeakConcurrency, name, &passage.asked(cx));
    let line = passage.now.usable().into_iter().min_by_key(|member| member.max_connections).map(|member| &member.label)?;
    let limit = number(usize::try_from(after).unwrap_or(usize::MAX));
    let message = if let Some(peak) = peak {
        let enough = |limit: u64| number(usize::try_from(limit).unwrap_or(usize::MAX)) >= peak.amount;
        // Silent: it is enough, or was not before and is no less.
        if limit >= peak.amount || before.is_some_and(|before| before <= after && !enough(before)) {
            return None;
        }
        format!(
            "the servers of `{name}` take {after} requests at a time together, and at peak there are {:.0} (`{}` in {})",
            peak.amount, peak.label.text, peak.label.span.path
        )
    } else {
        // Silent: there was no limit, or it does not fall that far.
        let before = before.filter(|before| after.saturating_mul(TENTH) <= *before)?;
        format!("the servers of `{name}` take {after} requests at a time together; until now they took {before}")
    };
    let severity = if peak.is_some() { Severity::Error } else { Severity::Warning };
    Some(finding(
        cx,
        passage,
        (severity, Tree::Head, line),
        (message, "raise the limit above what is needed at peak"),
        &format!("while more than {after} requests are under way"),
    ))
}

/// Returns the line that makes the difference: a member out of service, one that is gone, or the pool's own.
fn line<'a>(passage: &Passage<'a>) -> (Tree, &'a Label) {
    let usable = passage.now.servers();
    let lost = |member: &&Member| !usable.contains(&member.address.to_string());
    let gone = passage.was.usable().into_iter().find(|member| lost(member)).map(|member| &member.label);
    let still = passage.now.pool.members.iter().find(|member| passage.was.servers().contains(&member.address.to_string()) && lost(member));
    match (still, gone) {
        (Some(member), _) => (Tree::Head, &member.label),
        (None, Some(label)) if passage.was.pool.name == passage.now.pool.name => (Tree::Base, label),
        (None, _) => (Tree::Head, heaviest(passage).unwrap_or(&passage.now.pool.label)),
    }
}

fn heaviest<'a>(passage: &Passage<'a>) -> Option<&'a Label> {
    passage.now.usable().into_iter().max_by_key(|member| member.weight).map(|member| &member.label)
}

fn finding(
    cx: &RuleContext<'_>,
    passage: &Passage<'_>,
    (severity, tree, line): (Severity, Tree, &Label),
    (message, help): (String, &str),
    when: &str,
) -> Finding {
    Finding {
        rule: CAPACITY_LOSS.id,
        severity,
        message,
        help: help.to_owned(),
        tree,
        span: line.span.clone(),
        when: Some(when.to_owned()),
        identity: format!("{}|{}|{}|{when}", CAPACITY_LOSS.id, passage.gateway, passage.now.pool.name),
        requests: witnesses(cx.comparison, &passage.pairs),
    }
}
