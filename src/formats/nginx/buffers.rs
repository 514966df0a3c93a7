//! The rule that ties the buffers of a passed request together: what may be busy sending is at least the largest buffer and at most all of them but one.
//!
//! nginx: `ngx_http_proxy_merge_loc_conf` and its kin: `proxy_busy_buffers_size` must be less than the size of all `proxy_buffers` minus one buffer.

use super::syntax::Directive;
use crate::formats::source::has_hole;
use crate::span::Span;

/// The families that have it. `grpc` has one buffer only.
const FAMILIES: &[&str] = &["proxy", "fastcgi", "uwsgi", "scgi"];
/// A page of memory, on which the defaults depend: 4096 bytes on all machines that most people have.
const PAGE: u64 = 4096;

/// The sizes in force at a level.
#[derive(Clone, Copy)]
struct Sizes {
    first: Option<u64>,
    buffers: Option<(u64, u64)>,
    busy: Option<u64>,
}

/// Returns the levels of `http` that break the rule: the line of the level to blame, and what is wrong.
pub(super) fn wrong(http: &[Directive]) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    // Only a level with such a line breaks the rule, and most configurations have none.
    if !has_sizes(http) {
        return found;
    }
    for family in FAMILIES {
        walk(http, family, Sizes { first: None, buffers: None, busy: None }, &mut found);
    }
    found
}

fn has_sizes(level: &[Directive]) -> bool {
    level.iter().any(|directive| directive.name().ends_with("_buffers") || directive.name().ends_with("_size") || has_sizes(directive.inside()))
}

fn walk(level: &[Directive], family: &str, outer: Sizes, found: &mut Vec<(Span, String)>) {
    let line =
        |rest: &str| level.iter().rfind(|directive| directive.name().strip_prefix(family).and_then(|name| name.strip_prefix('_')) == Some(rest));
    let (first, buffers, busy) = (line("buffer_size"), line("buffers"), line("busy_buffers_size"));
    let bytes_of = |line: Option<&Directive>| line.and_then(|line| line.arg(0)).and_then(bytes);
    let sizes = Sizes {
        first: bytes_of(first).or(outer.first),
        buffers: buffers.and_then(|line| Some((line.arg(0)?.parse().ok()?, bytes(line.arg(1)?)?))).or(outer.buffers),
        busy: bytes_of(busy).or(outer.busy),
    };
    let own: Vec<&Directive> = [first, buffers, busy].into_iter().flatten().collect();
    let readable = !own.iter().any(|line| line.args.iter().any(|word| has_hole(&word.text)));
    if let Some(line) = own.first().filter(|_| readable)
        && let Some(message) = broken(family, sizes)
    {
        found.push((line.head.clone(), message));
        return;
    }
    for block in level.iter().filter(|directive| matches!(directive.name(), "server" | "location" | "if" | "limit_except")) {
        walk(block.inside(), family, sizes, found);
    }
}

fn broken(family: &str, sizes: Sizes) -> Option<String> {
    let first = sizes.first.unwrap_or(PAGE);
    let (count, each) = sizes.buffers.unwrap_or((8, PAGE));
    let largest = first.max(each);
    let all_but_one = count.checked_sub(1)?.checked_mul(each)?;
    match sizes.busy {
        _ if count < 2 => Some(format!("`{family}_buffers` has to be at least two")),
        Some(busy) if busy < largest => Some(format!("`{family}_busy_buffers_size` is {busy} bytes, less than one buffer of {largest}")),
        Some(busy) if busy > all_but_one => Some(too_busy(family, busy, all_but_one, "")),
        None if largest * 2 > all_but_one => Some(too_busy(family, largest * 2, all_but_one, " by default")),
        Some(_) | None => None,
    }
}

fn too_busy(family: &str, busy: u64, most: u64, why: &str) -> String {
    format!("`{family}_busy_buffers_size` is {busy} bytes{why}, more than the {most} of all `{family}_buffers` but one")
}

fn bytes(text: &str) -> Option<u64> {
    let factor = if text.ends_with(['k', 'K']) {
        1 << 10
    } else if text.ends_with(['m', 'M']) {
        1 << 20
    } else {
        1
    };
    text.trim_end_matches(['k', 'K', 'm', 'M']).parse::<u64>().ok()?.checked_mul(factor)
}
