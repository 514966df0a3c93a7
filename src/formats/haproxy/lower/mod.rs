//! Sections -> model. Precedence is computed here and nowhere else.
//!
//! Read in this order: `settings` (what a section takes from `defaults`), `listener` and `certificate` (`bind`), `rules` and `action` (what happens to
//! a request in order), `condition`, `acl`, `sample`, `converter` and `map` (when), `switch` (which backend), `pool`, `server` and `check` (who serves).
//!
//! The surprising thing: HAProxy evaluates a condition when the rule is reached, so the same `acl` may hold before a `set-path` and not after. Rules are
//! therefore lowered to a chain of tables, one for each rule that changes the request.

mod acl;
mod action;
mod address;
mod answer;
mod backend;
mod certificate;
mod check;
mod condition;
mod converter;
mod errors;
mod expression;
mod fetch;
mod file;
mod limit;
mod listener;
mod map;
mod pool;
mod rewrite;
mod rules;
mod server;
mod settings;
mod switch;
mod text;

use super::files::Files;
use super::syntax::{Config, Line, SectionKind};
use crate::model::{Gateway, Label, Lookup, Model, Normalization, Outcome, Pool, PoolId, Route, Step, Table, TableId, TableKind, Unknown};
use crate::span::Span;
use settings::Proxy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Adds the gateway that `config` is to `model`; maps and lists are among `files`.
pub(super) fn lower(config: &Config, files: &mut Files<'_>, model: &mut Model) {
    let mut lowering = Lowering::new(config, files, model);
    let proxies = settings::proxies(config);
    if proxies.is_empty() {
        return;
    }
    lowering.name_backends(&proxies);
    for proxy in proxies.iter().filter(|proxy| proxy.is_backend()) {
        lowering.lower_pool(proxy);
    }
    let mut listeners = Vec::new();
    for proxy in proxies.iter().filter(|proxy| proxy.is_frontend()) {
        let binds = lowering.lower_binds(proxy);
        if binds.is_empty() {
            continue;
        }
        let entry = lowering.lower_frontend(proxy);
        listeners.extend(binds.into_iter().map(|bind| bind.listener(entry)));
    }
    lowering.doubled(&listeners);
    let global = config.sections.iter().filter(|section| section.kind == SectionKind::Global);
    let max_connections = global
        .flat_map(|section| &section.lines)
        .filter(|line| line.keyword() == "maxconn")
        .filter_map(|line| line.arg(0)?.text.parse().ok())
        .next_back();
    let gateway = Gateway {
        id: config.variant.as_ref().map_or_else(|| Arc::from(config.id.as_str()), |variant| Gateway::reading_id(config.id.as_str(), variant)),
        product: "HAProxy",
        normalization: Normalization { strip_port: false, decode_path: false, resolve_dots: false, merge_slashes: false, exact_names: true },
        listeners,
        tables: lowering.tables.into_iter().flatten().collect(),
        pools: lowering.pools,
        lookups: lowering.lookups,
        variant: config.variant.clone(),
        max_connections,
        restart_limit: 10,
    };
    model.gateways.push(gateway);
}

/// The model of one configuration while it is made.
struct Lowering<'a, 'f> {
    config: &'a Config,
    files: &'a mut Files<'f>,
    model: &'a mut Model,
    tables: Vec<Option<Table>>,
    pools: Vec<Pool>,
    lookups: Vec<Lookup>,
    /// The sections that `use_backend` can name, by name; the first of a name.
    backends: BTreeMap<&'a str, Proxy<'a>>,
    /// The pool of each section that has one, by section.
    pool_of: BTreeMap<usize, PoolId>,
    /// Where the requests of a section's own servers begin, by section, once that is lowered.
    entries: BTreeMap<usize, Step>,
    /// Some rule changes the path or the query: what a server is asked for is no longer what the client asked.
    rewrites: bool,
    /// Some rule changes the `Host` header.
    changes_host: bool,
    /// An agent or a script is asked, which may set variables.
    runs_code: bool,
    /// The variables that rules set.
    variables: BTreeSet<&'a str>,
    /// What was reported already.
    reported: BTreeSet<String>,
}

impl<'a, 'f> Lowering<'a, 'f> {
    fn new(config: &'a Config, files: &'a mut Files<'f>, model: &'a mut Model) -> Self {
        let actions = || {
            let lines = config.sections.iter().flat_map(|section| &section.lines);
            lines.filter(|line| matches!(line.keyword(), "http-request" | "tcp-request")).flat_map(|line| line.words.iter().skip(1).take(2))
        };
        let any = |wanted: &[&str]| actions().any(|word| wanted.iter().any(|start| word.text.starts_with(start)));
        Self {
            config,
            files,
            model,
            tables: Vec::new(),
            pools: Vec::new(),
            lookups: Vec::new(),
            backends: BTreeMap::new(),
            pool_of: BTreeMap::new(),
            entries: BTreeMap::new(),
            rewrites: any(rewrite::REWRITES),
            changes_host: config.sections.iter().flat_map(|section| &section.lines).any(rewrite::changes_host),
            runs_code: config.sections.iter().flat_map(|section| &section.lines).any(runs_code),
            variables: actions().filter_map(|word| set_variable(&word.text)).collect(),
            reported: BTreeSet::new(),
        }
    }

    /// Notes which section each name of a backend is.
    fn name_backends(&mut self, proxies: &[Proxy<'a>]) {
        for proxy in proxies.iter().filter(|proxy| proxy.is_backend()) {
            self.backends.entry(proxy.name()).or_insert(*proxy);
        }
    }

    /// Notes something that was not understood, once a place and reason.
    fn unknown(&mut self, span: &Span, reason: String) {
        let unknown = Unknown { span: span.clone(), reason };
        if self.reported.insert(format!("{unknown:?}")) {
            self.model.unknown.push(unknown);
        }
    }

    /// Returns whether nothing was said of what `fetch` gives: of a variable that code sets we speak once.
    fn is_news(&mut self, fetch: &expression::Call) -> bool {
        !self.set_by_code(fetch) || self.reported.insert(format!("var {:?}", fetch.arg(0)))
    }

    /// Returns whether `fetch` is a variable that only something we do not read can set: an agent or a script.
    fn set_by_code(&self, fetch: &expression::Call) -> bool {
        fetch.name == "var" && self.runs_code && fetch.arg(0).is_some_and(|name| !self.variables.contains(name))
    }

    /// Adds a table of instructions, or of whatever `kind` says.
    fn table(&mut self, kind: TableKind, label: &Label, routes: Vec<Route>, otherwise: Step) -> TableId {
        self.add(Table { kind, label: label.clone(), routes, otherwise, otherwise_label: None })
    }

    fn add(&mut self, table: Table) -> TableId {
        self.tables.push(Some(table));
        TableId(self.tables.len() - 1)
    }

    /// Returns a step to the same place that is cheap to copy.
    fn shared(&mut self, step: Step, label: &Label) -> Step {
        if step.actions.is_empty() && matches!(step.next, crate::model::Next::Table(_)) {
            return step;
        }
        Step::table(self.table(TableKind::Instruction, label, Vec::new(), step))
    }
}

/// Returns whether `line` has an agent (`filter spoe`) or a script (Lua) look at requests. Either may set variables (`configuration.txt` 4.2, `do-resolve`; 9.3).
fn runs_code(line: &Line) -> bool {
    let first = line.arg(0).map_or("", |word| &*word.text);
    match line.keyword() {
        "filter" => first == "spoe",
        "lua-load" | "lua-load-per-thread" => true,
        "http-request" | "tcp-request" => {
            line.words.iter().skip(1).take(2).any(|word| word.text.starts_with("lua.") || word.text.starts_with("do-resolve("))
        }
        _ => false,
    }
}

/// Returns the variable that the action `word` sets.
fn set_variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix("set-var(").or_else(|| word.strip_prefix("set-var-fmt("))?;
    name.split([')', ',']).next()
}

/// Returns the step that ends in a refusal.
fn reject(status: u16, line: &Line) -> Step {
    Step::end(Outcome::Reject { status, label: line.label() })
}
