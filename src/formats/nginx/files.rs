//! The nginx files of a tree: each read and parsed at most once, and found by glob as nginx would.

use super::locate::by_ending;
use super::parser::{self, Parsed};
use super::{lexer, template};
use crate::model::Unknown;
use crate::snapshot::{ReadError, Snapshot};
use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A file that was looked at.
#[derive(Debug)]
pub(super) struct File {
    /// Where its text is: links followed.
    pub(super) path: TreePath,
    /// What it says, or why it cannot be read.
    pub(super) content: Content,
}

/// What came of reading a file.
#[derive(Debug)]
pub(super) enum Content {
    /// Read.
    Parsed(Parsed),
    /// A template: said so, not read.
    Template(Unknown),
    /// Not readable.
    Unreadable(ReadError),
}

/// The files of one tree.
pub(super) struct Files<'a> {
    snapshot: &'a Snapshot,
    /// The names in each directory, links not followed.
    names: BTreeMap<TreePath, BTreeSet<String>>,
    read: BTreeMap<TreePath, Arc<File>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut names: BTreeMap<TreePath, BTreeSet<String>> = BTreeMap::new();
        for (path, _) in snapshot.entries() {
            let mut path = path.clone();
            while !path.as_str().is_empty() {
                let parent = path.parent();
                if !names.entry(parent.clone()).or_default().insert(path.file_name().to_owned()) {
                    break;
                }
                path = parent;
            }
        }
        Self { snapshot, names, read: BTreeMap::new() }
    }

    /// Returns every directory, sorted.
    pub(super) fn directories(&self) -> impl Iterator<Item = &TreePath> {
        self.names.keys()
    }

    /// Returns the names in the directory at `path`, sorted.
    pub(super) fn names(&self, path: &TreePath) -> impl Iterator<Item = &str> {
        self.resolve(path).ok().and_then(|real| self.names.get(&real)).into_iter().flatten().map(String::as_str)
    }

    /// Returns every file and link of the tree, sorted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.snapshot.entries().map(|(path, _)| path)
    }

    /// Returns whether `path` is a directory once links are followed.
    pub(super) fn is_directory(&self, path: &TreePath) -> bool {
        self.resolve(path).is_ok_and(|path| self.names.contains_key(&path))
    }

    /// Returns where `path` leads once links are followed. A link to an absolute path is one of the machine it is installed on: it leads to
    /// the file of the tree that is meant, where that is plain.
    pub(super) fn resolve(&self, path: &TreePath) -> Result<TreePath, ReadError> {
        let resolved = self.snapshot.resolve(path);
        match &resolved {
            Err(ReadError::OutsideTree(target)) if target.starts_with('/') => {
                let meant = by_ending(target, &path.parent(), self.paths().filter(|other| *other != path));
                meant.map_or(resolved.clone(), |meant| self.snapshot.resolve(&meant))
            }
            _ => resolved,
        }
    }

    /// Returns the file at `path`, links followed.
    pub(super) fn file(&mut self, path: &TreePath) -> Arc<File> {
        let resolved = self.resolve(path);
        let real = resolved.clone().unwrap_or_else(|_| path.clone());
        if let Some(file) = self.read.get(&real) {
            return Arc::clone(file);
        }
        let content = match resolved.and_then(|path| self.snapshot.text(&path)) {
            Ok(text) => content(&real, &text),
            Err(error) => Content::Unreadable(error),
        };
        let file = Arc::new(File { path: real.clone(), content });
        self.read.insert(real, Arc::clone(&file));
        file
    }

    /// Returns the text of the file at `path`, if it has one.
    pub(super) fn text(&self, path: &TreePath) -> Option<Arc<str>> {
        self.snapshot.text(path).ok()
    }

    /// Returns what `pattern` matches below `base`, in nginx's order: by bytes of the path. nginx uses glob(3) without flags
    /// (`src/os/unix/ngx_files.c`, `ngx_open_glob`): `*`, `?` and `[…]` within a segment, names that begin with `.` only when the pattern does.
    pub(super) fn glob(&self, base: &TreePath, pattern: &str) -> Vec<TreePath> {
        let mut found = vec![base.clone()];
        for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
            found = found.iter().flat_map(|directory| self.step(directory, segment)).collect();
        }
        found.sort();
        found.dedup();
        found
    }

    /// Returns the entries of `directory` that `segment` matches.
    fn step(&self, directory: &TreePath, segment: &str) -> Vec<TreePath> {
        if !has_magic(segment) {
            let path = directory.join(segment).filter(|path| self.resolve(path) != Err(ReadError::NotThere));
            return path.into_iter().collect();
        }
        let Some(names) = self.resolve(directory).ok().and_then(|real| self.names.get(&real)) else { return Vec::new() };
        names.iter().filter(|name| matches(segment, name)).filter_map(|name| directory.join(name)).collect()
    }
}

fn content(path: &TreePath, text: &str) -> Content {
    let tokens = lexer::tokens(text);
    match template::find(path, text, &tokens) {
        Some(unknown) => Content::Template(unknown),
        None => Content::Parsed(parser::parse(path, text, &tokens)),
    }
}

/// Returns whether nginx takes `text` for a pattern (`src/core/ngx_conf_file.c`, `ngx_conf_include`).
pub(super) fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Returns whether `pattern` matches `name`, a single segment, as fnmatch(3) with `FNM_PERIOD` does. Time at most pattern x name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(length) = matches_one(pattern.get(p..).unwrap_or_default(), name.get(n).copied()) {
            p += length;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|char| *char == '*')
}

/// Returns how much of `pattern`'s start matches `char`.
fn matches_one(pattern: &[char], char: Option<char>) -> Option<usize> {
    let char = char?;
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == char).then_some(2),
        ['[', set @ ..] => {
            let negated = matches!(set.first(), Some('!' | '^'));
            let from = usize::from(negated);
            let end = set.iter().enumerate().skip(from + 1).find(|(_, c)| **c == ']').map(|(at, _)| at);
            let Some(end) = end else { return (char == '[').then_some(1) };
            (in_set(set.get(from..end)?, char) != negated).then_some(end + 2)
        }
        [literal, ..] => (*literal == char).then_some(1),
        [] => None,
    }
}

fn in_set(mut set: &[char], char: char) -> bool {
    loop {
        match set {
            [low, '-', high, rest @ ..] => {
                if (*low..=*high).contains(&char) {
                    return true;
                }
                set = rest;
            }
            [one, rest @ ..] => {
                if *one == char {
                    return true;
                }
                set = rest;
            }
            [] => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    #[test]
    fn a_pattern_matches_as_glob_does() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".hidden.conf", false),
            ("*.conf", "a.conf.bak", false),
            ("*", "default", true),
            ("[a-c]?.conf", "b1.conf", true),
            ("[!a-c]*", "b1.conf", false),
            ("[]x]", "]", true),
            ("*a*b*c", "xxaxxbxxc", true),
            (".*", ".hidden", true),
            ("\\*", "*", true),
            ("[x", "[x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn files_come_in_the_order_of_their_bytes() {
        let snapshot = memory(["c/b.conf", "c/10.conf", "c/9.conf", "c/Z.conf", "c/.x.conf", "c/sub/a.conf"].map(|path| (path, "")));
        let files = Files::new(&snapshot);
        let found = files.glob(&TreePath::new("c").unwrap(), "*.conf");
        assert_eq!(found.iter().map(TreePath::file_name).collect::<Vec<_>>(), ["10.conf", "9.conf", "Z.conf", "b.conf"]);
    }
}
