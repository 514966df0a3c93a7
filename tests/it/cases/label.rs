//! The lines that say what a file is.

use super::Failure;

/// What a line says of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A block with its content follows.
    File(Trees),
    /// A `diff` block follows.
    Changes,
    Deleted,
    Links(String, Trees),
}

/// In which trees a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "three trees, each named or not, and whether any was")]
pub(super) struct Trees {
    pub(super) base: bool,
    pub(super) head: bool,
    pub(super) known_good: bool,
    /// The label names trees; otherwise it is in every one.
    pub(super) named: bool,
}

const EVERY: Trees = Trees { base: true, head: true, known_good: true, named: false };

/// Returns the path and what is said of it; `None` for prose that begins with a quoted word.
pub(super) fn read(at: usize, line: &str) -> Result<Option<(String, Label)>, Failure> {
    let Some((path, rest)) = line.strip_prefix('`').and_then(|rest| rest.split_once('`')) else { return Ok(None) };
    let label = if let Some(rest) = rest.strip_prefix(" links to `") {
        let (target, rest) = rest.split_once('`').ok_or_else(|| Failure::new(at, "the link's target has no closing backtick"))?;
        Label::Links(target.to_owned(), trees(at, rest.trim_end_matches('.'))?)
    } else if rest.trim_end_matches('.') == " is deleted" {
        Label::Deleted
    } else if let Some(words) = rest.strip_suffix(':') {
        if words == " changes" { Label::Changes } else { Label::File(trees(at, words)?) }
    } else {
        return Ok(None);
    };
    match waypost::span::TreePath::new(path) {
        Some(clean) if clean.as_str() == path && !path.is_empty() => Ok(Some((path.to_owned(), label))),
        _ => Err(Failure::new(at, format!("`{path}` is not a path inside a tree"))),
    }
}

fn trees(at: usize, words: &str) -> Result<Trees, Failure> {
    if words.is_empty() {
        return Ok(EVERY);
    }
    let names = words.strip_prefix(" in ").ok_or_else(|| Failure::new(at, format!("`{}` says nothing of a file", words.trim())))?;
    let mut trees = Trees { base: false, head: false, known_good: false, named: true };
    for name in names.split(',') {
        match name.trim() {
            "base" => trees.base = true,
            "head" => trees.head = true,
            "known-good" => trees.known_good = true,
            other => return Err(Failure::new(at, format!("`{other}` is no tree: base, head, known-good"))),
        }
    }
    Ok(trees)
}
