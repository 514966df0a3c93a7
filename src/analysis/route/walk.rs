//! The walk through the tables.

use super::explore::Questions;
use super::index::Engine;
use super::normalize::{self, BadRequest};
use super::text::Text;
use super::words::host_words;
use crate::analysis::trace::{Choice, Limited, TraceStep};
use crate::model::{Action, Field, Gateway, Label, Listener, Name, Next, Outcome, PoolId, QueryEdit, Request, Step, Table, TableId, TableKind};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// How many steps a walk may take. Only a model with a cycle of plain steps needs more, and no format lowers to one.
const FUEL: u32 = 20_000;

/// What the shortest walk costs, in tests of a plain condition.
const WALKING: usize = 120;

/// Where to walk.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis) struct Entrance<'m> {
    pub(in crate::analysis) gateway: &'m Gateway,
    pub(super) gateway_position: usize,
    pub(in crate::analysis) listener: &'m Listener,
}

impl<'m> Entrance<'m> {
    pub(in crate::analysis) fn new(engine: &Engine<'m>, gateway: &'m Gateway, listener: &'m Listener) -> Self {
        Self { gateway, gateway_position: engine.position(gateway).unwrap_or(usize::MAX), listener }
    }
}

/// What steps can change, and what was matched.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) path: Rc<Text>,
    pub(super) query: Rc<Text>,
    /// There is a `?` before the query, be that empty.
    pub(super) query_mark: bool,
    pub(super) method: Rc<Text>,
    /// The path is no longer the client's.
    pub(super) rewritten: bool,
    /// The status the answer will have, whoever makes it.
    pub(super) status: Option<u16>,
    /// The client's address, where something else is believed than the other end of the connection.
    pub(super) source: Option<Rc<Text>>,
    /// Headers that were changed, by lower-case name: what they are now.
    pub(super) headers: BTreeMap<Name, Vec<Rc<Text>>>,
    pub(super) variables: BTreeMap<Name, Rc<Text>>,
    /// Variables that were emptied on purpose: they are not there (HAProxy `unset-var`).
    pub(super) unset: BTreeSet<Name>,
    pub(super) groups: Vec<Option<Vec<u8>>>,
    pub(super) named: BTreeMap<Name, Vec<u8>>,
}

/// One walk of one request, with fixed answers to open questions.
pub(super) struct Walk<'w, 'm> {
    pub(super) engine: &'w Engine<'m>,
    pub(super) entrance: Entrance<'m>,
    pub(super) request: &'w Request,
    pub(super) host: Rc<Text>,
    pub(super) escaped: bool,
    pub(super) quoted: bool,
    pub(super) state: State,
    pub(super) questions: &'w mut Questions,
    /// Lookups that were computed: nginx keeps the value of a `map` for the rest of the request (`ngx_http_get_indexed_variable`).
    pub(super) computed: BTreeMap<Name, Rc<Text>>,
    /// Of these, the ones in which an entry was found.
    pub(super) found: BTreeSet<Name>,
    /// The one of several values of a field that is looked at ([`Matcher::Each`](crate::model::Matcher::Each)).
    pub(super) narrowed: Option<(&'m Field, Rc<Text>)>,
    /// Lookups being computed, so that one that uses itself ends.
    pub(super) depth: u32,
    /// Status handlers being walked.
    pub(super) handlers: u32,
    pub(super) exact: bool,
    pub(super) pools: BTreeSet<PoolId>,
    /// The limits the request is counted against, in order.
    pub(super) limits: Vec<Limited>,
    pub(super) virtual_host: Option<usize>,
    /// The steps; a `set` stays only if its variable was read.
    pub(super) steps: Vec<(TraceStep, Option<Name>)>,
    pub(super) read: BTreeSet<Name>,
    fuel: u32,
    restarts: u32,
}

/// Where a walk came to its end.
pub(super) enum End<'m> {
    /// At an outcome.
    Outcome(&'m Outcome),
    /// It was redirected inside the gateway too often: 500 (`ngx_http_internal_redirect`, `ngx_http_core_post_rewrite_phase`).
    Circle,
}

/// A place to go on from.
#[derive(Clone, Copy)]
pub(super) enum At<'m> {
    Table(TableId),
    Step(&'m Step),
}

impl<'w, 'm> Walk<'w, 'm> {
    pub(super) fn new(
        engine: &'w Engine<'m>,
        entrance: Entrance<'m>,
        request: &'w Request,
        questions: &'w mut Questions,
    ) -> Result<Self, BadRequest> {
        engine.patterns.spend(WALKING);
        let rules = entrance.gateway.normalization;
        let host = if without_host(request) { Vec::new() } else { normalize::host(&raw_host(request), rules)? };
        let target = normalize::target(&request.target, rules)?;
        let state = State {
            path: Rc::new(Text::known(target.path)),
            query: Rc::new(Text::known(target.query)),
            query_mark: request.target.contains('?'),
            method: Rc::new(Text::known(request.method.as_bytes())),
            rewritten: false,
            status: None,
            source: None,
            headers: BTreeMap::new(),
            variables: BTreeMap::new(),
            unset: BTreeSet::new(),
            groups: Vec::new(),
            named: BTreeMap::new(),
        };
        Ok(Self {
            engine,
            entrance,
            request,
            host: Rc::new(Text::known(host)),
            escaped: target.escaped,
            quoted: target.quoted,
            state,
            questions,
            computed: BTreeMap::new(),
            found: BTreeSet::new(),
            narrowed: None,
            depth: 0,
            handlers: 0,
            exact: true,
            pools: BTreeSet::new(),
            limits: Vec::new(),
            virtual_host: None,
            steps: Vec::new(),
            read: BTreeSet::new(),
            fuel: FUEL,
            restarts: 0,
        })
    }

    /// Walks from `at` to an end.
    pub(super) fn walk(&mut self, mut at: At<'m>) -> End<'m> {
        let mut pending: Vec<&'m Step> = Vec::new();
        loop {
            let Some(fuel) = self.fuel.checked_sub(1) else { return End::Circle };
            self.fuel = fuel;
            let step = match at {
                At::Table(id) => match self.entrance.gateway.tables.get(id.0) {
                    Some(table) => self.pick(id, table),
                    None => return End::Outcome(&Outcome::None),
                },
                At::Step(step) => step,
            };
            for action in &step.actions {
                self.act(action);
            }
            at = match &step.next {
                Next::Table(id) => At::Table(*id),
                Next::Restart(id) => {
                    self.restarts += 1;
                    if self.restarts > self.entrance.gateway.restart_limit {
                        return End::Circle;
                    }
                    pending.clear();
                    At::Table(*id)
                }
                Next::Try { table, otherwise } => {
                    pending.push(otherwise);
                    At::Table(*table)
                }
                Next::Fallback => match pending.pop() {
                    Some(otherwise) => At::Step(otherwise),
                    None => return End::Outcome(&Outcome::None),
                },
                Next::Split(ways) => match self.split(ways) {
                    Some(way) => At::Step(way),
                    None => return End::Outcome(&Outcome::None),
                },
                Next::End(outcome) => return End::Outcome(outcome),
            };
        }
    }

    /// Returns the step of the first route of `table` that matches, else the `otherwise`.
    fn pick(&mut self, id: TableId, table: &'m Table) -> &'m Step {
        let found = self.first_match(id, table);
        let (step, label, choice) = match found.and_then(|at| table.routes.get(at).map(|route| (at, route))) {
            Some((at, route)) => (&route.step, route.label.as_ref(), Choice::Route(id, at)),
            None => (&table.otherwise, table.otherwise_label.as_ref(), Choice::Otherwise(id)),
        };
        if table.kind == TableKind::VirtualHosts {
            self.enter_virtual_host(step, found.is_none());
        }
        if let Some(label) = label {
            self.step(label, choice, None);
        }
        step
    }

    fn first_match(&mut self, id: TableId, table: &'m Table) -> Option<usize> {
        let engine = self.engine;
        let (path, host) = (Rc::clone(&self.state.path), Rc::clone(&self.host));
        if let Some((hit, others)) = engine.index(self.entrance.gateway_position, id, table).and_then(|index| index.candidates(&path, &host)) {
            for at in others {
                if table.routes.get(at).is_some_and(|route| self.holds(&route.when)) {
                    return Some(at);
                }
            }
            return hit;
        }
        table.routes.iter().position(|route| self.holds(&route.when))
    }

    /// Notes which virtual host answers, and shows the line that attaches it to the listener.
    fn enter_virtual_host(&mut self, step: &Step, default: bool) {
        let listener = self.entrance.listener;
        self.virtual_host = match &step.next {
            _ if default => listener.default_host,
            Next::Table(table) => listener.virtual_hosts.iter().position(|host| host.table == *table),
            Next::Restart(_) | Next::Try { .. } | Next::Fallback | Next::Split(_) | Next::End(_) => None,
        };
        if let Some(host) = self.virtual_host.and_then(|at| listener.virtual_hosts.get(at)) {
            self.steps.retain(|(step, _)| step.choice != Choice::Listener);
            self.steps.insert(0, (TraceStep { label: host.listen_label.clone(), choice: Choice::Listener }, None));
            // A request that names no host has that of the server (nginx: `ngx_http_variable_host`).
            if without_host(self.request) {
                self.host = Rc::new(Text::known(host.names.first().map(|(name, _)| host_words(name)).unwrap_or_default().into_bytes()));
            }
        }
    }

    fn act(&mut self, action: &'m Action) {
        match action {
            Action::Set { variable, value, label } => {
                let text = self.value(value);
                if value.parts.is_empty() {
                    self.state.unset.insert(Name::clone(variable));
                } else {
                    self.state.unset.remove(variable);
                }
                self.state.variables.insert(Name::clone(variable), text);
                if let Some(label) = label {
                    self.step(label, Choice::Action, Some(Name::clone(variable)));
                }
            }
            Action::Rewrite { path, query, label } => {
                // Both are computed from the request as it was before.
                let new_path = path.as_ref().map(|path| self.value(path));
                let (new_path, new_query) = match (query, new_path) {
                    (QueryEdit::FromPath, Some(whole)) => {
                        let (path, query) = self.parted(&whole);
                        (Some(path), query)
                    }
                    (edit, new_path) => (new_path, self.edited(edit)),
                };
                if let Some(path) = new_path {
                    self.state.path = path;
                    self.state.rewritten |= !matches!(query, QueryEdit::KeepTarget);
                }
                self.state.query = new_query;
                if let Some(label) = label {
                    self.step(label, Choice::Action, None);
                }
            }
            Action::SetStatus(status) => self.state.status = *status,
            Action::ForgetCaptures => self.state.groups.clear(),
            Action::SetSource { value, trusted, recursive, label } => {
                if self.believe(value, trusted, *recursive)
                    && let Some(label) = label
                {
                    self.step(label, Choice::Action, None);
                }
            }
            Action::SetHeader { name, value, add, label } => {
                let value = value.as_ref().map(|value| self.value(value));
                self.set_header(name, value, *add);
                if let Some(label) = label {
                    self.step(label, Choice::Action, None);
                }
            }
            Action::ReplaceHeader { name, regex, value, elements, label } => {
                self.replace_header(name, regex, value, *elements);
                if let Some(label) = label.as_ref().filter(|_| self.has_header(name)) {
                    self.step(label, Choice::Action, None);
                }
            }
            Action::Limit(limit) => {
                let key = self.value(&limit.key);
                let key = (!key.hole).then(|| key.lossy().into_owned());
                self.limits.push(Limited { limit: Arc::clone(limit), key });
            }
            Action::SetMethod(method) => self.state.method = Rc::new(Text::known(method.as_bytes())),
        }
    }

    /// Returns the path and the query of a new URL.
    fn parted(&mut self, whole: &Text) -> (Rc<Text>, Rc<Text>) {
        let at = whole.bytes.iter().position(|byte| *byte == b'?');
        self.state.query_mark = at.is_some();
        let (path, query) = at.and_then(|at| whole.bytes.split_at_checked(at)).unwrap_or((&whole.bytes, b""));
        let part = |bytes: &[u8]| Rc::new(Text { bytes: bytes.to_vec(), hole: whole.hole });
        (part(path), part(query.get(1..).unwrap_or_default()))
    }

    fn edited(&mut self, edit: &'m QueryEdit) -> Rc<Text> {
        let new = match edit {
            QueryEdit::Keep | QueryEdit::KeepTarget | QueryEdit::FromPath => return Rc::clone(&self.state.query),
            QueryEdit::Marked(value) => {
                let new = self.value(value);
                self.state.query_mark |= !new.bytes.is_empty();
                return new;
            }
            QueryEdit::Replace(value) => self.value(value),
            QueryEdit::Prepend(value) => {
                let mut text = (*self.value(value)).clone();
                let old = Rc::clone(&self.state.query);
                if !text.bytes.is_empty() && !old.bytes.is_empty() {
                    text.bytes.push(b'&');
                }
                text.push(&old);
                Rc::new(text)
            }
        };
        self.state.query_mark = !new.bytes.is_empty();
        new
    }

    /// Shows a deciding line, once. With a `variable`, only if that is read later.
    pub(super) fn step(&mut self, label: &Label, choice: Choice, variable: Option<Name>) {
        self.engine.patterns.spend(self.steps.len() / 8);
        if !self.steps.iter().any(|(step, _)| step.label == *label) {
            self.steps.push((TraceStep { label: label.clone(), choice }, variable));
        }
    }
}

/// Returns whether a request names no host at all, as HTTP/1.0 allows.
pub(super) fn without_host(request: &Request) -> bool {
    request.host.is_empty() && request.header("host").is_none()
}

/// Returns the `Host` header the client sends: what it was told to, else the host of the URL with its port unless that goes without saying.
pub(super) fn raw_host(request: &Request) -> String {
    match request.header("host") {
        Some(host) => host.to_owned(),
        None if request.host.is_empty() || request.port == request.scheme.default_port() => request.host.clone(),
        None => format!("{}:{}", request.host, request.port),
    }
}
