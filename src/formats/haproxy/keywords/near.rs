//! Names that are one slip apart.

/// Returns the name of `known` that `name` is but for a slip: a letter more, less, wrong or swapped; two in a long name. `None` when there is no such
/// name, or more than one is as near.
pub(in super::super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let most = match name.len() {
        3..8 => 1,
        8..40 => 2,
        _ => return None,
    };
    let mut best: Option<(usize, &str)> = None;
    let mut tie = false;
    for known in known {
        if known.len().abs_diff(name.len()) > most || known == name {
            continue;
        }
        let slips = slips(name, known);
        match best {
            _ if slips > most => {}
            Some((least, _)) if least < slips => {}
            Some((least, other)) if least == slips => tie |= other != known,
            Some(_) | None => (best, tie) = (Some((slips, known)), false),
        }
    }
    best.filter(|_| !tie).map(|(_, known)| known)
}

/// Returns how many letters must be put in, left out, changed or swapped with their neighbour to make `a` of `b`.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: Option<&Vec<usize>>, column: usize| row.and_then(|row| row.get(column)).copied().unwrap_or(usize::MAX - 1);
            let above = rows.last();
            let mut least = (at(above, j) + usize::from(from != to)).min(at(above, j + 1) + 1).min(row.last().copied().unwrap_or(0) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped && let Some(before) = rows.len().checked_sub(2) {
                least = least.min(at(rows.get(before), j - 1) + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_name_is_not() {
        let known = ["balance", "server", "use_backend", "backlog", "bind", "mode"];
        for (name, expected) in [
            ("blance", Some("balance")),
            ("sevrer", Some("server")),
            ("use-backend", Some("use_backend")),
            ("usebackend", Some("use_backend")),
            ("bnid", Some("bind")),
            ("balancing_mode", None),
            ("mo", None),
            ("servers_of_mine", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
