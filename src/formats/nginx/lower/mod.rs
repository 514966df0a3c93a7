//! Tree -> model. Precedence is computed here and nowhere else.
//!
//! The surprising thing: nginx runs a location's rewrite instructions in order but takes everything else of it as settings, so a location is lowered to a
//! chain of instruction tables ([`rewrite`]) that ends in access checks and a content handler ([`content`]).

mod answer;
mod arrival;
mod code;
mod condition;
mod content;
mod files;
mod forward;
mod geo;
mod groups;
mod limit;
mod listener;
mod map;
mod named;
mod pool;
mod program;
mod rewrite;
mod route;
mod scope;
mod search;
mod stream;
mod tls;
mod traps;
mod variable;

use super::{Config, Directive};
use crate::model::{Gateway, Label, Lookup, Model, Next, Normalization, Outcome, Pool, PoolId, Step, Table, TableId, TableKind, Unknown};
use crate::span::Span;
use arrival::Chance;
use hashbrown::HashSet;
use limit::Zone;
use scope::{Level, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use variable::{Definition, Unread};

pub(super) use search::{Serving, serving};

/// Adds the gateway that `config` is to `model`.
pub(super) fn lower(config: &Config, model: &mut Model) {
    let mut lowering = Lowering::new(config, model);
    let mut listeners = Vec::new();
    for directive in &config.directives {
        match (directive.name(), directive.block.as_deref()) {
            ("http", Some(block)) => {
                let settings = scope::settings(block);
                let http = Scope { own: block, settings: Some(&settings), parent: None, level: Level::Http };
                lowering.lower_http(&http, &mut listeners);
                lowering.check_shared(&http);
            }
            ("stream", Some(block)) => lowering.lower_stream(block, &mut listeners),
            _ => {}
        }
    }
    if listeners.is_empty() && !config.directives.iter().any(|directive| directive.name() == "http") {
        return;
    }
    let merge_slashes = lowering.keeps_slashes != Some(true);
    let tables = lowering.tables.into_iter().map(|table| table.unwrap_or_else(|| never(&Label { span: config_start(config), text: Arc::from("") })));
    let gateway = Gateway {
        id: match &config.variant {
            Some(variant) => Gateway::reading_id(config.id.as_str(), variant),
            None => Arc::from(config.id.as_str()),
        },
        product: "nginx",
        normalization: Normalization { strip_port: true, decode_path: true, resolve_dots: true, merge_slashes, exact_names: false },
        listeners,
        tables: tables.collect(),
        pools: lowering.pools,
        lookups: lowering.lookups,
        variant: config.variant.clone(),
        max_connections: most_connections(config),
        restart_limit: 10,
    };
    model.gateways.push(gateway);
}

fn config_start(config: &Config) -> Span {
    Span::new(config.id.clone(), 0, 0)
}

/// Returns how many connections all workers take together, where both numbers are said: `worker_processes auto` is as many as the machine has processors.
///
/// nginx: `ngx_event_process_init`; one worker of 512 connections where nothing is said.
fn most_connections(config: &Config) -> Option<u64> {
    let number = |directives: &[Directive], name: &str| {
        let line = directives.iter().rfind(|directive| directive.name() == name)?;
        Some(line.arg(0).and_then(|text| text.parse::<u64>().ok()))
    };
    let events = config.directives.iter().find(|directive| directive.name() == "events").and_then(|directive| directive.block.as_deref());
    let connections = events.and_then(|events| number(events, "worker_connections"));
    match (number(&config.directives, "worker_processes"), connections) {
        (None, None) => None,
        (workers, connections) => workers.unwrap_or(Some(1))?.checked_mul(connections.unwrap_or(Some(512))?),
    }
}

/// A table that is reserved and never filled; nothing leads to it.
fn never(label: &Label) -> Table {
    Table { kind: TableKind::Routes, label: label.clone(), routes: Vec::new(), otherwise: Step::end(Outcome::None), otherwise_label: None }
}

/// The model of one configuration while it is made.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about the configuration")]
struct Lowering<'m> {
    model: &'m mut Model,
    /// No file is missing: a name that is nowhere is not defined.
    complete: bool,
    /// The main file is not here, and with it what it sets.
    assumed: bool,
    /// Modules are loaded that may define variables of their own.
    modules: bool,
    /// A `map` has regular expressions, whose groups may be those of `$1`.
    has_map_patterns: bool,
    /// The names of all directives, so that thousands of locations are not looked through for what is nowhere.
    names: HashSet<String>,
    tables: Vec<Option<Table>>,
    pools: Vec<Pool>,
    /// Declared pools by name, and pools of bare addresses by address, in lower case.
    pool_names: BTreeMap<String, PoolId>,
    lookups: Vec<Lookup>,
    /// What `split_clients` leaves to chance.
    chances: Vec<Chance>,
    /// The zones of `limit_req` and `limit_conn`.
    zones: Vec<Zone>,
    /// Directives that are not read, and may decide, are somewhere.
    code: bool,
    /// Where the name in the TLS handshake is read without ending TLS (`ssl_preread on`).
    preread: stream::Preread,
    /// Whether slashes in a row stay in paths (`merge_slashes off`), once a server has said so.
    keeps_slashes: Option<bool>,
    definitions: BTreeMap<String, Definition>,
    /// The texts that `set`, `map` and `geo` give each variable.
    values: BTreeMap<String, BTreeSet<String>>,
    /// The variables whose directives are not read.
    unread: BTreeMap<String, Unread>,
    /// Regexes that were tried on literal paths; `None` for those that cannot be.
    regexes: BTreeMap<String, Option<fancy_regex::Regex>>,
    /// What was reported already.
    reported: BTreeSet<String>,
}

impl<'m> Lowering<'m> {
    fn new(config: &Config, model: &'m mut Model) -> Self {
        let mut definitions = BTreeMap::new();
        variable::definitions(&config.directives, &mut definitions);
        let mut values = BTreeMap::new();
        variable::values(&config.directives, &mut values);
        let mut names = HashSet::new();
        gather_names(&config.directives, &mut names);
        Self {
            model,
            complete: config.complete,
            assumed: config.assumed,
            modules: config.directives.iter().any(|directive| directive.name() == "load_module"),
            has_map_patterns: has_map_patterns(&config.directives),
            tables: Vec::new(),
            pools: Vec::new(),
            pool_names: BTreeMap::new(),
            lookups: Vec::new(),
            chances: Vec::new(),
            zones: Vec::new(),
            code: names.iter().any(|name| code::may_decide(name)),
            names,
            preread: stream::Preread::Outside,
            keeps_slashes: None,
            definitions,
            values,
            unread: variable::unread(&config.directives),
            regexes: BTreeMap::new(),
            reported: BTreeSet::new(),
        }
    }

    fn lower_http(&mut self, http: &Scope<'_>, listeners: &mut Vec<crate::model::Listener>) {
        for directive in http.own {
            match directive.name() {
                "upstream" => self.lower_upstream(directive),
                "geo" => self.lower_geo(directive, http),
                "map" => self.lower_map(directive, http),
                "split_clients" => self.lower_split_clients(directive),
                "limit_req_zone" | "limit_conn_zone" => self.lower_zone(directive, http),
                _ => {}
            }
        }
        let mut servers = Vec::new();
        for directive in http.own.iter().filter(|directive| directive.name() == "server") {
            if let Some(block) = directive.block.as_deref() {
                let settings = scope::settings(block);
                let scope = Scope { own: block, settings: Some(&settings), parent: Some(http), level: Level::Server(directive) };
                let entry = self.lower_server(directive, &scope);
                servers.push((directive, entry));
            }
        }
        self.lower_listeners(http, &servers, listeners);
    }

    /// Returns whether a directive called one of `names` is anywhere.
    fn uses(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.names.contains(*name))
    }

    /// Notes something that was not understood.
    fn unknown(&mut self, span: &Span, reason: String) {
        self.model.unknown.push(Unknown { span: span.clone(), reason });
    }

    /// Takes the next table's place, to be filled by [`Self::define`].
    fn reserve(&mut self) -> TableId {
        self.tables.push(None);
        TableId(self.tables.len() - 1)
    }

    fn define(&mut self, id: TableId, table: Table) {
        if let Some(place) = self.tables.get_mut(id.0) {
            *place = Some(table);
        }
    }

    fn add(&mut self, table: Table) -> TableId {
        self.tables.push(Some(table));
        TableId(self.tables.len() - 1)
    }

    /// Returns a step to the same place that is cheap to copy.
    fn shared(&mut self, step: Step, label: &Label) -> Step {
        if step.actions.is_empty() && matches!(step.next, Next::Table(_) | Next::Restart(_) | Next::Fallback) {
            return step;
        }
        let table = Table { kind: TableKind::Instruction, label: label.clone(), routes: Vec::new(), otherwise: step, otherwise_label: None };
        Step::table(self.add(table))
    }
}

/// Adds the names of all statements in `directives`.
fn gather_names(directives: &[Directive], names: &mut HashSet<String>) {
    for directive in directives {
        if !names.contains(directive.name()) {
            names.insert(directive.name().to_owned());
        }
        gather_names(directive.inside(), names);
    }
}

fn has_map_patterns(directives: &[Directive]) -> bool {
    let pattern = |line: &Directive| line.name().starts_with('~');
    directives.iter().any(|directive| match directive.name() {
        "map" => directive.inside().iter().any(pattern),
        "http" => has_map_patterns(directive.inside()),
        _ => false,
    })
}
