//! Configurations in which HAProxy's choice is easy to get wrong, and requests that show it.
//!
//! `{port:front}` is where requests enter; `a` to `d` are servers that answer with their port and what they were asked for.

mod request;
mod rules;
mod sections;

/// One configuration.
pub(in crate::haproxy) struct Configuration {
    pub(in crate::haproxy) name: &'static str,
    /// What stands behind a `defaults` with `mode http` and timeouts.
    pub(in crate::haproxy) text: &'static str,
    /// Files beside it.
    pub(in crate::haproxy) files: &'static [(&'static str, &'static str)],
    /// A request a line: method, host, target, perhaps headers parted by ` | `.
    pub(in crate::haproxy) requests: &'static str,
}

impl Configuration {
    /// The configuration with what all of them share, and four backends that are one server each.
    pub(in crate::haproxy) fn whole(&self) -> String {
        let backends = ["a", "b", "c", "d"].map(|name| format!("backend {name}\n server {name}1 127.0.0.1:{{port:{name}}}\n"));
        let defaults = "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 20ms\n";
        format!("{defaults}{}\n{}", self.text, if self.text.contains("no-backends") { String::new() } else { backends.concat() })
    }
}

/// Returns all of them.
pub(super) fn all() -> impl Iterator<Item = &'static Configuration> {
    [request::ALL, rules::ALL, sections::ALL].into_iter().flatten()
}
