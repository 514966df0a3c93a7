//! Whatever the text: no panic, no hang, spans inside the file.

use super::{read, said};
use proptest::prelude::*;
use waypost::formats::nginx::Directive;
use waypost::snapshot::memory;
use waypost::span::Span;

const SEED: &str = "events {}\nhttp {\n  upstream a { server 10.0.0.1:80 weight=3; }\n  server {\n    listen 80; # tail\n    server_name \"a b\" 'c';\n    location ~ ^/(x|y)$ {\n      set $v \"${a}\\\"\";\n      content_by_lua_block { local a = \"}\" }\n      include b.conf;\n      proxy_pass http://a;\n    }\n  }\n}\n";

fn check(text: &str) {
    let snapshot = memory([("nginx.conf", text), ("b.conf", "return 204;")]);
    let (configs, model) = read(&snapshot);
    let inside = |span: &Span| {
        let text = snapshot.text(&span.path).unwrap();
        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    };
    model.problems.iter().for_each(|problem| {
        inside(&problem.span);
        problem.related.iter().for_each(|related| inside(&related.span));
    });
    model.unknown.iter().for_each(|unknown| inside(&unknown.span));
    for config in &configs {
        walk(&config.directives, &inside);
    }
}

fn walk(directives: &[Directive], inside: &impl Fn(&Span)) {
    for directive in directives {
        inside(&directive.span);
        inside(&directive.head);
        directive.args.iter().for_each(|word| inside(&word.span));
        walk(directive.block.as_deref().unwrap_or_default(), inside);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_read(text in "(\\PC|[ \n\t\r;{}\"'#\\\\$]){0,200}") {
        check(&text);
    }

    #[test]
    fn a_mangled_file_is_read(cuts in prop::collection::vec((0..SEED.len(), 0..12_usize, "[;{}\"'#\\\\$ \nél]{0,4}"), 1..5)) {
        let mut text = SEED.to_owned();
        for (at, length, insert) in cuts {
            let floor = |at: usize, text: &str| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (from, to) = (floor(at, &text), floor(at + length, &text));
            text.replace_range(from..to.max(from), &insert);
        }
        check(&text);
    }
}

#[test]
fn hostile_texts_are_read_in_bounded_time_and_stack() {
    let megabyte = 1 << 20;
    for text in [
        "{".repeat(100_000),
        "a{".repeat(100_000),
        "}".repeat(100_000),
        format!("http {{ {}", "location / {".repeat(100_000)),
        "\"".repeat(megabyte),
        "'a\n\"b\n".repeat(100_000),
        "a\n".repeat(500_000),
        "listen\n".repeat(100_000),
        "\\".repeat(megabyte),
        format!("http {{ {} }}", (0..100_000).map(|n| format!("nam{n} x; ")).collect::<String>()),
        "x_by_lua_block { [==[".repeat(20_000),
        format!("http {{\n{}", "  server {\n }\n".repeat(50_000)),
        format!("http {{\n{}", "    a {\n}\n".repeat(50_000)),
    ] {
        check(&text);
    }
}

#[test]
fn what_is_nested_too_deep_is_said() {
    let text = format!("events {{}}\nhttp {{ server {{ {} {} }} }}", "location / { ".repeat(200), "}".repeat(200));
    let said = said(&[("nginx.conf", &text)]);
    assert!(said.starts_with("error: blocks are nested more than 64 deep"), "{said}");
    assert_eq!(said.matches("error:").count(), 1, "{said}");
}

#[test]
fn the_same_tree_is_read_the_same_way() {
    let once = said(&[("nginx.conf", SEED), ("b.conf", "return 204")]);
    assert_eq!(once, said(&[("nginx.conf", SEED), ("b.conf", "return 204")]));
}
