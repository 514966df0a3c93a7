//! The walls of the house: which room may know which, and that the key crates are there once.
//!
//! The checkers take texts, so that each of them is also tried on a wall that is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Who may know whom, beside itself. A room that is not listed here may know every other: the edge and what drives it.
const KNOWS: &[(&str, &[&str])] = &[
    ("span", &[]),
    ("model", &["span"]),
    ("snapshot", &["span"]),
    ("formats", &["model", "snapshot", "span"]),
    ("space", &["model", "span"]),
    ("analysis", &["model", "space", "span"]),
    ("policy", &["analysis", "model", "snapshot", "space", "span"]),
    ("review", &["analysis", "formats", "model", "policy", "snapshot", "space", "span"]),
    ("report", &["analysis", "model", "policy", "review", "snapshot", "span"]),
    ("dryrun", &["analysis", "model", "review", "snapshot", "span"]),
    ("github", &["analysis", "formats", "model", "policy", "report", "review", "snapshot", "span", "store"]),
    ("store", &["policy", "span"]),
];

/// The edge. `cli` and `standin` drive the others; nobody but `main` and each other drives them.
const EDGE: &[&str] = &["cli", "github", "server", "standin", "store"];

/// Rooms whose work is the same for the same input: nothing asynchronous, no clock, no environment, no network.
const PURE: &[&str] = &["span", "model", "formats", "space", "analysis", "policy", "review", "report"];

/// What a pure room never names.
const IMPURE: &[&str] = &[
    "tokio",
    "octocrab",
    "axum",
    "sqlx",
    "hyper",
    "tower_http",
    "gix",
    "async fn",
    "async move",
    ".await",
    "std::fs",
    "std::process",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant",
    "Zoned::now",
    "Timestamp::now",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "env!(",
];

/// Rooms whose files may hold an `unsafe` block.
const MAY_BE_UNSAFE: &[&str] = &["dryrun"];

/// Crates of which a second copy would be built twice, or would not fit the first.
const ONCE: &[&str] =
    &["axum", "http", "hyper", "jsonwebtoken", "octocrab", "regex-automata", "rustls", "serde_json", "sqlx", "tokio", "tower-http", "winnow"];

/// Crates that are never built: a second TLS, a second provider, a parser nobody keeps.
const NEVER: &[&str] = &["native-tls", "openssl-sys", "ring", "serde_yaml"];

/// A file of the crate: its path below `src` or `tests/it`, and its text.
type File = (String, String);

#[expect(clippy::disallowed_methods, reason = "the walls are read from the files themselves")]
fn files(root: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Returns the room a file of `src` is in; `None` for `lib.rs` and `main.rs`.
fn room(path: &str) -> Option<&str> {
    let first = path.split('/').next().unwrap_or(path);
    Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|room| !matches!(*room, "lib" | "main"))
}

/// Returns the code of a file: no comments, and nothing from the first test module on, which ships to nobody.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    shipped.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Returns the rooms that `code` names, through `crate::` or by climbing with `super::`.
fn named(path: &str, code: &str) -> BTreeSet<String> {
    let directories = path.split('/').count() - usize::from(path.ends_with("/mod.rs"));
    let climb = "super::".repeat(directories);
    let mut rooms = BTreeSet::new();
    for start in ["crate::", "waypost::", climb.as_str()] {
        for (at, _) in code.match_indices(start) {
            rooms.extend(heads(code.get(at + start.len()..).unwrap_or_default()));
        }
    }
    rooms
}

/// Returns the first words of a path, or of each path of a group.
fn heads(text: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![word(text)] };
    let mut words = vec![word(group)];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => words.push(word(group.get(at + 1..).unwrap_or_default())),
            _ => {}
        }
    }
    words
}

/// Returns every room that knows one it must not.
fn broken_walls(files: &[File]) -> Vec<String> {
    let rooms: BTreeSet<&str> = files.iter().filter_map(|(path, _)| room(path)).collect();
    let mut broken = Vec::new();
    for (path, text) in files {
        let Some(here) = room(path) else { continue };
        let allowed = KNOWS.iter().find(|(room, _)| *room == here).map(|(_, allowed)| *allowed);
        for other in named(path, &code(text)).iter().filter(|other| rooms.contains(other.as_str()) && *other != here) {
            let wrong = match allowed {
                Some(allowed) => !allowed.contains(&other.as_str()),
                None => matches!(other.as_str(), "cli" | "standin") && !matches!(here, "cli" | "standin"),
            };
            if wrong {
                broken.push(format!("src/{path}: `{here}` must not know `{other}`"));
            }
        }
    }
    broken
}

/// Returns everything impure that a pure room names.
fn impurities(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| room(path).is_some_and(|room| PURE.contains(&room))) {
        let code = code(text);
        let words = IMPURE.iter().filter(|word| has_word(&code, word));
        found.extend(words.map(|word| format!("src/{path}: `{word}` in a room that only computes")));
    }
    found
}

/// Returns whether `word` stands in `code`, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let after = code.get(at + word.len()..).and_then(|text| text.chars().next());
        let begins = word.starts_with(part);
        let ends = word.ends_with(part);
        !(begins && before.is_some_and(part) || ends && after.is_some_and(part))
    })
}

/// Returns the rooms whose `mod.rs` does not forbid `unsafe`.
fn unsafe_rooms(files: &[File]) -> Vec<String> {
    let entrances = files.iter().filter(|(path, _)| path.ends_with("/mod.rs") && path.matches('/').count() == 1);
    let free =
        entrances.filter(|(path, text)| room(path).is_some_and(|room| !MAY_BE_UNSAFE.contains(&room)) && !text.contains("#![forbid(unsafe_code)]"));
    free.map(|(path, _)| format!("src/{path} lacks `#![forbid(unsafe_code)]`")).collect()
}

/// Returns the files that no `mod` line brings into the crate, so that nothing compiles them.
fn unlisted(files: &[File]) -> Vec<String> {
    let texts: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut found = Vec::new();
    for (path, _) in files {
        let module = path.strip_suffix("/mod.rs").unwrap_or_else(|| path.trim_end_matches(".rs"));
        let (directory, name) = module.rsplit_once('/').map_or(("", module), |(directory, name)| (directory, name));
        if directory.is_empty() && matches!(name, "main" | "lib") {
            continue;
        }
        let parents = if directory.is_empty() { vec!["lib.rs".to_owned(), "main.rs".to_owned()] } else { vec![format!("{directory}/mod.rs")] };
        let lists =
            |parent: &String| texts.get(parent.as_str()).is_some_and(|text| text.lines().any(|line| line.trim().ends_with(&format!("mod {name};"))));
        if !parents.iter().any(lists) {
            found.push(format!("{path} is listed nowhere"));
        }
    }
    found
}

/// Returns the crates of `wanted` that `lock` has more than once, or not at all.
fn not_once(lock: &str, wanted: &[&str]) -> Vec<String> {
    let counts = wanted.iter().map(|name| (name, lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count()));
    counts.filter(|(_, count)| *count != 1).map(|(name, count)| format!("{name} is in Cargo.lock {count} times")).collect()
}

/// Returns the crates of `unwanted` among `built`, the lines of `cargo tree`.
fn built_anyway(built: &str, unwanted: &[&str]) -> Vec<String> {
    let names: BTreeSet<&str> = built.lines().filter_map(|line| line.split(' ').next()).collect();
    unwanted.iter().filter(|name| names.contains(**name)).map(|name| format!("{name} is built")).collect()
}

#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_room_knows_one_it_must_not() {
    none(&broken_walls(&files("src")));
}

#[test]
fn pure_rooms_are_pure() {
    none(&impurities(&files("src")));
}

#[test]
fn every_room_forbids_unsafe_code() {
    none(&unsafe_rooms(&files("src")));
}

#[test]
fn every_file_is_compiled() {
    none(&unlisted(&files("src")));
    none(&unlisted(&files("tests/it")));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the lock file is read from disk")]
fn key_crates_are_there_once() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    none(&not_once(&lock, ONCE));
}

/// The lock file also names crates that a feature nobody switches on would bring, so this asks what is really built.
#[test]
#[expect(clippy::disallowed_methods, reason = "only cargo knows what is built")]
fn unwanted_crates_are_not_built() {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8(output.stdout).unwrap();
    assert!(built.lines().count() > 100, "{built}");
    none(&built_anyway(&built, NEVER));
}

#[test]
fn the_rooms_of_the_edge_are_known_by_no_room_before_it() {
    for (room, allowed) in KNOWS.iter().filter(|(room, _)| !EDGE.contains(room)) {
        assert!(allowed.iter().all(|other| !EDGE.contains(other)), "{room}");
    }
}

fn made_up(files: &[(&str, &str)]) -> Vec<File> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_broken_wall_is_seen_however_it_is_written() {
    let rooms = [("github/mod.rs", ""), ("model/mod.rs", ""), ("span.rs", ""), ("server/mod.rs", "")];
    let with = |path, text| broken_walls(&made_up(&[rooms.as_slice(), &[(path, text)]].concat()));
    let wrong = ["src/formats/a.rs: `formats` must not know `github`"];
    for text in [
        "use crate::github::Client;",
        "use crate::{\n    model::{Pool, Host},\n    github,\n};",
        "fn f() { crate::github::post() }",
        "use super::super::github;",
        "pub use crate::github as g;",
    ] {
        assert_eq!(with("formats/a.rs", text), wrong, "{text}");
    }
    assert_eq!(with("model/x/y.rs", "use super::super::super::server::S;"), ["src/model/x/y.rs: `model` must not know `server`"]);
    for text in [
        "use crate::model::Pool;",
        "// use crate::github;",
        "/// [`crate::github`]",
        "use super::github;",
        "#[cfg(test)]\nmod tests { use crate::github; }",
    ] {
        assert_eq!(with("formats/a.rs", text), [] as [&str; 0], "{text}");
    }
    assert_eq!(with("server/a.rs", "use crate::{github, model};"), [] as [&str; 0]);
}

#[test]
fn whatever_makes_a_review_differ_is_seen() {
    let with = |text| impurities(&made_up(&[("review/a.rs", text)]));
    for text in ["use tokio::fs;", "async fn f() {}", "let now = std::time::Instant::now();", "std::env::var(\"A\")", "x.await", "use std::fs;"] {
        assert_eq!(with(text).len(), 1, "{text}");
    }
    for text in ["let instant = 1;", "// use tokio", "let tokio_like = 1;", "struct Instantly;", "fn awaits() {}"] {
        assert_eq!(with(text), [] as [&str; 0], "{text}");
    }
    assert_eq!(impurities(&made_up(&[("server/a.rs", "use tokio::fs;")])), [] as [&str; 0]);
}

#[test]
fn a_file_nobody_lists_and_a_room_without_its_forbid_are_seen() {
    let files = made_up(&[
        ("lib.rs", "pub mod a;\npub mod b;"),
        ("a/mod.rs", "#![forbid(unsafe_code)]\nmod c;"),
        ("a/c.rs", ""),
        ("a/d.rs", ""),
        ("b.rs", ""),
    ]);
    assert_eq!(unlisted(&files), ["a/d.rs is listed nowhere"]);
    assert_eq!(unsafe_rooms(&files), [] as [&str; 0]);
    assert_eq!(unsafe_rooms(&made_up(&[("a/mod.rs", "mod c;"), ("dryrun/mod.rs", "")])), ["src/a/mod.rs lacks `#![forbid(unsafe_code)]`"]);
}

#[test]
fn a_second_copy_and_an_unwanted_crate_are_seen() {
    let lock = "name = \"http\"\nname = \"http\"\nname = \"hyper\"\nname = \"http-body\"\n";
    assert_eq!(not_once(lock, &["http", "hyper", "tokio"]), ["http is in Cargo.lock 2 times", "tokio is in Cargo.lock 0 times"]);
    assert_eq!(built_anyway("waypost v0.1.0\nring v0.17.0\nstring v1.0.0 (*)\n", NEVER), ["ring is built"]);
}
