//! Files of HAProxy's that are templates: their readings, and what holds in all of them.

use crate::formats::source::{Source, has_hole};
use crate::formats::template::{Choice, Reader, Template, Variables, language_of};
use crate::model::{Input, Model, Problem, Role};
use crate::span::TreePath;
use std::sync::Arc;

/// The most readings of one configuration.
const MAX_READINGS: usize = 4;

/// A file's text.
#[derive(Debug)]
pub(super) enum Text {
    /// As it stands.
    Plain(Source),
    /// A template whose tags are in order.
    Template(TreePath, Box<Template>),
}

impl Text {
    /// Returns the file.
    pub(super) fn path(&self) -> &TreePath {
        match self {
            Self::Plain(source) => &source.path,
            Self::Template(path, _) => path,
        }
    }

    fn reading(&self, choice: &Choice) -> Source {
        match self {
            Self::Plain(source) => source.clone(),
            Self::Template(_, template) => template.reading(choice),
        }
    }
}

/// Returns the file as HAProxy gets it, and says what is wrong with its tags and what they hide. `None` for a template that cannot be read whole.
pub(super) fn read(path: &TreePath, text: &Arc<str>, variables: &Variables<'_>, model: &mut Model) -> Option<Text> {
    let Some(language) = language_of(path, text, Reader::Haproxy, &[]) else {
        return Some(Text::Plain(Source::plain(path.clone(), Arc::clone(text))));
    };
    let template = Template::read(path, text, language, variables);
    model.problems.extend(template.problems());
    model.unknown.extend(template.unknown());
    if template.is_whole() {
        return Some(Text::Template(path.clone(), Box::new(template)));
    }
    model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Entry });
    None
}

/// Returns the readings of `texts`, files that are loaded together, the first one first; each with its name.
pub(super) fn readings(texts: &[Text]) -> Vec<(Option<Arc<str>>, Vec<Source>)> {
    let mut choices = vec![Choice::first()];
    for text in texts {
        if let Text::Template(_, template) = text {
            let further = template.further().into_iter().filter(|choice| !choices.contains(choice)).collect::<Vec<_>>();
            choices.extend(further);
        }
    }
    choices.truncate(MAX_READINGS);
    choices.iter().map(|choice| (choice.name(), texts.iter().map(|text| text.reading(choice)).collect())).collect()
}

/// Returns the problems that hold: every reading that has the place has the problem, and no expression stands in its words. What only one reading shows
/// may never be rendered so.
pub(super) fn agreed(readings: &[(Vec<Problem>, Vec<Source>)]) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for problem in readings.iter().flat_map(|(problems, _)| problems).filter(|problem| !has_hole(&problem.message)) {
        let same = |other: &Problem| other.span == problem.span && other.message == problem.message;
        let reads = |sources: &[Source]| sources.iter().any(|source| source.path == problem.span.path && source.reads(problem.span.start));
        let everywhere = readings.iter().all(|(problems, sources)| problems.iter().any(same) || !reads(sources));
        if everywhere && !found.iter().any(same) {
            found.push(problem.clone());
        }
    }
    found
}
