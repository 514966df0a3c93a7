//! Diff blocks without numbers.

use super::Failure;
use super::block::{Block, Line, Marker};

/// A hunk: what it replaces and by what; of the lines it takes away, the markers speak of base.
#[derive(Default)]
struct Hunk {
    at: usize,
    old: Vec<Line>,
    new: Vec<Line>,
    /// For each line of `old`: whether it stays.
    stays: Vec<bool>,
}

/// The new text, and the markers of lines that only the old one has, with their line numbers.
type Applied = (Vec<Line>, Vec<(usize, Marker)>);

/// Applies `block` to `base`. Returns the head's lines and, as markers of base, those on lines taken away with their index in base.
pub(super) fn apply(base: &[Line], block: &Block) -> Result<Applied, Failure> {
    let mut head = Vec::new();
    let mut gone = Vec::new();
    let mut from = 0;
    for hunk in hunks(block)? {
        let start = place(base, &hunk)?;
        if start < from {
            return Err(Failure::new(hunk.at, "the hunks overlap or are not in the file's order"));
        }
        head.extend(base.get(from..start).unwrap_or_default().iter().cloned());
        from = start + hunk.old.len();
        let mut old = base.get(start..from).unwrap_or_default().iter().zip(&hunk.old).zip(&hunk.stays);
        for (at, ((have, wrote), stays)) in (start..from).zip(&mut old) {
            if !stays {
                gone.extend(have.markers.iter().chain(&wrote.markers).map(|marker| (at, marker.clone())));
            }
        }
        // A line that stays keeps the markers it has in base.
        let mut kept = base.get(start..from).unwrap_or_default().iter().zip(&hunk.stays).filter(|(_, stays)| **stays).map(|(line, _)| line);
        for line in hunk.new {
            let mut line = line;
            if line.bytes.first() == Some(&b' ') {
                line.markers.extend(kept.next().into_iter().flat_map(|line| line.markers.clone()));
            }
            line.bytes.remove(0);
            head.push(line);
        }
    }
    head.extend(base.get(from..).unwrap_or_default().iter().cloned());
    Ok((head, gone))
}

fn hunks(block: &Block) -> Result<Vec<Hunk>, Failure> {
    let mut hunks = vec![Hunk { at: block.at, ..Hunk::default() }];
    let places = block.lines.iter().filter(|(_, text)| !text.trim_start_matches(['+', '-', ' ']).starts_with("#~")).map(|(at, _)| *at);
    for (line, at) in block.content()?.into_iter().zip(places) {
        let hunk = hunks.last_mut().unwrap();
        let rest = line.bytes.get(1..).unwrap_or_default().to_vec();
        match line.bytes.first() {
            Some(b'@') if line.bytes == b"@@" => hunks.push(Hunk { at, ..Hunk::default() }),
            Some(b'-') => {
                hunk.old.push(Line { bytes: rest, markers: line.markers });
                hunk.stays.push(false);
            }
            Some(b'+') => hunk.new.push(line),
            Some(b' ') | None => {
                let line = if line.bytes.is_empty() { Line { bytes: vec![b' '], ..line } } else { line };
                hunk.old.push(Line { bytes: rest, markers: Vec::new() });
                hunk.stays.push(true);
                hunk.new.push(line);
            }
            Some(_) => return Err(Failure::new(at, "a line of a diff begins with a blank, `-` or `+`")),
        }
    }
    // The `@@` that git puts before the first hunk parts nothing.
    if hunks.len() > 1 && hunks.first().is_some_and(|first| first.old.is_empty() && first.new.is_empty()) {
        hunks.remove(0);
    }
    match hunks.iter().find(|hunk| hunk.stays.len() == hunk.new.len() && hunk.stays.iter().all(|stays| *stays)) {
        Some(hunk) => Err(Failure::new(hunk.at, "the hunk changes nothing")),
        None => Ok(hunks),
    }
}

/// Returns where the old side of `hunk` is in `base`.
fn place(base: &[Line], hunk: &Hunk) -> Result<usize, Failure> {
    if hunk.old.is_empty() && !base.is_empty() {
        return Err(Failure::new(hunk.at, "the hunk has no old line to find its place by"));
    }
    let same = |window: &[Line]| window.iter().map(|line| &line.bytes).eq(hunk.old.iter().map(|line| &line.bytes));
    let found: Vec<usize> =
        (0..=base.len().saturating_sub(hunk.old.len())).filter(|at| base.get(*at..at + hunk.old.len()).is_some_and(same)).collect();
    match found.as_slice() {
        [at] => Ok(*at),
        [] => Err(Failure::new(hunk.at, "the old side of the hunk is not in base")),
        more => Err(Failure::new(hunk.at, format!("the old side of the hunk is in base {} times", more.len()))),
    }
}
