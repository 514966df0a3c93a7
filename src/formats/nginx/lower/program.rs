//! The flat list that the instructions of a server or a location are, and which of its places are reached in which state.

use super::super::Directive;
use super::content;
use super::route;
use super::scope::{Level, Scope};
use crate::model::{Next, Outcome, Step};
use std::collections::BTreeMap;

/// One entry of the flat list.
pub(super) enum Op<'a> {
    Set(&'a Directive),
    Return(&'a Directive),
    Rewrite(&'a Directive),
    Break,
    /// Goes on behind itself in context `context`, or at `end` when the condition does not hold.
    If {
        directive: &'a Directive,
        end: usize,
        context: usize,
        /// It has a `*_pass` of its own, and the location has none.
        passes: bool,
    },
}

/// What is remembered while the list is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    /// The path was changed and the search has to run again.
    pub(super) changed: bool,
    /// The `if` block that holds, an index into [`Program::contexts`]; 0 is the location itself.
    pub(super) context: usize,
    /// An `if` block with a `*_pass` of its own was entered before, in a location without one: its handler stays, whatever block is entered after it.
    pub(super) passes: bool,
}

impl State {
    /// Whether `set` and `if` encode captures again where the client's path was: not behind a `rewrite` that matched (nginx: `e->quote` of the list's
    /// engine, which begins as 1; observed on 1.22.1).
    pub(super) fn quotes(self) -> bool {
        !self.changed
    }
}

/// The list of one server or location.
pub(super) struct Program<'a> {
    pub(super) ops: Vec<Op<'a>>,
    /// The blocks whose settings can hold at the end: the location, then the `if`s.
    pub(super) contexts: Vec<Scope<'a>>,
    /// Something besides the replacement of a `rewrite` uses a numbered capture.
    pub(super) uses_captures: bool,
}

/// Adds `directives`, which are the statements of `scope` or of an `if` in it, to the list.
pub(super) fn flatten<'a>(directives: &'a [Directive], scope: &Scope<'a>, in_location: bool, program: &mut Program<'a>) {
    for directive in directives {
        match directive.name() {
            "set" => program.ops.push(Op::Set(directive)),
            "return" => program.ops.push(Op::Return(directive)),
            "rewrite" => program.ops.push(Op::Rewrite(directive)),
            "break" => program.ops.push(Op::Break),
            "if" => {
                let body = route::block(directive);
                let at = program.ops.len();
                let mut context = 0;
                if in_location && content::differs(body, scope) {
                    context = program.contexts.len();
                    // The parent of every `if` is the location: settings of an outer `if` do not matter to an inner one in practice, and
                    // nginx merges them from the location too when it is the last one that held.
                    program.contexts.push(Scope { own: body, settings: None, parent: None, level: Level::If });
                }
                let passes = in_location && content::passes(body) && content::own_handler(scope.own).is_none();
                program.ops.push(Op::If { directive, end: 0, context, passes });
                flatten(body, scope, in_location, program);
                let behind = program.ops.len();
                if let Some(Op::If { end, .. }) = program.ops.get_mut(at) {
                    *end = behind;
                }
            }
            _ => {}
        }
    }
}

/// Returns whether the instructions of a server have a `rewrite … break`, or a `rewrite` and a `break`.
pub(super) fn breaks(directives: &[Directive]) -> bool {
    let has = |kind| any(directives, &|directive| directive.name() == "rewrite" && rewrite_kind(directive) == kind);
    has(RewriteKind::Break) || has(RewriteKind::GoOn) && any(directives, &|directive| directive.name() == "break")
}

/// Returns whether one of the instructions, also inside of `if`, is as `wanted`.
fn any(directives: &[Directive], wanted: &impl Fn(&Directive) -> bool) -> bool {
    directives.iter().any(|directive| wanted(directive) || directive.name() == "if" && any(route::block(directive), wanted))
}

/// How a list begins.
pub(super) const START: State = State { changed: false, context: 0, passes: false };

/// What a `rewrite` does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RewriteKind {
    Redirect(u16),
    Last,
    Break,
    GoOn,
}

/// Returns what the flag of a `rewrite`, or a replacement with a scheme, makes of it.
pub(super) fn rewrite_kind(directive: &Directive) -> RewriteKind {
    let replacement = directive.arg(1).unwrap_or_default();
    let absolute = ["http://", "https://", "$scheme"].iter().any(|start| replacement.starts_with(start));
    match directive.arg(2) {
        Some("permanent") => RewriteKind::Redirect(301),
        Some("redirect") => RewriteKind::Redirect(302),
        _ if absolute => RewriteKind::Redirect(302),
        Some("last") => RewriteKind::Last,
        Some("break") => RewriteKind::Break,
        _ => RewriteKind::GoOn,
    }
}

/// Returns how often each (place, state) is gone to.
pub(super) fn reachable(ops: &[Op<'_>]) -> BTreeMap<(usize, State), usize> {
    let mut uses: BTreeMap<(usize, State), usize> = BTreeMap::new();
    uses.insert((0, START), 1);
    for at in 0..ops.len() {
        let states: Vec<State> = uses.range((at, START)..(at + 1, START)).map(|((_, state), _)| *state).collect();
        for state in states {
            let changed = State { changed: true, ..state };
            let targets = match ops.get(at) {
                Some(Op::Rewrite(directive)) if rewrite_kind(directive) == RewriteKind::GoOn => vec![(at + 1, state), (at + 1, changed)],
                Some(Op::Set(_) | Op::Rewrite(_)) => vec![(at + 1, state)],
                Some(Op::If { end, context, passes, .. }) => vec![(at + 1, entered(state, *context, *passes)), (*end, state)],
                Some(Op::Return(_) | Op::Break) | None => Vec::new(),
            };
            for target in targets {
                *uses.entry(target).or_insert(0) += 1;
            }
        }
    }
    uses
}

/// Returns the state inside of an `if` block.
pub(super) fn entered(state: State, context: usize, passes: bool) -> State {
    State { context, passes: state.passes || passes, ..state }
}

/// Takes the step of a place that only one other goes to; copies one that is shared, which is small by then.
pub(super) fn take(steps: &mut BTreeMap<(usize, State), Step>, at: usize, state: State) -> Step {
    let step = steps.get(&(at, state));
    match step {
        Some(shared) if shared.actions.is_empty() && matches!(shared.next, Next::Table(_) | Next::Restart(_)) => shared.clone(),
        Some(_) => steps.remove(&(at, state)).unwrap_or_else(|| Step::end(Outcome::None)),
        None => Step::end(Outcome::None),
    }
}

/// Returns whether a statement uses `$1` and the like; the replacement of a `rewrite` does not count, its own regex has just matched.
pub(super) fn uses_captures(directives: &[Directive]) -> bool {
    let has = |text: &str| text.as_bytes().windows(2).any(|pair| matches!(pair, [b'$', b'0'..=b'9']));
    directives.iter().any(|directive| {
        (directive.name() != "rewrite" && directive.args.iter().any(|word| has(&word.text))) || uses_captures(route::block(directive))
    })
}

/// Calls `f` with the scope of a context, whose parent is the location.
pub(super) fn with_context<R>(program: &Program<'_>, context: usize, f: impl FnOnce(&Scope<'_>) -> R) -> R {
    let empty = Scope { own: &[], settings: None, parent: None, level: Level::Http };
    let location = program.contexts.first().copied().unwrap_or(empty);
    match program.contexts.get(context) {
        Some(scope) if context > 0 => f(&Scope { own: scope.own, settings: None, parent: Some(&location), level: Level::If }),
        _ => f(&location),
    }
}
