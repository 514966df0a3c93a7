//! What the tables of a virtual host look at, and the values that make each test hold.

use crate::model::{
    Action, Cidr, Condition, Converter, Field, Forward, Gateway, Lookup, Matcher, Name, Next, NumberRange, Outcome, Part, QueryEdit, Regex, Route,
    Step, TableId, Target, Test, UpstreamUri, Value,
};
use crate::space::samples;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

/// The values to try, by what is looked at. Texts are those the tests see; they are not encoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeds {
    /// Whole paths.
    pub(super) paths: BTreeSet<Vec<u8>>,
    /// Paths that begin so are of interest, with anything below.
    pub(super) prefixes: BTreeSet<Vec<u8>>,
    /// Ends of paths.
    pub(super) endings: BTreeSet<Vec<u8>>,
    /// Values of the small dimensions.
    pub(super) extras: BTreeSet<Extra>,
    /// Hosts asked about inside virtual hosts.
    pub(super) hosts: BTreeSet<String>,
    /// The host is looked at after the virtual host was chosen.
    pub(super) host_matters: bool,
}

/// One thing a request can have besides host and path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extra {
    Method(String),
    Query(String),
    Header(Name, String),
    Cookie(Name, String),
    From(Cidr),
}

/// Texts of the patterns met so far, on both sides: each pattern is asked for once for every route that leads to it.
#[derive(Debug, Default)]
pub(super) struct Samples(RefCell<HashMap<Regex, Rc<[Vec<u8>]>>>);

impl Samples {
    fn of(&self, regex: &Regex) -> Rc<[Vec<u8>]> {
        if let Some(known) = self.0.borrow().get(regex) {
            return Rc::clone(known);
        }
        let made: Rc<[Vec<u8>]> = samples(regex).into();
        self.0.borrow_mut().insert(regex.clone(), Rc::clone(&made));
        made
    }
}

/// Collects the seeds of a gateway's tables.
pub(super) struct Collector<'m> {
    gateway: &'m Gateway,
    samples: Rc<Samples>,
    /// What each variable was set to, anywhere.
    set: BTreeMap<&'m str, Vec<&'m Value>>,
    lookups: BTreeMap<&'m str, &'m Lookup>,
}

struct Gather<'c, 'm> {
    collector: &'c Collector<'m>,
    seeds: Seeds,
    tables: BTreeSet<TableId>,
    lookups: BTreeSet<&'m str>,
    /// Whether internal redirects are followed.
    restarts: bool,
    /// Only hosts are asked for: making texts of patterns for anything else would be wasted.
    only_hosts: bool,
}

impl<'m> Collector<'m> {
    pub(super) fn new(gateway: &'m Gateway, samples: Rc<Samples>) -> Self {
        let mut set: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        let routes = gateway.tables.iter().flat_map(|table| table.routes.iter().map(|route| &route.step).chain([&table.otherwise]));
        for action in routes.flat_map(|step| &step.actions) {
            match action {
                Action::Set { variable, value, .. } => set.entry(variable).or_default().push(value),
                Action::Rewrite { .. }
                | Action::SetMethod(_)
                | Action::SetStatus(_)
                | Action::ForgetCaptures
                | Action::SetSource { .. }
                | Action::SetHeader { .. }
                | Action::ReplaceHeader { .. }
                | Action::Limit(_) => {}
            }
        }
        let lookups = gateway.lookups.iter().rev().map(|lookup| (&*lookup.name, lookup)).collect();
        Self { gateway, samples, set, lookups }
    }

    /// Returns the seeds of all that begins at `table`.
    pub(super) fn table(&self, table: TableId) -> Seeds {
        let mut gather = self.gather(true);
        gather.table(table);
        gather.seeds
    }

    /// Returns the hosts that conditions ask about, of all that begins at `table`.
    pub(super) fn hosts(&self, table: TableId) -> BTreeSet<String> {
        let mut gather = Gather { only_hosts: true, ..self.gather(true) };
        gather.table(table);
        gather.seeds.hosts
    }

    /// Returns the seeds of one route: of its condition, and of what its step looks at before an internal redirect.
    pub(super) fn route(&self, route: &'m Route) -> Seeds {
        let mut gather = self.gather(false);
        gather.condition(&route.when);
        gather.step(&route.step);
        gather.seeds
    }

    fn gather(&self, restarts: bool) -> Gather<'_, 'm> {
        Gather { collector: self, seeds: Seeds::default(), tables: BTreeSet::new(), lookups: BTreeSet::new(), restarts, only_hosts: false }
    }
}

impl<'m> Gather<'_, 'm> {
    fn table(&mut self, id: TableId) {
        if !self.tables.insert(id) {
            return;
        }
        let Some(table) = self.collector.gateway.tables.get(id.0) else { return };
        for route in &table.routes {
            self.condition(&route.when);
            self.step(&route.step);
        }
        self.step(&table.otherwise);
    }

    fn step(&mut self, step: &'m Step) {
        for action in &step.actions {
            match action {
                Action::Set { value, .. } | Action::SetSource { value, .. } => self.value(value),
                Action::Rewrite { path, query, .. } => {
                    if let Some(path) = path {
                        self.value(path);
                    }
                    match query {
                        QueryEdit::Replace(value) | QueryEdit::Prepend(value) | QueryEdit::Marked(value) => self.value(value),
                        QueryEdit::Keep | QueryEdit::KeepTarget | QueryEdit::FromPath => {}
                    }
                }
                Action::SetHeader { value, .. } => {
                    if let Some(value) = value {
                        self.value(value);
                    }
                }
                Action::ReplaceHeader { name, regex, value, .. } => {
                    self.value(value);
                    if !self.only_hosts {
                        let named = samples(regex).into_iter().filter(|text| !text.is_empty());
                        let extra = named.map(|text| Extra::Header(Name::clone(name), String::from_utf8_lossy(&text).into_owned()));
                        self.seeds.extras.extend(extra);
                    }
                }
                Action::Limit(limit) => self.value(&limit.key),
                Action::SetMethod(_) | Action::SetStatus(_) | Action::ForgetCaptures => {}
            }
        }
        match &step.next {
            Next::Table(table) => self.table(*table),
            Next::Restart(table) if self.restarts => self.table(*table),
            Next::Restart(_) | Next::Fallback => {}
            Next::Try { table, otherwise } => {
                self.table(*table);
                self.step(otherwise);
            }
            Next::Split(ways) => ways.iter().for_each(|(_, step)| self.step(step)),
            Next::End(outcome) => self.outcome(outcome),
        }
    }

    fn outcome(&mut self, outcome: &'m Outcome) {
        match outcome {
            Outcome::Forward(forward) => self.forward(forward),
            Outcome::Redirect { location, .. } => self.value(location),
            Outcome::Files { root, .. } => self.value(root),
            Outcome::Respond { .. } | Outcome::Reject { .. } | Outcome::Close { .. } | Outcome::None | Outcome::Opaque { .. } => {}
        }
    }

    fn forward(&mut self, forward: &'m Forward) {
        match &forward.target {
            Target::Computed { authority, .. } => self.value(authority),
            Target::Pool(_) => {}
        }
        match &forward.uri {
            UpstreamUri::Exact(value) => self.value(value),
            UpstreamUri::AsReceived | UpstreamUri::ReplacePrefix { .. } => {}
        }
        for handler in &forward.on_status {
            self.step(&handler.step);
        }
    }

    fn condition(&mut self, condition: &'m Condition) {
        match condition {
            Condition::Always => {}
            Condition::All(all) | Condition::Any(all) => all.iter().for_each(|one| self.condition(one)),
            Condition::Not(inner) => self.condition(inner),
            Condition::Test(test) => self.test(test),
            Condition::Opaque(opaque) => self.value(&opaque.input),
        }
    }

    fn test(&mut self, test: &'m Test) {
        self.value(&test.subject);
        self.subject(&test.subject, &test.matcher, 0);
    }

    /// Follows lookups that a value uses: their keys are looked at.
    fn value(&mut self, value: &'m Value) {
        for part in &value.parts {
            match part {
                Part::Variable(name) => {
                    if let Some(lookup) = self.collector.lookups.get(&**name).copied().filter(|lookup| self.lookups.insert(&lookup.name)) {
                        lookup.entries.iter().for_each(|entry| self.test(&entry.when));
                        lookup.entries.iter().for_each(|entry| self.value(&entry.value));
                        self.value(&lookup.otherwise);
                    }
                }
                Part::Field(Field::Host) => self.seeds.host_matters = true,
                Part::Converted(converted) => {
                    self.value(&converted.value);
                    if let Converter::Forwarded { list, .. } = &converted.by {
                        self.value(list);
                    }
                }
                Part::Field(_) | Part::Literal(_) | Part::Capture(_) | Part::Hole(_) => {}
            }
        }
    }

    /// Notes what makes `matcher` hold of `subject`, where that is one field or a variable that was set to one.
    fn subject(&mut self, subject: &'m Value, matcher: &'m Matcher, depth: u32) {
        match subject.parts.as_slice() {
            [Part::Field(field)] => self.field(field, matcher),
            [Part::Variable(name)] if depth < 4 => {
                for value in self.collector.set.get(&**name).cloned().unwrap_or_default() {
                    self.subject(value, matcher, depth + 1);
                }
            }
            [Part::Converted(converted)] if depth < 4 => self.subject(&converted.value, matcher, depth + 1),
            // `"$a$b"`: each part on its own is a fair guess, the empty rest included.
            parts if depth < 4 => {
                for part in parts {
                    if let Part::Field(field) = part {
                        self.field(field, matcher);
                    }
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &'m Field, matcher: &'m Matcher) {
        let is_host = match field {
            Field::Host => true,
            Field::Header(name) | Field::HeaderLine { name, .. } => name.eq_ignore_ascii_case("host"),
            _ => false,
        };
        if self.only_hosts && !is_host {
            return;
        }
        match field {
            Field::Path => return self.path(matcher),
            Field::Source => {
                if let Matcher::Network(network) = matcher {
                    self.seeds.extras.insert(Extra::From(*network));
                }
                return;
            }
            _ => {}
        }
        for text in self.collector.texts(matcher) {
            let text = String::from_utf8_lossy(&text).into_owned();
            let extra = match field {
                Field::Method if !text.is_empty() => Extra::Method(text.to_ascii_uppercase()),
                Field::Query if !text.is_empty() => Extra::Query(text),
                Field::QueryParam(name) if !text.is_empty() => Extra::Query(format!("{name}={text}")),
                Field::Header(name) | Field::HeaderLine { name, .. } if !text.is_empty() && !name.eq_ignore_ascii_case("host") => {
                    Extra::Header(Name::clone(name), text)
                }
                Field::Cookie(name) if !text.is_empty() => Extra::Cookie(Name::clone(name), text),
                Field::Target => {
                    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
                    self.seeds.paths.insert(path.as_bytes().to_vec());
                    if query.is_empty() {
                        continue;
                    }
                    Extra::Query(query.to_owned())
                }
                Field::Host | Field::Header(_) | Field::HeaderLine { .. } if !text.is_empty() => {
                    self.seeds.hosts.insert(text);
                    continue;
                }
                _ => continue,
            };
            self.seeds.extras.insert(extra);
        }
    }

    fn path(&mut self, matcher: &Matcher) {
        let collector = self.collector;
        let seeds = &mut self.seeds;
        match matcher {
            Matcher::Equals { text, .. } => seeds.paths.extend(text.as_literal().map(|text| text.as_bytes().to_vec())),
            Matcher::Prefix { text, .. } => {
                seeds.prefixes.insert(text.as_bytes().to_vec());
            }
            Matcher::Suffix { text, .. } | Matcher::Contains { text, .. } | Matcher::Segment { text, .. } => {
                seeds.endings.insert(text.as_bytes().to_vec());
            }
            Matcher::Regex(regex) => {
                for text in collector.samples.of(regex).iter().cloned() {
                    if text.first() == Some(&b'/') && regex.pattern.trim_start_matches("(?i)").starts_with('^') {
                        seeds.paths.insert(text);
                    } else if !text.is_empty() {
                        seeds.endings.insert(text);
                    }
                }
            }
            Matcher::Length(_) => {
                for text in collector.texts(matcher) {
                    seeds.paths.insert([b"/", text.get(1..).unwrap_or_default()].concat());
                }
            }
            Matcher::Element(inner) | Matcher::Each(inner) => self.path(inner),
            Matcher::Network(_) | Matcher::Truthy { .. } | Matcher::Number(_) | Matcher::Present => {}
        }
    }
}

impl Collector<'_> {
    /// Returns texts that pass `matcher`.
    fn texts(&self, matcher: &Matcher) -> Vec<Vec<u8>> {
        match matcher {
            Matcher::Equals { text, .. } => text.as_literal().map(|text| text.as_bytes().to_vec()).into_iter().collect(),
            Matcher::Prefix { text, .. } | Matcher::Suffix { text, .. } | Matcher::Contains { text, .. } | Matcher::Segment { text, .. } => {
                vec![text.as_bytes().to_vec()]
            }
            Matcher::Regex(regex) => self.samples.of(regex).to_vec(),
            Matcher::Network(network) => vec![network.address().to_string().into_bytes()],
            Matcher::Truthy { .. } | Matcher::Present => vec![b"1".to_vec()],
            Matcher::Number(ranges) => {
                ranges.iter().filter_map(|range| range.from.or(range.to)).map(|number| number.to_string().into_bytes()).collect()
            }
            Matcher::Length(ranges) => {
                let length =
                    |range: &NumberRange| range.from.or(range.to).and_then(|length| usize::try_from(length).ok()).filter(|length| *length < 4096);
                ranges.iter().filter_map(length).map(|length| vec![b'a'; length]).collect()
            }
            Matcher::Element(inner) | Matcher::Each(inner) => self.texts(inner),
        }
    }
}

impl Seeds {
    /// Adds the seeds of the other side.
    pub(super) fn extend(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.prefixes.extend(other.prefixes);
        self.endings.extend(other.endings);
        self.extras.extend(other.extras);
        self.hosts.extend(other.hosts);
        self.host_matters |= other.host_matters;
    }
}

/// Returns an address in `network`, not its first, which often is the network's own.
pub(super) fn address_in(network: Cidr) -> IpAddr {
    match network.address() {
        IpAddr::V4(ip) if network.bits() < 31 => Ipv4Addr::from(u32::from(ip) | 1).into(),
        IpAddr::V6(ip) if network.bits() < 127 => Ipv6Addr::from(u128::from(ip) | 1).into(),
        ip => ip,
    }
}
