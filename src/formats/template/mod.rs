//! Template languages around configuration: a template becomes one to four readings, each a [`Source`] that a format reads like a plain file.
//!
//! See `README.md` beside this file.

mod again;
mod agree;
mod build;
mod choice;
mod defect;
mod erb;
mod expr;
mod go;
mod jinja;
mod language;
mod parts;
mod placeholder;
mod render;
mod scan;
mod source;
mod tree;
mod value;

pub(in crate::formats) use agree::agreed;
pub(in crate::formats) use choice::Choice;
pub(in crate::formats) use defect::Round;
use language::Language;
pub(in crate::formats) use language::{Reader, language_of, rendered_name, template_ending};
pub(in crate::formats) use source::Variables;

use crate::formats::source::Source;
use crate::model::{Input, Problem, ProblemKind, Related, Role, Unknown};
use crate::span::{Span, TreePath};
use scan::Scanned;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use tree::{Kind, Node};
use value::Values;

/// The most loops that are looked into.
const MOST_ROUNDS: usize = 200;

/// A template that has been read.
#[derive(Debug)]
pub(in crate::formats) struct Template {
    path: TreePath,
    /// The template's own text, and behind it those of the templates that stand in it.
    text: Arc<str>,
    /// Where each of them begins, and its file.
    files: Vec<(usize, TreePath)>,
    nodes: Vec<Node>,
    scanned: Scanned,
    /// What it makes is a template again.
    again: bool,
    /// What the repository has for its names.
    values: Values,
    /// The files those are from.
    inputs: BTreeSet<TreePath>,
    /// The tool that keeps them.
    tool: &'static str,
    /// The constant that each compared text is taken for in the first reading.
    equals: BTreeMap<String, String>,
}

impl Template {
    /// Reads the file at `path`, which is written in `language`.
    pub(in crate::formats) fn read(path: &TreePath, text: &Arc<str>, language: Language, variables: &Variables<'_>) -> Self {
        let whole = parts::read(path, text, language, variables.snapshot());
        let (mut scanned, nodes, files) = (whole.scanned, whole.nodes, whole.files);
        let text: Arc<str> = if files.len() > 1 { Arc::from(whole.text) } else { Arc::clone(text) };
        let again = scanned.tags.iter().any(|tag| makes_tags(&tag.kind, &["{{", "}}"]));
        if scanned.unreadable.is_none() && scanned.tags.iter().any(|tag| makes_tags(&tag.kind, &["{%", "%}", "<%", "%>"])) {
            scanned.unreadable = Some("what it makes is a template again".to_owned());
        }
        let equals = choice::equals(&nodes);
        let has_tags = !scanned.tags.is_empty();
        let source::Known { values, by: inputs, tool } =
            if has_tags { source::known(path, &text, language, variables) } else { source::Known::default() };
        if language == Language::Jinja {
            scanned.defects.extend(defect::find(&text, &nodes, |name| values.has(name)));
        } else {
            scanned.defects.extend(defect::find(&text, &nodes, |_| true));
        }
        Self { path: path.clone(), text, files, nodes, scanned, again, values, inputs, tool, equals }
    }

    /// Returns the files whose values it uses.
    pub(in crate::formats) fn inputs(&self) -> impl Iterator<Item = Input> {
        let values = self.inputs.iter().map(|path| Input { path: path.clone(), format: self.tool, role: Role::Inventory });
        values.chain(self.included().map(|path| Input { path: path.clone(), format: "template", role: Role::Included }))
    }

    /// Returns the templates that stand in this one.
    pub(in crate::formats) fn included(&self) -> impl Iterator<Item = &TreePath> {
        self.files.iter().skip(1).map(|(_, path)| path)
    }

    /// Returns its text, with those of the templates that stand in it behind it.
    pub(in crate::formats) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns whether its own tags are in order, so that the literal text between them can be judged.
    pub(in crate::formats) fn is_whole(&self) -> bool {
        self.scanned.unreadable.is_none() && !self.scanned.defects.iter().any(|defect| defect.fatal)
    }

    /// Returns what the readings after the first assume, three at most.
    pub(in crate::formats) fn further(&self) -> Vec<Choice> {
        choice::further(&self.nodes, &self.equals)
    }

    /// Returns whether a value of the repository decides a condition or makes a list empty, so that something is in no reading.
    pub(in crate::formats) fn is_decided(&self) -> bool {
        self.values.decide()
            && !self.inputs.is_empty()
            && self.scanned.tags.iter().any(|tag| matches!(tag.kind, Kind::If(_) | Kind::ElseIf(_) | Kind::For { .. }))
    }

    /// Returns the reading that assumes `choice`.
    pub(in crate::formats) fn reading(&self, choice: &Choice) -> Source {
        render::render(self, choice)
    }

    /// Returns the loops, the outer ones first.
    pub(in crate::formats) fn rounds(&self) -> Vec<Round> {
        let mut found = Vec::new();
        defect::rounds(&self.nodes, &mut found);
        found.truncate(MOST_ROUNDS);
        found
    }

    /// Returns what is wrong with the tags.
    pub(in crate::formats) fn problems(&self) -> Vec<Problem> {
        let problem = |defect: &tree::Defect| Problem {
            kind: ProblemKind::Syntax,
            fatal: defect.fatal,
            message: defect.message.clone(),
            help: Some(defect.help.clone()),
            span: self.span(&defect.range),
            related: defect.related.iter().map(|(range, text)| Related { span: self.span(range), text: text.clone() }).collect(),
            fix: None,
        };
        self.scanned.defects.iter().map(problem).collect()
    }

    /// Returns what is not understood, once for the file.
    pub(in crate::formats) fn unknown(&self) -> Vec<Unknown> {
        let mut found: Vec<Unknown> =
            self.scanned.unknown.iter().map(|(range, reason)| Unknown { span: self.span(range), reason: reason.clone() }).collect();
        if let Some(reason) = &self.scanned.unreadable {
            found.push(Unknown { span: Span::new(self.path.clone(), 0, 0), reason: format!("this template is not read: {reason}") });
            return found;
        }
        let unread = render::unread(self);
        if let Some(first) = unread.first() {
            let reason = match unread.len() {
                1 => "an expression of this template cannot be read: what it stands for is taken to be the same before and after".to_owned(),
                count => format!("{count} expressions of this template cannot be read: each is taken to stand for the same before and after"),
            };
            found.push(Unknown { span: self.span(first), reason });
        }
        found
    }

    fn span(&self, range: &Range<usize>) -> Span {
        crate::formats::source::in_file(&self.path, &self.files, range.start, range.end)
    }
}

/// Returns whether the tag prints the beginning or the end of a tag of another language.
fn makes_tags(kind: &Kind, marks: &[&str]) -> bool {
    matches!(kind, Kind::Print(expr::Expr::Text(text)) if marks.iter().any(|mark| text.contains(mark)))
}

#[cfg(test)]
mod tests;
