//! Languages and universes against the real proxies, whose reading is the one that counts.

use super::generate::{Random, Taste, pattern, text};
use crate::support::haproxy::{self, Haproxy};
use crate::support::nginx::{Nginx, available};
use std::fmt::Write as _;
use std::sync::Arc;
use waypost::model::{Matcher, Regex, RegexDialect};
use waypost::space::{LanguageId, Languages, Universe};

/// How many patterns nginx reads.
const PATTERNS: usize = 120;

/// Returns `bytes` as they can be sent: all but letters and digits encoded, slashes left.
fn encoded(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'/';
    bytes.iter().map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn regex(pattern: &str) -> Matcher {
    Matcher::Regex(Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() })
}

/// Each pattern is tried on the path; the answer is the list of those that match, in order.
#[test]
fn nginx_matches_the_texts_of_the_language_and_no_others() {
    if !available() {
        return;
    }
    let mut random = Random::new(11);
    let mut languages = Languages::new(u64::MAX);
    let path = languages.universe(Universe::Path { decoded: true, merged: true });
    let mut all: Vec<(String, LanguageId)> = Vec::new();
    while all.len() < PATTERNS {
        let taste = Taste { places: true, atomic: all.len().is_multiple_of(3) };
        let written = pattern(&mut random, 5, taste);
        // PCRE takes a look-behind of a fixed length only.
        if written.contains("(?<") {
            continue;
        }
        if let Ok(language) = languages.matcher(&regex(&written)) {
            all.push((written, language));
        }
    }
    let mut tests = String::new();
    for (at, (written, _)) in all.iter().enumerate() {
        let quoted = written.replace('\\', r"\\").replace('"', "\\\"");
        // Inside nginx's quotes two backslashes are one.
        writeln!(tests, "set $m{at} 0; if ($uri ~ \"{quoted}\") {{ set $m{at} 1; }}").unwrap();
    }
    let said: String = (0..all.len()).map(|at| format!("$m{at}")).collect();
    let config = format!(
        "events {{}}\nhttp {{ variables_hash_max_size 4096; server {{ listen 127.0.0.1:{{port:front}};\n{tests} return 200 \"{said}\"; }} }}"
    );
    let nginx = Nginx::start(&config, &[]);
    let mut tried = 0;
    for _ in 0..60 {
        let text = [b"/".as_slice(), &text(&mut random, 8)].concat();
        if !languages.contains(path, &text).unwrap() {
            continue;
        }
        let answer = Nginx::send(nginx.port("front"), "GET", "a", &encoded(&text), &[]);
        assert_eq!(answer.status, 200, "{text:?}");
        for (said, (written, language)) in answer.body.bytes().zip(&all) {
            let expected = languages.contains(*language, &text).unwrap();
            assert_eq!(said == b'1', expected, "{written} on {:?}", String::from_utf8_lossy(&text));
            tried += 1;
        }
    }
    assert!(tried > 2000, "{tried}");
}

/// What nginx makes of targets is in the universe, and what is in the universe comes out as it went in.
#[test]
fn the_paths_nginx_sees_are_those_of_the_universe() {
    if !available() {
        return;
    }
    let mut languages = Languages::new(u64::MAX);
    let server = |name: &str, merge: &str| {
        format!("server {{ listen 127.0.0.1:{{port:{name}}}; merge_slashes {merge}; location / {{ return 200 \"$uri\"; }} }}")
    };
    let nginx = Nginx::start(&format!("events {{}}\nhttp {{ {} {} }}", server("on", "on"), server("off", "off")), &[]);
    let mut random = Random::new(12);
    for (port, merged) in [("on", true), ("off", false)] {
        let universe = languages.universe(Universe::Path { decoded: true, merged });
        let outside = languages.complement(universe);
        let (mut kept, mut changed) = (0, 0);
        for _ in 0..400 {
            let text: Vec<u8> = (0..random.below(9)).map(|_| random.pick(b"//..a%\x01?")).collect();
            let text = [b"/".as_slice(), &text].concat();
            let answer = Nginx::send(nginx.port(port), "GET", "a", &encoded(&text), &[]);
            if languages.contains(universe, &text).unwrap() {
                assert_eq!((answer.status, answer.body.as_bytes()), (200, text.as_slice()), "{:?}", String::from_utf8_lossy(&text));
                kept += 1;
            } else if answer.status == 200 {
                assert!(languages.contains(universe, answer.body.as_bytes()).unwrap(), "{text:?} became {:?}", answer.body);
                assert_ne!(answer.body.as_bytes(), text);
                changed += 1;
            }
        }
        assert!(kept > 50 && changed > 50, "{kept} {changed}");
        for text in languages.witnesses(&[outside], &[], 20).unwrap() {
            let answer = Nginx::send(nginx.port(port), "GET", "a", &encoded(&text), &[]);
            assert!(answer.status != 200 || answer.body.as_bytes() != text, "{text:?}");
        }
    }
}

/// `HAProxy` leaves a path as it is sent; what is in the universe comes through, byte for byte.
#[test]
fn the_paths_haproxy_sees_are_those_of_the_universe() {
    if !haproxy::available() {
        return;
    }
    let config = "defaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n\
                  frontend f\n bind 127.0.0.1:{port:front}\n http-request return status 200 content-type text/plain lf-string \"%[path]\"\n";
    let haproxy = Haproxy::start(config, &[]);
    let mut languages = Languages::new(u64::MAX);
    let universe = languages.universe(Universe::Path { decoded: false, merged: false });
    let seen = |target: &str| {
        let answer = Nginx::send(haproxy.port("front"), "GET", "a", target, &[]);
        (answer.status == 200).then_some(answer.body)
    };
    let mut inside = 0;
    for byte in 0..0x7f_u8 {
        let text = format!("/a{}b", char::from(byte));
        // The log format of the answer writes a quote and the like in its own way, and would not tell.
        if languages.contains(universe, text.as_bytes()).unwrap() {
            assert!(seen(&text).is_some_and(|path| path.len() >= text.len()), "{text:?}");
            inside += 1;
        } else {
            assert_ne!(seen(&text).as_deref(), Some(text.as_str()), "{text:?}");
        }
    }
    assert!(inside > 80, "{inside}");
    for text in ["/", "//", "/..", "/a/../b", "/%61%2f%00"] {
        assert_eq!(languages.contains(universe, text.as_bytes()), Ok(true));
        assert_eq!(seen(text).as_deref(), Some(text));
    }
}
