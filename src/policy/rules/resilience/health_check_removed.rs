//! `resilience/health-check-removed`.

use crate::model::{HealthCheck, Label, Member};
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::passage::{Passage, passages};
use crate::policy::words::{count, duration, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};

/// Finding a dead server that takes this many times as long as before, and longer than [`SLOW_MS`], is worth a word.
const TIMES: u64 = 3;
const SLOW_MS: u64 = 30_000;

rule! {
    /// ## What it checks
    ///
    /// Whether servers that the proxy probed, or passed over after failures, are not watched any more, or are watched less well: no probe,
    /// a probe of the port in place of one of the page, one that takes much longer to notice.
    ///
    /// ## Why it matters
    ///
    /// Nothing happens on the day of the change. When the next server dies the proxy does not notice: HAProxy without `check` goes on
    /// sending it its share, and without `option redispatch` all three tries go to the same dead server. With a retry on another server
    /// requests only get slower.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream web_pool {
    ///     server 10.20.1.11:8080 max_fails=0;   # these two: were without max_fails=0
    ///     server 10.20.1.12:8080 max_fails=0;
    /// }   # and proxy_next_upstream off
    /// ```
    ///
    /// ```text
    /// nothing notices any more when a server of `web_pool` is dead (2 servers): 50 % of requests to shop.example.com would get an error for as long as that lasts
    /// help: keep the servers watched, or give requests that fail to another server
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep the probe (HAProxy `check` on every server, or in `default-server`; nginx `max_fails` above 0).
    /// - Let requests that fail go to another server (HAProxy `option redispatch`; nginx `proxy_next_upstream error timeout`).
    ///
    /// It is an **error** when no other server is tried either, so that a dead server costs its share of all requests; a **warning** when
    /// others are tried, when only some members lose their probe, and when the probe gets weaker or slower.
    ///
    /// ## When it stays silent
    ///
    /// - The pool has one server: without another one there is nothing to pass it over for.
    /// - The members that lose their probe leave the pool, or nobody is sent there any more.
    /// - There was no probe before, or the requests go to another pool now.
    ///
    /// ## Where it has hurt
    ///
    /// - GOV.UK, incident roundup of June and July 2018: a probe was altered and the balancer stopped routing to licensing.
    pub static HEALTH_CHECK_REMOVED = { id: "resilience/health-check-removed", category: HealthCheckRemoved, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for passage in passages(cx) {
        // Silent: the requests go to other servers now.
        if passage.was.servers().is_disjoint(&passage.now.servers()) {
            continue;
        }
        out.extend(unwatched(cx, passage).or_else(|| weaker(cx, passage)));
    }
}

/// Returns whether the proxy notices that `member` of a pool is dead.
fn watched(member: &Member) -> bool {
    member.checked || member.ejection.is_some()
}

fn unwatched(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let members = passage.now.usable();
    let was = |member: &Member| passage.was.pool.members.iter().find(|was| was.address == member.address);
    let lost: Vec<&Member> = members.iter().copied().filter(|member| !watched(member) && was(member).is_some_and(watched)).collect();
    let first = lost.first()?;
    // Silent: there is no other server that could take over.
    if passage.now.servers().len() < 2 && !passage.now.has_backup() {
        return None;
    }
    let name = &passage.now.pool.name;
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let all: f64 = members.iter().map(|member| f64::from(member.weight)).sum();
    let most = lost.iter().map(|member| f64::from(member.weight)).fold(0.0, f64::max) / all.max(1.0);
    let retried = passage.now.retries();
    let effect = if retried {
        format!("requests {whose} would be slow for as long as that lasts, until another server is tried")
    } else {
        format!("{} of requests {whose} would get an error for as long as that lasts", percent(most))
    };
    let which = if lost.len() == members.len() {
        format!("a server of `{name}` is dead ({})", count(passage.now.servers().len(), "server"))
    } else {
        format!("{} of `{name}` is dead ({} of {})", first.address, lost.len(), count(members.len(), "server"))
    };
    // The line that had the probe is gone, the members are as they were: then their own lines say nothing of it.
    let gone = passage.was.pool.health_check.as_ref().filter(|_| passage.now.pool.health_check.is_none() && lost.len() == members.len());
    let (tree, line) = match gone.filter(|_| lost.iter().all(|member| was(member).is_some_and(|was| was.label.text == member.label.text))) {
        Some(probe) => (Tree::Base, &probe.label),
        None => (Tree::Head, &first.label),
    };
    let severity = if retried || lost.len() < members.len() { Severity::Warning } else { Severity::Error };
    let message = format!("nothing notices any more when {which}: {effect}");
    let help = if retried { "keep the servers watched" } else { "keep the servers watched, or give requests that fail to another server" };
    Some(finding(cx, passage, (severity, tree, line), (message, help.to_owned()), Some(format!("while {} is down", first.address))))
}

fn weaker(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (was, now) = (passage.was.pool.health_check.as_ref()?, passage.now.pool.health_check.as_ref());
    let name = &passage.now.pool.name;
    let probed = |members: &[&Member]| members.iter().any(|member| member.checked);
    // Silent: the probe looked at nobody, or looks at nobody now (then members lost it, see above).
    if !probed(&passage.was.usable()) || !probed(&passage.now.usable()) {
        return None;
    }
    if let Some(path) = was.path.as_ref().filter(|_| now.is_none_or(|now| now.path.is_none())) {
        let message =
            format!("the probe of `{name}` does not ask for {path} any more: a server whose port is open counts as alive, whatever it answers");
        // The line that asked for the page is gone, or says something else.
        let (tree, line) = now
            .filter(|now| now.label.text.split(' ').next() == was.label.text.split(' ').next())
            .map_or((Tree::Base, &was.label), |now| (Tree::Head, &now.label));
        let help = format!("keep asking for {path}, so that a server that only answers with errors is taken out");
        return Some(finding(cx, passage, (Severity::Warning, tree, line), (message, help), None));
    }
    let now = now?;
    if let Some(expect) = was.expect.as_ref().filter(|_| now.expect.is_none() && now.path.is_some()) {
        let message = format!("the probe of `{name}` does not look for `{expect}` any more: other answers count as alive, too");
        let help = "keep what the answer must be".to_owned();
        return Some(finding(cx, passage, (Severity::Warning, Tree::Head, &now.label), (message, help), None));
    }
    let (before, after) = (notices(was)?, notices(now)?);
    // Silent: it still notices soon, or not much later than before.
    if after <= SLOW_MS || after < before.saturating_mul(TIMES) {
        return None;
    }
    let message = format!("a dead server of `{name}` is noticed after {} only; until now that took {}", duration(after), duration(before));
    let help = "probe more often, or take a server out after fewer failures".to_owned();
    Some(finding(cx, passage, (Severity::Warning, Tree::Head, &now.label), (message, help), Some("while a server is down".to_owned())))
}

/// Returns how long it takes to notice that a server is dead, in milliseconds.
fn notices(probe: &HealthCheck) -> Option<u64> {
    Some(probe.interval_ms?.saturating_mul(u64::from(probe.fall?)))
}

fn finding(
    cx: &RuleContext<'_>,
    passage: &Passage<'_>,
    (severity, tree, line): (Severity, Tree, &Label),
    (message, help): (String, String),
    when: Option<String>,
) -> Finding {
    let name = &passage.now.pool.name;
    Finding {
        rule: HEALTH_CHECK_REMOVED.id,
        severity,
        message,
        help,
        tree,
        span: line.span.clone(),
        when,
        identity: format!("{}|{}|{name}", HEALTH_CHECK_REMOVED.id, passage.gateway),
        requests: witnesses(cx.comparison, &passage.pairs),
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    fn with(pool: &str, more: &str) -> String {
        format!("pool web: {pool}\n{more}\nhost shop.example.com\n/ -> web")
    }

    fn said(base: &str, head: &str) -> Vec<String> {
        say(base, head, &["http://shop.example.com/"])
    }

    const CHECKED: &str = "10.0.0.1:80 check, 10.0.0.2:80 check";
    const BARE: &str = "10.0.0.1:80, 10.0.0.2:80";

    #[test]
    fn servers_nobody_watches_any_more_are_an_error_where_nothing_else_helps() {
        insta::assert_debug_snapshot!(said(&with(CHECKED, "probe web /up"), &with(BARE, "")), @r#"
        [
            "error resilience/health-check-removed: nothing notices any more when a server of `web` is dead (2 servers): 50 % of requests to shop.example.com would get an error for as long as that lasts @ web: server 10.0.0.1:80",
        ]
        "#);
        insta::assert_debug_snapshot!(said(&with(CHECKED, "retry"), &with(BARE, "retry")), @r#"
        [
            "warning resilience/health-check-removed: nothing notices any more when a server of `web` is dead (2 servers): requests to shop.example.com would be slow for as long as that lasts, until another server is tried @ web: server 10.0.0.1:80",
        ]
        "#);
        insta::assert_debug_snapshot!(said(&with(CHECKED, ""), &with("10.0.0.1:80 check, 10.0.0.2:80", "")), @r#"
        [
            "warning resilience/health-check-removed: nothing notices any more when 10.0.0.2:80 of `web` is dead (1 of 2 servers): 50 % of requests to shop.example.com would get an error for as long as that lasts @ web: server 10.0.0.2:80",
        ]
        "#);
    }

    #[test]
    fn a_weaker_or_slower_probe_is_a_warning() {
        insta::assert_debug_snapshot!(said(&with(CHECKED, "probe web /up"), &with(CHECKED, "probe web tcp")), @r#"
        [
            "warning resilience/health-check-removed: the probe of `web` does not ask for /up any more: a server whose port is open counts as alive, whatever it answers @ probe web tcp",
        ]
        "#);
        insta::assert_debug_snapshot!(said(&with(CHECKED, "probe web /up every=2000 fall=3"), &with(CHECKED, "probe web /up every=60000 fall=3")), @r#"
        [
            "warning resilience/health-check-removed: a dead server of `web` is noticed after 180 s only; until now that took 6 s @ probe web /up every=60000 fall=3",
        ]
        "#);
    }

    #[test]
    fn one_server_alone_other_servers_and_another_watch_are_silent() {
        assert!(said(&with("10.0.0.1:80 check", ""), &with("10.0.0.1:80", "")).is_empty());
        assert!(said(&with(CHECKED, ""), &with("10.0.0.1:80 fails, 10.0.0.2:80 fails", "")).is_empty());
        assert!(said(&with(BARE, ""), &with("10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80", "")).is_empty());
    }
}
