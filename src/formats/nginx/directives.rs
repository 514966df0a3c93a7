//! Every directive: contexts, arity, state.

/// Returns whether `name` takes so many arguments, with or without a block; `None` when nobody here knows it.
pub(super) fn fits(_name: &str, _arguments: usize, _block: bool) -> Option<bool> {
    None
}

/// Returns whether `name` is a directive.
pub(super) fn known(_name: &str) -> bool {
    false
}

/// Returns whether `name` may stand in the block of `parent`; `true` when in doubt.
pub(super) fn may_contain(_parent: &str, _name: &str) -> bool {
    true
}

/// Returns how many letters must be put in, left out or changed to make `a` of `b`.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, (diagonal, above)) in b.chars().zip(row.iter().zip(row.iter().skip(1))) {
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(from != to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
