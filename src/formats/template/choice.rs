//! What a reading assumes of conditions that nobody can decide.
//!
//! A condition is taken apart into what cannot be taken apart further; each such part is true or false in a whole reading, wherever it stands and
//! whether it is asked for or its opposite. `x == 'a'` and `x == 'b'` are never both true.

use super::expr::Expr;
use super::tree::{Arm, Define, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most readings besides the first two.
const MORE: usize = 2;

/// What one reading assumes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::formats) struct Choice {
    /// What is true where nothing else is said.
    usual: bool,
    /// What is otherwise, by the condition's own words.
    except: BTreeMap<String, bool>,
    /// What the repository's values say of a condition does not count.
    doubts: bool,
}

impl Choice {
    /// The first reading: every condition holds.
    pub(in crate::formats) fn first() -> Self {
        Self { usual: true, except: BTreeMap::new(), doubts: false }
    }

    /// The second: none does.
    pub(in crate::formats) fn second() -> Self {
        Self { usual: false, except: BTreeMap::new(), doubts: false }
    }

    /// As the first, whatever the repository's values say: to look at what stands under conditions that they decide.
    pub(in crate::formats) fn undecided() -> Self {
        Self { doubts: true, ..Self::first() }
    }

    /// Returns whether values decide nothing.
    pub(super) fn doubts(&self) -> bool {
        self.doubts
    }

    /// Returns the name of this reading; `None` for the first. The same on both sides of a change.
    pub(in crate::formats) fn name(&self) -> Option<Arc<str>> {
        if self.usual && self.except.is_empty() {
            return None;
        }
        let held: Vec<&str> = self.except.iter().filter(|(_, holds)| **holds).map(|(words, _)| words.as_str()).collect();
        Some(if held.is_empty() { Arc::from("no condition holds") } else { Arc::from(format!("only {} holds", held.join(" and "))) })
    }

    /// Returns whether `condition` holds in this reading.
    pub(super) fn holds(&self, condition: &Expr, equals: &BTreeMap<String, String>) -> bool {
        match condition {
            Expr::Bool(value) => *value,
            Expr::None => false,
            Expr::Text(text) => !text.is_empty(),
            Expr::Number(number) => *number != 0,
            Expr::Not(inner) => !self.holds(inner, equals),
            Expr::And(a, b) => self.holds(a, equals) && self.holds(b, equals),
            Expr::Or(a, b) => self.holds(a, equals) || self.holds(b, equals),
            Expr::Equal(a, b) => {
                let words = condition.to_string();
                match self.except.get(&words) {
                    Some(holds) => *holds,
                    // One value only: the one most often asked for.
                    None if self.usual => equals.get(&a.to_string()).is_none_or(|chosen| *chosen == b.to_string()),
                    None => false,
                }
            }
            other => self.except.get(&other.to_string()).copied().unwrap_or(self.usual),
        }
    }
}

/// Returns, for each text that is compared with constants, the constant most often asked for; of several the first.
pub(super) fn equals(nodes: &[Node]) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    each_condition(nodes, &mut |condition| count(condition, &mut counts));
    let chosen = counts.into_iter().filter_map(|(subject, values)| {
        let most = values.iter().map(|(_, times)| *times).max()?;
        values.into_iter().find(|(_, times)| *times == most).map(|(value, _)| (subject, value))
    });
    chosen.collect()
}

fn count(condition: &Expr, counts: &mut BTreeMap<String, Vec<(String, usize)>>) {
    match condition {
        Expr::Not(inner) => count(inner, counts),
        Expr::And(a, b) | Expr::Or(a, b) => {
            count(a, counts);
            count(b, counts);
        }
        Expr::Equal(a, b) => {
            let values = counts.entry(a.to_string()).or_default();
            let value = b.to_string();
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, times)) => *times += 1,
                None => values.push((value, 1)),
            }
        }
        _ => {}
    }
}

/// Calls `with` for each condition, in order.
pub(super) fn each_condition(nodes: &[Node], with: &mut impl FnMut(&Expr)) {
    for node in nodes {
        match node {
            Node::Choice(arms) => arms.iter().for_each(|arm| {
                arm.when.iter().for_each(&mut *with);
                each_condition(&arm.body, with);
            }),
            Node::Loop(one) => {
                if !one.otherwise.is_empty() {
                    with(&one.list);
                }
                each_condition(&one.body, with);
                each_condition(&one.otherwise, with);
            }
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => each_condition(inner, with),
            Node::Print(print) => {
                if let Expr::If { when, .. } = &print.what {
                    with(when);
                }
            }
            Node::Text(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

/// Returns the readings after the first that it takes to see every body: none where nothing is decided, four in all at most.
pub(super) fn further(nodes: &[Node], equals: &BTreeMap<String, String>) -> Vec<Choice> {
    let mut any = false;
    each_condition(nodes, &mut |condition| any |= !matches!(condition, Expr::Bool(_)));
    if !any {
        return Vec::new();
    }
    let mut found = vec![Choice::second()];
    let mut paths = Vec::new();
    arms(nodes, &mut Vec::new(), &mut paths);
    let seen = |path: &[(Expr, bool)], choice: &Choice| path.iter().all(|(condition, holds)| choice.holds(condition, equals) == *holds);
    for path in paths {
        if seen(&path, &Choice::first()) || found.iter().any(|choice| seen(&path, choice)) {
            continue;
        }
        // As few readings as possible: one that assumes other things may assume this too.
        let extended = found.iter_mut().skip(1).find_map(|choice| require(choice, &path).filter(|new| seen(&path, new)).map(|new| *choice = new));
        if extended.is_none()
            && found.len() <= MORE
            && let Some(new) = require(&Choice::second(), &path).filter(|new| seen(&path, new))
        {
            found.push(new);
        }
    }
    found
}

/// Returns `choice` with what `path` needs; `None` where it assumes the opposite.
fn require(choice: &Choice, path: &[(Expr, bool)]) -> Option<Choice> {
    let mut new = choice.clone();
    path.iter().all(|(condition, holds)| assume(&mut new.except, condition, *holds)).then_some(new)
}

fn assume(except: &mut BTreeMap<String, bool>, condition: &Expr, holds: bool) -> bool {
    match condition {
        Expr::Bool(value) => *value == holds,
        Expr::Not(inner) => assume(except, inner, !holds),
        Expr::And(a, b) if holds => assume(except, a, true) && assume(except, b, true),
        Expr::And(a, _) => assume(except, a, false),
        Expr::Or(a, b) if !holds => assume(except, a, false) && assume(except, b, false),
        Expr::Or(a, _) => assume(except, a, true),
        other => *except.entry(other.to_string()).or_insert(holds) == holds,
    }
}

/// Gathers, for each body, the conditions on the way to it.
fn arms(nodes: &[Node], above: &mut Vec<(Expr, bool)>, paths: &mut Vec<Vec<(Expr, bool)>>) {
    if paths.len() > 400 {
        return;
    }
    for node in nodes {
        match node {
            Node::Choice(all) => {
                let depth = above.len();
                for Arm { when, body, .. } in all {
                    let before = above.len();
                    above.extend(when.clone().map(|when| (when, true)));
                    paths.push(above.clone());
                    arms(body, above, paths);
                    above.truncate(before);
                    above.extend(when.clone().map(|when| (when, false)));
                }
                above.truncate(depth);
            }
            Node::Loop(one) => arms(&one.body, above, paths),
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => arms(inner, above, paths),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}
