//! How much may be spent, and what is thrown away when much is held.
//!
//! The states of a search are nodes like any other. What no [`super::Languages`] method has handed out may go: it is worked out again when it is needed.

use super::node::{ALL, Arena, BLANK, Known, NOTHING, Node, UNASKED};
use super::{LanguageId, OutOfBudget};

/// The most that nodes may hold, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// One question may take one part in so many of all steps, so that one that is too hard leaves something for the others.
const QUESTIONS: u64 = 8;

/// What was spent, and what may be.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
    pub(super) spent: u64,
    /// Where the question at hand has to end.
    end: u64,
    held: usize,
    /// From here on it is worth to throw something away.
    full: usize,
}

impl Budget {
    pub(super) fn new(most: u64) -> Self {
        Self { most, spent: 0, end: most, held: 0, full: MOST_BYTES / 2 }
    }

    /// Notes that steps were taken.
    pub(super) fn charge(&mut self, steps: usize) {
        self.spent = self.spent.saturating_add(u64::try_from(steps).unwrap_or(u64::MAX)).min(self.most);
    }

    /// Notes that bytes are held.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.held = self.held.saturating_add(bytes);
    }

    fn is_over(&self) -> bool {
        self.spent >= self.end || self.held > MOST_BYTES
    }
}

/// Returns some bytes that a node takes, with what is known of it and where it is found.
pub(super) fn node_bytes(node: &Node) -> usize {
    let parts = match node {
        Node::Any(parts) | Node::Both(parts) => parts.len() * size_of::<LanguageId>(),
        Node::Before(_, text) => text.len(),
        Node::Loop(text, _) => text.len(),
        Node::Nothing
        | Node::Blank
        | Node::All
        | Node::Bytes(_)
        | Node::Then(..)
        | Node::Not(_)
        | Node::Star(_)
        | Node::Times { .. }
        | Node::Reaches(..)
        | Node::Folded { .. } => 0,
    };
    // Twice: the place of a node and of the key to find it by, which stand in tables that are not full.
    2 * (2 * size_of::<Node>() + size_of::<Known>()) + parts
}

impl Arena {
    /// Takes `steps` from the budget.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), OutOfBudget> {
        self.budget.charge(steps);
        if self.budget.is_over() { Err(OutOfBudget) } else { Ok(()) }
    }

    /// Begins a question; returns whether anything but `kept`, and what it is made of, was thrown away.
    pub(super) fn begin(&mut self, kept: &[LanguageId]) -> bool {
        let budget = &mut self.budget;
        budget.end = budget.spent.saturating_add(budget.most / QUESTIONS).min(budget.most);
        if budget.held < budget.full {
            return false;
        }
        self.sweep(kept);
        self.budget.full = (MOST_BYTES / 2).max(self.budget.held + MOST_BYTES / 8);
        true
    }

    /// Throws away everything but `kept` and what it is made of.
    pub(super) fn sweep(&mut self, kept: &[LanguageId]) {
        let mut stays = vec![false; self.nodes.len()];
        let mut todo: Vec<LanguageId> = kept.iter().copied().chain([NOTHING, BLANK, ALL]).collect();
        while let Some(id) = todo.pop() {
            match stays.get_mut(id.index()) {
                Some(stays) if !*stays => *stays = true,
                _ => continue,
            }
            match self.node(id) {
                Node::Nothing | Node::Blank | Node::All | Node::Bytes(_) => {}
                Node::Then(first, second) | Node::Reaches(first, second) => todo.extend([*first, *second]),
                Node::Any(parts) | Node::Both(parts) => todo.extend_from_slice(parts),
                Node::Not(of) | Node::Star(of) | Node::Times { of, .. } | Node::Before(of, _) | Node::Folded { of, .. } => todo.push(*of),
                Node::Loop(_, rest) => todo.extend([*rest, self.unfolded(id)]),
            }
        }
        self.unions.clear();
        self.budget.held = 0;
        for (at, (node, known)) in self.nodes.iter_mut().zip(&mut self.known).enumerate() {
            if stays.get(at).is_some_and(|stays| *stays) {
                for next in &mut known.after {
                    if *next != UNASKED && !stays.get(next.index()).is_some_and(|stays| *stays) {
                        *next = UNASKED;
                    }
                }
                self.budget.held += node_bytes(node) + size_of_val(&*known.after);
            } else if *node != Node::Nothing {
                let id = LanguageId(u32::try_from(at).unwrap_or(u32::MAX));
                self.numbers.remove(node);
                self.unfolded.remove(&id);
                *node = Node::Nothing;
                *known = Known::default();
                self.free.push(id);
            }
        }
    }
}
