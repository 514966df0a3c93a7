//! `rollback/rollback-unsafe`.

use crate::analysis::{Comparison, Pair};
use crate::model::{Existence, Host, Label, Model};
use crate::policy::arrival::{Arrival, arrivals, changes_of, goes, hosts_of, outcome_line, served, whose, witnesses};
use crate::policy::words::{EPSILON, count, list, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether a rollback really goes back: the effective configuration of head, with everything it includes, against the known-good state
    /// where one is given, else against the broken state that the pull request says it reverts.
    ///
    /// ## Why it matters
    ///
    /// A revert restores the lines of one commit. What came beside it stays: a drop-in file that a wildcard includes, a symbolic link, a host
    /// taken out of the inventory. The rollback is reported as done, and users still get errors.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # upstreams.d/app/50-spare.conf, included with upstreams.d/app/*.conf and not part of the revert
    /// server 10.21.3.39:9000 weight=9 max_fails=0;
    /// ```
    ///
    /// ```text
    /// the rollback leaves 10.21.3.39:9000 in `app_pool`: 75 % of requests to app.example.org would still get an error
    /// help: nginx/upstreams.d/app/50-spare.conf is not part of this change and is still read; take 10.21.3.39:9000 out of it in the same change
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Take back what the revert leaves: the named line decides, though it is not in the diff.
    /// - Give the state to return to (`--known-good`), so that every request is compared with it.
    ///
    /// It is an **error** when requests end in errors that the known-good state did not have, or go to servers it did not use; without a
    /// known-good state, when requests that were broken on base are broken still. Other differences from the known-good state are a
    /// **warning**.
    ///
    /// ## When it stays silent
    ///
    /// - Neither is a known-good state given, nor do title or body say that the change is a rollback.
    /// - Every request that was tried goes where it went in the known-good state.
    ///
    /// ## Where it has hurt
    ///
    /// - GitLab, 2019 (*High error rate on GitLab.com*): a change of headers was backed out, but not fully.
    pub static ROLLBACK_UNSAFE = { id: "rollback/rollback-unsafe", category: RollbackUnsafe, severity: Error, check: check }
}

/// The facts of one finding: what a rollback leaves behind.
struct Leftover<'a> {
    comparison: &'a Comparison,
    line: &'a Label,
    /// The pool, or where the requests go.
    pool: &'a str,
    gateway: &'a str,
    /// The server that should not be there, where it is one.
    server: Option<String>,
    /// The fraction of the requests that gets an error.
    broken: f64,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    match (cx.known_good, cx.rollback) {
        (Some(good), Some(rollback)) => against_known_good(cx, good.model, rollback, out),
        // Silent: nobody says that this goes back.
        _ if !says_rollback(cx.title, cx.body) => {}
        _ => still_broken(cx, out),
    }
}

/// Returns whether the pull request says that it takes something back.
fn says_rollback(title: &str, body: &str) -> bool {
    let title = title.trim().to_ascii_lowercase();
    let body = body.to_ascii_lowercase();
    let opens = ["revert ", "revert:", "revert(", "reverts ", "rollback", "roll back", "rolling back", "back out ", "backout"];
    opens.iter().any(|word| title.starts_with(word))
        || ["rollback of", "roll back ", "rollback to"].iter().any(|word| title.contains(word))
        || body.contains("this reverts commit")
        || body
            .lines()
            .any(|line| ["reverts #", "reverts http", "rolling back", "roll back to", "rollback of"].iter().any(|word| line.trim().starts_with(word)))
}

/// What differs from the known-good state, the harmful part by the line that makes it so.
fn against_known_good<'a>(cx: &RuleContext<'a>, good: &'a Model, rollback: &'a Comparison, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &str, Option<String>), Leftover<'_>> = BTreeMap::new();
    let mut harmless: BTreeSet<usize> = BTreeSet::new();
    for at in rollback.changes.iter().flat_map(|change| change.pairs.iter().copied()) {
        let Some(pair) = rollback.pairs.get(at) else { continue };
        let was = arrivals(good, &pair.was);
        let now = arrivals(cx.head.model, &pair.now);
        let before = was.iter().map(|was| was.broken_share).fold(0.0, f64::max);
        let used: BTreeSet<&str> =
            was.iter().flat_map(|was| was.servers).filter(|server| server.share > EPSILON).map(|server| server.address.as_str()).collect();
        // Requests that nobody served then are not what a rollback restores.
        let worse = |now: &&Arrival<'_>| {
            now.broken_share > before + EPSILON || now.servers.iter().any(|server| server.share > EPSILON && !used.contains(server.address.as_str()))
        };
        let lost = served(&pair.was.destination) && !served(&pair.now.destination) && now.is_empty();
        let harmful: Vec<_> = now.iter().filter(worse).filter(|_| served(&pair.was.destination)).collect();
        for arrival in &harmful {
            let server = culprit(cx.head.model, arrival, &used);
            if let Some(leftover) = leftover(rollback, arrival, server) {
                add(&mut found, leftover, at);
            }
        }
        match outcome_line(&pair.now).filter(|_| lost) {
            Some(line) => {
                let gateway = pair.now.gateway.as_deref().unwrap_or_default();
                add(
                    &mut found,
                    Leftover { comparison: rollback, line, pool: &line.text, gateway, server: None, broken: 1.0, pairs: BTreeSet::new() },
                    at,
                );
            }
            None if harmful.is_empty() => {
                harmless.insert(at);
            }
            None => {}
        }
    }
    if found.is_empty() {
        out.extend(difference(cx, rollback, &harmless));
    }
    out.extend(found.values().map(|leftover| leftover.finding(cx, Some(good))));
}

/// Without a known-good state: what was broken on base, is broken still, and why.
fn still_broken<'a>(cx: &RuleContext<'a>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &str, Option<String>), Leftover<'a>> = BTreeMap::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        let was_broken = arrivals(cx.base.model, &pair.was).iter().any(|was| was.broken_share > EPSILON);
        // Silent: it was whole before, so this is not what the rollback is for.
        if !was_broken {
            continue;
        }
        for now in arrivals(cx.head.model, &pair.now).iter().filter(|now| now.broken_share > EPSILON) {
            let server = culprit(cx.head.model, now, &BTreeSet::new());
            if let Some(leftover) = leftover(cx.comparison, now, server) {
                add(&mut found, leftover, at);
            }
        }
    }
    out.extend(found.values().map(|leftover| leftover.finding(cx, None)));
}

/// Returns the server that is to blame: the heaviest that no host has, else the heaviest that is not among `used`.
fn culprit(head: &Model, arrival: &Arrival<'_>, used: &BTreeSet<&str>) -> Option<String> {
    let heaviest = |wanted: &dyn Fn(&str) -> bool| {
        let wanted = arrival.servers.iter().filter(|server| server.share > EPSILON && wanted(&server.address));
        wanted.fold(None, |best: Option<(&str, f64)>, server| match best {
            Some((_, most)) if most >= arrival.share(&server.address) => best,
            _ => Some((&server.address, arrival.share(&server.address))),
        })
    };
    let missing = |address: &str| {
        let member = arrival.pool.iter().flat_map(|pool| &pool.members).find(|member| member.address.to_string() == address);
        let host: Option<&Host> = member.map(|member| &member.address.host);
        host.is_some_and(|host| matches!(head.inventory.existence(host), Existence::Missing(_)))
    };
    let stranger = |address: &str| !used.is_empty() && !used.contains(address);
    heaviest(&missing).or_else(|| heaviest(&stranger)).map(|(address, _)| address.to_owned())
}

fn leftover<'a>(comparison: &'a Comparison, arrival: &Arrival<'a>, server: Option<String>) -> Option<Leftover<'a>> {
    let line = match &server {
        Some(server) => arrival.line(server)?,
        None => arrival.pool.map(|pool| &pool.label).or_else(|| outcome_line(arrival.trace))?,
    };
    let (gateway, pool) = arrival.key();
    Some(Leftover { comparison, line, pool, gateway, server, broken: arrival.broken_share, pairs: BTreeSet::new() })
}

fn add<'a>(found: &mut BTreeMap<(&'a str, &'a str, Option<String>), Leftover<'a>>, leftover: Leftover<'a>, at: usize) {
    let broken = leftover.broken;
    let entry = found.entry((leftover.gateway, leftover.pool, leftover.server.clone())).or_insert(leftover);
    entry.broken = entry.broken.max(broken);
    entry.pairs.insert(at);
}

/// One finding for all that differs without harm that can be seen.
fn difference(cx: &RuleContext<'_>, rollback: &Comparison, pairs: &BTreeSet<usize>) -> Option<Finding> {
    let changes = changes_of(rollback, pairs);
    let pair: &Pair = changes.first().and_then(|change| rollback.witness(change))?;
    let line = deciding_difference(pair)?;
    let hosts = list(&hosts_of(&changes));
    Some(Finding {
        rule: ROLLBACK_UNSAFE.id,
        severity: Severity::Warning,
        message: format!(
            "the rollback does not restore the known-good state in {} ({hosts}): requests like {} {}, they used to be different",
            count(changes.len(), "region"),
            pair.now.request,
            goes(&pair.now.destination)
        ),
        help: "say in the pull request why this stays, or take it back as well".to_owned(),
        tree: Tree::Head,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|difference", ROLLBACK_UNSAFE.id, cx.title.is_empty()),
        requests: witnesses(rollback, pairs),
    })
}

/// Returns the first line of the way after the change that was not decided in the same words before.
fn deciding_difference(pair: &Pair) -> Option<&Label> {
    let differs = |(at, step): (usize, &crate::analysis::TraceStep)| pair.was.steps.get(at).is_none_or(|was| was.label.text != step.label.text);
    let at = pair.now.steps.iter().enumerate().position(differs);
    at.and_then(|at| pair.now.steps.get(at)).or_else(|| pair.now.steps.last()).map(|step| &step.label)
}

impl Leftover<'_> {
    fn finding(&self, cx: &RuleContext<'_>, good: Option<&Model>) -> Finding {
        let changes = changes_of(self.comparison, &self.pairs);
        let requests = whose(&changes, self.pool);
        let errors = if self.broken > 1.0 - EPSILON { "all requests".to_owned() } else { format!("{} of requests", percent(self.broken)) };
        let still = if good.is_some() { "" } else { "still " };
        let effect = if self.broken > EPSILON {
            format!("{errors} {requests} would {still}get an error")
        } else {
            format!("requests {requests} go to servers that the known-good state does not use")
        };
        let message = match &self.server {
            Some(server) => format!("the rollback leaves {server} in `{}`: {effect}", self.pool),
            None => format!("the rollback leaves `{}` as it is: {effect}", self.line.text),
        };
        Finding {
            rule: ROLLBACK_UNSAFE.id,
            severity: Severity::Error,
            message,
            help: self.help(cx, good),
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{}|{}", ROLLBACK_UNSAFE.id, self.gateway, self.pool, self.server.as_deref().unwrap_or_default()),
            requests: witnesses(self.comparison, &self.pairs),
        }
    }

    fn help(&self, cx: &RuleContext<'_>, good: Option<&Model>) -> String {
        let path = &self.line.span.path;
        let touched = cx.base.snapshot.text(path) != cx.head.snapshot.text(path);
        let what = match (&self.server, touched) {
            (Some(server), false) => format!("{path} is not part of this change and is still read; take {server} out of it in the same change"),
            (Some(server), true) => format!("take {server} out of {path} as well"),
            (None, _) => format!("take this line of {path} back as well"),
        };
        match good {
            Some(good) if !good.inputs.iter().any(|input| input.path == *path) => format!("{what}; the known-good state does not read that file"),
            Some(_) | None => what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::scene::{say, say_titled};

    #[test]
    fn a_rollback_says_so() {
        assert!(says_rollback("Revert \"Bring in spare app machine for maintenance\"", ""));
        assert!(says_rollback("Rollback of the March release", ""));
        assert!(says_rollback("Undo the move", "This reverts commit 4f2c1e9."));
        assert!(says_rollback("Hotfix", "Reverts #812"));
        assert!(!says_rollback("Add the revert button to the shop", "The roll back of cookies is documented."));
        assert!(!says_rollback("", ""));
    }

    const URL: [&str; 1] = ["http://app.example.org/"];

    fn with(pool: &str) -> String {
        format!("pool app: {pool}\ninventory 10.21.3.0/24: 10.21.3.31, 10.21.3.32, 10.21.3.33\nhost app.example.org\n/ -> app")
    }

    #[test]
    fn what_a_revert_leaves_behind_is_named() {
        let good = with("10.21.3.31:90, 10.21.3.32:90, 10.21.3.33:90");
        let base = with("10.21.3.31:90, 10.21.3.39:90, 10.21.3.39:90 weight=9");
        let head = with("10.21.3.31:90, 10.21.3.32:90, 10.21.3.33:90, 10.21.3.39:90 weight=9");
        insta::assert_debug_snapshot!(say_titled("Revert \"Bring in spare\"", None, (&base, &head), &URL), @r#"
        [
            "error rollback/rollback-unsafe: the rollback leaves 10.21.3.39:90 in `app`: 75 % of requests to app.example.org would still get an error @ app: server 10.21.3.39:90 weight=9",
            "error traffic/missing-server: 75 % of requests to app.example.org would go to 10.21.3.39:90, which no host has @ app: server 10.21.3.39:90 weight=9",
        ]
        "#);
        insta::assert_debug_snapshot!(say_titled("", Some(&good), (&base, &head), &URL), @r#"
        [
            "error rollback/rollback-unsafe: the rollback leaves 10.21.3.39:90 in `app`: 75 % of requests to app.example.org would get an error @ app: server 10.21.3.39:90 weight=9",
            "error traffic/missing-server: 75 % of requests to app.example.org would go to 10.21.3.39:90, which no host has @ app: server 10.21.3.39:90 weight=9",
        ]
        "#);
        assert!(!say(&base, &head, &URL).iter().any(|line| line.contains("rollback")));
    }

    #[test]
    fn a_rollback_that_goes_back_is_silent() {
        let good = with("10.21.3.31:90, 10.21.3.32:90");
        let base = with("10.21.3.31:90, 10.21.3.39:90 weight=9");
        assert!(say_titled("Revert \"Bring in spare\"", Some(&good), (&base, &good), &URL).is_empty());
        assert!(say_titled("Revert \"Bring in spare\"", None, (&base, &good), &URL).is_empty());
    }

    #[test]
    fn a_harmless_difference_is_a_warning() {
        let good = with("10.21.3.31:90, 10.21.3.32:90");
        let head = with("10.21.3.31:90 weight=2, 10.21.3.32:90");
        insta::assert_debug_snapshot!(say_titled("Rollback", Some(&good), (&head, &head), &URL), @r#"
        [
            "warning rollback/rollback-unsafe: the rollback does not restore the known-good state in 1 region (app.example.org): requests like GET http://app.example.org/ go to `app`, they used to be different @ upstream app",
        ]
        "#);
    }
}
