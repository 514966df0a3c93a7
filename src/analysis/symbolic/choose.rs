//! Which routes the requests of a cell take in tables that stand side by side.

use super::align::{Aligned, Item, condition};
use super::ask::Stop;
use super::cell::Cell;
use super::state::{At, Position, State};
use super::sym::Dim;
use super::take::falls_back;
use super::walk::{Task, Walk, print_of};
use crate::model::{Next, Route, Step, Table, TableId, TableKind};
use std::rc::Rc;

/// The most parts a cell may be split into by one table.
const MOST_PARTS: usize = 40_000;

/// Two tables side by side, or one alone.
pub(super) struct Pair<'m> {
    pub(super) tables: [Option<&'m Table>; 2],
    pub(super) aligned: Rc<Aligned>,
}

/// The part of a cell that takes a step of one side.
struct Choice<'m> {
    cell: Cell,
    taken: Taken<'m>,
}

/// A step of one side, with the state in which its route left that side: two regexes leave two sets of groups.
#[derive(Clone, Debug)]
pub(super) struct Taken<'m> {
    pub(super) state: Rc<State>,
    pub(super) step: &'m Step,
}

impl<'m> Pair<'m> {
    fn route(&self, side: usize, item: &Item) -> Option<&'m Route> {
        let at = item.at.get(side).copied().flatten()?;
        self.table(side)?.routes.get(at)
    }

    fn table(&self, side: usize) -> Option<&'m Table> {
        self.tables.get(side).copied().flatten()
    }

    /// Returns a condition that stands on either side.
    pub(super) fn condition(&self, number: usize) -> Option<(usize, &'m crate::model::Condition)> {
        let item = self.aligned.items.get(number)?;
        Some((usize::from(item.at[0].is_none()), condition(self.tables, item)?))
    }
}

impl<'m> Walk<'_, 'm> {
    pub(super) fn pair(&mut self, tables: [Option<TableId>; 2]) -> Pair<'m> {
        let aligned = self.aligned(tables);
        Pair { tables: [self.table(0, tables[0]), self.table(1, tables[1])], aligned }
    }

    pub(super) fn candidates(&mut self, aligned: &Aligned, cell: &Cell, state: &State) -> Result<Vec<usize>, Stop> {
        let path = match state.path.whole() {
            Some(dim) => cell.facts(dim).front,
            None => state.path.known_front().into(),
        };
        let found = aligned.candidates(&path, &cell.facts(&Dim::Host).front);
        self.asker.spend_on(found.len() / 32)?;
        Ok(found)
    }

    /// Both sides stand before tables that differ, in the same state: only the routes that are not the same on both sides are followed.
    pub(super) fn together(&mut self, task: &Task<'m>, tables: [TableId; 2]) -> Result<(), Stop> {
        let [was, now] = &task.at;
        let pair = self.pair(tables.map(Some));
        let same_pending = self.same_pending(was, now);
        let candidates = self.candidates(&pair.aligned, &task.cell, &was.state)?;
        for number in &candidates {
            let Some((side, condition)) = pair.condition(*number) else { continue };
            let live = pair.aligned.live.contains(number) || !same_pending && self.item_falls(&pair, *number);
            if !live {
                continue;
            }
            for fork in self.holds(side, &task.cell, &was.state, condition)? {
                if !fork.found || !self.asker.satisfiable(&fork.cell)? {
                    continue;
                }
                let before = self.candidates(&pair.aligned, &fork.cell, &was.state)?;
                let earlier = before.into_iter().take_while(|earlier| earlier < number);
                for cell in self.none_of(&pair, fork.cell, &was.state, earlier)? {
                    if self.asker.satisfiable(&cell)? {
                        self.chosen(task, &pair, *number, (cell, &fork.state))?;
                    }
                }
            }
        }
        let [Some(ours), Some(theirs)] = pair.tables.map(|table| table.map(|table| &table.otherwise)) else { return Ok(()) };
        let falls = self.step_falls(ours);
        let print = print_of(self, 0, ours);
        if print.is_some() && print == print_of(self, 1, theirs) && (same_pending || !falls) {
            return Ok(());
        }
        for cell in self.none_of(&pair, task.cell.clone(), &was.state, candidates.into_iter())? {
            self.both_take(task, cell, [ours, theirs].map(|step| Taken { state: Rc::clone(&was.state), step }))?;
        }
        Ok(())
    }

    fn item_falls(&mut self, pair: &Pair<'m>, number: usize) -> bool {
        let route = pair.aligned.items.get(number).and_then(|item| pair.route(0, item));
        route.is_none_or(|route| self.step_falls(&route.step))
    }

    /// Returns whether a step of the first side may come to a fallback.
    fn step_falls(&mut self, step: &Step) -> bool {
        let mut links = Vec::new();
        falls_back(step, &mut links) || links.iter().any(|table| self.falls(0, *table))
    }

    /// Returns the parts of a cell for which none of these items matches.
    fn none_of(&mut self, pair: &Pair<'m>, cell: Cell, state: &Rc<State>, items: impl Iterator<Item = usize>) -> Result<Vec<Cell>, Stop> {
        let mut open = vec![cell];
        for number in items {
            let Some((side, condition)) = pair.condition(number) else { continue };
            let mut next = Vec::new();
            for cell in open {
                let forks = self.holds(side, &cell, state, condition)?;
                next.extend(forks.into_iter().filter(|fork| !fork.found).map(|fork| fork.cell));
            }
            open = self.bounded(next)?;
        }
        Ok(open)
    }

    /// Drops empty cells where there are many.
    fn bounded(&mut self, cells: Vec<Cell>) -> Result<Vec<Cell>, Stop> {
        if cells.len() <= 8 {
            return Ok(cells);
        }
        let mut kept = Vec::new();
        for cell in cells {
            if self.asker.satisfiable(&cell)? {
                kept.push(cell);
            }
        }
        if kept.len() > MOST_PARTS { Err(Stop) } else { Ok(kept) }
    }

    /// An item is the first that matches: the side that has it takes it, the other one takes it too or what matches later.
    pub(super) fn chosen(&mut self, task: &Task<'m>, pair: &Pair<'m>, number: usize, (cell, state): (Cell, &Rc<State>)) -> Result<(), Stop> {
        let Some(item) = pair.aligned.items.get(number) else { return Ok(()) };
        let taken = [0, 1].map(|side| pair.route(side, item).map(|route| Taken { state: Rc::clone(state), step: &route.step }));
        let before = &task.at[0].state;
        match taken {
            [Some(ours), Some(theirs)] => self.both_take(task, cell, [ours, theirs]),
            [Some(ours), None] => {
                for Choice { cell, taken } in self.choices(1, pair, number + 1, (cell, before))? {
                    self.both_take(task, cell, [ours.clone(), taken])?;
                }
                Ok(())
            }
            [None, Some(theirs)] => {
                for Choice { cell, taken } in self.choices(0, pair, number + 1, (cell, before))? {
                    self.both_take(task, cell, [taken, theirs.clone()])?;
                }
                Ok(())
            }
            [None, None] => Ok(()),
        }
    }

    /// Returns which steps one side takes, of the items from `from` on and its `otherwise`.
    fn choices(&mut self, side: usize, pair: &Pair<'m>, from: usize, (cell, state): (Cell, &Rc<State>)) -> Result<Vec<Choice<'m>>, Stop> {
        let Some(table) = pair.table(side) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let numbers = self.candidates(&pair.aligned, &cell, state)?;
        let mut open = vec![cell];
        for number in numbers.into_iter().filter(|number| *number >= from) {
            let Some(route) = pair.aligned.items.get(number).and_then(|item| pair.route(side, item)) else { continue };
            let mut next = Vec::new();
            for cell in open {
                for fork in self.holds(side, &cell, state, &route.when)? {
                    if fork.found {
                        found.push(Choice { cell: fork.cell, taken: Taken { state: fork.state, step: &route.step } });
                    } else {
                        next.push(fork.cell);
                    }
                }
            }
            open = self.bounded(next)?;
            if open.is_empty() || found.len() > MOST_PARTS {
                break;
            }
        }
        let otherwise = || Taken { state: Rc::clone(state), step: &table.otherwise };
        found.extend(open.into_iter().map(|cell| Choice { cell, taken: otherwise() }));
        if found.len() > MOST_PARTS { Err(Stop) } else { Ok(found) }
    }

    /// One side goes on by one table, the other one waits.
    pub(super) fn alone(&mut self, task: &Task<'m>, side: usize) -> Result<(), Stop> {
        let Some(position) = task.at.get(side).cloned() else { return Ok(()) };
        let At::Table(id) = position.at else { return Ok(()) };
        let pair = self.pair([0, 1].map(|one| (one == side).then_some(id)));
        for Choice { cell, taken } in self.choices(side, &pair, 0, (task.cell.clone(), &position.state))? {
            let from = Position { state: taken.state, ..position.clone() };
            for (cell, after) in self.take(side, cell, from, taken.step)? {
                let mut at = task.at.clone();
                if let Some(place) = at.get_mut(side) {
                    *place = after;
                }
                self.push(Task { cell, at, any_host: task.any_host });
            }
        }
        Ok(())
    }

    /// Both sides take a step.
    pub(super) fn both_take(&mut self, task: &Task<'m>, cell: Cell, taken: [Taken<'m>; 2]) -> Result<(), Stop> {
        let steps = taken.each_ref().map(|one| one.step);
        if self.walked_before(task, steps) {
            return Ok(());
        }
        let any_host = task.any_host || self.any_host_inside(steps);
        let entry = self.at_entry(task);
        let [was, now] = &task.at;
        let [ours, theirs] = taken;
        let (was, now) = (Position { state: ours.state, ..was.clone() }, Position { state: theirs.state, ..now.clone() });
        for (cell, before) in self.take(0, cell, was, ours.step)? {
            for (cell, after) in self.take(1, cell, now.clone(), theirs.step)? {
                let root = Task { cell, at: [before.clone(), after], any_host };
                if entry {
                    self.later(root);
                } else {
                    self.push(root);
                }
            }
        }
        Ok(())
    }

    /// Returns whether these virtual hosts were walked for another of their names, and the name does not matter inside; notes that they are now.
    fn walked_before(&mut self, task: &Task<'m>, steps: [&'m Step; 2]) -> bool {
        let plain = task.cell.facts.is_empty() && self.at_entry(task) && steps.iter().all(|step| step.actions.is_empty());
        if !plain || !self.any_host_inside(steps) {
            return false;
        }
        let prints = [print_of(self, 0, steps[0]), print_of(self, 1, steps[1])];
        !self.walked.insert(prints)
    }

    /// Returns whether both sides are about to choose a virtual host.
    fn at_entry(&self, task: &Task<'m>) -> bool {
        task.at.iter().enumerate().all(|(side, position)| {
            let At::Table(table) = position.at else { return false };
            self.table(side, Some(table)).is_some_and(|table| table.kind == TableKind::VirtualHosts)
        })
    }

    /// Returns whether the steps lead into virtual hosts in which the name does not matter.
    fn any_host_inside(&mut self, steps: [&'m Step; 2]) -> bool {
        let tables = steps.map(|step| if let Next::Table(table) = step.next { Some(table) } else { None });
        let [Some(before), Some(after)] = tables else { return false };
        !self.host_decides(0, before) && !self.host_decides(1, after)
    }
}
