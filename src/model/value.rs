//! Texts made at request time: literals, fields of the request, variables, captures.

use super::Test;
use super::table::Label;
use std::sync::Arc;

/// The name of a variable or of a regex group, without its sigil.
pub type Name = Arc<str>;

/// A text that is put together when a request is routed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// The parts, in order; none is the empty text.
    pub parts: Vec<Part>,
}

impl Value {
    /// Returns the value that is always `text`.
    pub fn literal(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { Self { parts: vec![Part::Literal(Arc::from(text))] } }
    }

    /// Returns the value that is one field of the request.
    pub fn field(field: Field) -> Self {
        Self { parts: vec![Part::Field(field)] }
    }

    /// Returns the text, when it is the same for every request.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the field, when this is nothing but one field.
    pub fn as_field(&self) -> Option<&Field> {
        match self.parts.as_slice() {
            [Part::Field(field)] => Some(field),
            _ => None,
        }
    }
}

/// A piece of a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The text as it stands.
    Literal(Arc<str>),
    /// Something the request carries.
    Field(Field),
    /// A variable: what [`super::Action::Set`] put there last, else the [`Lookup`] of that name in the gateway, else the empty text.
    Variable(Name),
    /// A group of the regex that matched last.
    Capture(Capture),
    /// A text that cannot be read (a template expression, a variable of a module): it equals itself and nothing else is known of it.
    Hole(Arc<str>),
}

/// A group of the last regex that matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capture {
    /// By number; 0 is the whole match.
    Index(u8),
    /// By name. Stays set after later regexes without this name.
    Named(Name),
}

/// What a request carries, as seen after the gateway's own [`super::Normalization`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `http` or `https`: how the client reached the listener.
    Scheme,
    /// The host a virtual host is chosen by (nginx `$host`: lower-case, no port).
    Host,
    /// The path the matchers see: normalised, and as rewritten so far (nginx `$uri`).
    Path,
    /// The path without this beginning, the whole path where it begins otherwise (a file below an nginx `alias`).
    PathAfter(Arc<str>),
    /// The request target as the client sent it: path and query, never rewritten (nginx `$request_uri`).
    Target,
    /// The query without `?`, as rewritten so far (nginx `$args`).
    Query,
    /// `?` when there is a query, else empty (nginx `$is_args`).
    QueryMark,
    /// One query parameter's raw value; empty when absent.
    QueryParam(Name),
    /// The method, in upper case.
    Method,
    /// A request header by lower-case name, several joined by `, `; empty when absent. `host` is the raw `Host` header.
    Header(Name),
    /// A cookie by name; empty when absent.
    Cookie(Name),
    /// The client's address.
    Source,
    /// The port of the listener.
    ListenPort,
    /// The address the client connected to.
    ListenAddress,
    /// The name in the TLS handshake; empty without one.
    Sni,
    /// `HTTP/1.1` and the like.
    Protocol,
}

/// A variable computed from a table when it is used (nginx `map`, `geo`; HAProxy maps).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The variable.
    pub name: Name,
    /// The entries in the proxy's own order of choice: the first whose test holds gives the value.
    pub entries: Vec<LookupEntry>,
    /// The value when no entry holds.
    pub otherwise: Value,
    /// Where it is defined.
    pub label: Label,
}

/// One line of a [`Lookup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupEntry {
    /// What must hold.
    pub when: Test,
    /// The value then.
    pub value: Value,
    /// Its line.
    pub label: Label,
}
