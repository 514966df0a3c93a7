//! What changed in the files that were read, as a diff.

use super::comment::Material;
use super::escape::cut;
use super::markdown::{Place, code, fence};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use similar::{Algorithm, TextDiff};
use std::sync::Arc;

/// A file with more bytes than this is named, not shown.
const MAX_FILE_BYTES: usize = 200_000;
/// The most lines of a file's diff.
const MAX_LINES: usize = 60;
/// The most characters of a line.
const MAX_LINE: usize = 160;

/// Returns one piece of markdown for each file that was read and differs, in the order of the inputs.
pub(super) fn pieces(material: Material<'_>) -> Vec<String> {
    material.review.inputs.iter().filter_map(|input| piece(material, &input.path)).collect()
}

fn piece(material: Material<'_>, path: &str) -> Option<String> {
    let was = read(material.base, path);
    let now = read(material.head, path);
    if was == now {
        return None;
    }
    let state = match (&was, &now) {
        (None, _) => " (new)",
        (_, None) => " (gone)",
        _ => "",
    };
    let was = was.unwrap_or_default();
    let now = now.unwrap_or_default();
    let name = code(path, Place::Text);
    if was.len().max(now.len()) > MAX_FILE_BYTES {
        return Some(format!("{name}{state} is too large to show\n\n"));
    }
    Some(format!("{name}{state}\n{}\n", fence("diff", &diff(&was, &now))))
}

fn read(tree: &Snapshot, path: &str) -> Option<Arc<str>> {
    tree.text(&TreePath::new(path)?).ok()
}

/// Returns the changed lines with two lines around them, cut after [`MAX_LINES`].
fn diff(was: &str, now: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Histogram).diff_lines(was, now);
    let unified = diff.unified_diff().context_radius(2).to_string();
    let total = unified.lines().count();
    let mut lines: Vec<String> = unified.lines().take(MAX_LINES).map(|line| cut(line, MAX_LINE)).collect();
    if total > MAX_LINES {
        lines.push(format!("… {} more lines", total - MAX_LINES));
    }
    lines.join("\n")
}
