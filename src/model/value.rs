//! Texts made at request time: literals, fields of the request, variables, captures.

use super::table::Label;
use super::{Cidr, Regex, Test};
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
    /// Another value, changed.
    Converted(Box<Converted>),
    /// A text that cannot be read (a template expression, a variable of a module): it equals itself and nothing else is known of it.
    Hole(Arc<str>),
}

/// A value with what is done to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Converted {
    /// What is changed.
    pub value: Value,
    /// How.
    pub by: Converter,
}

/// A function on a text (HAProxy converters; what nginx does to captures). Only `EncodeAgain` and `Forwarded` ask for more of the request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Converter {
    /// ASCII letters become lower case.
    Lower,
    /// ASCII letters become upper case.
    Upper,
    /// The `index`-th part between delimiters, counted from 1, from the end where negative; empty parts count (HAProxy `field`).
    Field {
        /// Which; never 0.
        index: i32,
        /// Each byte is a delimiter.
        delimiters: Arc<str>,
        /// So many parts from there on, with what stands between; 0 is the rest.
        count: usize,
    },
    /// As `Field`, but a run of delimiters is one (HAProxy `word`).
    Word {
        /// Which; never 0.
        index: i32,
        /// Each byte is a delimiter.
        delimiters: Arc<str>,
        /// So many parts from there on, with what stands between; 0 is the rest.
        count: usize,
    },
    /// Percent-escapes become bytes (HAProxy `url_dec`).
    PercentDecode {
        /// `+` is a blank everywhere, not only behind the first `?`.
        form: bool,
    },
    /// What the regex finds is replaced; `\1` in `with` is its first group (HAProxy `regsub`, `replace-path`).
    Replace {
        /// What is looked for.
        regex: Regex,
        /// What it becomes.
        with: Arc<str>,
        /// Every occurrence, not only the first.
        all: bool,
    },
    /// The length in bytes, in decimal.
    Length,
    /// The whole number that the text begins with, `0` where it begins with none (HAProxy `read_int64`).
    Integer,
    /// How many elements there are between commas, in decimal (HAProxy `hdr_cnt`); none in the empty text.
    Elements,
    /// The number that HAProxy's `hdr_val` reads, which counts bytes below the digits as negative digits (`strl2ic`).
    LooseInteger,
    /// A number changed by another one; both are whole, of 64 bits.
    Arithmetic {
        /// How.
        operation: Arithmetic,
        /// The other one.
        operand: i64,
    },
    /// A path or a query in a form of which equal ones are equal (HAProxy `normalize-uri`).
    Normalize(Normalizer),
    /// The part from byte `start` on, of at most `length` bytes (HAProxy `bytes`).
    Bytes {
        /// The first byte.
        start: usize,
        /// The most bytes, `None` for the rest.
        length: Option<usize>,
    },
    /// The address with all but the first bits cleared (HAProxy `ipmask`).
    Mask(u8),
    /// What a query does not take is percent-encoded, if the client's path had an escape or a `+`; else nothing is changed (nginx: captures of a `rewrite`).
    EncodeAgain,
    /// The address that a list says, where the text is an address that may be believed; else the text (nginx `geo` with `proxy`).
    Forwarded {
        /// The list.
        list: Value,
        /// Who is believed.
        trusted: Vec<Cidr>,
        /// The last address that is not trusted, instead of the last one.
        recursive: bool,
    },
    /// Escapes of characters that a path takes are decoded, up to the first `?` (nginx: the target of a `rewrite` that redirects).
    DecodeRedirect,
}

/// What is done with two whole numbers (HAProxy `add`, `sub` and their kin). Sums and products that do not fit stay at the end of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    ExclusiveOr,
}

/// A form of a path or a query that means the same (HAProxy `normalize-uri`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Normalizer {
    /// Slashes in a row are one.
    MergeSlashes,
    /// Segments `.` go.
    StripDot,
    /// Segments `..` go, with the segment before.
    StripDotDot {
        /// Those at the beginning too.
        full: bool,
    },
    /// Escapes of characters that need none are decoded.
    DecodeUnreserved,
    /// Escapes have upper-case digits.
    UppercaseEscapes,
    /// Parameters are sorted by their names.
    SortQuery,
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
    /// The path and query as rewritten so far, as one text (HAProxy `url`, `pathq`).
    Url,
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
    /// One whole header of that lower-case name, counted from 1, from the end where negative (HAProxy `req.fhdr`); empty when absent.
    HeaderLine {
        /// In lower case.
        name: Name,
        /// Which; never 0.
        index: i32,
    },
    /// A cookie by name; empty when absent.
    Cookie(Name),
    /// The client's address, as believed so far ([`super::Action::SetSource`] changes it).
    Source,
    /// The address of the other end of the connection, whatever is believed of the client (nginx `$realip_remote_addr`).
    Peer,
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
    /// It is looked up again each time; otherwise the first value stays for the whole request (nginx `volatile`).
    pub volatile: bool,
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
