//! What steps do to the requests of a cell.

use super::ask::Stop;
use super::cell::Cell;
use super::eval::Fork;
use super::state::State;
use super::sym::Sym;
use super::walk::Walk;
use crate::model::{Action, Cidr, Matcher, Name, QueryEdit, Regex, Value};
use std::rc::Rc;

/// Parts of a cell with their states.
type States = Result<Vec<(Cell, Rc<State>)>, Stop>;

impl<'m> Walk<'_, 'm> {
    /// Returns the parts of `cell` after all of `actions`.
    pub(super) fn act(&mut self, side: usize, cell: Cell, state: Rc<State>, actions: &'m [Action]) -> States {
        let mut all = vec![(cell, state)];
        for action in actions {
            let mut next = Vec::new();
            for (cell, state) in all {
                next.extend(self.action(side, cell, state, action)?);
            }
            all = next;
        }
        Ok(all)
    }

    fn action(&mut self, side: usize, cell: Cell, mut state: Rc<State>, action: &'m Action) -> States {
        match action {
            Action::Set { variable, value, .. } => {
                if !self.reads.variables.contains(variable) {
                    return Ok(vec![(cell, state)]);
                }
                let emptied = value.parts.is_empty();
                self.with_value(side, (cell, state), value, |state, text| {
                    state.variables.insert(Name::clone(variable), text);
                    if emptied {
                        state.unset.insert(Name::clone(variable));
                    } else {
                        state.unset.remove(variable);
                    }
                })
            }
            Action::Rewrite { path, query, .. } => self.rewrite(side, (cell, state), path.as_ref(), query),
            Action::SetMethod(method) => {
                Rc::make_mut(&mut state).method = Sym::text(method.as_bytes());
                Ok(vec![(cell, state)])
            }
            Action::SetStatus(status) => {
                Rc::make_mut(&mut state).status = *status;
                Ok(vec![(cell, state)])
            }
            Action::ForgetCaptures => {
                Rc::make_mut(&mut state).groups = None;
                Ok(vec![(cell, state)])
            }
            Action::SetSource { value, trusted, recursive, .. } => self.believe(side, (cell, state), value, (trusted, *recursive)),
            Action::SetHeader { name, value, add, .. } => {
                if !self.reads.headers.contains(name) {
                    return Ok(vec![(cell, state)]);
                }
                let Some(value) = value else {
                    if !add {
                        Rc::make_mut(&mut state).headers.insert(Name::clone(name), None);
                    }
                    return Ok(vec![(cell, state)]);
                };
                self.with_value(side, (cell, state), value, |state, text| {
                    let text = match (add, state.headers.get(name)) {
                        (false, _) | (true, Some(None)) => text,
                        (true, Some(Some(have))) => have.then(&Sym::text(b", ")).then(&text),
                        (true, None) => Sym::unknown(&format!("header {name} and {text}")),
                    };
                    state.headers.insert(Name::clone(name), Some(text));
                })
            }
            Action::ReplaceHeader { name, regex, value, elements, .. } => self.replace_header(side, (cell, state), (name, value), (regex, *elements)),
            // Above the limit is a matter of rates; the request goes on.
            Action::Limit(_) => Ok(vec![(cell, state)]),
        }
    }

    /// Replaces a header, which is looked at as one text.
    fn replace_header(
        &mut self,
        side: usize,
        (cell, state): (Cell, Rc<State>),
        (name, value): (&'m Name, &'m Value),
        (regex, elements): (&'m Regex, bool),
    ) -> States {
        if !self.reads.headers.contains(name) || state.headers.get(name).is_some_and(Option::is_none) {
            return Ok(vec![(cell, state)]);
        }
        let have = state.headers.get(name).cloned().flatten().unwrap_or_else(|| self.sent_header(side, name));
        let words = format!("header {name} matches {}", regex.pattern);
        if elements {
            let made = Sym::unknown(&format!("{have} with {words} replaced by {value:?}"));
            let mut changed = state;
            Rc::make_mut(&mut changed).headers.insert(Name::clone(name), Some(made));
            return Ok(vec![(cell, changed)]);
        }
        let mut all = Vec::new();
        for Fork { cell, found: there, .. } in self.header_there(&cell, &state, name)? {
            if !there {
                all.push((cell, Rc::clone(&state)));
                continue;
            }
            for (cell, found) in self.asker.passes(&cell, &have, &Matcher::Regex(regex.clone()), &words)? {
                if !found {
                    all.push((cell, Rc::clone(&state)));
                    continue;
                }
                let mut matched = Rc::clone(&state);
                Rc::make_mut(&mut matched).remember(regex, &have);
                all.extend(self.with_value(side, (cell, matched), value, |state, text| {
                    state.headers.insert(Name::clone(name), Some(text));
                })?);
            }
        }
        Ok(all)
    }

    fn with_value(&mut self, side: usize, (cell, state): (Cell, Rc<State>), value: &'m Value, set: impl Fn(&mut State, Sym)) -> States {
        let forks = self.value(side, &cell, &state, value)?;
        let one = |Fork { cell, mut state, found }: Fork<Sym>| {
            set(Rc::make_mut(&mut state), found);
            (cell, state)
        };
        Ok(forks.into_iter().map(one).collect())
    }

    /// Both path and query are made of the request as it was before.
    fn rewrite(&mut self, side: usize, (cell, state): (Cell, Rc<State>), path: Option<&'m Value>, query: &'m QueryEdit) -> States {
        let paths: Vec<Fork<Option<Sym>>> = match path {
            Some(path) => {
                let forks = self.value(side, &cell, &state, path)?.into_iter();
                forks.map(|Fork { cell, state, found }| Fork { cell, state, found: Some(found) }).collect()
            }
            None => vec![Fork { cell, state, found: None }],
        };
        let mut all = Vec::new();
        for Fork { cell, state, found: path } in paths {
            let queries = match query {
                QueryEdit::Keep | QueryEdit::KeepTarget => vec![Fork { found: state.query.clone(), cell, state }],
                // Where the first `?` is, is not followed.
                QueryEdit::FromPath => {
                    let whole = path.as_ref().unwrap_or(&state.path);
                    if whole.known().is_some_and(|text| !text.contains(&b'?')) {
                        let mut state = state;
                        Rc::make_mut(&mut state).bare_mark = false;
                        vec![Fork { found: Sym::default(), cell, state }]
                    } else {
                        let words = whole.to_string();
                        let mut changed = (*state).clone();
                        (changed.path, changed.rewritten) = (Sym::unknown(&format!("the path of {words}")), true);
                        changed.bare_mark = false;
                        changed.query = Sym::unknown(&format!("the query of {words}"));
                        all.push((cell, Rc::new(changed)));
                        continue;
                    }
                }
                QueryEdit::Replace(value) | QueryEdit::Marked(value) => self.value(side, &cell, &state, value)?,
                QueryEdit::Prepend(value) => {
                    let mut forks = Vec::new();
                    for Fork { cell, state, found } in self.value(side, &cell, &state, value)? {
                        forks.extend(self.prepended(&cell, &state, &found)?);
                    }
                    forks
                }
            };
            for Fork { cell, mut state, found } in queries {
                let changed = Rc::make_mut(&mut state);
                if let Some(path) = &path {
                    changed.path = path.clone();
                    changed.rewritten |= !matches!(query, QueryEdit::KeepTarget);
                }
                changed.query = found;
                changed.bare_mark &= matches!(query, QueryEdit::Keep | QueryEdit::KeepTarget | QueryEdit::Marked(_));
                all.push((cell, state));
            }
        }
        Ok(all)
    }

    /// Returns `front` and the query, with `&` between where both are something.
    fn prepended(&mut self, cell: &Cell, state: &Rc<State>, front: &Sym) -> Result<Vec<Fork<Sym>>, Stop> {
        let fork = |cell: &Cell, found: Sym| Fork { cell: cell.clone(), state: Rc::clone(state), found };
        match (front.known(), state.query.known()) {
            (Some([]), _) => return Ok(vec![fork(cell, state.query.clone())]),
            (_, Some([])) => return Ok(vec![fork(cell, front.clone())]),
            _ => {}
        }
        let empty = Matcher::Equals { text: Value::default(), caseless: false };
        let parts = self.asker.passes(cell, &state.query, &empty, "the query is empty")?;
        Ok(parts
            .into_iter()
            .map(|(part, empty)| fork(&part, if empty { front.clone() } else { front.then(&Sym::text(b"&")).then(&state.query) }))
            .collect())
    }

    /// The client's address becomes what `value` says, for those who may be believed.
    fn believe(&mut self, side: usize, (cell, state): (Cell, Rc<State>), value: &'m Value, (trusted, recursive): (&'m [Cidr], bool)) -> States {
        let mut believed = Vec::new();
        let mut open = vec![cell];
        for network in trusted {
            let mut next = Vec::new();
            for cell in open {
                for (part, inside) in self.asker.passes(&cell, &state.source, &Matcher::Network(*network), "the client may be believed")? {
                    if inside { believed.push(part) } else { next.push(part) }
                }
            }
            open = next;
        }
        if trusted.is_empty() {
            believed.append(&mut open);
        }
        let mut all: Vec<(Cell, Rc<State>)> = open.into_iter().map(|cell| (cell, Rc::clone(&state))).collect();
        for cell in believed {
            let words = format!("recursive: {recursive}, trusted: {trusted:?}");
            all.extend(self.with_value(side, (cell, Rc::clone(&state)), value, |state, text| {
                state.source = Sym::unknown(&format!("the address in {text} or {}, {words}", state.source));
            })?);
        }
        Ok(all)
    }
}
