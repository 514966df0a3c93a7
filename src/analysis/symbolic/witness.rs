//! From a cell to requests that are in it, and back.

use super::ask::{Asker, Stop};
use super::cell::Cell;
use super::network::some_address;
use super::sym::Dim;
use crate::analysis::route::{host_of, sent_path, target};
use crate::model::{Name, Normalization, Request, Scheme};
use crate::space::LanguageId;

/// The most values tried for one dimension.
const MOST_VALUES: usize = 4;

impl Asker {
    /// Returns requests of `cell` made from `plain`, the one a person would type first: as far as a dimension allows it, `plain` stays as it is. Empty
    /// where none can be written down.
    pub(in crate::analysis) fn requests(&mut self, cell: &Cell, plain: &Request) -> Result<Vec<Request>, Stop> {
        let mut all = vec![plain.clone()];
        for (dim, facts) in &cell.facts {
            let values = if *dim == Dim::Source {
                some_address(&facts.networks).map(|ip| ip.to_string().into_bytes()).into_iter().collect()
            } else {
                let (inside, outside) = self.languages_of(dim, facts);
                let outside: Vec<LanguageId> = outside.into_iter().collect();
                match self.usual(cell, dim, plain)? {
                    Some(kept) => vec![kept],
                    None => self.languages.witnesses(&inside, &outside, MOST_VALUES)?,
                }
            };
            let Some(first) = values.first() else { return Ok(Vec::new()) };
            // The first of each, then each other value once.
            let others: Vec<Request> = values.iter().skip(1).filter_map(|value| Some(put(all.first()?, dim, value, self.rules))).collect();
            all = all.iter().map(|request| put(request, dim, first, self.rules)).chain(others).collect();
        }
        // Those made before a later dimension was set lack it.
        let mut inside = Vec::new();
        for request in all {
            if !inside.contains(&request) && self.covers(cell, &request, true)? {
                inside.push(request);
            }
        }
        Ok(inside)
    }

    /// Returns the value a person would take without looking for one, if it is in `cell`: that of `plain`, or a method everybody knows.
    fn usual(&mut self, cell: &Cell, dim: &Dim, plain: &Request) -> Result<Option<Vec<u8>>, Stop> {
        let values: &[&str] = match dim {
            Dim::Method => &["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"],
            Dim::Path => return Ok(None),
            Dim::Host | Dim::Query | Dim::Source | Dim::Header(_) | Dim::Cookie(_) | Dim::Carried(_) | Dim::Spelled | Dim::Tls => &[],
        };
        let rules = self.rules;
        for request in std::iter::once(plain.clone()).chain(values.iter().map(|value| put(plain, dim, value.as_bytes(), rules))) {
            if self.holds(cell, dim, &request)? {
                return Ok(value_of(dim, &request, rules));
            }
        }
        Ok(None)
    }

    /// Returns whether `request` is in `cell`, as far as the configuration says; `host` whether its host counts.
    pub(in crate::analysis) fn covers(&mut self, cell: &Cell, request: &Request, host: bool) -> Result<bool, Stop> {
        for dim in cell.facts.keys().filter(|dim| host || **dim != Dim::Host) {
            if !self.holds(cell, dim, request)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether the host of `request` is one of `cell`.
    pub(in crate::analysis) fn covers_host(&mut self, cell: &Cell, request: &Request) -> Result<bool, Stop> {
        self.holds(cell, &Dim::Host, request)
    }

    fn holds(&mut self, cell: &Cell, dim: &Dim, request: &Request) -> Result<bool, Stop> {
        let facts = cell.facts(dim);
        if *dim == Dim::Source {
            return Ok(request.from.is_none_or(|from| facts.networks.iter().all(|(network, inside)| network.contains(from) == *inside)));
        }
        let Some(value) = value_of(dim, request, self.rules) else { return Ok(false) };
        for language in facts.inside.iter() {
            if !self.languages.contains(*language, &value)? {
                return Ok(false);
            }
        }
        for language in facts.outside() {
            if self.languages.contains(language, &value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns what `request` has there; `None` where the proxy refuses it.
fn value_of(dim: &Dim, request: &Request, rules: Normalization) -> Option<Vec<u8>> {
    let header = |name: &str| header_text(request, name).into_bytes();
    let raw = request.target.split_once('#').map_or(request.target.as_str(), |(before, _)| before);
    let query = raw.split_once('?').map_or("", |(_, query)| query);
    let pair = |text: &str, name: &str, separator: char| {
        let mut pairs = text.split(separator).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(have, _)| have.trim().eq_ignore_ascii_case(name)).map_or(Vec::new(), |(_, value)| value.as_bytes().to_vec())
    };
    Some(match dim {
        Dim::Path => target(raw, rules).ok()?.path,
        Dim::Host => host_of(request).into_bytes(),
        Dim::Query => query.as_bytes().to_vec(),
        Dim::Method => request.method.clone().into_bytes(),
        Dim::Header(name) => header(name),
        Dim::Cookie(name) => pair(&String::from_utf8_lossy(&header("cookie")), name, ';'),
        Dim::Carried(of) => flag(match &**of {
            Dim::Query => raw.contains('?'),
            Dim::Header(name) => request.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name)),
            Dim::Cookie(name) => {
                header_text(request, "cookie").split(';').any(|pair| pair.trim().split_once('=').is_some_and(|(have, _)| have == &**name))
            }
            _ => false,
        }),
        Dim::Spelled => {
            let path = raw.split_once('?').map_or(raw, |(path, _)| path);
            flag(target(path, rules).ok()?.path != path.as_bytes())
        }
        Dim::Tls => flag(request.scheme == Scheme::Https),
        Dim::Source => return None,
    })
}

fn flag(up: bool) -> Vec<u8> {
    if up { b"1".to_vec() } else { Vec::new() }
}

/// Returns the headers of a name as one text.
fn header_text(request: &Request, name: &str) -> String {
    let all: Vec<&str> = request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect();
    all.join(", ")
}

/// Returns `request` with `value` there.
fn put(request: &Request, dim: &Dim, value: &[u8], rules: Normalization) -> Request {
    let mut request = request.clone();
    let text = String::from_utf8_lossy(value).into_owned();
    let (path, query) = request.target.split_once('?').map_or((request.target.as_str(), ""), |(path, query)| (path, query));
    let with_query = |path: &str, query: &str| if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    match dim {
        Dim::Path => request.target = with_query(&sent_path(value, rules), query),
        Dim::Query => request.target = with_query(path, &text),
        Dim::Header(_) | Dim::Cookie(_) | Dim::Carried(_) | Dim::Spelled if text.is_empty() => {}
        Dim::Host => request.host = text,
        Dim::Method => request.method = text,
        Dim::Header(name) => request.headers.push((Name::clone(name), text)),
        Dim::Cookie(name) => match request.headers.iter_mut().find(|(have, _)| &**have == "cookie") {
            Some((_, cookies)) => *cookies = format!("{cookies}; {name}={text}"),
            None => request.headers.push((Name::from("cookie"), format!("{name}={text}"))),
        },
        Dim::Carried(of) => carry(&mut request, of),
        Dim::Spelled if path.contains('%') => {}
        Dim::Spelled => request.target = respelled(&request.target),
        Dim::Tls if text.is_empty() => request.scheme = Scheme::Http,
        Dim::Tls => request.scheme = Scheme::Https,
        Dim::Source => request.from = text.parse().ok(),
    }
    request
}

/// Puts something there that is empty.
fn carry(request: &mut Request, dim: &Dim) {
    match dim {
        Dim::Query if !request.target.contains('?') => request.target.push('?'),
        Dim::Header(name) => request.headers.push((Name::clone(name), String::new())),
        // HAProxy finds no cookie in a line that ends with its `=` (`http_extract_cookie_value`, seen on 2.6.12).
        Dim::Cookie(name) => match request.headers.iter_mut().find(|(have, _)| &**have == "cookie") {
            Some((_, cookies)) => *cookies = format!("{name}=; {cookies}"),
            None => request.headers.push((Name::from("cookie"), format!("{name}=;"))),
        },
        _ => {}
    }
}

/// Returns a target with its path spelled in another way: a letter as its escape, or else a segment more that says nothing.
fn respelled(target: &str) -> String {
    let end = target.find('?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(end).unwrap_or((target, ""));
    // The digits of an escape are no letters of the path.
    let letter = path.char_indices().find(|(at, c)| c.is_ascii_alphabetic() && !path.get(..*at).is_some_and(|front| front.contains('%')));
    match letter {
        Some((at, c)) => format!("{}%{:02X}{}{query}", path.get(..at).unwrap_or_default(), u32::from(c), path.get(at + 1..).unwrap_or_default()),
        None => format!("/.{path}{query}"),
    }
}
