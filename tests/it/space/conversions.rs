//! What a text has to be so that what is made of it is in a language, held against making it.

use super::generate::{Random, Taste, pattern, text};
use std::sync::Arc;
use waypost::model::{Capture, Converter, Matcher, Regex, RegexDialect};
use waypost::space::{LanguageId, Languages, Pattern};

const PLAIN: Taste = Taste { places: false, atomic: false };

fn regex(pattern: &str) -> Regex {
    Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() }
}

/// A random language.
fn language(random: &mut Random, languages: &mut Languages) -> LanguageId {
    loop {
        let written = format!("^(?:{})$", pattern(random, 4, PLAIN));
        if let Ok(language) = languages.matcher(&Matcher::Regex(regex(&written))) {
            return if random.below(3) == 0 { languages.complement(language) } else { language };
        }
    }
}

/// Does what the converter says; written apart from the product.
fn made(text: &[u8], by: &Converter) -> Vec<u8> {
    let nth = |mut parts: Vec<&[u8]>, index: i32| {
        if index < 0 {
            parts.reverse();
        }
        parts.get(index.unsigned_abs() as usize - 1).map_or(Vec::new(), |part| part.to_vec())
    };
    match by {
        Converter::Lower => text.to_ascii_lowercase(),
        Converter::Upper => text.to_ascii_uppercase(),
        Converter::Field { index, delimiters, .. } => nth(text.split(|byte| delimiters.as_bytes().contains(byte)).collect(), *index),
        Converter::Word { index, delimiters, .. } => {
            nth(text.split(|byte| delimiters.as_bytes().contains(byte)).filter(|word| !word.is_empty()).collect(), *index)
        }
        Converter::Bytes { start, length } => text.iter().skip(*start).take(length.unwrap_or(usize::MAX)).copied().collect(),
        _ => text.trim_ascii().to_vec(),
    }
}

#[test]
fn what_is_made_of_a_text_is_in_a_language_where_the_text_is_in_the_one_before() {
    let mut random = Random::new(21);
    let mut kept = [0, 0];
    for _ in 0..600 {
        let mut languages = Languages::new(u64::MAX);
        let of = language(&mut random, &mut languages);
        let index = [1, 2, 3, -1, -2][random.below(5)];
        let delimiters: Arc<str> = Arc::from(["/", "a", "/b"][random.below(3)]);
        let by = match random.below(5) {
            0 => Converter::Lower,
            1 => Converter::Upper,
            2 => Converter::Field { index, delimiters, count: 1 },
            3 => Converter::Word { index, delimiters, count: 1 },
            _ => Converter::Bytes { start: random.below(4), length: [None, Some(1), Some(3)][random.below(3)] },
        };
        let before = languages.before_conversion(of, &by).unwrap();
        for _ in 0..20 {
            let text = text(&mut random, 8);
            let expected = languages.contains(of, &made(&text, &by)).unwrap();
            assert_eq!(languages.contains(before, &text).unwrap(), expected, "{by:?} of {:?}", String::from_utf8_lossy(&text));
            kept[usize::from(expected)] += 1;
        }
    }
    assert!(kept[0] > 500 && kept[1] > 500, "hardly anything is in, or out: {kept:?}");
}

#[test]
fn blanks_around_are_dropped() {
    let mut languages = Languages::new(u64::MAX);
    let trim = Converter::Replace { regex: regex("^[ \t]+|[ \t]+$"), with: Arc::from(""), all: true };
    let of = languages.literal(b"a b");
    let before = languages.before_conversion(of, &trim).unwrap();
    for (text, expected) in [("a b", true), (" a b", true), ("\ta b  ", true), ("a  b", false), ("", false), ("a b c", false)] {
        assert_eq!(languages.contains(before, text.as_bytes()).unwrap(), expected, "{text:?}");
        assert_eq!(made(text.as_bytes(), &trim) == b"a b", expected, "{text:?}");
    }
}

#[test]
fn a_parameter_is_the_first_of_its_name() {
    let mut languages = Languages::new(u64::MAX);
    let one = languages.literal(b"1");
    let (exact, caseless) = (languages.parameter_in(one, "a", false), languages.parameter_in(one, "a", true));
    let queries = [
        ("a=1", true, true),
        ("b=2&a=1&a=2", true, true),
        ("a=2&a=1", false, false),
        ("A=1", false, true),
        ("aa=1", false, false),
        ("a=1x", false, false),
        ("a", false, false),
        ("a&a=1", true, true),
        ("", false, false),
        ("b=a=1", false, false),
    ];
    for (query, wanted, any_case) in queries {
        assert_eq!(languages.contains(exact, query.as_bytes()).unwrap(), wanted, "{query}");
        assert_eq!(languages.contains(caseless, query.as_bytes()).unwrap(), any_case, "{query} in any case");
    }
    let empty = languages.literal(b"");
    let none = languages.parameter_in(empty, "a", false);
    for (query, wanted) in [("", true), ("a", true), ("a=", true), ("a=&a=1", true), ("b=1", true), ("a=1", false), ("b&a=1", false)] {
        assert_eq!(languages.contains(none, query.as_bytes()).unwrap(), wanted, "{query}");
    }
}

/// Patterns with groups as configurations have them; random ones hardly have groups that are not ambiguous.
const GROUPS: &[(&str, u8)] = &[
    ("^/([^/]+)/(.*)$", 1),
    ("^/([^/]+)/(.*)$", 2),
    ("^/([^/]+)", 1),
    (r"^/(\w+)/?$", 1),
    ("^/(a|b)(/x)?$", 1),
    ("^/(a|b)(/x)?$", 2),
    (r"^/a/(.*)\.x$", 1),
    ("^/(?:a/([ab]+)|b)$", 1),
    ("/([ab]*)$", 1),
    ("^/(.*)/(.*)$", 1),
    ("(a+)(b*)", 2),
    ("^/(a(b))", 2),
    ("^/(a)", 3),
    ("^/((?!a)[ab]+)/", 1),
    ("^(?i)/(A+)$", 1),
];

#[test]
fn a_group_is_in_a_language_where_the_text_is_in_the_one_before() {
    let mut random = Random::new(22);
    let (mut followed, mut refused) = (0, 0);
    for round in 0..600 {
        let mut languages = Languages::new(10_000_000);
        let of = language(&mut random, &mut languages);
        let (written, group) = if round % 2 == 0 {
            let (written, group) = GROUPS[random.below(GROUPS.len())];
            (written.to_owned(), group)
        } else {
            (format!("({})/?({})", pattern(&mut random, 3, PLAIN), pattern(&mut random, 3, PLAIN)), 1 + u8::from(random.below(2) == 0))
        };
        let Ok(matcher) = Pattern::new(&regex(&written)) else { continue };
        let Ok(before) = languages.group_in(of, &regex(&written), &Capture::Index(group)) else {
            refused += 1;
            continue;
        };
        followed += 1;
        for _ in 0..20 {
            let text = if round % 2 == 0 { [b"/".as_slice(), &text(&mut random, 7)].concat() } else { text(&mut random, 8) };
            let Ok(found) = matcher.find(&text) else { continue };
            let expected = found.is_some_and(|found| {
                let group = found.groups.get(usize::from(group)).cloned().flatten().unwrap_or_default();
                languages.contains(of, &group).unwrap()
            });
            assert_eq!(languages.contains(before, &text).unwrap(), expected, "group {group} of {written} in {:?}", String::from_utf8_lossy(&text));
        }
    }
    println!("{followed} groups are followed, {refused} are not");
    assert!(followed > 200, "only {followed} groups are followed, {refused} are not");
}

#[test]
fn beginnings_part_every_text() {
    let mut random = Random::new(23);
    let mut parted = 0;
    for _ in 0..300 {
        let mut languages = Languages::new(u64::MAX);
        let of = language(&mut random, &mut languages);
        let Some(parts) = languages.beginnings(of, b"?", 80).unwrap() else { continue };
        parted += 1;
        for _ in 0..12 {
            let (first, second) = (text(&mut random, 6), text(&mut random, 6));
            let found: Vec<LanguageId> =
                parts.iter().filter(|(texts, _)| languages.contains(*texts, &first).unwrap()).map(|(_, rest)| *rest).collect();
            assert_eq!(found.len(), 1, "{:?}", String::from_utf8_lossy(&first));
            let whole = [first.as_slice(), b"?", &second].concat();
            assert_eq!(
                languages.contains(found[0], &second).unwrap(),
                languages.contains(of, &whole).unwrap(),
                "{:?}",
                String::from_utf8_lossy(&whole)
            );
        }
    }
    assert!(parted > 100, "only {parted}");
}
