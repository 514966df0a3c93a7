//! Slips that the layout gives away: blocks that stay open, braces that are one too many.

use super::directives;
use super::lexer::Token;
use super::parser::{Frame, Pass, Repair, Suspect, problem};
use super::syntax::Directive;
use crate::model::{Problem, Related};

impl Pass<'_> {
    /// Reports the blocks that the file leaves open: one problem on the innermost, which names the others.
    pub(super) fn unclosed_blocks(&mut self) {
        let Some((innermost, others)) = self.frames.split_last() else { return };
        let mut problem = self.never_closed(innermost, "the end of the file");
        problem.related.extend(self.cut.iter().map(|head| Related { span: head.clone(), text: "the file ends in this statement".to_owned() }));
        problem
            .related
            .extend(others.iter().rev().map(|frame| Related { span: frame.head.clone(), text: "also open at the end of the file".to_owned() }));
        self.problems.push(problem);
    }

    fn never_closed(&self, frame: &Frame, before: &str) -> Problem {
        let name = frame.statement.as_ref().map_or("{", Directive::name);
        let line = self.source.line(frame.head.start);
        let mut problem = problem(frame.head.clone(), format!("the block of `{name}` opened here is never closed"));
        problem.help = Some(format!("close the block of line {line} with `}}` before {before}"));
        problem
    }

    /// Notes a `}` that stands further left or right than the block it closes.
    pub(super) fn suspect_close(&mut self, index: usize, token: &Token) {
        let Some(frame) = self.frames.last() else { return };
        let (Some(opened), Some(closed)) = (frame.indentation, self.source.indentation(self.source.place(token))) else { return };
        if closed < opened && self.missing.is_none() && self.frames.iter().rev().skip(1).any(|outer| outer.indentation == Some(closed)) {
            self.missing = Some(self.missing_close(index, token, frame));
        }
        if closed > opened && self.surplus.is_none() {
            let mut problem = problem(self.source.token_span(token), "this `}` is one too many".to_owned());
            problem.help = Some("remove it; by its indentation it closes no block of its own".to_owned());
            problem.related.push(Related { span: frame.head.clone(), text: "nginx closes this block there".to_owned() });
            self.surplus = Some(Suspect { token: index, repair: Repair::Skip, problem });
        }
    }

    /// Notes a statement that stands left of the block it is in and cannot be in it.
    pub(super) fn suspect_statement(&mut self, index: usize, token: &Token, name: &str) {
        let Some(frame) = self.frames.last() else { return };
        let (Some(opened), Some(here)) = (frame.indentation, self.source.indentation(self.source.place(token))) else { return };
        let parent = frame.statement.as_ref().map_or("", Directive::name);
        if self.missing.is_none() && here <= opened && !directives::may_contain(parent, name) {
            self.missing = Some(self.missing_close(index, token, frame));
        } else if here == opened && frame.beside.is_none() {
            let further_right = |child: &Directive| self.source.indentation(child.head.start).is_some_and(|inner| inner > opened);
            if frame.children.last().is_some_and(further_right)
                && let Some(frame) = self.frames.last_mut()
            {
                frame.beside = Some(index);
            }
        }
    }

    fn missing_close(&self, index: usize, token: &Token, frame: &Frame) -> Suspect {
        let beside = frame.beside.and_then(|beside| Some((beside, self.source.tokens.get(beside)?)));
        let (index, token) = beside.unwrap_or((index, token));
        let line = self.source.line(self.source.place(token));
        let mut problem = self.never_closed(frame, &format!("line {line}"));
        problem.related.push(Related { span: self.source.token_span(token), text: "by its indentation the block should end before this".to_owned() });
        Suspect { token: index, repair: Repair::CloseBefore(1), problem }
    }
}
