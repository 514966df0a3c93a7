//! Reading nginx's files: what is said of bad ones, what is read all the same, and whether the real nginx agrees.

mod real;
mod slips;
mod totality;
mod trees;
mod values;

use waypost::formats::nginx::{Config, Directive, configs};
use waypost::model::Model;
use waypost::snapshot::{Snapshot, memory};
use waypost::span::{LineIndex, Span};

/// Returns the configurations of `snapshot` and what was said of its files.
fn read(snapshot: &Snapshot) -> (Vec<Config>, Model) {
    let mut model = Model::default();
    let configs = configs(snapshot, &mut model);
    (configs, model)
}

/// Returns all that was said of `files`, and each configuration in short, as a person would see it.
fn said(files: &[(&str, &str)]) -> String {
    shown(&memory(files.iter().copied()))
}

fn shown(snapshot: &Snapshot) -> String {
    let (configs, model) = read(snapshot);
    let place = |span: &Span| {
        let text = snapshot.text(&span.path).unwrap_or_default();
        let position = LineIndex::new(&text).position(&text, span.start);
        format!("{}:{}:{}", span.path, position.line, position.column)
    };
    let mut lines = Vec::new();
    for problem in &model.problems {
        lines.push(format!("error: {}{}", problem.message, if problem.fatal { "" } else { " (not fatal)" }));
        lines.push(format!("  --> {}", place(&problem.span)));
        lines.extend(problem.related.iter().map(|related| format!("  and {} {}", place(&related.span), related.text)));
        lines.extend(problem.help.iter().map(|help| format!("help: {help}")));
    }
    lines.extend(model.unknown.iter().map(|unknown| format!("unknown: {} {}", place(&unknown.span), unknown.reason)));
    for config in &configs {
        let whole = if config.complete { "" } else { " (in part)" };
        lines.push(format!("read: {}{whole}: {}", config.id, heads(&config.directives)));
    }
    lines.join("\n")
}

fn heads(directives: &[Directive]) -> String {
    let shown = directives.iter().map(|directive| match &directive.block {
        Some(block) => format!("{} {{ {} }}", directive.label().text, heads(block)),
        None => directive.label().text.to_string(),
    });
    shown.collect::<Vec<_>>().join("; ")
}
