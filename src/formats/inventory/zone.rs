//! DNS zone files: the master file format of RFC 1035 section 5, with `$TTL` (RFC 2308).
//!
//! A file with an `SOA` record is a whole zone and claims every name at and below its apex, but for what an `NS` record below the apex hands
//! to somebody else. It claims no addresses: a zone need not name every machine.

use super::{File, is_template};
use crate::model::{Claim, InventoryHost, Label, Model, Range, Unknown};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Adds the names of `file`; `false` when it is something else.
pub(super) fn read(file: File<'_>, model: &mut Model) -> bool {
    let entries = match entries(file.text) {
        Ok(entries) => entries,
        Err(at) if file.text.contains("SOA") && file.text.contains("IN") => {
            let message = "a `(` of this zone is never closed".to_owned();
            model.problems.push(file.problem(at, message, "add `)`; until then no name is looked up in this zone"));
            return true;
        }
        Err(_) => return false,
    };
    let mut zone = Zone { origin: origin_of(file.path.file_name()), ..Zone::default() };
    for entry in &entries {
        zone.take(entry);
    }
    match &zone.soa {
        // A part of a zone names hosts; anything else that happens to have such a name says neither a class nor an origin.
        None if zone.records.is_empty() || !entries.iter().any(|entry| entry.word(0).starts_with('$') || entry.words.contains(&"IN")) => {
            return false;
        }
        Some((apex, ..)) if apex.ends_with("in-addr.arpa") || apex.ends_with("ip6.arpa") => return true,
        Some(_) | None => {}
    }
    if is_template(file.text) {
        zone.open = Some((0, "the zone is a template".to_owned()));
    }
    zone.finish(file, model);
    true
}

/// One entry: a record or a directive, with the bytes it covers.
struct Entry<'a> {
    start: usize,
    end: usize,
    /// It begins with a blank: the owner is that of the record before.
    continued: bool,
    words: Vec<&'a str>,
}

impl<'a> Entry<'a> {
    fn word(&self, at: usize) -> &'a str {
        self.words.get(at).copied().unwrap_or_default()
    }
}

/// Splits `text` into entries: `;` begins a comment, quotes hold words together, parentheses hold lines together. `Err` is where a
/// parenthesis opens that is never closed.
fn entries(text: &str) -> Result<Vec<Entry<'_>>, usize> {
    let mut entries = Vec::new();
    let mut current: Option<Entry<'_>> = None;
    let mut open: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = words(line);
        if open.is_none() {
            entries.extend(current.take());
        }
        for (at, word) in words {
            match word {
                "(" => open = Some(start + at),
                ")" => open = None,
                _ => {
                    let entry = current.get_or_insert_with(|| Entry {
                        start: start + at,
                        end: start,
                        continued: line.starts_with([' ', '\t']),
                        words: Vec::new(),
                    });
                    entry.words.push(word);
                    entry.end = start + at + word.len();
                }
            }
        }
        start += line.len();
    }
    entries.extend(current);
    open.map_or(Ok(entries), Err)
}

/// Returns the words of a line with their offsets; a parenthesis is a word.
fn words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut begin: Option<usize> = None;
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        let apart = !quoted && (c.is_whitespace() || matches!(c, '(' | ')' | ';'));
        if c == '"' {
            quoted = !quoted;
        }
        if !apart {
            begin.get_or_insert(at);
            continue;
        }
        words.extend(begin.take().and_then(|from| Some((from, line.get(from..at)?))));
        match c {
            ';' => return words,
            '(' => words.push((at, "(")),
            ')' => words.push((at, ")")),
            _ => {}
        }
    }
    words.extend(begin.and_then(|from| Some((from, line.get(from..)?.trim_end()))));
    words
}

/// A zone in the making.
#[derive(Default)]
struct Zone {
    /// What relative names end in; `None` when it is not known.
    origin: Option<String>,
    owner: Option<String>,
    /// The apex and the bytes of the record.
    soa: Option<(String, usize, usize)>,
    records: Vec<Record>,
    /// Owners of `NS` and `DNAME` records.
    delegations: BTreeMap<String, (usize, usize)>,
    /// Why the file does not say everything, and where.
    open: Option<(usize, String)>,
}

/// A name that resolves.
struct Record {
    name: String,
    address: Option<IpAddr>,
    start: usize,
    end: usize,
    text: String,
}

impl Zone {
    fn take(&mut self, entry: &Entry<'_>) {
        match entry.word(0) {
            "$ORIGIN" => self.origin = self.absolute(entry.word(1)),
            "$INCLUDE" | "$GENERATE" => {
                self.open.get_or_insert((entry.start, format!("`{}` is not followed", entry.word(0))));
            }
            word if word.starts_with('$') => {}
            _ => self.record(entry),
        }
    }

    fn record(&mut self, entry: &Entry<'_>) {
        let mut words = entry.words.iter().copied();
        if !entry.continued {
            self.owner = words.next().and_then(|name| self.absolute(name));
        }
        // A lifetime and a class may stand before the type, in either order.
        let mut words = words.skip_while(|word| is_ttl(word) || ["IN", "CH", "HS"].iter().any(|class| word.eq_ignore_ascii_case(class)));
        let Some(kind) = words.next().map(str::to_ascii_uppercase) else { return };
        let Some(owner) = self.owner.clone() else {
            self.open.get_or_insert((entry.start, "a relative name stands before any `$ORIGIN`".to_owned()));
            return;
        };
        let place = (entry.start, entry.end);
        match kind.as_str() {
            "SOA" => self.soa = Some((owner, entry.start, entry.end)),
            "NS" | "DNAME" => drop(self.delegations.entry(owner).or_insert(place)),
            "A" | "AAAA" | "CNAME" | "ALIAS" | "ANAME" | "SVCB" | "HTTPS" => {
                let address = words.next().and_then(|data| data.parse().ok());
                self.records.push(Record { name: owner, address, start: entry.start, end: entry.end, text: entry.words.join(" ") });
            }
            _ => {}
        }
    }

    /// Returns `name` in lower case, complete, without its final dot.
    fn absolute(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        if let Some(complete) = name.strip_suffix('.') {
            return Some(complete.to_owned());
        }
        let origin = self.origin.as_ref()?;
        Some(if name == "@" { origin.clone() } else { format!("{name}.{origin}").trim_end_matches('.').to_owned() })
    }

    fn finish(self, file: File<'_>, model: &mut Model) {
        let label = |start, end, text: &str| Label { span: file.span(start, end), text: text.into() };
        let mut hosts: BTreeMap<Arc<str>, InventoryHost> = BTreeMap::new();
        let mut order: Vec<Arc<str>> = Vec::new();
        for record in self.records {
            let name: Arc<str> = record.name.into();
            let host = hosts.entry(Arc::clone(&name)).or_insert_with(|| {
                order.push(Arc::clone(&name));
                InventoryHost::new(name, label(record.start, record.end, &record.text))
            });
            host.addresses.extend(record.address);
        }
        model.inventory.hosts.extend(order.iter().filter_map(|name| hosts.remove(name)));
        let Some((apex, start, end)) = self.soa else { return };
        if let Some((at, reason)) = self.open {
            let reason = format!("{reason}, so no name of `{apex}` is called missing");
            model.unknown.push(Unknown { span: file.span(at, at), reason });
            return;
        }
        let text = format!("zone {apex}");
        for (name, (start, end)) in self.delegations.into_iter().filter(|(name, _)| *name != apex) {
            model.inventory.claims.push(Claim { range: Range::Delegation(name.as_str().into()), label: label(start, end, &format!("{name} NS")) });
        }
        model.inventory.claims.push(Claim { range: Range::Zone(apex.into()), label: label(start, end, &text) });
    }
}

/// Returns whether `word` is a lifetime: seconds, or numbers with units as BIND writes them (`1h30m`).
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || "smhdwSMHDW".contains(c))
}

/// Returns the zone that a file's name says (`db.example.com`, `example.com.zone`), which holds where the file has no `$ORIGIN`.
fn origin_of(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let name = lower.strip_prefix("db.").or_else(|| lower.strip_suffix(".zone")).or_else(|| lower.strip_suffix(".db")).unwrap_or(&lower);
    let known = name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && name.rsplit('.').next().is_some_and(|top| top.chars().all(char::is_alphabetic));
    known.then(|| name.to_owned())
}
