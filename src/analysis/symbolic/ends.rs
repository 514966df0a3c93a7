//! What requests of a cell get, in a form that is the same for what is the same.

use super::ask::Stop;
use super::cell::Cell;
use super::eval::{Fork, mark};
use super::state::{At, Position, State};
use super::sym::{Dim, Piece, Sent, Sym};
use super::walk::Walk;
use crate::model::{Forward, Outcome, StatusHandler, Target, UpstreamUri, Value};
use std::fmt;
use std::rc::Rc;

/// How deep status handlers may lead to forwards with status handlers.
pub(super) const HANDLER_DEPTH: u32 = 3;

/// What requests get. Two forms that are the same mean the same; two that are not may still.
#[derive(Clone, Debug)]
pub(super) struct Form<'m> {
    /// All that does not depend on the request.
    fixed: String,
    /// What does.
    values: Vec<Sym>,
    /// What takes over on certain statuses; it is compared apart.
    pub(super) handlers: &'m [StatusHandler],
}

impl Form<'_> {
    fn with_query(&self, sent: Sent) -> Self {
        Self { values: self.values.iter().map(|value| value.with_query(sent)).collect(), ..self.clone() }
    }

    fn fixed(fixed: impl Into<String>) -> Self {
        Self { fixed: fixed.into(), values: Vec::new(), handlers: &[] }
    }

    /// Returns whether a part of it could not be followed.
    pub(super) fn is_guess(&self) -> bool {
        self.values.iter().any(Sym::is_guess)
    }

    /// Returns whether both are the same but for what happens in status handlers.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.fixed == other.fixed && self.values == other.values
    }
}

impl fmt::Display for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fixed)?;
        self.values.iter().try_for_each(|value| write!(f, " {value}"))
    }
}

/// The parts of a cell with what each gets on both sides.
type Told<'m> = Vec<(Cell, [Form<'m>; 2])>;

impl<'m> Walk<'_, 'm> {
    /// Returns two forms that differ for the requests with a query, with a bare `?` and without, and by how the path is spelled, where they differ in that only.
    pub(super) fn told_apart(&mut self, cell: &Cell, forms: [&Form<'m>; 2]) -> Result<Told<'m>, Stop> {
        let with = |make: &dyn Fn(&Sym) -> Sym| forms.map(|form| Form { values: form.values.iter().map(make).collect(), ..form.clone() });
        let any = |has: fn(&Sym) -> bool| forms.iter().any(|form| form.values.iter().any(has));
        let as_they_are = || with(&Sym::clone);
        if forms[0].fixed != forms[1].fixed {
            return Ok(vec![(cell.clone(), as_they_are())]);
        }
        let mut told = Vec::new();
        if any(Sym::has_spelling) {
            for (part, otherwise) in self.asker.spelled(cell)? {
                told.push((part, if otherwise { as_they_are() } else { with(&Sym::as_seen) }));
            }
        } else {
            told.push((cell.clone(), as_they_are()));
        }
        let mut all = Vec::new();
        for (cell, forms) in told {
            let bare = |form: &Form<'_>| form.values.iter().any(Sym::has_mark);
            if !forms.iter().any(bare) {
                all.push((cell, forms));
                continue;
            }
            let sent = |sent: Sent| forms.each_ref().map(|form| form.with_query(sent));
            for (part, empty) in self.asker.empty(&cell, &Dim::Query)? {
                if empty {
                    let flags = self.asker.flag(&part, &Dim::Carried(Box::new(Dim::Query)))?.into_iter();
                    all.extend(flags.map(|(part, marked)| (part, sent(if marked { Sent::Mark } else { Sent::Nothing }))));
                } else {
                    all.push((part, sent(Sent::Query)));
                }
            }
        }
        Ok(all)
    }

    /// Returns what the requests of `cell` get on one side.
    pub(super) fn form(&mut self, side: usize, cell: &Cell, end: &Position<'m>) -> Result<Vec<Fork<Form<'m>>>, Stop> {
        let state = &end.state;
        let one = |form: Form<'m>| Ok(vec![Fork { cell: cell.clone(), state: Rc::clone(state), found: form }]);
        let outcome = match end.at {
            At::End(outcome) => outcome,
            At::Circle => return one(Form::fixed("reject 500")),
            At::Unserved | At::Table(_) => return one(Form::fixed("none")),
        };
        let refusal = state.status.filter(|status| *status >= 400);
        match outcome {
            Outcome::Forward(forward) => self.forwarded(side, cell, state, forward),
            Outcome::Redirect { status, location, .. } => {
                let fixed = format!("redirect {status} from {:?}", self.side(side).map(|side| (side.scheme, side.port)));
                self.with(side, cell, state, (fixed, location))
            }
            Outcome::Respond { status, .. } => one(Form::fixed(match refusal {
                Some(refusal) => format!("reject {refusal}"),
                None => format!("respond {}", state.status.unwrap_or(*status)),
            })),
            Outcome::Files { root, .. } => match refusal {
                Some(refusal) => one(Form::fixed(format!("reject {refusal}"))),
                None => self.with(side, cell, state, ("files".to_owned(), root)),
            },
            Outcome::Reject { status, .. } => one(Form::fixed(format!("reject {status}"))),
            Outcome::Close { .. } => one(Form::fixed("close")),
            Outcome::None => one(Form::fixed("none")),
            Outcome::Opaque { reason, .. } => one(Form::fixed(format!("opaque {reason}"))),
        }
    }

    fn with(&mut self, side: usize, cell: &Cell, state: &Rc<State>, (fixed, value): (String, &'m Value)) -> Result<Vec<Fork<Form<'m>>>, Stop> {
        let forks = self.value(side, cell, state, value)?.into_iter();
        Ok(forks
            .map(|Fork { cell, state, found }| Fork { cell, state, found: Form { fixed: fixed.clone(), values: vec![found], handlers: &[] } })
            .collect())
    }

    fn forwarded(&mut self, side: usize, cell: &Cell, state: &Rc<State>, forward: &'m Forward) -> Result<Vec<Fork<Form<'m>>>, Stop> {
        let Forward { target, uri, protocol, retry, timeouts, on_status, label: _ } = forward;
        let statuses: Vec<_> = on_status.iter().map(|handler| (&handler.statuses, handler.from_upstream)).collect();
        let fixed = format!("forward {protocol} {retry:?} {} {:?} {statuses:?}", timeouts_words(timeouts), state.status);
        let mut all = Vec::new();
        for Fork { cell, state, found: (to, authority) } in self.target(side, cell, state, target)? {
            for Fork { cell, state, found } in self.uri(side, &cell, &state, uri)? {
                let values = authority.iter().cloned().chain(found).collect();
                all.push(Fork { cell, state, found: Form { fixed: format!("{fixed} {to}"), values, handlers: on_status } });
            }
        }
        Ok(all)
    }

    /// Returns who gets a request: all that is known beforehand, and the authority where it is not.
    #[expect(clippy::type_complexity, reason = "a form in the making: its fixed part and what depends on the request")]
    fn target(&mut self, side: usize, cell: &Cell, state: &Rc<State>, target: &'m Target) -> Result<Vec<Fork<(String, Option<Sym>)>>, Stop> {
        let Some(at) = self.side(side) else { return Ok(Vec::new()) };
        match target {
            Target::Pool(id) => {
                let to = (format!("pool {:?}", at.prints.pool(id.0)), None);
                Ok(vec![Fork { cell: cell.clone(), state: Rc::clone(state), found: to }])
            }
            Target::Computed { authority, default_port, resolvable } => {
                let forks = self.value(side, cell, state, authority)?.into_iter();
                let declared = |name: &str| {
                    let found = at.gateway.pools.iter().position(|pool| pool.declared && pool.name.eq_ignore_ascii_case(name));
                    found.and_then(|found| at.prints.pool(found))
                };
                let resolve = |Fork { cell, state, found }: Fork<Sym>| {
                    let known = found.known().and_then(|text| std::str::from_utf8(text).ok());
                    let (name, rest) = known.map_or(("", ""), |text| text.find(['/', '?']).map_or((text, ""), |cut| text.split_at(cut)));
                    let to = match (known, declared(name)) {
                        (Some(_), Some(pool)) => (format!("pool {:?}{rest}", Some(pool)), None),
                        // Any declared pool may be meant, by its name.
                        (None, _) => {
                            let pools = at.gateway.pools.iter().enumerate().filter(|(_, pool)| pool.declared);
                            let pools: Vec<_> = pools.map(|(number, pool)| (&pool.name, at.prints.pool(number))).collect();
                            (format!("computed {default_port} {resolvable} {pools:?}"), Some(found))
                        }
                        (Some(_), None) => (format!("address {default_port} {resolvable}"), Some(found)),
                    };
                    Fork { cell, state, found: to }
                };
                Ok(forks.map(resolve).collect())
            }
        }
    }

    /// Returns what the upstream is asked for, as path and query.
    fn uri(&mut self, side: usize, cell: &Cell, state: &Rc<State>, uri: &'m UpstreamUri) -> Result<Vec<Fork<Vec<Sym>>>, Stop> {
        let whole = |path: &Sym, query: &Sym| vec![path.then(&mark(query)).then(query)];
        let found = match uri {
            UpstreamUri::AsReceived if !state.rewritten => vec![self.target_sent()],
            UpstreamUri::AsReceived => whole(&state.path, &state.query),
            UpstreamUri::ReplacePrefix { prefix, with } => {
                let path = Sym::text(with.as_bytes()).then(&state.path.without_front(prefix.len()));
                let path = Self::path_front(cell, path);
                // How the client spells a path that stays as it is, or a bare `?`, is nothing that a review is about.
                let unchanged = path.whole() == Some(&Dim::Path) && state.query.whole() == Some(&Dim::Query);
                if unchanged { vec![self.target_sent()] } else { whole(&path, &state.query) }
            }
            UpstreamUri::Exact(value) => {
                let forks = self.value(side, cell, state, value)?.into_iter();
                return Ok(forks.map(|Fork { cell, state, found }| Fork { cell, state, found: vec![found] }).collect());
            }
        };
        Ok(vec![Fork { cell: cell.clone(), state: Rc::clone(state), found }])
    }

    /// Returns `path` as all of the client's path, where a prefix was only replaced by itself.
    fn path_front(cell: &Cell, path: Sym) -> Sym {
        let [Piece::Text(front), Piece::Rest { of: Dim::Path, from }] = path.pieces() else { return path };
        let facts = cell.facts(&Dim::Path);
        let same = front.len() == *from && facts.front.starts_with(front);
        if same { Sym::all(Dim::Path) } else { path }
    }
}

/// Returns what is known of timeouts without the lines that set them.
fn timeouts_words(timeouts: &crate::model::Timeouts) -> String {
    let crate::model::Timeouts { connect_ms, read_ms, send_ms, queue_ms, .. } = timeouts;
    format!("{connect_ms:?} {read_ms:?} {send_ms:?} {queue_ms:?}")
}
