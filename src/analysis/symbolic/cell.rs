//! A set of requests: what is known of them, dimension by dimension.

use super::sym::Dim;
use crate::model::Cidr;
use crate::space::LanguageId;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What is known of one dimension of the requests of a cell.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Facts {
    /// The languages its text is in.
    pub(super) inside: Rc<Vec<LanguageId>>,
    /// The languages it is not in, the last one said first.
    outside: List,
    /// What it begins with.
    pub(super) front: Rc<[u8]>,
    /// `front` is all of it.
    pub(super) whole: bool,
    /// The networks the address is in, or not.
    pub(super) networks: Rc<Vec<(Cidr, bool)>>,
}

/// A list that shares its tail with the lists it was made from: ten thousand cells each know ten thousand languages they are outside of.
#[derive(Clone, Debug, Default)]
struct List(Option<Rc<Node>>);

#[derive(Debug)]
struct Node {
    language: LanguageId,
    /// What texts of it begin with.
    front: Rc<[u8]>,
    next: List,
}

impl Drop for Node {
    /// One by one: the list may be long, and each link dropping the next would fill the stack.
    fn drop(&mut self) {
        let mut next = self.next.0.take();
        while let Some(node) = next {
            match Rc::try_unwrap(node) {
                Ok(mut node) => next = node.next.0.take(),
                Err(_shared) => break,
            }
        }
    }
}

impl Facts {
    /// Adds that the text is in `language`, whose texts begin with `front`, and are no longer where `whole`.
    pub(super) fn enter(&mut self, language: LanguageId, front: &[u8], whole: bool) {
        if !self.inside.contains(&language) {
            Rc::make_mut(&mut self.inside).push(language);
        }
        if whole || front.len() > self.front.len() && !self.whole {
            self.front = Rc::from(front);
            self.whole |= whole;
        }
    }

    pub(super) fn leave(&mut self, language: LanguageId, front: &Rc<[u8]>) {
        self.outside = List(Some(Rc::new(Node { language, front: Rc::clone(front), next: self.outside.clone() })));
    }

    /// Returns the languages it is outside of, as far as texts that begin with `front` could be in them.
    pub(super) fn outside(&self) -> BTreeSet<LanguageId> {
        self.nodes().filter(|node| self.fits(&node.front)).map(|node| node.language).collect()
    }

    pub(super) fn is_outside(&self, language: LanguageId) -> bool {
        self.nodes().any(|node| node.language == language)
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        let mut next = self.outside.0.as_deref();
        std::iter::from_fn(move || {
            let node = next?;
            next = node.next.0.as_deref();
            Some(node)
        })
    }

    /// Returns whether a text that begins with `front` can begin as this one does.
    pub(super) fn fits(&self, front: &[u8]) -> bool {
        let common = self.front.len().min(front.len());
        self.front.get(..common) == front.get(..common) && !(self.whole && front.len() > self.front.len())
    }
}

/// The requests for which all of this holds.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Cell {
    pub(super) facts: BTreeMap<Dim, Facts>,
    /// The answers to what the configuration does not say.
    pub(super) answers: BTreeMap<Rc<str>, usize>,
    /// A question that the configuration answers, but that was not followed: why not, the first one.
    pub(super) unfollowed: Option<Rc<str>>,
}

impl Cell {
    /// Returns why a question that decides here was not followed.
    pub(in crate::analysis) fn unfollowed(&self) -> Option<&str> {
        self.unfollowed.as_deref()
    }

    /// Returns whether something is known of the host.
    pub(in crate::analysis) fn names_host(&self) -> bool {
        self.facts.contains_key(&Dim::Host)
    }

    pub(super) fn facts(&self, dim: &Dim) -> Facts {
        self.facts.get(dim).cloned().unwrap_or_default()
    }

    pub(super) fn with(&self, dim: &Dim, facts: Facts) -> Self {
        let mut cell = self.clone();
        cell.facts.insert(dim.clone(), facts);
        cell
    }

    pub(super) fn answered(&self, question: &Rc<str>, answer: usize, unfollowed: Option<&Rc<str>>) -> Self {
        let mut cell = self.clone();
        cell.answers.insert(Rc::clone(question), answer);
        if cell.unfollowed.is_none() {
            cell.unfollowed = unfollowed.cloned();
        }
        cell
    }
}
