//! `security/exposure-widened`.

use crate::analysis::{Destination, Pair};
use crate::model::{Gateway, Label, ListenAddress, Listener, Request};
use crate::policy::arrival::{changes_of, goes, outcome_line, served, whose, witnesses};
use crate::policy::hosts::same_host;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Parts of paths that lead to the inside of a service.
const INSIDE: &[&str] = &[
    "admin",
    "metrics",
    "status",
    "server-status",
    "nginx_status",
    "stub_status",
    "stats",
    "actuator",
    "internal",
    "private",
    "debug",
    "console",
    "manager",
    "phpmyadmin",
    "wp-admin",
    "wp-login.php",
    ".git",
    ".env",
    ".htpasswd",
    "backup",
    "prometheus",
    "heapdump",
    "env",
    "jolokia",
    "haproxy",
    "pprof",
    "swagger",
];

rule! {
    /// ## What it checks
    ///
    /// Whether requests that were refused for everybody or for some clients are answered since this change: an allow-list, a password or a
    /// refusal that is gone or wider, a listener that was only on the machine itself or its network, a client certificate that is not
    /// asked for any more. And whether a script that was run is given away as text.
    ///
    /// ## Why it matters
    ///
    /// Nothing breaks, so nobody notices but those who look for it. Often the protection goes with something else: a block is moved out of
    /// the one that had the list, a longer path gets its own block without it.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// location /admin/ {
    ///     # allow 10.0.0.0/8; deny all;   (removed)
    ///     proxy_pass http://web_pool;
    /// }
    /// ```
    ///
    /// ```text
    /// requests to shop.example.com (paths such as /admin/), from 203.0.113.9 among others, were refused with 403 and would go to `web_pool`
    /// help: keep what refused them, or say in the pull request that everybody may have this
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Keep the refusal, the list or the password where the requests end now.
    /// - If it is meant, say so, and let somebody who knows what is behind it agree.
    ///
    /// It is an **error** for paths that lead to the inside (`/admin`, `/metrics`, `/.git`…), for a listener that leaves the machine itself,
    /// where clients had to show a certificate, and where the source of scripts would be served; a **warning** for all else.
    ///
    /// ## When it stays silent
    ///
    /// - The requests were answered with 404 or by nobody: something new is no protection lost.
    /// - A redirect takes the place of a refusal, or another virtual host answers.
    /// - Clients are still refused that were refused before; for whom, or with what, has not changed.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 5 took a protection away.
    pub static EXPOSURE_WIDENED = { id: "security/exposure-widened", category: ExposureWidened, severity: Error, check: check }
}

struct Opened<'a> {
    gateway: &'a str,
    line: &'a Label,
    first: &'a Pair,
    pairs: BTreeSet<usize>,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label, String), Opened<'_>> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        // Silent: nobody was refused, or those who were still are.
        let Some(refusal) = opened(&pair.was.destination, &pair.now.destination) else { continue };
        // Silent: another virtual host answers; other rules are about that.
        let hosts = pair.was.virtual_host_in(cx.base.model).zip(pair.now.virtual_host_in(cx.head.model));
        if hosts.is_some_and(|(was, now)| !same_host(was, now)) || hosts.is_none() && pair.was.virtual_host.is_some() {
            continue;
        }
        let Some(outcome) = outcome_line(&pair.now) else { continue };
        let line = turned(cx, pair).unwrap_or(outcome);
        let gateway = pair.now.gateway.as_deref().unwrap_or_default();
        let entry = found.entry((gateway, line, refusal));
        entry.or_insert_with(|| Opened { gateway, line, first: pair, pairs: BTreeSet::new() }).pairs.insert(at);
    }
    out.extend(found.iter().map(|((.., refusal), opened)| opened.finding(cx, refusal)));
    sources(cx, out);
    doors(cx, out);
}

/// Returns the line of head that was the refusing line of base, or that stands for it: the only line of its kind, or that lets clients in, that base has not.
/// `None` where it is gone.
fn turned<'a>(cx: &RuleContext<'a>, pair: &Pair) -> Option<&'a Label> {
    let was = outcome_line(&pair.was)?;
    let kind =
        |label: &Label| label.text.split_whitespace().take_while(|word| !matches!(*word, "if" | "unless")).take(2).collect::<Vec<_>>().join(" ");
    let refusing = kind(was);
    if !refusing.contains(' ') || refusing == "deny all" {
        return None;
    }
    let (base, head) = (pair.was.gateway_in(cx.base.model)?, pair.now.gateway_in(cx.head.model)?);
    let known: BTreeSet<&str> = labels(base).map(|label| &*label.text).collect();
    let lets_in = |kind: &str| kind.ends_with(" allow") || kind.ends_with(" accept");
    let mut new: Vec<&Label> = labels(head)
        .filter(|label| label.span.path == was.span.path && !known.contains(&*label.text))
        .filter(|label| kind(label) == refusing || lets_in(&kind(label)))
        .collect();
    new.sort_by_key(|label| label.span.start);
    new.dedup_by_key(|label| label.span.start);
    if let [one] = new.as_slice() { Some(one) } else { None }
}

/// Returns the lines of all routes of a gateway.
fn labels(gateway: &Gateway) -> impl Iterator<Item = &Label> {
    gateway.tables.iter().flat_map(|table| &table.routes).filter_map(|route| route.label.as_ref())
}

/// Returns how requests were refused on base that are answered on head: `refused with 403`.
fn opened(was: &Destination, now: &Destination) -> Option<String> {
    let refusal = refuses(was)?;
    // Silent: a redirect, or nobody answers.
    let answered = served(now) && !matches!(now, Destination::Redirect { .. });
    (answered && refuses(now).is_none()).then_some(refusal)
}

/// Returns how some clients are turned away; a 404 says nothing of them.
fn refuses(destination: &Destination) -> Option<String> {
    match destination {
        Destination::Reject { status: status @ (401 | 403 | 407) } => Some(format!("refused with {status}")),
        Destination::Close => Some("cut off without an answer".to_owned()),
        Destination::Opaque { alternatives, .. } => alternatives.iter().find_map(|one| match &*one.outcome {
            Destination::Reject { status: status @ (401 | 403 | 407) } => Some(format!("refused with {status} to some clients")),
            _ => None,
        }),
        Destination::Reject { .. }
        | Destination::Forward { .. }
        | Destination::Redirect { .. }
        | Destination::Respond { .. }
        | Destination::Files { .. }
        | Destination::None => None,
    }
}

/// Returns whether `request` asks for the inside of a service.
fn is_inside(request: &Request) -> bool {
    let path = request.target.split('?').next().unwrap_or_default().to_ascii_lowercase();
    path.split('/').any(|part| INSIDE.contains(&part))
}

impl Opened<'_> {
    fn finding(&self, cx: &RuleContext<'_>, refusal: &str) -> Finding {
        let requests = witnesses(cx.comparison, &self.pairs);
        let inside = requests.iter().any(is_inside);
        let whose = whose(&changes_of(cx.comparison, &self.pairs), "");
        let goes = goes(&self.first.now.destination).replacen("are ", "be ", 1);
        let from = self.first.now.request.from.map_or_else(String::new, |from| format!(", from {from} among others,"));
        Finding {
            rule: EXPOSURE_WIDENED.id,
            severity: if inside { Severity::Error } else { Severity::Warning },
            message: format!("requests {whose}{from} were {refusal} and would {goes}"),
            help: "keep what refused them, or say in the pull request that everybody may have this".to_owned(),
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{refusal}|{}", EXPOSURE_WIDENED.id, self.gateway, self.line.text),
            requests,
        }
    }
}

/// Endings of files that are programs.
const SCRIPTS: &[&str] = &[".php", ".phtml", ".php5", ".cgi", ".pl", ".jsp", ".asp", ".aspx"];

/// Scripts that an application ran and that are files now: everybody may read their source, passwords and all.
fn sources(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &Label), (&Pair, BTreeSet<usize>)> = BTreeMap::new();
    let changed = cx.comparison.changes.iter().filter(|change| !change.behaviour_only).flat_map(|change| change.pairs.iter().copied());
    for at in changed {
        let Some(pair) = cx.comparison.pairs.get(at) else { continue };
        let path = pair.now.request.target.split('?').next().unwrap_or_default().to_ascii_lowercase();
        let ran = matches!(pair.was.destination, Destination::Forward { .. }) && matches!(pair.now.destination, Destination::Files { .. });
        if let Some(line) = outcome_line(&pair.now).filter(|_| ran && SCRIPTS.iter().any(|ending| path.ends_with(ending))) {
            let gateway = pair.now.gateway.as_deref().unwrap_or_default();
            found.entry((gateway, line)).or_insert_with(|| (pair, BTreeSet::new())).1.insert(at);
        }
    }
    out.extend(found.iter().map(|((gateway, line), (first, pairs))| {
        let requests = witnesses(cx.comparison, pairs);
        let path = first.now.request.target.split('?').next().unwrap_or_default();
        Finding {
            rule: EXPOSURE_WIDENED.id,
            severity: Severity::Error,
            message: format!(
                "scripts such as {path} were run and would {}: everybody could read their source",
                goes(&first.now.destination).replacen("are ", "be ", 1)
            ),
            help: "keep the location that runs them in front of this one, or refuse them here".to_owned(),
            tree: Tree::Head,
            span: line.span.clone(),
            when: None,
            identity: format!("{}|{gateway}|source|{}", EXPOSURE_WIDENED.id, line.text),
            requests,
        }
    }));
}

/// How far a listener is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Machine,
    Network,
    Everybody,
}

fn reach(address: &ListenAddress) -> Option<Reach> {
    match address {
        ListenAddress::Tcp { ip: None, .. } => Some(Reach::Everybody),
        ListenAddress::Tcp { ip: Some(ip), .. } if ip.is_loopback() => Some(Reach::Machine),
        ListenAddress::Tcp { ip: Some(IpAddr::V4(ip)), .. } if ip.is_private() => Some(Reach::Network),
        ListenAddress::Unix(_) => Some(Reach::Machine),
        ListenAddress::Tcp { ip: Some(_), .. } | ListenAddress::Hole(_) => None,
    }
}

/// Listeners that are reached from further away, and those that do not ask for a client's certificate any more.
fn doors(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for now in &cx.head.model.gateways {
        let Some(was) = cx.base.model.gateways.iter().find(|was| was.id == now.id) else { continue };
        for listener in &now.listeners {
            out.extend(further(was, now, listener));
            let before = was.listeners.iter().find(|before| before.address == listener.address);
            let (Some(old), Some(new)) = (before.and_then(|before| before.tls.as_ref()), listener.tls.as_ref()) else { continue };
            if old.client_certificate && !new.client_certificate {
                let (tree, line) = old.client_label.as_ref().map_or((Tree::Head, &listener.label), |label| (Tree::Base, label));
                let message = format!("{} does not ask clients for a certificate any more: everybody may connect", listener.address);
                let help = "keep asking for it, or put something else in front that knows who may connect".to_owned();
                out.push(door_finding(now, listener, (Severity::Error, tree, line), (message, help)));
            }
        }
    }
}

/// A listener of a port that base had only on the machine itself, or only on a private network.
fn further(was: &Gateway, now: &Gateway, listener: &Listener) -> Option<Finding> {
    let widest = |gateway: &Gateway| {
        let same_port = gateway.listeners.iter().filter(|one| one.address.port() == listener.address.port());
        same_port.map(|one| reach(&one.address)).collect::<Option<Vec<_>>>()?.into_iter().max()
    };
    listener.address.port()?;
    let (before, after) = (widest(was)?, reach(&listener.address)?);
    // Silent: it is no wider than the port was, or it answers nothing.
    if after <= before || widest(now)? != after {
        return None;
    }
    let (whom, severity) = match before {
        Reach::Machine => ("the machine itself", Severity::Error),
        Reach::Network | Reach::Everybody => ("its own network", Severity::Warning),
    };
    let message = format!("{} is reached from further away: until now the port was open to {whom} alone", listener.address);
    let help = "keep the address, or make sure that everybody may ask for all that answers here".to_owned();
    Some(door_finding(now, listener, (severity, Tree::Head, &listener.label), (message, help)))
}

fn door_finding(
    gateway: &Gateway,
    listener: &Listener,
    (severity, tree, line): (Severity, Tree, &Label),
    (message, help): (String, String),
) -> Finding {
    Finding {
        rule: EXPOSURE_WIDENED.id,
        severity,
        message,
        help,
        tree,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|{}", EXPOSURE_WIDENED.id, gateway.id, listener.address),
        requests: Vec::new(),
    }
}
