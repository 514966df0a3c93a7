//! The way through a frontend and through a backend.
//!
//! HAProxy: the order of the analysers in `stream.c` and `http_ana.c`: `tcp-request`, `monitor-uri`, `http-request`, `redirect`, statistics, then the choice of the
//! backend; the rules of the backend come after it, then `use-server`, then the balancing. The rules of a `listen` are run once.

use super::super::syntax::Line;
use super::Lowering;
use super::condition::all_of;
use super::pool;
use super::rules::Chain;
use super::settings::Proxy;
use crate::model::{
    Condition, Field, Forward, Matcher, Name, Opaque, Outcome, PoolId, Retry, Route, Step, Table, TableId, TableKind, Target, TimeoutLines, Timeouts,
    UpstreamUri, Value,
};
use std::sync::Arc;

impl<'a> Lowering<'a, '_> {
    /// Returns the table where the requests of `proxy` begin.
    pub(super) fn lower_frontend(&mut self, proxy: &Proxy<'a>) -> TableId {
        let switch = self.lower_switch(proxy);
        let step = self.lower_rules(proxy, switch);
        let step = self.lower_monitor(proxy, step);
        let tcp = |kind: &'static str| proxy.run(|line| line.keyword() == "tcp-request" && line.arg(0).is_some_and(|word| *word.text == *kind));
        let step = self.chain(proxy, &tcp("content"), step);
        let step = self.chain(proxy, &tcp("session"), step);
        let step = self.chain(proxy, &tcp("connection"), step);
        let label = proxy.section.head.label();
        match self.shared(step, &label).next {
            crate::model::Next::Table(table) => table,
            _ => self.table(TableKind::Instruction, &label, Vec::new(), Step::end(Outcome::None)),
        }
    }

    /// Returns the step of requests that come to the backend `proxy` from a frontend.
    pub(super) fn lower_backend(&mut self, proxy: &Proxy<'a>) -> Step {
        if let Some(step) = self.entries.get(&proxy.index) {
            return step.clone();
        }
        let servers = self.lower_servers(proxy);
        let step = self.lower_rules(proxy, servers);
        let content = proxy.run(|line| line.keyword() == "tcp-request" && line.arg(0).is_some_and(|word| *word.text == *"content"));
        let step = self.chain(proxy, &content, step);
        let step = self.shared(step, &proxy.section.head.label());
        self.entries.insert(proxy.index, step.clone());
        step
    }

    /// Returns `step` behind the rules on requests of `proxy`.
    fn lower_rules(&mut self, proxy: &Proxy<'a>, step: Step) -> Step {
        if proxy.is_tcp() {
            return step;
        }
        let step = self.lower_statistics(proxy, step);
        let redirects: Vec<&Line> = proxy.lines("redirect").collect();
        let step = self.chain(proxy, &redirects, step);
        let rules = proxy.run(|line| line.keyword() == "http-request");
        self.chain(proxy, &rules, step)
    }

    /// `monitor-uri` answers 200, or 503 where `monitor fail` holds (`http_wait_for_request`).
    fn lower_monitor(&mut self, proxy: &Proxy<'a>, step: Step) -> Step {
        let line = proxy.get(&["monitor-uri"]).filter(|_| !proxy.is_tcp());
        let Some((line, uri)) = line.and_then(|line| Some((line, line.arg(0)?))) else { return step };
        let asked = Condition::test(Value::field(Field::Url), Matcher::Equals { text: Value::literal(&uri.text), caseless: false });
        let label = proxy.section.head.label();
        let after = self.shared(step, &label);
        let mut chain = Chain::new(&label, after);
        chain.end(asked.clone(), Step::end(Outcome::Respond { status: 200, label: line.label() }), line.label());
        let failing: Vec<&Line> = proxy.lines("monitor").collect();
        for fail in failing.into_iter().rev() {
            let (_, when) = self.split_condition(proxy, fail);
            chain.end(all_of(vec![asked.clone(), when]), self.refuse(proxy, 503, fail), fail.label());
        }
        chain.close(self)
    }

    /// The page of statistics, for every URL that begins as it does (`stats_check_uri`).
    fn lower_statistics(&mut self, proxy: &Proxy<'a>, step: Step) -> Step {
        let lines = proxy.all(&["stats"]);
        let of = |name: &str| lines.iter().copied().find(|line| line.arg(0).is_some_and(|word| *word.text == *name));
        let Some(first) = lines.first() else { return step };
        let uri = of("uri").and_then(|line| line.arg(1)).map_or("/haproxy?stats", |word| &word.text);
        let asked = Condition::test(Value::field(Field::Url), Matcher::Prefix { text: Arc::from(uri), caseless: false });
        let label = proxy.section.head.label();
        let after = self.shared(step, &label);
        let mut chain = Chain::new(&label, after);
        let page = of("uri").unwrap_or(first);
        chain.end(asked.clone(), Step::end(Outcome::Respond { status: 200, label: page.label() }), page.label());
        if let Some(auth) = of("auth") {
            let credentials = Value::field(Field::Header(Name::from("authorization")));
            let given = Condition::test(credentials.clone(), Matcher::Present);
            let known = Condition::Opaque(Opaque { text: Arc::from("the user may see the statistics"), input: credentials });
            let refused = Condition::All(vec![given, known]).negated();
            chain.end(all_of(vec![asked, refused]), self.refuse(proxy, 401, auth), auth.label());
        }
        chain.close(self)
    }

    /// Returns the step to the servers of `proxy`: one that `use-server` names, else by balancing.
    pub(super) fn lower_servers(&mut self, proxy: &Proxy<'a>) -> Step {
        let Some(own) = self.pool_of.get(&proxy.index).copied() else { return self.refuse(proxy, 503, &proxy.section.head) };
        let otherwise = self.forward(proxy, own, None);
        let mut routes = Vec::new();
        for line in proxy.lines("use-server") {
            let (_, when) = self.split_condition(proxy, line);
            let Some(name) = line.arg(0) else { continue };
            if name.text.contains('%') {
                self.unknown(&line.span, format!("`{}`: which server it names is not read", line.label().text));
                continue;
            }
            if let Some(pool) = self.preferring(proxy, &name.text) {
                let step = self.forward(proxy, pool, Some(line));
                routes.push(Route { when, step, label: Some(line.label()) });
            }
        }
        if routes.is_empty() {
            return otherwise;
        }
        let label = proxy.section.head.label();
        Step::table(self.add(Table { kind: TableKind::Routes, label, routes, otherwise, otherwise_label: None }))
    }

    fn forward(&self, proxy: &Proxy<'_>, pool: PoolId, line: Option<&Line>) -> Step {
        let uri = if self.rewrites && !proxy.is_tcp() { UpstreamUri::Exact(Value::field(Field::Url)) } else { UpstreamUri::AsReceived };
        let retries = proxy.get(&["retries"]).and_then(|line| line.arg(0)?.text.parse::<u32>().ok()).unwrap_or(3);
        let redispatch = proxy.option("redispatch").is_some() && retries > 0;
        Step::end(Outcome::Forward(Box::new(Forward {
            target: Target::Pool(pool),
            uri,
            protocol: Arc::from(pool::protocol(proxy)),
            // Without `option redispatch` all retries go to the same server (`configuration.txt` 4.2, `retries`).
            retry: Retry { on_connect_failure: redispatch, attempts: redispatch.then_some(2) },
            timeouts: timeouts(proxy),
            on_status: Vec::new(),
            label: line.map_or_else(|| proxy.section.head.label(), Line::label),
        })))
    }
}

/// Without `timeout queue` a request waits as long as for a connection (`configuration.txt` 4.2, `timeout queue`).
fn timeouts(proxy: &Proxy<'_>) -> Timeouts {
    let (connect_ms, connect) = proxy.timeout("connect");
    let (read_ms, read) = proxy.timeout("server");
    let (queue_ms, queue) = match proxy.timeout("queue") {
        (None, _) => (connect_ms, connect.clone()),
        own => own,
    };
    Timeouts { connect_ms, read_ms, send_ms: None, queue_ms, lines: TimeoutLines { connect, read, send: None, queue } }
}
