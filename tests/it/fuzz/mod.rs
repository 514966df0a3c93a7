//! Damaged files: no panic, no hang, no place outside the file.
//!
//! The corpus is in `tests/fuzz/corpus`: files as people write them, and every input that once broke something. `tests/fuzz/run MINUTES` makes new ones
//! from it for as long as asked; the plain test run replays the corpus and a few hundred inputs that are the same every time.

mod hold;
mod mutate;
pub(crate) mod random;

use hold::{Input, holds};
use random::Random;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The most of the processor's time that one input may take, all that is asked of it together.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 10 });

#[test]
fn the_corpus_is_survived() {
    let seeds = corpus();
    assert!(seeds.len() > 10, "the corpus is not there");
    for seed in &seeds {
        // What once broke something did so as it is; the others are what changes begin from.
        survives(&Input { path: seed.path.clone(), base: String::new(), head: seed.text.clone() });
    }
}

#[test]
fn a_few_hundred_damaged_files_are_survived() {
    let seeds = corpus();
    let mut random = Random::new(1);
    for _ in 0..150 {
        survives(&input(&mut random, &seeds));
    }
}

/// `WAYPOST_FUZZ_MINUTES` says how long, `WAYPOST_FUZZ_SEED` where to begin.
#[test]
#[ignore = "runs as long as it is asked to: tests/fuzz/run MINUTES"]
fn damaged_files_are_survived_for_minutes() {
    let number = |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let until = Instant::now() + Duration::from_secs(60 * number("WAYPOST_FUZZ_MINUTES", 1));
    let seed = number("WAYPOST_FUZZ_SEED", 2);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    let broken = run(seed, until, &folder);
    assert!(broken.is_empty(), "{} inputs broke something; they are in {}: {broken:?}", broken.len(), folder.display());
}

/// Makes inputs until the time is over. Returns the files of those that broke something.
pub(crate) fn run(seed: u64, until: Instant, folder: &Path) -> Vec<PathBuf> {
    let seeds = corpus();
    let mut random = Random::new(seed);
    let mut broken = Vec::new();
    let mut messages = Vec::new();
    let watched: Arc<Mutex<Option<(Duration, PathBuf)>>> = Arc::default();
    watch(Arc::clone(&watched));
    let (mut count, mut slowest) = (0_u64, Duration::ZERO);
    while Instant::now() < until && broken.len() < 20 {
        let input = input(&mut random, &seeds);
        // Written before it is tried: a stack that overflows leaves no time for it.
        let file = folder.join(format!("{seed}-{count}.{}", input.path.rsplit('/').next().unwrap_or_default()));
        fs::write(&file, &input.head).unwrap();
        fs::write(folder.join(format!("{seed}-{count}.base")), &input.base).unwrap();
        let started = spent();
        *watched.lock().unwrap() = Some((started, file.clone()));
        let ended = catch_unwind(AssertUnwindSafe(|| holds(&input)));
        *watched.lock().unwrap() = None;
        slowest = slowest.max(spent().saturating_sub(started));
        count += 1;
        if let Err(panic) = ended {
            let message =
                panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
            let kind: String = message.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
            // One of a kind is enough.
            if !messages.contains(&kind) {
                println!("{}: {}", file.display(), message.chars().take(1500).collect::<String>());
                messages.push(kind);
                broken.push(file);
                continue;
            }
        }
        fs::remove_file(&file).unwrap();
        fs::remove_file(file.with_file_name(format!("{seed}-{}.base", count - 1))).unwrap();
    }
    println!("{count} inputs, the slowest took {slowest:?}");
    broken
}

/// Ends the process when an input takes too long; the file says which.
fn watch(watched: Arc<Mutex<Option<(Duration, PathBuf)>>>) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            if let Some((started, file)) = &*watched.lock().unwrap()
                && spent().saturating_sub(*started) > LONGEST
            {
                println!("{} takes more than {LONGEST:?}", file.display());
                std::process::abort();
            }
        }
    });
}

/// Returns the processor's time that this process has had: on a busy machine a clock says nothing of an input. Linux: proc(5), 100 ticks a second.
fn spent() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn survives(input: &Input) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| holds(input))) {
        println!("--- {} base\n{}\n--- head\n{}", input.path, input.base, input.head);
        std::panic::resume_unwind(panic);
    }
}

/// A file to begin from.
struct Seed {
    path: String,
    text: String,
}

/// Returns the files of the corpus, sorted by name.
fn corpus() -> Vec<Seed> {
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

/// Makes the next input from one or two seeds.
fn input(random: &mut Random, seeds: &[Seed]) -> Input {
    let (seed, other) = (random.pick(seeds), random.pick(seeds));
    let damaged = mutate::mutate(random, &seed.text, &other.text);
    if seed.path == "regexes.regexes" {
        return Input { path: "nginx.conf".to_owned(), base: with_regexes(&seed.text), head: with_regexes(&damaged) };
    }
    // A file that was damaged already, in one change out of four.
    let base = if random.one_in(4) { mutate::mutate(random, &seed.text, &other.text) } else { seed.text.clone() };
    Input { path: seed.path.clone(), base, head: damaged }
}

/// Returns a configuration with a location for each line of `patterns`.
fn with_regexes(patterns: &str) -> String {
    let quoted = |line: &str| line.replace('\\', "\\\\").replace('"', "\\\"");
    let locations: String = patterns.lines().take(12).map(|line| format!("location ~ \"{}\" {{ return 200 \"$1\"; }}\n", quoted(line))).collect();
    format!("events {{}}\nhttp {{ server {{ listen 80;\n{locations}location / {{ return 204; }}\n}} }}\n")
}
