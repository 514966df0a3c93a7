//! Paths and queries in a form of which equal ones are equal.
//!
//! HAProxy: `src/uri_normalizer.c`; the odd ends of each were tried on 2.6.12 (`tests/it/haproxy`).

use crate::model::Normalizer;

/// Returns `text` in the form that `normalizer` makes.
pub(super) fn normalized(text: &[u8], normalizer: Normalizer) -> Vec<u8> {
    match normalizer {
        Normalizer::MergeSlashes => {
            let mut merged = text.to_vec();
            merged.dedup_by(|one, before| *one == b'/' && *before == b'/');
            merged
        }
        Normalizer::StripDot => without_dots(text),
        Normalizer::StripDotDot { full } => without_parents(text, full),
        Normalizer::DecodeUnreserved => {
            escapes(text, |escape, byte, to| if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { to.push(byte) } else { to.extend(escape) })
        }
        Normalizer::UppercaseEscapes => escapes(text, |escape, _, to| to.extend(escape.to_ascii_uppercase())),
        Normalizer::SortQuery => {
            let mut pairs: Vec<&[u8]> = text.split(|byte| *byte == b'&').collect();
            pairs.sort_by_key(|pair| pair.split(|byte| *byte == b'=').next().unwrap_or_default());
            pairs.join(&b'&')
        }
    }
}

/// Takes out `.`; where that was the last segment, a slash stays.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let last = segments.len() - 1;
    let mut kept: Vec<&[u8]> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        match (*segment == b".", at == last) {
            (false, _) => kept.push(segment),
            (true, true) => kept.push(b""),
            (true, false) => {}
        }
    }
    kept.join(&b'/')
}

/// Takes out `..` with the segment before it, be that empty. Those that have none before them stay, unless `full`.
fn without_parents(path: &[u8], full: bool) -> Vec<u8> {
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let last = segments.len() - 1;
    // The first one is the empty text before the first slash.
    let mut kept: Vec<&[u8]> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        if *segment != b".." || at == 0 {
            kept.push(segment);
            continue;
        }
        if kept.len() > 1 && kept.last().is_some_and(|before| *before != b"..") {
            kept.pop();
        } else if !full {
            kept.push(segment);
        }
        if at == last {
            kept.push(b"");
        }
    }
    kept.join(&b'/')
}

/// Returns `text` with each escape, and the byte it stands for, put as `put` says.
fn escapes(text: &[u8], put: impl Fn(&[u8], u8, &mut Vec<u8>)) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut all = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let ([high, low, after @ ..], b'%') = (tail, first)
            && let (Some(above), Some(below)) = (digit(*high), digit(*low))
        {
            put(&[b'%', *high, *low], above << 4 | below, &mut all);
            rest = after;
        } else {
            all.push(*first);
        }
    }
    all
}
