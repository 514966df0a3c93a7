//! Which texts can occur at all, by the place they are read from.

use super::LanguageId;
use super::alphabet::ByteSet;
use super::node::{Arena, BLANK};

/// The texts that requests hold at a place. A witness outside of it could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Universe {
    /// The path that matchers see.
    ///
    /// Decoded (nginx): begins with `/`, holds no NUL and no segment `.` or `..`; with `merged` no empty segment but the last (`merge_slashes`). Source:
    /// `ngx_http_parse_complex_uri`. Left out: nothing that nginx lets through to a location, but for `OPTIONS *`, which it refuses.
    ///
    /// Raw (`HAProxy`): begins with `/` and holds what may stand in a request line, without `?` (the query begins) and `#` (refused, as blanks and control
    /// bytes are). Observed on 2.6.12, byte by byte. Left out: bytes 0x7f to 0xa3, which that version lets through, `OPTIONS *`, targets with scheme
    /// and host (`GET http://a/b`), `CONNECT`, and what only `option accept-invalid-http-request` lets in.
    Path {
        /// Percent escapes are decoded and dots resolved.
        decoded: bool,
        /// Slashes in a row are one.
        merged: bool,
    },
    /// The host, in lower case: labels of letters, digits, `-` and `_` with single dots between; with `port`, perhaps `:` and a port after it.
    /// An expression of a template in braces is a part of a label: it stands for itself.
    ///
    /// Left out: addresses of IPv6, a final dot, other bytes that some proxies let through, a request without a host.
    Host {
        /// A port may follow.
        port: bool,
    },
    /// The value of a header or cookie: printable ASCII without blanks at the ends; also empty, as an absent one is.
    ///
    /// Left out: tabs, bytes above 0x7e.
    Text,
    /// The query without `?`, as it is sent: printable ASCII without blank and `#`; also empty.
    ///
    /// Left out: bytes above 0x7e, which nginx lets through as they are.
    Query,
    /// Upper-case letters, one at least.
    ///
    /// Left out: methods with `-`, `_` and other signs.
    Method,
    /// `1` or nothing: whether something is so.
    Flag,
    /// Every text.
    Any,
}

/// Returns the texts of a universe.
pub(super) fn texts(arena: &mut Arena, universe: Universe) -> LanguageId {
    match universe {
        Universe::Path { decoded: true, merged } => decoded_path(arena, merged),
        Universe::Path { decoded: false, merged } => {
            let byte = ByteSet::of((0x21..=0x7e).filter(|byte| *byte != b'?' && *byte != b'#'));
            if merged {
                let part = bytes(arena, byte.intersection(ByteSet::letter(b'/', false).complement()));
                return slashed(arena, part, part);
            }
            let slash = arena.literal(b"/", false);
            let rest = bytes(arena, byte);
            let rest = arena.star(rest);
            arena.then(slash, rest)
        }
        Universe::Host { port } => host(arena, port),
        Universe::Text => {
            let edge = bytes(arena, ByteSet::of(0x21..=0x7e));
            let middle = bytes(arena, ByteSet::of(0x20..=0x7e));
            let middle = arena.star(middle);
            let longer = arena.sequence(&[edge, middle, edge]);
            arena.any(vec![BLANK, edge, longer])
        }
        Universe::Query => {
            let byte = bytes(arena, ByteSet::of((0x21..=0x7e).filter(|byte| *byte != b'#')));
            arena.star(byte)
        }
        Universe::Method => {
            let letter = bytes(arena, ByteSet::of(b'A'..=b'Z'));
            arena.times(letter, 1, None)
        }
        Universe::Flag => {
            let yes = arena.literal(b"1", false);
            arena.any(vec![BLANK, yes])
        }
        Universe::Any => super::node::ALL,
    }
}

fn bytes(arena: &mut Arena, set: ByteSet) -> LanguageId {
    arena.bytes(set)
}

/// A segment is anything but `.` and `..`: a byte that is none of `/` and `.`, or else one or two dots with something after them.
fn decoded_path(arena: &mut Arena, merged: bool) -> LanguageId {
    let inner = ByteSet::of([0, b'/']).complement();
    let no_dot = inner.intersection(ByteSet::letter(b'.', false).complement());
    let inner = bytes(arena, inner);
    let no_dot = bytes(arena, no_dot);
    let dot = arena.literal(b".", false);
    let dots = arena.literal(b"..", false);
    let any = arena.star(inner);
    let plain = arena.then(no_dot, any);
    let one = arena.sequence(&[dot, no_dot, any]);
    let two = arena.sequence(&[dots, inner, any]);
    let segment = arena.any(vec![plain, one, two]);
    let others = if merged { segment } else { arena.any(vec![BLANK, segment]) };
    let slash = arena.literal(b"/", false);
    let passed = arena.then(others, slash);
    let passed = arena.star(passed);
    let last = arena.any(vec![BLANK, segment]);
    arena.sequence(&[slash, passed, last])
}

/// Returns `/` and segments of such bytes.
fn slashed(arena: &mut Arena, byte: LanguageId, last: LanguageId) -> LanguageId {
    let slash = arena.literal(b"/", false);
    let segment = arena.times(byte, 1, None);
    let passed = arena.then(segment, slash);
    let passed = arena.star(passed);
    let last = arena.star(last);
    arena.sequence(&[slash, passed, last])
}

fn host(arena: &mut Arena, port: bool) -> LanguageId {
    let letter = bytes(arena, ByteSet::of((b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-_")));
    let words = bytes(arena, ByteSet::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"-_.")));
    let words = arena.times(words, 1, None);
    let (open, close) = (arena.literal(b"{", false), arena.literal(b"}", false));
    let expression = arena.sequence(&[open, words, close]);
    let piece = arena.any(vec![letter, expression]);
    let label = arena.times(piece, 1, None);
    let dot = arena.literal(b".", false);
    let more = arena.then(dot, label);
    let more = arena.star(more);
    let name = arena.then(label, more);
    if !port {
        return name;
    }
    let digit = bytes(arena, ByteSet::of(b'0'..=b'9'));
    let first = bytes(arena, ByteSet::of(b'1'..=b'9'));
    let rest = arena.times(digit, 0, Some(4));
    let colon = arena.literal(b":", false);
    let port = arena.sequence(&[colon, first, rest]);
    let port = arena.any(vec![BLANK, port]);
    arena.then(name, port)
}
