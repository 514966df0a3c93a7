//! Questions that are too hard end, and end soon.

use std::sync::Arc;
use waypost::model::{Matcher, Regex, RegexDialect};
use waypost::space::{LanguageId, Languages, OutOfBudget, Universe};

fn regex(pattern: &str) -> Matcher {
    Matcher::Regex(Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() })
}

fn path(languages: &mut Languages) -> LanguageId {
    languages.universe(Universe::Path { decoded: true, merged: true })
}

#[test]
fn a_state_explosion_is_out_of_budget() {
    let mut languages = Languages::new(300_000);
    let path = path(&mut languages);
    let one = languages.matcher(&regex("a.{24}$")).unwrap();
    let other = languages.matcher(&regex("a.{25}$")).unwrap();
    let third = languages.matcher(&regex("b")).unwrap();
    assert_eq!(languages.witness(&[path], &[one, other, third]), Ok(Some(b"/".to_vec())));
    assert_eq!(languages.is_empty(&[path, one, other], &[third, path]), Ok(true));
    let all = languages.matcher(&regex(r"^/[ab]{40,}c$")).unwrap();
    let never = languages.matcher(&regex("d")).unwrap();
    let longer = languages.matcher(&regex("b.{24}$")).unwrap();
    assert_eq!(languages.witness(&[all, one, longer, never], &[]), Err(OutOfBudget));
    assert!(languages.spent() <= 300_000);
}

#[test]
fn ten_thousand_anchored_patterns_are_no_work() {
    let mut languages = Languages::new(3_000_000);
    let all: Vec<LanguageId> = (0..10_000).map(|n| languages.matcher(&regex(&format!("^/x{n}/[^/]+/y$"))).unwrap()).collect();
    let given = languages.matcher(&regex("^/x77/a.*y$")).unwrap();
    let overlapping: Vec<usize> = (0..all.len()).filter(|at| !languages.disjoint(all[*at], given).unwrap()).collect();
    assert_eq!(overlapping, [77]);
    let caseless = languages.matcher(&regex("(?i)^/X123/")).unwrap();
    assert_eq!(all.iter().filter(|one| !languages.disjoint(**one, caseless).unwrap()).count(), 1);
}

#[test]
fn a_thousand_unanchored_words_share_their_start() {
    let mut languages = Languages::new(5_000_000);
    let path = path(&mut languages);
    let all: Vec<LanguageId> = (0..1000).map(|n| languages.matcher(&regex(&format!("word-{n}x"))).unwrap()).collect();
    for at in [0, 1, 500, 999] {
        let text = languages.witness(&[path, all[at]], &all[..at]).unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&text), format!("/word-{at}x"));
    }
    let last = languages.matcher(&regex("word-999x/?$")).unwrap();
    assert_eq!(languages.is_empty(&[path, last], &all), Ok(true));
}
