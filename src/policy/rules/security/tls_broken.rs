//! `security/tls-broken`.

use crate::analysis::trace_in;
use crate::model::{Certificate, Coverage, Gateway, HostPattern, Inventory, Label, Listener, Model, Request, Role, Tls};
use crate::policy::arrival::served;
use crate::policy::words::list;
use crate::policy::{Finding, RuleContext, Severity, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Protocols that are broken or given up (RFC 7568, RFC 8996), as the proxies write them.
const OLD: &[&str] = &["sslv2", "sslv3", "tlsv1", "tlsv1.0", "tlsv1.1"];

/// The most names that are looked at on one listener.
const MOST_NAMES: usize = 2000;

rule! {
    /// ## What it checks
    ///
    /// Whether clients that were shown a good certificate for a name are shown another one, or are refused in the handshake; whether a
    /// listener stops speaking TLS; and whether old protocols are let in or current ones shut out.
    ///
    /// ## Why it matters
    ///
    /// The routes for the name are all still there, and every check of the configuration passes: which names a certificate holds stands in
    /// the certificate. Browsers and programs refuse the connection before a request is sent, so no log of requests shows it.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// # tls/certificates.yml: www.pem holds www.example.com, api.pem holds api.example.com
    /// server {
    ///     listen 443 ssl;
    ///     server_name api.example.com;
    ///     ssl_certificate certs/www.pem;   # was certs/api.pem
    /// }
    /// ```
    ///
    /// ```text
    /// clients that ask for api.example.com over TLS are shown the certificate certs/www.pem, which does not hold the name, and refuse it; until now they were shown one that does
    /// help: add a certificate for api.example.com to the listener 0.0.0.0:443, or move its clients to another name first
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Add the certificate that holds the name, or have the new one issued for all of the names.
    /// - Take a name out of service (routes, DNS) before its certificate.
    ///
    /// It is an **error** when the configuration names the host, or the listener stops speaking TLS; a **warning** when only the old
    /// certificate named it, and when protocols change.
    ///
    /// ## When it stays silent
    ///
    /// - Nobody says which names a certificate holds: a list of certificates in the repository does, or the filters of a certificate list.
    /// - The name was not covered before either, or nobody serves it.
    /// - Certificates that run out: that depends on the day, not on the change.
    ///
    /// ## Where it has hurt
    ///
    /// - npm, 2016: an outdated certificate was deployed for a registry.
    /// - openSUSE, 5 January 2023: the second proxy had old certificates.
    pub static TLS_BROKEN = { id: "security/tls-broken", category: TlsBroken, severity: Error, check: check }
}

/// A listener on both sides.
#[derive(Clone, Copy)]
struct Door<'a> {
    was: (&'a Gateway, &'a Listener),
    now: (&'a Gateway, &'a Listener),
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for now in &cx.head.model.gateways {
        let Some(was) = cx.base.model.gateways.iter().find(|was| was.id == now.id) else { continue };
        for listener in &now.listeners {
            let Some(before) = was.listeners.iter().find(|before| before.address == listener.address) else { continue };
            let door = Door { was: (was, before), now: (now, listener) };
            match (&before.tls, &listener.tls) {
                (Some(_), None) => out.push(clear_text(&door)),
                (Some(old), Some(new)) => {
                    uncovered(cx, &door, (old, new), out);
                    out.extend(versions(&door, (old, new)));
                }
                (None, _) => {}
            }
        }
    }
}

fn clear_text(door: &Door<'_>) -> Finding {
    let (gateway, listener) = door.now;
    Finding {
        rule: TLS_BROKEN.id,
        severity: Severity::Error,
        message: format!("{} does not speak TLS any more: clients that begin with a handshake get an error", listener.address),
        help: "keep TLS here, or move clear text to another port".to_owned(),
        tree: Tree::Head,
        span: listener.label.span.clone(),
        when: None,
        identity: format!("{}|{}|{}|clear text", TLS_BROKEN.id, gateway.id, listener.address),
        requests: Vec::new(),
    }
}

/// What clients that ask for a name get from now on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Instead<'a> {
    Refused,
    Other(&'a str),
}

fn uncovered(cx: &RuleContext<'_>, door: &Door<'_>, (old, new): (&Tls, &Tls), out: &mut Vec<Finding>) {
    let (base, head) = (&cx.base.model.inventory, &cx.head.model.inventory);
    // Silent: the same certificates with the same names.
    let names_of = |tls: &Tls, inventory: &Inventory| {
        let names = |one: &Certificate| (one.path.to_string(), one.names.clone(), inventory.certificate(&one.path).map(|fact| fact.names.clone()));
        (tls.strict_names, tls.certificates.iter().map(names).collect::<Vec<_>>())
    };
    if names_of(old, base) == names_of(new, head) {
        return;
    }
    let named = named(cx, door);
    let in_config = |name: &str| is_known(cx, name);
    let certified = old.certificates.iter().filter_map(|one| base.certificate(&one.path)).flat_map(|fact| &fact.names).map(ToString::to_string);
    let mut all = named.clone();
    all.extend(certified.filter(|name| !name.starts_with("*.")));
    let mut lost: BTreeMap<(Instead<'_>, bool), Vec<String>> = BTreeMap::new();
    for name in all.into_iter().take(MOST_NAMES) {
        let instead = match (base.covers(old, &name), head.covers(new, &name)) {
            (Coverage::Good, Coverage::Refused) => Instead::Refused,
            (Coverage::Good, Coverage::Other(fact)) => Instead::Other(&fact.file),
            // Silent: it was not good before, still is, or nobody can tell.
            _ => continue,
        };
        // Silent: nobody is served there, before or after the handshake.
        if !answers(cx.base.model, door.was, &name) || (instead != Instead::Refused && !answers(cx.head.model, door.now, &name)) {
            continue;
        }
        lost.entry((instead, named.contains(&name) || in_config(&name))).or_default().push(name);
    }
    out.extend(lost.iter().map(|((instead, named), names)| finding(cx, door, (old, new), (*instead, *named, names))));
}

/// Returns the hosts that the configuration of either side names at this listener: its virtual hosts, and those that conditions ask for.
fn named(cx: &RuleContext<'_>, door: &Door<'_>) -> BTreeSet<String> {
    let hosts = [door.was.1, door.now.1].into_iter().flat_map(|listener| &listener.virtual_hosts).flat_map(|host| &host.names);
    let mut found: BTreeSet<String> = hosts
        .filter_map(|(name, _)| match name {
            HostPattern::Exact(name) if name.contains('.') => Some(name.to_string()),
            // One name below it speaks for all.
            HostPattern::AnyPrefix(rest) => Some(format!("any{rest}")),
            HostPattern::Exact(_) | HostPattern::AnySuffix(_) | HostPattern::Regex(_) | HostPattern::Hole(_) => None,
        })
        .collect();
    let address = door.now.1.address.to_string();
    let here = cx.comparison.pairs.iter().filter(|pair| {
        [&pair.was, &pair.now].iter().any(|trace| trace.gateway.as_deref() == Some(&*door.now.0.id) && trace.listener.as_deref() == Some(&*address))
    });
    found.extend(here.map(|pair| pair.now.request.host.to_ascii_lowercase()).filter(|host| is_known(cx, host)));
    found
}

/// Returns whether `host` was asked for because a name stands in the configuration, not to try "any other host".
fn is_known(cx: &RuleContext<'_>, host: &str) -> bool {
    let said = |side: crate::policy::Side<'_>| {
        let files = side.model.inputs.iter().filter(|input| matches!(input.role, Role::Entry | Role::Included));
        files.into_iter().any(|input| side.snapshot.text(&input.path).is_ok_and(|text| text.contains(host)))
    };
    host.contains('.') && (said(cx.base) || said(cx.head))
}

fn answers(model: &Model, (gateway, listener): (&Gateway, &Listener), name: &str) -> bool {
    Request::get(&format!("https://{name}/")).is_ok_and(|request| served(&trace_in(model, gateway, listener, &request).destination))
}

fn finding(cx: &RuleContext<'_>, door: &Door<'_>, (old, new): (&Tls, &Tls), (instead, named, names): (Instead<'_>, bool, &[String])) -> Finding {
    let (gateway, listener) = door.now;
    let is_in = |tls: &Tls, one: &Certificate| tls.certificates.iter().any(|other| other.path == one.path && other.names == one.names);
    let added = new.certificates.iter().find(|one| !is_in(old, one)).map(|one| (Tree::Head, &one.label));
    let removed = old.certificates.iter().find(|one| !is_in(new, one)).map(|one| (Tree::Base, &one.label));
    let (tree, line): (Tree, &Label) = added.or(removed).unwrap_or((Tree::Head, &listener.label));
    let who = list(names);
    let (message, them) = match instead {
        Instead::Refused => (
            format!(
                "clients that ask for {who} over TLS are refused in the handshake: no certificate of {} holds the name; until now one did",
                listener.address
            ),
            "its",
        ),
        Instead::Other(file) => (
            format!(
                "clients that ask for {who} over TLS are shown the certificate {file}, which does not hold the name, and refuse it; until now they were shown one that does"
            ),
            "its",
        ),
    };
    let requests = cx.comparison.pairs.iter().map(|pair| &pair.now.request);
    let tried =
        requests.filter(|request| names.iter().any(|name| request.host.eq_ignore_ascii_case(name)) && request.url().starts_with("https://")).take(3);
    let made = names.iter().take(3).filter_map(|name| Request::get(&format!("https://{name}/")).ok());
    let mut requests: Vec<Request> = tried.cloned().collect();
    for request in made {
        if !requests.iter().any(|one| one.host == request.host) {
            requests.push(request);
        }
    }
    Finding {
        rule: TLS_BROKEN.id,
        severity: if named { Severity::Error } else { Severity::Warning },
        message,
        help: format!("add a certificate for {who} to the listener {}, or move {them} clients to another name first", listener.address),
        tree,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|{}|{}", TLS_BROKEN.id, gateway.id, listener.address, names.join(" ")),
        requests,
    }
}

/// Old protocols that are offered since this change, or current ones that are not any more.
fn versions(door: &Door<'_>, (old, new): (&Tls, &Tls)) -> Option<Finding> {
    // Silent: the proxy's own choice, which its version makes.
    if new.versions.is_empty() || old.versions == new.versions {
        return None;
    }
    let lower = |tls: &Tls| tls.versions.iter().map(|version| version.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    let (before, after) = (lower(old), lower(new));
    let let_in: Vec<&String> = after.iter().filter(|version| OLD.contains(&&***version) && !before.contains(*version)).collect();
    let only_newest = after.len() == 1 && after.contains("tlsv1.3") && !(before.len() == 1 && before.contains("tlsv1.3"));
    let (message, help) = if !let_in.is_empty() {
        let which =
            new.versions.iter().filter(|version| let_in.contains(&&version.to_ascii_lowercase())).map(ToString::to_string).collect::<Vec<_>>();
        (
            format!("{} offers {} since this change, which is broken or given up (RFC 8996)", door.now.1.address, list(&which)),
            "offer TLSv1.2 and TLSv1.3",
        )
    } else if only_newest {
        (
            format!("{} offers TLSv1.3 alone since this change: clients that do not know it cannot connect", door.now.1.address),
            "offer TLSv1.2 as well, unless every client is known",
        )
    } else {
        return None;
    };
    let line = new.versions_label.as_ref().unwrap_or(&door.now.1.label);
    Some(Finding {
        rule: TLS_BROKEN.id,
        severity: Severity::Warning,
        message,
        help: help.to_owned(),
        tree: Tree::Head,
        span: line.span.clone(),
        when: None,
        identity: format!("{}|{}|{}|versions", TLS_BROKEN.id, door.now.0.id, door.now.1.address),
        requests: Vec::new(),
    })
}
