//! The probe of a backend.
//!
//! HAProxy: `option httpchk`, `http-check`, `option tcp-check` and their kin in `configuration.txt` 4.2; the defaults of `inter`, `fall` and `rise` (2 s,
//! 3, 2) in 5.2.

use super::super::syntax::{Line, Word};
use super::server::Server;
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::HealthCheck;
use std::sync::Arc;

/// Options that make the probe speak a protocol of its own.
const SPOKEN: &[&str] =
    &["ssl-hello-chk", "mysql-check", "pgsql-check", "redis-check", "smtpchk", "ldap-check", "spop-check", "external-check", "tcp-check"];

/// Returns the probe of `proxy`; `None` where no server is probed.
pub(super) fn lower_check(proxy: &Proxy<'_>, servers: &[Server]) -> Option<HealthCheck> {
    let first = servers.iter().find(|server| server.member.checked)?;
    let http = proxy.option("httpchk");
    let spoken = SPOKEN.iter().find_map(|name| proxy.option(name).map(|line| (*name, line)));
    let (path, method, label) = match (http, spoken) {
        (Some(line), _) => {
            let (path, method, label) = asked(proxy, line);
            (Some(path), Some(method), label)
        }
        (None, Some((_, line))) => (None, None, line.label()),
        (None, None) => (None, None, first.member.label.clone()),
    };
    let expect = match (http, spoken) {
        (Some(_), _) => rest(proxy, "http-check", &["expect"]),
        (None, Some(("tcp-check", _))) => rest(proxy, "tcp-check", &["send", "expect", "connect", "send-binary"]),
        (None, Some((name, _))) => Some(Arc::from(name)),
        (None, None) => None,
    };
    let settings = &first.settings;
    Some(HealthCheck {
        path,
        method,
        expect,
        interval_ms: settings.time_ms("inter").or(Some(2000)),
        fall: settings.number("fall").or(Some(3)),
        rise: settings.number("rise").or(Some(2)),
        port: settings.number("port").and_then(|port| u16::try_from(port).ok()),
        label,
    })
}

/// Returns path and method of `option httpchk [METHOD] URI` and `http-check send meth M uri U`, and the line that says the path.
fn asked(proxy: &Proxy<'_>, option: &Line) -> (Arc<str>, Arc<str>, crate::model::Label) {
    let text = |word: &Word| Arc::from(shown(&word.text));
    let (mut method, mut path): (Arc<str>, Arc<str>) = (Arc::from("OPTIONS"), Arc::from("/"));
    match (option.arg(1), option.arg(2)) {
        (Some(only), None) => path = text(only),
        (Some(first), Some(second)) => (method, path) = (text(first), text(second)),
        (None, _) => {}
    }
    let mut label = option.label();
    for line in proxy.all(&["http-check", "send"]) {
        let value = |name: &str| {
            let at = line.words.iter().position(|word| *word.text == *name)?;
            line.words.get(at + 1).map(text)
        };
        if let Some(found) = value("meth") {
            method = found;
        }
        if let Some(found) = value("uri").or_else(|| value("uri-lf")) {
            path = found;
            label = line.label();
        }
    }
    (path, method, label)
}

/// Returns what the lines of `keyword` say whose next word is one of `kinds`.
fn rest(proxy: &Proxy<'_>, keyword: &str, kinds: &[&str]) -> Option<Arc<str>> {
    let lines = proxy.all(&[keyword]);
    let said = lines.into_iter().filter(|line| line.arg(0).is_some_and(|kind| kinds.contains(&&*kind.text)));
    let words =
        said.map(|line| line.words.iter().skip(if kinds.len() == 1 { 2 } else { 1 }).map(|word| shown(&word.text)).collect::<Vec<_>>().join(" "));
    let all = words.collect::<Vec<_>>().join("; ");
    (!all.is_empty()).then(|| Arc::from(all))
}
