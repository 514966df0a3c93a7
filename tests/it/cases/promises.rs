//! What every review promises, whatever it says: held on every case of every page.

use super::page::{Case, Tree};
use super::{page, pages};
use crate::exactness::Tally;
use crate::support::schema::differences;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use waypost::analysis::compare;
use waypost::formats::read;
use waypost::report::json;
use waypost::review::{Change, Review, review};
use waypost::snapshot::{Entry, ReadError, Snapshot, Source, memory};
use waypost::span::TreePath;

/// Runs `check` on every case of every page; it returns what does not hold.
#[expect(clippy::disallowed_methods, reason = "pages are read from disk")]
fn on_every_case(check: impl Fn(&Case) -> Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut ran, mut wrong) = (0, Vec::new());
    for file in pages(&root) {
        let cases = page::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for case in &cases {
            ran += 1;
            wrong.extend(check(case).into_iter().map(|what| format!("{}, {}: {what}", file.display(), case.name)));
        }
    }
    assert!(ran > 20, "only {ran} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn reviewed(case: &Case, base: &Snapshot, head: &Snapshot) -> Review {
    let known_good = case.known_good.as_ref().map(Tree::snapshot);
    review(&Change { base, head, known_good: known_good.as_ref(), title: &case.title, body: &case.body })
}

/// A source that knows what its files hold without reading them, as git does.
struct Identified(BTreeMap<String, Vec<u8>>);

impl Source for Identified {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        Ok(self.0[path.as_str()].as_slice().into())
    }
}

fn identified(tree: &Tree) -> Snapshot {
    let links = tree.links.iter().map(|(path, target)| (path, Entry::Link(target.as_str().into())));
    let files = tree.files.iter().map(|(path, text)| (path, Entry::File { id: Some(String::from_utf8_lossy(text).into()) }));
    let entries = files.chain(links).map(|(path, entry)| (TreePath::new(path).unwrap(), entry)).collect();
    Snapshot::new(entries, Box::new(Identified(tree.files.clone())))
}

#[test]
fn the_same_trees_give_the_same_bytes() {
    on_every_case(|case| {
        let once = json(&reviewed(case, &case.base.snapshot(), &case.head.snapshot()));
        // With ids, so that another way of telling whether files are the same is taken.
        let again = json(&reviewed(case, &identified(&case.base), &identified(&case.head)));
        if once == again { vec![] } else { vec![format!("{once}\nand then\n{again}")] }
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the schema that is checked in is the one that others read")]
fn the_json_is_what_the_schema_says() {
    let schema = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/review.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    on_every_case(|case| {
        let written: Value = serde_json::from_str(&json(&reviewed(case, &case.base.snapshot(), &case.head.snapshot()))).unwrap();
        differences(&schema, &written)
    });
}

#[test]
fn a_tree_compared_with_itself_says_nothing_above_info() {
    on_every_case(|case| {
        let (base, head) = (case.head.snapshot(), case.head.snapshot());
        let review = review(&Change { base: &base, head: &head, known_good: None, title: "", body: "" });
        let loud = review.findings.iter().filter(|finding| finding.severity > waypost::policy::Severity::Info);
        let loud = loud.map(|finding| format!("{}: {}", finding.rule, finding.message));
        loud.chain(review.changes.iter().map(|change| format!("a change: {}", change.region))).collect()
    });
}

/// What a file says counts only if the reader of the review can see that it was read; and what no file says has no place.
#[test]
fn every_place_is_in_an_input_and_every_unknown_is_said_once() {
    on_every_case(|case| {
        let review = reviewed(case, &case.base.snapshot(), &case.head.snapshot());
        let mut wrong = Vec::new();
        let inputs: BTreeSet<&str> = review.inputs.iter().map(|input| input.path.as_str()).collect();
        if inputs.len() != review.inputs.len() {
            wrong.push(format!("an input twice: {:?}", review.inputs));
        }
        for finding in &review.findings {
            let tree = if finding.tree == waypost::policy::Tree::Head { &case.head } else { &case.base };
            let lines = tree.files.get(&finding.path).map(|bytes| bytes.split(|byte| *byte == b'\n').count());
            let order = (1..=finding.end_line).contains(&finding.start_line);
            if !inputs.contains(finding.path.as_str()) || lines.is_none_or(|lines| finding.end_line > lines) || !order {
                wrong.push(format!("{} is said of {}:{}-{}", finding.rule, finding.path, finding.start_line, finding.end_line));
            }
        }
        for unknown in &review.unknown {
            if !inputs.contains(unknown.path.as_str()) || review.unknown.iter().filter(|other| *other == unknown).count() != 1 {
                wrong.push(format!("unknown: {unknown:?}"));
            }
        }
        wrong
    });
}

/// Files that were looked at and meant nothing need not be named, but then they must really mean nothing: without them the review is the same.
#[test]
fn every_file_whose_content_counts_is_an_input() {
    on_every_case(|case| {
        let whole = reviewed(case, &case.base.snapshot(), &case.head.snapshot());
        let inputs: BTreeSet<&str> = whole.inputs.iter().map(|input| input.path.as_str()).collect();
        let only_inputs = |tree: &Tree| {
            let files = tree.files.iter().filter(|(path, _)| inputs.contains(path.as_str()) || tree.links.values().any(|to| path.ends_with(to)));
            Tree { files: files.map(|(path, text)| (path.clone(), text.clone())).collect(), links: tree.links.clone() }.snapshot()
        };
        let (whole, less) = (json(&whole), json(&reviewed(case, &only_inputs(&case.base), &only_inputs(&case.head))));
        if whole == less { vec![] } else { vec![format!("{whole}\nbut without the others\n{less}")] }
    });
}

/// The order in which files are named is the tree's, not the caller's.
#[test]
fn the_order_of_the_files_means_nothing() {
    on_every_case(|case| {
        if !case.base.links.is_empty() || !case.head.links.is_empty() {
            return vec![];
        }
        let turned = |tree: &Tree| memory(tree.files.iter().rev());
        let once = json(&reviewed(case, &case.base.snapshot(), &case.head.snapshot()));
        if once == json(&reviewed(case, &turned(&case.base), &turned(&case.head))) { vec![] } else { vec![once] }
    });
}

/// That all requests were compared is what the product promises: the pages are configurations as people write them.
#[test]
fn the_pages_are_compared_exactly() {
    let tally = RefCell::new(Tally::default());
    on_every_case(|case| {
        let comparison = compare(&read(&case.base.snapshot()), &read(&case.head.snapshot()));
        tally.borrow_mut().count(&case.name, &comparison);
        vec![]
    });
    tally.into_inner().holds("case pages", 99);
}
