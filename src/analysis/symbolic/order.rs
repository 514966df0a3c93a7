//! In which order the tests of one condition are asked.
//!
//! "The path ends with `.a`, and the method is GET" leaves two parts where it does not hold. A table of a thousand such routes leaves a thousand parts when the path
//! is asked first, each to be looked at for every later route; when the method is asked first, it leaves two.

use super::walk::Walk;
use crate::model::{Condition, Field, Gateway, Matcher, Part, Test, Value};
use std::collections::{BTreeMap, HashSet};

/// By what is looked at, how many different tests look at it.
#[derive(Debug, Default)]
pub(super) struct Variety<'m>(BTreeMap<&'m Value, HashSet<&'m Matcher>>);

impl<'m> Variety<'m> {
    fn of(gateways: impl Iterator<Item = &'m Gateway>) -> Self {
        let mut variety = Self::default();
        let routes = gateways.flat_map(|gateway| &gateway.tables).flat_map(|table| &table.routes);
        routes.for_each(|route| variety.add(&route.when));
        variety
    }

    fn add(&mut self, condition: &'m Condition) {
        match condition {
            Condition::All(all) | Condition::Any(all) => all.iter().for_each(|one| self.add(one)),
            Condition::Not(inner) => self.add(inner),
            Condition::Test(Test { subject, matcher }) => {
                self.0.entry(subject).or_default().insert(matcher);
            }
            Condition::Always | Condition::Opaque(_) => {}
        }
    }

    fn most(&self, condition: &Condition) -> usize {
        match condition {
            Condition::Always => 0,
            Condition::All(all) | Condition::Any(all) => all.iter().map(|one| self.most(one)).max().unwrap_or(0),
            Condition::Not(inner) => self.most(inner),
            // Nobody types an address, so it is asked for only where it matters.
            Condition::Test(test) if matches!(test.subject.as_field(), Some(Field::Source | Field::Peer)) => usize::MAX,
            Condition::Test(test) => self.0.get(&test.subject).map_or(0, HashSet::len),
            Condition::Opaque(_) => usize::MAX,
        }
    }
}

impl<'m> Walk<'_, 'm> {
    /// Returns conditions in the order in which they leave the fewest parts; as they stand where a proxy may see the difference.
    pub(super) fn in_order(&mut self, all: &'m [Condition]) -> Vec<&'m Condition> {
        let mut order: Vec<&Condition> = all.iter().collect();
        if order.len() < 2 || self.captures || !all.iter().all(leaves_nothing) {
            return order;
        }
        let gateways = [0, 1].map(|side| self.side(side).map(|side| side.gateway));
        let variety = self.variety.get_or_insert_with(|| Variety::of(gateways.into_iter().flatten()));
        order.sort_by_key(|condition| variety.most(condition));
        order
    }
}

/// Returns whether asking leaves no trace: no group of a regex, and no lookup whose value is kept.
fn leaves_nothing(condition: &Condition) -> bool {
    match condition {
        Condition::Always => true,
        Condition::All(all) | Condition::Any(all) => all.iter().all(leaves_nothing),
        Condition::Not(inner) => leaves_nothing(inner),
        Condition::Test(test) => {
            let compared = if let Matcher::Equals { text, .. } = &test.matcher { text } else { &test.subject };
            !matches!(&test.matcher, Matcher::Regex(regex) if !regex.names.is_empty()) && is_plain(&test.subject) && is_plain(compared)
        }
        Condition::Opaque(opaque) => is_plain(&opaque.input),
    }
}

fn is_plain(value: &Value) -> bool {
    value.parts.iter().all(|part| match part {
        Part::Literal(_) | Part::Field(_) | Part::Hole(_) => true,
        Part::Converted(converted) => is_plain(&converted.value),
        Part::Variable(_) | Part::Capture(_) => false,
    })
}
