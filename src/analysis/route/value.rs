//! Values at request time.

use super::text::Text;
use super::walk::Walk;
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
        if let Some((_, text)) = self.narrowed.as_ref().filter(|(narrowed, _)| *narrowed == field) {
            return Rc::clone(text);
        }
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
            Field::QueryParam(_) => self.values_of(field).into_iter().next().unwrap_or_default(),
            Field::Header(name) => self.header(name),
            Field::HeaderLine { name, index } => nth_line(self.header_lines(name), *index).unwrap_or_default(),
            Field::Cookie(_) => {
                // Of several HAProxy takes the last (`smp_fetch_cookie`, seen), nginx the first.
                let mut all = self.values_of(field);
                let one = if self.exact_names() { all.pop() } else { all.into_iter().next() };
                one.unwrap_or_default()
            }
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

    /// Returns a header as it is now, several joined to one.
    fn header(&self, name: &str) -> Rc<Text> {
        let mut all = Text::default();
        for (at, one) in self.header_lines(name).iter().enumerate() {
            if at > 0 {
                all.push(&Text::known(b", ".as_slice()));
            }
            all.push(one);
        }
        Rc::new(all)
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

    /// Returns all values that the request carries of a field, in order. Names of cookies compare without case in nginx
    /// (`ngx_http_parse_multi_header_lines`), with it in HAProxy (`http_extract_cookie_value`).
    pub(super) fn values_of(&self, field: &Field) -> Vec<Rc<Text>> {
        let known = |text: &[u8]| Rc::new(Text::known(text));
        match field {
            Field::Header(name) => {
                let elements = |line: &Rc<Text>| -> Vec<Rc<Text>> {
                    if line.hole {
                        vec![Rc::clone(line)]
                    } else {
                        line.bytes.split(|byte| *byte == b',').map(|one| known(one.trim_ascii())).collect()
                    }
                };
                self.header_lines(name).iter().flat_map(elements).collect()
            }
            Field::HeaderLine { name, .. } => self.header_lines(name),
            Field::Cookie(name) => {
                let same = |have: &str| if self.exact_names() { have == &**name } else { have.eq_ignore_ascii_case(name) };
                let lines = self.header_lines("cookie");
                // HAProxy finds no cookie in a line that ends with its `=` (`http_extract_cookie_value`, seen on 2.6.12).
                let shortest = if self.exact_names() { name.len() + 2 } else { 0 };
                let lines: Vec<_> = lines.iter().map(|line| line.lossy()).filter(|line| line.len() >= shortest).collect();
                let pairs = lines.iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
                pairs.filter(|(have, _)| same(have.trim())).map(|(_, value)| known(value.trim().as_bytes())).collect()
            }
            Field::QueryParam(name) => query_params(&self.state.query, name, self.exact_names()),
            _ => Vec::new(),
        }
    }

    /// Returns whether what a value is made of is there at all: what the request carries, be it empty; of anything else, whether it is not empty.
    pub(super) fn is_there(&mut self, value: &'m Value, text: &Text) -> bool {
        if !text.bytes.is_empty() {
            return true;
        }
        match value.parts.as_slice() {
            [Part::Field(Field::Header(name))] => self.has_header(name),
            [Part::Field(field)] if self.narrowed.as_ref().is_some_and(|(narrowed, _)| *narrowed == field) => true,
            [Part::Field(Field::Query)] => self.state.query_mark,
            [Part::Field(Field::HeaderLine { name, index })] => nth_line(self.header_lines(name), *index).is_some(),
            [Part::Field(field @ (Field::QueryParam(_) | Field::Cookie(_)))] => !self.values_of(field).is_empty(),
            [Part::Converted(converted)] => {
                let input = self.value(&converted.value);
                !super::convert::fails(&input.bytes, &converted.by) && self.is_there(&converted.value, &input)
            }
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
        if !lookup.volatile {
            self.computed.insert(Name::clone(name), Rc::clone(&text));
        }
        text
    }
}

/// Returns the raw values of the parameters called `name`. Names compare without case in nginx (`ngx_http_arg`), with it in HAProxy (`smp_fetch_param`).
fn query_params(query: &Text, name: &str, exact: bool) -> Vec<Rc<Text>> {
    let same = |have: &[u8]| if exact { have == name.as_bytes() } else { have.eq_ignore_ascii_case(name.as_bytes()) };
    let pairs = query.bytes.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..at)?, pair.get(at + 1..)?))
    });
    let one = |value: &[u8]| Rc::new(Text { bytes: value.to_vec(), hole: query.hole });
    let mut all: Vec<Rc<Text>> = pairs.filter(|(have, _)| same(have)).map(|(_, value)| one(value)).collect();
    if all.is_empty() && query.hole {
        all.push(Rc::new(Text::hole(&format!("query parameter {name} of {}", query.lossy()))));
    }
    all
}

/// Returns one of several headers, counted from 1, from the end where negative.
fn nth_line(mut lines: Vec<Rc<Text>>, index: i32) -> Option<Rc<Text>> {
    if index < 0 {
        lines.reverse();
    }
    let at = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    lines.into_iter().nth(at)
}
