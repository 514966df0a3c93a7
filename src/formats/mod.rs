//! Configuration languages: one folder each, text -> syntax tree with spans -> model.

#![forbid(unsafe_code)]

pub mod haproxy;
pub mod inventory;
pub mod nginx;
mod pattern;
mod source;
mod template;
pub(crate) mod yaml;

use crate::model::Model;
use crate::snapshot::Snapshot;

/// One configuration language. Adding one is a folder and a line in [`FORMATS`].
struct Format {
    /// Finds the files of this language in the tree and adds what they mean to the model. Never fails: what is wrong goes to
    /// [`Model::problems`], what is not understood to [`Model::unknown`], what was read to [`Model::inputs`].
    read: fn(&Snapshot, &mut Model),
}

const FORMATS: &[Format] = &[Format { read: inventory::read }, Format { read: nginx::read }, Format { read: haproxy::read }];

/// Reads everything of `snapshot` that a format knows. Same tree, same model, to the byte.
pub fn read(snapshot: &Snapshot) -> Model {
    let mut model = Model::default();
    for format in FORMATS {
        (format.read)(snapshot, &mut model);
    }
    // A template that stands in several others tells its own slips in each.
    let mut told = std::collections::BTreeSet::new();
    model.problems.retain(|problem| told.insert((problem.span.clone(), problem.message.clone())));
    for problem in &mut model.problems {
        said(&mut problem.message);
        problem.help.iter_mut().for_each(said);
        problem.related.iter_mut().for_each(|related| said(&mut related.text));
    }
    model.unknown.iter_mut().for_each(|unknown| said(&mut unknown.reason));
    model.inputs.sort();
    model.inputs.dedup_by(|a, b| a.path == b.path);
    model.unknown.sort();
    model.unknown.dedup();
    model
}

/// Puts the expressions of templates back into a sentence, where they stand for themselves.
fn said(sentence: &mut String) {
    if let std::borrow::Cow::Owned(plain) = source::shown(sentence) {
        *sentence = plain;
    }
}
