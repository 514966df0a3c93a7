//! Both sides at once: which requests of a cell end elsewhere.
//!
//! A task is a cell with a position on each side. Where both stand before equal tables in an equal state there is nothing to find; else the cell is split
//! by what the tables look at, and each part goes on, until both sides have ended.

use super::align::Aligned;
use super::ask::{Asker, Stop};
use super::cell::Cell;
use super::ends::Form;
use super::order::Variety;
use super::state::{At, Position, Side, State};
use crate::analysis::prints::Follow;
use crate::analysis::values::Reads;
use crate::model::{Next, Step, Table, TableId, TableKind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// How far ahead equal tables are looked for, where one side has an instruction more than the other.
const LOOK_AHEAD: usize = 400;

/// Requests that end elsewhere.
#[derive(Clone, Debug)]
pub(in crate::analysis) struct Difference {
    pub(in crate::analysis) cell: Cell,
    /// What they get, before and after, in words that are equal for what is treated alike.
    pub(in crate::analysis) forms: [String; 2],
    /// Whatever their host is, of those that reach the same two virtual hosts.
    pub(in crate::analysis) any_host: bool,
    /// Whether what they get is known but for parts that could not be followed: it may be the same after all.
    pub(in crate::analysis) guessed: bool,
}

/// A cell and how far both sides have come with it.
#[derive(Clone, Debug)]
pub(super) struct Task<'m> {
    pub(super) cell: Cell,
    pub(super) at: [Position<'m>; 2],
    /// As in [`Difference`].
    pub(super) any_host: bool,
}

/// A walk from one listener.
pub(in crate::analysis) struct Walk<'a, 'm> {
    pub(super) asker: &'a mut Asker,
    sides: [Option<Side<'a, 'm>>; 2],
    /// Groups of regexes are used somewhere.
    pub(super) captures: bool,
    /// Headers and variables that are used somewhere; others need not be kept.
    pub(super) reads: Reads,
    /// Lookups being computed.
    pub(super) depth: u32,
    /// How many tests look at what, once asked.
    pub(super) variety: Option<Variety<'m>>,
    aligned: BTreeMap<[Option<TableId>; 2], Rc<Aligned>>,
    pub(super) falls: BTreeMap<(usize, TableId), bool>,
    host_decides: BTreeMap<(usize, TableId), bool>,
    /// The pairs of virtual hosts that were walked for one of their names.
    pub(super) walked: BTreeSet<[Option<u64>; 2]>,
    /// Virtual hosts still to be walked.
    roots: VecDeque<Task<'m>>,
    pub(super) tasks: Vec<Task<'m>>,
    found: Vec<Difference>,
}

impl<'a, 'm> Walk<'a, 'm> {
    pub(super) fn new(asker: &'a mut Asker, sides: [Option<Side<'a, 'm>>; 2]) -> Self {
        let mut reads = Reads::default();
        for side in sides.iter().flatten() {
            let Reads { captures, host: _, headers, variables } = Reads::of(side.gateway, None);
            reads.captures |= captures;
            reads.headers.extend(headers);
            reads.variables.extend(variables);
        }
        Self {
            asker,
            sides,
            captures: reads.captures,
            reads,
            depth: 0,
            variety: None,
            aligned: BTreeMap::new(),
            falls: BTreeMap::new(),
            host_decides: BTreeMap::new(),
            walked: BTreeSet::new(),
            roots: VecDeque::new(),
            tasks: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Returns the requests that end elsewhere, entering at these tables; and whether these are all.
    pub(super) fn run(mut self, entries: [Option<TableId>; 2]) -> (Vec<Difference>, bool) {
        let start = |entry: Option<TableId>| Position {
            at: entry.map_or(At::Unserved, At::Table),
            state: Rc::new(State::new()),
            pending: Rc::default(),
            restarts: 0,
            steps: 0,
            handlers: 0,
            chances: 0,
        };
        self.tasks.push(Task { cell: Cell::default(), at: entries.map(start), any_host: false });
        let hosts =
            (0..2).any(|side| self.table(side, entries.get(side).copied().flatten()).is_some_and(|table| table.kind == TableKind::VirtualHosts));
        self.asker.ration(if hosts { [1, 2] } else { [4, 5] });
        let mut complete = self.finish();
        // A virtual host that takes too long is left, and the others are walked all the same.
        while let Some(root) = self.roots.pop_front() {
            self.tasks = vec![root];
            self.asker.ration([1, 3]);
            complete &= self.finish();
        }
        (self.found, complete)
    }

    /// Follows all tasks to their ends; returns whether that was possible. Of what is left single requests are followed.
    fn finish(&mut self) -> bool {
        while let Some(task) = self.tasks.pop() {
            if self.advance(&task).is_err() {
                let mut left = std::mem::take(&mut self.tasks);
                left.push(task);
                self.sample(left);
                return false;
            }
        }
        true
    }

    pub(super) fn side(&self, side: usize) -> Option<Side<'a, 'm>> {
        self.sides.get(side).copied().flatten()
    }

    pub(super) fn advance(&mut self, task: &Task<'m>) -> Result<(), Stop> {
        self.asker.spend()?;
        let tables = task.at.each_ref().map(|position| match position.at {
            At::Table(table) => Some(table),
            At::End(_) | At::Circle | At::Unserved => None,
        });
        let [was, now] = &task.at;
        match tables {
            [Some(before), Some(after)] => {
                if self.alike(was, now, [before, after]) || !self.asker.satisfiable(&task.cell)? {
                    return Ok(());
                }
                match self.meet([before, after]) {
                    [0, 0] if was.state == now.state => self.together(task, [before, after]),
                    [0, _] => self.alone(task, 1),
                    [_, _] => self.alone(task, 0),
                }
            }
            [Some(_), None] => self.alone(task, 0),
            [None, Some(_)] => self.alone(task, 1),
            [None, None] => self.ended(task),
        }
    }

    /// Returns whether all that can follow is the same on both sides.
    pub(super) fn alike(&mut self, was: &Position<'m>, now: &Position<'m>, tables: [TableId; 2]) -> bool {
        let prints = [0, 1].map(|side| self.side(side).zip(tables.get(side)).map(|(side, table)| side.prints.table(*table)));
        prints[0].is_some() && prints[0] == prints[1] && was.state == now.state && (self.same_pending(was, now) || !self.falls(0, tables[0]))
    }

    pub(super) fn same_pending(&self, was: &Position<'m>, now: &Position<'m>) -> bool {
        let print = |side: usize, step: &&'m Step| self.side(side).map(|side| side.prints.step(step));
        was.pending.len() == now.pending.len() && was.pending.iter().zip(now.pending.iter()).all(|(ours, theirs)| print(0, ours) == print(1, theirs))
    }

    pub(super) fn table(&self, side: usize, table: Option<TableId>) -> Option<&'m Table> {
        let gateway = self.side(side)?.gateway;
        gateway.tables.get(table?.0)
    }

    /// Returns how many instructions each side has to go on before both stand before equal tables; nothing where they do not meet.
    pub(super) fn meet(&self, tables: [TableId; 2]) -> [usize; 2] {
        let [was, now] = [0, 1].map(|side| self.ahead(side, tables.get(side).copied()));
        let place: BTreeMap<u64, usize> = now.iter().enumerate().rev().map(|(at, print)| (*print, at)).collect();
        let meeting = was.iter().enumerate().filter_map(|(at, print)| place.get(print).map(|other| [at, *other]));
        meeting.min_by_key(|[ours, theirs]| ours + theirs).unwrap_or([0, 0])
    }

    /// Returns the prints of the tables that are reached by passing over one instruction after the other.
    fn ahead(&self, side: usize, table: Option<TableId>) -> Vec<u64> {
        let mut prints = Vec::new();
        let mut next = table;
        while let (Some(id), Some(at)) = (next, self.side(side))
            && prints.len() < LOOK_AHEAD
        {
            prints.push(at.prints.table(id));
            next = self.table(side, next).filter(|table| table.kind == TableKind::Instruction).and_then(|table| match table.otherwise.next {
                Next::Table(next) => Some(next),
                _ => None,
            });
        }
        prints
    }

    pub(super) fn aligned(&mut self, tables: [Option<TableId>; 2]) -> Rc<Aligned> {
        if let Some(known) = self.aligned.get(&tables) {
            return Rc::clone(known);
        }
        let models = [0, 1].map(|side| self.table(side, tables.get(side).copied().flatten()));
        let prints = [0, 1].map(|side| match (self.side(side), tables.get(side).copied().flatten()) {
            (Some(side), Some(table)) => side.prints.routes(table, Follow::Deep).0,
            _ => Vec::new(),
        });
        let aligned = Rc::new(Aligned::new(models, prints.each_ref().map(Vec::as_slice)));
        self.aligned.insert(tables, Rc::clone(&aligned));
        aligned
    }

    pub(super) fn host_decides(&mut self, side: usize, table: TableId) -> bool {
        if let Some(known) = self.host_decides.get(&(side, table)) {
            return *known;
        }
        let decides = self.side(side).is_none_or(|side| Reads::of(side.gateway, Some(table)).host);
        self.host_decides.insert((side, table), decides);
        decides
    }

    pub(super) fn push(&mut self, task: Task<'m>) {
        self.tasks.push(task);
    }

    /// Keeps a virtual host to be walked after the others, with a share of its own of what is left.
    pub(super) fn later(&mut self, root: Task<'m>) {
        self.roots.push_back(root);
    }

    /// Both sides have ended.
    fn ended(&mut self, task: &Task<'m>) -> Result<(), Stop> {
        let [was, now] = &task.at;
        if !self.asker.satisfiable(&task.cell)? {
            return Ok(());
        }
        for ours in self.form(0, &task.cell, was)? {
            for theirs in self.form(1, &ours.cell, now)? {
                if !self.asker.satisfiable(&theirs.cell)? {
                    continue;
                }
                if ours.found.same(&theirs.found) {
                    self.handlers(task, &theirs.cell, [&ours, &theirs])?;
                    continue;
                }
                for (cell, [was, now]) in self.told_apart(&theirs.cell, [&ours.found, &theirs.found])? {
                    if was.same(&now) {
                        self.handlers(task, &cell, [&ours, &theirs])?;
                    } else if self.asker.satisfiable(&cell)? {
                        let guessed = was.is_guess() || now.is_guess() || cell.unfollowed.is_some();
                        self.found.push(Difference { cell, forms: [was.to_string(), now.to_string()], any_host: task.any_host, guessed });
                    }
                }
            }
        }
        Ok(())
    }

    /// What takes over on certain statuses may lead elsewhere though the forwards are equal.
    fn handlers(&mut self, task: &Task<'m>, cell: &Cell, ends: [&super::eval::Fork<Form<'m>>; 2]) -> Result<(), Stop> {
        let [ours, theirs] = ends;
        for (before, after) in ours.found.handlers.iter().zip(theirs.found.handlers) {
            let print = [print_of(self, 0, &before.step), print_of(self, 1, &after.step)];
            let deep = task.at.iter().any(|position| position.handlers >= super::ends::HANDLER_DEPTH);
            if deep || print[0] == print[1] && ours.state == theirs.state {
                continue;
            }
            let [was, now] =
                task.at.each_ref().map(|position| Position { pending: Rc::default(), handlers: position.handlers + 1, ..position.clone() });
            let was = Position { state: Rc::clone(&ours.state), ..was };
            let now = Position { state: Rc::clone(&theirs.state), ..now };
            for (cell, was) in self.take(0, cell.clone(), was, &before.step)? {
                for (cell, now) in self.take(1, cell, now.clone(), &after.step)? {
                    self.push(Task { cell, at: [was.clone(), now], any_host: task.any_host });
                }
            }
        }
        Ok(())
    }
}

/// Returns the print of a step and all it leads to; `None` for a side without the listener.
pub(super) fn print_of<'m>(walk: &Walk<'_, 'm>, side: usize, step: &'m Step) -> Option<u64> {
    walk.side(side).map(|side| side.prints.step(step))
}
