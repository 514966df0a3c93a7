//! Every keyword: where it may stand, and whether we read it; and the words that may follow some of them.

mod near;
mod table;
mod words;

use super::syntax::{Section, SectionKind};
pub(super) use near::nearest;
use table::ROWS;

/// How a keyword is supported.
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

/// A keyword.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    name: &'static str,
    places: u8,
    state: State,
}

/// Where a keyword may stand: bits of [`Row::places`]. A `listen` section is a frontend and a backend.
mod place {
    pub(super) const GLOBAL: u8 = 1;
    pub(super) const DEFAULTS: u8 = 1 << 1;
    /// A `defaults` section that has a name.
    pub(super) const NAMED: u8 = 1 << 2;
    pub(super) const FRONTEND: u8 = 1 << 3;
    pub(super) const BACKEND: u8 = 1 << 4;
    /// HAProxy warns that it does nothing there, and goes on.
    pub(super) const FRONTEND_IGNORES: u8 = 1 << 5;
    /// As above.
    pub(super) const BACKEND_IGNORES: u8 = 1 << 6;
}

/// What HAProxy makes of a keyword in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may stand there.
    Allowed,
    /// It has no effect there; HAProxy warns.
    Ignored,
    /// It may stand in such a section only if that has a name.
    NeedsName,
    /// It may not stand there.
    Refused,
}

/// Keywords of the sections that are not read further.
#[rustfmt::skip]
const OTHER: &[(&str, &[&str])] = &[
    ("peers", &["bind", "default-bind", "default-server", "disabled", "enabled", "log", "peer", "server", "shards", "table"]),
    ("resolvers", &["accepted_payload_size", "hold", "nameserver", "parse-resolv-conf", "resolution_pool_size", "resolve_retries", "timeout"]),
    ("userlist", &["group", "user"]),
    ("cache", &["max-age", "max-object-size", "max-secondary-entries", "process-vary", "total-max-size"]),
    ("mailers", &["mailer", "timeout"]),
    ("http-errors", &["errorfile"]),
    ("program", &["command", "group", "option", "user"]),
];

/// Keywords that HAProxy 2.6 knows only to refuse: the version that took them out, and what came in their place.
#[rustfmt::skip]
const GONE: &[(&str, &str, &str)] = &[
    ("appsession", "1.6", "stick on"), ("block", "2.1", "http-request deny"), ("cliexp", "2.1", "http-request replace-path"),
    ("clitimeout", "2.1", "timeout client"), ("contimeout", "2.1", "timeout connect"), ("monitor-net", "2.5", "http-request return"),
    ("nbproc", "2.5", "nbthread"), ("redisp", "2.1", "option redispatch"), ("redispatch", "2.1", "option redispatch"),
    ("reqadd", "2.1", "http-request add-header"), ("reqallow", "2.1", "http-request allow"), ("reqdel", "2.1", "http-request del-header"),
    ("reqdeny", "2.1", "http-request deny"), ("reqiallow", "2.1", "http-request allow"), ("reqidel", "2.1", "http-request del-header"),
    ("reqideny", "2.1", "http-request deny"), ("reqipass", "2.1", "http-request allow"), ("reqirep", "2.1", "http-request replace-header"),
    ("reqitarpit", "2.1", "http-request tarpit"), ("reqpass", "2.1", "http-request allow"), ("reqrep", "2.1", "http-request replace-header"),
    ("reqtarpit", "2.1", "http-request tarpit"), ("rspadd", "2.1", "http-response add-header"), ("rspdel", "2.1", "http-response del-header"),
    ("rspdeny", "2.1", "http-response deny"), ("rspidel", "2.1", "http-response del-header"), ("rspideny", "2.1", "http-response deny"),
    ("rspirep", "2.1", "http-response replace-header"), ("rsprep", "2.1", "http-response replace-header"),
    ("srvexp", "2.1", "http-response replace-header"), ("srvtimeout", "2.1", "timeout server"),
];

/// Returns the version that took the keyword `name` out, and what came in its place; `None` for one that is still there.
pub(super) fn gone(name: &str) -> Option<(&'static str, &'static str)> {
    GONE.iter().find(|(gone, ..)| *gone == name).map(|(_, since, instead)| (*since, *instead))
}

/// Returns the row of `name`.
fn row(name: &str) -> Option<&'static Row> {
    ROWS.binary_search_by(|row| row.name.cmp(name)).ok().and_then(|at| ROWS.get(at))
}

/// Returns how the keyword `name` of `global`, `defaults`, `frontend`, `backend` and `listen` is supported; `None` when the table does not have it.
pub(super) fn find(name: &str) -> Option<State> {
    row(name).map(|row| row.state)
}

/// Returns what HAProxy makes of the keyword `name` in `section`; `None` when no table has it, or the section's keywords are not known.
pub(super) fn standing(name: &str, section: &Section) -> Option<Standing> {
    let places = row(name)?.places;
    let has = |place: u8| places & place != 0;
    let (allowed, ignored) = match section.kind {
        SectionKind::Global => (has(place::GLOBAL), false),
        SectionKind::Defaults if has(place::NAMED) && section.name.text.is_empty() => return Some(Standing::NeedsName),
        SectionKind::Defaults => (has(place::DEFAULTS | place::NAMED), false),
        SectionKind::Frontend => (has(place::FRONTEND), has(place::FRONTEND_IGNORES)),
        SectionKind::Backend => (has(place::BACKEND), has(place::BACKEND_IGNORES)),
        SectionKind::Listen => (has(place::FRONTEND | place::BACKEND), false),
        SectionKind::Other => return None,
    };
    Some(match (allowed, ignored) {
        (true, _) => Standing::Allowed,
        (false, true) => Standing::Ignored,
        (false, false) => Standing::Refused,
    })
}

/// Returns the keywords that may stand in `section`; empty where they are not known.
pub(super) fn of_section(section: &Section) -> Vec<&'static str> {
    let bits = match section.kind {
        SectionKind::Global => place::GLOBAL,
        SectionKind::Defaults => place::DEFAULTS | place::NAMED,
        SectionKind::Frontend => place::FRONTEND,
        SectionKind::Backend => place::BACKEND,
        SectionKind::Listen => place::FRONTEND | place::BACKEND,
        SectionKind::Other => {
            let known = OTHER.iter().find(|(name, _)| *name == section.head.keyword());
            return known.map_or_else(Vec::new, |(_, keywords)| keywords.to_vec());
        }
    };
    ROWS.iter().filter(|row| row.places & bits != 0).map(|row| row.name).collect()
}

/// Returns the kinds of sections that `name` may stand in, in words; empty when no table has it.
pub(super) fn places(name: &str) -> Vec<&'static str> {
    let bits = row(name).map_or(0, |row| row.places);
    let named = [
        (place::GLOBAL, "`global`"),
        (place::DEFAULTS, "`defaults`"),
        (place::NAMED, "`defaults` with a name"),
        (place::FRONTEND, "`frontend`"),
        (place::FRONTEND | place::BACKEND, "`listen`"),
        (place::BACKEND, "`backend`"),
    ];
    named.iter().filter(|(place, _)| bits & place != 0).map(|(_, name)| *name).collect()
}

/// Returns how many values the option `name` of a `server` takes; `None` when there is no such option.
pub(super) fn server_option(name: &str) -> Option<usize> {
    count(words::SERVER, name)
}

/// Returns how many values the option `name` of a `bind` takes; `None` when there is no such option.
pub(super) fn bind_option(name: &str) -> Option<usize> {
    count(words::BIND, name)
}

fn count(table: &[(&str, u8)], name: &str) -> Option<usize> {
    let at = table.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    table.get(at).map(|(_, count)| usize::from(*count))
}

/// The lists of words that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// After `option`.
    Option,
    /// After `timeout`.
    Timeout,
    /// After a server's address.
    Server,
    /// After a bind's address.
    Bind,
    /// After `http-request`.
    HttpRequest,
    /// After `http-response`.
    HttpResponse,
    /// After `http-after-response`.
    HttpAfterResponse,
    /// What computes a value.
    Fetch,
    /// What changes one.
    Converter,
}

/// Returns the words of `list`, sorted.
pub(super) fn list(list: List) -> Vec<&'static str> {
    match list {
        List::Option => words::OPTION.to_vec(),
        List::Timeout => words::TIMEOUT.to_vec(),
        List::Server => words::SERVER.iter().map(|(name, _)| *name).collect(),
        List::Bind => words::BIND.iter().map(|(name, _)| *name).collect(),
        List::HttpRequest => words::HTTP_REQUEST.to_vec(),
        List::HttpResponse => words::HTTP_RESPONSE.to_vec(),
        List::HttpAfterResponse => words::HTTP_AFTER_RESPONSE.to_vec(),
        List::Fetch => words::FETCH.to_vec(),
        List::Converter => words::CONVERTER.to_vec(),
    }
}

/// Returns whether `list` has `name`.
pub(super) fn has(list: List, name: &str) -> bool {
    let among = |words: &[&str]| words.binary_search(&name).is_ok();
    match list {
        List::Option => among(words::OPTION),
        List::Timeout => among(words::TIMEOUT),
        List::Server => server_option(name).is_some(),
        List::Bind => bind_option(name).is_some(),
        List::HttpRequest => among(words::HTTP_REQUEST) || name.starts_with("track-sc") || name.starts_with("lua."),
        List::HttpResponse => among(words::HTTP_RESPONSE) || name.starts_with("track-sc") || name.starts_with("lua."),
        List::HttpAfterResponse => among(words::HTTP_AFTER_RESPONSE) || name.starts_with("track-sc") || name.starts_with("lua."),
        List::Fetch => among(words::FETCH) || name.starts_with("lua."),
        List::Converter => among(words::CONVERTER) || name.starts_with("lua."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_so_that_a_name_can_be_found() {
        assert!(ROWS.is_sorted_by_key(|row| row.name));
        assert!(ROWS.iter().all(|row| find(row.name).is_some()));
        for one in [List::Option, List::Timeout, List::Server, List::Bind, List::HttpRequest, List::HttpResponse, List::Fetch, List::Converter] {
            assert!(list(one).is_sorted(), "{one:?}");
            assert!(list(one).iter().all(|name| has(one, name)), "{one:?}");
        }
    }

    #[test]
    fn most_of_what_real_files_say_is_read() {
        let modelled = ROWS.iter().filter(|row| row.state == State::Modelled).count();
        let opaque: Vec<&str> = ROWS.iter().filter(|row| row.state == State::Opaque).map(|row| row.name).collect();
        assert!(modelled >= 30, "{modelled}");
        assert!(opaque.contains(&"filter") && !opaque.contains(&"balance"), "{opaque:?}");
    }
}
