//! What is still done of a walk that takes too much: single requests out of what was not finished.
//!
//! Working out that a route is reached means to exclude all routes before it, and hundreds of patterns that match anywhere are too many. One request is tried instead:
//! of those that pass the route's condition the nicest. Where an earlier route takes it, that one alone is excluded, and the next is tried. So only what is in the way
//! is ever looked at.

use super::ask::Stop;
use super::cell::Cell;
use super::choose::{Pair, Taken};
use super::state::{At, State};
use super::sym::Dim;
use super::walk::{Task, Walk, print_of};
use crate::model::TableId;
use std::rc::Rc;

/// The most unfinished cells that are looked at.
const MOST_TASKS: usize = 60;

/// The most requests that are tried for one route.
const MOST_ROUNDS: usize = 60;

/// The most routes of a table that requests are tried for.
const MOST_ROUTES: usize = 120;

impl<'m> Walk<'_, 'm> {
    /// Looks at single requests of what is left to do.
    pub(super) fn sample(&mut self, left: Vec<Task<'m>>) {
        self.asker.ration([1, 2]);
        for task in left.into_iter().rev().take(MOST_TASKS) {
            self.tasks = vec![task];
            while let Some(task) = self.tasks.pop() {
                if self.sample_task(&task).is_err() {
                    self.tasks.clear();
                    return;
                }
            }
        }
    }

    fn sample_task(&mut self, task: &Task<'m>) -> Result<(), Stop> {
        let [was, now] = &task.at;
        if let (At::Table(before), At::Table(after)) = (was.at, now.at) {
            let tables = [before, after];
            if self.alike(was, now, tables) {
                return Ok(());
            }
            if self.meet(tables) == [0, 0] && was.state == now.state {
                return self.sample_tables(task, tables);
            }
        }
        match self.point(&task.cell)? {
            Some(cell) => self.advance(&Task { cell, ..task.clone() }),
            None => Ok(()),
        }
    }

    /// Tries a request for each route that is not the same on both sides, and for what is done where none matches.
    fn sample_tables(&mut self, task: &Task<'m>, tables: [TableId; 2]) -> Result<(), Stop> {
        let pair = self.pair(tables.map(Some));
        let state = &task.at[0].state;
        let candidates = self.candidates(&pair.aligned, &task.cell, state)?;
        for number in candidates.iter().filter(|number| pair.aligned.live.contains(number)).take(MOST_ROUTES) {
            let Some((side, condition)) = pair.condition(*number) else { continue };
            for fork in self.holds(side, &task.cell, state, condition)?.into_iter().filter(|fork| fork.found) {
                let earlier: Vec<usize> = candidates.iter().copied().take_while(|earlier| earlier < number).collect();
                // One route that is too much is no reason to leave the others.
                if let Ok(Some(cell)) = self.escaping(&pair, fork.cell, state, &earlier) {
                    self.chosen(task, &pair, *number, (cell, &fork.state))?;
                }
            }
        }
        let [Some(ours), Some(theirs)] = pair.tables.map(|table| table.map(|table| &table.otherwise)) else { return Ok(()) };
        let print = print_of(self, 0, ours);
        if print.is_some() && print == print_of(self, 1, theirs) {
            return Ok(());
        }
        if let Some(cell) = self.escaping(&pair, task.cell.clone(), state, &candidates)? {
            self.both_take(task, cell, [ours, theirs].map(|step| Taken { state: Rc::clone(state), step }))?;
        }
        Ok(())
    }

    /// Returns a request of `cell` that none of the `earlier` items takes, where one is found soon.
    fn escaping(&mut self, pair: &Pair<'m>, cell: Cell, state: &Rc<State>, earlier: &[usize]) -> Result<Option<Cell>, Stop> {
        let mut cells = vec![cell];
        for _ in 0..MOST_ROUNDS {
            let Some(cell) = cells.pop() else { return Ok(None) };
            let Some(point) = self.point(&cell)? else { continue };
            let mut open = vec![point];
            let mut taken = None;
            for number in earlier {
                let Some((side, condition)) = pair.condition(*number) else { continue };
                let mut next = Vec::new();
                for point in &open {
                    next.extend(self.holds(side, point, state, condition)?.into_iter().filter(|fork| !fork.found).map(|fork| fork.cell));
                }
                if next.is_empty() {
                    taken = Some((side, condition));
                    break;
                }
                next.truncate(4);
                open = next;
            }
            match taken {
                None => return Ok(open.into_iter().next()),
                Some((side, condition)) => {
                    let others = self.holds(side, &cell, state, condition)?.into_iter().filter(|fork| !fork.found);
                    cells.extend(others.map(|fork| fork.cell));
                }
            }
        }
        Ok(None)
    }

    /// Returns the requests of `cell` that have the nicest text in each dimension in which something is known of them.
    fn point(&mut self, cell: &Cell) -> Result<Option<Cell>, Stop> {
        let mut point = cell.clone();
        for (dim, facts) in cell.facts.iter().filter(|(dim, facts)| **dim != Dim::Source && !facts.whole) {
            let (inside, outside) = self.asker.languages_of(dim, facts);
            let outside: Vec<_> = outside.into_iter().collect();
            let Some(text) = self.asker.languages.witness(&inside, &outside)? else { return Ok(None) };
            let language = self.asker.languages.literal(&text);
            let mut facts = facts.clone();
            facts.enter(language, &text, true);
            point = point.with(dim, facts);
        }
        Ok(Some(point))
    }
}
