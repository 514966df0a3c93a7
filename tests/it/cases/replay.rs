//! Cases on the real proxy.

use super::Failure;
use super::page::Case;

/// What the real proxy said.
#[derive(Debug)]
#[expect(dead_code, reason = "the proxy is driven by the next change")]
pub(super) enum Replay {
    /// Every request went where the page says.
    Done,
    /// It was not asked: the page says so, or there is none for this case here.
    KeptBack,
    /// It says otherwise.
    Disagrees(Vec<Failure>),
}

/// Loads both trees into the real proxy and sends every request of `case`.
pub(super) fn replay(case: &Case) -> Replay {
    let _reason = &case.not_replayed;
    Replay::KeptBack
}
