//! Where the search for a literal path ends: whether an index file or an error page is more than a file.

use super::super::Directive;
use super::content;
use super::route::{Server, block};
use super::scope::{LocationKind, location_kind};
use crate::model::Regex;
use std::collections::BTreeMap;

/// Returns whether an error page for missing files is more than a page: another handler, or an answer with another status.
pub(super) fn page_leads_away(regexes: &mut Regexes, server: &Server<'_>, page: &Directive) -> bool {
    let target = page.args.last().map(|word| &*word.text).unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    !path.starts_with('/') || path.contains('$') || leads_away(regexes, server, path)
}

/// Returns whether the location of the literal `path` does anything but serve files, as far as its own block says.
pub(super) fn leads_away(regexes: &mut Regexes, server: &Server<'_>, path: &str) -> bool {
    let does_more = |directives: &[Directive]| {
        content::own_handler(directives).is_some()
            || directives.iter().any(|directive| matches!(directive.name(), "return" | "rewrite" | "try_files" | "if" | "deny" | "auth_basic"))
    };
    path.contains('$')
        || rewritten(regexes, server.block, path)
        || match search(regexes, server.block, path) {
            Some(Found::Final(location) | Found::Prefix(location)) => does_more(block(location)),
            Some(Found::Unclear) => true,
            None => false,
        }
}

/// Which location serves a literal path.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::nginx) enum Serving<'a> {
    /// This one.
    Location(&'a Directive),
    /// None: a file is looked for.
    Nobody,
    /// It cannot be told here.
    Unclear,
}

/// Returns the location that serves the literal `path` in a server with the statements `block`.
pub(in crate::formats::nginx) fn serving<'a>(block: &'a [Directive], path: &str) -> Serving<'a> {
    let mut regexes = Regexes::new();
    if rewritten(&mut regexes, block, path) {
        return Serving::Unclear;
    }
    match search(&mut regexes, block, path) {
        Some(Found::Final(location) | Found::Prefix(location)) => Serving::Location(location),
        Some(Found::Unclear) => Serving::Unclear,
        None => Serving::Nobody,
    }
}

/// Returns whether an instruction of the server may change the literal `path`: what else an `if` asks was answered the first time.
fn rewritten(regexes: &mut Regexes, directives: &[Directive], path: &str) -> bool {
    directives.iter().any(|directive| match directive.name() {
        "rewrite" => directive.arg(0).is_none_or(|pattern| matches(regexes, pattern, false, path) != Some(false)),
        "if" => rewritten(regexes, block(directive), path),
        _ => false,
    })
}

/// Returns whether a regex is found in the literal `path`; `None` where it cannot be tried.
fn matches(regexes: &mut Regexes, pattern: &str, caseless: bool, path: &str) -> Option<bool> {
    let text = if caseless { ["(?i)", pattern].concat() } else { pattern.to_owned() };
    let regex = regexes.entry(text).or_insert_with_key(|text| fancy_regex::Regex::new(text).ok());
    regex.as_ref()?.is_match(path).ok()
}

/// Compiled regexes by their text.
pub(super) type Regexes = BTreeMap<String, Option<fancy_regex::Regex>>;

/// Where the search for a literal path ends.
#[derive(Clone, Copy)]
enum Found<'a> {
    /// At an exact location or a regex: nothing else is tried.
    Final(&'a Directive),
    /// At a prefix: regexes around it are still tried.
    Prefix(&'a Directive),
    /// At a regex that cannot be tried here.
    Unclear,
}

/// Finds the location of a literal path, as [`super::route`] would.
fn search<'a>(regexes: &mut Regexes, level: &'a [Directive], path: &str) -> Option<Found<'a>> {
    let locations: Vec<_> = level
        .iter()
        .filter(|directive| directive.name() == "location")
        .filter_map(|directive| location_kind(directive).map(|(kind, text)| (directive, kind, text)))
        .collect();
    if let Some((exact, ..)) = locations.iter().find(|(_, kind, text)| *kind == LocationKind::Exact && *text == path) {
        return Some(Found::Final(exact));
    }
    let is_prefix = |kind| matches!(kind, LocationKind::Prefix | LocationKind::PrefixOnly);
    let longest = locations.iter().filter(|(_, kind, text)| is_prefix(*kind) && path.starts_with(text)).max_by_key(|(_, _, text)| text.len());
    let nested = longest.and_then(|(directive, ..)| search(regexes, block(directive), path));
    if matches!(nested, Some(Found::Final(_) | Found::Unclear)) {
        return nested;
    }
    if longest.is_none_or(|(_, kind, _)| *kind != LocationKind::PrefixOnly) {
        for (directive, kind, pattern) in &locations {
            let caseless = match kind {
                LocationKind::Regex => false,
                LocationKind::RegexCaseless => true,
                LocationKind::Exact | LocationKind::Prefix | LocationKind::PrefixOnly | LocationKind::Named => continue,
            };
            // Compiling thousands of patterns to try one path would take longer than everything else.
            if !path.starts_with(Regex::front(pattern, caseless)) {
                continue;
            }
            match matches(regexes, pattern, caseless, path) {
                Some(false) => {}
                Some(true) => {
                    return Some(match search(regexes, block(directive), path) {
                        Some(Found::Final(inner) | Found::Prefix(inner)) => Found::Final(inner),
                        Some(Found::Unclear) => Found::Unclear,
                        None => Found::Final(directive),
                    });
                }
                None => return Some(Found::Unclear),
            }
        }
    }
    nested.or(longest.map(|(directive, ..)| Found::Prefix(directive)))
}
