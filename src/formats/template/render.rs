//! Tree -> the text of one reading.

use super::Template;
use super::choice::Choice;
use super::expr::Expr;
use super::tree::{Loop, Node, Print};
use crate::formats::source::{Piece, Source, hole};
use std::ops::Range;
use std::sync::Arc;

/// The longest text of a reading: a loop over a long list inside another is cut off.
const LONGEST: usize = 4 << 20;

/// Returns the text of the reading that assumes `choice`.
pub(super) fn render(template: &Template, choice: &Choice) -> Source {
    let mut render = Render { template, choice, text: String::new(), pieces: Vec::new(), full: false };
    render.nodes(&template.nodes);
    Source::reading(template.path.clone(), Arc::from(render.text), render.pieces)
}

struct Render<'a> {
    template: &'a Template,
    choice: &'a Choice,
    text: String,
    pieces: Vec<Piece>,
    /// The text is as long as it may become.
    full: bool,
}

impl Render<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            if self.full {
                return;
            }
            match node {
                Node::Text(range) => self.literal(range),
                Node::Print(print) => self.print(print),
                Node::Choice(arms) => {
                    let taken = arms.iter().find(|arm| arm.when.as_ref().is_none_or(|when| self.holds(when)));
                    if let Some(arm) = taken {
                        self.nodes(&arm.body);
                    }
                }
                Node::Loop(one) => self.repeat(one),
                Node::Set(..) => {}
                Node::Group(inner) => self.nodes(inner),
            }
        }
    }

    fn holds(&self, condition: &Expr) -> bool {
        self.choice.holds(condition, &self.template.equals)
    }

    fn literal(&mut self, range: &Range<usize>) {
        let Some(text) = self.template.text.get(range.clone()) else { return };
        self.push(text, range);
    }

    /// Adds `text`, which stands for the bytes `written` of the file.
    fn push(&mut self, text: &str, written: &Range<usize>) {
        if self.text.len() + text.len() > LONGEST {
            self.full = true;
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push(Piece { read: start..self.text.len(), written: written.clone() });
    }

    fn print(&mut self, print: &Print) {
        match &print.what {
            Expr::Text(text) => self.push(text, &print.range),
            Expr::Number(number) => self.push(&number.to_string(), &print.range),
            Expr::If { when, then, otherwise } => {
                let what = if self.holds(when) { then } else { otherwise };
                match &**what {
                    Expr::Text(text) => self.push(&text.clone(), &print.range),
                    what => self.push(&hole(&format!("{{{{ {what} }}}}")), &print.range),
                }
            }
            _ => {
                let words = self.template.text.get(print.range.clone()).unwrap_or_default();
                self.push(&hole(&normal(words)), &print.range);
            }
        }
    }

    /// One copy stands for a list that is not known.
    fn repeat(&mut self, one: &Loop) {
        self.nodes(&one.body);
    }
}

/// Returns the words of a tag without signs for blanks, so that a change of those is none.
fn normal(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for (open, close) in [("{{", "}}"), ("<%=", "%>")] {
        if let Some(inner) = words.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
            let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner).trim();
            return format!("{open} {inner} {close}");
        }
    }
    words
}
