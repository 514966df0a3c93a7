//! Sample fetches: what a rule can look at.
//!
//! HAProxy: `configuration.txt` 7.3. A fetch can fail (a header that is not there); then no pattern matches it, not even the empty one.

use super::Lowering;
use super::expression::Call;
use super::settings::Proxy;
use crate::model::{Capture, Condition, Converted, Converter, Field, Matcher, Name, NumberRange, Part, Regex, RegexDialect, Value};
use std::sync::Arc;

/// What a fetch with its converters gives.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// As a text.
    pub(super) value: Value,
    pub(super) kind: Kind,
    /// It gives one value after another (`hdr`), of which one must match.
    pub(super) many: Many,
    /// It fails unless this holds; `None` where it never fails.
    pub(super) present: Option<Condition>,
    /// It cannot be read: `value` is what it depends on.
    pub(super) opaque: Option<Arc<str>>,
}

/// How many values a fetch gives where it is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    One,
    /// The elements of a header, between commas.
    Elements,
    /// One for each header, cookie or parameter of the name.
    Each,
}

/// The type of a sample, which decides how it is matched where no method is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Address,
    Method,
    /// Holds or does not; its text is `1` or `0`.
    Truth(Box<Condition>),
    /// How many of the header there are, or how many elements between commas (`hdr_cnt`).
    Count {
        header: Name,
        elements: bool,
    },
    /// What an earlier `set-var` put there.
    Any,
}

impl Sample {
    pub(super) fn text(value: Value) -> Self {
        Self { value, kind: Kind::Text, many: Many::One, present: None, opaque: None }
    }

    pub(super) fn truth(condition: Condition) -> Self {
        Self { kind: Kind::Truth(Box::new(condition)), ..Self::text(Value::default()) }
    }

    fn field(field: Field) -> Self {
        Self::text(Value::field(field))
    }

    fn number(number: i64) -> Self {
        Self { kind: Kind::Number, ..Self::text(Value::literal(&number.to_string())) }
    }

    /// What is not there unless the field is.
    fn optional(field: Field) -> Self {
        let present = Condition::test(Value::field(field.clone()), Matcher::Present);
        Self { present: Some(present), ..Self::field(field) }
    }

    /// What cannot be read, under its own words; `input` is what it depends on.
    pub(super) fn opaque(words: &str, input: Value) -> Self {
        Self { opaque: Some(Arc::from(words)), kind: Kind::Any, ..Self::text(input) }
    }

    /// Returns the test of `subject`, of one of its values where the sample has several.
    pub(super) fn test(&self, subject: &Value, matcher: Matcher) -> Condition {
        let matcher = match self.many {
            Many::One => matcher,
            Many::Elements if subject.as_field().is_some() && matcher != Matcher::Present => Matcher::Element(Box::new(matcher)),
            Many::Elements | Many::Each => Matcher::Each(Box::new(matcher)),
        };
        Condition::test(subject.clone(), matcher)
    }

    /// Returns the one value that is given where it is not matched: of a header the last one (`smp_fetch_hdr`: `-1`).
    pub(super) fn single(self) -> Self {
        let value = match self.many {
            Many::Elements => {
                let regex = pcre("^.*,[ \t]*", false);
                let last = |value| converted(value, Converter::Replace { regex, with: Arc::from(""), all: false });
                // A number is read from that element.
                match self.value.parts.as_slice() {
                    [Part::Converted(outer)] => converted(last(outer.value.clone()), outer.by.clone()),
                    _ => last(self.value),
                }
            }
            Many::One | Many::Each => self.value,
        };
        Self { value, many: Many::One, ..self }
    }

    /// Returns the value as a text to put somewhere.
    pub(super) fn into_value(self) -> Value {
        match (self.opaque, self.kind) {
            (Some(words), _) => Value { parts: vec![Part::Hole(words)] },
            (None, Kind::Truth(condition)) => match *condition {
                Condition::Always => Value::literal("1"),
                Condition::Any(none) if none.is_empty() => Value::literal("0"),
                other => Value { parts: vec![Part::Hole(Arc::from(format!("{other:?}")))] },
            },
            (None, Kind::Count { header, elements: true }) => converted(Value::field(Field::Header(header)), Converter::Elements),
            (None, Kind::Count { header, elements: false }) => Value { parts: vec![Part::Hole(Arc::from(format!("fhdr_cnt({header})")))] },
            (None, _) => self.value,
        }
    }
}

/// Returns `value` after `by`.
pub(super) fn converted(value: Value, by: Converter) -> Value {
    Value { parts: vec![Part::Converted(Box::new(Converted { value, by }))] }
}

/// Returns a pattern as HAProxy reads it: PCRE2 on bytes, searched.
pub(super) fn pcre(pattern: &str, caseless: bool) -> Regex {
    Regex { pattern: Arc::from(pattern), caseless, dialect: RegexDialect::Pcre, names: Vec::new() }
}

/// A condition that no request fulfils.
pub(super) fn never() -> Condition {
    Condition::Any(Vec::new())
}

fn truth_of(holds: bool) -> Sample {
    Sample::truth(if holds { Condition::Always } else { never() })
}

fn is(field: Field, text: &str) -> Condition {
    Condition::test(Value::field(field), Matcher::Equals { text: Value::literal(text), caseless: false })
}

impl Lowering<'_, '_> {
    /// Returns what `call` gives; `words` are the whole expression's own.
    pub(super) fn lower_fetch(&mut self, proxy: &Proxy<'_>, call: &Call, words: &str) -> Sample {
        let name = call.name.as_str();
        let short = name.strip_prefix("req.").unwrap_or(name);
        if self.set_by_code(call) {
            return Sample::opaque(words, Value::default());
        }
        let known = request_line(name).or_else(|| connection(name, proxy)).or_else(|| constant(call)).or_else(|| headers(short, call));
        known.or_else(|| self.servers(call)).unwrap_or_else(|| Sample::opaque(words, Value::default()))
    }

    /// Returns the sample of a `Host` fetch: where nobody changes the header, the field that virtual hosts are chosen by is as good.
    fn host(&self) -> Field {
        if self.changes_host { Field::Header(Name::from("host")) } else { Field::Host }
    }

    /// Returns `value` read without case: the lower-case host where that is the same.
    pub(super) fn caseless_subject(&self, value: &Value) -> Value {
        if value.as_field() == Some(&Field::Header(Name::from("host"))) { Value::field(self.host()) } else { value.clone() }
    }

    /// Fetches about backends. Every server is taken to be up: how many there are is what the configuration says.
    fn servers(&self, call: &Call) -> Option<Sample> {
        let named = |name: &str| self.backends.get(name).and_then(|proxy| self.pool_of.get(&proxy.index)).and_then(|id| self.pools.get(id.0));
        let usable = |pool: &crate::model::Pool| {
            let of = |state| pool.members.iter().filter(|member| member.state == state).count();
            let active = of(crate::model::MemberState::Active);
            if active > 0 { active } else { of(crate::model::MemberState::Backup) }
        };
        match call.name.as_str() {
            "nbsrv" => {
                let pool = named(call.arg(0)?)?;
                pool.complete.then(|| Sample::number(i64::try_from(usable(pool)).unwrap_or(i64::MAX)))
            }
            "srv_is_up" => {
                let (backend, server) = call.arg(0)?.split_once('/')?;
                let member = named(backend)?.members.iter().find(|member| member.name.as_deref() == Some(server))?;
                Some(truth_of(member.state != crate::model::MemberState::Down))
            }
            "queue" | "avg_queue" | "srv_queue" => Some(Sample::number(0)),
            _ => None,
        }
    }
}

/// Fetches on the request line.
fn request_line(name: &str) -> Option<Sample> {
    Some(match name {
        "path" => Sample::field(Field::Path),
        "pathq" | "url" => Sample::field(Field::Url),
        "capture.req.uri" => Sample::field(Field::Target),
        "query" => Sample::optional(Field::Query),
        "method" | "capture.req.method" => Sample { kind: Kind::Method, ..Sample::field(Field::Method) },
        "base" => Sample::text(Value { parts: vec![Part::Field(Field::Header(Name::from("host"))), Part::Field(Field::Path)] }),
        "baseq" => Sample::text(Value { parts: vec![Part::Field(Field::Header(Name::from("host"))), Part::Field(Field::Url)] }),
        "req.ver" | "req_ver" | "capture.req.ver" => Sample::text(Value::literal(if name.starts_with("capture") { "HTTP/1.1" } else { "1.1" })),
        _ => return None,
    })
}

/// Fetches on the connection.
fn connection(name: &str, proxy: &Proxy<'_>) -> Option<Sample> {
    let tls = || is(Field::Scheme, "https");
    Some(match name {
        "src" => Sample { kind: Kind::Address, ..Sample::field(Field::Source) },
        "dst" => Sample { kind: Kind::Address, ..Sample::field(Field::ListenAddress) },
        "dst_port" => Sample { kind: Kind::Number, ..Sample::field(Field::ListenPort) },
        "ssl_fc" => Sample::truth(tls()),
        "ssl_fc_has_sni" => Sample::truth(Condition::test(Value::field(Field::Sni), Matcher::Present)),
        "ssl_fc_sni" | "req.ssl_sni" | "req_ssl_sni" => Sample::optional(Field::Sni),
        // A connection that is passed on as bytes is taken to be what its rules wait for.
        "req.ssl_hello_type" | "req_ssl_hello_type" | "req.len" | "req_len" | "fc_http_major" => Sample::number(1),
        "fe_name" if proxy.is_frontend() => Sample::text(Value::literal(proxy.name())),
        "req.proto_http" | "req_proto_http" => truth_of(!proxy.is_tcp()),
        "wait_end" | "http_first_req" => truth_of(true),
        _ => return None,
    })
}

/// Fetches that are the same for every request.
fn constant(call: &Call) -> Option<Sample> {
    Some(match call.name.as_str() {
        "always_true" => truth_of(true),
        "always_false" => truth_of(false),
        "str" => Sample::text(Value::literal(call.arg(0).unwrap_or_default())),
        "int" => Sample::number(call.arg(0)?.parse::<i64>().ok()?),
        "bool" => match call.arg(0)? {
            "true" | "on" | "1" => truth_of(true),
            "false" | "off" | "0" => truth_of(false),
            _ => return None,
        },
        "ipv4" | "ipv6" => Sample { kind: Kind::Address, ..Sample::text(Value::literal(call.arg(0)?)) },
        "meth" => Sample { kind: Kind::Method, ..Sample::text(Value::literal(call.arg(0)?)) },
        _ => return None,
    })
}

/// Fetches on headers, cookies, parameters and variables.
fn headers(name: &str, call: &Call) -> Option<Sample> {
    let header = || call.arg(0).map(|name| Field::Header(Name::from(name.to_ascii_lowercase())));
    // Only the whole header is read: one value of several by its number is not.
    let whole = call.args.len() == 1;
    Some(match name {
        "hdr" | "hdr_val" | "hdr_ip" if call.args.len() == 2 => {
            let occurrence = call.arg(1)?.parse().ok().filter(|at| *at != 0)?;
            let element = converted(Value::field(header()?), Converter::Field { index: occurrence, delimiters: Arc::from(","), count: 1 });
            let trimmed = converted(element, Converter::Replace { regex: pcre("^[ \t]+|[ \t]+$", false), with: Arc::from(""), all: true });
            let present = Condition::test(trimmed.clone(), Matcher::Present);
            Sample { kind: kind_of(name), present: Some(present), ..Sample::text(read_as(name, trimmed)) }
        }
        "hdr" | "hdr_val" | "hdr_ip" if whole => {
            let field = header()?;
            // A host has no comma, and the field is what everything else looks at.
            let many = if field == Field::Header(Name::from("host")) { Many::One } else { Many::Elements };
            let sample = Sample::optional(field);
            Sample { kind: kind_of(name), many, value: read_as(name, sample.value), ..sample }
        }
        "fhdr" => {
            let name = Name::from(call.arg(0)?.to_ascii_lowercase());
            match call.arg(1) {
                // There is one `Host` header, which everything else looks at too.
                None if &*name == "host" => Sample::optional(Field::Header(name)),
                None => Sample { many: Many::Each, ..Sample::optional(Field::HeaderLine { name, index: -1 }) },
                Some(index) => Sample::optional(Field::HeaderLine { name, index: index.parse().ok().filter(|index| *index != 0)? }),
            }
        }
        "hdr_cnt" | "fhdr_cnt" if whole => {
            let kind = Kind::Count { header: Name::from(call.arg(0)?.to_ascii_lowercase()), elements: name == "hdr_cnt" };
            Sample { kind, ..Sample::field(header()?) }
        }
        "cook" | "cookie" | "cook_val" if whole => {
            let sample = Sample::optional(Field::Cookie(Name::from(call.arg(0)?)));
            Sample { kind: kind_of(name), many: Many::Each, value: read_as(name, sample.value), ..sample }
        }
        "url_param" | "urlp" | "url_param_val" | "urlp_val" if whole => {
            let sample = Sample::optional(Field::QueryParam(Name::from(call.arg(0)?)));
            Sample { kind: kind_of(name), many: Many::Each, value: read_as(name, sample.value), ..sample }
        }
        "var" => {
            let value = Value { parts: vec![Part::Variable(Name::from(call.arg(0)?))] };
            let present = Condition::test(value.clone(), Matcher::Present);
            let unset = call.arg(1).is_none();
            let sample = Sample { kind: Kind::Any, present: Some(present), ..Sample::text(value) };
            if unset { sample } else { return None }
        }
        "http_auth" => {
            let credentials = Value::field(Field::Header(Name::from("authorization")));
            let given = Condition::test(credentials.clone(), Matcher::Present);
            let known = crate::model::Opaque { text: Arc::from(format!("the user is in the list `{}`", call.arg(0)?)), input: credentials };
            Sample::truth(Condition::All(vec![given, Condition::Opaque(known)]))
        }
        _ => return None,
    })
}

/// Returns `value` as the number that fetches called `…_val` read.
fn read_as(name: &str, value: Value) -> Value {
    if name.ends_with("_val") { converted(value, Converter::LooseInteger) } else { value }
}

fn kind_of(name: &str) -> Kind {
    match name {
        _ if name.ends_with("_val") => Kind::Number,
        "hdr_ip" => Kind::Address,
        _ => Kind::Text,
    }
}

/// Returns the range of exactly `number`.
pub(super) fn exactly(number: i64) -> NumberRange {
    NumberRange { from: Some(number), to: Some(number) }
}

/// Returns a group of the last pattern that matched.
pub(super) fn group(index: u8) -> Part {
    Part::Capture(Capture::Index(index))
}
