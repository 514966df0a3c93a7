//! Text from a pull request inside markdown that GitHub shows: nothing in it may become a link, a mention, a heading or HTML.
//!
//! The means is the code span: GitHub links nothing inside one. Words that are only letters, digits and quiet punctuation stay as they are.

use super::escape::{cut, source_line, visible};

/// Where a text is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In running text.
    Text,
    /// In a cell of a table, where a `|` must not end the cell.
    Cell,
}

/// The most characters of one code span.
const MAX_SPAN: usize = 300;
/// The most characters of one sentence.
const MAX_PROSE: usize = 1_200;

/// Returns `text` as a code span, on one line, cut when very long.
pub(super) fn code(text: &str, place: Place) -> String {
    let mut inside: String = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { visible(c) }).collect();
    inside = cut(&inside, MAX_SPAN);
    if place == Place::Cell {
        // A table takes `\|` for a bar that belongs to the cell, and has no way to write a backslash before a bar.
        inside = inside.replace("\\|", "\\¦").replace('|', "\\|");
    }
    if inside.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let ticks = "`".repeat(longest_run(&inside, '`') + 1);
    let pad = if inside.starts_with('`') || inside.ends_with('`') || (inside.starts_with(' ') && inside.ends_with(' ')) { " " } else { "" };
    format!("{ticks}{pad}{inside}{pad}{ticks}")
}

/// Returns a sentence whose quotations stand in backticks. Every other word that markdown or GitHub could make something of becomes code too.
pub(super) fn prose(text: &str, place: Place) -> String {
    let mut out = String::new();
    for (at, piece) in cut(text, MAX_PROSE).split('`').enumerate() {
        if at % 2 == 1 && !piece.trim().is_empty() {
            out += &code(piece, place);
        } else {
            put_words(&mut out, piece, place);
        }
    }
    out
}

fn put_words(out: &mut String, piece: &str, place: Place) {
    for (at, word) in piece.split([' ', '\n', '\r', '\t']).enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let (before, inner, after) = trim_punctuation(word);
        out.push_str(before);
        out.push_str(&if is_quiet(inner) { inner.to_owned() } else { code(inner, place) });
        out.push_str(after);
    }
}

/// Parts a word into opening punctuation, itself, and closing punctuation.
fn trim_punctuation(word: &str) -> (&str, &str, &str) {
    let rest = word.trim_start_matches('(');
    let (before, rest) = word.split_at(word.len() - rest.len());
    let inner = rest.trim_end_matches([',', '.', ';', ':', ')', '?']);
    // The one whose something is stays a name.
    let inner = inner.strip_suffix("'s").or_else(|| inner.strip_suffix("’s")).unwrap_or(inner);
    let (inner, after) = rest.split_at(inner.len());
    (before, inner, after)
}

/// Returns whether neither markdown nor GitHub makes anything of the word.
fn is_quiet(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    // Hexadecimal digits could be taken for a commit, wherever in the word they stand alone.
    let alone = word.split(|c: char| !c.is_alphanumeric());
    let commit = alone
        .into_iter()
        .any(|part| (7..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()) && part.bytes().any(|b| b.is_ascii_digit()));
    let reference = lower.contains("gh-") || lower.contains("www.");
    let letters =
        word.chars().all(|c| visible(c) == c && (c.is_alphanumeric() || matches!(c, '.' | ',' | ';' | '%' | '\'' | '’' | '…' | '-' | '–' | '—')));
    letters && !commit && !reference && !is_address(word) && !word.starts_with('-')
}

/// Returns whether the word is the name of a host or a file, or an IP address: those stand in code everywhere, not only where GitHub would
/// link them.
fn is_address(word: &str) -> bool {
    let named = word.rsplit_once('.').is_some_and(|(before, last)| {
        before.ends_with(|c: char| c.is_alphanumeric()) && last.chars().count() > 1 && last.chars().all(char::is_alphabetic)
    });
    named || word.parse::<std::net::IpAddr>().is_ok()
}

/// Returns `body` in a fence that nothing in it can close. Lines lose control characters.
pub(super) fn fence(language: &str, body: &str) -> String {
    let body: Vec<String> = body.lines().map(source_line).collect();
    let body = body.join("\n");
    let ticks = "`".repeat(longest_run(&body, '`').max(2) + 1);
    format!("{ticks}{language}\n{body}\n{ticks}\n")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Returns a link to lines of a file at a commit, or only the place where there is no repository to link to.
pub(super) fn line_link(repository_url: Option<&str>, commit: &str, path: &str, lines: (usize, usize)) -> String {
    let (start, end) = lines;
    let shown = code(&format!("{path}:{start}"), Place::Text);
    match repository_url {
        Some(url) if !commit.is_empty() => {
            let anchor = if end > start { format!("#L{start}-L{end}") } else { format!("#L{start}") };
            format!("[{shown}]({url}/blob/{commit}/{}{anchor})", percent_encoded(path))
        }
        Some(_) | None => shown,
    }
}

/// Returns a path as it stands in a URL.
pub fn percent_encoded(path: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() || b"/-._~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    path.bytes().map(byte).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    /// Every text that a hostile file or pull request may hold.
    const HOSTILE: &[&str] = &[
        "@everyone #1 GH-2 acme/edge#3 https://evil.example www.evil.example a@b.example",
        "<img src=x onerror=alert(1)> <!-- --> <details> </details>",
        "![x](https://evil.example/x.png) [x](javascript:alert(1))",
        "`` ` ``` ~~~ ```\n```\n# heading\n- list\n> quote\n1. one",
        "a | b \\| c \\\\| d |",
        "*a* _b_ **c** ~~d~~ &amp; &#64;me \\@me",
        "unbalanced ` @everyone",
        "0123456789abcdef0123456789abcdef01234567",
        "to .GH-21. and -0123456789abcdef0123456789abcdef01234567.",
        "\u{202e}@me\x1b[31m",
        "- - -",
        "`",
        "",
    ];

    /// Fails when `markdown` is anything but text and code, or when a mention, a reference or a link stands outside code.
    fn assert_harmless(markdown: &str) {
        let mut in_code = false;
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_code = true,
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
                Event::Text(text) if !in_code => {
                    for bad in ["@", "#", "http", "www.", "GH-", "<", "0123456"] {
                        assert!(!text.contains(bad), "`{bad}` outside code in {markdown:?}");
                    }
                }
                Event::End(_)
                | Event::Code(_)
                | Event::Text(_)
                | Event::SoftBreak
                | Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell) => {}
                other => panic!("{other:?} in {markdown:?}"),
            }
        }
    }

    #[test]
    fn hostile_text_becomes_nothing_in_running_text() {
        for text in HOSTILE {
            assert_harmless(&format!("Found: {}", prose(text, Place::Text)));
            assert_harmless(&format!("Found: {}", code(text, Place::Text)));
        }
    }

    #[test]
    fn hostile_text_stays_inside_its_fence_and_its_cell() {
        for text in HOSTILE {
            assert_harmless(&fence("nginx", text));
            let row = format!("| a | b |\n| --- | --- |\n| {} | {} |\n", prose(text, Place::Cell), code(text, Place::Cell));
            assert_harmless(&row);
            let cells = Parser::new_ext(&row, Options::ENABLE_TABLES).filter(|event| matches!(event, Event::Start(Tag::TableCell))).count();
            assert_eq!(cells, 4, "{row}");
        }
    }

    #[test]
    fn names_of_hosts_and_addresses_are_alike() {
        let text = "shop.example.com, www.shop.example.com and 10.20.1.15 (10.20.1.15:8080); nginx.conf. e.g. 85.5 % of shop.example.com's, i.e. all";
        insta::assert_snapshot!(prose(text, Place::Text), @"`shop.example.com`, `www.shop.example.com` and `10.20.1.15` (`10.20.1.15:8080`); `nginx.conf`. e.g. 85.5 % of `shop.example.com`'s, i.e. all");
    }

    #[test]
    fn plain_words_stay_plain() {
        let text = "85 % of requests to shop.example.com outside /static/ would go to `web_pool`, which has no server (does not exist).";
        insta::assert_snapshot!(prose(text, Place::Text), @"85 % of requests to `shop.example.com` outside `/static/` would go to `web_pool`, which has no server (does not exist).");
    }

    #[test]
    fn a_path_is_encoded_in_a_link() {
        let link = line_link(Some("https://github.com/acme/edge"), "abc", "a b/(c)#d?.conf", (3, 5));
        assert_eq!(link, "[`a b/(c)#d?.conf:3`](https://github.com/acme/edge/blob/abc/a%20b/%28c%29%23d%3F.conf#L3-L5)");
        assert_eq!(line_link(None, "abc", "a.conf", (3, 3)), "`a.conf:3`");
    }
}
