//! Markdown as GitHub shows it, and nothing a comment could do harm with: raw HTML is shown as text, but for a few tags without attributes.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Raw tags that GitHub lets through and that can do no harm without attributes.
const TAGS: [&str; 20] = [
    "details",
    "summary",
    "br",
    "hr",
    "sub",
    "sup",
    "kbd",
    "b",
    "i",
    "em",
    "strong",
    "code",
    "pre",
    "p",
    "ul",
    "ol",
    "li",
    "blockquote",
    "del",
    "ins",
];
/// Those of them that have no end.
const EMPTY: [&str; 2] = ["br", "hr"];

/// Renders Markdown to HTML that is safe to show.
pub(super) fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_GFM;
    let mut filter = Filter::default();
    let mut events = Vec::new();
    for event in Parser::new_ext(text, options) {
        filter.take(event, &mut events);
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    for tag in filter.open.iter().rev() {
        out.push_str("</");
        out.push_str(tag);
        out.push('>');
    }
    out
}

/// Lets events through, safe ones only.
#[derive(Default)]
struct Filter {
    /// The lines of the HTML block that is being read.
    block: Option<String>,
    /// Raw tags that were opened and not closed.
    open: Vec<&'static str>,
}

impl Filter {
    fn take<'a>(&mut self, event: Event<'a>, out: &mut Vec<Event<'a>>) {
        match event {
            Event::Start(Tag::HtmlBlock) => self.block = Some(String::new()),
            Event::End(TagEnd::HtmlBlock) => {
                let block = self.block.take().unwrap_or_default();
                out.push(Event::Html(self.clean(&block).into()));
            }
            Event::Html(text) => match &mut self.block {
                Some(block) => block.push_str(&text),
                None => out.push(Event::Html(self.clean(&text).into())),
            },
            Event::InlineHtml(text) => out.push(Event::InlineHtml(self.clean(&text).into())),
            // In comments a line feed is a line break.
            Event::SoftBreak => out.push(Event::HardBreak),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = if is_safe(&dest_url) { dest_url } else { CowStr::Borrowed("#") };
                out.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            // Pictures would be fetched from elsewhere: their text stays.
            Event::Start(Tag::Image { .. }) => out.push(Event::Start(Tag::Emphasis)),
            Event::End(TagEnd::Image) => out.push(Event::End(TagEnd::Emphasis)),
            other => out.push(other),
        }
    }

    /// Escapes everything but the tags we let through; comments disappear, as on GitHub.
    fn clean(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            out.push_str(&escape(before));
            if let Some(comment) = after.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
            } else if let Some((tag, after)) = self.tag(after) {
                out.push_str(&tag);
                rest = after;
            } else {
                out.push_str("&lt;");
                rest = after;
            }
        }
        out.push_str(&escape(rest));
        out
    }

    /// Reads a tag we let through, behind its `<`; returns it and what follows. A closing tag that closes nothing becomes nothing.
    fn tag<'a>(&mut self, text: &'a str) -> Option<(String, &'a str)> {
        let (inside, after) = text.split_once('>')?;
        let closing = inside.starts_with('/');
        let words = inside.trim_start_matches('/').trim_end_matches('/').trim();
        let (name, attribute) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let name = TAGS.into_iter().find(|tag| tag.eq_ignore_ascii_case(name))?;
        let open_details = name == "details" && attribute.trim() == "open";
        if !attribute.is_empty() && !open_details {
            return None;
        }
        if EMPTY.contains(&name) {
            return Some((format!("<{name}>"), after));
        }
        if !closing {
            self.open.push(name);
            return Some((format!("<{name}{}>", if open_details { " open" } else { "" }), after));
        }
        if self.open.last() == Some(&name) {
            self.open.pop();
            return Some((format!("</{name}>"), after));
        }
        Some((String::new(), after))
    }
}

/// Whether following a link can do no more than show a page.
pub(super) fn is_safe(url: &str) -> bool {
    let scheme = url.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme.split_once(':') {
        Some((scheme, _)) => ["http", "https", "mailto"].into_iter().any(|known| known.eq_ignore_ascii_case(scheme.trim())),
        None => true,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::to_html;

    #[test]
    fn tables_and_folded_parts_are_rendered() {
        let html = to_html("| a | b |\n|---|---|\n| 1 | `2` |\n\n<details><summary>More</summary>\n\n- **x**\n\n</details>\n");
        assert!(html.contains("<td><code>2</code></td>") && html.contains("<details><summary>More</summary>"), "{html}");
        assert!(html.contains("<strong>x</strong>") && html.trim_end().ends_with("</details>"), "{html}");
    }

    #[test]
    fn nothing_of_a_comment_is_run() {
        let html = to_html(
            "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\na <details onclick=x> b <a href=\"javascript:x\">\n\n[l](javascript:alert(1)) [m](JaVaScRiPt:x)",
        );
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<details") && !html.contains("<a href=\"j"), "{html}");
        assert!(!html.to_lowercase().contains("href=\"javascript"), "{html}");
    }

    #[test]
    fn markers_are_hidden_and_tags_are_balanced() {
        let html = to_html("<!-- waypost:sticky\nmore -->\nHello\n\n</details></div>\n\n<details><summary>x");
        assert!(html.contains("Hello") && !html.contains("sticky") && !html.contains("<div") && !html.contains("</div>"), "{html}");
        assert!(html.ends_with("</summary></details>"), "{html}");
    }
}
