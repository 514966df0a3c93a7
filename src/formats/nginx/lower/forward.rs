//! `proxy_pass` and its kin: who gets the request and what it is asked for.
//!
//! nginx: `ngx_http_proxy_pass`, `ngx_http_proxy_eval`, `ngx_http_proxy_create_request`.

use super::super::Directive;
use super::Lowering;
use super::route::Server;
use super::scope::{Level, LocationKind, Scope};
use super::variable::Definition;
use crate::formats::source::HOLE_OPEN;
use crate::model::{
    Condition, Field, Forward, Label, Matcher, Outcome, Part, ProblemKind, Retry, Step, Target, TimeoutLines, Timeouts, UpstreamUri, Value,
};
use std::sync::Arc;

/// The most values of a variable that are followed one by one.
const MAX_VALUES: usize = 256;

/// A `*_pass` directive while it is lowered.
struct Pass<'s, 'a> {
    server: &'s Server<'a>,
    scope: &'s Scope<'s>,
    directive: &'s Directive,
    label: Label,
    /// `proxy`, `fastcgi`, `grpc`…: how its settings begin.
    family: &'s str,
    /// `false` behind `rewrite … break`.
    valid_location: bool,
}

impl Lowering<'_> {
    /// Lowers a `*_pass` directive that is the content handler of `scope`.
    pub(super) fn lower_pass(&mut self, server: &Server<'_>, scope: &Scope<'_>, directive: &Directive, valid_location: bool) -> Step {
        let family = directive.name().strip_suffix("_pass").unwrap_or("proxy");
        let pass = Pass { server, scope, directive, label: directive.label(), family, valid_location };
        let text = directive.arg(0).unwrap_or_default().to_owned();
        match family {
            "proxy" => self.pass_url(&pass, &text, 0),
            "grpc" => {
                let (protocol, port, rest) = match (text.strip_prefix("grpc://"), text.strip_prefix("grpcs://")) {
                    (Some(rest), _) => ("grpc", 80, rest),
                    (None, Some(rest)) => ("grpcs", 443, rest),
                    (None, None) => ("grpc", 80, text.as_str()),
                };
                self.pass_address(&pass, protocol, port, rest)
            }
            "uwsgi" => {
                let (protocol, rest) = match (text.strip_prefix("uwsgi://"), text.strip_prefix("suwsgi://")) {
                    (None, Some(rest)) => ("suwsgi", rest),
                    (rest, None) => ("uwsgi", rest.unwrap_or(&text)),
                    (Some(rest), Some(_)) => ("uwsgi", rest),
                };
                self.pass_address(&pass, protocol, 0, rest)
            }
            family => self.pass_address(&pass, family, 0, &text),
        }
    }

    /// A pass without a URL: `fastcgi_pass 10.0.0.1:9000`, `grpc_pass $name`.
    fn pass_address(&mut self, pass: &Pass<'_, '_>, protocol: &str, port: u16, text: &str) -> Step {
        let authority = self.value(text, pass.scope, &pass.directive.head);
        let authority = self.constant(authority, pass.scope);
        self.check_port(pass, text);
        let target = self.target(pass, authority, port);
        self.forward(pass, protocol, target, UpstreamUri::AsReceived)
    }

    /// A name that is no pool needs a port (`src/http/ngx_http_upstream.c`, `ngx_http_upstream_init_main_conf`: "no port in upstream").
    fn check_port(&mut self, pass: &Pass<'_, '_>, text: &str) {
        let declared = self.pools.iter().any(|pool| pool.declared && pool.name.eq_ignore_ascii_case(text));
        let reported = format!("no-port:{}:{}", pass.label.span.path, pass.label.span.start);
        if !self.complete
            || self.assumed
            || declared
            || text.contains([':', '/', '$', HOLE_OPEN])
            || text.is_empty()
            || !self.reported.insert(reported)
        {
            return;
        }
        let directive = pass.directive.name();
        let message = format!("`{directive} {text}` names no pool that is here, and as a host it lacks a port");
        let help = format!("name a declared pool, or write `{text}:PORT`; nginx refuses the whole configuration until then");
        self.refused(ProblemKind::DanglingReference, message, Some(help), &pass.directive.head);
    }

    /// `proxy_pass URL`; `depth` counts the variables that were followed.
    fn pass_url(&mut self, pass: &Pass<'_, '_>, text: &str, depth: u32) -> Step {
        for (scheme, port) in [("http", 80), ("https", 443)] {
            if let Some(rest) = text
                .split_at_checked(scheme.len())
                .filter(|(start, _)| start.eq_ignore_ascii_case(scheme))
                .and_then(|(_, rest)| rest.strip_prefix("://"))
            {
                return self.pass_authority(pass, scheme, port, rest);
            }
        }
        if text.starts_with(HOLE_OPEN) {
            // The scheme, or the whole URL, is an expression: most often it is `http`.
            let rest = text.split_once("://").map_or(text, |(_, rest)| rest).to_owned();
            return self.pass_authority(pass, "http", 80, &rest);
        }
        let Some((name, rest)) = leading_variable(text) else { return self.bad_url(pass) };
        let lower = name.to_ascii_lowercase();
        if lower == "scheme" && !self.definitions.contains_key("scheme") {
            let secure = self.pass_url(pass, &format!("https{rest}"), depth);
            let clear = self.pass_url(pass, &format!("http{rest}"), depth);
            let when = Condition::test(Value::field(Field::Scheme), Matcher::Equals { text: Value::literal("https"), caseless: false });
            return self.guarded(&pass.label, when, secure, clear);
        }
        let values: Vec<String> = self.values.get(&lower).into_iter().flatten().cloned().collect();
        let known = matches!(self.definitions.get(&lower), Some(Definition::Set | Definition::Lookup)) && depth < 4 && values.len() <= MAX_VALUES;
        if let ([value], true, Some(Definition::Set)) = (values.as_slice(), known, self.definitions.get(&lower)) {
            return self.pass_url(pass, &format!("{value}{rest}"), depth + 1);
        }
        let reason = format!("`{}` is not known: what it is made of is not in the configuration", pass.directive.arg(0).unwrap_or_default());
        let mut step = Step::end(Outcome::Opaque { reason: Arc::from(reason.clone()), label: pass.label.clone() });
        if !known || values.is_empty() {
            self.unknown(&pass.directive.head, reason);
            return step;
        }
        let subject = self.value(&format!("${{{name}}}"), pass.scope, &pass.directive.head);
        for value in values.iter().rev() {
            let taken = self.pass_url(pass, &format!("{value}{rest}"), depth + 1);
            let text = self.value(value, pass.scope, &pass.directive.head);
            let when = Condition::test(subject.clone(), Matcher::Equals { text, caseless: false });
            step = self.guarded(&pass.label, when, taken, step);
        }
        step
    }

    /// A URL that begins with no scheme: nginx refuses one without variables, and answers 500 for one with.
    fn bad_url(&mut self, pass: &Pass<'_, '_>) -> Step {
        let written = pass.directive.arg(0).unwrap_or_default();
        if !written.contains('$') && self.reported.insert(format!("url:{}:{}", pass.label.span.path, pass.label.span.start)) {
            let message = format!("`{written}` begins with neither `http://` nor `https://`");
            self.refused(ProblemKind::Syntax, message, None, &pass.directive.head);
        }
        Step::end(Outcome::Reject { status: 500, label: pass.label.clone() })
    }

    fn pass_authority(&mut self, pass: &Pass<'_, '_>, scheme: &str, port: u16, rest: &str) -> Step {
        let written = pass.directive.arg(0).unwrap_or_default().contains('$');
        if !written {
            let (authority, uri) = split_url(rest);
            let uri = match (uri, pass.scope.location()) {
                ("", _) => UpstreamUri::AsReceived,
                (uri, Some((LocationKind::Exact | LocationKind::Prefix | LocationKind::PrefixOnly, prefix)))
                    if !matches!(pass.scope.level, Level::If | Level::LimitExcept) || !is_own(pass) =>
                {
                    if pass.valid_location {
                        UpstreamUri::ReplacePrefix { prefix: Arc::from(prefix), with: Arc::from(uri) }
                    } else {
                        UpstreamUri::AsReceived
                    }
                }
                (uri, _) => {
                    self.refuse_uri_part(pass, uri);
                    UpstreamUri::AsReceived
                }
            };
            let target = self.target(pass, Value::literal(authority), port);
            self.check_uri(pass.scope, pass.directive, &uri);
            return self.forward(pass, scheme, target, uri);
        }
        let value = self.value(rest, pass.scope, &pass.directive.head);
        let (authority, uri) = split_value(self.constant(value, pass.scope));
        let may_be_empty = !authority.parts.iter().any(|part| matches!(part, Part::Literal(_) | Part::Field(Field::Host)));
        let named = Condition::test(authority.clone(), Matcher::Truthy { zero_is_false: false });
        let target = self.target(pass, authority, port);
        let uri = if uri.parts.is_empty() { UpstreamUri::AsReceived } else { UpstreamUri::Exact(uri) };
        self.check_uri(pass.scope, pass.directive, &uri);
        let step = self.forward(pass, scheme, target, uri);
        if !may_be_empty {
            return step;
        }
        // "no host in upstream" (`ngx_http_proxy_eval`): an error of nginx's own, not of an upstream.
        let nobody = self.refuse(pass.server, pass.scope, 500, &pass.label);
        self.guarded(&pass.label, named, step, nobody)
    }

    /// nginx: `ngx_http_proxy_pass`: a URI part is refused in regex and named locations, in `if` and in `limit_except`.
    fn refuse_uri_part(&mut self, pass: &Pass<'_, '_>, uri: &str) {
        if !self.reported.insert(format!("uri:{}:{}", pass.label.span.path, pass.label.span.start)) {
            return;
        }
        let place = match (pass.scope.level, pass.scope.location()) {
            (Level::If, _) => "inside `if`",
            (Level::LimitExcept, _) => "inside `limit_except`",
            (_, Some((LocationKind::Named, _))) => "in a named location",
            _ => "in a location given by a regular expression",
        };
        let message = format!("`proxy_pass` cannot have a URI part (`{uri}`) {place}");
        let help = format!(
            "remove `{uri}`, and change the path with `rewrite … break` where it must change; nginx refuses the whole configuration until then"
        );
        self.refused(ProblemKind::Syntax, message, Some(help), &pass.directive.head);
    }

    /// Puts in the value of a variable that has only one (`set $app web; proxy_pass http://$app:8080`), so that the pool can be named.
    fn constant(&mut self, value: Value, scope: &Scope<'_>) -> Value {
        let mut parts: Vec<Part> = Vec::new();
        for part in value.parts {
            let Part::Variable(name) = &part else {
                parts.push(part);
                continue;
            };
            let only = match (self.definitions.get(&**name), self.values.get(&**name)) {
                (Some(Definition::Set), Some(values)) if values.len() == 1 => values.first().filter(|text| !text.contains('$')).cloned(),
                _ => None,
            };
            // A variable that the request may pass by without setting it is not constant.
            match only.filter(|_| is_surely_set(scope, name)) {
                Some(text) => parts.extend(Value::literal(&text).parts),
                None => parts.push(part),
            }
        }
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(text)) => *before = Arc::from(format!("{before}{text}")),
                (_, part) => joined.push(part),
            }
        }
        Value { parts: joined }
    }

    fn target(&mut self, pass: &Pass<'_, '_>, authority: Value, default_port: u16) -> Target {
        match authority.as_literal() {
            Some(text) => Target::Pool(self.pool_of(text, default_port, pass.directive)),
            None => Target::Computed { authority, default_port, resolvable: self.resolves(pass.scope) },
        }
    }

    /// Returns whether names are resolved at request time: a `resolver` is set, or may be set in a file that is not here.
    fn resolves(&self, scope: &Scope<'_>) -> bool {
        scope.get("resolver").is_some() || !self.complete || self.assumed
    }

    fn forward(&mut self, pass: &Pass<'_, '_>, protocol: &str, target: Target, uri: UpstreamUri) -> Step {
        let (scope, family) = (pass.scope, pass.family);
        let names = ["connect_timeout", "read_timeout", "send_timeout", "next_upstream", "next_upstream_tries", "intercept_errors"];
        let [connect, read, send, next, tries, intercept] = scope.of_family(family, names);
        let milliseconds = |line: Option<&Directive>| Some(line.and_then(|line| line.arg(0)).and_then(parse_time).unwrap_or(60_000));
        let line = |line: Option<&Directive>| line.map(Directive::label);
        let says = |word: &str| next.is_some_and(|line| line.args.iter().any(|said| &*said.text == word));
        let tries = tries.and_then(|line| line.arg(0)).and_then(|text| text.parse().ok()).filter(|tries| *tries > 0);
        let intercept = intercept.and_then(|line| line.arg(0)).is_some_and(|value| value.eq_ignore_ascii_case("on"));
        let on_status = self.status_handlers(pass.server, scope, intercept);
        let forward = Forward {
            target,
            uri,
            protocol: Arc::from(protocol),
            retry: Retry { on_connect_failure: next.is_none() || says("error") && !says("off"), attempts: tries },
            timeouts: Timeouts {
                connect_ms: milliseconds(connect),
                read_ms: milliseconds(read),
                send_ms: milliseconds(send),
                queue_ms: None,
                lines: TimeoutLines { connect: line(connect), read: line(read), send: line(send), queue: None },
            },
            on_status,
            label: pass.label.clone(),
        };
        if forward.on_status.is_empty() {
            return Step::end(Outcome::Forward(Box::new(forward)));
        }
        let handled = Step::end(Outcome::Forward(Box::new(Forward { on_status: Vec::new(), ..forward.clone() })));
        self.unless_handled(scope, &pass.label, handled, Step::end(Outcome::Forward(Box::new(forward))))
    }
}

/// Returns whether the directive stands in the `if` or `limit_except` block itself, rather than being taken over from the location.
fn is_own(pass: &Pass<'_, '_>) -> bool {
    pass.scope.own.iter().any(|directive| directive.head == pass.directive.head)
}

/// Returns whether every request of `scope` has passed a `set` of `name`: at the top of its server, or of its location.
fn is_surely_set(scope: &Scope<'_>, name: &str) -> bool {
    let here = scope.own.iter().any(|directive| directive.name() == "set" && is_named(directive, name));
    here || match scope.level {
        Level::Http | Level::Server(_) => false,
        // The instructions of outer locations are not run for inner ones: only the server's and one's own are.
        Level::Location(..) => {
            scope.server().is_some_and(|server| server.inside().iter().any(|directive| directive.name() == "set" && is_named(directive, name)))
        }
        Level::If | Level::LimitExcept => scope.parent.is_some_and(|location| is_surely_set(location, name)),
    }
}

fn is_named(directive: &Directive, name: &str) -> bool {
    directive.arg(0).and_then(|word| word.strip_prefix('$')).is_some_and(|word| word.eq_ignore_ascii_case(name))
}

/// Splits `$name…` or `${name}…` into the name and the rest.
fn leading_variable(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix('$')?;
    if let Some(braced) = after.strip_prefix('{') {
        return braced.split_once('}');
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    after.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

/// Splits what follows `http://` into authority and URI. A socket's path ends at a colon. nginx: `ngx_parse_url`.
fn split_url(rest: &str) -> (&str, &str) {
    if let Some(path) = rest.strip_prefix("unix:") {
        return match path.find(':') {
            Some(at) => (rest.get(..at + 5).unwrap_or(rest), rest.get(at + 6..).unwrap_or_default()),
            None => (rest, ""),
        };
    }
    rest.find(['/', '?']).and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""))
}

/// As [`split_url`], where parts are made at request time: the URI begins at the first `/` or `?`, or at a part that begins with one.
fn split_value(value: Value) -> (Value, Value) {
    let mut authority = Value::default();
    let mut parts = value.parts.into_iter();
    while let Some(part) = parts.next() {
        match part {
            Part::Literal(text) => {
                let (before, uri) = split_url(&text);
                authority.parts.extend(Value::literal(before).parts);
                if !uri.is_empty() {
                    let first = Value::literal(uri).parts;
                    return (authority, Value { parts: first.into_iter().chain(parts).collect() });
                }
            }
            Part::Field(Field::Path | Field::Target | Field::QueryMark) => {
                return (authority, Value { parts: std::iter::once(part).chain(parts).collect() });
            }
            part => authority.parts.push(part),
        }
    }
    (authority, Value::default())
}

/// Reads a time (`60`, `60s`, `1m30s`, `500ms`) in milliseconds; a number alone is seconds. nginx: `ngx_parse_time`.
pub(super) fn parse_time(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let factor = match unit.trim() {
            "ms" => 1,
            "" | "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "M" => 30 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = tail;
    }
    Some(total)
}
