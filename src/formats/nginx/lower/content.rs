//! What a location does with a request once its instructions have run: access, `try_files`, the content handler, files.

use super::super::{Directive, Word};
use super::Lowering;
use super::code::When;
use super::route::Server;
use super::scope::{Level, LocationKind, Scope};
use super::variable::BROKEN;
use crate::formats::source;
use crate::model::{
    Action, Cidr, Condition, Field, Label, Matcher, Name, Next, Opaque, Outcome, Part, QueryEdit, Route, Step, Table, TableKind, Value,
};
use std::sync::Arc;

/// Directives that send the request on, each of which redirects `/dir` to its `location /dir/`.
const PASSES: &[&str] = &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];

/// Directives that answer 200 themselves.
const ANSWERS: &[&str] = &["empty_gif", "stub_status", "api", "status"];

/// Directives of modules that answer in a way that is not read.
const CODE: &[&str] = &[
    "content_by_lua",
    "content_by_lua_block",
    "content_by_lua_file",
    "js_content",
    "perl",
    "echo",
    "echo_duplicate",
    "echo_exec",
    "echo_location",
    "echo_location_async",
    "dyups_interface",
    "drizzle_pass",
    "postgres_pass",
    "redis_pass",
    "redis2_pass",
    "rds_json",
    "passenger_enabled",
    "push_stream_publisher",
    "push_stream_subscriber",
    "nchan_pubsub",
    "nchan_publisher",
    "nchan_subscriber",
    "tfs_pass",
    "ajp_pass",
    "upload_pass",
    "websockify_pass",
];

/// Other directives whose presence in an `if` block makes a difference to where a request goes or whether it is served.
const SETTINGS: &[&str] = &[
    "root",
    "alias",
    "index",
    "error_page",
    "recursive_error_pages",
    "allow",
    "deny",
    "satisfy",
    "auth_basic",
    "auth_request",
    "resolver",
    "limit_except",
];

/// The families of `*_pass` directives, whose settings begin alike.
const FAMILIES: &[&str] = &["proxy_", "fastcgi_", "uwsgi_", "scgi_", "grpc_", "memcached_"];

/// Endings of the settings of a family that are modelled.
const FAMILY_SETTINGS: &[&str] =
    &["pass", "next_upstream", "next_upstream_tries", "connect_timeout", "read_timeout", "send_timeout", "intercept_errors"];

/// The line a content is made for.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    /// The location, or the server where none matched.
    pub(super) label: &'s Label,
    /// `false` behind `rewrite … break`: the URI part of a `proxy_pass` is not used (nginx: `r->valid_location`).
    pub(super) valid_location: bool,
    /// The `*_pass` of an `if` that held before stays the handler, see [`super::program::State::passes`].
    pub(super) passes: bool,
}

/// Returns whether the block of an `if` in `location` leads to another content than the location itself.
///
/// `try_files` is not taken over by `if` blocks, so in a location that has it every `if` makes a difference (observed on 1.22.1).
pub(super) fn differs(body: &[Directive], location: &Scope<'_>) -> bool {
    location.own.iter().any(|directive| directive.name() == "try_files")
        || body.iter().any(|directive| {
            let name = directive.name();
            let family = FAMILIES.iter().find_map(|family| name.strip_prefix(family));
            family.is_some_and(|rest| FAMILY_SETTINGS.contains(&rest)) || [ANSWERS, CODE, SETTINGS].iter().any(|list| list.contains(&name))
        })
}

/// Returns whether a block itself passes requests on.
pub(super) fn passes(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| PASSES.contains(&directive.name()))
}

pub(super) fn own_handler(directives: &[Directive]) -> Option<&Directive> {
    directives.iter().rfind(|directive| [PASSES, ANSWERS, CODE].iter().any(|list| list.contains(&directive.name())))
}

/// The content handler of `scope`; `if` and `limit_except` blocks take over the one of their location (`ngx_http_proxy_merge_loc_conf`).
fn handler<'a>(scope: &Scope<'a>) -> Option<&'a Directive> {
    own_handler(scope.own).or_else(|| match (scope.level, scope.parent) {
        (Level::If | Level::LimitExcept, Some(location)) => own_handler(location.own),
        _ => None,
    })
}

impl Lowering<'_> {
    /// What becomes of a request that has come to `scope`, its instructions done.
    pub(super) fn content(&mut self, server: &Server<'_>, scope: &Scope<'_>, place: Place<'_>) -> Step {
        if !place.valid_location || !server.breaks {
            return self.content_at(server, scope, place);
        }
        let kept = Condition::test(Value { parts: vec![Part::Variable(Name::from(BROKEN))] }, Matcher::Truthy { zero_is_false: true });
        let broken = self.content_at(server, scope, Place { valid_location: false, ..place });
        let step = self.content_at(server, scope, place);
        if broken == step { step } else { self.guarded(place.label, kept, broken, step) }
    }

    fn content_at(&mut self, server: &Server<'_>, scope: &Scope<'_>, place: Place<'_>) -> Step {
        let found = self.lower_handler(server, scope, place);
        let step = match scope.own.iter().find(|directive| directive.name() == "try_files") {
            Some(directive) if matches!(scope.level, Level::Location(..) | Level::Server(_)) => self.lower_try_files(server, scope, directive, found),
            _ => found,
        };
        let step = self.lower_access(server, scope, step);
        let step = self.limited(scope, step);
        let step = self.own_source(scope, step);
        self.behind_code(scope, When::BeforeContent, step)
    }

    fn lower_handler(&mut self, server: &Server<'_>, scope: &Scope<'_>, place: Place<'_>) -> Step {
        let Some(directive) = handler(scope) else {
            // "no upstream configuration" (`ngx_http_update_location_config` leaves the handler; seen on 1.22.1).
            if place.passes {
                return self.refuse(server, scope, 500, place.label);
            }
            let alias =
                scope.nearest(&["root", "alias"]).last().filter(|line| line.name() == "alias" && !place.valid_location).map(|line| line.label());
            // "alias cannot be used in location where URI was rewritten" (`ngx_http_map_uri_to_path`).
            return match alias {
                Some(label) => self.rewritten_alias(server, scope, &label),
                None => self.lower_files(server, scope, place.label),
            };
        };
        let (name, label) = (directive.name(), directive.label());
        if PASSES.contains(&name) {
            self.lower_pass(server, scope, directive, place.valid_location)
        } else if ANSWERS.contains(&name) {
            Step::end(Outcome::Respond { status: 200, label })
        } else {
            self.answer_of(directive, label)
        }
    }

    /// nginx: `ngx_http_static_handler` looks at the method first.
    fn rewritten_alias(&mut self, server: &Server<'_>, scope: &Scope<'_>, label: &Label) -> Step {
        let method = |name| Condition::test(Value::field(Field::Method), Matcher::Equals { text: Value::literal(name), caseless: false });
        let served = Condition::Any(["GET", "HEAD", "POST"].map(method).to_vec());
        let failed = self.refuse(server, scope, 500, label);
        let refused = self.refuse(server, scope, 405, label);
        self.guarded(label, served, failed, refused)
    }

    /// `allow`, `deny`, `auth_basic`, `auth_request`, `satisfy`.
    ///
    /// Rules on the address are tried in order, the first that has it decides (`ngx_http_access_handler`). Who has credentials cannot be told from the
    /// configuration: a free boolean, 401 where it does not hold.
    fn lower_access(&mut self, server: &Server<'_>, scope: &Scope<'_>, step: Step) -> Step {
        if !self.uses(&["allow", "deny", "auth_basic", "auth_request"]) {
            return step;
        }
        let rules = scope.nearest(&["allow", "deny"]);
        let auth: Vec<&Directive> =
            ["auth_basic", "auth_request"].iter().filter_map(|name| scope.get(name)).filter(|directive| directive.arg(0) != Some("off")).collect();
        let any = scope.text("satisfy") == Some("any") && !rules.is_empty() && !auth.is_empty();
        let Some(line) = auth.first().or(rules.first()).map(|directive| directive.label()) else { return step };
        let step = self.shared(step, &line);
        if any {
            let known = Condition::Any(auth.iter().map(|directive| authenticated(directive)).collect());
            let refused = auth.first().map_or_else(|| Step::end(Outcome::None), |directive| self.refuse_stranger(server, scope, directive));
            let otherwise = Step::table(self.instruction(&line, known.negated(), refused, step.clone()));
            return self.address_rules(&rules, step, |_, _| otherwise.clone());
        }
        let mut step = step;
        for directive in auth.iter().rev() {
            let refused = self.refuse_stranger(server, scope, directive);
            step = Step::table(self.instruction(&directive.label(), authenticated(directive).negated(), refused, step));
        }
        if rules.iter().any(|rule| rule.name() == "deny") {
            step = self.address_rules(&rules, step, |lowering, label| lowering.refuse(server, scope, 403, label));
        }
        step
    }

    /// What a client without credentials gets: 401; of `auth_request` 401 or 403, whichever the other location answers, and 500 where it answers anything
    /// else but 2xx.
    ///
    /// nginx: `ngx_http_auth_request_handler`.
    fn refuse_stranger(&mut self, server: &Server<'_>, scope: &Scope<'_>, directive: &Directive) -> Step {
        let label = directive.label();
        let unauthorized = self.refuse(server, scope, 401, &label);
        if directive.name() != "auth_request" {
            return unauthorized;
        }
        let forbidden = self.refuse(server, scope, 403, &label);
        let failed = self.refuse(server, scope, 500, &label);
        let answers =
            |status: u16| Condition::Opaque(Opaque { text: Arc::from(format!("{} answers {status}", label.text)), input: Value::default() });
        let failed = self.guarded(&label, answers(403), forbidden, failed);
        self.guarded(&label, answers(401), unauthorized, failed)
    }

    fn address_rules(&mut self, rules: &[&Directive], allowed: Step, mut denied: impl FnMut(&mut Self, &Label) -> Step) -> Step {
        let mut routes = Vec::new();
        let mut label = None;
        for rule in rules {
            let line = rule.label();
            let when = match rule.arg(0).unwrap_or_default() {
                "all" => Condition::Always,
                "unix:" => Condition::test(Value::field(Field::Source), Matcher::Prefix { text: Arc::from("unix:"), caseless: false }),
                text => match Cidr::parse(text) {
                    Some(network) => Condition::test(Value::field(Field::Source), Matcher::Network(network)),
                    None => Condition::Opaque(Opaque {
                        text: Arc::from(format!("the client is {}", source::shown(text))),
                        input: Value::field(Field::Source),
                    }),
                },
            };
            let step = if rule.name() == "deny" { denied(self, &line) } else { allowed.clone() };
            routes.push(Route { when, step, label: Some(line.clone()) });
            label.get_or_insert(line);
        }
        let Some(label) = label else { return allowed };
        Step::table(self.add(Table { kind: TableKind::Instruction, label, routes, otherwise: allowed, otherwise_label: None }))
    }

    /// `try_files a b last`: which of the files exist is not known; `last` is a path to start again with, `@name` or `=code`.
    ///
    /// Where only `=404` remains, what exists is what matters: a file that is not there gives 404 anyway. nginx: `ngx_http_try_files_handler`.
    fn lower_try_files(&mut self, server: &Server<'_>, scope: &Scope<'_>, directive: &Directive, found: Step) -> Step {
        let label = directive.label();
        let Some((last, tests)) = directive.args.split_last() else { return found };
        let otherwise = if let Some(code) = last.text.strip_prefix('=') {
            self.refuse(server, scope, code.parse().unwrap_or(404), &label)
        } else if last.text.starts_with('@') {
            self.named(server, &last.text, directive)
        } else {
            let (path, args) = last.text.split_once('?').unwrap_or((&last.text, ""));
            let path = Some(self.value(path, scope, &last.span));
            let query = QueryEdit::Replace(self.value(args, scope, &last.span));
            let mut actions = vec![Action::Rewrite { path, query, label: Some(label.clone()) }];
            actions.extend(self.mark_internal());
            Step { actions, next: Next::Restart(server.entry) }
        };
        if is_end(&otherwise, |outcome| matches!(outcome, Outcome::Reject { status: 404, .. })) {
            return self.unless_folder(scope, (directive, tests), otherwise, found);
        }
        let is_files = is_end(&found, |outcome| matches!(outcome, Outcome::Files { .. }));
        let found = self.shared(found, &label);
        let mut routes = Vec::new();
        for test in tests {
            let when = self.file_test(scope, test);
            let mut step = found.clone();
            // Of a directory the path goes on without the slash that marks it as one.
            let name = test.text.strip_suffix('/').unwrap_or(&test.text);
            if !is_files && name != "$uri" {
                let path = Some(self.value(name, scope, &test.span));
                step.actions.push(Action::Rewrite { path, query: QueryEdit::KeepTarget, label: None });
            }
            routes.push(Route { when, step, label: Some(label.clone()) });
        }
        Step::table(self.add(Table { kind: TableKind::Instruction, label: label.clone(), routes, otherwise, otherwise_label: Some(label) }))
    }

    /// A path that ends in `/` is no file: where `try_files` looks for the path alone it is a 404, whatever there is.
    fn unless_folder(&mut self, scope: &Scope<'_>, (directive, tests): (&Directive, &[Word]), missing: Step, found: Step) -> Step {
        let slash_possible = match scope.location() {
            Some((LocationKind::Exact, path)) => path.ends_with('/'),
            Some((LocationKind::Regex | LocationKind::RegexCaseless, pattern)) => {
                !pattern.strip_suffix('$').is_some_and(|start| start.ends_with(|c: char| c.is_ascii_alphanumeric()) && !pattern.contains('|'))
            }
            _ => true,
        };
        let alone = tests.iter().all(|test| &*test.text == "$uri");
        if !slash_possible || !alone || is_end(&found, |outcome| matches!(outcome, Outcome::Files { .. })) {
            return found;
        }
        let slash = Condition::test(Value::field(Field::Path), Matcher::Suffix { text: Arc::from("/"), caseless: false });
        self.guarded(&directive.label(), slash, missing, found)
    }

    /// Whether a file of `try_files` is there; a name that ends in `/` is a directory.
    ///
    /// A file is never found under a path that ends in `/` (stat(2): `ENOTDIR`). nginx: `ngx_http_try_files_handler`.
    fn file_test(&mut self, scope: &Scope<'_>, test: &Word) -> Condition {
        let (text, what) = match test.text.strip_suffix('/') {
            Some(text) => (text, Opaque::DIRECTORY),
            None => (&*test.text, Opaque::FILE),
        };
        let path = self.value(text, scope, &test.span);
        let is_open = !matches!(path.parts.last(), None | Some(Part::Literal(_)));
        let input = self.below_root(scope, path.clone());
        let exists = Condition::Opaque(Opaque { text: Arc::from(what), input });
        if what == Opaque::DIRECTORY || !is_open {
            return exists;
        }
        let slash = Condition::test(path, Matcher::Suffix { text: Arc::from("/"), caseless: false });
        Condition::All(vec![slash.negated(), exists])
    }
}

fn is_end(step: &Step, test: impl Fn(&Outcome) -> bool) -> bool {
    step.actions.is_empty() && matches!(&step.next, Next::End(outcome) if test(outcome))
}

fn authenticated(directive: &Directive) -> Condition {
    let text = match directive.name() {
        "auth_basic" => "the client has credentials (auth_basic)".to_owned(),
        _ => format!("{} lets the client in", directive.label().text),
    };
    Condition::Opaque(Opaque { text: Arc::from(text), input: Value::default() })
}
