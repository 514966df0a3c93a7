//! Values, tests and host patterns in words, for conditions that cannot be decided and for regions.

use crate::model::{Capture, Field, HostPattern, Matcher, Part, Test, Value};

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
    }
}

fn field_words(field: &Field) -> String {
    match field {
        Field::Scheme => "the scheme".to_owned(),
        Field::Host => "the host".to_owned(),
        Field::Path => "the path".to_owned(),
        Field::PathAfter(start) => format!("the path below {start}"),
        Field::Target => "the request target".to_owned(),
        Field::Query => "the query".to_owned(),
        Field::QueryMark => "`?` of the query".to_owned(),
        Field::QueryParam(name) => format!("query parameter {name}"),
        Field::Method => "the method".to_owned(),
        Field::Header(name) => format!("header {name}"),
        Field::Cookie(name) => format!("cookie {name}"),
        Field::Source => "the client's address".to_owned(),
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
