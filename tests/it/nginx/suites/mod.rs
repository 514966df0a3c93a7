//! Configurations as the tests of nginx itself and of other projects have them, in plain text: small, broad, many requests to each.
//!
//! A page begins with `=== name`; what follows are the statements of `http`, the files below `--- files` (`path: content`), and below `--- requests` a request
//! a line, as in `../configurations.rs`.

use super::configurations::Page;

const TEXTS: &[&str] =
    &[include_str!("answers.txt"), include_str!("files.txt"), include_str!("locations.txt"), include_str!("pools.txt"), include_str!("rewrites.txt")];

/// Reads all pages.
pub(super) fn all() -> Vec<Page> {
    TEXTS.iter().flat_map(|text| text.split("=== ").skip(1)).map(read).collect()
}

fn read(text: &'static str) -> Page {
    let (name, rest) = text.split_once('\n').expect("a page has a name");
    let (rest, requests) = rest.split_once("--- requests\n").expect("a page has requests");
    let (http, files) = rest.split_once("--- files\n").unwrap_or((rest, ""));
    let files = files.lines().filter_map(|line| line.split_once(": ")).collect();
    Page { name, http, files, requests }
}
