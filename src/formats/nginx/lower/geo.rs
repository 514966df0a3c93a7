//! `geo`: a variable by the client's network.
//!
//! nginx: `ngx_http_geo_cidr`, `ngx_http_geo_range`, `ngx_http_geo_addr`. The surprising thing: a text that is no address is looked up as 255.255.255.255.

use super::super::Directive;
use super::Lowering;
use super::route::block;
use super::scope::Scope;
use crate::model::{Cidr, Converted, Converter, Field, Label, Lookup, LookupEntry, Matcher, Name, Part, Problem, ProblemKind, Test, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a network stands for, and the line that says so.
type Entry = (Value, Label);

impl Lowering<'_> {
    /// Lowers a `geo` block. Of two lines for one network the last holds; `default` is one for `0.0.0.0/0` and `::/0`.
    pub(super) fn lower_geo(&mut self, directive: &Directive, http: &Scope<'_>) {
        let Some(variable) = directive.args.last().and_then(|word| word.text.strip_prefix('$')) else { return };
        let lines = block(directive);
        let subject = match directive.args.as_slice() {
            [source, _] => self.value(&source.text, http, &source.span),
            _ => Value::field(Field::Source),
        };
        let subject = self.forwarded(lines, subject);
        let found = if lines.iter().any(|line| line.name() == "ranges") { self.ranges(lines) } else { self.networks(lines) };
        let holds = |ip: IpAddr| found.iter().find(|(network, _)| network.contains(ip)).map(|(_, (value, _))| value.clone()).unwrap_or_default();
        let otherwise = holds(IpAddr::V4(Ipv4Addr::BROADCAST));
        let test = |network: Cidr| Test { subject: subject.clone(), matcher: Matcher::Network(network) };
        let mut entries: Vec<LookupEntry> =
            found.iter().map(|(network, (value, label))| LookupEntry { when: test(*network), value: value.clone(), label: label.clone() }).collect();
        // Addresses that no line has are not the texts that are no address.
        for all in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let Some(network) = Cidr::new(all, 0).filter(|network| !otherwise.parts.is_empty() && !found.iter().any(|(have, _)| have == network))
            else {
                continue;
            };
            entries.push(LookupEntry { when: test(network), value: Value::default(), label: directive.label() });
        }
        // `default` alone needs no test.
        while entries.last().is_some_and(|last| last.value == otherwise) {
            entries.pop();
        }
        self.lookups.push(Lookup { name: Name::from(variable.to_ascii_lowercase()), entries, otherwise, volatile: false, label: directive.label() });
    }

    /// `proxy` and `proxy_recursive`: whose word in `X-Forwarded-For` is taken for the address. nginx: `ngx_http_geo_addr`.
    fn forwarded(&mut self, lines: &[Directive], address: Value) -> Value {
        let mut trusted = Vec::new();
        for line in lines.iter().filter(|line| line.name() == "proxy") {
            match line.arg(0).and_then(Cidr::parse) {
                Some(network) => trusted.push(network),
                None => self.no_network(line, "network"),
            }
        }
        if trusted.is_empty() {
            return address;
        }
        let recursive = lines.iter().any(|line| line.name() == "proxy_recursive");
        let by = Converter::Forwarded { list: Value::field(Field::Header(Name::from("x-forwarded-for"))), trusted, recursive };
        Value { parts: vec![Part::Converted(Box::new(Converted { value: address, by }))] }
    }

    /// The networks of a block, the longest first.
    fn networks(&mut self, lines: &[Directive]) -> Vec<(Cidr, Entry)> {
        let mut found: BTreeMap<Cidr, Entry> = BTreeMap::new();
        for line in lines {
            let (key, Some(text)) = (line.name(), line.arg(0)) else { continue };
            if key == "proxy" {
                continue;
            }
            if key == "delete" {
                Cidr::parse(text).map(|network| found.remove(&network));
                continue;
            }
            let entry = (Value::literal(text), line.label());
            match (key, Cidr::parse(key)) {
                ("default", _) => found.extend(everyone().into_iter().map(|network| (network, entry.clone()))),
                // 255.255.255.255 is no address to nginx (`ngx_ptocidr`: `INADDR_NONE`).
                (_, Some(network)) if network.address() != IpAddr::V4(Ipv4Addr::BROADCAST) => {
                    found.insert(network, entry);
                }
                _ => self.no_network(line, "network"),
            }
        }
        let mut found: Vec<(Cidr, Entry)> = found.into_iter().collect();
        found.sort_by_key(|(network, _)| std::cmp::Reverse(network.bits()));
        found
    }

    /// The ranges of a block as networks, the last written first: a later range takes its part out of an earlier one.
    fn ranges(&mut self, lines: &[Directive]) -> Vec<(Cidr, Entry)> {
        let mut found = Vec::new();
        let mut everyone_else = Vec::new();
        for line in lines {
            let (key, Some(text)) = (line.name(), line.arg(0)) else { continue };
            if key == "proxy" {
                continue;
            }
            let entry = (Value::literal(text), line.label());
            if key == "default" {
                everyone_else = everyone().into_iter().map(|network| (network, entry.clone())).collect();
                continue;
            }
            let (delete, key) = if key == "delete" { (true, text) } else { (false, key) };
            let bounds = key.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
            match bounds.map(|(from, to)| networks_between(from, to)) {
                Some(networks) if delete => found.retain(|(network, _)| !networks.contains(network)),
                Some(networks) => found.splice(0..0, networks.into_iter().map(|network| (network, entry.clone()))).for_each(drop),
                None => self.no_network(line, "range"),
            }
        }
        found.extend(everyone_else);
        found
    }

    fn no_network(&mut self, line: &Directive, what: &str) {
        if line.has_hole() {
            return;
        }
        self.model.problems.push(Problem {
            kind: ProblemKind::Syntax,
            fatal: true,
            message: format!("`{}` is no {what}", if line.name() == "proxy" { line.arg(0).unwrap_or_default() } else { line.name() }),
            help: Some("nginx refuses the whole configuration until it is one".to_owned()),
            span: line.head.clone(),
            related: Vec::new(),
            fix: None,
        });
    }
}

fn everyone() -> Vec<Cidr> {
    [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)].into_iter().filter_map(|all| Cidr::new(all, 0)).collect()
}

/// Returns the fewest networks that are the addresses from `from` to `to`, both included.
fn networks_between(from: Ipv4Addr, to: Ipv4Addr) -> Vec<Cidr> {
    let (mut at, last) = (u64::from(u32::from(from)), u64::from(u32::from(to)));
    let mut found = Vec::new();
    while at <= last {
        let fits = |bits: u32| at.trailing_zeros() >= bits && at + (1_u64 << bits) - 1 <= last;
        let bits = (0..=32_u32).rev().find(|bits| fits(*bits)).unwrap_or(0);
        let address = u32::try_from(at).unwrap_or(u32::MAX);
        found.extend(Cidr::new(IpAddr::V4(Ipv4Addr::from(address)), u8::try_from(32 - bits).unwrap_or(32)));
        at += 1_u64 << bits;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::networks_between;

    #[test]
    fn a_range_is_the_fewest_networks() {
        let between = |from: &str, to: &str| {
            networks_between(from.parse().unwrap(), to.parse().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(between("10.0.0.0", "10.0.0.255"), "10.0.0.0/24");
        assert_eq!(between("10.0.0.1", "10.0.0.4"), "10.0.0.1/32 10.0.0.2/31 10.0.0.4/32");
        assert_eq!(between("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(between("255.255.255.255", "255.255.255.255"), "255.255.255.255/32");
        assert_eq!(between("10.0.0.2", "10.0.0.1"), "");
    }
}
