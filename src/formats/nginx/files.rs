//! The nginx files of a tree: each read and parsed at most once, and found by glob as nginx would.

use super::locate::by_ending;
use super::parser::{self, Parsed};
use super::{lexer, template};
use crate::formats::source::Source;
use crate::formats::template::{Choice, Template, Variables, rendered_name};
use crate::model::{Input, Inventory, Problem, Unknown};
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
    /// What of it is not understood, where it is a template.
    pub(super) unknown: Vec<Unknown>,
    /// The readings besides the first that it takes to see all of it.
    pub(super) further: Vec<Choice>,
    /// The files whose values it uses.
    pub(super) inputs: Vec<Input>,
    /// Part of it stands in no reading.
    pub(super) partial: bool,
}

/// What came of reading a file.
#[derive(Debug)]
pub(super) enum Content {
    /// Read; of a template, the reading that is asked for.
    Parsed(Parsed),
    /// Not readable.
    Unreadable(ReadError),
}

/// A template as a whole.
struct Whole {
    template: Template,
    text: Arc<str>,
    /// What is wrong with it, whatever the reading.
    problems: Vec<Problem>,
}

/// The files of one tree.
pub(super) struct Files<'a> {
    snapshot: &'a Snapshot,
    /// The names in each directory, links not followed.
    names: BTreeMap<TreePath, BTreeSet<String>>,
    read: BTreeMap<TreePath, Arc<File>>,
    /// The files that are templates.
    templates: BTreeMap<TreePath, Whole>,
    /// What the repository has for the names in templates.
    variables: Variables<'a>,
    /// Which reading of templates is asked for.
    choice: Choice,
    /// Templates in readings other than the first.
    others: BTreeMap<(TreePath, Choice), Arc<File>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, inventory: &'a Inventory) -> Self {
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
        Self {
            snapshot,
            names,
            read: BTreeMap::new(),
            templates: BTreeMap::new(),
            choice: Choice::first(),
            variables: Variables::new(snapshot, inventory),
            others: BTreeMap::new(),
        }
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

    /// Reads templates as `choice` has it from now on.
    pub(super) fn choose(&mut self, choice: Choice) {
        self.choice = choice;
    }

    /// Returns the file at `path`, links followed.
    pub(super) fn file(&mut self, path: &TreePath) -> Arc<File> {
        let resolved = self.resolve(path);
        let real = resolved.clone().unwrap_or_else(|_| path.clone());
        if self.templates.contains_key(&real) && self.choice != Choice::first() {
            return self.other_reading(real);
        }
        if let Some(file) = self.read.get(&real) {
            return Arc::clone(file);
        }
        let file = match resolved.and_then(|path| self.snapshot.text(&path)) {
            Ok(text) => self.text_file(&real, &text),
            Err(error) => File::plain(real.clone(), Content::Unreadable(error)),
        };
        let file = Arc::new(file);
        self.read.insert(real.clone(), Arc::clone(&file));
        if self.templates.contains_key(&real) && self.choice != Choice::first() { self.other_reading(real) } else { file }
    }

    fn text_file(&mut self, path: &TreePath, text: &Arc<str>) -> File {
        let Some(template) = template::read(path, text, &self.variables) else {
            let source = Source::plain(path.clone(), Arc::clone(text));
            return File::plain(path.clone(), Content::Parsed(parser::parse(&source, text, &lexer::tokens(text))));
        };
        let text = Arc::clone(template.text());
        let problems = template::problems(&template, &text);
        let file = reading(&template, &text, &problems, &Choice::first());
        self.templates.insert(path.clone(), Whole { template, text, problems });
        file
    }

    fn other_reading(&mut self, path: TreePath) -> Arc<File> {
        let key = (path.clone(), self.choice.clone());
        if let Some(file) = self.others.get(&key) {
            return Arc::clone(file);
        }
        let read = self.templates.get(&path).map(|whole| reading(&whole.template, &whole.text, &whole.problems, &self.choice));
        let file = Arc::new(read.unwrap_or_else(|| File::plain(path, Content::Unreadable(ReadError::NotThere))));
        self.others.insert(key, Arc::clone(&file));
        file
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
        // A template beside the files is installed under the name it makes.
        let made = |name: &&String| {
            let rendered = rendered_name(name);
            rendered != name.as_str() && !names.contains(rendered) && matches(segment, rendered)
        };
        names.iter().filter(|name| matches(segment, name) || made(name)).filter_map(|name| directory.join(name)).collect()
    }
}

/// Returns what `template` says in the reading `choice`. One that cannot be read whole says nothing.
fn reading(template: &Template, text: &str, problems: &[Problem], choice: &Choice) -> File {
    let (source, mut parsed) = template::parse(template, text, choice);
    parsed.problems = problems.to_vec();
    let whole = template.is_whole();
    if !whole {
        parsed.directives.clear();
    }
    File {
        path: source.path,
        content: Content::Parsed(parsed),
        unknown: template.unknown(),
        inputs: template.inputs().collect(),
        further: if whole { template.further() } else { Vec::new() },
        partial: !whole,
    }
}

impl File {
    fn plain(path: TreePath, content: Content) -> Self {
        Self { path, content, unknown: Vec::new(), further: Vec::new(), inputs: Vec::new(), partial: false }
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
        let inventory = Inventory::default();
        let files = Files::new(&snapshot, &inventory);
        let found = files.glob(&TreePath::new("c").unwrap(), "*.conf");
        assert_eq!(found.iter().map(TreePath::file_name).collect::<Vec<_>>(), ["10.conf", "9.conf", "Z.conf", "b.conf"]);
    }
}
