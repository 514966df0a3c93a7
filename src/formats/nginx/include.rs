//! The include graph: every `include` replaced by what it brings in.
//!
//! nginx reads relative names from the directory of the main file (`src/core/ngx_conf_file.c`, `ngx_conf_include`: `ngx_conf_full_name`
//! with the configuration prefix). Absolute names are those of the machine the files are installed on; [`locate`] finds them in the tree.

use super::Config;
use super::files::{Content, Files, has_magic};
use super::locate::{Place, locate};
use super::names::Folder;
use super::syntax::Directive;
use crate::formats::source::has_hole;
use crate::formats::template::Choice;
use crate::model::{Input, Model, Problem, ProblemKind, Related, Role, Unknown};
use crate::snapshot::ReadError;
use crate::span::{Span, TreePath};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The deepest nesting of blocks and includes together.
const MAX_DEPTH: usize = 96;

/// The most statements of one configuration once includes are expanded.
const MAX_STATEMENTS: usize = 200_000;

/// Expands the includes of configurations of one tree.
pub(super) struct Expander<'a, 'b> {
    files: &'b mut Files<'a>,
    model: &'b mut Model,
    /// Files whose own problems are in the model.
    told: BTreeSet<TreePath>,
    /// What was reported, so that a file included twice is blamed once.
    blamed: BTreeSet<(Span, String)>,
}

/// A configuration in each reading of its templates, the first one first; a plain one has no other.
pub(super) struct Readings {
    pub(super) configs: Vec<Config>,
    /// Every file reached.
    pub(super) reached: BTreeSet<TreePath>,
}

/// The most readings of a configuration besides the first.
const MAX_FURTHER: usize = 3;

/// One configuration while its includes are expanded.
struct Walk {
    /// Where relative names begin: the directory of the main file.
    prefix: TreePath,
    /// The files that are being expanded, outermost first, each with the `include` that brought it in.
    open: Vec<(TreePath, Option<Span>)>,
    /// Every file reached.
    reached: BTreeSet<TreePath>,
    depth: usize,
    statements: usize,
    /// Globs whose directory is not in the tree.
    absent_globs: usize,
    complete: bool,
    /// A main file that is not known may define what these files name.
    elsewhere: bool,
    /// No main file says where relative names begin: `prefix` is a guess.
    assumed: bool,
    /// The readings that the templates among the files need besides the one that is read.
    further: Vec<Choice>,
}

impl<'a, 'b> Expander<'a, 'b> {
    pub(super) fn new(files: &'b mut Files<'a>, model: &'b mut Model) -> Self {
        Self { files, model, told: BTreeSet::new(), blamed: BTreeSet::new() }
    }

    /// Returns the configuration that begins in the file `entry`.
    pub(super) fn entry(&mut self, entry: &TreePath) -> Readings {
        self.readings(|this| {
            let mut walk = Walk::new(entry.parent(), false);
            let directives = this.whole(entry, None, &mut walk, Role::Entry);
            (walk, entry.clone(), directives)
        })
    }

    /// Returns a configuration in each of its readings; `read` reads it once.
    fn readings(&mut self, read: impl Fn(&mut Self) -> (Walk, TreePath, Vec<Directive>)) -> Readings {
        let (walk, id, directives) = read(self);
        let mut further = walk.further.clone();
        // All files' second readings are one; what they need beyond that is tried as far as it goes.
        further.sort();
        further.truncate(MAX_FURTHER);
        let (config, reached) = walk.config(id, directives, &Choice::first());
        let mut readings = Readings { configs: vec![config], reached };
        for choice in further {
            self.files.choose(choice.clone());
            let (walk, id, directives) = read(self);
            let (config, reached) = walk.config(id, directives, &choice);
            readings.configs.push(config);
            readings.reached.extend(reached);
        }
        self.files.choose(Choice::first());
        readings
    }

    /// Returns the configuration of `parts`, files that no entry includes, as if an entry above `folder` had them in its `http` block, or in
    /// `stream` where they cannot be HTTP's.
    pub(super) fn parts(&mut self, folder: &Folder, parts: &[TreePath]) -> Readings {
        self.readings(|this| this.parts_once(folder, parts))
    }

    fn parts_once(&mut self, folder: &Folder, parts: &[TreePath]) -> (Walk, TreePath, Vec<Directive>) {
        let mut walk = Walk::new(folder.prefix.clone(), true);
        let (mut http, mut stream) = (Vec::new(), Vec::new());
        for part in parts {
            let directives = self.whole(part, None, &mut walk, Role::Entry);
            if is_stream(&directives) { stream.extend(directives) } else { http.extend(directives) }
        }
        let blocks = [("http", http), ("stream", stream)].into_iter().filter_map(|(name, block)| {
            let start = block.first()?.head.clone();
            Some(Directive::synthetic(name, Span::new(start.path, 0, 0), block))
        });
        let directives = blocks.collect();
        // Another main file may define what these name.
        walk.elsewhere = !folder.usual;
        (walk, folder.id.clone(), directives)
    }

    /// Reports the file at `path`, which cannot be read, though no other file includes it.
    pub(super) fn report(&mut self, path: &TreePath) {
        let mut walk = Walk::new(path.parent(), true);
        self.whole(path, None, &mut walk, Role::Entry);
    }

    /// Returns where `path` leads once links are followed.
    pub(super) fn resolve(&self, path: &TreePath) -> Option<TreePath> {
        self.files.resolve(path).ok()
    }

    /// Returns whether `path` is a directory.
    pub(super) fn is_directory(&self, path: &TreePath) -> bool {
        self.files.is_directory(path)
    }

    /// Returns the statements of the file at `path`, expanded; `by` is the `include` that names it.
    fn whole(&mut self, path: &TreePath, by: Option<&Span>, walk: &mut Walk, role: Role) -> Vec<Directive> {
        let file = self.files.file(path);
        if let Some(by) = by
            && walk.open.iter().any(|(open, _)| *open == file.path)
        {
            walk.complete = false;
            self.circle(by, &file.path, walk);
            return Vec::new();
        }
        match &file.content {
            Content::Parsed(parsed) => {
                self.model.inputs.push(Input { path: file.path.clone(), format: "nginx", role });
                if self.told.insert(file.path.clone()) {
                    self.model.inputs.extend(file.inputs.iter().cloned());
                    self.model.problems.extend(parsed.problems.iter().cloned());
                    self.model.unknown.extend(file.unknown.iter().cloned());
                }
                walk.complete &= !file.partial;
                walk.further.extend(file.further.iter().filter(|choice| !walk.further.contains(choice)).cloned().collect::<Vec<_>>());
                walk.reached.insert(file.path.clone());
                walk.open.push((file.path.clone(), by.cloned()));
                let directives = self.expand(&parsed.directives, walk);
                walk.open.pop();
                directives
            }
            Content::Unreadable(error) => {
                walk.complete = false;
                if matches!(error, ReadError::TooLarge { .. } | ReadError::NotText | ReadError::Unreadable(_)) {
                    self.model.inputs.push(Input { path: file.path.clone(), format: "nginx", role });
                }
                self.unreadable(&file.path, by, error);
                Vec::new()
            }
        }
    }

    fn expand(&mut self, directives: &[Directive], walk: &mut Walk) -> Vec<Directive> {
        let mut expanded = Vec::with_capacity(directives.len());
        walk.depth += 1;
        for directive in directives {
            walk.statements += 1;
            if walk.statements > MAX_STATEMENTS || walk.depth > MAX_DEPTH {
                self.too_much(directive, walk);
                break;
            }
            if directive.name() == "include" && directive.has_hole() {
                // Which file that is, is said with the template's other expressions.
                walk.complete = false;
                continue;
            }
            if directive.name() == "include" && directive.block.is_none() && directive.args.len() == 1 {
                expanded.append(&mut self.include(directive, walk));
                continue;
            }
            let block = directive.block.as_ref().map(|block| self.block(block, walk));
            expanded.push(Directive { block, ..directive.shallow() });
        }
        walk.depth -= 1;
        expanded
    }

    /// Returns `block` with its includes expanded: itself where it has none.
    fn block(&mut self, block: &Arc<[Directive]>, walk: &mut Walk) -> Arc<[Directive]> {
        match statements_without_include(block, walk.depth + 1) {
            Some(count) if walk.statements + count <= MAX_STATEMENTS => {
                walk.statements += count;
                Arc::clone(block)
            }
            _ => self.expand(block, walk).into(),
        }
    }

    /// Returns what `directive`, an `include`, brings in.
    fn include(&mut self, directive: &Directive, walk: &mut Walk) -> Vec<Directive> {
        let written = directive.arg(0).unwrap_or_default();
        let mut expanded = Vec::new();
        match self.locate(written, walk) {
            Place::File(path) => expanded.append(&mut self.whole(&path, Some(&directive.head), walk, Role::Included)),
            Place::Matches(paths) => {
                // Finding them is work too.
                walk.statements += paths.len();
                for path in paths {
                    if walk.statements > MAX_STATEMENTS {
                        self.too_much(directive, walk);
                        break;
                    }
                    expanded.append(&mut self.whole(&path, Some(&directive.head), walk, Role::Included));
                }
            }
            Place::AbsentDirectory => walk.absent_globs += 1,
            Place::Shipped => {}
            // Beside a main file that is not here there may be other files that are not: only a name nearly that of one here, or in a directory
            // that is here, says where it should lie.
            Place::Missing(path) if walk.assumed && walk.is_guess(written, &path) && self.nearest(&path).is_none() => {
                self.elsewhere(directive, format!("`{written}` is not in this tree"), walk);
            }
            Place::Missing(path) => {
                walk.complete = false;
                self.missing(directive, written, &path);
            }
            Place::Elsewhere(reason) => self.elsewhere(directive, reason, walk),
        }
        expanded
    }

    /// Returns where `written` leads. Without a main file relative names begin in any of the directories above the parts: the nearest that has it.
    fn locate(&self, written: &str, walk: &Walk) -> Place {
        let place = locate(self.files, &walk.prefix, written);
        if !walk.assumed || written.starts_with('/') || matches!(place, Place::File(_) | Place::Matches(_) | Place::Shipped) {
            return place;
        }
        let mut prefix = walk.prefix.clone();
        while !prefix.as_str().is_empty() {
            prefix = prefix.parent();
            match locate(self.files, &prefix, written) {
                found @ (Place::File(_) | Place::Matches(_)) => return found,
                Place::Missing(path) if self.nearest(&path).is_some() => return Place::Missing(path),
                _ => {}
            }
        }
        place
    }

    fn elsewhere(&mut self, directive: &Directive, reason: String, walk: &mut Walk) {
        walk.complete = false;
        if self.blamed.insert((directive.head.clone(), reason.clone())) {
            self.model.unknown.push(Unknown { span: directive.head.clone(), reason });
        }
    }

    fn missing(&mut self, directive: &Directive, written: &str, path: &TreePath) {
        let kind = if has_magic(written) { "directory" } else { "file" };
        let message = format!("`include {written}` names a {kind} that is not there: `{path}`");
        let help = self.nearest(path).map_or_else(
            || format!("add `{path}`, or remove the `include`; nginx refuses the whole configuration without it"),
            |near| format!("`{near}` is there; nginx refuses the whole configuration until the name is right"),
        );
        self.problem(&directive.head, ProblemKind::DanglingReference, message, Some(help));
    }

    /// Returns the file beside `path` whose name is almost the same.
    fn nearest(&self, path: &TreePath) -> Option<TreePath> {
        let directory = path.parent();
        let names = self.files.names(&directory);
        let (distance, name) = names.map(|name| (super::directives::distance(name, path.file_name()), name)).min()?;
        (distance <= 2).then(|| directory.join(name)).flatten()
    }

    fn problem(&mut self, span: &Span, kind: ProblemKind, message: String, help: Option<String>) {
        if self.blamed.insert((span.clone(), message.clone())) {
            self.model.problems.push(Problem { kind, fatal: true, message, help, span: span.clone(), related: Vec::new(), fix: None });
        }
    }

    /// Reports an `include` that leads back to a file that is being read.
    fn circle(&mut self, by: &Span, path: &TreePath, walk: &Walk) {
        // Once for an `include`, however many ways lead through it.
        if !self.blamed.insert((by.clone(), String::new())) {
            return;
        }
        let from = walk.open.iter().position(|(open, _)| open == path).unwrap_or(0);
        let ring = walk.open.get(from..).unwrap_or_default();
        let mut names: Vec<String> = ring.iter().map(|(open, _)| format!("`{open}`")).collect();
        names.push(format!("`{path}`"));
        self.problem(by, ProblemKind::Syntax, format!("this `include` runs in a circle: {}", names.join(" includes ")), None);
        let related = ring.iter().skip(1).filter_map(|(_, by)| by.clone()).map(|span| Related { span, text: "on the way".to_owned() });
        if let Some(problem) = self.model.problems.last_mut().filter(|problem| problem.span == *by && problem.related.is_empty()) {
            problem.related.extend(related);
            problem.help =
                Some("take one of the `include`s out; nginx opens files until it may open no more, and refuses the configuration".to_owned());
        }
    }

    fn unreadable(&mut self, path: &TreePath, by: Option<&Span>, error: &ReadError) {
        let start = Span::new(path.clone(), 0, 0);
        let span = by.unwrap_or(&start);
        match error {
            ReadError::Wanted => {}
            ReadError::TooLarge { .. } => {
                let help = "split it into several files; the rest of the configuration is reviewed without it".to_owned();
                // An error although nginx would read it: padding must not turn a review off.
                self.problem(&start, ProblemKind::Syntax, format!("`{path}` is not read: {error}"), Some(help));
            }
            ReadError::NotText => {
                let help = "nginx reads it as configuration; take it out, or narrow the `include`".to_owned();
                self.problem(&start, ProblemKind::Syntax, format!("`{path}` is not a text file"), Some(help));
            }
            ReadError::Directory => self.problem(span, ProblemKind::Syntax, format!("`{path}`, which this includes, is a directory"), None),
            ReadError::OutsideTree(target) => {
                let help = "put the file itself in its place; what lies outside is not read".to_owned();
                let message = format!("`{path}` is a link to `{target}`, which is not inside the tree");
                self.problem(span, ProblemKind::DanglingReference, message, Some(help));
            }
            ReadError::NotThere => self.problem(span, ProblemKind::DanglingReference, format!("`{path}` is a link to nothing"), None),
            ReadError::Unreadable(_) => {
                self.model.unknown.push(Unknown { span: span.clone(), reason: format!("`{path}`: {error}") });
            }
        }
    }

    fn too_much(&mut self, directive: &Directive, walk: &mut Walk) {
        if walk.complete {
            let reason = format!("with its includes this has more than {MAX_STATEMENTS} statements or {MAX_DEPTH} levels; the rest is not read");
            self.model.unknown.push(Unknown { span: directive.head.clone(), reason });
        }
        walk.complete = false;
    }
}

impl Walk {
    fn new(prefix: TreePath, assumed: bool) -> Self {
        Self {
            prefix,
            open: Vec::new(),
            reached: BTreeSet::new(),
            depth: 0,
            statements: 0,
            absent_globs: 0,
            complete: true,
            elsewhere: false,
            assumed,
            further: Vec::new(),
        }
    }

    /// Returns whether only the guess where names begin says that `path`, of an include `written` so, should be in this directory.
    fn is_guess(&self, written: &str, path: &TreePath) -> bool {
        !written.trim_start_matches('/').contains('/') || written.starts_with('/') && path.parent() == self.prefix
    }

    /// Returns the configuration this came to, and the files reached.
    fn config(self, id: TreePath, directives: Vec<Directive>, choice: &Choice) -> (Config, BTreeSet<TreePath>) {
        // A tree that holds other included files is the whole configuration, and a directory that it lacks is one that git cannot hold: empty.
        let whole = self.absent_globs == 0 || self.reached.len() > 1;
        let whole = self.complete && whole && !directives.iter().any(holds_statements);
        (Config { id, variant: choice.name(), directives, complete: whole && !self.elsewhere, whole, assumed: self.assumed }, self.reached)
    }
}

/// Returns whether these servers pass connections on: `proxy_pass` directly in `server` is the stream module's.
fn is_stream(directives: &[Directive]) -> bool {
    let mut inside = directives.iter().filter(|directive| directive.name() == "server").flat_map(Directive::inside);
    inside.any(|directive| directive.name() == "proxy_pass")
}

/// Returns how many statements `directives`, at `depth`, are with what is in their blocks; `None` where one is an `include` or they are too deep.
fn statements_without_include(directives: &[Directive], depth: usize) -> Option<usize> {
    if depth > MAX_DEPTH {
        return None;
    }
    directives.iter().try_fold(directives.len(), |count, directive| match &directive.block {
        Some(block) => Some(count + statements_without_include(block, depth + 1)?),
        None => (directive.name() != "include").then_some(count),
    })
}

/// Returns whether an expression stands in the place of statements: what it makes may be any.
fn holds_statements(directive: &Directive) -> bool {
    (has_hole(directive.name()) && directive.args.is_empty()) || directive.inside().iter().any(holds_statements)
}
