//! What the reader refuses, and what it makes of a page.

use super::page::{self, Placed};
use super::requests::{self, Outcome};

/// Returns the error of a page as `line: message`.
#[track_caller]
fn refused(text: &str) -> String {
    match page::read(text) {
        Ok(cases) => panic!("taken: {cases:?}"),
        Err(failure) => format!("{}: {}", failure.line, failure.message),
    }
}

fn fenced(before: &str, language: &str, content: &str) -> String {
    format!("# A\n{before}\n```{language}\n{content}```\n")
}

#[test]
fn a_page_without_a_case_is_refused() {
    assert_eq!(refused("# Words only\nand more\n"), "2: the page has no case");
    assert_eq!(refused(""), "1: the page has no case");
}

#[test]
fn every_form_used_otherwise_is_refused_with_its_line() {
    let refusals = [
        (fenced("", "nginx", "x\n"), "3: a `nginx` block without a label; `text` and `console` blocks are prose"),
        ("# A\n`a`:\nwords\n".to_owned(), "2: no block follows the label of `a`"),
        ("# A\n`a`:\n```\nx\n".to_owned(), "3: the block is never closed"),
        ("`a` is deleted\n".to_owned(), "1: a file or a request before any heading"),
        ("# A\n`a` is deleted\n".to_owned(), "2: `a` is not in base"),
        (fenced("`../a`:", "", "x\n"), "2: `../a` is not a path inside a tree"),
        (fenced("`a` in tail:", "", "x\n"), "2: `tail` is no tree: base, head, known-good"),
        (fenced("`a` grows:", "", "x\n"), "2: `grows` says nothing of a file"),
        (fenced("`a`:", "nginx loud", "x\n"), "3: `loud` after the language means nothing here"),
        (fenced("`a`:", "nginx", "x #~ fatal syntax\n"), "4: the marker `#~ fatal syntax` begins with none of error, warning, info, unknown"),
        (fenced("`a`:", "nginx", "x #~ error\n"), "4: the marker `#~ error` names no category or rule"),
        (fenced("`a`:", "nginx", "x #~ error syntax \"a\n"), "4: the marker `#~ error syntax \"a` has text after or without its closing quote"),
        (fenced("`a`:", "nginx", "x\n#~ error syntax\n"), "5: a marker stands above nothing"),
        (fenced("`a`:", "nginx escaped", "\\q\n"), "4: after `\\` comes `\\` or `x` with two digits"),
        (fenced("`a` changes:", "diff", " x\n+y\n"), "3: `a` is not in base"),
        ("# A\n> words\n".to_owned(), "2: the quotation does not begin with a title in bold"),
        ("# A\n> **T**\n".to_owned(), "1: the section asks for something but holds no file"),
    ];
    for (text, message) in refusals {
        assert_eq!(refused(&text), message, "{text}");
    }
    let file = fenced("`a`:", "", "x\n");
    assert_eq!(refused(&format!("{file}> **Late**\n")), "6: a quotation after the first file: the pull request's words come before it");
    assert_eq!(refused(&format!("{file}## Below\n")), "6: a section that holds files has no sub-headings");
    assert_eq!(refused(&format!("{file}`a` in head:\n```\ny\n```\n")), "6: `a` is given twice");
    assert_eq!(
        refused(&format!("{file}```requests\nGET shop/ none\n```\n")),
        "7: `shop/` is not a URL: it begins with neither `http://` nor `https://`"
    );
}

#[test]
fn a_hunk_must_have_one_place() {
    let with = |diff: &str| format!("{}`a` changes:\n```diff\n{diff}```\n", fenced("`a`:", "", "x\ny\nx\nz\n"));
    assert_eq!(refused(&with("-q\n+r\n")), "10: the old side of the hunk is not in base");
    assert_eq!(refused(&with("-x\n+r\n")), "10: the old side of the hunk is in base 2 times");
    assert_eq!(refused(&with(" y\n")), "10: the hunk changes nothing");
    assert_eq!(refused(&with("+y\n")), "10: the hunk has no old line to find its place by");
    assert_eq!(refused(&with(" y\n*z\n")), "12: a line of a diff begins with a blank, `-` or `+`");
    assert!(page::read(&with("@@\n-y\n@@\n-z\n+q\n")).is_ok());
    assert_eq!(refused(&with("-z\n@@\n-y\n")), "12: the hunks overlap or are not in the file's order");
}

#[test]
fn requests_are_refused_where_they_cannot_be_read() {
    let refused = |line: &str| requests::read(9, line).unwrap_err().message;
    assert_eq!(refused("get http://a/ none"), "`get` is not a method");
    assert_eq!(refused("GET http://a/"), "`` is not an outcome");
    assert_eq!(refused("GET http://a/ forward"), "`forward` is not an outcome");
    assert_eq!(refused("GET http://a/ none, broken 0.5"), "only a forward has a broken share");
    assert_eq!(refused("GET http://a/ -H 'a' none"), "the header `a` has no `:`");
    assert_eq!(refused("GET http://a/ --from me none"), "`me` is not an address");
    assert_eq!(refused("GET http://a/ --loud x none"), "`--loud` is none of -H, --from, --listener");
}

#[test]
fn a_request_is_read_with_its_options() {
    let read =
        requests::read(1, "POST http://a/b -H 'X-A: b c' --from 10.0.0.1 --listener :81  forward p to w:1, broken 0.25 -> redirect 301 http://b/")
            .unwrap();
    assert_eq!((read.request.method.as_str(), read.request.header("x-a"), read.request.listener.as_deref()), ("POST", Some("b c"), Some(":81")));
    assert_eq!(read.was, Outcome::Forward { pool: "p".to_owned(), to: Some("w:1".to_owned()), broken: 0.25 });
    assert_eq!(read.now, Some(Outcome::Redirect { status: 301, location: "http://b/".to_owned() }));
}

#[test]
fn a_case_has_its_trees_words_and_markers() {
    let text = "# Group\n\nProse.\n\n## One\n\n> **Title**\n> body\n> more\n\n`a`:\n```nginx\none\ntwo  #~ info x\n#~ error y \"m\"\nthree\nfour #~ unknown\n```\n`a` changes:\n```diff\n two\n-three\n+3 #~ warning z #~ error w\n four\n```\n`old` in base:\n```\ngone #~ error v\n```\n`l` links to `a`\n`k` in known-good:\n```text no-eol crlf\n1\n2\n```\n`e`:\n```x escaped\n\\x00\\\\\n```\n\n## Two\n`a`:\n```\nsame\n```\n";
    let cases = page::read(text).unwrap();
    let [one, two] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((one.name.as_str(), one.title.as_str(), one.body.as_str()), ("Group / One", "Title", "body\nmore"));
    let file = |tree: &page::Tree, path: &str| String::from_utf8(tree.files[path].clone()).unwrap();
    assert_eq!(file(&one.base, "a"), "one\ntwo\nthree\nfour\n");
    assert_eq!(file(&one.head, "a"), "one\ntwo\n3\nfour\n");
    assert_eq!(file(one.known_good.as_ref().unwrap(), "k"), "1\r\n2");
    assert_eq!(file(&one.head, "e"), "\0\\\n");
    assert!(!one.head.files.contains_key("old") && one.head.links["l"] == "a");
    let shown = |placed: &Placed| format!("{}:{}:{} {}", placed.path, placed.line, if placed.head { "head" } else { "base" }, placed.marker.level);
    let mut markers: Vec<String> = one.markers.iter().map(shown).collect();
    markers.sort();
    assert_eq!(markers, ["a:2:head info", "a:3:base error", "a:3:head error", "a:3:head warning", "a:4:head unknown", "old:1:base error"]);
    assert!(two.base == two.head && two.known_good.is_none());
}
