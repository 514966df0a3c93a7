//! Both sides at once: which requests of a cell end elsewhere.
//!
//! A task is a cell with a position on each side. Where both stand before equal tables in an equal state there is nothing to find; else the cell is split
//! by what the tables look at, and each part goes on, until both sides have ended.

use super::align::{Aligned, Item, condition};
use super::ask::{Asker, Stop};
use super::cell::Cell;
use super::ends::Form;
use super::state::{At, Position, Side, State};
use super::sym::Dim;
use crate::analysis::prints::Follow;
use crate::analysis::values::Reads;
use crate::model::{Next, Route, Step, Table, TableId, TableKind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// How far ahead equal tables are looked for, where one side has an instruction more than the other.
const LOOK_AHEAD: usize = 400;

/// The most parts a cell may be split into by one table.
const MOST_PARTS: usize = 40_000;

/// The most steps without a redirect. Only a model with a circle of plain steps needs more, and no format lowers to one.
const MOST_PLAIN_STEPS: u32 = 20_000;

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
    any_host: bool,
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
    aligned: BTreeMap<[Option<TableId>; 2], Rc<Aligned>>,
    falls: BTreeMap<(usize, TableId), bool>,
    host_decides: BTreeMap<(usize, TableId), bool>,
    /// The pairs of virtual hosts that were walked for one of their names.
    walked: BTreeSet<[u64; 2]>,
    /// Virtual hosts still to be walked.
    roots: VecDeque<Task<'m>>,
    tasks: Vec<Task<'m>>,
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
        self.asker.ration(2);
        let mut complete = self.finish();
        // A virtual host that takes too long is left, and the others are walked all the same.
        while let Some(root) = self.roots.pop_front() {
            self.tasks = vec![root];
            self.asker.ration(3);
            complete &= self.finish();
        }
        (self.found, complete)
    }

    /// Follows all tasks to their ends; returns whether that was possible.
    fn finish(&mut self) -> bool {
        while let Some(task) = self.tasks.pop() {
            if self.advance(task).is_err() {
                return false;
            }
        }
        true
    }

    pub(super) fn side(&self, side: usize) -> Option<Side<'a, 'm>> {
        self.sides.get(side).copied().flatten()
    }

    fn advance(&mut self, task: Task<'m>) -> Result<(), Stop> {
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
                    [0, 0] if was.state == now.state => self.together(&task, [before, after]),
                    [0, _] => self.alone(&task, 1),
                    [_, _] => self.alone(&task, 0),
                }
            }
            [Some(_), None] => self.alone(&task, 0),
            [None, Some(_)] => self.alone(&task, 1),
            [None, None] => self.ended(task),
        }
    }

    /// Returns whether all that can follow is the same on both sides.
    fn alike(&mut self, was: &Position<'m>, now: &Position<'m>, tables: [TableId; 2]) -> bool {
        let prints = [0, 1].map(|side| self.side(side).zip(tables.get(side)).map(|(side, table)| side.prints.table(*table)));
        prints[0].is_some() && prints[0] == prints[1] && was.state == now.state && (self.same_pending(was, now) || !self.falls(0, tables[0]))
    }

    fn same_pending(&self, was: &Position<'m>, now: &Position<'m>) -> bool {
        let print = |side: usize, step: &&'m Step| self.side(side).map(|side| side.prints.step(step));
        was.pending.len() == now.pending.len() && was.pending.iter().zip(now.pending.iter()).all(|(ours, theirs)| print(0, ours) == print(1, theirs))
    }

    /// Returns whether a table may come to a fallback.
    fn falls(&mut self, side: usize, table: TableId) -> bool {
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

    pub(super) fn table(&self, side: usize, table: Option<TableId>) -> Option<&'m Table> {
        let gateway = self.side(side)?.gateway;
        gateway.tables.get(table?.0)
    }

    /// Returns how many instructions each side has to go on before both stand before equal tables; nothing where they do not meet.
    fn meet(&self, tables: [TableId; 2]) -> [usize; 2] {
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

    fn aligned(&mut self, tables: [Option<TableId>; 2]) -> Rc<Aligned> {
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

    fn candidates(&mut self, aligned: &Aligned, cell: &Cell, state: &State) -> Result<Vec<usize>, Stop> {
        let path = match state.path.whole() {
            Some(dim) => cell.facts(dim).front,
            None => state.path.known_front().into(),
        };
        let found = aligned.candidates(&path, &cell.facts(&Dim::Host).front);
        self.asker.spend_on(found.len() / 32)?;
        Ok(found)
    }

    /// Both sides stand before tables that differ, in the same state: only the routes that are not the same on both sides are followed.
    fn together(&mut self, task: &Task<'m>, tables: [TableId; 2]) -> Result<(), Stop> {
        let [was, now] = &task.at;
        let aligned = self.aligned(tables.map(Some));
        let models = [self.table(0, Some(tables[0])), self.table(1, Some(tables[1]))];
        let same_pending = self.same_pending(was, now);
        let candidates = self.candidates(&aligned, &task.cell, &was.state)?;
        for number in &candidates {
            let Some(item) = aligned.items.get(*number) else { continue };
            let live = aligned.live.contains(number) || !same_pending && self.item_falls(models, item);
            let Some(condition) = condition(models, item).filter(|_| live) else { continue };
            let side = usize::from(item.at[0].is_none());
            for fork in self.holds(side, &task.cell, &was.state, condition)? {
                if !fork.found || !self.asker.satisfiable(&fork.cell)? {
                    continue;
                }
                let before = self.candidates(&aligned, &fork.cell, &was.state)?;
                let earlier = before.into_iter().take_while(|earlier| earlier < number);
                for cell in self.none_of(models, &aligned, (fork.cell, &was.state), earlier)? {
                    if self.asker.satisfiable(&cell)? {
                        self.chosen(task, (&aligned, *number), (cell, &fork.state))?;
                    }
                }
            }
        }
        let otherwise = models.map(|table| table.map(|table| &table.otherwise));
        let [Some(ours), Some(theirs)] = otherwise else { return Ok(()) };
        let mut links = Vec::new();
        let falls = falls_back(ours, &mut links) || links.iter().any(|table| self.falls(0, *table));
        if print_eq(print_of(self, 0, ours), print_of(self, 1, theirs)) && (same_pending || !falls) {
            return Ok(());
        }
        for cell in self.none_of(models, &aligned, (task.cell.clone(), &was.state), candidates.into_iter())? {
            self.both_take(task, (cell, &was.state), [ours, theirs])?;
        }
        Ok(())
    }

    fn item_falls(&mut self, models: [Option<&'m Table>; 2], item: &Item) -> bool {
        let [Some(table), _] = models else { return true };
        let Some(route) = item.at[0].and_then(|at| table.routes.get(at)) else { return true };
        let mut links = Vec::new();
        falls_back(&route.step, &mut links) || links.iter().any(|table| self.falls(0, *table))
    }

    /// Returns whether these virtual hosts were walked for another of their names, and the name does not matter inside; notes that they are now.
    fn walked_before(&mut self, task: &Task<'m>, steps: &[&'m Step; 2]) -> bool {
        let plain = task.cell.facts.is_empty() && self.at_entry(task) && steps.iter().all(|step| step.actions.is_empty());
        if !plain || !self.any_host_inside(steps) {
            return false;
        }
        let prints = [0, 1].map(|side| self.side(side).map_or(0, |at| at.prints.step(steps[side])));
        !self.walked.insert(prints)
    }

    /// Returns whether both sides are about to choose a virtual host.
    fn at_entry(&self, task: &Task<'m>) -> bool {
        task.at.iter().enumerate().all(|(side, position)| {
            let At::Table(table) = position.at else { return false };
            self.table(side, Some(table)).is_some_and(|table| table.kind == TableKind::VirtualHosts)
        })
    }

    fn host_decides(&mut self, side: usize, table: TableId) -> bool {
        if let Some(known) = self.host_decides.get(&(side, table)) {
            return *known;
        }
        let decides = self.side(side).is_none_or(|side| Reads::of(side.gateway, Some(table)).host);
        self.host_decides.insert((side, table), decides);
        decides
    }

    /// Returns the parts of a cell for which none of these items matches.
    fn none_of(
        &mut self,
        models: [Option<&'m Table>; 2],
        aligned: &Aligned,
        (cell, state): (Cell, &Rc<State>),
        items: impl Iterator<Item = usize>,
    ) -> Result<Vec<Cell>, Stop> {
        let mut open = vec![cell];
        for number in items {
            let Some(item) = aligned.items.get(number) else { continue };
            let Some(condition) = condition(models, item) else { continue };
            let side = usize::from(item.at[0].is_none());
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
    fn chosen(&mut self, task: &Task<'m>, (aligned, number): (&Aligned, usize), (cell, state): (Cell, &Rc<State>)) -> Result<(), Stop> {
        let tables = task.at.each_ref().map(|position| if let At::Table(table) = position.at { Some(table) } else { None });
        let models = [self.table(0, tables[0]), self.table(1, tables[1])];
        let Some(item) = aligned.items.get(number) else { return Ok(()) };
        let steps = [0, 1].map(|side| route(models[side], item.at[side]).map(|route| &route.step));
        match steps {
            [Some(ours), Some(theirs)] => self.both_take(task, (cell, state), [ours, theirs]),
            [Some(ours), None] => {
                for (cell, step) in self.choices(1, models, aligned, number + 1, (cell, state))? {
                    self.both_take(task, (cell, state), [ours, step])?;
                }
                Ok(())
            }
            [None, Some(theirs)] => {
                for (cell, step) in self.choices(0, models, aligned, number + 1, (cell, state))? {
                    self.both_take(task, (cell, state), [step, theirs])?;
                }
                Ok(())
            }
            [None, None] => Ok(()),
        }
    }

    /// Returns which steps one side takes, of the items from `from` on and its `otherwise`.
    fn choices(
        &mut self,
        side: usize,
        models: [Option<&'m Table>; 2],
        aligned: &Aligned,
        from: usize,
        (cell, state): (Cell, &Rc<State>),
    ) -> Result<Vec<(Cell, &'m Step)>, Stop> {
        Ok(self.choices_with_state(side, models, aligned, from, (cell, state))?.into_iter().map(|(cell, _, step)| (cell, step)).collect())
    }

    #[expect(clippy::type_complexity, reason = "a part of a cell, its state and its step")]
    fn choices_with_state(
        &mut self,
        side: usize,
        models: [Option<&'m Table>; 2],
        aligned: &Aligned,
        from: usize,
        (cell, state): (Cell, &Rc<State>),
    ) -> Result<Vec<(Cell, Rc<State>, &'m Step)>, Stop> {
        let Some(table) = models.get(side).copied().flatten() else { return Ok(Vec::new()) };
        let mut taken = Vec::new();
        let numbers = self.candidates(aligned, &cell, state)?;
        let mut open = vec![cell];
        for number in numbers.into_iter().filter(|number| *number >= from) {
            let Some(route) = aligned.items.get(number).and_then(|item| route(Some(table), item.at[side])) else { continue };
            let mut next = Vec::new();
            for cell in open {
                for fork in self.holds(side, &cell, state, &route.when)? {
                    if fork.found {
                        taken.push((fork.cell, fork.state, &route.step));
                    } else {
                        next.push(fork.cell);
                    }
                }
            }
            open = self.bounded(next)?;
            if open.is_empty() || taken.len() > MOST_PARTS {
                break;
            }
        }
        taken.extend(open.into_iter().map(|cell| (cell, Rc::clone(state), &table.otherwise)));
        if taken.len() > MOST_PARTS { Err(Stop) } else { Ok(taken) }
    }

    /// One side goes on by one table, the other one waits.
    fn alone(&mut self, task: &Task<'m>, side: usize) -> Result<(), Stop> {
        let Some(At::Table(id)) = task.at.get(side).map(|position| position.at) else { return Ok(()) };
        let mut tables = [None, None];
        if let Some(table) = tables.get_mut(side) {
            *table = Some(id);
        }
        let aligned = self.aligned(tables);
        let models = [self.table(0, tables[0]), self.table(1, tables[1])];
        if models.get(side).copied().flatten().is_none() {
            return Ok(());
        }
        let Some(position) = task.at.get(side).cloned() else { return Ok(()) };
        for (cell, state, step) in self.choices_with_state(side, models, &aligned, 0, (task.cell.clone(), &position.state))? {
            let from = Position { state, ..position.clone() };
            for (cell, after) in self.take(side, cell, from, step)? {
                let mut at = task.at.clone();
                if let Some(place) = at.get_mut(side) {
                    *place = after;
                }
                self.push(cell, at, task.any_host);
            }
        }
        Ok(())
    }

    /// Both sides take a step from the same state.
    fn both_take(&mut self, task: &Task<'m>, (cell, state): (Cell, &Rc<State>), steps: [&'m Step; 2]) -> Result<(), Stop> {
        if self.walked_before(task, &steps) {
            return Ok(());
        }
        let [was, now] = task.at.each_ref().map(|position| Position { state: Rc::clone(state), ..position.clone() });
        let any_host = task.any_host || self.any_host_inside(&steps);
        let entry = self.at_entry(task);
        for (cell, before) in self.take(0, cell, was, steps[0])? {
            for (cell, after) in self.take(1, cell, now.clone(), steps[1])? {
                let root = Task { cell, at: [before.clone(), after], any_host };
                if entry {
                    self.roots.push_back(root);
                } else {
                    self.tasks.push(root);
                }
            }
        }
        Ok(())
    }

    /// Returns whether the steps lead into virtual hosts in which the name does not matter.
    fn any_host_inside(&mut self, steps: &[&'m Step; 2]) -> bool {
        let tables = steps.map(|step| if let Next::Table(table) = step.next { Some(table) } else { None });
        let [Some(before), Some(after)] = tables else { return false };
        !self.host_decides(0, before) && !self.host_decides(1, after)
    }

    fn push(&mut self, cell: Cell, at: [Position<'m>; 2], any_host: bool) {
        self.tasks.push(Task { cell, at, any_host });
    }

    /// Both sides have ended.
    fn ended(&mut self, task: Task<'m>) -> Result<(), Stop> {
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
                    self.handlers(&task, &theirs.cell, [&ours, &theirs])?;
                } else {
                    let forms = [ours.found.to_string(), theirs.found.to_string()];
                    let guessed = ours.found.is_guess() || theirs.found.is_guess() || theirs.cell.unfollowed.is_some();
                    self.found.push(Difference { cell: theirs.cell, forms, any_host: task.any_host, guessed });
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
                    self.push(cell, [was.clone(), now], task.any_host);
                }
            }
        }
        Ok(())
    }

    /// Returns where a step leads, for each part of the cell.
    pub(super) fn take(&mut self, side: usize, cell: Cell, from: Position<'m>, step: &'m Step) -> Result<Vec<(Cell, Position<'m>)>, Stop> {
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
                        None => done.push((cell, Position { at: At::End(&crate::model::Outcome::None), ..position })),
                    },
                    Next::Split(ways) => self.by_chance(&cell, &position, ways, (&mut todo, &mut done)),
                    Next::End(outcome) => done.push((cell, Position { at: At::End(outcome), ..position })),
                }
            }
        }
        Ok(done)
    }

    fn by_chance(
        &mut self,
        cell: &Cell,
        position: &Position<'m>,
        ways: &'m [(u32, Step)],
        (todo, done): (&mut Vec<(Cell, Position<'m>, &'m Step)>, &mut Vec<(Cell, Position<'m>)>),
    ) {
        let possible: Vec<&'m (u32, Step)> = ways.iter().filter(|(weight, _)| *weight > 0).collect();
        let weights: Vec<u32> = possible.iter().map(|(weight, _)| *weight).collect();
        let question: Rc<str> = Rc::from(format!("chance {} {weights:?}", position.chances));
        let position = Position { chances: position.chances + 1, ..position.clone() };
        if possible.is_empty() {
            done.push((cell.clone(), Position { at: At::End(&crate::model::Outcome::None), ..position.clone() }));
        }
        for (at, (_, step)) in possible.into_iter().enumerate() {
            match cell.answers.get(&question) {
                Some(answer) if *answer == at => todo.push((cell.clone(), position.clone(), step)),
                Some(_) => {}
                None => todo.push((cell.answered(&question, at, None), position.clone(), step)),
            }
        }
    }
}

fn print_of<'m>(walk: &Walk<'_, 'm>, side: usize, step: &'m Step) -> Option<u64> {
    walk.side(side).map(|side| side.prints.step(step))
}

fn print_eq(ours: Option<u64>, theirs: Option<u64>) -> bool {
    ours.is_some() && ours == theirs
}

fn route<'m>(table: Option<&'m Table>, at: Option<usize>) -> Option<&'m Route> {
    table?.routes.get(at?)
}

/// Returns whether `step` itself comes to a fallback; adds the tables that may.
fn falls_back(step: &Step, links: &mut Vec<TableId>) -> bool {
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
