//! Makes inputs: damaged text, well-formed changes, and patterns.

use super::hold::Input;
use super::mutate;
use super::random::Random;
use super::structure::Statements;
use std::fs;
use std::path::{Path, PathBuf};

/// A file to begin from.
pub(super) struct Seed {
    pub(super) path: String,
    pub(super) text: String,
}

/// Returns the files of the corpus, sorted by name.
pub(super) fn corpus() -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seed = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap();
        let (_, ending) = name.split_once('.').unwrap();
        let start = if ending.starts_with("cfg") { "haproxy" } else { "nginx" };
        let start = if ending == "regexes" { "regexes" } else { start };
        Seed { path: format!("{start}.{ending}"), text: fs::read_to_string(file).unwrap() }
    };
    files.iter().map(seed).collect()
}

/// Makes the next input.
pub(super) fn input(random: &mut Random, seeds: &[Seed]) -> Input {
    match random.below(8) {
        0 | 1 => written(random, Kind::Nginx),
        2 | 3 => written(random, Kind::Haproxy),
        4 => altered(random, seeds),
        _ => damaged(random, seeds),
    }
}

/// One or two seeds, damaged.
fn damaged(random: &mut Random, seeds: &[Seed]) -> Input {
    let (seed, other) = (random.pick(seeds), random.pick(seeds));
    let damaged = mutate::mutate(random, &seed.text, &other.text);
    if seed.path == "regexes.regexes" {
        return Input::new("nginx.conf", with_regexes(&seed.text), with_regexes(&damaged));
    }
    // A file that was damaged already, in one change out of four.
    let base = if random.one_in(4) { mutate::mutate(random, &seed.text, &other.text) } else { seed.text.clone() };
    Input::new(&seed.path, base, damaged)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nginx,
    Haproxy,
}

impl Kind {
    fn apart(self, text: &str) -> Statements {
        match self {
            Self::Nginx => Statements::nginx(text),
            Self::Haproxy => Statements::haproxy(text),
        }
    }
}

/// A seed with statements of another one in it.
fn altered(random: &mut Random, seeds: &[Seed]) -> Input {
    let (seed, other) = (random.pick(seeds), random.pick(seeds));
    let kind = if seed.path.starts_with("haproxy") { Kind::Haproxy } else { Kind::Nginx };
    let head = some_changes(random, &kind.apart(&seed.text), &kind.apart(&other.text));
    Input::new(&seed.path, kind.apart(&seed.text).text(), head)
}

/// A configuration out of a grammar, with statements of another one in it; damaged too, in one out of four.
fn written(random: &mut Random, kind: Kind) -> Input {
    let (seed, other) = (random.next() >> 16, random.next() >> 16);
    let files = |seed: u64| match kind {
        Kind::Nginx => vec![("nginx.conf".to_owned(), crate::nginx::written(seed))],
        Kind::Haproxy => crate::haproxy::written(seed),
    };
    let (mut files, donor) = (files(seed), files(other).remove(0).1);
    let (path, base) = files.remove(0);
    let mut head = some_changes(random, &kind.apart(&base), &kind.apart(&donor));
    if random.one_in(4) {
        head = mutate::mutate(random, &head, &donor);
    }
    Input { beside: files, ..Input::new(&path, base, head) }
}

fn some_changes(random: &mut Random, statements: &Statements, other: &Statements) -> String {
    let mut new = statements.clone();
    for _ in 0..=random.below(3) {
        new = new.altered(random, other);
    }
    new.text()
}

/// Returns a configuration with a location for each line of `patterns`.
fn with_regexes(patterns: &str) -> String {
    let quoted = |line: &str| line.replace('\\', "\\\\").replace('"', "\\\"");
    let locations: String = patterns.lines().take(12).map(|line| format!("location ~ \"{}\" {{ return 200 \"$1\"; }}\n", quoted(line))).collect();
    format!("events {{}}\nhttp {{ server {{ listen 80;\n{locations}location / {{ return 204; }}\n}} }}\n")
}
