//! `traffic/drain-all`.

use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::idle::{Cause, Idle, idle_pools};
use crate::policy::words::{count, of_requests};
use crate::policy::{Finding, RuleContext, Severity, Tree};

rule! {
    /// ## What it checks
    ///
    /// Whether the change takes every member of a pool out of service: marked down, drained, weight 0, or removed.
    ///
    /// ## Why it matters
    ///
    /// Draining one server at a time is maintenance; draining the last one is an outage. The proxy accepts a pool in which every member is
    /// down and answers its requests with 502 or 503.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream web_pool {
    ///     server 10.20.1.11:8080 down;
    ///     server 10.20.1.12:8080 down;   # new: the other one was down already
    /// }
    /// ```
    ///
    /// ```text
    /// all requests to shop.example.com would get an error: the change takes the last of 2 servers of `web_pool` out of service
    /// help: leave one member in service, or send these requests to another pool first
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Leave a member in service until another one is back.
    /// - Point the routes to another pool, or answer with a maintenance page, in the same change.
    ///
    /// It is an **error** when the requests end in errors, a **warning** when something answers in the pool's place (an error page, a
    /// fallback pool).
    ///
    /// ## When it stays silent
    ///
    /// - A member is left that can serve, be it a backup.
    /// - No request is sent to the pool any more, or none was served there before.
    /// - The members are there but no host has their addresses: `traffic/missing-server` says so.
    /// - Part of the member list could not be read.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited.
    pub static DRAIN_ALL = { id: "traffic/drain-all", category: DrainAll, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    out.extend(idle_pools(cx).iter().filter(|idle| idle.cause == Cause::Drained).map(|idle| finding(cx, idle)));
}

fn finding(cx: &RuleContext<'_>, idle: &Idle<'_>) -> Finding {
    let name = &idle.pool.name;
    let taken: Vec<_> = idle.pool.members.iter().filter(|member| idle.served_before(&cx.base.model.inventory, member)).collect();
    let line = taken.first().map_or(&idle.pool.label, |member| &member.label);
    let before = idle.was.map_or(0, |was| was.members.len());
    let which = if taken.len() == 1 && before > 1 { format!("the last of {}", count(before, "server")) } else { format!("every server ({before})") };
    let effect = if idle.hurts() { "would get an error" } else { "would get what answers in its place" };
    Finding {
        rule: DRAIN_ALL.id,
        severity: if idle.hurts() { Severity::Error } else { Severity::Warning },
        message: format!(
            "{} {} {effect}: the change takes {which} of `{name}` out of service",
            of_requests(1.0),
            whose(&changes_of(cx.comparison, &idle.pairs), name)
        ),
        help: "leave one member in service, or send these requests to another pool first".to_owned(),
        tree: Tree::Head,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|{name}", DRAIN_ALL.id, idle.gateway),
        requests: witnesses(cx.comparison, &idle.pairs),
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    fn with(pool: &str) -> String {
        format!("pool web: {pool}\ninventory 10.0.0.0/24: 10.0.0.1, 10.0.0.2\nhost shop.example.com\n/ -> web")
    }

    #[test]
    fn the_last_server_taken_out_is_one_error() {
        let base = with("10.0.0.1:80, 10.0.0.2:80 down");
        insta::assert_debug_snapshot!(say(&base, &with("10.0.0.1:80 down, 10.0.0.2:80 down"), &["http://shop.example.com/"]), @r#"
        [
            "error traffic/drain-all: all requests to shop.example.com would get an error: the change takes the last of 2 servers of `web` out of service @ web: server 10.0.0.1:80 down",
        ]
        "#);
    }

    #[test]
    fn one_at_a_time_is_maintenance() {
        let base = with("10.0.0.1:80, 10.0.0.2:80");
        assert!(say(&base, &with("10.0.0.1:80, 10.0.0.2:80 down"), &["http://shop.example.com/"]).is_empty());
        assert!(say(&base, &with("10.0.0.1:80 down, 10.0.0.2:80 backup"), &["http://shop.example.com/"]).is_empty());
    }

    #[test]
    fn a_pool_that_was_out_of_service_before_is_no_news() {
        let base = with("10.0.0.1:80 down, 10.0.0.2:80 down");
        assert!(say(&base, &with("10.0.0.1:80 down"), &["http://shop.example.com/"]).is_empty());
    }
}
