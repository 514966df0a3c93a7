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

use super::template::agreed;
use crate::model::{Gateway, Input, Model, Role};
use crate::snapshot::Snapshot;
use files::Files;
use std::sync::Arc;
use syntax::Config;
use template::Reading;

/// Adds a gateway for each HAProxy configuration of the tree.
pub(super) fn read(snapshot: &Snapshot, model: &mut Model) {
    let mut files = Files::new(snapshot);
    for group in discovery::groups(snapshot, model) {
        for (index, source) in group.sources.iter().enumerate() {
            let role = if index == 0 { Role::Entry } else { Role::Included };
            model.inputs.push(Input { path: source.path.clone(), format: "haproxy", role });
        }
        if let Some(template) = &group.template {
            model.inputs.extend(template.inputs());
            model.inputs.push(Input { path: group.id.clone(), format: "haproxy", role: Role::Entry });
        }
        let before = model.problems.len();
        let mut readings = Vec::new();
        for mut reading in template::readings(&group) {
            let parsed = std::mem::take(&mut reading.parsed);
            model.problems.extend(parsed.problems);
            model.unknown.extend(parsed.unknown);
            let config = Config { id: group.id.clone(), sections: parsed.sections, complete: group.complete && !parsed.partial };
            check::check(&config, &parsed.stray, model);
            lower(&config, reading.variant.as_ref(), &mut files, model);
            readings.push((model.problems.split_off(before), reading));
        }
        model.problems.extend(agreed(&readings, Reading::has));
    }
}

/// Adds the gateway that `config` is; `variant` is the reading of its template, where it is not the first.
fn lower(config: &Config, variant: Option<&Arc<str>>, files: &mut Files<'_>, model: &mut Model) {
    let gateways = model.gateways.len();
    lower::lower(config, files, model);
    for gateway in model.gateways.iter_mut().skip(gateways) {
        if let Some(variant) = variant {
            gateway.id = Gateway::reading_id(&gateway.id, variant);
            gateway.variant = Some(Arc::clone(variant));
        }
    }
}
