//! The tests of the model that are no patterns, against a plain reading of their meaning.

use super::generate::Random;
use std::sync::Arc;
use waypost::model::{Matcher, NumberRange, Value};
use waypost::space::{LanguageId, Languages, Universe};

const TEXTS: usize = 4000;

/// Compares `matcher` with `expected` on random texts of `bytes`.
fn agrees(matcher: &Matcher, bytes: &[u8], expected: impl Fn(&[u8]) -> bool) {
    let mut languages = Languages::new(10_000_000);
    let language = languages.matcher(matcher).unwrap();
    let mut random = Random::new(7);
    let mut inside = 0;
    for _ in 0..TEXTS {
        let text: Vec<u8> = (0..random.below(8)).map(|_| random.pick(bytes)).collect();
        let said = languages.contains(language, &text).unwrap();
        assert_eq!(said, expected(&text), "{matcher:?} on {:?}", String::from_utf8_lossy(&text));
        inside += usize::from(said);
    }
    assert!(inside > 10, "{matcher:?}: {inside}");
}

fn range(from: Option<i64>, to: Option<i64>) -> NumberRange {
    NumberRange { from, to }
}

#[test]
fn plain_comparisons() {
    let text = Arc::<str>::from("aB");
    let lower = |text: &[u8]| text.to_ascii_lowercase();
    agrees(&Matcher::Prefix { text: Arc::clone(&text), caseless: false }, b"aABb", |text| text.starts_with(b"aB"));
    agrees(&Matcher::Suffix { text: Arc::clone(&text), caseless: true }, b"aABb", |text| lower(text).ends_with(b"ab"));
    agrees(&Matcher::Contains { text: Arc::clone(&text), caseless: true }, b"aABb", |text| lower(text).windows(2).any(|window| window == b"ab"));
    agrees(&Matcher::Equals { text: Value::literal("aB"), caseless: true }, b"aB", |text| lower(text) == b"ab");
    agrees(&Matcher::Truthy { zero_is_false: true }, b"01", |text| !text.is_empty() && text != b"0");
    agrees(&Matcher::Truthy { zero_is_false: false }, b"01", |text| !text.is_empty());
    agrees(&Matcher::Present, b"a", |_| true);
}

#[test]
fn runs_between_delimiters() {
    let runs = |text: &[u8]| text.split(|byte| *byte == b'/' || *byte == b'.').any(|run| run == b"ab");
    for text in ["ab", "/ab/", ".ab"] {
        agrees(&Matcher::Segment { text: Arc::from(text), caseless: false, delimiters: Arc::from("/.") }, b"aabb/.", runs);
    }
}

#[test]
fn elements_of_a_list() {
    let inner = Matcher::Prefix { text: Arc::from("a b"), caseless: false };
    agrees(&Matcher::Element(Box::new(inner)), b"aab  ,", |text| text.split(|byte| *byte == b',').any(|part| part.trim_ascii().starts_with(b"a b")));
    let blank = Matcher::Equals { text: Value::default(), caseless: false };
    agrees(&Matcher::Element(Box::new(blank)), b"a ,", |text| text.split(|byte| *byte == b',').any(|part| part.trim_ascii().is_empty()));
}

#[test]
fn lengths_and_numbers() {
    let ranges = vec![range(Some(2), Some(3)), range(Some(6), None), range(None, Some(-1))];
    agrees(&Matcher::Length(ranges.clone()), b"ab", |text| ranges.iter().any(|range| range.contains(i64::try_from(text.len()).unwrap())));
    for ranges in [
        vec![range(Some(10), Some(99))],
        vec![range(Some(-5), Some(12)), range(Some(7), Some(7))],
        vec![range(None, Some(0)), range(Some(1000), None)],
        vec![range(Some(98), Some(1203))],
        vec![range(None, None)],
    ] {
        let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
        agrees(&Matcher::Number(ranges.clone()), b"0011223789-+", |text| {
            number(text).is_some_and(|number| ranges.iter().any(|range| range.contains(number)))
        });
    }
    let mut languages = Languages::new(1_000_000);
    let all = languages.matcher(&Matcher::Number(vec![range(None, None)])).unwrap();
    for (text, expected) in [
        ("9223372036854775807", true),
        ("9223372036854775808", false),
        ("-9223372036854775808", true),
        ("-9223372036854775809", false),
        ("00000000000000000000000000000000001", true),
    ] {
        assert_eq!(languages.contains(all, text.as_bytes()), Ok(expected), "{text}");
        assert_eq!(text.parse::<i64>().is_ok(), expected, "{text}");
    }
}

#[test]
fn a_universe_has_what_can_be_sent() {
    let mut languages = Languages::new(1_000_000);
    let nginx = Universe::Path { decoded: true, merged: true };
    let unmerged = Universe::Path { decoded: true, merged: false };
    let raw = Universe::Path { decoded: false, merged: false };
    let (host, port) = (Universe::Host { port: false }, Universe::Host { port: true });
    for (universe, inside, outside) in [
        (
            nginx,
            &["/", "/a/", "/.a", "/...", "/a/..b/.c/ ?\n"] as &[&str],
            &["", "a", "//", "/a//b", "/.", "/..", "/./", "/a/../b", "/a/.", "/\0"] as &[&str],
        ),
        (unmerged, &["//", "/a//b/", "/a//"], &["/./", "/a/..", "/\0"]),
        (raw, &["/", "//", "/../.", "/%61"], &["", "a", "/?", "/a b", "/#", "*", "/\u{e4}"]),
        (host, &["a", "a-1.b_c"], &["", "a..b", ".a", "a.", "A", "a:80", "[::1]"]),
        (port, &["a", "a.b:80", "a:10000"], &["a:", "a:0", "a:123456", ":80"]),
        (Universe::Text, &["", "a b", "\"%"], &[" a", "a ", "\t", "\u{e4}"]),
        (Universe::Query, &["", "a=b&c=%20"], &["a b", "#"]),
        (Universe::Method, &["GET"], &["", "get", "M-SEARCH"]),
    ] {
        let language = languages.universe(universe);
        for (texts, expected) in [(inside, true), (outside, false)] {
            for text in texts {
                assert_eq!(languages.contains(language, text.as_bytes()), Ok(expected), "{universe:?} {text:?}");
            }
        }
    }
}

#[test]
fn the_starts_and_ends_of_texts_are_known() {
    let mut languages = Languages::new(100_000);
    let prefix = languages.matcher(&Matcher::Prefix { text: Arc::from("/api/"), caseless: false }).unwrap();
    let suffix = languages.matcher(&Matcher::Suffix { text: Arc::from(".php"), caseless: false }).unwrap();
    let both = languages.intersection(&[prefix, suffix]);
    assert_eq!(languages.literal_prefix(both), b"/api/");
    assert_eq!(languages.literal_suffix(suffix), b".php");
    assert_eq!(languages.literal_prefix(suffix), b"");
    let other = languages.literal(b"/api/x");
    assert_eq!(languages.disjoint(other, suffix), Ok(true));
    assert_eq!(languages.disjoint(other, prefix), Ok(false));
    let none = languages.union(&[]);
    assert_eq!((none, languages.complement(none)), (LanguageId::NOTHING, LanguageId::ALL));
}
