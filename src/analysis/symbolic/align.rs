//! Two tables side by side: which routes are the same on both sides, in the same order, and which are not.
//!
//! Where a request ends can only differ if a route takes it that one side alone has, that stands elsewhere on the other side, or that leads elsewhere: of all
//! routes that are on both sides in the same order, the first that matches is the same.

use super::front::{Key, required};
use crate::analysis::prints::RoutePrint;
use crate::model::{Condition, Table};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A route on both sides, or on one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Indexes into the routes of either side.
    pub(super) at: [Option<usize>; 2],
    /// On both sides, and leading to the same.
    pub(super) same: bool,
}

/// Two tables in one order that keeps the order of each.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    pub(super) items: Vec<Item>,
    index: BTreeMap<Key, BTreeMap<Vec<u8>, Vec<usize>>>,
    /// The items that can be looked up by nothing.
    others: Vec<usize>,
    /// Those that are not the same on both sides.
    pub(super) live: BTreeSet<usize>,
}

impl Aligned {
    /// `prints` are those of the routes; a side without a table has none.
    pub(super) fn new(tables: [Option<&Table>; 2], prints: [&[RoutePrint]; 2]) -> Self {
        let mut aligned = Self { items: items(prints), ..Self::default() };
        for (number, item) in aligned.items.iter().enumerate() {
            let condition = condition(tables, item);
            match condition.and_then(required) {
                Some((key, front)) => aligned.index.entry(key).or_default().entry(front.to_vec()).or_default().push(number),
                None => aligned.others.push(number),
            }
            if !item.same {
                aligned.live.insert(number);
            }
        }
        aligned
    }

    /// Returns the items that may match a path and a host that begin so, in order.
    pub(super) fn candidates(&self, path: &[u8], host: &[u8]) -> Vec<usize> {
        let mut found = self.others.clone();
        for (key, known) in [(Key::Path, path), (Key::Host, host)] {
            let Some(index) = self.index.get(&key) else { continue };
            let longer = index.range(known.to_vec()..).take_while(|(front, _)| front.starts_with(known)).map(|(_, items)| items);
            let shorter = (0..known.len()).filter_map(|length| index.get(known.get(..length)?));
            found.extend(longer.chain(shorter).flatten());
        }
        found.sort_unstable();
        found
    }
}

/// Returns the condition of an item; where both sides have it they are equal.
pub(super) fn condition<'m>(tables: [Option<&'m Table>; 2], item: &Item) -> Option<&'m Condition> {
    let of = |side: Option<&'m Table>, at: Option<usize>| Some(&side?.routes.get(at?)?.when);
    let [was, now] = tables;
    of(was, item.at[0]).or_else(|| of(now, item.at[1]))
}

/// Returns the routes of both sides in one order. Routes with equal conditions are one item, as far as that keeps the order of both sides.
fn items([was, now]: [&[RoutePrint]; 2]) -> Vec<Item> {
    let mut exactly: BTreeMap<RoutePrint, VecDeque<usize>> = BTreeMap::new();
    let mut alike: BTreeMap<u64, VecDeque<usize>> = BTreeMap::new();
    for (at, print) in now.iter().enumerate() {
        exactly.entry(*print).or_default().push_back(at);
    }
    let mut partner: Vec<Option<usize>> = was.iter().map(|print| exactly.get_mut(print).and_then(VecDeque::pop_front)).collect();
    let taken: BTreeSet<usize> = partner.iter().flatten().copied().collect();
    for (at, print) in now.iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
        alike.entry(print.when).or_default().push_back(at);
    }
    for (print, partner) in was.iter().zip(&mut partner) {
        if partner.is_none() {
            *partner = alike.get_mut(&print.when).and_then(VecDeque::pop_front);
        }
    }
    let pairs: Vec<(usize, usize)> = partner.iter().enumerate().filter_map(|(at, partner)| Some((at, (*partner)?))).collect();
    let mut items = Vec::new();
    let (mut next_was, mut next_now) = (0, 0);
    let one_sided = |items: &mut Vec<Item>, was: std::ops::Range<usize>, now: std::ops::Range<usize>| {
        items.extend(was.map(|at| Item { at: [Some(at), None], same: false }));
        items.extend(now.map(|at| Item { at: [None, Some(at)], same: false }));
    };
    for (ours, theirs) in rising(&pairs) {
        one_sided(&mut items, next_was..ours, next_now..theirs);
        let same = was.get(ours).map(|print| print.step) == now.get(theirs).map(|print| print.step);
        items.push(Item { at: [Some(ours), Some(theirs)], same });
        (next_was, next_now) = (ours + 1, theirs + 1);
    }
    one_sided(&mut items, next_was..was.len(), next_now..now.len());
    items
}

/// Returns a longest part of `pairs`, which rise in the first number, that rises in the second too.
pub(in crate::analysis) fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // `ends` has, for each length, the pair with the smallest second number that such a part can end with.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (_, theirs)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs.get(*end).is_some_and(|(_, known)| known < theirs));
        before.push(length.checked_sub(1).and_then(|last| ends.get(last)).copied());
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut found = Vec::new();
    let mut next = ends.last().copied();
    while let Some(at) = next {
        found.extend(pairs.get(at).copied());
        next = before.get(at).copied().flatten();
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(all: &[(u64, u64)]) -> Vec<RoutePrint> {
        all.iter().map(|(when, step)| RoutePrint { when: *when, step: *step }).collect()
    }

    fn aligned(was: &[(u64, u64)], now: &[(u64, u64)]) -> String {
        let words = |item: &Item| match item {
            Item { at: [Some(_), Some(_)], same: true } => '=',
            Item { at: [Some(_), Some(_)], same: false } => '!',
            Item { at: [Some(_), None], .. } => '-',
            Item { .. } => '+',
        };
        items([&prints(was), &prints(now)]).iter().map(words).collect()
    }

    #[test]
    fn what_stands_on_both_sides_in_one_order_is_the_same() {
        assert_eq!(aligned(&[(1, 1), (2, 2), (3, 3)], &[(1, 1), (2, 2), (3, 3)]), "===");
        assert_eq!(aligned(&[(1, 1), (2, 2), (3, 3)], &[(1, 1), (2, 9), (3, 3)]), "=!=");
        assert_eq!(aligned(&[(1, 1), (2, 2)], &[(2, 2), (1, 1)]), "-=+");
        assert_eq!(aligned(&[(1, 1), (2, 2), (3, 3)], &[(1, 1), (4, 4), (3, 3)]), "=-+=");
        assert_eq!(aligned(&[], &[(1, 1)]), "+");
        assert_eq!(aligned(&[(1, 1), (1, 1)], &[(1, 1)]), "=-");
    }
}
