//! Makes text from a pull request harmless where it is shown. Everything that comes from outside goes through here.

/// Returns `c`, or something visible in place of a character that a terminal or a browser acts on: control characters, changes of the
/// writing direction, characters without width.
pub(super) fn visible(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
        _ => c,
    }
}

/// Returns `text` on one line for a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { visible(c) }).collect()
}

/// Returns `text` on one line for a place that shows backticks as they are: what stands in them stands bare where it is one plain word, else
/// in quotation marks.
pub(super) fn plain(text: &str) -> String {
    let text = printable(text);
    if text.matches('`').count() % 2 == 1 {
        return text;
    }
    let bare = |piece: &str| piece.chars().any(char::is_alphanumeric) && !piece.contains(char::is_whitespace);
    let mut out = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at % 2 == 0 || bare(piece) {
            out.push_str(piece);
        } else {
            out.push('"');
            out.push_str(piece);
            out.push('"');
        }
    }
    out
}

/// Returns a line of a file for an excerpt: as [`printable`], but tabs stay.
pub(super) fn source_line(line: &str) -> String {
    line.chars().map(|c| if c == '\t' { c } else { visible(c) }).collect()
}

/// Returns at most `most` characters of `text`, with `…` in place of what is cut off.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_becomes_visible() {
        assert_eq!(printable("a\x1b[31mb\u{9b}2Jc\u{202e}d\u{200b}\ne\tf"), "a␛[31mb\u{fffd}2Jc\u{fffd}d\u{fffd} e f");
    }

    #[test]
    fn where_backticks_are_shown_as_they_are_there_are_none() {
        assert_eq!(plain("`proxy_pass` has no `;`, in `a b`"), "proxy_pass has no \";\", in \"a b\"");
        assert_eq!(plain("one ` alone"), "one ` alone");
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äö…");
    }
}
