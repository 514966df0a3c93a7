//! Addresses that nginx refuses: ports that are none, networks that are too long, URLs where an address is meant.
//!
//! nginx: `ngx_parse_url`, `ngx_ptocidr`; held against `nginx -t` by `tests/it/nginx_syntax/values.rs`. What only a name server can say is left out.

use super::syntax::Directive;
use std::net::IpAddr;

/// What is wrong, and what to do.
type Wrong = (String, &'static str);

/// Directives whose argument is `host:port`, without a scheme.
const BARE: &[&str] = &["fastcgi_pass", "scgi_pass", "memcached_pass"];

/// What may stand behind the address of `listen` (`ngx_http_core_listen`), up to nginx 1.29; what ends in `=` takes a value.
const LISTEN: &[&str] = &[
    "default_server",
    "default",
    "ssl",
    "http2",
    "http3",
    "quic",
    "spdy",
    "udp",
    "proxy_protocol",
    "bind",
    "deferred",
    "reuseport",
    "multipath",
    "setfib=",
    "fastopen=",
    "backlog=",
    "rcvbuf=",
    "sndbuf=",
    "accept_filter=",
    "ipv6only=",
    "so_keepalive=",
    "protocol=",
];

/// Returns what is wrong with the address of an upstream's `server`.
pub(super) fn of_member(directive: &Directive) -> Option<Wrong> {
    authority(directive.arg(0)?, "write `HOST:PORT`")
}

/// Returns what is wrong with the target of a `*_pass`. A text with variables is put together later.
pub(super) fn of_pass(directive: &Directive) -> Option<Wrong> {
    let text = directive.arg(0)?;
    if text.contains('$') {
        return None;
    }
    if BARE.contains(&directive.name()) {
        return authority(text, "write `HOST:PORT`, or the name of an `upstream`");
    }
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?']).filter(|_| !rest.starts_with("unix:")).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    if host.is_empty() {
        return Some((format!("`{text}` names no host"), "write `SCHEME://HOST:PORT`"));
    }
    authority(host, "write `SCHEME://HOST:PORT`, or the name of an `upstream`").filter(|_| !scheme.is_empty())
}

/// Returns what is wrong with the addresses of `resolver`.
pub(super) fn of_resolver(directive: &Directive) -> Option<Wrong> {
    let addresses = directive.args.iter().filter(|word| !word.text.contains(['=', '$']));
    addresses.map(|word| &*word.text).find_map(|text| authority(text, "write `ADDRESS` or `ADDRESS:PORT`"))
}

/// Returns what is wrong with the client of `allow` and `deny`.
pub(super) fn of_client(directive: &Directive) -> Option<Wrong> {
    let text = directive.arg(0)?;
    (!matches!(text, "all" | "unix:") && !is_network(text))
        .then(|| (format!("`{}` takes an address, a network or `all`, and this is `{text}`", directive.name()), "write for instance `10.0.0.0/8`"))
}

/// Returns the first word behind the address of `listen` that means nothing there.
pub(super) fn of_listen(directive: &Directive) -> Option<Wrong> {
    let known = |text: &str| LISTEN.iter().any(|name| if name.ends_with('=') { text.starts_with(name) } else { text == *name });
    let odd = directive.args.iter().skip(1).find(|word| !known(&word.text))?;
    Some((format!("`listen` knows no `{}`", odd.text), "a `;` may be missing, or the word is misspelt"))
}

/// Returns whether `text` is an address or a network.
pub(super) fn is_network(text: &str) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match length {
        None => true,
        Some(length) => length.parse::<u8>().is_ok_and(|length| length <= most),
    }
}

/// Returns what is wrong with `HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or `unix:PATH`.
fn authority(text: &str, help: &'static str) -> Option<Wrong> {
    if text.starts_with("unix:") || text.contains('$') {
        return None;
    }
    if text.contains(['/', '?', '#']) {
        return Some((format!("`{text}` is no host and port"), help));
    }
    let port = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, "")) => return None,
        Some((_, rest)) => rest.strip_prefix(':'),
        None => match text.split_once(':') {
            Some((_, port)) => Some(port),
            None => return None,
        },
    };
    let fits = port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0));
    (!fits).then(|| (format!("`{text}` has no port from 1 to 65535"), help))
}

#[cfg(test)]
mod tests {
    use super::{authority, is_network};

    #[test]
    fn ports_are_numbers() {
        for good in ["a", "a:80", "10.0.0.1:65535", "[::1]:80", "[::1]", "unix:/run/x.sock", "$host:x"] {
            assert_eq!(authority(good, ""), None, "{good}");
        }
        for bad in ["a:", "a:0", "a:8o", "a:80800", "a:80:80", "::1:80", "a:80/x", "http://a", "a:1,b:2", "[::1]80"] {
            assert!(authority(bad, "").is_some(), "{bad}");
        }
    }

    #[test]
    fn networks_have_lengths() {
        assert!(["10.0.0.0/8", "10.0.0.1", "::1", "2001:db8::/32", "0.0.0.0/0"].iter().all(|text| is_network(text)));
        assert!(["10.0.0.0/33", "10.0.0.300", "::/129", "al", "10.0.0/8", "10.0.0.0/255.0.0.0", ""].iter().all(|text| !is_network(text)));
    }
}
