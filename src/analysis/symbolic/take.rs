//! One step of one side: its actions, and where it leads.

use super::ask::Stop;
use super::cell::Cell;
use super::state::{At, Position};
use super::walk::Walk;
use crate::model::{Next, Outcome, Step, TableId};
use std::collections::BTreeSet;
use std::rc::Rc;

/// The most steps without a redirect. Only a model with a circle of plain steps needs more, and no format lowers to one.
const MOST_PLAIN_STEPS: u32 = 20_000;

/// The parts of a cell with where each has come to.
pub(super) type Places<'m> = Vec<(Cell, Position<'m>)>;

impl<'m> Walk<'_, 'm> {
    /// Returns where a step leads, for each part of the cell.
    pub(super) fn take(&mut self, side: usize, cell: Cell, from: Position<'m>, step: &'m Step) -> Result<Places<'m>, Stop> {
        let mut done = Vec::new();
        let mut todo = vec![(cell, from, step)];
        while let Some((cell, mut position, step)) = todo.pop() {
            self.asker.spend()?;
            position.steps += 1;
            for (cell, state) in self.act(side, cell, Rc::clone(&position.state), &step.actions)? {
                let mut position = Position { state, ..position.clone() };
                if position.steps > MOST_PLAIN_STEPS {
                    done.push((cell, Position { at: At::Circle, ..position }));
                    continue;
                }
                match &step.next {
                    Next::Table(table) => done.push((cell, Position { at: At::Table(*table), ..position })),
                    Next::Restart(table) => {
                        position.restarts += 1;
                        let limit = self.side(side).map_or(0, |side| side.gateway.restart_limit);
                        let at = if position.restarts > limit { At::Circle } else { At::Table(*table) };
                        done.push((cell, Position { at, pending: Rc::default(), steps: 0, ..position }));
                    }
                    Next::Try { table, otherwise } => {
                        Rc::make_mut(&mut position.pending).push(otherwise);
                        done.push((cell, Position { at: At::Table(*table), ..position }));
                    }
                    Next::Fallback => match Rc::make_mut(&mut position.pending).pop() {
                        Some(otherwise) => todo.push((cell, position, otherwise)),
                        None => done.push((cell, Position { at: At::End(&Outcome::None), ..position })),
                    },
                    Next::Split(ways) if ways.iter().all(|(weight, _)| *weight == 0) => {
                        done.push((cell, Position { at: At::End(&Outcome::None), ..position }));
                    }
                    Next::Split(ways) => todo.extend(Self::by_chance(&cell, &position, ways)),
                    Next::End(outcome) => done.push((cell, Position { at: At::End(outcome), ..position })),
                }
            }
        }
        Ok(done)
    }

    /// Returns the ways that chance may take, each with the part of the cell that it is for. How a chance went on one side counts on the other side too.
    fn by_chance(cell: &Cell, position: &Position<'m>, ways: &'m [(u32, Step)]) -> Vec<(Cell, Position<'m>, &'m Step)> {
        let possible: Vec<&'m (u32, Step)> = ways.iter().filter(|(weight, _)| *weight > 0).collect();
        let weights: Vec<u32> = possible.iter().map(|(weight, _)| *weight).collect();
        let question: Rc<str> = Rc::from(format!("chance {} {weights:?}", position.chances));
        let position = Position { chances: position.chances + 1, ..position.clone() };
        let answer = cell.answers.get(&question).copied();
        let taken = possible.into_iter().enumerate().filter(|(at, _)| answer.is_none_or(|answer| answer == *at));
        let part = |at: usize| if answer.is_some() { cell.clone() } else { cell.answered(&question, at, None) };
        taken.map(|(at, (_, step))| (part(at), position.clone(), step)).collect()
    }

    /// Returns whether a table may come to a fallback.
    pub(super) fn falls(&mut self, side: usize, table: TableId) -> bool {
        if let Some(known) = self.falls.get(&(side, table)) {
            return *known;
        }
        let mut todo = vec![table];
        let mut seen = BTreeSet::new();
        let mut falls = false;
        while let Some(id) = todo.pop() {
            let Some(table) = self.table(side, Some(id)).filter(|_| seen.insert(id)) else { continue };
            for step in table.routes.iter().map(|route| &route.step).chain([&table.otherwise]) {
                falls |= falls_back(step, &mut todo);
            }
        }
        self.falls.insert((side, table), falls);
        falls
    }
}

/// Returns whether `step` itself comes to a fallback; adds the tables that may.
pub(super) fn falls_back(step: &Step, links: &mut Vec<TableId>) -> bool {
    match &step.next {
        Next::Table(table) => {
            links.push(*table);
            false
        }
        Next::Try { table, otherwise } => {
            links.push(*table);
            falls_back(otherwise, links)
        }
        Next::Fallback => true,
        Next::Split(ways) => ways.iter().fold(false, |falls, (_, step)| falls_back(step, links) || falls),
        Next::Restart(_) | Next::End(_) => false,
    }
}
