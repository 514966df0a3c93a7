//! The table of complaints names tests: they exist, and no complaint is left out.

use std::fs;
use std::path::{Path, PathBuf};

/// All files of Rust below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts between backticks that name a test.
fn named(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|name| name.split_once("::")).collect()
}

/// Whether `name` is a test in this text: a function with an attribute, or one that `on_both!` makes tests of.
fn is_test(text: &str, name: &str) -> bool {
    let attributed =
        text.split_once(&format!("fn {name}()")).is_some_and(|(before, _)| before.trim_end().trim_end_matches("async").trim_end().ends_with(']'));
    let on_both = text
        .split_once("on_both!(")
        .and_then(|(_, rest)| rest.split_once(')'))
        .is_some_and(|(list, _)| list.split(',').any(|one| one.trim() == name));
    attributed || on_both
}

#[test]
fn every_complaint_is_answered_by_a_test_that_exists_or_is_said_to_be_open() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    let texts: Vec<(PathBuf, String)> = files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let table = fs::read_to_string(root.join("docs/complaints.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.starts_with("| ")).map(|line| line.trim_matches('|').split(" | ").collect()).collect();
    let numbers: Vec<u32> = rows.iter().filter_map(|row| row[0].trim().parse().ok()).collect();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
    for row in rows.iter().filter(|row| row[0].trim().parse::<u32>().is_ok()) {
        let tests = named(row[3]);
        assert!(!tests.is_empty() || row[3].contains("open:"), "complaint {} is held by nothing", row[0]);
        for (module, name) in tests {
            let of_module =
                |path: &Path| path.file_stem().is_some_and(|stem| stem == module) || path.parent().is_some_and(|parent| parent.ends_with(module));
            let there = texts.iter().any(|(path, text)| of_module(path) && is_test(text, name));
            assert!(there, "complaint {}: there is no test {module}::{name}", row[0]);
        }
    }
}
