//! Open questions: what the configuration does not answer. Both ways are walked; where all end alike, the answer did not matter.

use super::alternatives::{Asked, Path, alternatives, reason};
use super::finish::finish;
use super::index::Engine;
use super::normalize::BadRequest;
use super::walk::{At, Entrance, Walk};
use super::{Choice, Leaf};
use crate::analysis::destination::Destination;
use crate::analysis::trace::TraceStep;
use crate::model::{PoolId, Request};
use std::collections::BTreeSet;

/// The most ways that are walked for one request.
const MOST_WAYS: usize = 64;

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
        let question = Asked::Whether { text: text.to_owned(), input: input.to_owned() };
        // What is a file is no directory.
        if self.asked.iter().any(|(known, answer)| *answer == 0 && known.excludes(&question)) {
            return false;
        }
        self.answer(question) == 0
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
        Some(tree @ Ways::Asked(..)) => joined(&tree, request),
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
                limits: walk.limits,
                virtual_host: walk.virtual_host,
                exact: walk.exact,
            }
        }
        Err(BadRequest) => Leaf {
            steps: vec![listen],
            destination: Destination::Reject { status: 400 },
            pool: None,
            pools: Vec::new(),
            limits: Vec::new(),
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
fn joined(tree: &Ways, request: &Request) -> Leaf {
    let mut paths = Vec::new();
    list(tree, &mut Vec::new(), &mut paths);
    let pools: BTreeSet<PoolId> = paths.iter().flat_map(|(_, leaf)| leaf.pools.iter().copied()).collect();
    let ends: Vec<(Path<'_>, &Destination)> = paths.into_iter().map(|(path, leaf)| (path, &leaf.destination)).collect();
    let first = first_leaf(tree);
    Leaf {
        steps: common_steps(std::slice::from_ref(tree)),
        destination: Destination::Opaque { reason: reason(&ends, request), alternatives: alternatives(&ends) },
        pool: None,
        pools: pools.into_iter().collect(),
        limits: first.map(|leaf| leaf.limits.clone()).unwrap_or_default(),
        virtual_host: first.and_then(|leaf| leaf.virtual_host),
        exact: false,
    }
}

fn list<'t>(tree: &'t Ways, path: &mut Path<'t>, paths: &mut Vec<(Path<'t>, &'t Leaf)>) {
    match tree {
        Ways::Leaf(leaf) => paths.push((path.clone(), leaf)),
        Ways::Asked(question, below) => {
            for (answer, way) in below.iter().enumerate() {
                path.push((question, answer));
                list(way, path, paths);
                path.pop();
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
