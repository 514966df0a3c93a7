//! A text with a limit in bytes: the most important pieces go in first, and what does not fit is counted, never cut in the middle.

/// A growing text that never exceeds its limit.
#[derive(Debug)]
pub(super) struct Budget {
    text: String,
    left: usize,
}

impl Budget {
    /// Returns an empty text of at most `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { text: String::new(), left: bytes }
    }

    /// Adds `piece` if it fits, and returns whether it did.
    pub(super) fn add(&mut self, piece: &str) -> bool {
        match self.left.checked_sub(piece.len()) {
            Some(left) => {
                self.left = left;
                self.text.push_str(piece);
                true
            }
            None => false,
        }
    }

    /// Adds as many of `pieces` as fit, in order, between `open` and `close`, and before `close` what `rest` says of the number left out.
    /// Adds nothing at all when not even one piece fits.
    pub(super) fn add_list(&mut self, open: &str, pieces: &[String], close: &str, rest: impl Fn(usize) -> String) {
        let longest_rest = rest(pieces.len());
        let frame = open.len() + longest_rest.len() + close.len();
        let Some(mut left) = self.left.checked_sub(frame) else { return };
        let mut kept = Vec::new();
        for piece in pieces {
            let Some(after) = left.checked_sub(piece.len()) else { break };
            left = after;
            kept.push(piece.as_str());
        }
        if kept.is_empty() {
            return;
        }
        let omitted = pieces.len() - kept.len();
        let rest = if omitted > 0 { rest(omitted) } else { String::new() };
        let fits = self.add(&format!("{open}{}{rest}{close}", kept.concat()));
        debug_assert!(fits, "the number of pieces left out is never longer than the number of all");
    }

    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let pieces: Vec<String> = (0..10).map(|n| format!("piece {n}\n")).collect();
        let mut budget = Budget::new(60);
        budget.add_list("<\n", &pieces, ">\n", |omitted| format!("and {omitted} more\n"));
        let text = budget.finish();
        assert_eq!(text, "<\npiece 0\npiece 1\npiece 2\npiece 3\npiece 4\nand 5 more\n>\n");
        assert!(text.len() <= 60);
    }

    #[test]
    fn a_frame_without_pieces_is_left_out() {
        let mut budget = Budget::new(20);
        budget.add_list("<\n", &["a long piece, too long".to_owned()], ">\n", |omitted| format!("{omitted} more"));
        assert_eq!(budget.finish(), "");
    }
}
