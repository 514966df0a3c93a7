//! Values at request time.

use super::text::Text;
use super::walk::{Walk, raw_host};
use crate::analysis::trace::Choice;
use crate::model::{Capture, Field, ListenAddress, Name, Part, Value};
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
            Field::QueryParam(name) => Rc::new(query_param(&self.state.query, name)),
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
                if !query.bytes.is_empty() {
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
            Field::Sni if listener.tls.is_some() => known(&self.request.host.to_ascii_lowercase()),
            Field::Sni => known(""),
            Field::Protocol => known("HTTP/1.1"),
        }
    }

    /// Returns a cookie's value. Names compare without case, as nginx has it (`ngx_http_parse_multi_header_lines`).
    fn cookie(&self, name: &str) -> &str {
        let headers = self.request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case("cookie"));
        let mut pairs = headers.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(have, _)| have.trim().eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
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

/// Returns the raw value of the first parameter called `name`, without case (`ngx_http_arg`).
fn query_param(query: &Text, name: &str) -> Text {
    let mut pairs = query.bytes.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..at)?, pair.get(at + 1..)?))
    });
    let found = pairs.find(|(have, _)| have.eq_ignore_ascii_case(name.as_bytes()));
    if found.is_none() && query.hole {
        return Text::hole(&format!("query parameter {name} of {}", query.lossy()));
    }
    Text { bytes: found.map(|(_, value)| value.to_vec()).unwrap_or_default(), hole: query.hole && found.is_some() }
}
