//! Cases on the real proxy.

use super::Failure;
use super::page::Case;
use crate::support::replay as real;

/// What the real proxy said.
#[derive(Debug)]
pub(super) enum Replay {
    /// Every request went where the page says, but for those whose outcome is open (opaque, or nothing to send to).
    Done(real::Counts),
    /// It was not asked: the page says so, or there is none for this case here.
    KeptBack,
    /// It says otherwise.
    Disagrees(Vec<Failure>),
}

/// Loads both trees into the real proxy and sends every request of `case`.
pub(super) fn replay(case: &Case) -> Replay {
    if case.not_replayed.is_some() || case.requests.is_empty() {
        return Replay::KeptBack;
    }
    let requests: Vec<_> = case.requests.iter().map(|expectation| expectation.request.clone()).collect();
    let mut failures = Vec::new();
    let mut counts = real::Counts::default();
    for (side, tree) in [("base", &case.base), ("head", &case.head)] {
        match real::replay(&tree.snapshot(), &requests) {
            Ok(side) => {
                counts.agreed += side.agreed;
                counts.open += side.open;
            }
            Err(difference) => failures.push(Failure::new(case.line, format!("the real proxy disagrees about {side}: {difference}"))),
        }
    }
    if failures.is_empty() { Replay::Done(counts) } else { Replay::Disagrees(failures) }
}
