//! What must hold of every input, however damaged: reading and reviewing end, and every place they name is in the file.

use std::collections::BTreeMap;
use std::sync::Arc;
use waypost::formats;
use waypost::model::{Label, Matcher, Model, Next, Outcome, Regex, RegexDialect, Step};
use waypost::review::{Change, review};
use waypost::snapshot::{Snapshot, memory};
use waypost::space::{Languages, Pattern};
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
    /// Further files, the same before and after.
    pub(crate) beside: Vec<(String, String)>,
}

impl Input {
    pub(crate) fn new(path: &str, base: String, head: String) -> Self {
        Self { path: path.to_owned(), base, head, beside: Vec::new() }
    }

    fn tree(&self, text: &str) -> Snapshot {
        let mut files: BTreeMap<&str, &str> = BESIDE.iter().copied().collect();
        files.extend(self.beside.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        files.insert(&self.path, text);
        memory(files)
    }
}

/// A file beside every input, so that authority and templates have something to look up.
const BESIDE: &[(&str, &str)] = &[
    ("inventory/hosts.yml", "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } } }\n"),
    ("group_vars/all.yml", "servers: [10.20.1.11, 10.20.1.12]\nport: 8080\nname: shop.example.com\n"),
    ("conf.d/other.conf", "server { listen 81; location / { return 204; } }\n"),
];

/// Panics where something does not hold. Returns whether the comparison contradicts itself, which is counted and no reason to stop.
pub(crate) fn holds(input: &Input) -> bool {
    let (base, head) = (input.tree(&input.base), input.tree(&input.head));
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
    found.inexact.iter().any(|reason| reason.contains("defect of Waypost"))
}

/// Panics where the language of a pattern and the pattern itself say different things of one of `texts`.
pub(crate) fn pattern_holds(written: &str, texts: &[Vec<u8>]) {
    let regex = Regex { pattern: Arc::from(written), caseless: written.len().is_multiple_of(5), dialect: RegexDialect::Pcre, names: Vec::new() };
    let mut languages = Languages::new(300_000);
    let (Ok(pattern), Ok(language)) = (Pattern::new(&regex), languages.matcher(&Matcher::Regex(regex.clone()))) else { return };
    let mut texts = texts.to_vec();
    // What the language says is in it, and what it says is not.
    texts.extend(languages.witnesses(&[language], &[], 4).into_iter().flatten());
    texts.extend(languages.witnesses(&[], &[language], 4).into_iter().flatten());
    for text in texts {
        let (Ok(found), Ok(said)) = (pattern.find(&text), languages.contains(language, &text)) else { continue };
        assert_eq!(said, found.is_some(), "{written:?} caseless {} on {:?}", regex.caseless, String::from_utf8_lossy(&text));
    }
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
