//! Text -> sections of lines, as HAProxy reads them: line by line, across files.
//!
//! HAProxy 2.6: `src/cfgparse.c`, `readcfgfile`.

use super::conditional::{Conditionals, Step};
use super::environment::Environment;
use super::syntax::{Line, Section, SectionKind, Word};
use super::words;
use crate::formats::source::{self, Source};
use crate::model::{Problem, ProblemKind, Unknown};
use crate::span::Span;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The words that open a section, with what they open. Those of HAProxy 2.6 and later.
const SECTIONS: &[(&str, SectionKind)] = &[
    ("global", SectionKind::Global),
    ("defaults", SectionKind::Defaults),
    ("frontend", SectionKind::Frontend),
    ("backend", SectionKind::Backend),
    ("listen", SectionKind::Listen),
    ("peers", SectionKind::Other),
    ("resolvers", SectionKind::Other),
    ("userlist", SectionKind::Other),
    ("cache", SectionKind::Other),
    ("mailers", SectionKind::Other),
    ("program", SectionKind::Other),
    ("http-errors", SectionKind::Other),
    ("ring", SectionKind::Other),
    ("log-forward", SectionKind::Other),
    ("log-profile", SectionKind::Other),
    ("fcgi-app", SectionKind::Other),
    ("namespace_list", SectionKind::Other),
    ("crt-store", SectionKind::Other),
    ("traces", SectionKind::Other),
    ("acme", SectionKind::Other),
];

/// What files say, read one after the other.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// The sections of all files.
    pub(super) sections: Vec<Section>,
    /// Lines before any section of their file.
    pub(super) stray: Vec<Line>,
    /// What is wrong, in file order.
    pub(super) problems: Vec<Problem>,
    /// What is not known, in file order.
    pub(super) unknown: Vec<Unknown>,
}

/// Returns what opens a section, by its keyword.
pub(super) fn section_kind(keyword: &str) -> Option<SectionKind> {
    SECTIONS.iter().find(|(name, _)| *name == keyword).map(|(_, kind)| *kind)
}

/// Reads `sources`, the files that one process loads, in this order. Linear.
pub(super) fn parse(sources: &[Source]) -> Parsed {
    let mut parser = Parser::default();
    for source in sources {
        parser.file(source);
    }
    parser.finish()
}

#[derive(Default)]
struct Parser {
    parsed: Parsed,
    environment: Environment,
    /// Whether a section is open; a file begins without one.
    open: bool,
    /// The last `defaults` section.
    defaults: Option<usize>,
    /// `defaults` sections by name.
    named: BTreeMap<Arc<str>, usize>,
    /// Where a default of a variable was taken first.
    defaulted: Option<Span>,
}

impl Parser {
    fn file(&mut self, source: &Source) {
        self.open = false;
        self.environment.section = Arc::from("");
        let mut conditionals = Conditionals::default();
        for (index, line) in lines(&source.text).enumerate() {
            self.environment.line = index + 1;
            self.line(source, line, &mut conditionals);
        }
        conditionals.finish(&mut self.parsed);
        if source.is_plain() && !source.text.is_empty() && !source.text.ends_with('\n') {
            let last = lines(&source.text).last().unwrap_or_default();
            let help = "end the last line with a line feed; HAProxy refuses a file that may be cut off".to_owned();
            self.problem(source.span(last), "the last line of the file has no line feed".to_owned(), Some(help));
        }
    }

    fn line(&mut self, source: &Source, range: Range<usize>, conditionals: &mut Conditionals) {
        let before = self.environment.defaulted.len();
        let (words, slip) = words::split(source, range, &mut self.environment);
        if let Some(slip) = slip {
            self.problem(source.span(slip.range), slip.message, Some(slip.help.to_owned()));
            if words.is_empty() {
                return;
            }
        }
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        if self.environment.defaulted.len() > before && self.defaulted.is_none() {
            self.defaulted = Some(first.span.to(&last.span));
        }
        if first.text.is_empty() {
            return;
        }
        let span = first.span.to(&last.span);
        let line = Line { words, span };
        match conditionals.step(&line, &self.environment, &mut self.parsed) {
            Step::Read => self.statement(line),
            Step::Skip => {}
        }
    }

    fn statement(&mut self, line: Line) {
        if let Some(kind) = section_kind(line.keyword()) {
            self.section(line, kind);
        } else if self.open
            && let Some(section) = self.parsed.sections.last_mut()
        {
            if section.kind == SectionKind::Global {
                environment_line(&line, &mut self.environment);
            }
            section.lines.push(line);
        } else {
            self.parsed.stray.push(line);
        }
    }

    fn section(&mut self, head: Line, kind: SectionKind) {
        self.open = true;
        self.environment.section = Arc::clone(&head.words.first().map_or_else(|| Arc::from(""), |word| Arc::clone(&word.text)));
        let from_at = match kind {
            SectionKind::Defaults if head.arg(0).is_some_and(|word| &*word.text == "from") => 0,
            _ => 1,
        };
        let named = head.arg(0).filter(|_| from_at == 1 || kind != SectionKind::Defaults);
        let name = named.cloned().unwrap_or_else(|| Word { text: Arc::from(""), span: head.span.clone() });
        let from = head.arg(from_at).filter(|word| &*word.text == "from").and_then(|_| head.arg(from_at + 1));
        let defaults = match kind {
            SectionKind::Global | SectionKind::Other => None,
            SectionKind::Defaults => from.and_then(|from| self.named.get(&from.text).copied()),
            SectionKind::Frontend | SectionKind::Backend | SectionKind::Listen => match from {
                Some(from) => self.named.get(&from.text).copied(),
                None => self.defaults,
            },
        };
        if kind == SectionKind::Defaults {
            let index = self.parsed.sections.len();
            self.defaults = Some(index);
            if !name.text.is_empty() {
                self.named.insert(Arc::clone(&name.text), index);
            }
        }
        self.parsed.sections.push(Section { kind, name, head, lines: Vec::new(), defaults });
    }

    fn problem(&mut self, span: Span, message: String, help: Option<String>) {
        self.parsed.problems.push(Problem { kind: ProblemKind::Syntax, fatal: true, message, help, span, related: Vec::new(), fix: None });
    }

    fn finish(mut self) -> Parsed {
        if let Some(span) = self.defaulted {
            let names: Vec<String> = self.environment.defaulted.iter().map(|name| format!("`{name}`")).collect();
            let reason = format!("the environment may set {}; what is written as the default is taken", names.join(", "));
            self.parsed.unknown.push(Unknown { span, reason });
        }
        self.parsed
    }
}

/// Takes what a line of `global` says about variables.
fn environment_line(line: &Line, environment: &mut Environment) {
    let words: Vec<&str> = line.words.iter().map(|word| &*word.text).collect();
    match words.as_slice() {
        ["setenv", name, value, ..] if !source::has_hole(value) => environment.set(name, value),
        ["presetenv", name, value, ..] if !source::has_hole(value) => environment.preset(name, value),
        ["unsetenv", names @ ..] => names.iter().for_each(|name| environment.unset(name)),
        ["resetenv", names @ ..] => environment.reset(names),
        _ => {}
    }
}

/// Returns the lines of `text` without their line feeds; nothing after the last one.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').unwrap_or(rest.len());
        let line = at..at + length;
        at += length + 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::TreePath;

    /// Returns the sections with their lines, words in brackets, and what was said.
    fn shown(text: &str) -> String {
        let parsed = parse(&[Source::plain(TreePath::new("haproxy.cfg").unwrap(), Arc::from(text))]);
        let words = |line: &Line| line.words.iter().map(|word| format!("[{}]", source::shown(&word.text))).collect::<Vec<_>>().concat();
        let mut lines = Vec::new();
        for section in &parsed.sections {
            lines.push(format!("{} < {:?}", words(&section.head), section.defaults));
            lines.extend(section.lines.iter().map(|line| format!("  {} {}..{}", words(line), line.span.start, line.span.end)));
        }
        lines.extend(parsed.problems.iter().map(|problem| format!("{:?} {}", problem.span, problem.message)));
        lines.extend(parsed.unknown.iter().map(|unknown| format!("{:?} {}", unknown.span, unknown.reason)));
        lines.join("\n")
    }

    #[test]
    fn words_are_what_haproxy_makes_of_them() {
        let text =
            "global\n setenv A \"x y\"\nfrontend f\n a \"$A-${B}${C-d}\" $A#no\n b 'q \"$A\" \\n'un\"q\" /a\\ b \\z\\\"\n c \"${A[*]}\" \"\"\n";
        insta::assert_snapshot!(shown(text), @r#"
        [global] < None
          [setenv][A][x y] 8..22
        [frontend][f] < None
          [a][x y-${B}d][$A] 35..55
          [b][q "$A" \nunq][/a b][\z"] 60..89
          [c][x][y][] 91..105
        haproxy.cfg[35..55] the environment may set `C`; what is written as the default is taken
        "#);
    }

    #[test]
    fn sections_take_from_the_defaults_above_or_those_they_name() {
        let text = "defaults a\ndefaults b from a\nfrontend f\nbackend g from a\ndefaults\nlisten l\n";
        insta::assert_snapshot!(shown(text), @r#"
        [defaults][a] < None
        [defaults][b][from][a] < Some(0)
        [frontend][f] < Some(1)
        [backend][g][from][a] < Some(0)
        [defaults] < None
        [listen][l] < Some(4)
        "#);
    }

    #[test]
    fn a_condition_that_cannot_be_told_takes_its_first_branch() {
        let text = "global\n setenv A 1\n.if streq(\"$A\",1) && !defined(B)\n x\n.else\n y\n.endif\n.if 0\n z\n.endif\n";
        insta::assert_snapshot!(shown(text), @r#"
        [global] < None
          [setenv][A][1] 8..18
          [x] 53..54
        haproxy.cfg[19..51] whether `streq(1,1) && !defined(B)` holds is not known here; its lines are read as if it did
        "#);
    }
}
