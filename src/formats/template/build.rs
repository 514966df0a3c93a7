//! Tags -> tree. What is not balanced is told once, by its indentation where that shows which tag was forgotten.

use super::expr::{Expr, equal};
use super::language::Language;
use super::scan::Scanned;
use super::tree::{Arm, Defect, Define, Include, Kind, Loop, Node, Print, Tag};
use std::ops::Range;

/// How far to the left the beginning of a line is looked for, in bytes.
const FURTHEST: usize = 400;

/// The deepest nesting of bodies.
const MAX_DEPTH: usize = 100;

/// A body that is open.
struct Frame {
    /// The tag that began it.
    tag: Range<usize>,
    name: &'static str,
    kind: Kind,
    /// The bodies before this one.
    arms: Vec<Arm>,
    /// The tag and the condition that the open body began with.
    open: (Range<usize>, Option<Expr>),
    /// The value a `case` chooses by.
    subject: Option<Expr>,
    nodes: Vec<Node>,
}

/// Puts the tags of a text together.
///
/// `trims`: a line end right behind a statement is not printed (Jinja's `trim_blocks`, which Ansible's `template` sets).
pub(super) fn build(text: &str, language: Language, trims: bool, found: &mut Scanned) -> Vec<Node> {
    let tags = std::mem::take(&mut found.tags);
    let mut builder = Builder { text, language, frames: Vec::new(), done: Vec::new(), defects: Vec::new(), suspect: None };
    let mut at = 0;
    let mut trim = false;
    for tag in &tags {
        let literal = at..tag.range.start.max(at);
        builder.text(literal, (trim, tag.trim_before));
        at = tag.range.end.max(at);
        if trims && !matches!(tag.kind, Kind::Print(_)) {
            let rest = text.get(at..).unwrap_or_default();
            at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        trim = tag.trim_after;
        builder.tag(tag);
    }
    builder.text(at..text.len(), (trim, false));
    builder.finish();
    found.tags = tags;
    found.defects.append(&mut builder.defects);
    builder.done
}

struct Builder<'t> {
    text: &'t str,
    language: Language,
    frames: Vec<Frame>,
    done: Vec<Node>,
    defects: Vec<Defect>,
    /// The open tag whose end, by the indentation, was forgotten.
    suspect: Option<usize>,
}

impl Builder<'_> {
    fn add(&mut self, node: Node) {
        match self.frames.last_mut() {
            Some(frame) => frame.nodes.push(node),
            None => self.done.push(node),
        }
    }

    /// Adds literal text. Blanks are taken off only around a tag that has other text on its line: elsewhere they change nothing, and the layout is kept.
    fn text(&mut self, range: Range<usize>, (trim_start, trim_end): (bool, bool)) {
        let Some(literal) = self.text.get(range.clone()) else { return };
        let mut range = range;
        if trim_start && (!literal.trim_start_matches([' ', '\t', '\r']).starts_with('\n') || self.glued(range.start)) {
            range.start += literal.len() - literal.trim_start().len();
        }
        let literal = self.text.get(range.clone()).unwrap_or_default();
        let line = literal.rsplit('\n').next().unwrap_or(literal);
        if trim_end && (literal.len() == line.len() || !line.trim().is_empty()) {
            range.end -= literal.len() - literal.trim_end().len();
        }
        if !range.is_empty() {
            self.add(Node::Text(range));
        }
    }

    /// Returns whether the tag that ends at `at` has other text before it on its line, and no end of a statement.
    fn glued(&self, at: usize) -> bool {
        let mut from = at.saturating_sub(FURTHEST);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        let line = self.text.get(from..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let mark = line.find(['{', '<']).unwrap_or(0);
        let before = line.get(..mark).unwrap_or_default().trim_end();
        !before.is_empty() && !before.ends_with([';', '{', '}'])
    }

    fn tag(&mut self, tag: &Tag) {
        match &tag.kind {
            Kind::Nothing => {}
            Kind::Print(what) => self.add(Node::Print(Print { range: tag.range.clone(), what: what.clone() })),
            Kind::Set(name, value) => self.add(Node::Set(name.clone(), value.clone())),
            Kind::If(_) | Kind::Case(_) | Kind::For { .. } | Kind::Group(_) | Kind::Aside(_) | Kind::Define(..) | Kind::Changed(..) => self.open(tag),
            Kind::Include { names, optional, import } => {
                let include = Include { range: tag.range.clone(), names: names.clone(), optional: *optional, import: import.clone() };
                self.add(Node::Include(include));
            }
            Kind::ElseIf(when) => self.next_arm(tag, Some(when.clone())),
            Kind::Else => self.next_arm(tag, None),
            Kind::When(values) => self.when(tag, values),
            Kind::End(name) => self.close(tag, *name),
        }
    }

    fn open(&mut self, tag: &Tag) {
        let Some(name) = tag.kind.begins() else { return };
        let (when, subject) = match &tag.kind {
            Kind::If(when) => (Some(when.clone()), None),
            Kind::Case(subject) => (Some(Expr::Bool(false)), Some(subject.clone())),
            _ => (None, None),
        };
        self.frames.push(Frame {
            tag: tag.range.clone(),
            name,
            kind: tag.kind.clone(),
            arms: Vec::new(),
            open: (tag.range.clone(), when),
            subject,
            nodes: Vec::new(),
        });
    }

    fn next_arm(&mut self, tag: &Tag, when: Option<Expr>) {
        let text = self.words(&tag.range);
        let Some(frame) = self.frames.last_mut() else {
            self.stray(tag, &format!("{text} stands in no `if`"));
            return;
        };
        let chooses = matches!(frame.kind, Kind::If(_) | Kind::Case(_)) || matches!(frame.kind, Kind::For { .. }) && when.is_none();
        if !chooses {
            // Ruby's `begin … rescue … else` and the like.
            return;
        }
        if frame.arms.len() < 2000 {
            let body = std::mem::take(&mut frame.nodes);
            let (tag, condition) = std::mem::replace(&mut frame.open, (tag.range.clone(), when));
            frame.arms.push(Arm { tag, when: condition, body });
        }
    }

    /// One of the values of a `case`.
    fn when(&mut self, tag: &Tag, values: &[Expr]) {
        let subject = self.frames.last().and_then(|frame| frame.subject.clone());
        let Some(subject) = subject else { return };
        let tests = values.iter().map(|value| equal(subject.clone(), value.clone()));
        let when = tests.reduce(|a, b| Expr::Or(Box::new(a), Box::new(b))).unwrap_or(Expr::Bool(false));
        self.next_arm(tag, Some(when));
    }

    fn close(&mut self, tag: &Tag, name: Option<&'static str>) {
        let fits = |frame: &Frame| name.is_none_or(|name| name == frame.name);
        let Some(at) = self.frames.iter().rposition(fits) else {
            let words = self.words(&tag.range);
            self.stray(tag, &format!("{words} ends nothing"));
            return;
        };
        self.suspect(tag, name);
        // Whatever was opened inside and not ended is the defect, not this.
        while self.frames.len() > at + 1 {
            let inner = self.frames.len() - 1;
            self.unended(inner, Some(&tag.range));
            self.pop(tag.range.start);
        }
        self.pop(tag.range.start);
    }

    /// Notes an open tag that stands further right than `tag`, which ends it, while one further out is exactly above `tag`.
    fn suspect(&mut self, tag: &Tag, name: Option<&'static str>) {
        let (Some(closed), Some(inner)) = (self.indentation(tag.range.start), self.frames.last()) else { return };
        let opened = self.indentation(inner.tag.start);
        let outer = self
            .frames
            .iter()
            .rev()
            .skip(1)
            .any(|frame| name.is_none_or(|name| name == frame.name) && self.indentation(frame.tag.start) == Some(closed));
        if self.suspect.is_none() && opened.is_some_and(|opened| opened > closed) && outer {
            self.suspect = Some(inner.tag.start);
        }
    }

    /// Returns how far the line of `at` is indented, if nothing but blanks stands before `at`.
    fn indentation(&self, at: usize) -> Option<usize> {
        let before = self.text.as_bytes().get(at.saturating_sub(FURTHEST)..at)?;
        let line = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(found) => before.get(found + 1..)?,
            None if at < FURTHEST => before,
            None => return None,
        };
        line.iter().all(|byte| matches!(byte, b' ' | b'\t')).then_some(line.len())
    }

    fn pop(&mut self, end: usize) {
        let Some(mut frame) = self.frames.pop() else { return };
        let body = std::mem::take(&mut frame.nodes);
        let inside = frame.tag.end..end.max(frame.tag.end);
        let node = match frame.kind {
            Kind::If(_) | Kind::Case(_) => {
                let (tag, when) = frame.open;
                frame.arms.push(Arm { tag, when, body });
                Node::Choice(frame.arms)
            }
            Kind::For { names, list, when } => {
                let (body, otherwise) = match frame.arms.pop() {
                    Some(first) => (first.body, body),
                    None => (body, Vec::new()),
                };
                Node::Loop(Loop { tag: frame.tag, names, list, when, body, otherwise, inside })
            }
            Kind::Group(_) => Node::Group(body),
            Kind::Define(_, name, parameters) => Node::Define(Define { name, parameters, body }),
            Kind::Changed(_, what) => Node::Print(Print { range: frame.tag.start..end.max(frame.tag.end), what }),
            _ => return,
        };
        if self.frames.len() < MAX_DEPTH {
            self.add(node);
        }
    }

    fn stray(&mut self, tag: &Tag, message: &str) {
        self.defects.push(Defect::fatal(
            tag.range.clone(),
            message.to_owned(),
            "take it out, or look above for what is ended too early; nothing is rendered until then",
        ));
    }

    /// Reports the open body at `at`; `by` is the tag that ends something around it.
    fn unended(&mut self, at: usize, by: Option<&Range<usize>>) {
        let Some(frame) = self.frames.get(at) else { return };
        let words = self.words(&frame.tag);
        let end = match (self.language, frame.name) {
            (Language::Jinja, name) => format!("{{% end{name} %}}"),
            (Language::Go, _) => "{{ end }}".to_owned(),
            (Language::Epp, _) => "<% } %>".to_owned(),
            (Language::Erb | Language::Placeholders { .. }, _) => "<% end %>".to_owned(),
        };
        let mut defect =
            Defect::fatal(frame.tag.clone(), format!("{words} is never ended"), &format!("end it with `{end}`; nothing is rendered until then"));
        if let Some(by) = by {
            defect.related.push((by.clone(), "this ends what is around it".to_owned()));
        }
        self.defects.push(defect);
    }

    fn finish(&mut self) {
        if !self.frames.is_empty() && !self.defects.iter().any(|defect| defect.message.ends_with("is never ended")) {
            let blamed =
                self.suspect.and_then(|start| self.tag_at(start)).or_else(|| self.frames.first().map(|frame| (frame.tag.clone(), frame.name)));
            if let Some((tag, name)) = blamed {
                let open = Frame { tag, name, kind: Kind::Nothing, arms: Vec::new(), open: (0..0, None), subject: None, nodes: Vec::new() };
                self.frames.push(open);
                self.unended(self.frames.len() - 1, None);
                self.frames.pop();
            }
        }
        while !self.frames.is_empty() {
            self.pop(self.text.len());
        }
    }

    /// Returns the tag that begins at `start`, and what it begins, as far as its first word tells.
    fn tag_at(&self, start: usize) -> Option<(Range<usize>, &'static str)> {
        let rest = self.text.get(start..)?;
        let close = if rest.starts_with("{{") { "}}" } else { "%" };
        let end = rest.get(2..)?.find(close)? + 4;
        let tag = start..start + end.min(rest.len());
        let word = rest.get(2..)?.trim_start_matches(['-', '+', ' ']);
        let name = ["if", "for", "macro", "block", "call", "filter", "with", "set"].into_iter().find(|name| word.starts_with(name)).unwrap_or("if");
        Some((tag, name))
    }

    /// Returns the tag in its own words, in backticks, on one line.
    fn words(&self, range: &Range<usize>) -> String {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = words.chars().take(80).collect();
        if short.len() < words.len() { format!("`{short}…`") } else { format!("`{words}`") }
    }
}
