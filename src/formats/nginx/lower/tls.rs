//! What TLS is like at a listener: the certificates with the names they are presented for, protocols, ciphers.
//!
//! nginx takes the settings of the server that the name in the handshake chooses (`ngx_http_ssl_servername`); before that, and without a name, those of the
//! listener's default server. Protocols and ciphers are the default server's alone up to OpenSSL's own name callback.

use super::super::Directive;
use super::listener::host_patterns;
use super::scope::Scope;
use crate::formats::source::HOLE_OPEN;
use crate::model::{Certificate, HostPattern, Tls};
use std::sync::Arc;

/// Returns the TLS side of a listener with these servers, of which the first is the default one.
pub(super) fn tls(http: &Scope<'_>, default: &Directive, servers: &[&Directive]) -> Tls {
    let protocols = setting(http, default, "ssl_protocols");
    let verify = setting(http, default, "ssl_verify_client").filter(|line| line.arg(0) == Some("on"));
    let mut versions: Vec<Arc<str>> = protocols.iter().flat_map(|line| &line.args).map(|word| Arc::clone(&word.text)).collect();
    versions.sort_by_key(|version| age(version));
    let mut certificates = Vec::new();
    let others = servers.iter().copied().filter(|server| !std::ptr::eq(*server, default));
    for server in std::iter::once(default).chain(others) {
        certificates.extend(presented(http, server));
    }
    let mut seen: Vec<Certificate> = Vec::new();
    for certificate in certificates {
        if !seen.contains(&certificate) {
            seen.push(certificate);
        }
    }
    Tls {
        certificates: seen,
        // `ssl_reject_handshake` is a route of the server that has it: see `lower_handshake`.
        strict_names: false,
        versions,
        ciphers: setting(http, default, "ssl_ciphers").and_then(|line| line.arg(0)).map(Arc::from),
        client_certificate: verify.is_some(),
        versions_label: protocols.map(Directive::label),
        client_label: verify.map(Directive::label),
    }
}

/// The certificates of one server: its own, else those of `http`.
fn presented(http: &Scope<'_>, server: &Directive) -> Vec<Certificate> {
    let block = super::route::block(server);
    let names: Vec<HostPattern> =
        block.iter().filter(|line| line.name() == "server_name").flat_map(|line| &line.args).flat_map(|word| host_patterns(&word.text)).collect();
    let own: Vec<&Directive> = block.iter().filter(|line| line.name() == "ssl_certificate").collect();
    let lines = if own.is_empty() { http.all("ssl_certificate") } else { own };
    let one = |line: &Directive| {
        let text = line.arg(0).unwrap_or_default();
        // A certificate in memory has no file.
        let path = if text.starts_with("data:") { "data:" } else { text.split(['$', HOLE_OPEN]).next().unwrap_or_default() };
        // A name that is cut is a directory: what is in it is not known.
        let path = if path.len() == text.len() || path == "data:" { path } else { path.rsplit_once('/').map_or("", |(folder, _)| folder) };
        Certificate { path: Arc::from(path), names: names.clone(), label: line.label() }
    };
    lines.into_iter().map(one).collect()
}

/// Returns a setting of a server, its own or that of `http`.
fn setting<'a>(http: &Scope<'a>, server: &'a Directive, name: &str) -> Option<&'a Directive> {
    super::route::block(server).iter().rfind(|line| line.name() == name).or_else(|| http.get(name))
}

/// The place of a protocol in time; what is not known comes last.
fn age(version: &str) -> usize {
    ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].iter().position(|known| *known == version).unwrap_or(usize::MAX)
}
