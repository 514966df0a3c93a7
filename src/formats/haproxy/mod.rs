//! HAProxy: text -> lines and sections -> traffic model. `README.md` beside this file has the order of choice and the known gaps.

mod check;
mod conditional;
mod discovery;
mod environment;
mod expression;
mod files;
mod keywords;
mod lower;
mod names;
mod parser;
mod syntax;
mod template;
mod words;

use crate::model::{Input, Model, Role};
use crate::snapshot::Snapshot;
use files::Files;
use syntax::Config;

/// Adds a gateway for each HAProxy configuration of the tree, and one more for each further reading of its templates.
pub(super) fn read(snapshot: &Snapshot, model: &mut Model) {
    let mut files = Files::new(snapshot);
    for group in discovery::groups(snapshot, model) {
        for (index, text) in group.texts.iter().enumerate() {
            let role = if index == 0 { Role::Entry } else { Role::Included };
            model.inputs.push(Input { path: text.path().clone(), format: "haproxy", role });
        }
        let mut found = Vec::new();
        for (variant, sources) in template::readings(&group.texts) {
            let before = model.problems.len();
            let parsed = parser::parse(&sources);
            model.problems.extend(parsed.problems);
            model.unknown.extend(parsed.unknown);
            let config = Config { id: group.id.clone(), variant, sections: parsed.sections, complete: group.complete };
            check::check(&config, &parsed.stray, model);
            lower::lower(&config, &mut files, model);
            found.push((model.problems.split_off(before), sources));
        }
        if let Some(sources) = template::undecided(&group.texts) {
            let mut aside = Model::default();
            let parsed = parser::parse(&sources);
            aside.problems.extend(parsed.problems);
            let config = Config { id: group.id.clone(), variant: None, sections: parsed.sections, complete: false };
            check::check(&config, &parsed.stray, &mut aside);
            found.push((aside.problems, sources));
        }
        model.problems.extend(template::agreed(&found));
    }
}
