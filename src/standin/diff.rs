//! What a pull request changes: files with their patches, and which lines can carry a comment.

use super::objects::{Listed, Objects};
use gix::hash::ObjectId;
use similar::{ChangeTag, TextDiff};
use std::collections::BTreeMap;

/// Lines of context around a change, as GitHub shows.
const CONTEXT: usize = 3;

/// A changed file.
#[derive(Clone, Debug)]
pub(super) struct ChangedFile {
    pub(super) path: String,
    /// The old path of a renamed file.
    pub(super) was: Option<String>,
    /// `added`, `removed`, `modified` or `renamed`.
    pub(super) status: &'static str,
    pub(super) blob: ObjectId,
    pub(super) additions: usize,
    pub(super) deletions: usize,
    /// `None` for a binary file.
    pub(super) hunks: Option<Vec<Hunk>>,
}

/// A part of a file that changed, with its context.
#[derive(Clone, Debug)]
pub(super) struct Hunk {
    /// The `@@ … @@` line.
    pub(super) header: String,
    pub(super) lines: Vec<DiffLine>,
}

/// A line of a hunk.
#[derive(Clone, Debug)]
pub(super) struct DiffLine {
    /// `' '`, `'-'` or `'+'`.
    pub(super) sign: char,
    /// From 1; `None` for an added line.
    pub(super) old: Option<u64>,
    /// From 1; `None` for a removed line.
    pub(super) new: Option<u64>,
    /// Without its line end.
    pub(super) text: String,
    /// The last line of a file that does not end in a line end.
    pub(super) no_newline: bool,
}

impl ChangedFile {
    /// The patch as the REST API has it.
    pub(super) fn patch(&self) -> Option<String> {
        let hunks = self.hunks.as_ref()?;
        let mut out = Vec::new();
        for hunk in hunks {
            out.push(hunk.header.clone());
            for line in &hunk.lines {
                out.push(format!("{}{}", line.sign, line.text));
                if line.no_newline {
                    out.push("\\ No newline at end of file".to_owned());
                }
            }
        }
        Some(out.join("\n"))
    }

    /// Whether a review comment can stand on this line: `RIGHT` counts lines of head, `LEFT` those of base.
    pub(super) fn has_line(&self, side: &str, line: u64) -> bool {
        self.hunk_of(side, line).is_some()
    }

    /// The index of the hunk that shows a line.
    pub(super) fn hunk_of(&self, side: &str, line: u64) -> Option<usize> {
        let shows = |shown: &DiffLine| if side == "LEFT" { shown.old == Some(line) } else { shown.new == Some(line) };
        self.hunks.as_ref()?.iter().position(|hunk| hunk.lines.iter().any(shows))
    }
}

impl ChangedFile {
    /// The hunk of a line, up to that line.
    pub(super) fn hunk_text(&self, side: &str, line: u64) -> String {
        let Some(hunk) = self.hunk_of(side, line).and_then(|at| self.hunks.as_ref()?.get(at)) else { return String::new() };
        let last = |shown: &DiffLine| if side == "LEFT" { shown.old == Some(line) } else { shown.new == Some(line) };
        let mut out = vec![hunk.header.clone()];
        for shown in &hunk.lines {
            out.push(format!("{}{}", shown.sign, shown.text));
            if last(shown) {
                break;
            }
        }
        out.join("\n")
    }
}

/// Where a line of `old` is in `new`; `None` where it was changed or taken away.
pub(super) fn moved_line(old: &str, new: &str, line: u64) -> Option<u64> {
    let diff = TextDiff::from_lines(old, new);
    let mut same = diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Equal);
    same.find(|change| change.old_index().map(number) == Some(line)).and_then(|change| change.new_index().map(number))
}

/// Compares two commits or trees; the files are in the order of their paths.
pub(super) fn changed_files(objects: &Objects, base: ObjectId, head: ObjectId) -> Vec<ChangedFile> {
    let old = objects.files(base);
    let new = objects.files(head);
    let mut gone: BTreeMap<&String, &Listed> = old.iter().filter(|(path, _)| !new.contains_key(*path)).collect();
    let mut out = Vec::new();
    for (path, entry) in &new {
        match old.get(path) {
            Some(before) if before.id == entry.id && before.mode == entry.mode => {}
            Some(before) => out.push(changed(objects, path, None, Some(before), Some(entry))),
            None => {
                let source = gone.iter().find(|(_, before)| before.id == entry.id).map(|(path, _)| (*path).clone());
                let before = source.as_ref().and_then(|path| gone.remove(path));
                out.push(changed(objects, path, source, before, Some(entry)));
            }
        }
    }
    for (path, entry) in gone {
        out.push(changed(objects, path, None, Some(entry), None));
    }
    out.sort_by(|one, other| one.path.cmp(&other.path));
    out
}

fn changed(objects: &Objects, path: &str, was: Option<String>, old: Option<&Listed>, new: Option<&Listed>) -> ChangedFile {
    let bytes = |entry: Option<&Listed>| entry.and_then(|entry| objects.blob(entry.id)).unwrap_or_default().to_vec();
    let hunks = hunks(&bytes(old), &bytes(new));
    let count = |sign: char| hunks.iter().flatten().flat_map(|hunk| &hunk.lines).filter(|line| line.sign == sign).count();
    let status = match (&was, old, new) {
        (Some(_), _, _) => "renamed",
        (None, None, _) => "added",
        (None, Some(_), None) => "removed",
        (None, Some(_), Some(_)) => "modified",
    };
    let blob = new.or(old).map_or_else(|| ObjectId::null(gix::hash::Kind::Sha1), |entry| entry.id);
    ChangedFile { path: path.to_owned(), was, status, blob, additions: count('+'), deletions: count('-'), hunks }
}

/// The hunks between two texts; `None` where one of them is not text.
fn hunks(old: &[u8], new: &[u8]) -> Option<Vec<Hunk>> {
    if old.contains(&0) || new.contains(&0) {
        return None;
    }
    let (old, new) = (std::str::from_utf8(old).ok()?, std::str::from_utf8(new).ok()?);
    let diff = TextDiff::from_lines(old, new);
    let mut hunks = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        let lines = hunk.iter_changes().map(|change| {
            let text = change.value();
            DiffLine {
                sign: match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                },
                old: change.old_index().map(number),
                new: change.new_index().map(number),
                text: text.strip_suffix('\n').unwrap_or(text).to_owned(),
                no_newline: change.missing_newline(),
            }
        });
        hunks.push(Hunk { header: hunk.header().to_string().trim_end().to_owned(), lines: lines.collect() });
    }
    Some(hunks)
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::super::objects::{File, Files};
    use super::*;

    fn tree(objects: &mut Objects, list: &[(&str, &str)]) -> ObjectId {
        let files: Files = list.iter().map(|(path, text)| ((*path).to_owned(), File::from(*text))).collect();
        objects.add_tree(&files)
    }

    #[test]
    fn a_patch_is_that_of_git() {
        let mut objects = Objects::default();
        let base = tree(&mut objects, &[("a", "1\n2\n3\n4\n5\n6\n7\n8\n"), ("old", "same\n"), ("x", "x")]);
        let head = tree(&mut objects, &[("a", "1\n2\n3\n4\nfive\n6\n7\n8\n"), ("new", "same\n"), ("y", "y\n")]);
        let files = changed_files(&objects, base, head);
        let seen: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.status, file.was.as_deref())).collect();
        assert_eq!(seen, [("a", "modified", None), ("new", "renamed", Some("old")), ("x", "removed", None), ("y", "added", None)]);
        assert_eq!(files[0].patch().unwrap(), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8");
        assert_eq!(files[2].patch().unwrap(), "@@ -1 +0,0 @@\n-x\n\\ No newline at end of file");
        assert!(files[0].has_line("RIGHT", 8) && !files[0].has_line("RIGHT", 1) && files[0].has_line("LEFT", 5));
    }
}
