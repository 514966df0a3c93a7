//! Configurations in plain text and the requests that show what nginx does with them: where its choice is easy to get wrong, what a model once got wrong, and
//! the kinds that the tests of nginx itself and of other projects have.
//!
//! A page begins with `=== name`; what follows are the statements of `http`, the files below `--- files` (`path: content`), and below `--- requests` a request
//! a line: method, host, target, perhaps a header. A line that begins with `tls` is a request over TLS, the host `-` one of HTTP/1.0 that names none.
//! `{port:front}` is where requests enter; `a`, `b` and `c` are those of [`crate::support::backends`], `{dead}` is a port where nobody listens.
//!
//! Pages of `streams.txt` are whole configurations; a line of theirs is the name in a client's TLS handshake, `-` for a client that speaks no TLS, and the port
//! it connects to, `front` if none is said.

use std::path::Path;

/// The file of the pages that are no `http`.
const STREAMS: &str = "streams.txt";

/// One configuration.
pub(super) struct Page {
    pub(super) name: &'static str,
    /// The statements of `http`, or the whole of `stream`.
    pub(super) http: &'static str,
    /// Files beside it.
    pub(super) files: Vec<(&'static str, &'static str)>,
    /// A request a line.
    pub(super) requests: &'static str,
}

/// Reads all pages of `http`, in the order of their files' names.
pub(super) fn all() -> Vec<Page> {
    let mut names: Vec<String> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != STREAMS && name != "mod.rs");
    names.sort();
    assert!(names.len() > 5, "the pages are beside this file: {names:?}");
    names.iter().flat_map(|name| pages(name)).collect()
}

/// Reads the pages of `stream`.
pub(super) fn streams() -> Vec<Page> {
    pages(STREAMS)
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/nginx/suites")
}

fn pages(name: &str) -> Vec<Page> {
    let text: &'static str = std::fs::read_to_string(folder().join(name)).unwrap().leak();
    text.split("=== ").skip(1).map(page).collect()
}

fn page(text: &'static str) -> Page {
    let (name, rest) = text.split_once('\n').expect("a page has a name");
    let (rest, requests) = rest.split_once("--- requests\n").expect("a page has requests");
    let (http, files) = rest.split_once("--- files\n").unwrap_or((rest, ""));
    let files = files.lines().filter_map(|line| line.split_once(": ")).collect();
    Page { name, http, files, requests }
}
