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

/// Adds a gateway for each HAProxy configuration of the tree.
pub(super) fn read(snapshot: &Snapshot, model: &mut Model) {
    let mut files = Files::new(snapshot);
    for group in discovery::groups(snapshot, model) {
        let parsed = parser::parse(&group.sources);
        for (index, source) in group.sources.iter().enumerate() {
            let role = if index == 0 { Role::Entry } else { Role::Included };
            model.inputs.push(Input { path: source.path.clone(), format: "haproxy", role });
        }
        model.problems.extend(parsed.problems);
        model.unknown.extend(parsed.unknown);
        let config = Config { id: group.id, sections: parsed.sections, complete: group.complete };
        check::check(&config, &parsed.stray, model);
        lower::lower(&config, &mut files, model);
    }
}
