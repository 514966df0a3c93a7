//! `waypost trace`.

use super::{outage, waypost, waypost_with, write_configuration};
use crate::support::Scratch;

#[test]
fn a_request_is_followed_to_its_servers() {
    let scratch = outage();
    insta::assert_snapshot!(waypost(&scratch, &["trace", "http://shop.example.com/cart", "--dir", "head"]));
}

#[test]
fn the_answer_for_programs_is_one_line_with_the_names_of_the_contract() {
    let scratch = outage();
    let arguments =
        ["trace", "http://shop.example.com/cart", "--dir", "head", "--format", "json", "-X", "POST", "-H", "X-A: 1", "--from", "10.9.9.9"];
    insta::assert_snapshot!(waypost(&scratch, &arguments));
}

#[test]
fn a_batch_keeps_its_order_and_answers_bad_lines_where_they_stand() {
    let scratch = outage();
    let batch = "{\"url\": \"http://shop.example.com/cart\"}\n\nnot json\n{\"url\": \"ftp://x\"}\n{\"url\": \"http://shop.example.com/static/a.css\", \"nonsense\": 1}\n\
                 {\"url\": \"http://shop.example.com/static/a.css\", \"method\": \"HEAD\", \"headers\": {\"X-A\": \"1\"}, \"listener\": \"0.0.0.0:80\"}";
    let from_input = waypost_with(&scratch, &["trace", "--dir", "head", "--requests", "-"], batch);
    insta::assert_snapshot!(from_input);
    scratch.write("batch.jsonl", batch);
    assert_eq!(waypost(&scratch, &["trace", "--dir", "head", "--requests", "batch.jsonl"]), from_input);
}

#[test]
fn a_batch_says_of_each_request_what_it_gets_alone() {
    let scratch = outage();
    let alone = |arguments: &[&str]| {
        let told = waypost(&scratch, &[&["trace", "--dir", "head", "--format", "json"], arguments].concat());
        told.strip_suffix("--- exit 0\n").unwrap().to_owned()
    };
    let each = [
        alone(&["http://shop.example.com/cart", "-X", "POST", "-H", "X-A: 1", "--from", "10.9.9.9"]),
        alone(&["http://shop.example.com/static/../cart?a=b", "--listener", "0.0.0.0:80"]),
        alone(&["http://nobody.example/"]),
        alone(&["http://shop.example.com:81/"]),
    ];
    let batch = r#"{"url": "http://shop.example.com/cart", "method": "POST", "headers": {"X-A": "1"}, "from": "10.9.9.9"}
{"url": "http://shop.example.com/static/../cart?a=b", "listener": "0.0.0.0:80"}
{"url": "http://nobody.example/"}
{"url": "http://shop.example.com:81/"}"#;
    assert_eq!(waypost_with(&scratch, &["trace", "--dir", "head", "--requests", "-"], batch), each.concat() + "--- exit 0\n");
}

#[test]
fn a_revision_is_traced_as_it_was() {
    let scratch = Scratch::repository();
    write_configuration(&scratch, "", "10.20.1.12");
    scratch.commit("All well");
    write_configuration(&scratch, "", "10.20.1.15");
    let before = waypost(&scratch, &["trace", "http://shop.example.com/", "--rev", "HEAD"]);
    let work_tree = waypost(&scratch, &["trace", "http://shop.example.com/", "--repo", "."]);
    assert!(before.contains("10.20.1.12:8080") && !before.contains("10.20.1.15"), "{before}");
    assert!(work_tree.contains("10.20.1.15:8080 (does not exist)"), "{work_tree}");
}

#[test]
fn a_configuration_the_proxy_would_refuse_is_traced_with_a_warning() {
    let scratch = Scratch::new();
    write_configuration(&scratch, "", "10.20.1.12");
    scratch.write("nginx.conf", "events {}\nhttp {\n  server {\n    listen 80;\n    location / { return 204 }\n  }\n}\n");
    let told = waypost(&scratch, &["trace", "http://shop.example.com/"]);
    assert!(told.contains("note: the proxy would refuse this configuration: "), "{told}");
    assert!(!waypost(&scratch, &["-q", "trace", "http://shop.example.com/"]).contains("note:"));
}
