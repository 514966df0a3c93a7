//! Template languages around configuration: a template becomes one to four readings, each a [`Source`] that a format reads like a plain file.
//!
//! See `README.md` beside this file.

mod build;
mod choice;
mod erb;
mod expr;
mod go;
mod jinja;
mod language;
mod placeholder;
mod render;
mod scan;
mod tree;

pub(in crate::formats) use choice::Choice;
pub(in crate::formats) use language::{Language, Reader, language_of, rendered_name, template_ending};

use super::source::Source;
use crate::model::{Problem, ProblemKind, Related, Unknown};
use crate::span::{Span, TreePath};
use scan::Scanned;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tree::{Kind, Node};

/// A template that has been read.
#[derive(Debug)]
pub(in crate::formats) struct Template {
    path: TreePath,
    text: Arc<str>,
    nodes: Vec<Node>,
    scanned: Scanned,
    /// The constant that each compared text is taken for in the first reading.
    equals: BTreeMap<String, String>,
}

impl Template {
    /// Reads the file at `path`, which is written in `language`.
    pub(in crate::formats) fn read(path: &TreePath, text: &Arc<str>, language: Language) -> Self {
        let mut scanned = match language {
            Language::Jinja => jinja::scan(text),
            Language::Go => go::scan(text),
            Language::Erb => erb::scan(text, erb::Dialect::Erb),
            Language::Epp => erb::scan(text, erb::Dialect::Epp),
            Language::Placeholders { bare } => placeholder::scan(text, bare),
        };
        let nodes = build::build(text, language, &mut scanned);
        let equals = choice::equals(&nodes);
        Self { path: path.clone(), text: Arc::clone(text), nodes, scanned, equals }
    }

    /// Returns whether its own tags are in order, so that the literal text between them can be judged.
    pub(in crate::formats) fn is_whole(&self) -> bool {
        self.scanned.unreadable.is_none() && !self.scanned.defects.iter().any(|defect| defect.fatal)
    }

    /// Returns what the readings after the first assume, three at most.
    pub(in crate::formats) fn further(&self) -> Vec<Choice> {
        choice::further(&self.nodes, &self.equals)
    }

    /// Returns the reading that assumes `choice`.
    pub(in crate::formats) fn reading(&self, choice: &Choice) -> Source {
        render::render(self, choice)
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
        let expressions: Vec<&tree::Tag> =
            self.scanned.tags.iter().filter(|tag| matches!(&tag.kind, Kind::Print(what) if !is_constant(what))).collect();
        if let Some(first) = expressions.first() {
            let reason = match expressions.len() {
                1 => "an expression of this template cannot be read: what it stands for is taken to be the same before and after".to_owned(),
                count => format!("{count} expressions of this template cannot be read: each is taken to stand for the same before and after"),
            };
            found.push(Unknown { span: self.span(&first.range), reason });
        }
        found
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.path.clone(), range.start, range.end)
    }
}

fn is_constant(what: &expr::Expr) -> bool {
    match what {
        expr::Expr::Text(_) | expr::Expr::Number(_) => true,
        expr::Expr::If { then, otherwise, .. } => is_constant(then) && is_constant(otherwise),
        _ => false,
    }
}
