//! What steps can change and what was matched, as far as it is known of all requests of a cell.

use super::front::tail_group;
use super::sym::{Dim, Making, Piece, Sym};
use crate::model::{Capture, Gateway, Name, Regex, Step, TableId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

/// The regex that matched last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) regex: Regex,
    pub(super) subject: Sym,
}

/// What steps can change, and what was matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) path: Sym,
    pub(super) query: Sym,
    /// A `?` that the client sent is one still, be there nothing behind it.
    pub(super) bare_mark: bool,
    pub(super) method: Sym,
    /// The path is no longer the client's.
    pub(super) rewritten: bool,
    pub(super) status: Option<u16>,
    pub(super) source: Sym,
    /// Headers that were changed, by lower-case name; `None` was removed.
    pub(super) headers: BTreeMap<Name, Option<Sym>>,
    pub(super) variables: BTreeMap<Name, Sym>,
    /// Of these, the ones that were emptied on purpose.
    pub(super) unset: BTreeSet<Name>,
    pub(super) groups: Option<Rc<Matched>>,
    pub(super) named: BTreeMap<Name, Sym>,
    /// Lookups that were computed keep their value.
    pub(super) computed: BTreeMap<Name, Sym>,
    /// Of these, the ones in which an entry was found.
    pub(super) found: BTreeSet<Name>,
}

impl State {
    /// Returns the state of a request that comes in.
    pub(super) fn new() -> Self {
        Self {
            path: Sym::all(Dim::Path),
            query: Sym::all(Dim::Query),
            bare_mark: true,
            method: Sym::all(Dim::Method),
            rewritten: false,
            status: None,
            source: Sym::all(Dim::Source),
            headers: BTreeMap::new(),
            variables: BTreeMap::new(),
            unset: BTreeSet::new(),
            groups: None,
            named: BTreeMap::new(),
            computed: BTreeMap::new(),
            found: BTreeSet::new(),
        }
    }

    /// Returns whether a variable is there though it is empty: what a rule set, or what a lookup found.
    pub(super) fn holds(&self, name: &Name) -> bool {
        !self.unset.contains(name) && (self.variables.contains_key(name) || self.found.contains(name))
    }

    /// Notes that `regex` was found in `subject`.
    pub(super) fn remember(&mut self, regex: &Regex, subject: &Sym) {
        let matched = Matched { regex: regex.clone(), subject: subject.clone() };
        for name in &regex.names {
            self.named.insert(Name::clone(name), matched.group(&Capture::Named(Name::clone(name))));
        }
        self.groups = Some(Rc::new(matched));
    }
}

impl Matched {
    /// Returns what a group holds.
    pub(super) fn group(&self, capture: &Capture) -> Sym {
        let tail = tail_group(&self.regex);
        let asked = |length: usize, name: Option<&str>| match capture {
            Capture::Index(0 | 1) => true,
            Capture::Index(_) => false,
            Capture::Named(asked) => name == Some(&**asked) && length < usize::MAX,
        };
        match (tail, capture) {
            (Some(_), Capture::Index(0)) => self.subject.clone(),
            (Some(_), Capture::Index(2..)) => Sym::default(),
            (Some((length, name)), _) if asked(length, name) && self.reaches(length) => self.subject.without_front(length),
            _ => self.subject.clone().made(Making::Group(self.regex.clone(), capture.clone())),
        }
    }

    /// Returns whether the first bytes are known or all of one part.
    fn reaches(&self, length: usize) -> bool {
        match self.subject.pieces() {
            [Piece::Text(text), rest @ ..] => text.len() >= length || matches!(rest, [Piece::Rest { .. }]),
            [Piece::Rest { .. }] => true,
            [] | [Piece::Rest { .. } | Piece::Mark { .. } | Piece::Made { .. } | Piece::Spelling | Piece::Unknown(_), ..] => length == 0,
        }
    }
}

/// A place to go on from.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'m> {
    Table(TableId),
    End(&'m crate::model::Outcome),
    /// Redirected inside the gateway too often.
    Circle,
    /// Nothing listens.
    Unserved,
}

/// How far one side has come.
#[derive(Clone, Debug)]
pub(super) struct Position<'m> {
    pub(super) at: At<'m>,
    pub(super) state: Rc<State>,
    pub(super) pending: Rc<Vec<&'m Step>>,
    pub(super) restarts: u32,
    /// The steps taken since the last redirect, so that a circle of plain steps ends.
    pub(super) steps: u32,
    /// Status handlers inside which this is.
    pub(super) handlers: u32,
    /// How often chance was asked.
    pub(super) chances: usize,
}

/// One side: a listener of a gateway, before or after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a, 'm> {
    pub(super) gateway: &'m Gateway,
    pub(super) prints: &'a crate::analysis::prints::Prints<'m>,
    pub(super) scheme: &'static str,
    /// It speaks no HTTP: what passes may be TLS that ends elsewhere.
    pub(super) passes_through: bool,
    pub(super) port: Option<u16>,
    pub(super) ip: Option<IpAddr>,
}
