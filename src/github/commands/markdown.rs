//! Which lines of a comment a person says, and which it only shows: quotes, code, links and HTML are shown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// Returns the lines of `body` that begin with text which is not code, quotation, HTML or the words of a link.
///
/// As GitHub reads it, except that a line after a quotation without `>` of its own counts as said: a person typed it.
pub(super) fn said_lines(body: &str) -> Vec<&str> {
    let said = said(body);
    let mut start = 0;
    let mut lines = Vec::new();
    for line in body.split_inclusive('\n') {
        let begin = start + (line.len() - line.trim_start().len());
        start += line.len();
        // Text events are in the order of the text.
        let next = said.partition_point(|range| range.end <= begin);
        if said.get(next).is_some_and(|range| range.contains(&begin)) {
            lines.push(line.trim());
        }
    }
    lines
}

/// Returns where the text stands that is said.
fn said(body: &str) -> Vec<Range<usize>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut found = Vec::new();
    let mut shown = 0_usize;
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Link { .. } | Tag::Image { .. }) => shown += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Link | TagEnd::Image) => shown = shown.saturating_sub(1),
            Event::Text(_) if shown == 0 => found.push(range),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Vec<&str> {
        said_lines(body).into_iter().filter(|line| line.contains("/w")).collect()
    }

    #[test]
    fn what_is_only_shown_is_not_said() {
        for shown in [
            "> /w",
            "   > /w",
            "> > /w",
            "> ```\n> /w\n> ```",
            "```\n/w\n```",
            "```sh\n/w",
            "~~~\n```\n/w\n~~~",
            "````\n```\n/w\n````",
            "- ```\n  /w\n  ```",
            "1. so:\n\n   ```\n   /w\n   ```",
            "- a\n\n      /w",
            "    /w",
            "\t/w",
            "text `a\n/w b` text",
            "<!--\n/w\n-->",
            "<!-- no end\n\n/w",
            "text <!--\n/w --> text",
            "<pre>\n/w\n\n/w\n</pre>",
            "[a\n/w](https://example.com)",
            "![a\n/w](https://example.com/x.png)",
            "[a]: https://example.com 'x\n/w\n'",
        ] {
            assert_eq!(said(shown), Vec::<&str>::new(), "{shown:?}");
        }
    }

    #[test]
    fn what_stands_beside_is_said() {
        for spoken in [
            "/w",
            "  /w",
            "text\n/w\ntext",
            "> quoted\n/w",
            "> quoted\n\n/w",
            "> ```\n/w",
            "```\nx\n```\n/w",
            "- ```\n  x\n  ```\n\n/w",
            "1. first\n   /w",
            "a ` b\n\n/w\n\n`",
            "<!-- x -->\n/w",
            "<details>\n\n/w\n\n</details>",
            "`<!--`\n/w",
            "text\n    /w",
            "a\r\n/w\r\nb",
            "``` not a fence ```\n/w",
            "/w\n---\nsignature",
        ] {
            assert_eq!(said(spoken), ["/w"], "{spoken:?}");
        }
    }
}
