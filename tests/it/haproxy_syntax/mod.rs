//! Reading HAProxy's files: what is said of bad ones, and whether the real HAProxy agrees.

mod real;
mod totality;

use waypost::formats::read;
use waypost::model::Problem;
use waypost::snapshot::memory;
use waypost::span::LineIndex;

/// A small file of `slips.txt`.
struct Slip {
    /// What it shows.
    name: String,
    /// Why HAProxy's refusal is not ours, where it is not.
    left_to_haproxy: Option<String>,
    /// The file.
    text: String,
}

/// Returns the files of `slips.txt`: each begins with `=== name`, or `=== name ~ why only HAProxy refuses it`.
fn slips() -> Vec<Slip> {
    let mut slips: Vec<Slip> = Vec::new();
    for line in include_str!("slips.txt").lines() {
        if let Some(head) = line.strip_prefix("=== ") {
            let (name, why) = head.split_once(" ~ ").map_or((head, None), |(name, why)| (name, Some(why.to_owned())));
            slips.push(Slip { name: name.to_owned(), left_to_haproxy: why, text: String::new() });
        } else {
            let text = &mut slips.last_mut().unwrap().text;
            text.push_str(line);
            text.push('\n');
        }
    }
    slips
}

/// Returns the problems of `text` as a file of its own, with their lines.
fn problems(text: &str) -> Vec<(usize, Problem)> {
    let model = read(&memory([("haproxy.cfg", text)]));
    let lines = LineIndex::new(text);
    model.problems.into_iter().map(|problem| (lines.line(problem.span.start), problem)).collect()
}
