//! The concrete evaluator: one request through one gateway, step by step.

use super::destination::Destination;
use super::route::{Engine, Entrance, choose, explore};
use crate::model::{Coverage, Gateway, Label, Limit, Listener, Model, Pool, PoolId, Request, Scheme, TableId, VirtualHost};
use std::rc::Rc;
use std::sync::Arc;

/// How one request is routed.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The request.
    pub request: Request,
    /// The gateway it was traced through, [`crate::model::Gateway::id`]; `None` when none has a listener for it.
    pub gateway: Option<String>,
    /// The listener, as [`crate::model::ListenAddress`] prints it.
    pub listener: Option<String>,
    /// The virtual host that answers, as an index into the listener's.
    pub virtual_host: Option<usize>,
    /// The deciding lines, in order.
    pub steps: Vec<TraceStep>,
    /// Where it ends.
    pub destination: Destination,
    /// The pool it ends in, as an index into the gateway's pools, where that is one.
    pub pool: Option<PoolId>,
    /// All pools it can end in: `pool`, those that take over on certain statuses, and those of each way at a condition that cannot be decided.
    pub pools: Vec<PoolId>,
    /// The limits it is counted against, in order.
    pub limits: Vec<Limited>,
    /// Nothing opaque was met.
    pub exact: bool,
}

/// A limit that a request is counted against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The limit.
    pub limit: Arc<Limit>,
    /// The value it is counted under; `None` when it cannot be read from the request (the client's address, when none was given).
    pub key: Option<String>,
}

impl Trace {
    /// Returns the gateway it was traced through, found in the model it was traced in.
    pub fn gateway_in<'m>(&self, model: &'m Model) -> Option<&'m Gateway> {
        let id = self.gateway.as_deref()?;
        model.gateways.iter().find(|gateway| *gateway.id == *id)
    }

    /// Returns the listener it came in at, found in the model it was traced in.
    pub fn listener_in<'m>(&self, model: &'m Model) -> Option<&'m Listener> {
        let address = self.listener.as_deref()?;
        self.gateway_in(model)?.listeners.iter().find(|listener| listener.address.to_string() == address)
    }

    /// Returns the virtual host that answered, found in the model it was traced in.
    pub fn virtual_host_in<'m>(&self, model: &'m Model) -> Option<&'m VirtualHost> {
        self.listener_in(model)?.virtual_hosts.get(self.virtual_host?)
    }

    /// Returns the pool it ends in, found in the model it was traced in.
    pub fn pool_in<'m>(&self, model: &'m Model) -> Option<&'m Pool> {
        self.gateway_in(model)?.pools.get(self.pool?.0)
    }
}

/// One deciding line.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// The line and its words.
    pub label: Label,
    /// What was decided there.
    pub choice: Choice,
}

/// What was decided at a [`TraceStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The listener was chosen.
    Listener,
    /// This route of this table was taken.
    Route(TableId, usize),
    /// No route of this table matched and its `otherwise` was taken.
    Otherwise(TableId),
    /// An action changed the request.
    Action,
    /// The line of the outcome (`proxy_pass`, `return`).
    Outcome,
    /// The line of the pool.
    Pool,
}

/// Traces `request` through the gateway of `model` that would get it: the one whose virtual host names it, else the first with a listener for it.
pub fn trace(model: &Model, request: &Request) -> Trace {
    let engine = Engine::new(model, Rc::default());
    match choose(&engine, request) {
        Some(entrance) => trace_at(&engine, entrance, request),
        None => unserved(request),
    }
}

/// Traces `request` through this listener of this gateway of `model`, whatever the URL says of port and scheme.
pub fn trace_in(model: &Model, gateway: &Gateway, listener: &Listener, request: &Request) -> Trace {
    let engine = Engine::new(model, Rc::default());
    trace_at(&engine, Entrance::new(&engine, gateway, listener), request)
}

/// Traces with what was made ready once.
pub(super) fn trace_at(engine: &Engine<'_>, entrance: Entrance<'_>, request: &Request) -> Trace {
    if refused_handshake(engine, entrance, request) {
        let step = TraceStep { label: entrance.listener.label.clone(), choice: Choice::Listener };
        let listener = Some(entrance.listener.address.to_string());
        return Trace { gateway: Some(entrance.gateway.id.to_string()), listener, steps: vec![step], ..unserved(request) };
    }
    let leaf = explore(engine, entrance, request);
    Trace {
        request: request.clone(),
        gateway: Some(entrance.gateway.id.to_string()),
        listener: Some(entrance.listener.address.to_string()),
        virtual_host: leaf.virtual_host,
        steps: leaf.steps,
        destination: leaf.destination,
        pool: leaf.pool,
        pools: leaf.pools,
        limits: leaf.limits,
        exact: leaf.exact,
    }
}

/// Returns whether the TLS handshake of a client that asks for the host of `request` is refused: no certificate is there for the name, and the listener
/// takes none in its place (HAProxy `strict-sni`, observed on 2.6.12: alert 40, no request is read). A client that asks for an address sends no name.
fn refused_handshake(engine: &Engine<'_>, entrance: Entrance<'_>, request: &Request) -> bool {
    let Some(tls) = entrance.listener.tls.as_ref().filter(|tls| tls.strict_names && request.scheme == Scheme::Https) else { return false };
    let name = request.host.to_ascii_lowercase();
    name.parse::<std::net::IpAddr>().is_err() && engine.model.inventory.covers(tls, name.trim_end_matches('.')) == Coverage::Refused
}

/// Returns the trace of a request that nothing listens for.
pub(super) fn unserved(request: &Request) -> Trace {
    Trace {
        request: request.clone(),
        gateway: None,
        listener: None,
        virtual_host: None,
        steps: Vec::new(),
        destination: Destination::None,
        pool: None,
        pools: Vec::new(),
        limits: Vec::new(),
        exact: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{Site, answer, exact, label, member, path_regex, pool, prefix, restart, rewrite, set, to};
    use crate::model::{Capture, Condition, Field, Matcher, Opaque, Outcome, Part, Step, Value};

    fn get(model: &Model, url: &str) -> Trace {
        trace(model, &Request::get(url).unwrap())
    }

    fn site(routes: Vec<(Condition, Step)>) -> Model {
        Site { hosts: vec![("a.example", routes)], pools: vec![pool("p", vec![member("10.0.0.1:80", 1), member("10.0.0.2:80", 3)])] }.model()
    }

    #[test]
    fn the_deciding_lines_are_shown_in_order() {
        let model = site(vec![(exact("/"), answer(204)), (prefix("/"), to(0))]);
        let found = get(&model, "http://a.example/x?y");
        let texts: Vec<&str> = found.steps.iter().map(|step| &*step.label.text).filter(|text| !text.starts_with("location")).collect();
        assert_eq!(texts, ["listen 80 of a.example", "server_name a.example", "proxy_pass 0", "upstream p"]);
        assert!(
            matches!(&found.destination, Destination::Forward { upstream_uri, servers, .. } if upstream_uri == "/x?y" && (servers[1].share - 0.75).abs() < 1e-9)
        );
        assert_eq!(get(&model, "http://other.example/").steps.len(), 3);
        assert_eq!(get(&model, "http://a.example/").destination, Destination::Respond { status: 204 });
    }

    #[test]
    fn nothing_listens_nothing_answers() {
        let model = site(vec![]);
        assert_eq!(get(&model, "https://a.example/").destination, Destination::None);
        assert_eq!(get(&model, "http://a.example:8080/").destination, Destination::None);
        assert_eq!(get(&model, "http://a.example/../x").destination, Destination::Reject { status: 400 });
        let mut request = Request::get("http://a.example:8080/").unwrap();
        request.listener = Some(":80".to_owned());
        assert_eq!(trace(&model, &request).destination, Destination::Reject { status: 404 });
    }

    #[test]
    fn a_capture_is_that_of_the_last_regex() {
        let group = Value { parts: vec![Part::Literal(Arc::from("/u/")), Part::Capture(Capture::Index(1))] };
        let model = site(vec![
            (prefix("/u/"), Step::end(Outcome::Redirect { status: 302, location: Value::field(Field::Path), label: label("return 302") })),
            (path_regex("^/user/([a-z]+)/?(.*)$"), restart(vec![rewrite(group)], 1)),
        ]);
        let found = get(&model, "http://a.example/user/ann/x");
        assert_eq!(found.destination, Destination::Redirect { status: 302, location: "http://a.example/u/ann".to_owned() });
    }

    #[test]
    fn a_circle_is_a_500() {
        let model = site(vec![(prefix("/"), restart(vec![rewrite(Value::literal("/x"))], 1))]);
        assert_eq!(get(&model, "http://a.example/").destination, Destination::Reject { status: 500 });
    }

    #[test]
    fn an_open_question_has_both_answers_unless_they_are_the_same() {
        let file = || Condition::Opaque(Opaque { text: Arc::from("file exists"), input: Value::field(Field::Path) });
        let found = get(&site(vec![(file(), answer(200)), (prefix("/"), to(0))]), "http://a.example/x");
        let Destination::Opaque { alternatives, .. } = &found.destination else { panic!("{found:?}") };
        assert_eq!(alternatives.iter().map(|one| one.when.as_str()).collect::<Vec<_>>(), ["the file /x exists", "there is no such file"]);
        assert!(!found.exact && found.pools == [PoolId(0)]);
        let found = get(&site(vec![(file(), to(0)), (prefix("/"), to(0))]), "http://a.example/x");
        assert!(found.exact && found.pool == Some(PoolId(0)));
        let found = get(&site(vec![(file(), answer(200)), (file().negated(), answer(201)), (prefix("/"), to(0))]), "http://a.example/x");
        let Destination::Opaque { alternatives, .. } = &found.destination else { panic!("{found:?}") };
        assert_eq!(alternatives.len(), 2, "the same question has the same answer");
    }

    #[test]
    fn a_set_is_shown_only_if_it_matters() {
        let used = Value { parts: vec![Part::Variable(Arc::from("used"))] };
        let test = Condition::test(used, Matcher::Truthy { zero_is_false: true });
        let mut model = site(vec![(test, answer(200)), (prefix("/"), to(0))]);
        let entry = model.gateways[0].listeners[0].entry;
        model.gateways[0].tables[entry.0].routes[0].step.actions = vec![set("unused", Value::literal("1")), set("used", Value::field(Field::Method))];
        let texts: Vec<String> = get(&model, "http://a.example/x").steps.iter().map(|step| step.label.text.to_string()).collect();
        assert!(texts.contains(&"set $used".to_owned()) && !texts.contains(&"set $unused".to_owned()), "{texts:?}");
    }
}
