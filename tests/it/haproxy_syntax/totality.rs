//! Whatever the text: no panic, no hang, spans inside the file.

use super::slips;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use waypost::formats::read;
use waypost::snapshot::memory;
use waypost::span::Span;

const SEED: &str = "global\n    setenv A \"x y\"\n    maxconn 2k\ndefaults d\n    mode http\n    timeout client 5s\n.if defined(B) && version_atleast(2.4)\nfrontend f from d\n    bind :80,:81 ssl crt /x.pem\n    acl a hdr(host) -i -m beg \"${A}\" 'b c'\n    http-request set-header X %[src,map(/etc/haproxy/x.map)] if a !{ path /b\\ c } or METH_GET\n    use_backend %[req.hdr(host)] if { path_beg -f x.lst }\n    default_backend b\n.endif\nbackend b\n    server s1 10.0.0.1:80 check inter 2s weight 10 # tail\n    server-template t 1-3 a.b:80\n";

fn check(text: &str) {
    let snapshot = memory([("haproxy.cfg", text), ("x.map", "a b\n"), ("x.lst", "/x\n")]);
    let model = read(&snapshot);
    let inside = |span: &Span| {
        let text = snapshot.text(&span.path).unwrap();
        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    };
    for problem in &model.problems {
        inside(&problem.span);
        problem.related.iter().for_each(|related| inside(&related.span));
    }
    model.unknown.iter().for_each(|unknown| inside(&unknown.span));
    for gateway in &model.gateways {
        gateway.listeners.iter().for_each(|listener| inside(&listener.label.span));
        gateway.tables.iter().for_each(|table| table.routes.iter().filter_map(|route| route.label.as_ref()).for_each(|label| inside(&label.span)));
        gateway.pools.iter().for_each(|pool| pool.members.iter().for_each(|member| inside(&member.label.span)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_text_is_read(text in "(frontend a|\\PC|[ \n\t\r\"'#\\\\$%{}]){0,120}") {
        check(&text);
    }

    #[test]
    fn a_mangled_file_is_read(cuts in prop::collection::vec((0..SEED.len(), 0..12_usize, "[\"'#\\\\$ \n%{}\\[\\]él(,]{0,4}"), 1..5)) {
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
fn each_small_file_is_read_whatever_of_it_is_there() {
    for slip in slips() {
        for end in (0..slip.text.len()).step_by(7).filter(|end| slip.text.is_char_boundary(*end)) {
            check(&slip.text[..end]);
        }
    }
}

#[test]
fn hostile_texts_are_read_in_bounded_time() {
    let size = 1_500_000;
    let begun = Instant::now();
    for text in [
        "backend b\n".repeat(size / 10),
        (0..size / 16).map(|n| format!("backend b{n}\n")).collect(),
        format!("backend b\n    acl a path {}\n", "x ".repeat(size / 2)),
        format!("backend b\n    http-request set-header X \"{}\n", "\\\"".repeat(size / 2)),
        format!("global\n{}", ".if 1\n".repeat(size / 6)),
        format!("global\n.if {}1\n", "(".repeat(size)),
        format!("global\n.if {}1\n", "!".repeat(size)),
        format!("backend b\n{}", "    foo\n".repeat(size / 8)),
        format!("backend b\n{}", "    server a 1.1.1.1:1 chek\n".repeat(size / 29)),
        format!("defaults d\n{}", "defaults d from d\n".repeat(size / 18)),
        format!("frontend f\n{}", "    use_backend nope if a\n".repeat(size / 26)),
        format!("global\n{}", "    setenv A \"${A}${A}\"\n".repeat(200)),
        "\"".repeat(size),
    ] {
        check(&text);
    }
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
}
