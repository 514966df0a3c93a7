//! Virtual hosts of two revisions: which is which, and what to call them.

use crate::model::{HostPattern, VirtualHost};

/// Returns whether two virtual hosts of two revisions are the same one: they share a name, or neither names anything.
pub(super) fn same_host(a: &VirtualHost, b: &VirtualHost) -> bool {
    let shared = a.names.iter().any(|(name, _)| is_name(name) && b.names.iter().any(|(other, _)| name == other));
    shared || (is_catch_all(a) && is_catch_all(b))
}

/// Returns whether `host` names no host that a client would ask for (`_`, nothing, an empty name, any name at all): it is there to be the default.
pub(super) fn is_catch_all(host: &VirtualHost) -> bool {
    !host.names.iter().any(|(name, _)| is_name(name))
}

/// Returns whether `name` tells some hosts from others.
fn is_name(name: &HostPattern) -> bool {
    match name {
        HostPattern::Exact(name) => name.chars().any(char::is_alphanumeric),
        HostPattern::AnyPrefix(_) | HostPattern::AnySuffix(_) | HostPattern::Hole(_) => true,
        HostPattern::Regex(regex) => !matches!(&*regex.pattern, "" | "." | ".*" | ".+" | "^" | "^.*$" | "^.+$" | "^.*" | "^.+"),
    }
}

/// Returns what to call `host`: its first name.
pub(super) fn host_name(host: &VirtualHost) -> String {
    let named = host.names.iter().find(|(name, _)| is_name(name));
    named.map_or_else(
        || "without names".to_owned(),
        |(name, label)| match name {
            HostPattern::Exact(name) => name.to_string(),
            HostPattern::AnyPrefix(rest) => format!("*{rest}"),
            HostPattern::AnySuffix(rest) => format!("{rest}*"),
            HostPattern::Regex(_) | HostPattern::Hole(_) => label.text.to_string(),
        },
    )
}
