//! Statuses that nginx makes itself, and `error_page`.
//!
//! nginx: `ngx_http_special_response_handler`, `ngx_http_send_error_page`.

use super::super::Directive;
use super::Lowering;
use super::route::Server;
use super::scope::Scope;
use super::variable::ERROR_PAGE;
use crate::model::{Action, Condition, Field, Label, Matcher, Name, Next, Outcome, Part, ProblemKind, QueryEdit, StatusHandler, Step, Value};
use std::fmt::Write;
use std::sync::Arc;

impl Lowering<'_> {
    /// A request that nginx refuses itself with `status`: the error page of the place, else the plain status.
    pub(super) fn refuse(&mut self, server: &Server<'_>, scope: &Scope<'_>, status: u16, label: &Label) -> Step {
        // Statuses of nginx's own are sent as 400, and 499 is no answer (`ngx_http_special_response_handler`, `ngx_http_finalize_request`).
        let plain = Step::end(match status {
            499 => Outcome::Close { label: label.clone() },
            494..=497 => Outcome::Reject { status: 400, label: label.clone() },
            _ => Outcome::Reject { status, label: label.clone() },
        });
        let Some(page) = error_page(scope, status).filter(|_| status != 499) else { return plain };
        let step = self.error_page_step(server, scope, status, page);
        self.unless_handled(scope, label, plain, step)
    }

    /// A redirect that nginx makes itself: an `error_page` for its status takes it over, as it would an error.
    pub(super) fn redirected(&mut self, server: &Server<'_>, scope: &Scope<'_>, (status, location): (u16, Value), label: &Label) -> Step {
        let plain = Step::end(Outcome::Redirect { status, location, label: label.clone() });
        let Some(page) = error_page(scope, status) else { return plain };
        let step = self.error_page_step(server, scope, status, page);
        self.unless_handled(scope, label, plain, step)
    }

    /// `handled` when an error page was taken before and `recursive_error_pages` is off; else `first`.
    pub(super) fn unless_handled(&mut self, scope: &Scope<'_>, label: &Label, handled: Step, first: Step) -> Step {
        if scope.is_on("recursive_error_pages") {
            return first;
        }
        let seen = Condition::test(Value { parts: vec![Part::Variable(Name::from(ERROR_PAGE))] }, Matcher::Truthy { zero_is_false: true });
        self.guarded(label, seen, handled, first)
    }

    /// Where `error_page` sends a request that got `status`.
    ///
    /// A path is an internal redirect as GET with the query of the page; `@name` keeps method and path; anything else is a redirect. The answer keeps
    /// `status` unless the directive has `=`.
    fn error_page_step(&mut self, server: &Server<'_>, scope: &Scope<'_>, status: u16, page: &Directive) -> Step {
        let label = page.label();
        let target = page.args.last().map(|word| word.text.to_string()).unwrap_or_default();
        let equals = page.args.iter().rev().nth(1).and_then(|word| word.text.strip_prefix('='));
        let fixed = match equals {
            None => Some(status),
            Some("") => None,
            Some(number) => number.parse().ok(),
        };
        let mut actions = vec![Action::SetStatus(fixed)];
        if !scope.is_on("recursive_error_pages") {
            actions.push(Action::Set { variable: Name::from(ERROR_PAGE), value: Value::literal("1"), label: None });
        }
        if target.starts_with('@') {
            let mut step = self.named(server, &target, page);
            step.actions.splice(0..0, actions);
            return step;
        }
        if !target.starts_with('/') && !target.starts_with('$') {
            let location = self.value(&target, scope, &page.head);
            let status = fixed.filter(|status| equals.is_some() && matches!(status, 301 | 302 | 303 | 307 | 308)).unwrap_or(302);
            return Step::end(Outcome::Redirect { status, location, label });
        }
        let (path, args) = target.split_once('?').unwrap_or((&target, ""));
        let path = Some(self.value(path, scope, &page.head));
        let query = QueryEdit::Replace(self.value(args, scope, &page.head));
        actions.push(Action::SetMethod(Arc::from("GET")));
        actions.push(Action::Rewrite { path, query, label: Some(label) });
        actions.extend(self.mark_internal());
        Step { actions, next: Next::Restart(server.entry) }
    }

    /// The way into a named location.
    ///
    /// nginx: `ngx_http_named_location`: one that is not there is a 500 at request time, and no word from `nginx -t`.
    pub(super) fn named(&mut self, server: &Server<'_>, name: &str, from: &Directive) -> Step {
        if let Some(table) = server.named.get(name) {
            return Step { actions: self.mark_internal(), next: Next::Restart(*table) };
        }
        if self.complete {
            let key = format!("{}:{}:{name}", from.head.path, from.head.start);
            if self.reported.insert(key) {
                self.suspect(
                    ProblemKind::DanglingReference,
                    format!("`{}` leads to `{name}`, and this `server` has no `location {name}`", from.label().text),
                    Some(format!("add `location {name}` to the `server`, or correct the name; until then nginx answers 500 there")),
                    &from.head,
                );
            }
            return Step::end(Outcome::Reject { status: 500, label: from.label() });
        }
        let reason = Arc::from(format!("`location {name}` may be in a file that is not there"));
        Step::end(Outcome::Opaque { reason, label: from.label() })
    }

    /// Notes the named locations that `directives` lead to and that are not there, also where no request comes to them today.
    pub(super) fn check_named(&mut self, server: &Server<'_>, directives: &[Directive]) {
        for directive in directives {
            if matches!(directive.name(), "try_files" | "error_page")
                && let Some(last) = directive.args.last().filter(|word| word.text.starts_with('@') && !word.text.contains('$'))
                && !server.named.contains_key(&*last.text)
            {
                self.named(server, &last.text, directive);
            }
            self.check_named(server, directive.inside());
        }
    }

    /// What happens to a forward when nginx makes one of the errors of a dead pool itself, or with `intercept` when the upstream answers one.
    ///
    /// Without interception only 502 and 504 are nginx's own (observed on 1.22.1).
    pub(super) fn status_handlers(&mut self, server: &Server<'_>, scope: &Scope<'_>, intercept: bool) -> Vec<StatusHandler> {
        let mut seen = std::collections::BTreeSet::new();
        let mut handlers = Vec::new();
        for page in scope.all("error_page") {
            for status in statuses(page) {
                if (intercept && status >= 300 || matches!(status, 502 | 504)) && seen.insert(status) {
                    let step = self.error_page_step(server, scope, status, page);
                    handlers.push(StatusHandler { statuses: vec![status], from_upstream: intercept, step, label: page.label() });
                }
            }
        }
        handlers
    }
}

/// Returns the `error_page` that takes `status` at `scope`: the first of the nearest level that has any.
pub(super) fn error_page<'a>(scope: &Scope<'a>, status: u16) -> Option<&'a Directive> {
    scope.all("error_page").into_iter().find(|page| statuses(page).any(|have| have == status))
}

fn statuses(page: &Directive) -> impl Iterator<Item = u16> + '_ {
    let last = page.args.len().saturating_sub(1);
    page.args.iter().take(last).filter_map(|word| word.text.parse().ok())
}

/// Puts scheme and host before a `location` that begins with `/`, where settings make them other than those of the request.
pub(super) fn absolute(scope: &Scope<'_>, location: Value) -> Value {
    let mut parts = origin(scope, &location);
    parts.extend(location.parts);
    Value { parts }
}

/// Returns what stands before a `location` that begins with `/`; nothing where that is scheme and host of the request.
///
/// nginx: `ngx_http_header_filter`: with `server_name_in_redirect` the host is the server's first name, with `port_in_redirect off` there is no port, and
/// with `absolute_redirect off` the client gets the path alone.
pub(super) fn origin(scope: &Scope<'_>, location: &Value) -> Vec<Part> {
    let relative = match location.parts.first() {
        Some(Part::Literal(text)) => text.starts_with('/'),
        Some(Part::Field(Field::Path | Field::Target)) => true,
        _ => false,
    };
    let (own_name, own_port) = (scope.is_on("server_name_in_redirect"), scope.text("port_in_redirect") != Some("off"));
    if !relative || scope.text("absolute_redirect") == Some("off") || (!own_name && own_port) {
        return Vec::new();
    }
    let mut parts = vec![Part::Field(Field::Scheme), Part::Literal(Arc::from("://"))];
    parts.extend(if own_name { super::variable::server_name(scope) } else { vec![Part::Field(Field::Host)] });
    if own_port && scope.server().is_some_and(super::listener::has_odd_port) {
        parts.extend([Part::Literal(Arc::from(":")), Part::Field(Field::ListenPort)]);
    }
    parts
}

/// Returns the path of a location as it is sent to a client (`ngx_http_escape_location_name`: `ngx_escape_uri` with `NGX_ESCAPE_URI`).
pub(super) fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            0..=0x20 | 0x7f.. | b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                write!(text, "%{byte:02X}").unwrap_or_default();
            }
            plain => text.push(char::from(plain)),
        }
    }
    text
}
