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

    /// Returns the templates that stand in it.
    pub(super) fn included(&self) -> Vec<TreePath> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Template(_, template) => template.included().cloned().collect(),
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
    model.inputs.extend(template.inputs());
    model.problems.extend(template.problems());
    model.unknown.extend(template.unknown());
    if template.is_whole() {
        return Some(Text::Template(path.clone(), Box::new(template)));
    }
    model.inputs.push(Input { path: path.clone(), format: "haproxy", role: Role::Entry });
    None
}

/// Returns the sources of a reading in which no value decides a condition, where a template has conditions that one decides: what is wrong there is wrong
/// for the hosts that say otherwise.
pub(super) fn undecided(texts: &[Text]) -> Option<Vec<Source>> {
    let decides = |text: &Text| matches!(text, Text::Template(_, template) if template.is_decided());
    texts.iter().any(decides).then(|| texts.iter().map(|text| text.reading(&Choice::undecided())).collect())
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
        let reads = |sources: &[Source]| sources.iter().any(|source| source.reads(&problem.span));
        let everywhere = readings.iter().all(|(problems, sources)| problems.iter().any(same) || !reads(sources));
        if everywhere && !found.iter().any(same) {
            found.push(problem.clone());
        }
    }
    found
}
