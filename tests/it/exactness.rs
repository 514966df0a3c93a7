//! How often the comparison says that it is exact, and why not where it is not.
//!
//! The figures are printed, and the shares may not fall. `WAYPOST_EXACTNESS=1000` compares so many pairs of each format, `WAYPOST_EXACTNESS_SEED` says from
//! which seed on, `WAYPOST_EXACTNESS_SHOW` shows the reasons of each, `WAYPOST_EXACTNESS_WRITE` is a folder to which both sides of the last one are written.

use crate::fuzz::random::Random;
use crate::fuzz::structure::Statements;
use std::collections::BTreeMap;
use waypost::analysis::{Comparison, compare};
use waypost::formats;
use waypost::model::Model;
use waypost::snapshot::memory;

/// Comparisons by how they ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) compared: usize,
    pub(crate) exact: usize,
    /// Not exact, and nothing that changes was found.
    pub(crate) silent: usize,
    changed: usize,
    disagreements: Vec<String>,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn count(&mut self, name: &str, comparison: &Comparison) {
        self.compared += 1;
        self.exact += usize::from(comparison.exact);
        self.changed += usize::from(!comparison.changes.is_empty());
        self.silent += usize::from(!comparison.exact && comparison.changes.is_empty());
        if comparison.disagreements > 0 {
            self.disagreements.push(format!("{name}: {}", comparison.disagreements));
        }
        for reason in &comparison.reasons {
            // The words before say which condition it was.
            let kind = reason.rsplit(": ").next().unwrap_or(reason);
            *self.reasons.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Prints the figures; panics where what was worked out and what was tried disagree, or where fewer than `least` percent are exact.
    pub(crate) fn holds(&self, what: &str, least: usize) {
        let Self { compared, exact, silent, changed, disagreements, reasons } = self;
        println!("{what}: {compared} comparisons, {exact} exact, {changed} with changes, {silent} not exact and without changes");
        let mut sorted: Vec<_> = reasons.iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in sorted {
            println!("  {count:5} {reason}");
        }
        assert!(disagreements.is_empty(), "{what}: {} comparisons contradict themselves: {disagreements:?}", disagreements.len());
        assert!(exact * 100 >= least * compared, "{what}: only {exact} of {compared} are exact, and {least} % were");
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Compares as many random configurations with a change of each, and counts.
fn tally(written: impl Fn(u64) -> Vec<(String, String)>, apart: impl Fn(&str) -> Statements) -> Tally {
    let first = number("WAYPOST_EXACTNESS_SEED", 1);
    let mut tally = Tally::default();
    for seed in first..first + number("WAYPOST_EXACTNESS", 40) {
        let files = written(seed);
        let (before, donor) = (apart(&files[0].1), apart(&written(seed + 1_000_000)[0].1));
        let mut random = Random::new(seed);
        let mut after = before.altered(&mut random, &donor);
        if random.one_in(2) {
            after = after.altered(&mut random, &donor);
        }
        let side = |text: String| {
            let rest = files.iter().skip(1).map(|(path, text)| (path.as_str(), text.as_str()));
            formats::read(&memory(std::iter::once((files[0].0.as_str(), text.as_str())).chain(rest)))
        };
        if let Some(folder) = std::env::var_os("WAYPOST_EXACTNESS_WRITE") {
            write(&folder, &files, [before.text(), after.text()]);
        }
        let models = [side(before.text()), side(after.text())];
        let refused = |model: &Model| model.gateways.is_empty() || model.problems.iter().any(|problem| problem.fatal);
        if models.iter().any(refused) {
            continue;
        }
        let comparison = compare(&models[0], &models[1]);
        if std::env::var_os("WAYPOST_EXACTNESS_SHOW").is_some() && !comparison.exact {
            println!("seed {seed}: {:?}", comparison.reasons);
        }
        tally.count(&format!("seed {seed}"), &comparison);
    }
    tally
}

/// Writes both sides, the first file of each altered.
fn write(folder: &std::ffi::OsStr, files: &[(String, String)], first: [String; 2]) {
    for (side, first) in ["base", "head"].iter().zip(first) {
        for (at, (path, text)) in files.iter().enumerate() {
            let path = std::path::Path::new(folder).join(side).join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, if at == 0 { &first } else { text }).unwrap();
        }
    }
}

#[test]
fn most_changes_of_random_nginx_configurations_are_compared_exactly() {
    let written = |seed| vec![("nginx.conf".to_owned(), crate::nginx::written(seed))];
    tally(written, Statements::nginx).holds("nginx", 95);
}

#[test]
fn most_changes_of_random_haproxy_configurations_are_compared_exactly() {
    tally(crate::haproxy::written, Statements::haproxy).holds("HAProxy", 75);
}
