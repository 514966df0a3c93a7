//! One test: a fetch, flags and patterns.
//!
//! HAProxy: `parse_acl_expr`, `configuration.txt` 7.1. One pattern that matches is enough; a fetch that fails matches none.

use super::super::syntax::Word;
use super::Lowering;
use super::condition::{all_of, any};
use super::converter::integer;
use super::expression;
use super::fetch::{Kind, Sample, converted, exactly, never, pcre};
use super::file::Shape;
use super::settings::Proxy;
use crate::formats::source::{has_hole, shown};
use crate::model::{Cidr, Condition, Converter, Field, Matcher, Name, NumberRange, Opaque, Part, Value};
use std::net::IpAddr;
use std::sync::Arc;

/// How a sample is compared with a pattern (`configuration.txt` 7.1.1 and following).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Found,
    Truth,
    Number,
    Network,
    Length,
    Text,
    Begins,
    Contains,
    /// A run between slashes.
    Directory,
    /// A run between dots, slashes, colons and question marks.
    Domain,
    Ends,
    Regex,
    Verb,
    /// Not read.
    Other,
}

/// Endings of fetch names that say how to match (`path_beg`).
const ENDINGS: &[(&str, Method)] = &[
    ("_beg", Method::Begins),
    ("_dir", Method::Directory),
    ("_dom", Method::Domain),
    ("_end", Method::Ends),
    ("_len", Method::Length),
    ("_reg", Method::Regex),
    ("_sub", Method::Contains),
];

/// The methods that HAProxy knows (`http_known_methods`).
const METHODS: &[&str] = &["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"];

/// Fetches that have such endings.
const WITH_ENDINGS: &[&str] = &["base", "cook", "hdr", "path", "url", "urlp", "url_param", "ssl_fc_sni"];

impl Method {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "found" => Self::Found,
            "bool" => Self::Truth,
            "int" => Self::Number,
            "ip" => Self::Network,
            "len" => Self::Length,
            "str" => Self::Text,
            "beg" => Self::Begins,
            "sub" => Self::Contains,
            "dir" => Self::Directory,
            "dom" => Self::Domain,
            "end" => Self::Ends,
            "reg" => Self::Regex,
            "meth" => Self::Verb,
            _ => Self::Other,
        }
    }
}

/// A test taken apart.
struct Written {
    method: Option<Method>,
    /// The patterns, each with whether letters compare without case.
    patterns: Vec<(String, bool)>,
    /// A list could not be read.
    missing: bool,
}

impl Lowering<'_, '_> {
    /// Returns the condition that the words of an ACL without its name are.
    pub(super) fn lower_test(&mut self, proxy: &Proxy<'_>, words: &[Word]) -> Condition {
        let Some((first, rest)) = words.split_first() else { return never() };
        let said = words.iter().map(|word| shown(&word.text).into_owned()).collect::<Vec<_>>().join(" ");
        let Some(mut expression) = expression::parse(&first.text) else {
            return self.opaque_test(first, &said, Value::default());
        };
        let ending = ENDINGS.iter().find(|(ending, _)| expression.fetch.name.strip_suffix(ending).is_some_and(|base| WITH_ENDINGS.contains(&base)));
        if let Some((ending, _)) = ending {
            let length = expression.fetch.name.len() - ending.len();
            expression.fetch.name.truncate(length);
        }
        let written = self.patterns(rest);
        let sample = self.lower_sample(proxy, &expression, &first.text, (&first.span, true));
        let method = written.method.or(ending.map(|(_, method)| *method)).unwrap_or(match &sample.kind {
            Kind::Text | Kind::Any => Method::Text,
            Kind::Number | Kind::Count { .. } => Method::Number,
            Kind::Address => Method::Network,
            Kind::Method => Method::Verb,
            Kind::Truth(_) => Method::Truth,
        });
        if sample.opaque.is_some() {
            return Condition::Opaque(Opaque { text: Arc::from(said), input: sample.value });
        }
        if written.missing {
            // Which file it is was said.
            return Condition::Opaque(Opaque { text: Arc::from(said), input: sample.value });
        }
        let Some(matched) = self.matched(&sample, method, &written.patterns) else { return self.opaque_test(first, &said, sample.value) };
        // The default of a map is for what is there.
        let defaulted = expression.converters.iter().any(|call| call.name.starts_with("map") && call.args.len() > 1);
        match sample.present {
            Some(present) if defaulted => all_of(vec![present, matched]),
            _ => matched,
        }
    }

    fn opaque_test(&mut self, word: &Word, said: &str, input: Value) -> Condition {
        self.unknown(&word.span, format!("`{said}` is not read: it may hold or not"));
        Condition::Opaque(Opaque { text: Arc::from(said), input })
    }

    /// Reads flags and patterns. A flag holds for what follows it; behind `--` and the first pattern there are none.
    fn patterns(&mut self, words: &[Word]) -> Written {
        let mut written = Written { method: None, patterns: Vec::new(), missing: false };
        let (mut caseless, mut map) = (false, false);
        let mut rest = words;
        while let [flag, after @ ..] = rest {
            if !flag.text.starts_with('-') || flag.text.len() < 2 || flag.text.bytes().nth(1).is_some_and(|byte| byte.is_ascii_digit()) {
                break;
            }
            rest = after;
            match &*flag.text {
                "-i" => caseless = true,
                "-M" => map = true,
                "-f" => {
                    let Some((file, after)) = rest.split_first() else { break };
                    rest = after;
                    match self.list(file, if map { Shape::Map } else { Shape::List }) {
                        Some(lines) => written.patterns.extend(lines.iter().map(|line| (line.key.to_string(), caseless))),
                        None => written.missing = true,
                    }
                }
                "-m" => {
                    let Some((method, after)) = rest.split_first() else { break };
                    rest = after;
                    written.method = Some(Method::named(&method.text));
                }
                "-u" => rest = rest.get(1..).unwrap_or_default(),
                "--" => break,
                _ => {}
            }
        }
        written.patterns.extend(rest.iter().map(|word| (word.text.to_string(), caseless)));
        written
    }

    /// Returns when `sample` matches one of `patterns`; `None` where that cannot be told.
    fn matched(&mut self, sample: &Sample, method: Method, patterns: &[(String, bool)]) -> Option<Condition> {
        match method {
            Method::Found => Some(sample.present.clone().unwrap_or(Condition::Always)),
            Method::Truth => {
                let holds = truth(sample, patterns)?;
                // What fails holds neither way.
                Some(match &sample.present {
                    Some(present) if matches!(sample.kind, Kind::Truth(_)) => all_of(vec![present.clone(), holds]),
                    Some(_) | None => holds,
                })
            }
            Method::Number | Method::Length => {
                let ranges = ranges(patterns)?;
                number(sample, ranges, method)
            }
            Method::Network => {
                let networks: Option<Vec<Condition>> =
                    patterns.iter().map(|(text, _)| Some(sample.test(&sample.value, Matcher::Network(network(text)?)))).collect();
                networks.map(any)
            }
            Method::Other => None,
            Method::Text | Method::Begins | Method::Contains | Method::Directory | Method::Domain | Method::Ends | Method::Regex | Method::Verb => {
                if matches!(sample.kind, Kind::Truth(_) | Kind::Count { .. }) {
                    return None;
                }
                Some(any(patterns.iter().map(|(text, caseless)| self.text_test(sample, method, text, *caseless)).collect()))
            }
        }
    }

    fn text_test(&mut self, sample: &Sample, method: Method, text: &str, caseless: bool) -> Condition {
        let subject = if caseless { self.caseless_subject(&sample.value) } else { sample.value.clone() };
        if has_hole(text) {
            let expected = super::text::literal(text);
            return match method {
                Method::Text | Method::Verb => sample.test(&subject, Matcher::Equals { text: expected, caseless }),
                _ => Condition::Opaque(Opaque { text: Arc::from(format!("it matches {}", shown(text))), input: subject }),
            };
        }
        let known = text.to_ascii_uppercase();
        if method == Method::Verb && METHODS.contains(&known.as_str()) {
            // Known methods are compared as such, whatever the flags; `get` is another method than `GET` (`pat_match_meth`, seen on 2.6.12).
            let is = |text: &str, caseless: bool| sample.test(&subject, Matcher::Equals { text: Value::literal(text), caseless });
            return match (text == known, caseless) {
                (true, _) | (_, false) => is(text, false),
                (false, true) => all_of(vec![is(text, true), is(&known, false).negated()]),
            };
        }
        // The host is in lower case already.
        let lowered = caseless && subject.as_field() == Some(&Field::Host);
        let (text, caseless) = if lowered && method != Method::Regex { (text.to_ascii_lowercase(), false) } else { (text.to_owned(), caseless) };
        let matcher = text_matcher(method, &text, caseless);
        let guard = accepts_empty(&matcher);
        let test = sample.test(&subject, matcher);
        match &sample.present {
            Some(present) if guard => all_of(vec![present.clone(), test]),
            Some(_) | None => test,
        }
    }
}

/// Returns the text of a sample as a whole number, which some are already.
pub(super) fn as_number(sample: &Sample) -> Value {
    match sample.value.parts.as_slice() {
        [Part::Converted(made)] if matches!(made.by, Converter::LooseInteger | Converter::Arithmetic { .. } | Converter::Length) => {
            sample.value.clone()
        }
        _ => integer(sample.value.clone()),
    }
}

/// Returns the matcher of a text by `method`, which is one for texts.
pub(super) fn text_matcher(method: Method, text: &str, caseless: bool) -> Matcher {
    let shared = Arc::from(text);
    match method {
        Method::Begins => Matcher::Prefix { text: shared, caseless },
        Method::Contains => Matcher::Contains { text: shared, caseless },
        Method::Ends => Matcher::Suffix { text: shared, caseless },
        Method::Directory => Matcher::Segment { text: shared, caseless, delimiters: Arc::from("/?") },
        Method::Domain => Matcher::Segment { text: shared, caseless, delimiters: Arc::from("/?.:") },
        Method::Regex => Matcher::Regex(pcre(text, caseless)),
        _ => Matcher::Equals { text: Value::literal(text), caseless },
    }
}

/// Returns whether the empty text passes, so that a field that is not there must be told from one that is empty.
fn accepts_empty(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Equals { text, .. } => text.parts.is_empty(),
        Matcher::Prefix { text, .. } | Matcher::Suffix { text, .. } | Matcher::Contains { text, .. } => text.is_empty(),
        Matcher::Segment { text, delimiters, .. } => text.chars().all(|c| delimiters.contains(c)),
        Matcher::Regex(regex) => fancy_regex::Regex::new(&regex.pattern).map_or(true, |read| read.is_match("").unwrap_or(true)),
        _ => true,
    }
}

fn truth(sample: &Sample, patterns: &[(String, bool)]) -> Option<Condition> {
    let holds = match &sample.kind {
        Kind::Truth(condition) => (**condition).clone(),
        Kind::Any | Kind::Number => sample.test(&sample.value, Matcher::Truthy { zero_is_false: true }),
        Kind::Text | Kind::Address | Kind::Method | Kind::Count { .. } => return None,
    };
    if patterns.is_empty() {
        return Some(holds);
    }
    let wanted = |(text, _): &(String, bool)| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(holds.clone()),
        "false" | "no" | "off" | "0" => Some(holds.clone().negated()),
        _ => None,
    };
    patterns.iter().map(wanted).collect::<Option<Vec<_>>>().map(any)
}

fn number(sample: &Sample, ranges: Vec<NumberRange>, method: Method) -> Option<Condition> {
    let within = |number: i64| ranges.iter().any(|range| range.contains(number));
    if let Kind::Count { header: name, elements } = &sample.kind {
        let some = Condition::test(Value::field(Field::Header(Name::clone(name))), Matcher::Present);
        // Nobody sends more than a few; what is told from one element on is told of all.
        let more = within(1);
        if (2..=100).any(|count| within(count) != more) {
            if !elements {
                return None;
            }
            // A header that is there and empty has one.
            let empty = Condition::test(Value::field(Field::Header(Name::clone(name))), Matcher::Equals { text: Value::default(), caseless: false });
            let counted = converted(Value::field(Field::Header(Name::clone(name))), Converter::Elements);
            let others = Condition::All(vec![empty.clone().negated(), Condition::test(counted, Matcher::Number(ranges.clone()))]);
            let none = if within(0) { vec![some.clone().negated()] } else { Vec::new() };
            let one = if more { vec![all_of(vec![some, empty])] } else { Vec::new() };
            return Some(any(none.into_iter().chain(one).chain([others]).collect()));
        }
        return Some(match (within(0), more) {
            (true, true) => Condition::Always,
            (true, false) => some.negated(),
            (false, true) => some,
            (false, false) => never(),
        });
    }
    if method == Method::Length {
        let empty = within(0);
        let test = sample.test(&sample.value, Matcher::Length(ranges));
        return Some(match &sample.present {
            Some(present) if empty => all_of(vec![present.clone(), test]),
            Some(_) | None => test,
        });
    }
    if let Some(literal) = sample.value.as_literal() {
        let number: i64 = literal.parse().ok()?;
        return Some(if within(number) { Condition::Always } else { never() });
    }
    if matches!(sample.value.as_field(), Some(Field::ListenPort)) {
        return Some(sample.test(&sample.value, Matcher::Number(ranges)));
    }
    // A text begins with its number; one without a number is 0, the empty text is none (`c_str2int`).
    let zero = within(0);
    let test = sample.test(&as_number(sample), Matcher::Number(ranges));
    let there = match (&sample.kind, &sample.present) {
        (Kind::Number, present) => present.clone(),
        (_, _) => Some(sample.test(&sample.value, Matcher::Truthy { zero_is_false: false })),
    };
    Some(match there {
        Some(there) if zero => all_of(vec![there, test]),
        Some(_) | None => test,
    })
}

/// Reads numbers, ranges `a:b` or `a-b` and operators; an operator holds for the patterns after it. A minus at the beginning is that of a range without
/// a lower end, whatever the operator: `lt -4` is "up to 4" (`pat_parse_int`, seen on 2.6.12).
pub(super) fn ranges(patterns: &[(String, bool)]) -> Option<Vec<NumberRange>> {
    let mut operator = "eq";
    let mut found = Vec::new();
    for (text, _) in patterns {
        if let Some(known) = ["eq", "gt", "ge", "lt", "le"].into_iter().find(|known| known == text) {
            operator = known;
            continue;
        }
        if let Some((from, to)) = text.split_once([':', '-']) {
            let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
            found.push(NumberRange { from: bound(from)?, to: bound(to)? });
            continue;
        }
        let number: i64 = text.parse().ok()?;
        found.push(match operator {
            "gt" => NumberRange { from: number.checked_add(1), to: None },
            "ge" => NumberRange { from: Some(number), to: None },
            "lt" => NumberRange { from: None, to: number.checked_sub(1) },
            "le" => NumberRange { from: None, to: Some(number) },
            _ => exactly(number),
        });
    }
    Some(found)
}

/// Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or an address (`pat_parse_ip`).
pub(super) fn network(text: &str) -> Option<Cidr> {
    if let Some((address, mask)) = text.split_once('/')
        && let Ok(IpAddr::V4(mask)) = mask.parse::<IpAddr>()
    {
        let bits = u32::from(mask);
        let length = u8::try_from(bits.leading_ones()).ok()?;
        return (bits.count_ones() == u32::from(length)).then(|| Cidr::new(address.parse().ok()?, length)).flatten();
    }
    Cidr::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_holds_for_what_follows() {
        let read = |words: &[&str]| ranges(&words.iter().map(|word| ((*word).to_owned(), false)).collect::<Vec<_>>());
        let range = |from, to| NumberRange { from, to };
        assert_eq!(read(&["80", "8000:8080", ":9"]), Some(vec![exactly(80), range(Some(8000), Some(8080)), range(None, Some(9))]));
        assert_eq!(read(&["gt", "5", "lt", "2"]), Some(vec![range(Some(6), None), range(None, Some(1))]));
        assert_eq!(read(&["lt", "-4", "4-6", ":-2"]), Some(vec![range(None, Some(4)), range(Some(4), Some(6)), range(None, Some(-2))]));
        assert_eq!(read(&["x"]), None);
    }

    #[test]
    fn a_network_may_have_a_dotted_mask() {
        assert_eq!(network("10.0.0.0/255.0.0.0"), Cidr::parse("10.0.0.0/8"));
        assert_eq!(network("10.0.0.0/255.0.255.0"), None);
        assert_eq!(network("10.1.2.3"), Cidr::parse("10.1.2.3/32"));
    }
}
