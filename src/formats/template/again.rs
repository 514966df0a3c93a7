//! A template that makes a template: what Jinja or ERB leaves is read once more, by the marks of Go that stand in it.
//!
//! Salt and Ansible write consul-template's files so: `{{ '{{' }} range service "web" }}`, or `{% raw %}`. What the inner tags print is a hole; what they
//! decide is left out, so that a body is there once.

use crate::formats::source::{Piece, hole, shown};
use std::ops::Range;

/// Words that begin, part or end a body of Go's.
const BODIES: &[&str] = &["range", "end", "if", "else", "with", "define", "block", "break", "continue"];

/// Returns `text`, which `pieces` cover, with the inner tags replaced.
pub(super) fn replaced(text: &str, pieces: &[Piece]) -> (String, Vec<Piece>) {
    let mut made = String::new();
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|found| at + found) {
        let Some(close) = text.get(open..).and_then(|rest| rest.find("}}")).map(|found| open + found + 2) else { break };
        keep(text, pieces, at..open, (&mut made, &mut kept));
        let words = shown(text.get(open..close).unwrap_or_default());
        let inner = words.trim_matches(|c: char| matches!(c, '{' | '}' | '-') || c.is_whitespace());
        let first = inner.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        if !BODIES.contains(&first) && !inner.starts_with("/*") && !inner.starts_with('$') {
            let start = made.len();
            made.push_str(&hole(&words));
            let written = place(pieces, open).start..place(pieces, close - 1).end.max(place(pieces, open).start);
            kept.push(Piece { read: start..made.len(), written });
        }
        at = close;
    }
    keep(text, pieces, at..text.len(), (&mut made, &mut kept));
    (made, kept)
}

/// Returns where the byte at `at` is written.
fn place(pieces: &[Piece], at: usize) -> Range<usize> {
    let next = pieces.partition_point(|piece| piece.read.start <= at);
    let Some(piece) = next.checked_sub(1).and_then(|index| pieces.get(index)) else { return at..at };
    if piece.read.len() != piece.written.len() {
        return piece.written.clone();
    }
    let start = piece.written.start + at.min(piece.read.end) - piece.read.start;
    start..start + 1
}

/// Adds the part `range` of `text` with its pieces.
fn keep(text: &str, pieces: &[Piece], range: Range<usize>, (made, kept): (&mut String, &mut Vec<Piece>)) {
    let first = pieces.partition_point(|piece| piece.read.end <= range.start);
    for piece in pieces.iter().skip(first).take_while(|piece| piece.read.start < range.end) {
        let part = piece.read.start.max(range.start)..piece.read.end.min(range.end);
        let Some(words) = text.get(part.clone()).filter(|words| !words.is_empty()) else { continue };
        let written = if piece.read.len() == piece.written.len() {
            let from = piece.written.start + part.start - piece.read.start;
            from..from + part.len()
        } else {
            piece.written.clone()
        };
        let start = made.len();
        made.push_str(words);
        kept.push(Piece { read: start..made.len(), written });
    }
}
