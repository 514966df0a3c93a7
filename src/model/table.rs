//! Ordered lists of routes: first match wins. Every proxy's selection order is lowered to these.

use super::{Cidr, Condition, Name, Outcome, Regex, Value};
use crate::span::Span;
use std::sync::Arc;

/// The index of a table in [`super::Gateway::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub usize);

/// A place in the configuration and its own words for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The construct: from the first byte of its name to the end of its arguments.
    pub span: Span,
    /// The construct as a person would quote it, on one line: `location /static/`, `server_name shop.example.com`.
    pub text: Arc<str>,
}

/// What a table decides. For descriptions and for rules; it does not change how the table is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Chooses a virtual host of a listener. Its `otherwise` is the default virtual host.
    VirtualHosts,
    /// Chooses a route of a virtual host, mostly by path.
    Routes,
    /// One instruction of a sequence (rewrite rules, `http-request` rules): taken or passed over.
    Instruction,
}

/// An ordered list of routes, first match wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it decides.
    pub kind: TableKind,
    /// Where it is written: the virtual host, the listener, the instruction.
    pub label: Label,
    /// In order of choice. Routes that only serve to reach another table need no label of their own and have `None`.
    pub routes: Vec<Route>,
    /// Taken when no route matches. `otherwise_label` names the line that makes it so (the `listen` line of a default server), if there is one.
    pub otherwise: Step,
    /// See `otherwise`.
    pub otherwise_label: Option<Label>,
}

/// One entry of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// When it is taken.
    pub when: Condition,
    /// What happens then.
    pub step: Step,
    /// The deciding line, shown in traces.
    pub label: Option<Label>,
}

/// Changes to the request, then where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In order.
    pub actions: Vec<Action>,
    /// After the actions.
    pub next: Next,
}

impl Step {
    /// Returns the step that goes on with `table`.
    pub fn table(table: TableId) -> Self {
        Self { actions: Vec::new(), next: Next::Table(table) }
    }

    /// Returns the step that ends in `outcome`.
    pub fn end(outcome: Outcome) -> Self {
        Self { actions: Vec::new(), next: Next::End(Box::new(outcome)) }
    }
}

/// Where a request goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// On with this table.
    Table(TableId),
    /// On with this table after an internal redirect: counted against [`super::Gateway::restart_limit`].
    Restart(TableId),
    /// Tries the routes of `table`; where it comes to [`Next::Fallback`], goes on with `otherwise`.
    /// Fallbacks nest: each `Fallback` takes the innermost pending `otherwise` and removes it. (nginx: the regexes of outer levels are tried after a nested prefix.)
    Try {
        /// Tried first.
        table: TableId,
        /// Taken when `table` comes to `Fallback`.
        otherwise: Box<Step>,
    },
    /// Nothing here matched: on with the innermost pending `otherwise`.
    Fallback,
    /// By chance, with these weights (nginx `split_clients`, Envoy runtime fractions). Weights sum to more than 0.
    Split(Vec<(u32, Step)>),
    /// The end.
    End(Box<Outcome>),
}

/// A change to the request that later conditions and values see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts the value, computed now, into a variable.
    Set {
        /// The variable.
        variable: Name,
        /// Its new value.
        value: Value,
        /// The line, shown in traces.
        label: Option<Label>,
    },
    /// Replaces the path and edits the query (nginx `rewrite`, HAProxy `set-path`).
    Rewrite {
        /// The new path; it is not normalised again. `None` leaves it.
        path: Option<Value>,
        /// What becomes of the query.
        query: QueryEdit,
        /// The line, shown in traces.
        label: Option<Label>,
    },
    /// Replaces the method (nginx: an `error_page` redirect becomes GET).
    SetMethod(Arc<str>),
    /// Fixes the status of the answer, whoever makes it (nginx: `error_page 502 /busy.html` answers with 502, `error_page 502 = /busy.html` with the
    /// page's own status); `None` gives the answer its own status again. Under a fixed status of 400 or more, files and local answers are a refusal
    /// with that status; a forward still reaches its pool, but its client gets that status. Redirects, refusals and closing keep their own.
    SetStatus(Option<u16>),
    /// Replaces the client's address by what a header or another value says, where the other end of the connection may be believed (nginx
    /// `real_ip_header`, HAProxy `set-src`). A value that is no address changes nothing.
    SetSource {
        /// Where the address stands.
        value: Value,
        /// Who is believed; empty for everyone.
        trusted: Vec<Cidr>,
        /// Where the value is a list: the last address that is not trusted, instead of the last one (nginx `real_ip_recursive on`).
        recursive: bool,
        /// The line, shown in traces.
        label: Option<Label>,
    },
    /// Changes a request header as later conditions and the upstream see it.
    SetHeader {
        /// In lower case.
        name: Name,
        /// The new value; `None` removes all of that name.
        value: Option<Value>,
        /// Adds one instead of replacing those there are.
        add: bool,
        /// The line, shown in traces.
        label: Option<Label>,
    },
    /// Replaces the value of each header of that name in which the regex is found (HAProxy `replace-header`, `replace-value`); where there is none, nothing is.
    ReplaceHeader {
        /// In lower case.
        name: Name,
        /// What is looked for.
        regex: Regex,
        /// The new text, in which captures are the groups of this regex.
        value: Value,
        /// Each of the elements between commas, not the header as a whole.
        elements: bool,
        /// The line, shown in traces.
        label: Option<Label>,
    },
    /// Counts the request against a limit. It goes on: what becomes of those above the limit is a matter of rates, not of routing.
    Limit(Arc<Limit>),
    /// Empties the numbered captures; named ones stay (nginx: a regex of `if` or `rewrite` that does not match, observed on 1.22.1).
    ForgetCaptures,
}

/// A limit on how much one client, or all of them together, may ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit {
    /// What is counted.
    pub kind: LimitKind,
    /// Requests with the same value of this share an allowance; a literal is one allowance for all, an empty value is not limited.
    pub key: Value,
    /// Requests in `window_ms`, or connections at a time.
    pub most: u64,
    /// The time `most` is counted in, in milliseconds; 0 for connections.
    pub window_ms: u64,
    /// How many more are let through (delayed or not) before the refusal.
    pub burst: u64,
    /// The status of the refusal; `None` where the connection is closed.
    pub status: Option<u16>,
    /// The line that applies it.
    pub label: Label,
    /// The line that defines it, where that is another one (nginx `limit_req_zone`).
    pub defined: Option<Label>,
}

/// What a [`Limit`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// Requests over time.
    Requests,
    /// Connections, or requests under way, at a time.
    Connections,
}

/// What a rewrite does to the query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryEdit {
    /// Leaves it.
    Keep,
    /// Leaves it; an upstream is still asked for the target as the client sent it, if it was until now (nginx: a file that `try_files` found).
    KeepTarget,
    /// Replaces it.
    Replace(Value),
    /// Puts this before the old one, with `&` between when both are non-empty.
    Prepend(Value),
    /// Replaces it; a `?` that was there stays, also before an empty one (HAProxy `set-query`).
    Marked(Value),
    /// The new path holds the new query, behind its first `?`; without one there is none (HAProxy `set-pathq`).
    FromPath,
}
