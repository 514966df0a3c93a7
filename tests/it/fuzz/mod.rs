//! Damaged and changed files: no panic, no hang, no place outside the file, and patterns that mean what their translation means.
//!
//! The corpus is in `tests/fuzz/corpus`: files as people write them, and every input that once broke something. From it and from the grammars of the random
//! configurations inputs are made (`make`): damaged ones, which try the readers, and well-formed changes, which try lowering, rules and comparison.
//! `tests/fuzz/run MINUTES` makes new ones for as long as asked; the plain test run replays the corpus and a few hundred inputs that are the same every time.

mod hold;
mod make;
mod mutate;
pub(crate) mod random;
pub(crate) mod structure;

use hold::{Input, holds, pattern_holds};
use make::{corpus, input};
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
        survives(&Input::new(&seed.path, String::new(), seed.text.clone()));
    }
}

/// `WAYPOST_FUZZ_MINUTES` says for how long, `WAYPOST_FUZZ_SEED` where to begin; without them a few that are the same every time.
#[test]
fn damaged_and_changed_files_are_survived() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    let until = match number("WAYPOST_FUZZ_MINUTES") {
        Some(minutes) => Until::Time(Instant::now() + Duration::from_secs(60 * minutes)),
        None => Until::Count(FEW),
    };
    let broken = run(number("WAYPOST_FUZZ_SEED").unwrap_or(1), until, &folder);
    assert!(broken.is_empty(), "{} inputs broke something; they are in {}: {broken:?}", broken.len(), folder.display());
}

/// Random texts and patterns made of those of the corpus: the translation of a pattern means what the pattern means.
#[test]
fn damaged_patterns_mean_what_their_translation_means() {
    let seeds = corpus();
    let mut random = Random::new(5);
    for _ in 0..2 * FEW {
        patterns(&mut random, &seeds);
    }
}

/// So many inputs in a plain test run.
const FEW: u64 = 100;

/// When to stop.
#[derive(Clone, Copy, Debug)]
enum Until {
    Time(Instant),
    Count(u64),
}

/// What came of a run.
#[derive(Default)]
struct Run {
    broken: Vec<PathBuf>,
    /// The beginnings of what was said, one of a kind.
    said: Vec<String>,
}

impl Run {
    /// Keeps what panicked, if nothing like it did before.
    fn panicked(&mut self, panic: &dyn std::any::Any, file: &Path) -> bool {
        let message =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        let kind: String = message.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
        let new = !self.said.contains(&kind);
        if new {
            println!("{}: {}", file.display(), message.chars().take(1500).collect::<String>());
            self.said.push(kind);
            self.broken.push(file.to_owned());
        }
        new
    }
}

/// Makes inputs until it is time to stop. Returns the files of those that broke something.
fn run(seed: u64, until: Until, folder: &Path) -> Vec<PathBuf> {
    let seeds = corpus();
    let mut random = Random::new(seed);
    let mut run = Run::default();
    let watched: Arc<Mutex<Option<(Duration, PathBuf)>>> = Arc::default();
    watch(Arc::clone(&watched));
    let (mut count, mut contradicting, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    let goes_on = |count: u64| match until {
        Until::Time(end) => Instant::now() < end,
        Until::Count(most) => count < most,
    };
    while goes_on(count) && run.broken.len() < 20 {
        let input = input(&mut random, &seeds);
        // Written before it is tried: a stack that overflows leaves no time for it.
        let file = folder.join(format!("{seed}-{count}.{}", input.path.rsplit('/').next().unwrap_or_default()));
        let files = written(&input, &file);
        let started = spent();
        *watched.lock().unwrap() = Some((started, file.clone()));
        let ended = catch_unwind(AssertUnwindSafe(|| {
            patterns(&mut random, &seeds);
            holds(&input)
        }));
        *watched.lock().unwrap() = None;
        slowest = slowest.max(spent().saturating_sub(started));
        count += 1;
        let keep = match ended {
            Ok(contradicts) => {
                contradicting += u64::from(contradicts);
                false
            }
            Err(panic) => run.panicked(&*panic, &file),
        };
        if !keep {
            for file in &files {
                fs::remove_file(file).unwrap();
            }
        }
    }
    println!("{count} inputs, the slowest took {slowest:?}; in {contradicting} of them the comparison contradicts itself and says so");
    run.broken
}

/// Writes an input down and returns its files.
fn written(input: &Input, file: &Path) -> Vec<PathBuf> {
    let mut files = vec![(file.to_owned(), &input.head), (file.with_extension("base"), &input.base)];
    files.extend(input.beside.iter().map(|(path, text)| (file.with_extension(path), text)));
    for (file, text) in &files {
        fs::write(file, text).unwrap();
    }
    files.into_iter().map(|(file, _)| file).collect()
}

/// Damages a few patterns, and tries them on pieces of each other.
fn patterns(random: &mut Random, seeds: &[make::Seed]) {
    let lines: Vec<&str> = seeds.iter().filter(|seed| seed.path.ends_with(".regexes")).flat_map(|seed| seed.text.lines()).collect();
    for _ in 0..4 {
        let (pattern, other) = (*random.pick(&lines), *random.pick(&lines));
        let pattern = mutate::mutate(random, pattern, other);
        if pattern.len() < 400 {
            let texts: Vec<Vec<u8>> = (0..6).map(|_| text(random, &pattern, other)).collect();
            pattern_holds(&pattern, &texts);
        }
    }
}

/// Returns some characters of both, in runs.
fn text(random: &mut Random, one: &str, other: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..=random.below(4) {
        let from = if random.one_in(2) { one } else { other }.as_bytes();
        let start = random.below(from.len());
        text.extend(from.iter().skip(start).take(1 + random.below(5)).filter(|byte| !b"()[]^$\\".contains(byte)));
    }
    text
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
