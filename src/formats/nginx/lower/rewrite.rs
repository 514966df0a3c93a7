//! `set`, `if`, `rewrite`, `break`, `return`: instructions, run in order.
//!
//! nginx compiles them to one flat list per server and per location (`ngx_http_rewrite_module`): an `if` jumps behind its block when its condition does not
//! hold. Two things are remembered on the way: whether the path was changed (then the location search runs again at the end) and which `if` block was
//! entered last (its other directives then take the location's place).

use super::super::Directive;
use super::Lowering;
use super::code::When;
use super::content::Place;
use super::program::{Op, Program, RewriteKind, START, State, entered, flatten, reachable, rewrite_kind, take, uses_captures, with_context};
use super::route::Server;
use super::scope::Scope;
use super::variable::{BROKEN, INTERNAL, regex};
use crate::model::{
    Action, Capture, Condition, Converted, Converter, Field, Label, Matcher, Name, Next, Outcome, Part, QueryEdit, Step, Table, TableId, TableKind,
    Value,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most `if` blocks with settings of their own that are told apart in one location.
const MAX_CONTEXTS: usize = 64;

/// A context that a list ends in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    context: usize,
    /// See [`State::passes`].
    passes: bool,
    /// `false` behind `rewrite … break`.
    valid_location: bool,
}

/// Where a list ends.
struct Ends<'s, 'a> {
    server: &'s Server<'a>,
    label: &'s Label,
    /// `false` for the list of a server, which always goes on with the search.
    in_location: bool,
    /// The content of each context, made when first needed.
    contents: BTreeMap<Found, TableId>,
}

impl Lowering<'_> {
    /// Lowers the instructions of a server; they run before the search and again after an internal redirect.
    pub(super) fn lower_server_rewrites(&mut self, server: &Server<'_>, scope: &Scope<'_>) -> Step {
        let mut program = Program { ops: Vec::new(), contexts: vec![*scope], uses_captures: uses_captures(scope.own) };
        flatten(scope.own, scope, false, &mut program);
        let label = server.label.clone();
        let mut step = self.lower_program(&program, Ends { server, label: &label, in_location: false, contents: BTreeMap::new() });
        step.actions.splice(0..0, mark_broken(server, ""));
        step
    }

    /// Lowers the instructions of a location and what follows them.
    pub(super) fn lower_location_rewrites(&mut self, server: &Server<'_>, scope: &Scope<'_>, label: &Label) -> Step {
        let mut program = Program { ops: Vec::new(), contexts: vec![*scope], uses_captures: uses_captures(scope.own) };
        flatten(scope.own, scope, true, &mut program);
        if program.ops.is_empty() {
            return self.content(server, scope, Place { label, valid_location: true, passes: false });
        }
        if program.contexts.len() > MAX_CONTEXTS {
            let reason = format!("more than {MAX_CONTEXTS} `if` blocks with settings of their own in one location");
            self.unknown(&label.span, reason.clone());
            return Step::end(Outcome::Opaque { reason: Arc::from(reason), label: label.clone() });
        }
        self.lower_program(&program, Ends { server, label, in_location: true, contents: BTreeMap::new() })
    }

    /// Lowers a list back to front. Every (place, state) that can be reached is lowered once, so the size stays linear in the list's length
    /// for each context.
    fn lower_program(&mut self, program: &Program<'_>, mut ends: Ends<'_, '_>) -> Step {
        let uses = reachable(&program.ops);
        let mut steps: BTreeMap<(usize, State), Step> = BTreeMap::new();
        for ((at, state), count) in uses.iter().rev() {
            let step = match program.ops.get(*at) {
                None => self.finish(program, &mut ends, *state),
                Some(op) => self.lower_op(program, &mut ends, (op, *at, *state), &mut steps),
            };
            let step = if *count > 1 { self.shared(step, ends.label) } else { step };
            steps.insert((*at, *state), step);
        }
        steps.remove(&(0, START)).unwrap_or_else(|| Step::end(Outcome::None))
    }

    /// The end of the list: search again, or on to the content.
    fn finish(&mut self, program: &Program<'_>, ends: &mut Ends<'_, '_>, state: State) -> Step {
        if !ends.in_location {
            let search = Step::table(ends.server.search);
            return with_context(program, 0, |scope| self.behind_code(scope, When::BeforeSearch, search));
        }
        if state.changed {
            // What the server's own `break` has noted stays noted (observed on 1.22.1).
            return Step { actions: self.mark_internal(), next: Next::Restart(ends.server.search) };
        }
        self.content_of(program, ends, state, true)
    }

    fn content_of(&mut self, program: &Program<'_>, ends: &mut Ends<'_, '_>, state: State, valid_location: bool) -> Step {
        let found = Found { context: state.context, passes: state.passes, valid_location };
        if let Some(table) = ends.contents.get(&found) {
            return Step::table(*table);
        }
        let place = Place { label: ends.label, valid_location, passes: state.passes };
        let step = with_context(program, state.context, |scope| self.content(ends.server, scope, place));
        let label = ends.label.clone();
        let step = self.shared(step, &label);
        if let Next::Table(table) = step.next {
            ends.contents.insert(found, table);
        }
        step
    }

    fn lower_op(
        &mut self,
        program: &Program<'_>,
        ends: &mut Ends<'_, '_>,
        (op, at, state): (&Op<'_>, usize, State),
        steps: &mut BTreeMap<(usize, State), Step>,
    ) -> Step {
        match op {
            Op::Set(directive) => {
                let mut step = take(steps, at + 1, state);
                if let (Some(name), Some(value)) = (directive.arg(0).and_then(|word| word.strip_prefix('$')), directive.args.get(1)) {
                    let value = with_context(program, 0, |scope| self.value(&value.text, scope, &value.span));
                    step.actions.insert(0, set(name, encoded_again(value, state.quotes()), directive));
                }
                step
            }
            Op::Return(directive) => with_context(program, state.context, |scope| self.lower_return(ends.server, scope, directive)),
            // `break` takes back that the path was changed, and the location is no longer what it begins with (`ngx_http_script_break_code`).
            Op::Break if state.changed && ends.in_location => self.content_of(program, ends, state, false),
            Op::Break => {
                let mut step = self.finish(program, ends, State { changed: false, ..state });
                step.actions.splice(0..0, mark_broken(ends.server, "1").filter(|_| state.changed));
                step
            }
            Op::Rewrite(directive) => self.lower_rewrite(program, ends, (directive, at, state), steps),
            Op::If { directive, end, context, passes } => {
                let label = directive.label();
                let when = with_context(program, 0, |scope| self.if_condition(directive, scope, state.quotes()));
                let is_regex = |condition: &Condition| matches!(condition, Condition::Test(test) if matches!(test.matcher, Matcher::Regex(_)));
                let negated = matches!(&when, Condition::Not(inner) if is_regex(inner));
                let inside = take(steps, at + 1, entered(state, *context, *passes));
                let inside = forget_captures(program.uses_captures && negated, inside);
                let behind = forget_captures(program.uses_captures && is_regex(&when), take(steps, *end, state));
                Step::table(self.instruction(&label, when, inside, behind))
            }
        }
    }

    /// `rewrite regex replacement [flag]`. nginx: `ngx_http_rewrite`, `ngx_http_script_regex_end_code`.
    fn lower_rewrite(
        &mut self,
        program: &Program<'_>,
        ends: &mut Ends<'_, '_>,
        (directive, at, state): (&Directive, usize, State),
        steps: &mut BTreeMap<(usize, State), Step>,
    ) -> Step {
        let label = directive.label();
        let (Some(pattern), Some(replacement)) = (directive.arg(0), directive.args.get(1)) else { return take(steps, at + 1, state) };
        let kind = rewrite_kind(directive);
        let when = Condition::test(Value::field(Field::Path), Matcher::Regex(regex(pattern, false)));
        let taken = if let RewriteKind::Redirect(status) = kind {
            with_context(program, state.context, |scope| self.redirect_to(ends.server, status, scope, directive))
        } else {
            let change = with_context(program, 0, |scope| self.change_uri(&replacement.text, scope, directive));
            let mut step = match kind {
                RewriteKind::Redirect(_) | RewriteKind::Last => self.finish(program, ends, State { changed: true, ..state }),
                RewriteKind::Break if ends.in_location => {
                    let mut step = self.content_of(program, ends, state, false);
                    step.actions = self.mark_internal();
                    step
                }
                RewriteKind::Break => {
                    let mut step = self.finish(program, ends, state);
                    step.actions.splice(0..0, mark_broken(ends.server, "1"));
                    step
                }
                RewriteKind::GoOn => take(steps, at + 1, State { changed: true, ..state }),
            };
            if !ends.in_location {
                step.actions.splice(0..0, self.mark_internal());
            }
            step.actions.insert(0, change);
            step
        };
        let otherwise = forget_captures(program.uses_captures, take(steps, at + 1, state));
        Step::table(self.instruction(&label, when, taken, otherwise))
    }

    /// What a rewrite does to path and query. A `?` at the end drops the old query; without one it is kept, or follows the new one.
    ///
    /// In the query captures are encoded again, in the path they are not (`ngx_http_script_copy_capture_code`).
    fn change_uri(&mut self, replacement: &str, scope: &Scope<'_>, directive: &Directive) -> Action {
        let (text, add_args) = replacement.strip_suffix('?').map_or((replacement, true), |text| (text, false));
        let (path, args) = text.split_once('?').map_or((text, None), |(path, args)| (path, Some(args)));
        let path = Some(self.value(path, scope, &directive.head));
        let args = args.map(|args| encoded_again(self.value(args, scope, &directive.head), true));
        let query = match (args, add_args) {
            (None, true) => QueryEdit::Keep,
            (None, false) => QueryEdit::Replace(Value::default()),
            (Some(args), true) => QueryEdit::Prepend(args),
            (Some(args), false) => QueryEdit::Replace(args),
        };
        Action::Rewrite { path, query, label: Some(directive.label()) }
    }

    /// A rewrite that answers with a redirect; the old query follows unless the replacement ends in `?`.
    ///
    /// Captures are encoded, then the whole is decoded as far as a path takes it. nginx: `ngx_http_script_regex_end_code`.
    fn redirect_to(&mut self, server: &Server<'_>, status: u16, scope: &Scope<'_>, directive: &Directive) -> Step {
        let label = directive.label();
        let replacement = directive.arg(1).unwrap_or_default();
        let (text, add_args) = replacement.strip_suffix('?').map_or((replacement, true), |text| (text, false));
        let location = self.value(text, scope, &directive.head);
        let mut parts = super::answer::origin(scope, &location);
        parts.extend(decoded_redirect(encoded_again(location, true)).parts);
        let mut location = Value { parts };
        if add_args && text.contains('?') {
            let plain = self.redirected(server, scope, (status, location.clone()), &label);
            location.parts.extend([Part::Literal(Arc::from("&")), Part::Field(Field::Query)]);
            let joined = self.redirected(server, scope, (status, location), &label);
            let has_query = Condition::test(Value::field(Field::Query), Matcher::Truthy { zero_is_false: false });
            return self.guarded(&label, has_query, joined, plain);
        }
        if add_args {
            location.parts.extend([Part::Field(Field::QueryMark), Part::Field(Field::Query)]);
        }
        self.redirected(server, scope, (status, location), &label)
    }

    /// `return code`, `return code text`, `return code URL`, `return URL`. nginx: `ngx_http_rewrite_return`, `ngx_http_send_response`.
    fn lower_return(&mut self, server: &Server<'_>, scope: &Scope<'_>, directive: &Directive) -> Step {
        let label = directive.label();
        let Some(first) = directive.args.first() else { return Step::end(Outcome::None) };
        let Ok(status) = first.text.parse::<u16>() else {
            let location = self.value(&first.text, scope, &first.span);
            return self.redirected(server, scope, (302, location), &label);
        };
        let text = directive.args.get(1);
        match (status, text) {
            (444, None) => Step::end(Outcome::Close { label }),
            (301 | 302 | 303 | 307 | 308, Some(location)) => {
                let location = self.value(&location.text, scope, &location.span);
                let location = super::answer::absolute(scope, location);
                self.redirected(server, scope, (status, location), &label)
            }
            (400.., None) => self.refuse(server, scope, status, &label),
            (_, text) => {
                // For a variable that nobody defines.
                text.map(|text| self.value(&text.text, scope, &text.span));
                Step::end(if status >= 400 { Outcome::Reject { status, label } } else { Outcome::Respond { status, label } })
            }
        }
    }

    /// The mark that lets a request into `internal` locations, where there are any.
    pub(super) fn mark_internal(&self) -> Vec<Action> {
        if self.uses(&["internal"]) {
            vec![Action::Set { variable: Name::from(INTERNAL), value: Value::literal("1"), label: None }]
        } else {
            Vec::new()
        }
    }

    /// A choice that is no line of the configuration.
    pub(super) fn guarded(&mut self, label: &Label, when: Condition, step: Step, otherwise: Step) -> Step {
        let route = crate::model::Route { when, step, label: None };
        Step::table(self.add(Table { kind: TableKind::Instruction, label: label.clone(), routes: vec![route], otherwise, otherwise_label: None }))
    }
}

/// Notes whether the server's own instructions have ended in `rewrite … break`.
fn mark_broken(server: &Server<'_>, value: &str) -> Option<Action> {
    server.breaks.then(|| Action::Set { variable: Name::from(BROKEN), value: Value::literal(value), label: None })
}

/// What `set` does: `$args` is the query itself (`ngx_http_variable_set_args`).
fn set(name: &str, value: Value, directive: &Directive) -> Action {
    let (variable, label) = (Name::from(name.to_ascii_lowercase()), Some(directive.label()));
    if &*variable == "args" {
        return Action::Rewrite { path: Some(Value::field(Field::Path)), query: QueryEdit::Replace(value), label };
    }
    Action::Set { variable, value, label }
}

/// Returns `value` with its numbered captures encoded again, where they are to be.
pub(super) fn encoded_again(value: Value, quoted: bool) -> Value {
    let one = |part: Part| match part {
        Part::Capture(Capture::Index(_)) if quoted => {
            Part::Converted(Box::new(Converted { value: Value { parts: vec![part] }, by: Converter::EncodeAgain }))
        }
        part => part,
    };
    Value { parts: value.parts.into_iter().map(one).collect() }
}

/// Returns a location as a `rewrite` sends it; one that never has an escape stays as it is.
fn decoded_redirect(location: Value) -> Value {
    let plain = |part: &Part| match part {
        Part::Literal(text) => !text.contains('%'),
        Part::Field(field) => matches!(field, Field::Scheme | Field::Host | Field::ListenPort | Field::QueryMark),
        _ => false,
    };
    if location.parts.iter().all(plain) {
        return location;
    }
    Value { parts: vec![Part::Converted(Box::new(Converted { value: location, by: Converter::DecodeRedirect }))] }
}

/// nginx: `ngx_http_script_regex_start_code` empties the numbered captures when a regex of `if` or `rewrite` does not match; a location's does not.
fn forget_captures(forgets: bool, mut step: Step) -> Step {
    if forgets {
        step.actions.insert(0, Action::ForgetCaptures);
    }
    step
}
