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
    match by {
        Converter::Lower => text.to_ascii_lowercase(),
        Converter::Upper => text.to_ascii_uppercase(),
        Converter::Field { index, delimiters, count } => parts(text, delimiters.as_bytes(), (*index, *count), false),
        Converter::Word { index, delimiters, count } => parts(text, delimiters.as_bytes(), (*index, *count), true),
        Converter::Length => text.len().to_string().into_bytes(),
        Converter::Elements if text.is_empty() => b"0".to_vec(),
        Converter::Elements => text.split(|byte| *byte == b',').count().to_string().into_bytes(),
        Converter::Integer => {
            let (sign, rest) = match text {
                [b'-', rest @ ..] => (-1, rest),
                [b'+', rest @ ..] | rest => (1, rest),
            };
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
            let number = digits.fold(0_i128, |number, digit| (number * 10 + i128::from(digit - b'0')).min(1 << 70)) * sign;
            number.clamp(i64::MIN.into(), i64::MAX.into()).to_string().into_bytes()
        }
        Converter::Bytes { start, length } => text.iter().skip(*start).take(length.unwrap_or(usize::MAX)).copied().collect(),
        _ => text.trim_ascii().to_vec(),
    }
}

/// The parts of that number, with what stands between them; to the end of the text where there are fewer.
fn parts(text: &[u8], delimiters: &[u8], (index, count): (i32, usize), runs: bool) -> Vec<u8> {
    let delimits = |byte: &u8| delimiters.contains(byte);
    let mut all = Vec::new();
    let mut from = 0;
    for part in text.split(delimits) {
        if !runs || !part.is_empty() {
            all.push((from, from + part.len()));
        }
        from += part.len() + 1;
    }
    let number = index.unsigned_abs() as usize - 1;
    if index < 0 {
        all.reverse();
    }
    let Some((start, end)) = all.get(number).copied() else { return Vec::new() };
    let last = (count > 0).then(|| all.get(number + count - 1)).flatten();
    let (start, end) = match (index < 0, last) {
        (false, last) => (start, last.map_or(text.len(), |(_, end)| *end)),
        (true, last) => (last.map_or(0, |(start, _)| *start), end),
    };
    text[start..end].to_vec()
}

#[test]
fn numbers_made_of_texts_are_followed() {
    let mut random = Random::new(22);
    let texts =
        ["", "0", "7", "+7", "-7", "007", "12x", "-0", "+", "-", "x1", "300", "a,b", "a,,b", ",", "99999999999999999999", "-99999999999999999999"];
    for _ in 0..60 {
        let mut languages = Languages::new(u64::MAX);
        let (from, to) = (i64::try_from(random.below(20)).unwrap() - 8, i64::try_from(random.below(400)).unwrap());
        let range = waypost::model::NumberRange { from: Some(from).filter(|_| random.below(4) > 0), to: Some(to).filter(|_| random.below(4) > 0) };
        let of = languages.matcher(&Matcher::Number(vec![range])).unwrap();
        for by in [Converter::Length, Converter::Elements, Converter::Integer] {
            let before = languages.before_conversion(of, &by).unwrap();
            let long = "a,".repeat(random.below(400));
            for text in texts.iter().copied().chain([long.as_str()]) {
                let expected = languages.contains(of, &made(text.as_bytes(), &by)).unwrap();
                assert_eq!(languages.contains(before, text.as_bytes()).unwrap(), expected, "{by:?} of {text:?} in {range:?}");
            }
        }
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
            2 => Converter::Field { index, delimiters, count: random.below(4) },
            3 => Converter::Word { index, delimiters, count: random.below(4) },
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
