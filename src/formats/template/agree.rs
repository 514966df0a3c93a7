//! What holds in every reading of a template.

use crate::formats::source::has_hole;
use crate::model::Problem;
use crate::span::Span;

/// The most problems of a reading that are looked for in the others.
const MOST: usize = 300;

/// Returns the problems that hold: every reading that `has` the place has the problem, and no expression stands in its words. What only one reading
/// shows may never be rendered so.
pub(in crate::formats) fn agreed<T>(readings: &[(Vec<Problem>, T)], has: impl Fn(&T, &Span) -> bool) -> Vec<Problem> {
    if let [(problems, _)] = readings {
        return problems.clone();
    }
    let mut found: Vec<Problem> = Vec::new();
    for problem in readings.iter().flat_map(|(problems, _)| problems.iter().take(MOST)) {
        let same = |other: &Problem| other.span == problem.span && other.message == problem.message;
        let everywhere = readings.iter().all(|(problems, reading)| problems.iter().any(same) || !has(reading, &problem.span));
        if everywhere && !found.iter().any(same) {
            found.push(problem.clone());
        }
    }
    found.retain(|problem| !has_hole(&problem.message));
    found
}
