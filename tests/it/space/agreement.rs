//! A language has the texts that the matcher finds something in, and no others.

use super::generate::{Random, Taste, pattern, text};
use std::sync::Arc;
use waypost::model::{Cidr, Matcher, Regex, RegexDialect};
use waypost::space::{LanguageId, Languages, Pattern};

const PLAIN: Taste = Taste { places: false, atomic: false };
const AROUND: Taste = Taste { places: true, atomic: false };
const ATOMIC: Taste = Taste { places: true, atomic: true };

fn regex(pattern: &str, caseless: bool) -> Regex {
    Regex { pattern: Arc::from(pattern), caseless, dialect: RegexDialect::Pcre, names: Vec::new() }
}

/// Patterns that both sides can read, with how many were asked for and not to be had.
struct Readable {
    languages: Languages,
    all: Vec<(Pattern, LanguageId, String)>,
    refused: usize,
}

fn readable(random: &mut Random, count: usize, taste: Taste) -> Readable {
    let mut readable = Readable { languages: Languages::new(u64::MAX), all: Vec::new(), refused: 0 };
    while readable.all.len() < count {
        let written = pattern(random, 5, taste);
        let regex = regex(&written, random.below(5) == 0);
        let Ok(matcher) = Pattern::new(&regex) else { continue };
        match readable.languages.matcher(&Matcher::Regex(regex.clone())) {
            Ok(language) => readable.all.push((matcher, language, format!("{written:?} caseless {}", regex.caseless))),
            Err(_) => readable.refused += 1,
        }
        assert!(readable.refused < 4 * count, "most are refused");
    }
    readable
}

fn agree(seed: u64, count: usize, taste: Taste) -> usize {
    let mut random = Random::new(seed);
    let mut readable = readable(&mut random, count, taste);
    for (matcher, language, written) in &readable.all {
        for _ in 0..25 {
            let text = text(&mut random, 9);
            let Ok(found) = matcher.find(&text) else { continue };
            let said = readable.languages.contains(*language, &text).unwrap();
            assert_eq!(said, found.is_some(), "{written} on {:?}", String::from_utf8_lossy(&text));
        }
    }
    readable.refused
}

#[test]
fn a_plain_pattern_is_its_language() {
    assert_eq!(agree(1, 400, PLAIN), 0);
}

#[test]
fn a_pattern_that_looks_around_is_its_language() {
    let refused = agree(2, 800, AROUND);
    assert!(refused < 300, "{refused} of 800 are refused");
}

#[test]
fn a_pattern_that_gives_nothing_back_is_its_language_or_is_refused() {
    agree(3, 400, ATOMIC);
}

/// Shapes that configurations have and random patterns hardly: what each matches, and what it does not.
const SHAPES: &[(&str, &[&str], &[&str])] = &[
    (r"^((?!\.\.).)*$", &["", "/a.b", "/a."], &["/a/../b", "..", "a..b"]),
    (r"^/(?:(?!admin)[^/])+/x$", &["/web/x", "/adm/x"], &["/admin/x", "/my-admin/x", "//x"]),
    (r"^(?!/(api|static)(/|$))/.*", &["/", "/apis", "/web/api/"], &["/api", "/api/", "/static/a", "/static"]),
    (r"(?<!\.min)\.js$", &["/a.js", "/min.js"], &["/a.min.js", "/a.css"]),
    (r"^/a(?=.*\d)(?=.*[A-Z]).{3,}$", &["/a1B-", "/axX9"], &["/a1B", "/aaaa9", "/aAAAA"]),
    (r"\bwp-(admin|login)\b", &["/wp-admin/", "/x/wp-login.php"], &["/wp-admins", "/xwp-admin/"]),
    (r"^/([^/]++)/y$", &["/x/y"], &["/x/z/y", "//y"]),
    (r"(?m)^b$", &["a\nb", "b\nc", "b"], &["ab", "b c"]),
    (r"(?i)\.(?-i:JPG)$", &["/a.JPG"], &["/a.jpg"]),
    (r"^(?>a|ab)c$", &["ac"], &["abc"]),
];

#[test]
fn shapes_of_configurations_are_read() {
    let mut languages = Languages::new(1_000_000);
    for (written, inside, outside) in SHAPES {
        let regex = regex(written, false);
        let matcher = Pattern::new(&regex).unwrap();
        let language = languages.matcher(&Matcher::Regex(regex));
        let Ok(language) = language else {
            assert_eq!(*written, r"^(?>a|ab)c$", "{language:?}");
            continue;
        };
        for (texts, expected) in [(inside, true), (outside, false)] {
            for text in *texts {
                assert_eq!(matcher.find(text.as_bytes()).unwrap().is_some(), expected, "{written} on {text:?}, one at a time");
                assert_eq!(languages.contains(language, text.as_bytes()), Ok(expected), "{written} on {text:?}");
            }
        }
    }
}

#[test]
fn what_is_no_language_is_refused_with_its_reason() {
    let mut languages = Languages::new(1_000_000);
    let long = "a".repeat(20_000);
    for (written, reason) in [
        (r"^/(\w+)/\1$", "a reference back to what a group found"),
        ("(?R)", "`(?R)`"),
        ("^(?>a|ab)c$", "a group that gives nothing back"),
        (r"(?!a)b?(?<!c)", "what looks back to before what looks ahead"),
        ("(?:(?=a)b?)*c", "what looks around and may be empty, repeated"),
        (long.as_str(), "the pattern has more than 16384 bytes"),
    ] {
        let refused = languages.matcher(&Matcher::Regex(regex(written, false))).unwrap_err();
        assert!(refused.to_string().starts_with(reason), "{written}: {refused}");
    }
    let network = Matcher::Network(Cidr::new("10.0.0.0".parse().unwrap(), 8).unwrap());
    assert!(languages.matcher(&network).is_err());
}

#[test]
fn a_witness_is_inside_and_not_outside() {
    let mut random = Random::new(4);
    let mut readable = readable(&mut random, 200, AROUND);
    let (mut found, mut empty) = (0, 0);
    for _ in 0..400 {
        let picked: Vec<usize> = (0..4).map(|_| random.below(readable.all.len())).collect();
        let ids: Vec<LanguageId> = picked.iter().map(|at| readable.all[*at].1).collect();
        let (inside, outside) = ids.split_at(2);
        let texts = readable.languages.witnesses(inside, outside, 5).unwrap();
        let nicest = readable.languages.witness(inside, outside).unwrap();
        assert_eq!(nicest.is_some(), !texts.is_empty());
        assert_eq!(readable.languages.is_empty(inside, outside).unwrap(), nicest.is_none());
        assert_eq!(texts.iter().collect::<std::collections::BTreeSet<_>>().len(), texts.len(), "all differ");
        for text in nicest.iter().chain(&texts) {
            for (at, index) in picked.iter().enumerate() {
                let (matcher, _, written) = &readable.all[*index];
                let matched = matcher.find(text).unwrap().is_some();
                assert_eq!(matched, at < 2, "{written} on {:?}", String::from_utf8_lossy(text));
            }
        }
        if nicest.is_some() { found += 1 } else { empty += 1 }
    }
    assert!(found > 30 && empty > 30, "{found} {empty}");
}

/// Every text over three letters, up to a length.
fn every_text(longest: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|text: &Vec<u8>| b"ab/".iter().map(move |byte| [text.as_slice(), &[*byte]].concat())).collect();
        all.extend_from_slice(&last);
    }
    all
}

#[test]
fn what_is_empty_has_no_short_text_and_what_is_not_has_a_shortest() {
    let mut random = Random::new(5);
    let mut readable = readable(&mut random, 120, AROUND);
    let letters = Matcher::Regex(regex(r"\A[ab/]*\z", false));
    let letters = readable.languages.matcher(&letters).unwrap();
    let texts = every_text(5);
    for _ in 0..150 {
        let (one, other) = (random.below(readable.all.len()), random.below(readable.all.len()));
        let (inside, outside) = (&readable.all[one], &readable.all[other]);
        let matches = |text: &&Vec<u8>| inside.0.find(text).unwrap().is_some() && outside.0.find(text).unwrap().is_none();
        let shortest = texts.iter().find(matches);
        let witness = readable.languages.witness(&[inside.1, letters], &[outside.1]).unwrap();
        let words = format!("{} without {}", inside.2, outside.2);
        match (shortest, witness) {
            (Some(shortest), Some(witness)) => assert_eq!(shortest.len(), witness.len(), "{words}"),
            (None, Some(witness)) => assert!(witness.len() > 5, "{words}: {witness:?}"),
            (Some(shortest), None) => panic!("{words}: {shortest:?}"),
            (None, None) => {}
        }
    }
}

#[test]
fn what_is_pulled_through_a_rewrite_ends_where_it_says() {
    let mut random = Random::new(6);
    let mut readable = readable(&mut random, 150, AROUND);
    for (matcher, language, written) in &readable.all {
        let (drop, before, after) = (random.below(4), text(&mut random, 3), text(&mut random, 3));
        let pulled = readable.languages.pulled(*language, drop, &before, &after).unwrap();
        for _ in 0..20 {
            let text = text(&mut random, 7);
            let expected =
                text.get(drop..).is_some_and(|rest| matcher.find(&[before.as_slice(), rest, after.as_slice()].concat()).unwrap().is_some());
            assert_eq!(readable.languages.contains(pulled, &text).unwrap(), expected, "{written}: {drop} {before:?} {after:?} on {text:?}");
        }
    }
}
