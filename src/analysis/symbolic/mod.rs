//! Which requests end elsewhere, worked out for all of them at once.
//!
//! The concrete evaluator ([`super::route`]) sends one request through the tables. Here a *cell*, a set of requests, goes through the tables of both sides at
//! once; where a test tells its requests apart, the cell is split. Nothing is shared with the evaluator but the model, so that the two check each other.
//!
//! Read in this order: `sym` (texts of which some parts are not known), `cell` and `ask` (sets of requests, and what is asked of them), `state`, `eval`, `there` and
//! `act` (values, conditions and actions for all requests of a cell), `order` (which test is asked first), `align` (what differs between two tables), `walk`, `choose`, `take`, `ends` (what a request gets),
//! `witness` (a request of a cell that one can type), `beyond` (what is done where it is too much).

mod act;
mod align;
mod ask;
mod beyond;
mod cell;
mod choose;
mod ends;
mod eval;
mod front;
mod network;
mod order;
mod pieces;
mod state;
mod sym;
mod take;
mod there;
mod walk;
mod witness;

pub(super) use align::rising;
pub(super) use ask::{Asker, Stop};
pub(super) use front::apart;
pub(super) use walk::Difference;

use super::prints::Prints;
use super::route::Entrance;
use crate::model::{ListenAddress, Protocol};
use state::Side;

/// Returns the requests that end elsewhere, of all that come in at one listener; and whether these are all of them. A side without the listener serves
/// nothing.
pub(super) fn differences<'m>(asker: &mut Asker, sides: [Option<(Entrance<'m>, &Prints<'m>)>; 2]) -> (Vec<Difference>, bool) {
    let entries = sides.map(|side| side.map(|(entrance, _)| entrance.listener.entry));
    let sides = sides.map(|side| {
        let (entrance, prints) = side?;
        let (port, ip) = match &entrance.listener.address {
            ListenAddress::Tcp { ip, port, .. } => (Some(*port), *ip),
            ListenAddress::Unix(_) | ListenAddress::Hole(_) => (None, None),
        };
        let scheme = if entrance.listener.tls.is_some() { "https" } else { "http" };
        let passes_through = entrance.listener.protocol != Protocol::Http;
        Some(Side { gateway: entrance.gateway, prints, scheme, passes_through, port, ip })
    });
    walk::Walk::new(asker, sides).run(entries)
}
