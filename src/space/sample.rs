//! Texts that a pattern matches, short and such as a person would type.

use super::dialect::{Purpose, translate};
use crate::model::{Regex, RegexDialect};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The most texts kept while a pattern is walked; alternatives beyond it are not tried.
const MOST: usize = 12;

/// The longest text made.
const LONGEST: usize = 120;

/// What a person would rather type, the best first.
const TYPABLE: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_./ABCDEFGHIJKLMNOPQRSTUVWXYZ~!$&'()*+,;=:@%?#[]";

/// Returns up to a dozen texts in the language of `regex`, the shortest first; none when it cannot be read.
///
/// Each alternative is taken once, each optional part both ways. Look-arounds are not seen: whoever uses a text has to try it. The text stands for the
/// part that matches; a pattern that is searched also matches it inside a longer one.
pub fn samples(regex: &Regex) -> Vec<Vec<u8>> {
    let pattern = match regex.dialect {
        RegexDialect::Pcre => translate(&regex.pattern, Purpose::Sample).ok(),
        RegexDialect::Re2Full | RegexDialect::Re2Search => Some(regex.pattern.to_string()),
    };
    let parsed = pattern.and_then(|pattern| ParserBuilder::new().utf8(false).unicode(false).nest_limit(100).build().parse(&pattern).ok());
    let mut texts = parsed.map(|hir| walk(&hir, 0)).unwrap_or_default();
    texts.retain(|text| text.len() <= LONGEST);
    texts.sort_by_key(Vec::len);
    texts.dedup();
    texts
}

fn walk(hir: &Hir, depth: u32) -> Vec<Vec<u8>> {
    if depth > 100 {
        return vec![Vec::new()];
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => pick(class).map(|byte| vec![byte]).into_iter().collect(),
        HirKind::Capture(capture) => walk(&capture.sub, depth + 1),
        HirKind::Alternation(all) => {
            let mut texts: Vec<Vec<u8>> = all.iter().flat_map(|one| walk(one, depth + 1).into_iter().take(2)).collect();
            texts.truncate(MOST);
            texts
        }
        HirKind::Concat(all) => {
            let mut texts = vec![Vec::new()];
            for part in all {
                texts = joined(&texts, &walk(part, depth + 1));
            }
            texts
        }
        HirKind::Repetition(repetition) => {
            let once = walk(&repetition.sub, depth + 1);
            let times = |count: u32| {
                let first = once.first().cloned().unwrap_or_default();
                (0..count.min(60)).flat_map(|_| first.clone()).collect::<Vec<u8>>()
            };
            match (repetition.min, repetition.max) {
                (0, Some(0)) => vec![Vec::new()],
                // Both without and with it; with each of its own variants.
                (0, _) => std::iter::once(Vec::new()).chain(once.iter().cloned()).take(4).collect(),
                (1, _) => once,
                (least, _) => vec![times(least)],
            }
        }
    }
}

/// Returns each of `starts` with each of `ends`, as far as there is room.
fn joined(starts: &[Vec<u8>], ends: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let all = ends.iter().flat_map(|end| starts.iter().map(move |start| [start.as_slice(), end.as_slice()].concat()));
    all.take(MOST).collect()
}

fn pick(class: &Class) -> Option<u8> {
    let holds = |byte: u8| match class {
        Class::Bytes(bytes) => bytes.ranges().iter().any(|range| range.start() <= byte && byte <= range.end()),
        Class::Unicode(chars) => chars.ranges().iter().any(|range| range.start() <= char::from(byte) && char::from(byte) <= range.end()),
    };
    TYPABLE.iter().copied().find(|byte| holds(*byte)).or_else(|| (1..=u8::MAX).find(|byte| holds(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Pattern;
    use std::sync::Arc;

    fn texts(pattern: &str) -> Vec<String> {
        let regex = Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() };
        samples(&regex).into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
    }

    #[test]
    fn samples_are_typable() {
        assert_eq!(texts(r"\.php$"), [".php"]);
        assert_eq!(texts(r"^/api/v[0-9]+/"), ["/api/v0/"]);
        assert_eq!(texts(r"\.(?:jpe?g|png)$"), [".jpg", ".png", ".jpeg"]);
        assert_eq!(texts(r"^/(?!admin)[a-z_]{2,4}$"), ["/aa"]);
        assert_eq!(texts("(a"), Vec::<String>::new());
    }

    #[test]
    fn samples_match() {
        for pattern in [r"^/a(b|c)?d*\.(x|y)$", r"^(?<name>[^/]+)\.example\.(com|org)$", r"[[:digit:]]{3}-\w", "(?i)^/ABC", r"^/[^a-z]\S"] {
            let regex = Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() };
            let compiled = Pattern::new(&regex).unwrap();
            let all = samples(&regex);
            assert!(!all.is_empty(), "{pattern}");
            for text in all {
                assert!(compiled.find(&text).unwrap().is_some(), "{pattern}: {:?}", String::from_utf8_lossy(&text));
            }
        }
    }
}
