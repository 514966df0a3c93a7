//! What can be told of a part of a pattern by looking at it.

use fancy_regex::Expr;

pub(super) fn looks_around(part: &Expr) -> bool {
    part.has_descendant_or_self(|part| matches!(part, Expr::Assertion(_) | Expr::LookAround(..) | Expr::AtomicGroup(_)))
}

pub(super) fn ungrouped(mut part: &Expr) -> &Expr {
    loop {
        part = match part {
            Expr::Group(inner) => inner,
            Expr::Concat(parts) if parts.len() == 1 => parts.first().unwrap_or(part),
            _ => return part,
        };
    }
}

pub(super) fn one_byte(part: &Expr) -> bool {
    match part {
        Expr::Any { .. } | Expr::Delegate { .. } => true,
        Expr::Literal { val, .. } => val.len() == 1,
        Expr::LiteralBytes { bytes } => bytes.len() == 1,
        _ => false,
    }
}

/// Returns how many bytes the longest text of a part has, `None` without an end.
pub(super) fn longest(part: &Expr) -> Option<u32> {
    match part {
        Expr::Empty | Expr::KeepOut => Some(0),
        // Each looks one byte further at most.
        Expr::Assertion(_) | Expr::Any { .. } | Expr::Delegate { .. } => Some(1),
        Expr::Literal { val, .. } => u32::try_from(val.len()).ok(),
        Expr::LiteralBytes { bytes } => u32::try_from(bytes.len()).ok(),
        Expr::Concat(parts) => parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(longest(part)?)),
        Expr::Alt(parts) => parts.iter().try_fold(0_u32, |most, part| Some(most.max(longest(part)?))),
        Expr::Group(inner) => longest(inner),
        Expr::Repeat { child, hi, .. } if *hi != usize::MAX => longest(child)?.checked_mul(u32::try_from(*hi).ok()?),
        _ => None,
    }
}

/// Returns how many bytes the shortest text of a part has, or less.
pub(super) fn shortest(part: &Expr) -> usize {
    match part {
        Expr::Any { .. } | Expr::Delegate { .. } => 1,
        Expr::Literal { val, .. } => val.len(),
        Expr::LiteralBytes { bytes } => bytes.len(),
        Expr::Concat(parts) => parts.iter().fold(0, |sum, part| sum.saturating_add(shortest(part))),
        Expr::Alt(parts) => parts.iter().map(shortest).min().unwrap_or(0),
        Expr::Group(inner) => shortest(inner),
        Expr::AtomicGroup(inner) => shortest(inner),
        Expr::Repeat { child, lo, .. } => shortest(child).saturating_mul(*lo),
        _ => 0,
    }
}

/// Returns what it is about a part that no language can be made of.
pub(super) fn unreadable(part: &Expr) -> &'static str {
    match part {
        Expr::Backref { .. } | Expr::BackrefWithRelativeRecursionLevel { .. } => "a reference back to what a group found",
        Expr::SubroutineCall(_) => "a group that calls a group",
        Expr::Conditional { .. } | Expr::BackrefExistsCondition { .. } => "a condition on a group",
        Expr::GeneralNewline { .. } => "`\\R`",
        Expr::BacktrackingControlVerb(_) => "a verb that steers the search",
        _ => "a part that only some engines know",
    }
}

/// Returns the group of a number, counted from 1.
pub(super) fn nth_group<'e>(expr: &'e Expr, left: &mut usize) -> Option<&'e Expr> {
    if let Expr::Group(_) = expr {
        *left -= 1;
        if *left == 0 {
            return Some(expr);
        }
    }
    expr.children_iter().find_map(|child| nth_group(child, left))
}

/// Returns the one byte that is repeated greedily and without an end at the end of a pattern.
pub(super) fn greedy_end(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Group(inner) => greedy_end(inner),
        Expr::Concat(parts) => parts.last().and_then(greedy_end),
        Expr::Repeat { child, hi: usize::MAX, greedy: true, .. } if one_byte(ungrouped(child)) => Some(ungrouped(child)),
        _ => None,
    }
}
