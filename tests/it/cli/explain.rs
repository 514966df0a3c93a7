//! `waypost explain`.

use super::waypost;
use crate::support::Scratch;

#[test]
fn the_rules_are_listed() {
    let told = waypost(&Scratch::new(), &["explain"]);
    for rule in waypost::policy::rules() {
        assert!(told.contains(rule.id), "{told}");
    }
}

#[test]
fn every_rule_has_a_page_under_both_names() {
    let scratch = Scratch::new();
    for rule in waypost::policy::rules() {
        let page = waypost(&scratch, &["explain", rule.id]);
        assert!(page.starts_with(rule.id) && page.contains("How to fix") && page.ends_with("--- exit 0\n"), "{page}");
        assert!(!page.contains("```") && !page.contains("## "), "{page}");
        assert_eq!(waypost(&scratch, &["explain", rule.id.rsplit_once('/').unwrap().1]), page);
    }
}

#[test]
fn a_slip_of_the_finger_is_understood() {
    insta::assert_snapshot!(waypost(&Scratch::new(), &["explain", "mising-server"]), @"
    --- standard error
    error: there is no rule `mising-server`
    help: did you mean `missing-server`? `waypost explain` lists them all
    --- exit 2
    ");
    insta::assert_snapshot!(waypost(&Scratch::new(), &["explain", "xyzzy"]), @"
    --- standard error
    error: there is no rule `xyzzy`
    help: `waypost explain` lists the rules
    --- exit 2
    ");
}
