use super::*;
use crate::model::{Regex, RegexDialect};

fn regex(pattern: &str) -> Matcher {
    Matcher::Regex(Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() })
}

fn witness(inside: &[&str], outside: &[&str]) -> Option<String> {
    let mut languages = Languages::new(1_000_000);
    let path = languages.universe(Universe::Path { decoded: true, merged: true });
    let mut inside: Vec<LanguageId> = inside.iter().map(|pattern| languages.matcher(&regex(pattern)).unwrap()).collect();
    let outside: Vec<LanguageId> = outside.iter().map(|pattern| languages.matcher(&regex(pattern)).unwrap()).collect();
    inside.push(path);
    languages.witness(&inside, &outside).unwrap().map(|text| String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_nicest_text_is_found() {
    for (inside, outside, expected) in [
        (&[r"\.php$"] as &[&str], &[] as &[&str], Some("/.php")),
        (&[r"\.php$", "^/admin"], &[], Some("/admin.php")),
        (&["^/api/[0-9]+$"], &["^/api/0"], Some("/api/1")),
        (&["^/a"], &["^/"], None),
        (&["^(?!/api)/"], &[], Some("/")),
        (&["^(?!/api)/a"], &[], Some("/a")),
        (&["^/api", "^(?!/api)"], &[], None),
        (&[r"(?<!\.php)$"], &["^/$"], Some("/a")),
        (&[r"\.php", r"(?<!\.php)$"], &[], Some("/.phpa")),
        (&[r"\.php$"], &[r"\.php\z"], Some("/.php\n")),
        (&[r"\bfoo\b"], &[], Some("/foo")),
        (&["^/x.*y$", "z"], &[], Some("/xzy")),
    ] {
        assert_eq!(witness(inside, outside).as_deref(), expected, "{inside:?} without {outside:?}");
    }
}

#[test]
fn what_is_thrown_away_is_worked_out_again() {
    let mut languages = Languages::new(10_000_000);
    let path = languages.universe(Universe::Path { decoded: true, merged: true });
    let patterns = [r"^/[ab]*a.{5}c$", r"\.(php|html)$", "word-1", "word-22", r"^((?!\.\.).)*z$", "^/api/", r"(?<!x)y$"];
    let all: Vec<LanguageId> = patterns.iter().map(|pattern| languages.matcher(&regex(pattern)).unwrap()).collect();
    let ask = |languages: &mut Languages| -> Vec<Option<Vec<u8>>> {
        let pairs = all.iter().flat_map(|one| all.iter().map(move |other| (*one, *other)));
        pairs.map(|(one, other)| languages.witness(&[path, one], &[other]).unwrap()).collect()
    };
    let first = ask(&mut languages);
    let nodes = languages.arena.nodes.len();
    for _ in 0..3 {
        languages.arena.sweep(&languages.public);
        languages.witnesses.clear();
        assert!(languages.arena.free.len() > nodes / 4);
        assert_eq!(ask(&mut languages), first);
        assert_eq!(languages.arena.nodes.len(), nodes, "places are used again");
    }
}
