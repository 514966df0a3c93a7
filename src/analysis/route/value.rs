//! Values at request time.

use super::text::Text;
use super::walk::{Walk, raw_host};
use crate::analysis::trace::Choice;
use crate::model::{Capture, Field, ListenAddress, Name, Part, Protocol, Scheme, Value};
use std::net::IpAddr;
use std::rc::Rc;

/// How many lookups may use each other.
const LOOKUP_DEPTH: u32 = 16;

impl<'m> Walk<'_, 'm> {
    /// Returns `value` for the request as it stands now.
    pub(super) fn value(&mut self, value: &'m Value) -> Rc<Text> {
        if let [part] = value.parts.as_slice() {
            return self.part(part);
        }
        let mut all = Text::default();
        for part in &value.parts {
            all.push(&self.part(part));
        }
        Rc::new(all)
    }

    fn part(&mut self, part: &'m Part) -> Rc<Text> {
        match part {
            Part::Literal(text) => Rc::new(Text::known(text.as_bytes())),
            Part::Field(field) => self.field(field),
            Part::Variable(name) => self.variable(name),
            Part::Capture(Capture::Index(index)) => {
                Rc::new(Text::known(self.state.groups.get(usize::from(*index)).cloned().flatten().unwrap_or_default()))
            }
            Part::Capture(Capture::Named(name)) => Rc::new(Text::known(self.state.named.get(name).cloned().unwrap_or_default())),
            Part::Converted(converted) => {
                let text = self.value(&converted.value);
                self.converted(&text, &converted.by)
            }
            Part::Hole(words) => Rc::new(Text::hole(words)),
        }
    }

    fn field(&mut self, field: &'m Field) -> Rc<Text> {
        let listener = self.entrance.listener;
        let known = |text: &str| Rc::new(Text::known(text.as_bytes()));
        match field {
            Field::Path => Rc::clone(&self.state.path),
            Field::PathAfter(start) => {
                let path = &self.state.path;
                let rest = path.bytes.strip_prefix(start.as_bytes()).filter(|_| !path.hole);
                rest.map_or_else(|| Rc::clone(path), |rest| Rc::new(Text::known(rest)))
            }
            Field::Query => Rc::clone(&self.state.query),
            Field::Method => Rc::clone(&self.state.method),
            Field::Host => Rc::clone(&self.host),
            Field::Scheme => known(if listener.tls.is_some() { "https" } else { "http" }),
            Field::Target => known(self.request.target.split_once('#').map_or(self.request.target.as_str(), |(before, _)| before)),
            Field::QueryMark => known(if self.state.query.bytes.is_empty() { "" } else { "?" }),
            Field::QueryParam(name) => Rc::new(query_param(&self.state.query, name, self.exact_names()).unwrap_or_default()),
            Field::Header(name) if self.state.headers.contains_key(name) => {
                let changed = self.state.headers.get(name).map(Vec::as_slice).unwrap_or_default();
                let mut all = Text::default();
                for (at, one) in changed.iter().enumerate() {
                    if at > 0 {
                        all.push(&Text::known(b", ".as_slice()));
                    }
                    all.push(one);
                }
                Rc::new(all)
            }
            Field::Header(name) if name.eq_ignore_ascii_case("host") => known(&raw_host(self.request)),
            Field::Header(name) => {
                let all: Vec<&str> =
                    self.request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect();
                known(&all.join(", "))
            }
            Field::Cookie(name) => known(self.cookie(name)),
            Field::Source => self.source(),
            Field::Peer => self.peer(),
            Field::Url => {
                let (path, query) = (Rc::clone(&self.state.path), Rc::clone(&self.state.query));
                let mut url = (*path).clone();
                if self.state.query_mark {
                    url.push(&Text::known(b"?".as_slice()));
                    url.push(&query);
                }
                Rc::new(url)
            }
            Field::ListenPort => known(&listener.address.port().map(|port| port.to_string()).unwrap_or_default()),
            Field::ListenAddress => match &listener.address {
                ListenAddress::Tcp { ip: Some(ip), .. } => known(&ip.to_string()),
                ListenAddress::Tcp { ip: None, .. } | ListenAddress::Unix(_) | ListenAddress::Hole(_) => {
                    Rc::new(Text::hole("the address connected to"))
                }
            },
            Field::Sni => known(&self.server_name()),
            Field::Protocol => known("HTTP/1.1"),
        }
    }

    /// Returns the name a TLS client asks for, empty without TLS; clients send no addresses (RFC 6066, 3).
    fn server_name(&self) -> String {
        let listener = self.entrance.listener;
        let tls = listener.tls.is_some() || listener.protocol == Protocol::Tcp && self.request.scheme == Scheme::Https;
        let host = self.request.host.to_ascii_lowercase();
        let address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        if tls && !address { host } else { String::new() }
    }

    fn exact_names(&self) -> bool {
        self.entrance.gateway.normalization.exact_names
    }

    /// Returns a cookie's value. Names compare without case in nginx (`ngx_http_parse_multi_header_lines`), with it in HAProxy
    /// (`http_extract_cookie_value`).
    fn cookie(&self, name: &str) -> &str {
        let same = |have: &str| if self.exact_names() { have == name } else { have.eq_ignore_ascii_case(name) };
        let headers = self.request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case("cookie"));
        let mut pairs = headers.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(have, _)| same(have.trim())).map_or("", |(_, value)| value.trim())
    }

    /// Returns whether what a value is made of is there at all: what the request carries, be it empty; of anything else, cookies too, whether it is
    /// not empty.
    pub(super) fn is_there(&self, value: &Value, text: &Text) -> bool {
        if !text.bytes.is_empty() {
            return true;
        }
        match value.parts.as_slice() {
            [Part::Field(Field::Header(name))] => self.has_header(name),
            [Part::Field(Field::Query)] => self.state.query_mark,
            [Part::Field(Field::QueryParam(name))] => query_param(&self.state.query, name, self.exact_names()).is_some(),
            [Part::Variable(name)] if self.state.unset.contains(name) => false,
            [Part::Variable(name)] => self.state.variables.contains_key(name) || self.found.contains(name),
            _ => false,
        }
    }

    fn variable(&mut self, name: &'m Name) -> Rc<Text> {
        self.read.insert(Name::clone(name));
        if let Some(text) = self.state.variables.get(name) {
            return Rc::clone(text);
        }
        if let Some(text) = self.computed.get(name) {
            return Rc::clone(text);
        }
        let Some(lookup) = self.entrance.gateway.lookups.iter().find(|lookup| lookup.name == *name) else {
            return Rc::new(self.state.named.get(name).map_or_else(Text::default, |text| Text::known(text.clone())));
        };
        if self.depth >= LOOKUP_DEPTH {
            return Rc::new(Text::hole(&format!("${name}")));
        }
        self.depth += 1;
        let text = match lookup.entries.iter().find(|entry| self.passes(&entry.when)) {
            Some(entry) => {
                self.found.insert(Name::clone(name));
                self.step(&entry.label, Choice::Action, None);
                self.value(&entry.value)
            }
            None => self.value(&lookup.otherwise),
        };
        self.depth -= 1;
        self.computed.insert(Name::clone(name), Rc::clone(&text));
        text
    }
}

/// Returns the raw value of the first parameter called `name`, `None` where there is none. Names compare without case in nginx (`ngx_http_arg`), with it
/// in HAProxy (`smp_fetch_param`).
fn query_param(query: &Text, name: &str, exact: bool) -> Option<Text> {
    let same = |have: &[u8]| if exact { have == name.as_bytes() } else { have.eq_ignore_ascii_case(name.as_bytes()) };
    let mut pairs = query.bytes.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..at)?, pair.get(at + 1..)?))
    });
    match pairs.find(|(have, _)| same(have)) {
        Some((_, value)) => Some(Text { bytes: value.to_vec(), hole: query.hole }),
        None => query.hole.then(|| Text::hole(&format!("query parameter {name} of {}", query.lossy()))),
    }
}
