//! What holds of every comparison, on random configurations: nothing changed is no change, and there and back are the same changes.
//!
//! `WAYPOST_LAWS=500` tries so many configurations of each format, `WAYPOST_LAWS_SEED` says from which seed on.

use crate::fuzz::random::Random;
use crate::fuzz::structure::{Statement, Statements};
use std::collections::BTreeSet;
use waypost::analysis::{Comparison, Destination, compare};
use waypost::formats;
use waypost::model::Model;
use waypost::snapshot::memory;

type Files = Vec<(String, String)>;

/// How one format is written and changed.
struct Format {
    name: &'static str,
    written: fn(u64) -> Files,
    apart: fn(&str) -> Statements,
    /// What names pools begin with, and what the name may be turned into.
    pools: (&'static str, &'static str),
}

const NGINX: Format = Format {
    name: "nginx",
    written: |seed| vec![("nginx.conf".to_owned(), crate::nginx::written(seed))],
    apart: Statements::nginx,
    pools: ("pool_", "renamed_"),
};
const HAPROXY: Format = Format { name: "HAProxy", written: crate::haproxy::written, apart: Statements::haproxy, pools: ("be_", "renamed_") };

fn model(files: &Files) -> Model {
    formats::read(&memory(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}

fn refused(model: &Model) -> bool {
    model.gateways.is_empty() || model.problems.iter().any(|problem| problem.fatal)
}

/// Tries a law on random configurations: what `check` returns does not hold.
fn law(format: &Format, check: impl Fn(&mut Random, &Files) -> Option<String>) {
    let number = |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let first = number("WAYPOST_LAWS_SEED", 500);
    let (mut tried, mut wrong) = (0, Vec::new());
    for seed in first..first + number("WAYPOST_LAWS", 8) {
        let files = (format.written)(seed);
        if refused(&model(&files)) {
            continue;
        }
        tried += 1;
        if let Some(what) = check(&mut Random::new(seed), &files) {
            wrong.push(format!("{} seed {seed}: {what}", format.name));
        }
    }
    println!("{}: {tried} configurations", format.name);
    assert!(tried > 0, "no configuration of {} was read", format.name);
    assert!(wrong.is_empty(), "{} of {tried} do not hold, e.g.\n{}", wrong.len(), wrong[0]);
}

/// Says what a change that means nothing does.
fn nothing(before: &Files, after: &Files) -> Option<String> {
    let comparison = compare(&model(before), &model(after));
    if comparison.changes.is_empty() && comparison.disagreements == 0 {
        return None;
    }
    let told: Vec<String> = told(&comparison).into_iter().map(|(was, now)| format!("{was} -> {now}")).collect();
    let regions: Vec<&String> = comparison.changes.iter().map(|change| &change.region).collect();
    Some(format!("{} contradictions, {regions:?}: {told:?}\n{}\nand then\n{}", comparison.disagreements, before[0].1, after[0].1))
}

/// Returns what requests got and get, without what depends on the single request.
fn told(comparison: &Comparison) -> BTreeSet<(String, String)> {
    let all = comparison.changes.iter().flat_map(|change| &change.pairs).map(|at| &comparison.pairs[*at]);
    all.map(|pair| (effect(&pair.was.destination), effect(&pair.now.destination))).collect()
}

fn effect(destination: &Destination) -> String {
    match destination {
        Destination::Forward { pool, .. } => format!("forward {pool}"),
        Destination::Redirect { status, .. } => format!("redirect {status}"),
        Destination::Opaque { alternatives, .. } => {
            let all: BTreeSet<String> = alternatives.iter().map(|one| effect(&one.outcome)).collect();
            all.into_iter().collect::<Vec<_>>().join(" or ")
        }
        other => format!("{other:?}"),
    }
}

fn with(files: &Files, config: String) -> Files {
    std::iter::once((files[0].0.clone(), config)).chain(files.iter().skip(1).cloned()).collect()
}

/// Puts the statements at `places` into another order.
fn shuffled(random: &mut Random, block: &mut [Statement], places: &[usize]) {
    for (at, place) in places.iter().enumerate().skip(1) {
        block.swap(*place, places[random.below(at + 1)]);
    }
}

#[test]
fn the_same_is_no_change() {
    for format in [NGINX, HAPROXY] {
        law(&format, |_, files| nothing(files, &files.clone()));
    }
}

#[test]
fn other_names_of_pools_are_no_change() {
    for format in [NGINX, HAPROXY] {
        law(&format, |_, files| {
            let (old, new) = format.pools;
            // A name that is put together from the request means another pool when pools are called otherwise.
            if files[0].1.contains(&format!("{old}%[")) {
                return None;
            }
            nothing(files, &files.iter().map(|(path, text)| (path.clone(), text.replace(old, new))).collect())
        });
    }
}

#[test]
fn the_order_of_what_is_apart_is_no_change() {
    law(&NGINX, |random, files| {
        let mut statements = Statements::nginx(&files[0].1);
        // Of locations only those by regex are tried in their order; what an upstream is called says which it is.
        let free = |text: &str| text.starts_with("upstream ") || text.starts_with("location ") && !text.starts_with("location ~");
        statements.each_block(&mut |_, block| {
            let places: Vec<usize> = (0..block.len()).filter(|at| free(block[*at].text())).collect();
            shuffled(random, block, &places);
        });
        nothing(files, &with(files, statements.text()))
    });
    law(&HAPROXY, |random, files| {
        let mut statements = Statements::haproxy(&files[0].1);
        statements.each_block(&mut |_, block| {
            let places: Vec<usize> = (0..block.len()).filter(|at| block[*at].name() == "backend").collect();
            shuffled(random, block, &places);
            // An ACL is a name; those of one name are tried in their order.
            let names: Vec<(usize, String)> = block
                .iter()
                .enumerate()
                .filter(|(_, line)| line.name() == "acl")
                .map(|(at, line)| (at, line.text().split(' ').nth(1).unwrap_or_default().to_owned()))
                .collect();
            let once = |name: &str| names.iter().filter(|(_, other)| other == name).count() == 1;
            let places: Vec<usize> = names.iter().filter(|(_, name)| once(name)).map(|(at, _)| *at).collect();
            shuffled(random, block, &places);
        });
        nothing(files, &with(files, statements.text()))
    });
}

#[test]
fn what_is_moved_into_a_file_is_no_change() {
    law(&NGINX, |random, files| {
        let mut statements = Statements::nginx(&files[0].1);
        let mut parts: Files = Vec::new();
        statements.each_block(&mut |of, block| {
            let wanted = of.is_some_and(|of| of == "http" || of == "server" || of.starts_with("location"));
            if !wanted || block.is_empty() || !random.one_in(2) {
                return;
            }
            let from = random.below(block.len());
            let to = from + 1 + random.below(block.len() - from);
            let path = format!("parts/{}.conf", parts.len());
            let moved: Vec<Statement> = block.splice(from..to, [Statement::plain(format!("include {path}"))]).collect();
            parts.push((path, moved.iter().map(|statement| statement.written(false)).collect()));
        });
        let mut after = with(files, statements.text());
        after.extend(parts);
        nothing(files, &after)
    });
}

#[test]
fn there_and_back_are_the_same_changes() {
    for format in [NGINX, HAPROXY] {
        law(&format, |random, files| {
            let donor = (format.apart)(&(format.written)(random.next() >> 16)[0].1);
            let after = with(files, (format.apart)(&files[0].1).altered(random, &donor).text());
            let [before, after] = [model(files), model(&after)];
            if refused(&after) {
                return None;
            }
            let [there, back] = [compare(&before, &after), compare(&after, &before)];
            // What was only tried need not be the same.
            if !there.exact || !back.exact {
                return None;
            }
            let turned: BTreeSet<(String, String)> = told(&back).into_iter().map(|(was, now)| (now, was)).collect();
            let there = told(&there);
            (there != turned).then(|| format!("there {:?}, and back {:?}", there.difference(&turned), turned.difference(&there)))
        });
    }
}
