//! Rules in order: `tcp-request`, `http-request`, `redirect`.
//!
//! HAProxy: `http_req_get_intercept_rule`, `tcp_inspect_request`. A rule is tried where it stands and sees what the rules before it have changed. One that
//! ends the way (`deny`, `redirect`) is a route; one that changes something begins a table of its own, because what follows sees the change.

use super::super::syntax::Line;
use super::Lowering;
use super::condition::all_of;
use super::fetch::never;
use super::settings::Proxy;
use crate::model::{Action, Condition, Label, Route, Step, TableKind};

/// What a rule does where its condition holds.
pub(super) enum Effect {
    /// Nothing that decides where a request goes.
    Nothing,
    /// The rules of this kind are over (`allow`).
    Leave,
    /// The way ends.
    End(Step),
    /// Something is changed, if this holds too; then the next rule.
    Change(Condition, Vec<Action>),
    /// The way ends if this holds too.
    Perhaps(Condition, Step),
}

/// Rules while they are put together, from the last to the first.
pub(super) struct Chain<'l> {
    label: &'l Label,
    /// The routes of the table that is open, the last one first.
    routes: Vec<Route>,
    /// Where it goes when none of them is taken.
    otherwise: Step,
}

impl<'l> Chain<'l> {
    /// Begins behind the last rule, where the way goes on with `after`.
    pub(super) fn new(label: &'l Label, after: Step) -> Self {
        Self { label, routes: Vec::new(), otherwise: after }
    }

    /// Puts a rule that ends the way before the others.
    pub(super) fn end(&mut self, when: Condition, step: Step, label: Label) {
        if when != never() {
            self.routes.push(Route { when, step, label: Some(label) });
        }
    }

    /// Puts a rule that changes something before the others.
    pub(super) fn change(&mut self, lowering: &mut Lowering<'_, '_>, when: Condition, mut actions: Vec<Action>) {
        if when == never() || actions.is_empty() {
            return;
        }
        let mut next = self.close(lowering);
        if when == Condition::Always {
            actions.append(&mut next.actions);
            self.otherwise = Step { actions, next: next.next };
            return;
        }
        let next = lowering.shared(next, self.label);
        self.otherwise = next.clone();
        self.routes.push(Route { when, step: Step { actions, next: next.next }, label: None });
    }

    /// Returns the step that begins with the first rule put here.
    pub(super) fn close(&mut self, lowering: &mut Lowering<'_, '_>) -> Step {
        let otherwise = std::mem::replace(&mut self.otherwise, Step::end(crate::model::Outcome::None));
        if self.routes.is_empty() {
            return otherwise;
        }
        let mut routes = std::mem::take(&mut self.routes);
        routes.reverse();
        Step::table(lowering.table(TableKind::Instruction, self.label, routes, otherwise))
    }
}

impl Lowering<'_, '_> {
    /// Returns the step that runs `lines` in order and then goes on with `after`.
    pub(super) fn chain(&mut self, proxy: &Proxy<'_>, lines: &[&Line], after: Step) -> Step {
        if lines.is_empty() {
            return after;
        }
        let label = proxy.section.head.label();
        let after = self.shared(after, &label);
        let mut chain = Chain::new(&label, after.clone());
        for line in lines.iter().rev() {
            self.link(proxy, line, &after, &mut chain);
        }
        chain.close(self)
    }

    fn link(&mut self, proxy: &Proxy<'_>, line: &Line, after: &Step, chain: &mut Chain<'_>) {
        if let Some((when, limit)) = self.lower_limit(proxy, line) {
            chain.change(self, when, vec![limit]);
            return;
        }
        let (words, when) = self.split_condition(proxy, line);
        if when == never() {
            return;
        }
        let words = words.to_vec();
        match self.effect(proxy, line, &words) {
            Effect::Nothing => {}
            Effect::Leave => chain.end(when, after.clone(), line.label()),
            Effect::End(step) => chain.end(when, step, line.label()),
            Effect::Change(guard, actions) => chain.change(self, all_of(vec![when, guard]), actions),
            Effect::Perhaps(guard, step) => chain.end(all_of(vec![when, guard]), step, line.label()),
        }
    }
}
