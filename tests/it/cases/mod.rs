//! Case pages: `tests/cases/<topic>/<name>.md`, pages that people read and that are run.
//!
//! A page is Markdown. These forms mean something; any other use of them is an error with its line:
//!
//! 1. **Heading**: a section that holds files is one case, named by its headings, without sub-headings. A case inherits nothing.
//! 2. **Pull request**: a quotation before the first file: the title in bold, then the body.
//! 3. **File**: a line `` `path`: `` and a fenced block: the file is in every tree. Or `` `path` in base: ``, `in head:`, `in known-good:` (commas for
//!    several); `` `path` changes: `` with a `diff` block; without a block `` `path` is deleted `` and `` `path` links to `target` ``.
//! 4. **Diff block**: lines begin with a blank, `-` or `+`; `@@` alone parts hunks. The old side of a hunk occurs exactly once in base.
//! 5. **Words** after a block's language: `no-eol`, `crlf`, `escaped` (`\x00`). `text` and `console` blocks without a label are prose.
//! 6. **Marker** `#~ error|warning|info|unknown CATEGORY-or-RULE "text in the message"`, several in a row, at a line's end or alone above it.
//!    It speaks of head; on a line that only base has, of base. Every error, warning and unknown has its marker and every marker its finding.
//! 7. **Requests block**: `METHOD URL [-H 'Name: value'] [--from IP] [--listener ADDR:PORT] OUTCOME [-> OUTCOME]`. One outcome: the same on both
//!    sides (its names are head's) and in no reported region. Two: both traces say so and a reported region has them.
//! 8. **Review block** (language `review`): the text report, compared whole; `CASES_UPDATE=1` rewrites it.
//!
//! `CASE=words` runs the cases whose name has the words. `Not replayed: reason` on its own line keeps a case from the real proxy.

mod block;
mod check;
mod diff;
mod errors;
mod index;
mod label;
mod page;
mod promises;
mod replay;
mod requests;

use crate::support::replay::Counts;
use page::Case;
use std::fs;
use std::path::{Path, PathBuf};

/// A page is wrong, or a case does not hold: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    /// The line of the page, from 1.
    line: usize,
    /// What is wrong.
    message: String,
}

impl Failure {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "pages are read from disk; the environment says which and whether to rewrite")]
fn case_pages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let wanted = std::env::var("CASE").unwrap_or_default().to_lowercase();
    let update = std::env::var_os("CASES_UPDATE").is_some();
    let (mut ran, mut replayed, mut kept_back) = (0, 0, 0);
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for file in pages(&root) {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        let mut report = |failure: Failure| failures.push(format!("tests/cases/{name}:{}: {}", failure.line, failure.message));
        let cases = match page::read(&text) {
            Ok(cases) => cases,
            Err(failure) => {
                report(failure);
                continue;
            }
        };
        let mut rewritten = Vec::new();
        for case in cases.iter().filter(|case| wanted.split_whitespace().all(|word| format!("{name} {}", case.name).to_lowercase().contains(word))) {
            ran += 1;
            check::check(case).into_iter().for_each(&mut report);
            match check::review_text(case) {
                Some(Err(now)) if update => rewritten.push((case, now)),
                Some(Err(now)) => report(Failure::new(case.line, format!("the review reads otherwise (CASES_UPDATE=1 rewrites it):\n{now}"))),
                Some(Ok(())) | None => {}
            }
            match replay::replay(case) {
                replay::Replay::Done(case) => {
                    replayed += 1;
                    counts.agreed += case.agreed;
                    counts.open += case.open;
                }
                replay::Replay::KeptBack => kept_back += 1,
                replay::Replay::Disagrees(messages) => messages.into_iter().for_each(&mut report),
            }
        }
        if !rewritten.is_empty() {
            fs::write(&file, rewrite(&text, &rewritten)).unwrap();
        }
    }
    println!(
        "{ran} cases, {replayed} replayed on the real proxy, {kept_back} not; {} requests went where the model says, {} open",
        counts.agreed, counts.open
    );
    assert!(ran > 0, "no case has `{wanted}` in its name");
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// Returns every page below `root`, sorted.
fn pages(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") && path.file_name().is_some_and(|name| name != "README.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns `text` with the review blocks of these cases replaced.
fn rewrite(text: &str, cases: &[(&Case, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (case, now) in cases.iter().rev() {
        let Some(review) = &case.review else { continue };
        lines.splice(review.lines.clone(), now.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}
