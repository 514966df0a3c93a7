//! `waypost review`.

use super::{outage, waypost, write_configuration};
use crate::support::Scratch;

const FOLDERS: [&str; 5] = ["review", "--base-dir", "base", "--head-dir", "head"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    FOLDERS.iter().chain(more).copied().collect()
}

#[test]
fn two_folders_as_text() {
    insta::assert_snapshot!(waypost(&outage(), &FOLDERS));
}

#[test]
fn two_folders_as_markdown() {
    insta::assert_snapshot!(waypost(&outage(), &with(&["--format", "markdown"])));
}

#[test]
fn two_folders_as_json() {
    insta::with_settings!({filters => vec![("\"total\": [0-9]+", "\"total\": 0")]}, {
        insta::assert_snapshot!(waypost(&outage(), &with(&["--format", "json"])));
    });
}

#[test]
fn the_exit_code_follows_fail_on() {
    let scratch = outage();
    assert!(waypost(&scratch, &with(&["--fail-on", "error"])).ends_with("--- exit 1\n"));
    assert!(waypost(&scratch, &with(&["--fail-on", "warning"])).ends_with("--- exit 1\n"));
    assert!(waypost(&scratch, &with(&["--fail-on", "never"])).ends_with("--- exit 0\n"));
    let same = ["review", "--base-dir", "base", "--head-dir", "base", "--fail-on", "warning"];
    let told = waypost(&scratch, &same);
    assert!(told.starts_with("PASS  Nothing that routes traffic changed\n") && told.ends_with("--- exit 0\n"), "{told}");
}

#[test]
fn a_file_gets_the_review_and_the_terminal_nothing() {
    let scratch = outage();
    assert_eq!(waypost(&scratch, &with(&["--output", "review.txt", "--color", "never"])), "--- exit 1\n");
    let written = std::fs::read(scratch.0.join("review.txt")).unwrap();
    assert!(waypost(&scratch, &with(&["--output", "-"])).starts_with(&String::from_utf8(written).unwrap()));
}

#[test]
fn the_work_tree_is_compared_with_the_default_branch() {
    let scratch = Scratch::repository();
    write_configuration(&scratch, "", "10.20.1.12");
    scratch.commit("All well");
    scratch.git(&["checkout", "-q", "-b", "shift"]);
    write_configuration(&scratch, "", "10.20.1.15");
    let uncommitted = waypost(&scratch, &["review"]);
    assert!(uncommitted.starts_with("FAIL  ") && uncommitted.contains("10.20.1.15"), "{uncommitted}");
    scratch.commit("Shift load");
    assert_eq!(waypost(&scratch, &["review", "--head", "shift"]), uncommitted);
    scratch.git(&["checkout", "-q", "main"]);
    assert_eq!(waypost(&scratch, &["review", "--repo", ".", "--head", "shift"]), uncommitted);
}

/// The title names the commit, so the state before it is what must come back; a file the bad commit added stays.
#[test]
fn a_revert_is_compared_with_the_state_before_what_it_reverts() {
    let scratch = Scratch::repository();
    write_configuration(&scratch, "", "10.20.1.12");
    scratch.commit("All well");
    write_configuration(&scratch, "", "10.20.1.15");
    scratch.commit("Shift load");
    scratch.git(&["checkout", "-q", "-b", "back"]);
    let nginx = std::fs::read(scratch.0.join("nginx.conf")).unwrap();
    let nginx = String::from_utf8(nginx).unwrap().replace("10.20.1.11:8080 max_fails=0", "10.20.1.11:8080 weight=2 max_fails=0");
    scratch.write("nginx.conf", &nginx);
    scratch.commit("Back");
    let told = waypost(&scratch, &["review", "--head", "back", "--title", "Revert \"Shift load\"", "-v"]);
    assert!(told.contains("rollback-unsafe") && told.contains("not restored"), "{told}");
    assert!(told.contains("note: this reverts commit"), "{told}");
    write_configuration(&scratch, "", "10.20.1.12");
    scratch.commit("Back for good");
    let told = waypost(&scratch, &["review", "--head", "back", "--title", "Revert \"Shift load\""]);
    assert!(told.contains("goes where it went in the known-good state") && told.ends_with("--- exit 0\n"), "{told}");
}
