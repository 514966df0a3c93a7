//! Walks the lazy automaton for texts: is there one, which is the nicest, which are some others.

use super::alphabet::byte_cost;
use super::node::{Arena, NOTHING};
use super::{LanguageId, OutOfBudget};
use hashbrown::{HashMap, HashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The most states that one search looks at.
const MOST_STATES: usize = 200_000;

/// A place in a search: a state, and the way to it.
#[derive(Clone, Copy, Debug)]
struct Step {
    state: LanguageId,
    from: usize,
    byte: u8,
    cost: u32,
}

impl Arena {
    /// Returns whether there is no text in `root`. Whatever is found out of other states on the way is kept. States that may be nearest to the end of a text
    /// are looked at first.
    pub(super) fn is_empty(&mut self, root: LanguageId) -> Result<bool, OutOfBudget> {
        if let Some(alive) = self.alive(root) {
            return Ok(!alive);
        }
        let mut seen: HashSet<LanguageId> = HashSet::from([root]);
        let mut steps = vec![Step { state: root, from: 0, byte: 0, cost: 0 }];
        let mut heap = BinaryHeap::from([(Reverse(self.least_length(root)), 0_usize)]);
        while let Some((_, at)) = heap.pop() {
            let Some(step) = steps.get(at).copied() else { continue };
            for byte in self.ways_out(step.state, false)? {
                let state = self.after(step.state, byte)?;
                if state == NOTHING || self.alive(state) == Some(false) {
                    continue;
                }
                if self.alive(state) == Some(true) {
                    self.mark_steps(&steps, at);
                    return Ok(false);
                }
                if seen.insert(state) {
                    heap.push((Reverse(self.least_length(state)), steps.len()));
                    steps.push(Step { state, from: at, byte, cost: 0 });
                }
            }
            if steps.len() > MOST_STATES {
                return Err(OutOfBudget);
            }
        }
        for step in steps {
            self.set_alive(step.state, false);
        }
        Ok(true)
    }

    /// Returns the nicest text in `root`: with the fewest bytes that have to be encoded, of those the shortest, of those the first.
    pub(super) fn nicest(&mut self, root: LanguageId) -> Result<Option<Vec<u8>>, OutOfBudget> {
        if self.alive(root) == Some(false) {
            return Ok(None);
        }
        let mut steps = vec![Step { state: root, from: 0, byte: 0, cost: 0 }];
        let mut best: HashMap<LanguageId, u32> = HashMap::from([(root, 0)]);
        let mut heap = BinaryHeap::from([Reverse((0_u32, 0_usize))]);
        while let Some(Reverse((cost, at))) = heap.pop() {
            let Some(step) = steps.get(at).copied() else { continue };
            if best.get(&step.state).is_some_and(|better| *better < cost) {
                continue;
            }
            if self.has_blank(step.state) {
                self.mark_steps(&steps, at);
                return Ok(Some(text(&steps, at)));
            }
            for (byte, state) in self.edges(step.state, false)? {
                let cost = cost.saturating_add(byte_cost(byte));
                if best.get(&state).is_some_and(|better| *better <= cost) {
                    continue;
                }
                best.insert(state, cost);
                heap.push(Reverse((cost, steps.len())));
                steps.push(Step { state, from: at, byte, cost });
            }
            if best.len() > MOST_STATES {
                return Err(OutOfBudget);
            }
        }
        for step in &steps {
            self.set_alive(step.state, false);
        }
        Ok(None)
    }

    /// Returns up to `most` texts of `root`, the nicest first. Each state is passed a few times only, so that the texts differ in more than one repetition.
    pub(super) fn some(&mut self, root: LanguageId, most: usize) -> Result<Vec<Vec<u8>>, OutOfBudget> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        if self.alive(root) == Some(false) || most == 0 {
            return Ok(found);
        }
        let mut steps = vec![Step { state: root, from: 0, byte: 0, cost: 0 }];
        let mut passed: HashMap<LanguageId, usize> = HashMap::new();
        let mut heap = BinaryHeap::from([Reverse((0_u32, 0_usize))]);
        while let Some(Reverse((_, at))) = heap.pop() {
            let Some(step) = steps.get(at).copied() else { continue };
            let times = passed.entry(step.state).or_default();
            *times += 1;
            if *times > most {
                continue;
            }
            if self.has_blank(step.state) {
                self.mark_steps(&steps, at);
                found.push(text(&steps, at));
                if found.len() >= most {
                    break;
                }
            }
            for (byte, state) in self.edges(step.state, true)? {
                if passed.get(&state).is_some_and(|times| *times >= most) {
                    continue;
                }
                // Coming by again costs more each time, so that other shapes come first.
                let again = passed.get(&state).copied().unwrap_or_default();
                let cost = step.cost.saturating_add(byte_cost(byte)).saturating_add(u32::try_from(again).unwrap_or(u32::MAX).saturating_mul(8));
                heap.push(Reverse((cost, steps.len())));
                steps.push(Step { state, from: at, byte, cost });
            }
            if steps.len() > MOST_STATES {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the ways out of a state that may lead to a text, by the preference of their byte; with `kinds` several bytes of a class.
    fn edges(&mut self, state: LanguageId, kinds: bool) -> Result<Vec<(u8, LanguageId)>, OutOfBudget> {
        let bytes = self.ways_out(state, kinds)?;
        let mut edges = Vec::with_capacity(bytes.len());
        for byte in bytes {
            let next = self.after(state, byte)?;
            if next != NOTHING && self.alive(next) != Some(false) {
                edges.push((byte, next));
            }
        }
        Ok(edges)
    }

    /// Returns a byte of each class that `state` tells apart; with `kinds` several.
    fn ways_out(&mut self, state: LanguageId, kinds: bool) -> Result<Vec<u8>, OutOfBudget> {
        let classes = self.classes(state);
        let bytes: Vec<u8> = match self.divisions.get(classes) {
            None => Vec::new(),
            Some(classes) if kinds => (0..classes.len()).flat_map(|class| classes.kinds(class)).collect(),
            Some(classes) => (0..classes.len()).filter_map(|class| classes.best(class)).collect(),
        };
        self.spend(bytes.len())?;
        Ok(bytes)
    }

    fn mark_steps(&mut self, steps: &[Step], mut at: usize) {
        while let Some(step) = steps.get(at) {
            self.set_alive(step.state, true);
            if at == 0 {
                break;
            }
            at = step.from;
        }
    }
}

/// Returns the bytes on the way to the step `at`.
fn text(steps: &[Step], mut at: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while at != 0 {
        let Some(step) = steps.get(at) else { break };
        bytes.push(step.byte);
        at = step.from;
    }
    bytes.reverse();
    bytes
}
