//! `server` and `location`: which location a path belongs to.
//!
//! nginx: `ngx_http_core_find_location`. At each level: an exact location ends the search; else the longest prefix is remembered and searched for nested
//! locations; then, unless that prefix is `^~`, the regexes of the level in file order; a regex ends the search. A nested prefix does not stop the
//! regexes of the levels around it, whatever its own modifier.

use super::super::Directive;
use super::scope::{Level, LocationKind, Scope, location_kind};
use super::variable::{INTERNAL, regex};
use super::{Lowering, content};
use crate::model::{Condition, Field, Label, Matcher, Name, Next, Opaque, Outcome, Part, ProblemKind, Route, Step, Table, TableId, TableKind, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// A `server` block while it is lowered: the tables that its parts refer to.
pub(super) struct Server<'a> {
    /// Its statements.
    pub(super) block: &'a [Directive],
    /// Its own line.
    pub(super) label: Label,
    /// Where requests and internal redirects begin: its own instructions, then the search.
    pub(super) entry: TableId,
    /// The search for a location, where rewritten requests begin again.
    pub(super) search: TableId,
    /// The named locations.
    pub(super) named: BTreeMap<&'a str, TableId>,
    /// Its own instructions have a `rewrite … break`.
    pub(super) breaks: bool,
    /// The folders in which a location begins like an index file, by the file's name.
    pub(super) index_folders: RefCell<BTreeMap<String, Rc<[String]>>>,
}

/// A level of the search: the locations side by side, and where the search goes on without them.
struct LevelOf<'s> {
    scope: &'s Scope<'s>,
    label: &'s Label,
    /// The regexes of the levels around it that are still to be tried, the nearest first.
    outer: &'s [TableId],
}

impl Lowering<'_> {
    /// Lowers a `server` block and returns the table where its requests begin.
    pub(super) fn lower_server(&mut self, directive: &Directive, scope: &Scope<'_>) -> TableId {
        let entry = self.reserve();
        let search = self.reserve();
        let mut server = Server {
            block: scope.own,
            label: directive.label(),
            entry,
            search,
            named: BTreeMap::new(),
            breaks: super::program::breaks(scope.own),
            index_folders: RefCell::default(),
        };
        let mut bodies = Vec::new();
        for location in scope.own.iter().filter(|directive| directive.name() == "location") {
            let Some((LocationKind::Named, name)) = location_kind(location) else { continue };
            if server.named.contains_key(name) {
                // Observed on 1.22.1: no word from `nginx -t`, and the first one is used.
                self.suspect(
                    ProblemKind::Syntax,
                    format!("`location {name}` is there twice in this `server`; nginx uses the first and never this one"),
                    Some("remove one of the two, or give it another name".to_owned()),
                    &location.head,
                );
                continue;
            }
            let id = self.reserve();
            server.named.insert(name, id);
            bodies.push((id, location, name));
        }
        self.check_named(&server, scope.own);
        self.check_server_traps(scope.own);
        let first = self.lower_server_rewrites(&server, scope);
        self.define(
            entry,
            Table { kind: TableKind::Instruction, label: server.label.clone(), routes: Vec::new(), otherwise: first, otherwise_label: None },
        );
        let nothing = self.content(&server, scope, content::Place { label: &server.label, valid_location: true, passes: false });
        let level = LevelOf { scope, label: &server.label, outer: &[] };
        self.lower_level(&server, &level, search, nothing);
        for (id, location, name) in bodies {
            let label = location.label();
            let inner = Scope { own: block(location), settings: None, parent: Some(scope), level: Level::Location(LocationKind::Named, name) };
            let step = self.lower_location(&server, &inner, &label);
            self.define(id, routes(&label, vec![Route { when: Condition::Always, step, label: Some(label.clone()) }]));
        }
        let door = self.lower_door(scope, &server.label, entry);
        self.lower_handshake(&server, scope, door)
    }

    /// What TLS refuses before any routing, and only once: `ssl_reject_handshake` closes the connection, `ssl_verify_client on` answers 400 to clients without a certificate.
    ///
    /// nginx: `ngx_http_ssl_servername`, `ngx_http_process_request` (496, which is sent as 400).
    fn lower_handshake(&mut self, server: &Server<'_>, scope: &Scope<'_>, door: TableId) -> TableId {
        let step = Step::table(door);
        let tls = || Condition::test(Value::field(Field::Scheme), Matcher::Equals { text: Value::literal("https"), caseless: false });
        if let Some(line) = scope.get("ssl_reject_handshake").filter(|line| line.arg(0) == Some("on")) {
            let label = line.label();
            return self.instruction(&label, tls(), Step::end(Outcome::Close { label: label.clone() }), step);
        }
        let Some(line) = scope.get("ssl_verify_client").filter(|line| line.arg(0) == Some("on")) else { return door };
        let label = line.label();
        let refused = match super::answer::error_page(scope, 496) {
            Some(_) => self.refuse(server, scope, 496, &label),
            None => Step::end(Outcome::Reject { status: 400, label: label.clone() }),
        };
        let known = Condition::Opaque(Opaque { text: Arc::from("the client has a certificate that is accepted"), input: Value::default() });
        self.instruction(&label, Condition::All(vec![tls(), known.negated()]), refused, step)
    }

    /// Fills table `id` with the search among the locations of one level; `nothing` is where it ends when none of them and no outer regex matches.
    fn lower_level(&mut self, server: &Server<'_>, level: &LevelOf<'_>, id: TableId, nothing: Step) {
        let locations: Vec<(&Directive, LocationKind, &str)> = level
            .scope
            .own
            .iter()
            .filter(|directive| directive.name() == "location")
            .filter_map(|directive| location_kind(directive).map(|(kind, text)| (directive, kind, text)))
            .collect();
        self.check_duplicates(&locations);
        let regexes = self.lower_regexes(server, level, &locations);
        let with_own: Vec<TableId> = regexes.into_iter().chain(level.outer.iter().copied()).collect();
        let mut table = routes(level.label, self.lower_exact(server, level, &locations));
        let mut prefixes: Vec<_> =
            locations.iter().filter(|(_, kind, _)| matches!(kind, LocationKind::Prefix | LocationKind::PrefixOnly)).copied().collect();
        prefixes.sort_by_key(|(_, _, text)| std::cmp::Reverse(text.len()));
        for (directive, kind, text) in prefixes {
            let chain = if kind == LocationKind::PrefixOnly { level.outer } else { with_own.as_slice() };
            table.routes.push(self.lower_prefix(server, level.scope, (directive, kind, text), chain));
        }
        table.otherwise = tries(&with_own, nothing);
        self.define(id, table);
    }

    /// The exact locations of a level, and the redirects to `/dir/`.
    ///
    /// nginx: `auto_redirect` in `ngx_http_core_find_static_location`: `/dir` is sent to `location /dir/` with a `*_pass`, before any regex, where neither
    /// `/dir` nor `= /dir` is a location of the level.
    fn lower_exact(&mut self, server: &Server<'_>, level: &LevelOf<'_>, locations: &[(&Directive, LocationKind, &str)]) -> Vec<Route> {
        let mut out = Vec::with_capacity(locations.len() * 2);
        let mut seen = BTreeSet::new();
        for (directive, _, text) in locations.iter().filter(|(_, kind, _)| *kind == LocationKind::Exact) {
            if !seen.insert(*text) {
                continue;
            }
            let label = directive.label();
            let scope = Scope { own: block(directive), settings: None, parent: Some(level.scope), level: Level::Location(LocationKind::Exact, text) };
            let step = self.lower_location(server, &scope, &label);
            out.push(Route { when: path_is(text), step, label: Some(label) });
        }
        let is_regex = |kind| matches!(kind, LocationKind::Regex | LocationKind::RegexCaseless);
        let literal: BTreeSet<&str> = locations.iter().filter(|(_, kind, _)| !is_regex(*kind)).map(|(_, _, text)| *text).collect();
        let exactly: BTreeMap<&str, &Directive> =
            locations.iter().rev().filter(|(_, kind, _)| *kind == LocationKind::Exact).map(|(directive, _, text)| (*text, *directive)).collect();
        for (directive, kind, text) in locations {
            let is_static = matches!(kind, LocationKind::Exact | LocationKind::Prefix | LocationKind::PrefixOnly);
            let Some(short) = text.strip_suffix('/').filter(|short| is_static && !short.is_empty()) else { continue };
            let scope = Scope { own: block(directive), settings: None, parent: Some(level.scope), level: Level::Location(*kind, text) };
            if literal.contains(short) || !content::passes(scope.own) || !seen.insert(short) {
                continue;
            }
            // Of `= /dir/` and `/dir/` either may pass; the settings are those of the exact one.
            let scope = Scope { own: block(exactly.get(text).copied().unwrap_or(directive)), ..scope };
            let mut location = Value::literal(&super::answer::encoded(text));
            location.parts.extend([Part::Field(Field::QueryMark), Part::Field(Field::Query)]);
            let label = directive.label();
            let location = super::answer::absolute(&scope, location);
            let redirect = self.redirected(server, &scope, (301, location), &label);
            let step = self.guard_internal(server, &scope, redirect);
            out.push(Route { when: path_is(short), step, label: Some(label) });
        }
        out
    }

    /// The regexes of a level as a table that falls back when none matches; `None` when there are none.
    fn lower_regexes(&mut self, server: &Server<'_>, level: &LevelOf<'_>, locations: &[(&Directive, LocationKind, &str)]) -> Option<TableId> {
        let mut table = routes(level.label, Vec::new());
        table.otherwise = Step { actions: Vec::new(), next: Next::Fallback };
        for (directive, kind, pattern) in locations {
            if !matches!(kind, LocationKind::Regex | LocationKind::RegexCaseless) {
                continue;
            }
            let label = directive.label();
            let scope = Scope { own: block(directive), settings: None, parent: Some(level.scope), level: Level::Location(*kind, pattern) };
            let body = self.lower_location(server, &scope, &label);
            let step = self.lower_nested(server, &scope, &label, (&[], body));
            let matcher = Matcher::Regex(regex(pattern, *kind == LocationKind::RegexCaseless));
            table.routes.push(Route { when: Condition::test(Value::field(Field::Path), matcher), step, label: Some(label) });
        }
        if table.routes.is_empty() { None } else { Some(self.add(table)) }
    }

    /// A prefix location: its nested locations, the regexes still to be tried, then itself.
    fn lower_prefix(
        &mut self,
        server: &Server<'_>,
        around: &Scope<'_>,
        (directive, kind, text): (&Directive, LocationKind, &str),
        chain: &[TableId],
    ) -> Route {
        let label = directive.label();
        let when = || Condition::test(Value::field(Field::Path), Matcher::Prefix { text: Arc::from(text), caseless: false });
        let scope = Scope { own: block(directive), settings: None, parent: Some(around), level: Level::Location(kind, text) };
        let body = self.lower_location(server, &scope, &label);
        if chain.is_empty() && !has_locations(scope.own) {
            return Route { when: when(), step: body, label: Some(label) };
        }
        // The line decides only once no nested location and no regex has matched: it stands at the end of the way, not at its beginning.
        let last = self.add(routes(&label, vec![Route { when: when(), step: body, label: Some(label.clone()) }]));
        let step = if has_locations(scope.own) {
            self.lower_nested(server, &scope, &label, (chain, Step::table(last)))
        } else {
            tries(chain, Step::table(last))
        };
        Route { when: when(), step, label: None }
    }

    /// The search inside a location that has nested ones; else the location itself.
    fn lower_nested(&mut self, server: &Server<'_>, scope: &Scope<'_>, label: &Label, (outer, body): (&[TableId], Step)) -> Step {
        if !has_locations(scope.own) {
            return body;
        }
        let id = self.reserve();
        self.lower_level(server, &LevelOf { scope, label, outer }, id, body);
        Step::table(id)
    }

    /// A location that was chosen: `internal`, `limit_except`, instructions, content.
    pub(super) fn lower_location(&mut self, server: &Server<'_>, scope: &Scope<'_>, label: &Label) -> Step {
        let body = self.lower_location_rewrites(server, scope, label);
        let body = self.lower_limit_except(server, scope, body);
        self.guard_internal(server, scope, body)
    }

    /// `limit_except`: for the other methods its block takes the location's place, and the location's instructions are not run.
    ///
    /// nginx: `ngx_http_update_location_config`. Observed on 1.22.1.
    fn lower_limit_except(&mut self, server: &Server<'_>, scope: &Scope<'_>, body: Step) -> Step {
        let Some(directive) = scope.own.iter().find(|directive| directive.name() == "limit_except") else { return body };
        let mut methods: BTreeSet<String> = directive.args.iter().map(|word| word.text.to_ascii_uppercase()).collect();
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let one = |method: &String| Condition::test(Value::field(Field::Method), Matcher::Equals { text: Value::literal(method), caseless: false });
        let when = Condition::Any(methods.iter().map(one).collect()).negated();
        let label = directive.label();
        let inner = Scope { own: block(directive), settings: None, parent: Some(scope), level: Level::LimitExcept };
        let step = self.content(server, &inner, content::Place { label: &label, valid_location: true, passes: false });
        Step::table(self.instruction(&label, when, step, body))
    }

    /// `internal`: 404 for a request that came from outside; nested locations take it over.
    ///
    /// nginx: `ngx_http_core_find_config_phase`, `ngx_http_core_merge_loc_conf`.
    fn guard_internal(&mut self, server: &Server<'_>, scope: &Scope<'_>, body: Step) -> Step {
        let Some(directive) = self.uses(&["internal"]).then(|| scope.get("internal")).flatten() else { return body };
        let label = directive.label();
        let outside = Condition::test(Value { parts: vec![Part::Variable(Name::from(INTERNAL))] }, Matcher::Truthy { zero_is_false: true }).negated();
        let refused = self.refuse(server, scope, 404, &label);
        Step::table(self.instruction(&label, outside, refused, body))
    }

    /// A table of one instruction: taken when `when` holds, else passed over.
    pub(super) fn instruction(&mut self, label: &Label, when: Condition, step: Step, otherwise: Step) -> TableId {
        let route = Route { when, step, label: Some(label.clone()) };
        self.add(Table { kind: TableKind::Instruction, label: label.clone(), routes: vec![route], otherwise, otherwise_label: None })
    }

    /// nginx refuses two exact locations with one path, and two prefixes with one path. nginx: `ngx_http_cmp_locations`, `ngx_http_join_exact_locations`.
    fn check_duplicates(&mut self, locations: &[(&Directive, LocationKind, &str)]) {
        let mut seen = BTreeSet::new();
        for (directive, kind, text) in locations {
            let group = match kind {
                LocationKind::Exact => 0,
                LocationKind::Prefix | LocationKind::PrefixOnly => 1,
                LocationKind::Regex | LocationKind::RegexCaseless | LocationKind::Named => continue,
            };
            if !seen.insert((group, *text)) {
                let message = format!("`location {text}` is there twice in this block");
                let help = "join the two; nginx refuses the whole configuration until then".to_owned();
                self.refused(ProblemKind::Syntax, message, Some(help), &directive.head);
            }
        }
    }
}

/// Returns the statements of a block; none when there is no block.
pub(super) fn block(directive: &Directive) -> &[Directive] {
    directive.inside()
}

fn has_locations(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| directive.name() == "location")
}

fn path_is(text: &str) -> Condition {
    Condition::test(Value::field(Field::Path), Matcher::Equals { text: Value::literal(text), caseless: false })
}

fn routes(label: &Label, routes: Vec<Route>) -> Table {
    Table { kind: TableKind::Routes, label: label.clone(), routes, otherwise: Step::end(Outcome::None), otherwise_label: None }
}

/// Returns the step that tries each of `chain`, then `last`.
fn tries(chain: &[TableId], last: Step) -> Step {
    chain.iter().rev().fold(last, |otherwise, table| Step { actions: Vec::new(), next: Next::Try { table: *table, otherwise: Box::new(otherwise) } })
}
