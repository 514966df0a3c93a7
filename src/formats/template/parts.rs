//! Other templates that stand in one: found in the tree, read, and put in where they are named.
//!
//! Their texts are put behind the template's own, so that a place is one number whatever file it is in; [`Whole::files`] says where each begins.
//!
//! Sources: Ansible's search of templates (beside the template, then the role's `templates`), Puppet's `module/file` for `module/templates/file`, Chef's
//! `render` (the cookbook's `templates`), Go's templates of one directory (`*.tpl`).

use super::build;
use super::language::Language;
use super::scan::Scanned;
use super::tree::{Arm, Define, Import, Include, Kind, Loop, Node, Print};
use super::{erb, expr::Expr, go, jinja, placeholder};
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::collections::BTreeMap;
use std::ops::Range;

/// The most bytes of all texts together.
const LONGEST: usize = 1 << 20;

/// How deep templates may stand in each other.
const MAX_DEPTH: u32 = 8;

/// The most nodes that are put in.
const MOST_NODES: usize = 50_000;

/// The most files that are looked at for what they define.
const MOST_SIBLINGS: usize = 20;

/// A template with all that stands in it.
#[derive(Debug)]
pub(super) struct Whole {
    /// All texts, one behind the other.
    pub(super) text: String,
    /// Where each begins, and its file; the first is the template's own.
    pub(super) files: Vec<(usize, TreePath)>,
    pub(super) nodes: Vec<Node>,
    pub(super) scanned: Scanned,
}

/// Returns the tags of `text` as `language` has them.
pub(super) fn scan(text: &str, language: Language) -> Scanned {
    match language {
        Language::Jinja => jinja::scan(text),
        Language::Go => go::scan(text),
        Language::Erb => erb::scan(text, erb::Dialect::Erb),
        Language::Epp => erb::scan(text, erb::Dialect::Epp),
        Language::Placeholders { bare } => placeholder::scan(text, bare),
    }
}

/// Reads the file at `path`, and what it puts in from others.
pub(super) fn read(path: &TreePath, text: &str, language: Language, snapshot: &Snapshot) -> Whole {
    let mut scanned = scan(text, language);
    let trims = language == Language::Jinja && is_ansible(path, snapshot);
    let nodes = build::build(text, language, trims, &mut scanned);
    let whole = Whole { text: text.to_owned(), files: vec![(0, path.clone())], nodes: Vec::new(), scanned };
    let mut reader = Reader { whole, language, trims, snapshot, bodies: BTreeMap::new(), made: 0 };
    let mut nodes = reader.resolved(nodes, path, 0);
    if language == Language::Go {
        nodes.extend(reader.siblings(path));
    }
    reader.whole.nodes = nodes;
    reader.whole
}

/// Returns whether Ansible renders the template at `path`: it lies in a role, or the tree is an Ansible repository.
fn is_ansible(path: &TreePath, snapshot: &Snapshot) -> bool {
    let role = path.as_str().split_once("/templates/").map(|(role, _)| format!("{role}/tasks/"));
    snapshot.entries().any(|(other, _)| {
        let other = other.as_str();
        role.as_ref().is_some_and(|role| other.starts_with(role.as_str()))
            || other == "ansible.cfg"
            || other.starts_with("group_vars/")
            || other.contains("/group_vars/")
    })
}

struct Reader<'a> {
    whole: Whole,
    language: Language,
    /// As `build` has it.
    trims: bool,
    snapshot: &'a Snapshot,
    /// What is known of a file: the same one may stand in several places.
    bodies: BTreeMap<TreePath, Vec<Node>>,
    made: usize,
}

impl Reader<'_> {
    /// Returns `nodes`, which are of the file at `path`, with other templates in their places.
    fn resolved(&mut self, nodes: Vec<Node>, path: &TreePath, depth: u32) -> Vec<Node> {
        nodes.into_iter().map(|node| self.node(node, path, depth)).collect()
    }

    fn node(&mut self, node: Node, path: &TreePath, depth: u32) -> Node {
        match node {
            Node::Include(include) => self.include(include, path, depth),
            Node::Group(inner) => Node::Group(self.resolved(inner, path, depth)),
            Node::Define(define) => Node::Define(Define { body: self.resolved(define.body, path, depth), ..define }),
            Node::Choice(arms) => Node::Choice(arms.into_iter().map(|arm| Arm { body: self.resolved(arm.body, path, depth), ..arm }).collect()),
            Node::Loop(one) => {
                let (body, otherwise) = (self.resolved(one.body, path, depth), self.resolved(one.otherwise, path, depth));
                Node::Loop(Loop { body, otherwise, ..one })
            }
            node @ (Node::Text(_) | Node::Print(_) | Node::Set(..)) => node,
        }
    }

    fn include(&mut self, include: Include, path: &TreePath, depth: u32) -> Node {
        let found = if depth < MAX_DEPTH { include.names.iter().find_map(|name| self.find(name, path)) } else { None };
        let body = found.filter(|found| found != path).and_then(|found| self.body(&found, depth));
        match (body, include.import.clone()) {
            (Some(body), None) => Node::Group(body),
            (Some(body), Some(import)) => Node::Group(imported(body, &import)),
            (None, Some(_)) => Node::Group(Vec::new()),
            (None, None) if include.optional => Node::Group(Vec::new()),
            (None, None) => {
                self.misspelt(&include, path);
                let words = format!("include {}", include.names.join(", "));
                Node::Print(Print { range: include.range, what: Expr::Opaque(words) })
            }
        }
    }

    /// Returns what the template at `path` is made of. One whose own tags are not in order, or that is not here, is none.
    fn body(&mut self, path: &TreePath, depth: u32) -> Option<Vec<Node>> {
        if let Some(known) = self.bodies.get(path) {
            let known = known.clone();
            self.made += known.len();
            return (self.made < MOST_NODES).then_some(known);
        }
        let text = self.snapshot.text(path).ok()?;
        if self.whole.text.len() + text.len() > LONGEST {
            return None;
        }
        let mut scanned = scan(&text, self.language);
        let nodes = build::build(&text, self.language, self.trims, &mut scanned);
        if scanned.unreadable.is_some() {
            return None;
        }
        // A line end between the two: a place at the end of one is none of the next.
        self.whole.text.push('\n');
        let from = self.whole.text.len();
        self.whole.text.push_str(&text);
        self.whole.files.push((from, path.clone()));
        let moved = scanned.tags.into_iter().map(|tag| super::tree::Tag { range: tag.range.start + from..tag.range.end + from, ..tag });
        self.whole.scanned.tags.extend(moved);
        let place = |range: Range<usize>| range.start + from..range.end + from;
        let defects = scanned.defects.into_iter().map(|defect| super::tree::Defect {
            range: place(defect.range),
            related: defect.related.into_iter().map(|(range, text)| (place(range), text)).collect(),
            ..defect
        });
        self.whole.scanned.defects.extend(defects);
        let nodes = nodes.into_iter().map(|node| shifted(node, from)).collect();
        // It may stand in itself by way of another.
        self.bodies.insert(path.clone(), Vec::new());
        let nodes = self.resolved(nodes, path, depth + 1);
        self.made += nodes.len();
        self.bodies.insert(path.clone(), nodes.clone());
        Some(nodes)
    }

    /// Reports a name that is nowhere, and one letter away from a file beside the template.
    fn misspelt(&mut self, include: &Include, path: &TreePath) {
        let [name] = include.names.as_slice() else { return };
        let beside: Vec<String> = self
            .snapshot
            .entries()
            .map(|(other, _)| other)
            .filter(|other| other.parent() == path.parent())
            .map(|other| other.file_name().to_owned())
            .collect();
        let Some(meant) = super::scan::meant_of(name, &beside) else { return };
        let message = format!("there is no template `{name}`");
        let defect = super::tree::Defect::fatal(include.range.clone(), message, &format!("did you mean `{meant}`? nothing is rendered until then"));
        self.whole.scanned.defects.push(defect);
    }

    /// Returns the file that is called `name` in the template at `path`.
    fn find(&self, name: &str, path: &TreePath) -> Option<TreePath> {
        let is_file = |path: &TreePath| self.snapshot.entries().any(|(known, _)| known == path);
        let name = name.trim_start_matches("./");
        let mut here = path.parent();
        loop {
            if let Some(found) = here.join(name).filter(|found| is_file(found)) {
                return Some(found);
            }
            if here.as_str().is_empty() {
                break;
            }
            here = here.parent();
        }
        // Puppet: `module/file` is `module/templates/file`; else the only file whose path ends so.
        let puppet = name.split_once('/').map(|(module, file)| format!("{module}/templates/{file}"));
        let ends = |path: &TreePath, name: &str| path.as_str() == name || path.as_str().strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
        let only = |name: &str| {
            let mut all = self.snapshot.entries().map(|(path, _)| path).filter(|path| ends(path, name));
            all.next().filter(|_| all.next().is_none()).cloned()
        };
        puppet.and_then(|puppet| only(&puppet)).or_else(|| only(name))
    }

    /// Returns what the other templates of Go's in the same directory define.
    fn siblings(&mut self, path: &TreePath) -> Vec<Node> {
        let asks = |tag: &super::tree::Tag| matches!(&tag.kind, Kind::Print(Expr::Opaque(words)) if words.starts_with("template ") || words.starts_with("include "));
        if !self.whole.scanned.tags.iter().any(asks) {
            return Vec::new();
        }
        let beside = |other: &TreePath| {
            other != path && other.parent() == path.parent() && ["tpl", "tmpl", "gotmpl"].iter().any(|end| other.file_name().ends_with(end))
        };
        let others: Vec<TreePath> =
            self.snapshot.entries().map(|(path, _)| path).filter(|other| beside(other)).take(MOST_SIBLINGS).cloned().collect();
        let bodies: Vec<Node> = others.iter().filter_map(|other| self.body(other, 0)).flatten().collect();
        bodies.into_iter().filter(|node| matches!(node, Node::Define(_))).collect()
    }
}

/// Returns what of `body` an import takes: the macros under their new names, and the names that get values.
fn imported(body: Vec<Node>, import: &Import) -> Vec<Node> {
    let mut taken = Vec::new();
    for node in body {
        match (node, import) {
            (Node::Define(define), Import::All(alias)) => {
                // Macros of one file know each other under their own names.
                taken.push(Node::Define(Define { name: format!("{alias}.{}", define.name), ..define.clone() }));
                taken.push(Node::Define(define));
            }
            (Node::Define(define), Import::Some(names)) => {
                let renamed = names.iter().find(|(name, _)| *name == define.name).map(|(_, alias)| alias.clone());
                taken.extend(renamed.map(|name| Node::Define(Define { name, ..define.clone() })));
                taken.push(Node::Define(define));
            }
            (Node::Set(name, value), Import::All(alias)) => taken.push(Node::Set(format!("{alias}.{name}"), value)),
            (Node::Set(name, value), Import::Some(_)) => taken.push(Node::Set(name, value)),
            (Node::Group(inner), import) => taken.extend(imported(inner, import)),
            (Node::Text(_) | Node::Print(_) | Node::Choice(_) | Node::Loop(_) | Node::Include(_), _) => {}
        }
    }
    taken
}

/// Returns `node` with all its places moved by `by`.
fn shifted(node: Node, by: usize) -> Node {
    let place = |range: Range<usize>| range.start + by..range.end + by;
    let all = |nodes: Vec<Node>| nodes.into_iter().map(|node| shifted(node, by)).collect();
    match node {
        Node::Text(range) => Node::Text(place(range)),
        Node::Print(print) => Node::Print(Print { range: place(print.range), what: print.what }),
        Node::Choice(arms) => Node::Choice(arms.into_iter().map(|arm| Arm { tag: place(arm.tag), when: arm.when, body: all(arm.body) }).collect()),
        Node::Loop(one) => Node::Loop(Loop {
            tag: place(one.tag),
            inside: place(one.inside),
            body: all(one.body),
            otherwise: all(one.otherwise),
            names: one.names,
            list: one.list,
            when: one.when,
        }),
        Node::Set(name, value) => Node::Set(name, value),
        Node::Group(inner) => Node::Group(all(inner)),
        Node::Define(define) => Node::Define(Define { body: all(define.body), ..define }),
        Node::Include(include) => Node::Include(Include { range: place(include.range), ..include }),
    }
}
