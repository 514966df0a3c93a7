//! What must hold of every input, however damaged: reading and reviewing end, and every place they name is in the file.

use std::collections::BTreeMap;
use waypost::formats;
use waypost::model::{Label, Model, Next, Outcome, Step};
use waypost::review::{Change, review};
use waypost::snapshot::{Snapshot, memory};
use waypost::span::Span;

/// A change to one file.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Where the file is in the tree.
    pub(crate) path: String,
    /// Before.
    pub(crate) base: String,
    /// After.
    pub(crate) head: String,
}

/// A file beside every input, so that authority and templates have something to look up.
const BESIDE: &[(&str, &str)] = &[
    ("inventory/hosts.yml", "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } } }\n"),
    ("group_vars/all.yml", "servers: [10.20.1.11, 10.20.1.12]\nport: 8080\nname: shop.example.com\n"),
    ("conf.d/other.conf", "server { listen 81; location / { return 204; } }\n"),
];

/// Panics where something does not hold.
pub(crate) fn holds(input: &Input) {
    let (base, head) = (tree(&input.path, &input.base), tree(&input.path, &input.head));
    let model = formats::read(&head);
    for span in spans(&model) {
        in_file(&head, span);
    }
    let found = review(&Change { base: &base, head: &head, known_good: None, title: "", body: "" });
    assert!(found.findings.iter().all(|finding| finding.start_line >= 1 && finding.end_line >= finding.start_line), "lines of {:?}", found.findings);
    let same = review(&Change { base: &head, head: &head, known_good: None, title: "", body: "" });
    assert!(same.changes.is_empty(), "no change, and these changes: {:?}", same.changes);
    assert!(
        same.findings.iter().all(|finding| finding.severity == waypost::policy::Severity::Info),
        "no change, and these findings: {:?}",
        same.findings
    );
}

fn tree(path: &str, text: &str) -> Snapshot {
    let mut files: BTreeMap<&str, &str> = BESIDE.iter().copied().collect();
    files.insert(path, text);
    memory(files)
}

fn in_file(tree: &Snapshot, span: &Span) {
    // The folder of parts without an entry, or the root, is no file.
    let Ok(text) = tree.text(&span.path) else {
        assert_eq!((span.start, span.end), (0, 0), "{span:?} is in no file");
        return;
    };
    assert!(text.get(span.start..span.end).is_some(), "{span:?} is not in the {} bytes of its file", text.len());
}

/// Returns every place that `model` names.
fn spans(model: &Model) -> Vec<&Span> {
    let mut all = Vec::new();
    for problem in &model.problems {
        all.push(&problem.span);
        all.extend(problem.related.iter().map(|related| &related.span));
    }
    all.extend(model.unknown.iter().map(|unknown| &unknown.span));
    for gateway in &model.gateways {
        for listener in &gateway.listeners {
            all.push(&listener.label.span);
            for host in &listener.virtual_hosts {
                all.extend([&host.label.span, &host.listen_label.span]);
                all.extend(host.names.iter().map(|(_, label)| &label.span));
            }
        }
        for table in &gateway.tables {
            all.push(&table.label.span);
            all.extend(table.otherwise_label.iter().map(|label| &label.span));
            all.extend(table.routes.iter().filter_map(|route| route.label.as_ref()).map(|label| &label.span));
            table.routes.iter().map(|route| &route.step).chain([&table.otherwise]).for_each(|step| ends(step, &mut all));
        }
        for pool in &gateway.pools {
            all.push(&pool.label.span);
            all.extend(pool.members.iter().map(|member| &member.label.span));
        }
        for lookup in &gateway.lookups {
            all.push(&lookup.label.span);
            all.extend(lookup.entries.iter().map(|entry| &entry.label.span));
        }
    }
    all.extend(model.inventory.hosts.iter().map(|host| &host.label.span));
    all
}

fn ends<'m>(step: &'m Step, all: &mut Vec<&'m Span>) {
    match &step.next {
        Next::End(outcome) => all.extend(label(outcome).map(|label| &label.span)),
        Next::Try { otherwise, .. } => ends(otherwise, all),
        Next::Split(ways) => ways.iter().for_each(|(_, step)| ends(step, all)),
        Next::Table(_) | Next::Restart(_) | Next::Fallback => {}
    }
}

fn label(outcome: &Outcome) -> Option<&Label> {
    match outcome {
        Outcome::Forward(forward) => Some(&forward.label),
        Outcome::Redirect { label, .. }
        | Outcome::Respond { label, .. }
        | Outcome::Files { label, .. }
        | Outcome::Reject { label, .. }
        | Outcome::Close { label }
        | Outcome::Opaque { label, .. } => Some(label),
        Outcome::None => None,
    }
}
