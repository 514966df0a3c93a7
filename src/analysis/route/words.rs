//! Values, tests and host patterns in words, for conditions that cannot be decided and for regions.

use crate::model::{Arithmetic, Capture, Converter, Field, HostPattern, Matcher, NumberRange, Part, Test, Value};

/// Returns `value` as a person would write it.
fn value_words(value: &Value) -> String {
    value.parts.iter().map(part_words).collect()
}

fn part_words(part: &Part) -> String {
    match part {
        Part::Literal(text) | Part::Hole(text) => text.to_string(),
        Part::Field(field) => field_words(field),
        Part::Variable(name) | Part::Capture(Capture::Named(name)) => format!("${name}"),
        Part::Capture(Capture::Index(index)) => format!("${index}"),
        Part::Converted(converted) if matches!(converted.by, Converter::EncodeAgain | Converter::DecodeRedirect) => value_words(&converted.value),
        Part::Converted(converted) => format!("{} ({})", value_words(&converted.value), converter_words(&converted.by)),
    }
}

fn converter_words(by: &Converter) -> String {
    match by {
        Converter::Lower => "in lower case".to_owned(),
        Converter::Upper => "in upper case".to_owned(),
        Converter::Field { index, delimiters, count } => format!("{} by {delimiters}", counted("part", *index, *count)),
        Converter::Word { index, delimiters, count } => format!("{} by {delimiters}", counted("word", *index, *count)),
        Converter::PercentDecode { .. } => "decoded".to_owned(),
        Converter::Replace { regex, with, .. } => format!("{} replaced by {with}", regex.pattern),
        Converter::Forwarded { list, .. } => format!("or {}", value_words(list)),
        Converter::EncodeAgain => "encoded".to_owned(),
        Converter::DecodeRedirect => "decoded as a redirect".to_owned(),
        Converter::Length => "its length".to_owned(),
        Converter::Elements => "the number of its elements".to_owned(),
        Converter::Integer | Converter::LooseInteger => "its number".to_owned(),
        Converter::Bytes { start, length: None } => format!("from byte {start}"),
        Converter::Bytes { start, length: Some(length) } => format!("{length} bytes from byte {start}"),
        Converter::Mask(bits) => format!("its first {bits} bits"),
        Converter::Arithmetic { operation, operand } => match operation {
            Arithmetic::Add => format!("plus {operand}"),
            Arithmetic::Subtract => format!("minus {operand}"),
            Arithmetic::Multiply => format!("times {operand}"),
            Arithmetic::Divide => format!("divided by {operand}"),
            Arithmetic::Modulo => format!("modulo {operand}"),
            Arithmetic::And => format!("and {operand}"),
            Arithmetic::Or => format!("or {operand}"),
            Arithmetic::ExclusiveOr => format!("xor {operand}"),
        },
        Converter::Normalize(_) => "normalised".to_owned(),
    }
}

fn counted(what: &str, index: i32, count: usize) -> String {
    match count {
        1 => format!("{what} {index}"),
        0 => format!("{what} {index} and all after it"),
        more => format!("{more} {what}s from {index} on"),
    }
}

fn range_words(ranges: &[NumberRange]) -> String {
    let one = |range: &NumberRange| match (range.from, range.to) {
        (Some(from), Some(to)) if from == to => from.to_string(),
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (Some(from), None) => format!("{from} or more"),
        (None, Some(to)) => format!("{to} or less"),
        (None, None) => "a number".to_owned(),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn field_words(field: &Field) -> String {
    match field {
        Field::Scheme => "the scheme".to_owned(),
        Field::Host => "the host".to_owned(),
        Field::Path => "the path".to_owned(),
        Field::PathAfter(start) => format!("the path below {start}"),
        Field::Target => "the request target".to_owned(),
        Field::Url => "the URL".to_owned(),
        Field::Query => "the query".to_owned(),
        Field::QueryMark => "`?` of the query".to_owned(),
        Field::QueryParam(name) => format!("query parameter {name}"),
        Field::Method => "the method".to_owned(),
        Field::Header(name) | Field::HeaderLine { name, .. } => format!("header {name}"),
        Field::Cookie(name) => format!("cookie {name}"),
        Field::Source => "the client's address".to_owned(),
        Field::Peer => "the address of the connection".to_owned(),
        Field::ListenPort => "the port".to_owned(),
        Field::ListenAddress => "the address connected to".to_owned(),
        Field::Sni => "the TLS server name".to_owned(),
        Field::Protocol => "the protocol".to_owned(),
    }
}

/// Returns `test` in words: `header x-beta is 1`.
pub(in crate::analysis) fn test_words(test: &Test) -> String {
    let subject = value_words(&test.subject);
    match &test.matcher {
        Matcher::Equals { text, .. } if text.parts.is_empty() => format!("{subject} is empty"),
        Matcher::Equals { text, .. } => format!("{subject} is {}", value_words(text)),
        Matcher::Prefix { text, .. } => format!("{subject} begins with {text}"),
        Matcher::Suffix { text, .. } => format!("{subject} ends with {text}"),
        Matcher::Contains { text, .. } => format!("{subject} contains {text}"),
        Matcher::Regex(regex) => format!("{subject} matches {}", regex.pattern),
        Matcher::Network(network) => format!("{subject} is in {network}"),
        Matcher::Truthy { .. } => format!("{subject} is set"),
        Matcher::Segment { text, .. } => format!("{subject} has a part {text}"),
        Matcher::Number(ranges) => format!("{subject} is {}", range_words(ranges)),
        Matcher::Length(ranges) => format!("the length of {subject} is {}", range_words(ranges)),
        Matcher::Present => format!("{subject} is there"),
        Matcher::Element(inner) | Matcher::Each(inner) => test_words(&Test { subject: test.subject.clone(), matcher: (**inner).clone() }),
    }
}

/// Returns `pattern` as it is written in a configuration.
pub(in crate::analysis) fn host_words(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(name) => name.to_string(),
        HostPattern::AnyPrefix(rest) => format!("*{rest}"),
        HostPattern::AnySuffix(rest) => format!("{rest}*"),
        HostPattern::Regex(regex) => format!("~{}", regex.pattern),
        HostPattern::Hole(text) => text.to_string(),
    }
}
