//! Markdown of ours that is too long for where it goes: cut at the end of a line, with what it left open closed again.

use super::markdown::Place;
use super::markdown::prose;

/// What is said where something is cut off.
const CUT_OFF: &str = "\n\n_The rest is left out: it is more than GitHub shows._\n";

/// Returns at most `bytes` bytes of `text`. Where that is not all of it, it ends with a whole line, with its fences and folded parts
/// closed, and says so.
pub fn clipped(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut open = Open::default();
    let mut kept = 0;
    let mut end = String::new();
    for line in text.split_inclusive('\n') {
        open.read(line);
        let closing = format!("{}{CUT_OFF}", open.closing(line));
        if kept + line.len() + closing.len() > bytes {
            break;
        }
        kept += line.len();
        end = closing;
    }
    let kept = text.get(..kept).unwrap_or_default();
    if kept.is_empty() {
        // Not even its first line.
        let room = bytes.saturating_sub(CUT_OFF.len());
        let short: String = prose(text, Place::Text).chars().take(room / 4).collect();
        return if short.contains('`') { String::new() } else { short };
    }
    format!("{kept}{end}")
}

/// What is open at the end of a line.
#[derive(Debug, Default)]
struct Open {
    fence: Option<String>,
    details: usize,
}

impl Open {
    fn read(&mut self, line: &str) {
        let trimmed = line.trim();
        match &self.fence {
            Some(fence) if trimmed == fence => self.fence = None,
            Some(_) => {}
            None => {
                let ticks: String = trimmed.chars().take_while(|c| *c == '`').collect();
                if ticks.len() >= 3 && !trimmed.trim_start_matches('`').contains('`') {
                    self.fence = Some(ticks);
                } else if trimmed.starts_with("<details>") {
                    self.details += 1;
                } else if trimmed == "</details>" {
                    self.details = self.details.saturating_sub(1);
                }
            }
        }
    }

    fn closing(&self, line: &str) -> String {
        let feed = if line.ends_with('\n') { "" } else { "\n" };
        let fence = self.fence.as_ref().map(|fence| format!("{feed}{fence}\n")).unwrap_or_default();
        format!("{fence}{}", "\n</details>\n".repeat(self.details))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(clipped("abc\n", 4), "abc\n");
    }

    #[test]
    fn what_was_open_is_closed() {
        let text = format!("Hello.\n\n<details><summary>x</summary>\n\n````sh\n```\n{}````\n\n</details>\n", "line\n".repeat(100));
        insta::assert_snapshot!(clipped(&text, 150), @r"
        Hello.

        <details><summary>x</summary>

        ````sh
        ```
        line
        line
        line
        line
        line
        ````

        </details>


        _The rest is left out: it is more than GitHub shows._
        ");
        for bytes in 0..text.len() {
            let cut = clipped(&text, bytes);
            assert!(cut.len() <= bytes, "{bytes}: {cut}");
            assert_eq!(cut.matches("````").count() % 2, 0, "{cut}");
            assert_eq!(cut.matches("<details>").count(), cut.matches("</details>").count(), "{cut}");
        }
    }
}
