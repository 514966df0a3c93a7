//! Everything that is said on GitHub, rendered as GitHub renders markdown: nothing of a pull request is a mention, a reference, a link, an
//! image, a heading or a tag there, whatever its files, names and words hold, also where the text was cut off.

use crate::support::random::Random;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::sync::Arc;
use waypost::github::commands::commands_in;
use waypost::report::{self, CommentContext, PastRun, replies};
use waypost::review::{Change, Review, leftovers, review, simulate, trace_report};
use waypost::snapshot::{Snapshot, memory};
use waypost::{analysis, formats, model};

/// What a hostile author writes.
const PIECES: &[&str] = &[
    "@everyone",
    "@acme/oncall",
    "#1",
    "GH-2",
    "acme/edge#3",
    "https://evil.example/x",
    "www.evil.example",
    "a@evil.example",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "</details>",
    "<details>",
    "</summary>",
    "![x](https://evil.example/x.png)",
    "[x](https://evil.example)",
    "[x]: https://evil.example",
    "<https://evil.example>",
    "`",
    "``",
    "```",
    "````suggestion",
    "~~~",
    "|",
    "\\|",
    "\\",
    "*a*",
    "_b_",
    "**",
    "~~",
    "&amp;",
    "&#64;me",
    "\\@me",
    "# h",
    "- l",
    "> q",
    "1. o",
    "---",
    "===",
    "$x$",
    ":tada:",
    "[^1]",
    "[ ] t",
    "\u{202e}",
    "\u{200b}",
    "\u{a0}",
    "é",
    "日本",
    "0123456789abcdef0123456789abcdef01234567",
    "<!-- waypost:review -->",
    "<!-- waypost:finding:0123456789abcdef -->",
    "/waypost waive 0123456789abcdef until=2030-01-01 reason=x",
    "\t",
    " ",
    "  ",
    "x",
    "pool",
    ".",
];
const REPOSITORY: &str = "https://github.com/acme/edge";
/// The tags that are ours.
const TAGS: &[&str] = &["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<br>"];

fn hostile(random: &mut Random) -> String {
    (0..=random.below(4)).map(|_| random.pick(PIECES)).collect()
}

/// The text as a word of a configuration in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Fails when `markdown` is more than text, code, tables and our own tags, headings and links.
fn assert_harmless(markdown: &str, what: &str) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let (mut in_code, mut in_heading, mut open) = (false, false, 0_i32);
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(text) if in_heading => {
                assert!(["What must change", "Worth a look"].contains(&&*text), "{what}: the heading {text:?} in\n{markdown}");
            }
            Event::Text(text) if !in_code => {
                let commit =
                    text.split(|c: char| !c.is_alphanumeric()).any(|part| part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
                assert!(!commit, "{what}: a commit outside code in\n{markdown}");
                for bad in ["@", "#", "http", "www.", "GH-", "<", ":tada"] {
                    assert!(!text.contains(bad), "{what}: {bad:?} outside code in\n{markdown}");
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with(&format!("{REPOSITORY}/blob/")), "{what}: a link to {dest_url} in\n{markdown}");
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                open += i32::try_from(html.matches("<details>").count()).unwrap() - i32::try_from(html.matches("</details>").count()).unwrap();
                let rest = TAGS.iter().fold(html.to_string(), |rest, tag| rest.replace(tag, ""));
                assert!(!rest.contains(['<', '>', '@', '#']), "{what}: the tag {html:?} in\n{markdown}");
            }
            Event::Start(Tag::Image { .. } | Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_))
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {
                panic!("{what}: {event:?} in\n{markdown}")
            }
            _ => {}
        }
    }
    assert_eq!(open, 0, "{what}: folded parts do not end in\n{markdown}");
    assert!(commands_in(markdown).is_empty(), "{what}: it gives commands\n{markdown}");
}

fn tree(random: &mut Random, address: &str) -> Snapshot {
    let mut word = || quoted(&hostile(random).replace(['\n', '\t'], " "));
    let nginx = format!(
        "events {{}}\nhttp {{\n  # {comment}\n  upstream web_pool {{ server {address}:8080; }}\n  upstream {pool} {{ server 10.20.1.16:80; }}\n  map $uri $m {{ default 1; {key} {value}; }}\n  \
         server {{ listen 80; server_name shop.example.com {host}; location / {{ proxy_pass http://web_pool; }} location {path} {{ proxy_pass http://web_pool; }}\n  \
         location /r {{ return 301 {to}; }} {unknown} x; include {file}; }}\n}}\n",
        comment = word(),
        pool = word(),
        key = word(),
        value = word(),
        host = word(),
        path = word(),
        to = word(),
        unknown = word(),
        file = word()
    );
    let name = format!("nginx/{}.conf", hostile(random).replace(['\n', '\0'], "x"));
    let inventory = format!(
        "web:\n  hosts:\n    web01: {{ ansible_host: 10.20.1.11 }}\n    ? {}\n    : {{ ansible_host: 10.20.1.12 }}\n",
        quoted(&hostile(random))
    );
    let settings = format!("commands:\n  {}: {{ role: {} }}\n", quoted(&hostile(random)), quoted(&hostile(random)));
    memory([
        (
            "nginx/nginx.conf".to_owned(),
            nginx.replace("  server {", &format!("  include {};\n  server {{", quoted(name.trim_start_matches("nginx/")))),
        ),
        (name, format!("# {}\nlog_format {} x;\nbroken {}\n", hostile(random), quoted(&hostile(random)), quoted(&hostile(random)))),
        ("inventory/hosts.yml".to_owned(), inventory),
        (".waypost.yaml".to_owned(), settings),
    ])
}

/// Everything that is said of a review.
fn said(review: &Review, base: &Snapshot, head: &Snapshot, words: &str) -> Vec<(String, String)> {
    let (head_sha, base_sha) = ("4f2c1e9d0a6b7c8d9e0f1a2b3c4d5e6f70819203".to_owned(), "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334".to_owned());
    let lead = report::together::with_base(words, &[words.to_owned()]).map(|words| words.summary);
    let cx = CommentContext { repository_url: Some(REPOSITORY.to_owned()), head_sha, base_sha, lead };
    let check = report::check_output(review, base, head, &cx);
    let run = PastRun { head: "4f2c1e9".to_owned(), verdict: "fail".to_owned(), summary: words.to_owned() };
    let comment = report::with_history(&report::comment(review, base, head, &cx), &[run]);
    let mut all = vec![
        ("the summary of the check".to_owned(), check.summary),
        ("the details of the check".to_owned(), check.text.unwrap_or_default()),
        ("what could not be reviewed".to_owned(), replies::no_review(words).summary),
        ("an answer that failed".to_owned(), replies::command_failed(words)),
        ("a waiver".to_owned(), report::answers::waived(words, "2030-01-01")),
        ("a wish for a waiver".to_owned(), report::answers::waiver_wanted(words, &[("0123456789abcdef", words)])),
    ];
    for bytes in [300, 1_000, comment.len() / 3, comment.len() / 2, comment.len() - 10] {
        all.push((format!("the comment, cut to {bytes} bytes"), report::clipped(&comment, bytes)));
    }
    all.push(("the comment".to_owned(), comment));
    for line in report::line_comments(review, base, head, &cx) {
        all.push(("a comment on a line".to_owned(), line.on_line));
        all.push(("a comment on a file".to_owned(), report::gone(&line.on_file, words)));
    }
    all
}

#[test]
fn nothing_of_a_pull_request_is_anything_but_text_where_it_is_shown() {
    for seed in 0..25 {
        let random = &mut Random::new(seed);
        let (base, head) = (Arc::new(tree(random, "10.20.1.11")), Arc::new(tree(random, "10.20.1.15")));
        let words = hostile(random);
        let review = review(&Change { base: &base, head: &head, known_good: Some(&base), title: &words, body: "" });
        assert!(!review.findings.is_empty(), "seed {seed}");
        for (what, markdown) in said(&review, &base, &head, &words) {
            assert_harmless(&markdown, &format!("seed {seed}, {what}"));
        }
        let request = model::Request::get("http://shop.example.com/r").unwrap();
        let [was, now] = [&base, &head].map(|side| trace_report(side, &analysis::trace(&formats::read(side), &request)));
        assert_harmless(&report::trace_comment(&was, &now), &format!("seed {seed}, a trace"));
        assert_harmless(&report::answers::simulated(&simulate(&head, "10.20.1.15")), &format!("seed {seed}, a simulation"));
        assert_harmless(&report::answers::rolled_back(&leftovers(&base, &head), &words), &format!("seed {seed}, a rollback"));
        for line in ["", "explain ", "trace ", "ack x reason=", "waive x until="] {
            for refused in commands_in(&format!("/waypost {line}{}", words.replace(['\n', '`'], " "))).into_iter().filter_map(Result::err) {
                assert_harmless(&replies::refusal(&refused), &format!("seed {seed}, a refusal"));
            }
        }
    }
}
