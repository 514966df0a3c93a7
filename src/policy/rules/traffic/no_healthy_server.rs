//! `traffic/no-healthy-server`.

use crate::model::{Existence, MemberState, Pool};
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::idle::{Cause, Idle, idle_pools, serving};
use crate::policy::words::of_requests;
use crate::policy::{Finding, RuleContext, Severity, Tree};

rule! {
    /// ## What it checks
    ///
    /// Whether requests that are served today would reach a pool in which no member can serve: down, drained, missing,
    /// taken out by a probe that the inventory says it does not answer, or no member at all.
    ///
    /// ## Why it matters
    ///
    /// The proxy starts with such a pool and answers all of its requests with 502 or 503. Each line looks right on its own: a route is moved
    /// to a pool that is out of service, or the one server that was left loses its host.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream green { server 10.20.2.11:8080 down; }
    /// server {
    ///     location / { proxy_pass http://green; }   # was: http://blue
    /// }
    /// ```
    ///
    /// ```text
    /// all requests to shop.example.com would get an error: no server of `green` can serve (1 down)
    /// help: put a server of `green` into service before requests are sent there
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Put a member into service in the same change, or before it.
    /// - Where a probe asks for a path that no service answers, probe the one they answer.
    /// - Keep the requests where they are until then.
    ///
    /// It is an **error** when the requests end in errors, a **warning** when something answers in the pool's place.
    ///
    /// ## When it stays silent
    ///
    /// - The change itself takes the pool's members out of service: that is `traffic/drain-all`.
    /// - No host has any of the addresses: `traffic/missing-server` says so of each line.
    /// - The requests were not served before either, or the pool was like this and got the same requests.
    /// - Part of the member list could not be read. A server of which no inventory speaks counts as able to serve.
    ///
    /// ## Where it has hurt
    ///
    /// - GOV.UK, incident roundup of June and July 2018: a health check was altered and the balancer stopped routing to licensing.
    /// - Stack Exchange, 25 August 2014: a firewall change cut the balancers off from the web servers.
    /// - Reddit, 14 March 2023: a label that a selector needed was gone after an upgrade, and nothing was selected.
    pub static NO_HEALTHY_SERVER = { id: "traffic/no-healthy-server", category: NoHealthyServer, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    out.extend(idle_pools(cx).iter().filter(|idle| idle.cause == Cause::Other).map(|idle| finding(cx, idle)));
}

fn finding<'a>(cx: &RuleContext<'a>, idle: &Idle<'a>) -> Finding {
    let name = &idle.pool.name;
    // The pool served before: the member that no longer does is the reason. It did not: the line that sends requests here is.
    let lost = idle.pool.members.iter().find(|member| idle.served_before(&cx.base.model.inventory, member));
    let was_idle = idle.was.is_some_and(|was| !serving(&cx.base.model.inventory, was));
    let sent_by = idle.sent_by.filter(|_| was_idle);
    let refused = probe_refused(cx, idle);
    let probe = idle.pool.health_check.as_ref().filter(|_| refused.is_some()).map(|probe| &probe.label);
    let line =
        probe.or(lost.map(|member| &member.label)).or(sent_by).or(idle.pool.members.first().map(|member| &member.label)).unwrap_or(&idle.pool.label);
    let effect = if idle.hurts() { "would get an error" } else { "would get what answers in its place" };
    Finding {
        rule: NO_HEALTHY_SERVER.id,
        severity: if idle.hurts() { Severity::Error } else { Severity::Warning },
        message: format!(
            "{} {} {effect}: no server of `{name}` can serve ({})",
            of_requests(1.0),
            whose(&changes_of(cx.comparison, &idle.pairs), name),
            why(cx, idle.pool)
        ),
        help: match refused {
            Some(answers) => {
                format!("probe `{answers}`, which the inventory says they answer; or correct the inventory if the services have the new path")
            }
            None => format!("put a server of `{name}` into service before requests are sent there"),
        },
        tree: Tree::Head,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|{name}", NO_HEALTHY_SERVER.id, idle.gateway),
        requests: witnesses(cx.comparison, &idle.pairs),
    }
}

/// Returns the path that the members answer, where none of those in service answers the one that is probed and somebody served before.
fn probe_refused<'a>(cx: &RuleContext<'a>, idle: &Idle<'a>) -> Option<&'a str> {
    let inventory = &cx.head.model.inventory;
    idle.pool.members.iter().find_map(|member| inventory.probe_refused(idle.pool, member)).map(|(path, _)| &**path)
}

/// Returns what is wrong with the members: `1 down, 2 that no host has`.
fn why(cx: &RuleContext<'_>, pool: &Pool) -> String {
    let (mut down, mut drained, mut missing, mut refusing) = (0, 0, 0, 0);
    for member in &pool.members {
        if cx.head.model.inventory.probe_refused(pool, member).is_some() {
            refusing += 1;
        } else if matches!(cx.head.model.inventory.existence(&member.address.host), Existence::Missing(_)) {
            missing += 1;
        } else if member.state == MemberState::Down {
            down += 1;
        } else {
            drained += 1;
        }
    }
    let probed = pool.health_check.as_ref().and_then(|probe| probe.path.as_deref()).unwrap_or_default();
    let parts = [
        (down, "down".to_owned()),
        (drained, "drained".to_owned()),
        (missing, "that no host has".to_owned()),
        (refusing, format!("that do not answer the probe `{probed}`")),
    ];
    let parts: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if parts.is_empty() { "it has none".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    const POOLS: &str = "pool blue: 10.0.0.1:80\npool green: 10.0.0.2:80 down\ninventory 10.0.0.0/24: 10.0.0.1, 10.0.0.2\nhost shop.example.com\n";

    #[test]
    fn a_route_to_a_pool_out_of_service_is_an_error_on_the_line_that_sends_it_there() {
        let (base, head) = (format!("{POOLS}/ -> blue"), format!("{POOLS}/ -> green"));
        insta::assert_debug_snapshot!(say(&base, &head, &["http://shop.example.com/"]), @r#"
        [
            "error traffic/no-healthy-server: all requests to shop.example.com would get an error: no server of `green` can serve (1 down) @ to green",
        ]
        "#);
    }

    #[test]
    fn a_probe_that_no_service_answers_is_an_error_on_the_probe() {
        let with = |path: &str| {
            format!(
                "pool web: 10.0.0.1:80 check, 10.0.0.2:80 check\nprobe web {path}\ninventory 10.0.0.0/24: 10.0.0.1, 10.0.0.2\nfact 10.0.0.1 health=/up\nfact 10.0.0.2 health=/up\nhost shop.example.com\n/ -> web"
            )
        };
        insta::assert_debug_snapshot!(say(&with("/up"), &with("/ready"), &["http://shop.example.com/"]), @r#"
        [
            "error traffic/no-healthy-server: all requests to shop.example.com would get an error: no server of `web` can serve (2 that do not answer the probe `/ready`) @ probe web /ready",
        ]
        "#);
        assert!(say(&with("/up"), &with("/"), &["http://shop.example.com/"]).is_empty());
        assert!(say(&with("/up"), &with("/ready").replace("health=/up", "port=80"), &["http://shop.example.com/"]).is_empty());
    }

    #[test]
    fn a_new_route_to_a_pool_out_of_service_takes_nothing_from_anybody() {
        let (base, head) = (format!("{POOLS}/ -> blue\n/beta/ -> 404"), format!("{POOLS}/ -> blue\n/beta/ -> green"));
        assert!(say(&base, &head, &["http://shop.example.com/", "http://shop.example.com/beta/"]).is_empty());
    }
}
