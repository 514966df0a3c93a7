//! Open questions: what the configuration does not answer. Both ways are walked; where all end alike, the answer did not matter.

use super::finish::finish;
use super::index::Engine;
use super::normalize::BadRequest;
use super::walk::{At, Entrance, Walk};
use super::{Choice, Leaf};
use crate::analysis::destination::{Alternative, Destination};
use crate::analysis::trace::TraceStep;
use crate::model::{PoolId, Request};
use std::collections::BTreeSet;

/// The most ways that are walked for one request.
const MOST_WAYS: usize = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// Whether this holds of this input.
    Whether { text: String, input: String },
    /// Which way chance takes at this place (its address in the model, never shown).
    Chance { place: usize, weights: Vec<u32> },
}

/// The questions of one walk with their answers: first those given, then the first choice for each new one.
#[derive(Debug, Default)]
pub(super) struct Questions {
    given: Vec<usize>,
    asked: Vec<(Asked, usize)>,
}

impl Questions {
    fn answer(&mut self, question: Asked) -> usize {
        if let Some((_, answer)) = self.asked.iter().find(|(known, _)| *known == question) {
            return *answer;
        }
        let answer = self.given.get(self.asked.len()).copied().unwrap_or(0);
        self.asked.push((question, answer));
        answer
    }

    /// Returns whether `text` holds of `input`: the same answer each time in one walk.
    pub(super) fn yes(&mut self, text: &str, input: &str) -> bool {
        self.answer(Asked::Whether { text: text.to_owned(), input: input.to_owned() }) == 0
    }

    /// Returns the index of the way taken by chance; `None` when no way has a weight.
    pub(super) fn which(&mut self, place: usize, weights: &[u32]) -> Option<usize> {
        let possible: Vec<usize> = weights.iter().enumerate().filter(|(_, weight)| **weight > 0).map(|(at, _)| at).collect();
        match possible.as_slice() {
            [] | [_] => possible.first().copied(),
            _ => {
                let answer = self.answer(Asked::Chance { place, weights: weights.to_vec() });
                possible.get(answer).copied()
            }
        }
    }
}

impl Asked {
    fn ways(&self) -> usize {
        match self {
            Self::Whether { .. } => 2,
            Self::Chance { weights, .. } => weights.iter().filter(|weight| **weight > 0).count(),
        }
    }

    /// Returns the answer in words.
    fn words(&self, answer: usize) -> String {
        match self {
            Self::Whether { text, input } => {
                let not = if answer == 0 { "" } else { "not " };
                if input.is_empty() || text.contains(input) { format!("{not}{text}") } else { format!("{not}{text}: {input}") }
            }
            Self::Chance { weights, .. } => {
                let weight = weights.iter().filter(|weight| **weight > 0).nth(answer).copied().unwrap_or(0);
                let all: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
                let percent = f64::from(weight) * 100.0 / f64::from(u32::try_from(all).unwrap_or(u32::MAX));
                format!("{} % of the requests", (percent * 100.0).round() / 100.0)
            }
        }
    }
}

/// A tree of answers.
enum Ways {
    Leaf(Box<Leaf>),
    Asked(Asked, Vec<Ways>),
}

/// Routes `request` and returns where it ends, all ways taken together.
pub(in crate::analysis) fn explore(engine: &Engine<'_>, entrance: Entrance<'_>, request: &Request) -> Leaf {
    let mut budget = MOST_WAYS;
    match ways(engine, entrance, request, &[], &mut budget) {
        Some(Ways::Leaf(leaf)) => *leaf,
        Some(tree @ Ways::Asked(..)) => joined(&tree),
        None => {
            let (leaf, _) = walk(engine, entrance, request, Vec::new());
            Leaf {
                destination: Destination::Opaque {
                    reason: "it depends on more conditions than can be followed".to_owned(),
                    alternatives: Vec::new(),
                },
                pool: None,
                exact: false,
                ..leaf
            }
        }
    }
}

fn walk(engine: &Engine<'_>, entrance: Entrance<'_>, request: &Request, given: Vec<usize>) -> (Leaf, Vec<(Asked, usize)>) {
    let mut questions = Questions { given, asked: Vec::new() };
    let listen = TraceStep { label: entrance.listener.label.clone(), choice: Choice::Listener };
    let leaf = match Walk::new(engine, entrance, request, &mut questions) {
        Ok(mut walk) => {
            walk.steps.push((listen, None));
            let end = walk.walk(At::Table(entrance.listener.entry));
            let end = finish(&mut walk, &end);
            let read = std::mem::take(&mut walk.read);
            let kept = walk.steps.drain(..).filter(|(_, variable)| variable.as_ref().is_none_or(|name| read.contains(name)));
            Leaf {
                steps: kept.map(|(step, _)| step).collect(),
                destination: end.destination,
                pool: end.pool,
                pools: walk.pools.iter().copied().collect(),
                virtual_host: walk.virtual_host,
                exact: walk.exact,
            }
        }
        Err(BadRequest) => Leaf {
            steps: vec![listen],
            destination: Destination::Reject { status: 400 },
            pool: None,
            pools: Vec::new(),
            virtual_host: None,
            exact: true,
        },
    };
    (leaf, questions.asked)
}

/// Walks all ways after the answers `given`; `None` when there are too many.
fn ways(engine: &Engine<'_>, entrance: Entrance<'_>, request: &Request, given: &[usize], budget: &mut usize) -> Option<Ways> {
    let depth = given.len();
    let (leaf, asked) = walk(engine, entrance, request, given.to_vec());
    let Some((question, _)) = asked.into_iter().nth(depth) else {
        *budget = budget.checked_sub(1)?;
        return Some(Ways::Leaf(Box::new(leaf)));
    };
    let mut below = Vec::new();
    for answer in 0..question.ways() {
        let mut next = given.to_vec();
        next.push(answer);
        below.push(ways(engine, entrance, request, &next, budget)?);
    }
    let mut leaves = below.iter().map(|way| match way {
        Ways::Leaf(leaf) => Some(leaf),
        Ways::Asked(..) => None,
    });
    let first = leaves.next().flatten();
    if let Some(first) = first.filter(|first| leaves.all(|other| other.is_some_and(|other| other.destination.same(&first.destination)))) {
        let steps = common_steps(&below);
        return Some(Ways::Leaf(Box::new(Leaf { steps, ..(**first).clone() })));
    }
    Some(Ways::Asked(question, below))
}

/// Returns one end for a tree of them.
fn joined(tree: &Ways) -> Leaf {
    let mut alternatives = Vec::new();
    let mut pools = BTreeSet::new();
    list(tree, &mut Vec::new(), &mut alternatives, &mut pools);
    let question = match tree {
        Ways::Asked(Asked::Whether { text, .. }, _) => format!("it depends on whether {text}"),
        Ways::Asked(Asked::Chance { .. }, _) => "it is decided by chance".to_owned(),
        Ways::Leaf(_) => String::new(),
    };
    let first = first_leaf(tree);
    Leaf {
        steps: common_steps(std::slice::from_ref(tree)),
        destination: Destination::Opaque { reason: question, alternatives },
        pool: None,
        pools: pools.into_iter().collect(),
        virtual_host: first.and_then(|leaf| leaf.virtual_host),
        exact: false,
    }
}

fn list(tree: &Ways, when: &mut Vec<String>, alternatives: &mut Vec<Alternative>, pools: &mut BTreeSet<PoolId>) {
    match tree {
        Ways::Leaf(leaf) => {
            pools.extend(&leaf.pools);
            alternatives.push(Alternative { when: when.join(", "), outcome: Box::new(leaf.destination.clone()) });
        }
        Ways::Asked(question, below) => {
            for (answer, way) in below.iter().enumerate() {
                when.push(question.words(answer));
                list(way, when, alternatives, pools);
                when.pop();
            }
        }
    }
}

fn first_leaf(tree: &Ways) -> Option<&Leaf> {
    match tree {
        Ways::Leaf(leaf) => Some(leaf),
        Ways::Asked(_, below) => below.first().and_then(first_leaf),
    }
}

/// Returns the steps that all leaves begin with.
fn common_steps(trees: &[Ways]) -> Vec<TraceStep> {
    let Some(first) = trees.first().and_then(first_leaf) else { return Vec::new() };
    let mut length = first.steps.len();
    let mut rest: Vec<&Ways> = trees.iter().collect();
    while let Some(tree) = rest.pop() {
        match tree {
            Ways::Leaf(leaf) => {
                let common = leaf.steps.iter().zip(&first.steps).take_while(|(ours, theirs)| ours.label == theirs.label).count();
                length = length.min(common);
            }
            Ways::Asked(_, below) => rest.extend(below),
        }
    }
    first.steps.iter().take(length).cloned().collect()
}
