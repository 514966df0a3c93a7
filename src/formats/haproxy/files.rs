//! The files that a configuration names: maps, pattern files, crt-lists, error files, Lua.

use super::syntax::{Config, Word};
use crate::formats::source::has_hole;
use crate::model::{Input, Model, Role, Unknown};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::{Span, TreePath};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Directories that HAProxy's files are installed in, by the usual packages and images.
const PREFIXES: &[&str] = &["/etc/haproxy/", "/usr/local/etc/haproxy/", "/usr/local/haproxy/", "/opt/haproxy/", "/var/lib/haproxy/"];

/// The files of one tree, as configurations name them.
#[derive(Debug)]
pub(super) struct Files<'a> {
    snapshot: &'a Snapshot,
    /// What was said to be unknown already.
    told: BTreeSet<(TreePath, Arc<str>)>,
}

/// A file that a configuration names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Where it lies in the tree.
    pub(super) path: TreePath,
    /// What it says.
    pub(super) text: Arc<str>,
}

/// A line of a map or pattern file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    /// The key, or the pattern.
    pub(super) key: &'t str,
    /// What a map gives for it; empty in a pattern file.
    pub(super) value: &'t str,
    /// The line without the blanks around it.
    pub(super) span: Span,
}

impl<'a> Files<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, told: BTreeSet::new() }
    }

    /// Returns the file that `word` names in `config`, and notes that it was read. `None` where the tree does not have it or it cannot be read, which
    /// is then said, once for a name.
    pub(super) fn named(&mut self, config: &Config, word: &Word, model: &mut Model) -> Option<Named> {
        match self.find(config, &word.text) {
            Ok(named) => {
                model.inputs.push(Input { path: named.path.clone(), format: "haproxy", role: Role::Included });
                Some(named)
            }
            Err(reason) => {
                if let Some(reason) = reason
                    && self.told.insert((config.id.clone(), Arc::clone(&word.text)))
                {
                    model.unknown.push(Unknown { span: word.span.clone(), reason });
                }
                None
            }
        }
    }

    /// Returns whether the tree has the file that `written` names in `config`.
    pub(super) fn has(&self, config: &Config, written: &str) -> bool {
        self.locate(config, written).is_some()
    }

    fn find(&self, config: &Config, written: &str) -> Result<Named, Option<String>> {
        if has_hole(written) {
            let shown = crate::formats::source::shown(written);
            return Err(Some(format!("which file `{shown}` is, is not known here")));
        }
        let path = self.locate(config, written).ok_or_else(|| Some(format!("`{written}` is not in this tree")))?;
        match self.snapshot.text(&path) {
            Ok(text) => Ok(Named { path, text }),
            Err(ReadError::Wanted) => Err(None),
            Err(error) => Err(Some(format!("`{path}`: {error}"))),
        }
    }

    /// Returns where the file lies: below the configuration's directory where the name begins with a directory of installation or is relative;
    /// then in the one place whose path ends most like it.
    fn locate(&self, config: &Config, written: &str) -> Option<TreePath> {
        let directory = config.id.parent();
        let below = match PREFIXES.iter().find_map(|prefix| written.strip_prefix(prefix)) {
            Some(below) => Some(below),
            None if written.starts_with('/') => None,
            None => Some(written),
        };
        let direct = below.and_then(|below| directory.join(below)).filter(|path| self.is_file(path));
        direct.or_else(|| self.by_ending(written, &directory))
    }

    fn is_file(&self, path: &TreePath) -> bool {
        self.snapshot.resolve(path).is_ok()
    }

    /// Returns the path that ends like `written`, over the longest ending that any has: at least the file's name and its directory's, or a file in
    /// the configuration's own directory or below it. Of several, the nearest; `None` where that does not decide.
    fn by_ending(&self, written: &str, directory: &TreePath) -> Option<TreePath> {
        let wanted: Vec<&str> = written.split('/').filter(|segment| !segment.is_empty()).collect();
        let last = wanted.last()?;
        let near = |path: &TreePath| path.as_str().split('/').zip(directory.as_str().split('/')).take_while(|(a, b)| a == b).count();
        let mut best: Option<((usize, usize), Vec<&TreePath>)> = None;
        for (path, _) in self.snapshot.entries().filter(|(path, _)| path.file_name() == *last) {
            let length = path.as_str().rsplit('/').zip(wanted.iter().rev()).take_while(|(a, b)| a == *b).count();
            let rank = (length, near(path));
            match &mut best {
                Some((top, _)) if *top > rank => {}
                Some((top, paths)) if *top == rank => paths.push(path),
                Some(_) | None => best = Some((rank, vec![path])),
            }
        }
        let ((length, _), paths) = best?;
        match paths.as_slice() {
            [path] if length >= 2 || path.parent() == *directory => Some((*path).clone()),
            _ => None,
        }
    }
}

impl Named {
    /// Returns the keys and values of a map, in file order: the key ends at the first blank, the value at the line's end (HAProxy 2.6:
    /// `src/pattern.c`, `pat_ref_read_from_file_smp`).
    pub(super) fn map(&self) -> impl Iterator<Item = Entry<'_>> {
        self.lines().map(|(line, range)| {
            let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            Entry { key, value: value.trim_matches([' ', '\t']), span: Span::new(self.path.clone(), range.start, range.end) }
        })
    }

    /// Returns the patterns of a file that an ACL names with `-f`, in file order: a line is one pattern (HAProxy 2.6: `src/pattern.c`,
    /// `pat_ref_read_from_file`).
    pub(super) fn patterns(&self) -> impl Iterator<Item = Entry<'_>> {
        self.lines().map(|(line, range)| Entry { key: line, value: "", span: Span::new(self.path.clone(), range.start, range.end) })
    }

    /// Returns the lines that are neither empty nor comments, without the blanks before them.
    fn lines(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        let mut at = 0;
        self.text.split_inclusive('\n').filter_map(move |whole| {
            let start = at + whole.len() - whole.trim_start_matches([' ', '\t']).len();
            at += whole.len();
            let line = whole.trim_start_matches([' ', '\t']).split(['\r', '\n']).next().unwrap_or_default();
            (!line.is_empty() && !line.starts_with('#')).then_some((line, start..start + line.len()))
        })
    }
}
