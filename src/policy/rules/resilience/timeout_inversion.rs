//! `resilience/timeout-inversion`.

use crate::model::{Existence, Label, Quantity};
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::passage::{Passage, Stop, load, passages};
use crate::policy::words::duration;
use crate::policy::{Finding, RuleContext, Severity, Tree};

/// A time that shrinks to this part or less is a surprise to whoever needs more.
const TENTH: u64 = 10;

/// Times from here on are long enough for whatever answers at all.
const LONG_MS: u64 = 10_000;

rule! {
    /// ## What it checks
    ///
    /// Whether the proxy gives up on a server before the service behind it may answer, as its inventory, its objectives or its own settings
    /// say; or waits for a connection longer than for the answer.
    ///
    /// ## Why it matters
    ///
    /// Requests that used to succeed end in 504 while the server goes on working for a client that is gone; retries make it work twice.
    /// Short requests, and every test by hand, still pass.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # inventory/hosts.yml: request_timeout: 45s
    /// location / {
    ///     proxy_pass http://web_pool;
    ///     proxy_read_timeout 10s;   # was 60s
    /// }
    /// ```
    ///
    /// ```text
    /// requests to shop.example.com get an error when they take longer than 10 s, and `web_pool` may take 45 s for an answer (`request_timeout: 45s` in inventory/hosts.yml); until now the proxy waited 60 s
    /// help: wait at least 45 s here, or make the service answer within 10 s first
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Wait longer than the service may take, and let each layer wait a little longer than the one behind it.
    /// - Lower the limit of the service first, then the proxy's.
    ///
    /// It is an **error** when the time falls below what the service is said to need, a **warning** when it was below before and falls
    /// further, when nothing is said of the service and the time falls to a tenth or less, under 10 s, and when a connection is waited for
    /// longer than an answer.
    ///
    /// ## When it stays silent
    ///
    /// - The service is said to answer in time, or times grow.
    /// - Nothing is said of the service and the time does not fall that far.
    /// - The client's own time (HAProxy `timeout client`) is shorter: it does not run while the client waits for its answer.
    ///
    /// ## Where it has hurt
    ///
    /// - Chef, 2014: one cause of the Supermarket's unresponsiveness was a time limit that was far too low.
    pub static TIMEOUT_INVERSION = { id: "resilience/timeout-inversion", category: TimeoutInversion, severity: Error, check: check }
}

/// How long a service may take, and who says so.
struct Need<'a> {
    ms: u64,
    said: &'a Label,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for passage in passages(cx) {
        out.extend(gives_up(cx, passage).or_else(|| connects_longer(cx, passage)));
    }
}

/// The proxy waits less than the service may take.
fn gives_up(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (was, now) = (passage.was.forward?, passage.now.forward?);
    let wait = now.timeouts.read_ms?;
    let before = was.timeouts.read_ms;
    let requests = passage.asked(cx);
    let name = &passage.now.pool.name;
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let until = before.map_or_else(String::new, |before| format!("; until now the proxy waited {}", duration(before)));
    let line = now.timeouts.lines.read.as_ref().unwrap_or(&now.label);
    let Some(need) = need(&passage.now, &requests) else {
        // Silent: nobody says what the service needs, and the time does not fall far.
        let before = before.filter(|before| wait < LONG_MS && wait.saturating_mul(TENTH) <= *before)?;
        let message = format!("requests {whose} get an error when they take longer than {}; until now they had {}", duration(wait), duration(before));
        let help = format!("make sure that every answer of `{name}` takes less than {}", duration(wait));
        return Some(finding(cx, passage, (Severity::Warning, line), (message, help), wait));
    };
    // Silent: there is time enough.
    if wait >= need.ms {
        return None;
    }
    let short_before = before.is_some_and(|before| before < self::need(&passage.was, &requests).map_or(need.ms, |was| was.ms));
    // Silent: it was as short before.
    if short_before && before.is_some_and(|before| before <= wait) {
        return None;
    }
    let severity = if short_before { Severity::Warning } else { Severity::Error };
    let already = if short_before { ", which was less than it may take already" } else { "" };
    let until = if before == Some(wait) { String::new() } else { until };
    let message = format!(
        "requests {whose} get an error when they take longer than {}, and `{name}` may take {} for an answer (`{}` in {}){until}{already}",
        duration(wait),
        duration(need.ms),
        need.said.text,
        need.said.span.path,
    );
    let help = format!("wait at least {} here, or make the service answer within {} first", duration(need.ms), duration(wait));
    Some(finding(cx, passage, (severity, line), (message, help), wait))
}

/// A connection is waited for longer than the answer, since this change and by a line of its own: then nobody is tried in time who could answer.
fn connects_longer(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let (was, now) = (passage.was.forward?, passage.now.forward?);
    let (connect, read) = (now.timeouts.connect_ms?, now.timeouts.read_ms?);
    let line = now.timeouts.lines.connect.as_ref()?;
    // Silent: it was so before, or a connection is given up in time.
    if connect <= read || was.timeouts.connect_ms.zip(was.timeouts.read_ms).is_none_or(|(connect, read)| connect > read) {
        return None;
    }
    let name = &passage.now.pool.name;
    let whose = whose(&changes_of(cx.comparison, &passage.pairs), name);
    let message = format!(
        "requests {whose} wait {} for a connection to a server of `{name}`, longer than the {} for its answer",
        duration(connect),
        duration(read)
    );
    let help = "give up on a connection sooner: a server that is there accepts it in milliseconds".to_owned();
    Some(finding(cx, passage, (Severity::Warning, line), (message, help), connect))
}

/// Returns how long the servers of a pool may take for these requests: what is said of the requests or the pool, and what the hosts say.
fn need<'a>(stop: &Stop<'a>, requests: &[(&str, &str)]) -> Option<Need<'a>> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole milliseconds of a time that was read from a file, at most a billion"
    )]
    let said = load(stop.inventory, Quantity::AnswerMs, &stop.pool.name, requests).map(|fact| Need { ms: fact.amount as u64, said: &fact.label });
    let hosts = stop.pool.members.iter().filter_map(|member| match stop.inventory.existence(&member.address.host) {
        Existence::Known(host) => host.service.answer_ms.as_ref(),
        Existence::Missing(_) | Existence::Unknown => None,
    });
    hosts.map(|(ms, label)| Need { ms: *ms, said: label }).chain(said).reduce(|most, one| if one.ms > most.ms { one } else { most })
}

fn finding(cx: &RuleContext<'_>, passage: &Passage<'_>, (severity, line): (Severity, &Label), (message, help): (String, String), ms: u64) -> Finding {
    Finding {
        rule: TIMEOUT_INVERSION.id,
        severity,
        message,
        help,
        tree: Tree::Head,
        span: line.span.clone(),
        when: Some(format!("while an answer takes longer than {}", duration(ms))),
        identity: format!("{}|{}|{}|{}", TIMEOUT_INVERSION.id, passage.gateway, passage.now.pool.name, line.text),
        requests: witnesses(cx.comparison, &passage.pairs),
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    fn with(read: u64, answer: &str) -> String {
        format!(
            "pool web: 10.0.0.1:80, 10.0.0.2:80\ninventory 10.0.0.0/24: 10.0.0.1, 10.0.0.2\nfact 10.0.0.1 {answer}\nwait web read={read} connect=1000\nhost shop.example.com\n/ -> web"
        )
    }

    fn said(base: &str, head: &str) -> Vec<String> {
        say(base, head, &["http://shop.example.com/"])
    }

    #[test]
    fn giving_up_before_the_service_may_answer_is_an_error() {
        insta::assert_debug_snapshot!(said(&with(60_000, "answer=45000"), &with(10_000, "answer=45000")), @r#"
        [
            "error resilience/timeout-inversion: requests to shop.example.com get an error when they take longer than 10 s, and `web` may take 45 s for an answer (`request_timeout` in web.conf); until now the proxy waited 60 s @ wait web read=10000 connect=1000",
        ]
        "#);
        insta::assert_debug_snapshot!(said(&with(30_000, "answer=45000"), &with(10_000, "answer=45000")), @r#"
        [
            "warning resilience/timeout-inversion: requests to shop.example.com get an error when they take longer than 10 s, and `web` may take 45 s for an answer (`request_timeout` in web.conf); until now the proxy waited 30 s, which was less than it may take already @ wait web read=10000 connect=1000",
        ]
        "#);
    }

    #[test]
    fn time_enough_and_times_that_grow_are_silent() {
        assert!(said(&with(60_000, "answer=45000"), &with(45_000, "answer=45000")).is_empty());
        assert!(said(&with(10_000, "answer=45000"), &with(30_000, "answer=45000")).is_empty());
        assert!(said(&with(60_000, "port=80"), &with(20_000, "port=80")).is_empty());
    }

    #[test]
    fn without_a_word_on_the_service_only_a_steep_fall_is_worth_one() {
        insta::assert_debug_snapshot!(said(&with(60_000, "port=80"), &with(2_000, "port=80")), @r#"
        [
            "warning resilience/timeout-inversion: requests to shop.example.com get an error when they take longer than 2 s; until now they had 60 s @ wait web read=2000 connect=1000",
        ]
        "#);
        assert!(said(&with(60_000, "port=80"), &with(10_000, "port=80")).is_empty());
    }

    #[test]
    fn a_connection_that_is_waited_for_longer_than_an_answer_is_a_warning() {
        let base = with(60_000, "port=80");
        insta::assert_debug_snapshot!(said(&base, &base.replace("connect=1000", "connect=90000")), @r#"
        [
            "warning resilience/timeout-inversion: requests to shop.example.com wait 90 s for a connection to a server of `web`, longer than the 60 s for its answer @ wait web read=60000 connect=90000",
        ]
        "#);
    }
}
