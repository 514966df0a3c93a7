//! `tests/cases/README.md`: every page that its tables name is there, and no cell is empty.

#![expect(clippy::disallowed_methods, reason = "pages are read from disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().to_lowercase();
    letters.chars().map(|c| if c == ' ' { '-' } else { c }).filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_mechanism_and_every_reason_for_false_alarms_has_its_pages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let text = fs::read_to_string(root.join("README.md")).unwrap();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut wrong, mut links) = (Vec::new(), 0);
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).map(|line| line.trim_matches('|')) {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        if matches!(cells[0], "mechanism" | "reason") {
            continue;
        }
        let linked = cells.iter().skip(1).filter(|cell| cell.contains("](")).count();
        if linked == 0 || cells.iter().any(|cell| cell.is_empty()) || cells.iter().skip(1).any(|cell| !cell.contains("](") && *cell != "–") {
            wrong.push(format!("a cell of `{}` has no page", cells[0]));
        }
        for link in row.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            links += 1;
            let (page, heading) = link.split_once('#').unwrap_or((link, ""));
            let there = known.entry(page.to_owned()).or_insert_with(|| anchors(&root.join(page)));
            if !there.contains(heading) {
                wrong.push(format!("`{}` names {link}, which is not there", cells[0]));
            }
        }
    }
    assert!(links > 100, "{links} links only");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
