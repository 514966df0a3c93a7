//! Every directive: where it may stand, what it takes, and whether we read it.

mod table;

use hashbrown::HashMap;
use std::sync::LazyLock;
use table::ROWS;

/// How a directive is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Lowered to the model.
    Modelled,
    /// Cannot change where a request goes or whether it is served.
    Irrelevant,
    /// Can, and is not read.
    Opaque,
    /// The answer is not in the configuration.
    External,
}

/// A directive in some places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    name: &'static str,
    places: u16,
    form: u16,
    state: State,
}

/// Where a statement may stand: bits of [`Row::places`]. nginx's own distinctions.
pub(super) mod place {
    pub(in super::super) const MAIN: u16 = 1;
    pub(in super::super) const EVENTS: u16 = 1 << 1;
    pub(in super::super) const HTTP: u16 = 1 << 2;
    pub(in super::super) const SERVER: u16 = 1 << 3;
    pub(in super::super) const LOCATION: u16 = 1 << 4;
    pub(in super::super) const SERVER_IF: u16 = 1 << 5;
    pub(in super::super) const LOCATION_IF: u16 = 1 << 6;
    pub(in super::super) const LIMIT_EXCEPT: u16 = 1 << 7;
    pub(in super::super) const UPSTREAM: u16 = 1 << 8;
    pub(in super::super) const STREAM: u16 = 1 << 9;
    pub(in super::super) const STREAM_SERVER: u16 = 1 << 10;
    pub(in super::super) const STREAM_UPSTREAM: u16 = 1 << 11;
    pub(in super::super) const MAIL: u16 = 1 << 12;
    pub(in super::super) const MAIL_SERVER: u16 = 1 << 13;
    pub(in super::super) const ANYWHERE: u16 = u16::MAX;

    /// Each place with its name in sentences.
    pub(in super::super) const NAMES: &[(u16, &str)] = &[
        (MAIN, "the main level"),
        (EVENTS, "`events`"),
        (HTTP, "`http`"),
        (SERVER, "`server`"),
        (LOCATION, "`location`"),
        (SERVER_IF, "`if` in `server`"),
        (LOCATION_IF, "`if` in `location`"),
        (LIMIT_EXCEPT, "`limit_except`"),
        (UPSTREAM, "`upstream`"),
        (STREAM, "`stream`"),
        (STREAM_SERVER, "`server` of `stream`"),
        (STREAM_UPSTREAM, "`upstream` of `stream`"),
        (MAIL, "`mail`"),
        (MAIL_SERVER, "`server` of `mail`"),
    ];
}

/// What a statement takes: bits of [`Row::form`].
mod form {
    pub(super) const TAKE0: u16 = 1;
    pub(super) const TAKE1: u16 = 1 << 1;
    pub(super) const TAKE2: u16 = 1 << 2;
    pub(super) const TAKE3: u16 = 1 << 3;
    pub(super) const TAKE4: u16 = 1 << 4;
    pub(super) const TAKE1_OR_MORE: u16 = !0 << 1 & 0x0fff;
    pub(super) const TAKE2_OR_MORE: u16 = !0 << 2 & 0x0fff;
    /// The bits that say how many arguments; eleven or more are as ten.
    pub(super) const TAKES: u16 = 0x0fff;
    pub(super) const BLOCK: u16 = 1 << 12;
    /// One argument, `on` or `off`.
    pub(super) const FLAG: u16 = TAKE1 | 1 << 13;
}

impl Row {
    /// Returns whether it may stand at `place`.
    pub(super) fn stands_in(&self, place: u16) -> bool {
        self.places & place != 0
    }

    /// Returns whether it has a block.
    pub(super) fn has_block(&self) -> bool {
        self.form & form::BLOCK != 0
    }

    /// Returns whether it takes `count` arguments.
    pub(super) fn takes(&self, count: usize) -> bool {
        self.form & form::TAKES & (1 << count.min(11)) != 0
    }

    /// Returns whether its argument is `on` or `off`.
    pub(super) fn is_flag(&self) -> bool {
        self.form & form::FLAG == form::FLAG
    }

    /// Returns how many arguments it takes, in words.
    pub(super) fn arguments(&self) -> String {
        let counts: Vec<usize> = (0..12).filter(|count| self.takes(*count)).collect();
        match (counts.first(), counts.last()) {
            (Some(0), Some(0)) => "no arguments".to_owned(),
            (Some(1), Some(1)) => "one argument".to_owned(),
            (Some(least), Some(11)) => format!("at least {least} argument{}", if *least == 1 { "" } else { "s" }),
            (Some(least), Some(most)) if least == most => format!("{least} arguments"),
            (Some(least), Some(most)) if least + 1 == *most => format!("{least} or {most} arguments"),
            (Some(least), Some(most)) => format!("{least} to {most} arguments"),
            _ => String::new(),
        }
    }

    /// Returns the places it may stand in, in words.
    pub(super) fn places(&self) -> String {
        let names: Vec<&str> = place::NAMES.iter().filter(|(place, _)| self.stands_in(*place)).map(|(_, name)| *name).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// Modules that are not nginx's own, by the beginning of their directives' names.
const FOREIGN: &[(&str, State)] = &[
    ("js_", State::Opaque),
    ("lua_", State::Irrelevant),
    ("more_", State::Irrelevant),
    ("vhost_traffic_status", State::Irrelevant),
    ("brotli", State::Irrelevant),
    ("zstd", State::Irrelevant),
    ("pagespeed", State::Irrelevant),
    ("modsecurity", State::Opaque),
    ("passenger_", State::Opaque),
    ("opentracing", State::Irrelevant),
    ("opentelemetry", State::Irrelevant),
    ("otel_", State::Irrelevant),
    ("subs_filter", State::Irrelevant),
    ("fancyindex", State::Irrelevant),
    ("geoip2", State::Irrelevant),
    ("headers_", State::Irrelevant),
    ("echo", State::Opaque),
    ("auth_jwt", State::Opaque),
    ("auth_ldap", State::Opaque),
    ("auth_pam", State::Opaque),
    ("auth_oidc", State::Opaque),
    ("rtmp", State::Irrelevant),
    ("redis", State::Opaque),
    ("postgres_", State::Opaque),
    ("drizzle_", State::Opaque),
    ("srcache_", State::Opaque),
    ("push_stream", State::Opaque),
    ("nchan_", State::Opaque),
    ("upload_", State::Opaque),
    ("app_protect_", State::Opaque),
    ("shib_", State::Opaque),
    ("health_check", State::Irrelevant),
    ("zone_sync", State::Irrelevant),
    ("quic_", State::Irrelevant),
    ("http3_", State::Irrelevant),
];

/// Names that nginx's commercial build, forks, well-known modules or old versions have, or that blocks of such modules hold.
const OTHERS: &[(&str, State)] = &[
    ("status", State::Irrelevant),
    ("status_zone", State::Irrelevant),
    ("api", State::Opaque),
    ("check", State::Irrelevant),
    ("check_http_send", State::Irrelevant),
    ("check_http_expect_alive", State::Irrelevant),
    ("fair", State::Opaque),
    ("queue", State::Irrelevant),
    ("ntlm", State::Irrelevant),
    ("least_time", State::Opaque),
    ("match", State::Irrelevant),
    ("session_log", State::Irrelevant),
    ("session_log_zone", State::Irrelevant),
    ("internal_redirect", State::Opaque),
    ("max_headers", State::Irrelevant),
    ("ssl_key_log", State::Irrelevant),
    ("mgmt", State::Irrelevant),
    ("hls", State::Irrelevant),
    ("f4f", State::Irrelevant),
    ("jsonp", State::Irrelevant),
    ("set_by_lua", State::Opaque),
    ("set_by_lua_file", State::Opaque),
    ("google_perftools_profiles", State::Irrelevant),
    ("degrade", State::Irrelevant),
    ("degradation", State::Irrelevant),
    ("limit_zone", State::Irrelevant),
    ("server_tag", State::Irrelevant),
    ("server_info", State::Irrelevant),
    ("concat", State::Irrelevant),
    ("trim", State::Irrelevant),
    ("dyups_interface", State::Opaque),
    ("jvm_route", State::Opaque),
    ("session_sticky", State::Opaque),
    ("encrypted_session_key", State::Irrelevant),
    ("set_misc", State::Irrelevant),
    ("set_escape_uri", State::Opaque),
    ("set_unescape_uri", State::Opaque),
    ("set_if_empty", State::Opaque),
    ("set_md5", State::Opaque),
    ("set_random", State::Opaque),
    ("perl_modules", State::Irrelevant),
];

/// Returns the rows of `name`: one for each set of arguments it takes somewhere; empty when it is no directive of nginx's own.
pub(super) fn rows(name: &str) -> &'static [Row] {
    INDEX.get(name).copied().unwrap_or_default()
}

/// The rows by name: each statement of a configuration is looked up several times.
static INDEX: LazyLock<HashMap<&'static str, &'static [Row]>> =
    LazyLock::new(|| ROWS.chunk_by(|a, b| a.name == b.name).filter_map(|rows| Some((rows.first()?.name, rows))).collect());

/// Returns how the directive `name` is supported; `None` when no table knows it.
pub(super) fn find(name: &str) -> Option<State> {
    rows(name).first().map(|row| row.state).or_else(|| foreign(name))
}

/// Returns how `name` is supported, as a directive that is not open-source nginx's own.
fn foreign(name: &str) -> Option<State> {
    if name.ends_with("_by_lua") || name.ends_with("_by_lua_file") || name.ends_with("_by_lua_block") {
        let harmless = ["log_by", "init_", "ssl_", "exit_worker", "header_filter", "body_filter"].iter().any(|start| name.starts_with(start));
        return Some(if harmless { State::Irrelevant } else { State::Opaque });
    }
    let named = OTHERS.iter().find(|(other, _)| *other == name);
    named.or_else(|| FOREIGN.iter().find(|(start, _)| name.starts_with(start))).map(|(_, state)| *state)
}

/// Returns whether `name` takes so many arguments, with or without a block, anywhere; `None` when it is not in the table.
pub(super) fn fits(name: &str, arguments: usize, block: bool) -> Option<bool> {
    let rows = rows(name);
    (!rows.is_empty()).then(|| rows.iter().any(|row| row.has_block() == block && row.takes(arguments)))
}

/// Returns whether `name` is a directive of nginx's own.
pub(super) fn known(name: &str) -> bool {
    !rows(name).is_empty()
}

/// Returns whether `name` may stand in a block called `parent`; `true` when in doubt.
pub(super) fn may_contain(parent: &str, name: &str) -> bool {
    let inside = match parent {
        "events" => place::EVENTS,
        "http" => place::HTTP,
        "server" => place::SERVER | place::STREAM_SERVER | place::MAIL_SERVER,
        "location" => place::LOCATION,
        "if" => place::SERVER_IF | place::LOCATION_IF,
        "limit_except" => place::LIMIT_EXCEPT,
        "upstream" => place::UPSTREAM | place::STREAM_UPSTREAM,
        "stream" => place::STREAM,
        "mail" => place::MAIL,
        "map" | "types" | "geo" | "split_clients" => 0,
        _ => return true,
    };
    let rows = rows(name);
    rows.is_empty() || rows.iter().any(|row| row.stands_in(inside))
}

/// Returns the directive that may stand at `place` and whose name is `name` but for a slip: a letter more, less, wrong or swapped; two in
/// a long name. `None` when there is no such name, or more than one.
pub(super) fn meant(name: &str, place: u16) -> Option<&'static str> {
    let most = match name.len() {
        0..4 => return None,
        4..8 => 1,
        _ => 2,
    };
    let mut near: Vec<(usize, &'static str)> = ROWS
        .iter()
        .filter(|row| row.stands_in(place) && row.name.len().abs_diff(name.len()) <= most)
        .map(|row| (if swapped(name, row.name) { 1 } else { distance(name, row.name) }, row.name))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(best, name), rest @ ..] if rest.first().is_none_or(|(next, _)| next > best) => Some(name),
        _ => None,
    }
}

/// Returns whether `a` is `b` with two neighbouring letters swapped.
fn swapped(a: &str, b: &str) -> bool {
    let differ: Vec<usize> = (0..a.len()).filter(|at| a.as_bytes().get(*at) != b.as_bytes().get(*at)).collect();
    let [first, second] = differ.as_slice() else { return false };
    let crossed = |x: usize, y: usize| a.as_bytes().get(x) == b.as_bytes().get(y);
    a.len() == b.len() && first + 1 == *second && crossed(*first, *second) && crossed(*second, *first)
}

/// Returns how many letters must be put in, left out or changed to make `a` of `b`.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, (diagonal, above)) in b.chars().zip(row.iter().zip(row.iter().skip(1))) {
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(from != to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_so_that_a_name_can_be_found() {
        assert!(ROWS.is_sorted_by_key(|row| row.name));
        assert!(ROWS.iter().all(|row| !rows(row.name).is_empty()));
    }

    #[test]
    fn a_slip_in_a_name_is_seen_where_that_name_may_stand() {
        for (name, place, expected) in [
            ("proxy_psas", place::LOCATION, Some("proxy_pass")),
            ("proxypass", place::LOCATION, Some("proxy_pass")),
            ("lsiten", place::SERVER, Some("listen")),
            ("servername", place::SERVER, Some("server_name")),
            ("servername", place::UPSTREAM, None),
            ("sever", place::HTTP, Some("server")),
            ("my_module", place::HTTP, None),
            ("api", place::LOCATION, None),
        ] {
            assert_eq!(meant(name, place), expected, "{name}");
        }
    }

    #[test]
    fn the_table_says_what_nginx_takes() {
        assert_eq!(fits("proxy_pass", 1, false), Some(true));
        assert_eq!(fits("proxy_pass", 4, false), Some(false));
        assert_eq!(fits("server", 0, true), Some(true));
        assert_eq!(fits("server", 30, false), Some(true));
        assert_eq!(fits("access_by_lua_block", 0, true), None);
        assert_eq!(find("access_by_lua_block"), Some(State::Opaque));
        assert_eq!(find("no_such_thing"), None);
    }
}
