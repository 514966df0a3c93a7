//! What a destination is like, apart from the request: requests that share was and now are one region, though each asks for its own path.

use super::Pair;
use crate::analysis::destination::Destination;
use crate::model::Request;

/// Returns what `pair` has in common with all pairs that are one region with it: how both sides treat the request, as texts.
///
/// What the upstream is asked for counts only where the change touches it, and then as how the new is made of the old.
pub(super) fn effects(pair: &Pair) -> (String, String) {
    let request = &pair.was.request;
    let (was, now) = (&pair.was.destination, &pair.now.destination);
    let asked = match (asked(was).as_slice(), asked(now).as_slice()) {
        ([], _) | (_, []) => String::new(),
        (old, new) if old == new => String::new(),
        ([old], [new]) => relative(new, old),
        (old, new) => [old, new].map(|side| side.iter().map(|uri| relative(uri, &request.target)).collect::<Vec<_>>().join(", ")).join("; "),
    };
    (effect(was, request), format!("{} {asked}", effect(now, request)))
}

/// Returns what upstreams are asked for, one text for each way the destination can turn out.
fn asked(destination: &Destination) -> Vec<&str> {
    match destination {
        Destination::Forward { upstream_uri, .. } => vec![upstream_uri],
        Destination::Opaque { alternatives, .. } => alternatives.iter().flat_map(|one| asked(&one.outcome)).collect(),
        Destination::Redirect { .. }
        | Destination::Respond { .. }
        | Destination::Files { .. }
        | Destination::Reject { .. }
        | Destination::Close
        | Destination::None => Vec::new(),
    }
}

/// Returns the destination of `request` as a text that is the same for all requests treated alike, whatever the upstream is asked for.
fn effect(destination: &Destination, request: &Request) -> String {
    match destination {
        Destination::Forward { servers, broken_share, behaviour, .. } => {
            let mut servers: Vec<String> =
                servers.iter().map(|server| format!("{}={:.6} {:?}", server.address, server.share, server.state)).collect();
            servers.sort();
            format!("forward [{}] {broken_share:.6} {behaviour}", servers.join(" "))
        }
        Destination::Redirect { status, location } => {
            let host = request.host.to_ascii_lowercase();
            let (scheme, rest) = location.split_once("://").unwrap_or(("", location));
            let cut = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(cut);
            let authority = if authority == host { "its own host" } else { authority };
            format!("redirect {status} {scheme} {authority} {}", relative(path, &request.target))
        }
        Destination::Opaque { reason, alternatives } => {
            let path = request.target.split_once('?').map_or(request.target.as_str(), |(path, _)| path);
            let general = |text: &str| if path.len() > 1 { text.replace(path, "{path}") } else { text.to_owned() };
            let ways: Vec<String> = alternatives.iter().map(|one| format!("{}: {}", general(&one.when), effect(&one.outcome, request))).collect();
            format!("opaque {} {}", general(reason), ways.join("; "))
        }
        Destination::Respond { .. } | Destination::Files { .. } | Destination::Reject { .. } | Destination::Close | Destination::None => {
            format!("{destination:?}")
        }
    }
}

/// Returns how `uri` is made of `target`: what stands in front instead of what.
fn relative(uri: &str, target: &str) -> String {
    let common = uri.bytes().rev().zip(target.bytes().rev()).take_while(|(ours, theirs)| ours == theirs).count();
    let front = |text: &str| String::from_utf8_lossy(text.as_bytes().get(..text.len() - common).unwrap_or_default()).into_owned();
    if common == 0 { uri.to_owned() } else { format!("{} for {}", front(uri), front(target)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_is_the_same_for_all_paths() {
        assert_eq!(relative("/v2/a", "/api/a"), relative("/v2/b/c", "/api/b/c"));
        assert_eq!(relative("/a?b", "/a?b"), relative("/", "/"));
        assert_ne!(relative("/v2/a", "/api/a"), relative("/v3/a", "/api/a"));
    }
}
