//! A page as cases.

use super::Failure;
use super::block::{Block, Line, Marker};
use super::diff;
use super::label::{self, Label, Trees};
use super::requests::{self, Expectation};
use std::collections::BTreeMap;
use std::ops::Range;
use waypost::snapshot::{Snapshot, memory_with_links};

/// One case.
#[derive(Debug, Default)]
pub(super) struct Case {
    /// Its headings, joined.
    pub(super) name: String,
    /// The line of its heading, from 1.
    pub(super) line: usize,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) base: Tree,
    pub(super) head: Tree,
    /// What a rollback should restore, if any file names that tree.
    pub(super) known_good: Option<Tree>,
    pub(super) markers: Vec<Placed>,
    pub(super) requests: Vec<Expectation>,
    pub(super) review: Option<Review>,
    /// Why the real proxy is not asked.
    pub(super) not_replayed: Option<String>,
}

/// The files and links of one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) links: BTreeMap<String, String>,
}

impl Tree {
    pub(super) fn snapshot(&self) -> Snapshot {
        memory_with_links(&self.files, &self.links)
    }
}

/// A marker with the place it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) marker: Marker,
    /// Head or base.
    pub(super) head: bool,
    pub(super) path: String,
    /// From 1.
    pub(super) line: usize,
}

/// A review block: the lines of the page between its fences, from 0, and its text.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) lines: Range<usize>,
    pub(super) text: String,
}

/// Returns the cases of a page.
pub(super) fn read(text: &str) -> Result<Vec<Case>, Failure> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    while let Some((at, line)) = lines.next() {
        if let Some(rest) = line.strip_prefix("```") {
            let ticks = "```".to_owned() + &"`".repeat(rest.len() - rest.trim_start_matches('`').len());
            let mut words = rest.trim_start_matches('`').split_whitespace().map(str::to_owned);
            let mut block = Block { at, language: words.next().unwrap_or_default(), words: words.collect(), lines: Vec::new() };
            let mut closed = false;
            for (at, line) in lines.by_ref() {
                if line.trim_end() == ticks {
                    closed = true;
                    break;
                }
                block.lines.push((at, line.to_owned()));
            }
            if !closed {
                return Err(Failure::new(at, "the block is never closed"));
            }
            reader.block(&block)?;
        } else if line.starts_with('>') {
            let mut quote = vec![line];
            while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with('>')) {
                quote.push(line);
            }
            reader.quotation(at, &quote)?;
        } else {
            reader.line(at, line)?;
        }
    }
    reader.finish(text.lines().count())
}

/// A file whose block has been read: its lines, and how they end.
#[derive(Clone)]
struct Content {
    lines: Vec<Line>,
    end: &'static str,
    last: bool,
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            bytes.extend(&line.bytes);
            if self.last || at + 1 < self.lines.len() {
                bytes.extend(self.end.bytes());
            }
        }
        bytes
    }
}

#[derive(Default)]
struct Reader {
    cases: Vec<Case>,
    headings: Vec<(usize, String)>,
    /// The case being read, with its heading's level.
    section: Option<(usize, Section)>,
    /// A label that waits for its block.
    waiting: Option<(usize, String, Label)>,
}

#[derive(Default)]
struct Section {
    case: Case,
    base: BTreeMap<String, Content>,
    head: BTreeMap<String, Content>,
    known_good: BTreeMap<String, Content>,
    names_known_good: bool,
    holds_files: bool,
}

impl Reader {
    fn line(&mut self, at: usize, line: &str) -> Result<(), Failure> {
        if !line.trim().is_empty() {
            self.no_label_waits()?;
        }
        let level = line.len() - line.trim_start_matches('#').len();
        if level > 0 && line.trim_start_matches('#').starts_with(' ') {
            return self.heading(at, level, line.trim_start_matches('#').trim());
        }
        if let Some(reason) = line.strip_prefix("Not replayed:") {
            let section = self.section(at)?;
            section.case.not_replayed = Some(reason.trim().to_owned());
            return Ok(());
        }
        let Some((path, label)) = label::read(at, line)? else { return Ok(()) };
        let section = self.section(at)?;
        section.holds_files = true;
        match label {
            Label::Deleted => section.delete(at, &path),
            Label::Links(target, trees) => section.link(at, path, &target, trees),
            Label::File(_) | Label::Changes => {
                self.waiting = Some((at, path, label));
                Ok(())
            }
        }
    }

    fn section(&mut self, at: usize) -> Result<&mut Section, Failure> {
        self.section.as_mut().map(|(_, section)| section).ok_or_else(|| Failure::new(at, "a file or a request before any heading"))
    }

    fn no_label_waits(&self) -> Result<(), Failure> {
        match &self.waiting {
            Some((at, path, _)) => Err(Failure::new(*at, format!("no block follows the label of `{path}`"))),
            None => Ok(()),
        }
    }

    fn heading(&mut self, at: usize, level: usize, name: &str) -> Result<(), Failure> {
        if let Some((outer, section)) = &self.section
            && section.holds_files
            && level > *outer
        {
            return Err(Failure::new(at, "a section that holds files has no sub-headings"));
        }
        self.close()?;
        self.headings.retain(|(outer, _)| *outer < level);
        self.headings.push((level, name.to_owned()));
        let name = self.headings.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" / ");
        self.section = Some((level, Section { case: Case { name, line: at, ..Case::default() }, ..Section::default() }));
        Ok(())
    }

    fn quotation(&mut self, at: usize, lines: &[&str]) -> Result<(), Failure> {
        self.no_label_waits()?;
        let section = self.section(at)?;
        if section.holds_files {
            return Err(Failure::new(at, "a quotation after the first file: the pull request's words come before it"));
        }
        let text: Vec<&str> = lines.iter().map(|line| line.trim_start_matches('>').trim()).collect();
        let title = text.first().and_then(|line| line.strip_prefix("**")).and_then(|line| line.strip_suffix("**"));
        let title = title.ok_or_else(|| Failure::new(at, "the quotation does not begin with a title in bold"))?;
        if !section.case.title.is_empty() {
            return Err(Failure::new(at, "a second quotation"));
        }
        title.clone_into(&mut section.case.title);
        section.case.body = text.get(1..).unwrap_or_default().join("\n").trim().to_owned();
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), Failure> {
        if let Some((at, path, label)) = self.waiting.take() {
            let section = self.section(at)?;
            return match label {
                Label::Changes => section.change(&path, block),
                Label::File(trees) => section.file(at, &path, trees, block),
                Label::Deleted | Label::Links(..) => Ok(()),
            };
        }
        match block.language.as_str() {
            "text" | "console" => Ok(()),
            "requests" => {
                block.only(&[])?;
                let section = self.section(block.at)?;
                for (at, line) in block.lines.iter().filter(|(_, line)| !line.trim().is_empty()) {
                    section.case.requests.push(requests::read(*at, line)?);
                }
                Ok(())
            }
            "review" => {
                let text = block.lines.iter().map(|(_, line)| format!("{line}\n")).collect();
                let lines = block.at..block.at + block.lines.len();
                self.section(block.at)?.case.review = Some(Review { lines, text });
                Ok(())
            }
            other => Err(Failure::new(block.at, format!("a `{other}` block without a label; `text` and `console` blocks are prose"))),
        }
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.no_label_waits()?;
        let Some((_, section)) = self.section.take() else { return Ok(()) };
        if section.holds_files {
            self.cases.push(section.finish());
        } else if !section.case.requests.is_empty() || section.case.review.is_some() || !section.case.title.is_empty() {
            return Err(Failure::new(section.case.line, "the section asks for something but holds no file"));
        }
        Ok(())
    }

    fn finish(mut self, last: usize) -> Result<Vec<Case>, Failure> {
        self.close()?;
        if self.cases.is_empty() { Err(Failure::new(last.max(1), "the page has no case")) } else { Ok(self.cases) }
    }
}

impl Section {
    fn file(&mut self, at: usize, path: &str, trees: Trees, block: &Block) -> Result<(), Failure> {
        block.only(&["no-eol", "crlf", "escaped"])?;
        let content = Content { lines: block.content()?, end: if block.has("crlf") { "\r\n" } else { "\n" }, last: !block.has("no-eol") };
        self.names_known_good |= trees.named && trees.known_good;
        let wanted = [(trees.base, &mut self.base), (trees.head, &mut self.head), (trees.known_good, &mut self.known_good)];
        for (_, tree) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            if tree.insert(path.to_owned(), content.clone()).is_some() {
                return Err(Failure::new(at, format!("`{path}` is given twice")));
            }
        }
        Ok(())
    }

    fn change(&mut self, path: &str, block: &Block) -> Result<(), Failure> {
        if block.language != "diff" {
            return Err(Failure::new(block.at, "a `diff` block shows what changes"));
        }
        block.only(&["escaped"])?;
        let base = self.base.get(path).ok_or_else(|| Failure::new(block.at, format!("`{path}` is not in base")))?;
        let (lines, gone) = diff::apply(&base.lines, block)?;
        self.head.insert(path.to_owned(), Content { lines, ..base.clone() });
        let placed = gone.into_iter().map(|(line, marker)| Placed { marker, head: false, path: path.to_owned(), line: line + 1 });
        self.case.markers.extend(placed);
        Ok(())
    }

    fn delete(&mut self, at: usize, path: &str) -> Result<(), Failure> {
        let file = self.head.remove(path).is_some();
        if file || self.case.head.links.remove(path).is_some() { Ok(()) } else { Err(Failure::new(at, format!("`{path}` is not in base"))) }
    }

    fn link(&mut self, at: usize, path: String, target: &str, trees: Trees) -> Result<(), Failure> {
        self.names_known_good |= trees.named && trees.known_good;
        let known_good = &mut self.case.known_good.get_or_insert_with(Tree::default).links;
        let wanted = [(trees.base, &mut self.case.base.links), (trees.head, &mut self.case.head.links), (trees.known_good, known_good)];
        for (_, links) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            if links.insert(path.clone(), target.to_owned()).is_some() {
                return Err(Failure::new(at, format!("`{path}` is given twice")));
            }
        }
        Ok(())
    }

    fn finish(self) -> Case {
        let mut case = self.case;
        for (path, content) in &self.head {
            for (line, marker) in content.lines.iter().enumerate().flat_map(|(at, line)| line.markers.iter().map(move |marker| (at + 1, marker))) {
                case.markers.push(Placed { marker: marker.clone(), head: true, path: path.clone(), line });
            }
        }
        // What only base has speaks of base.
        for (path, content) in self.base.iter().filter(|(path, _)| !self.head.contains_key(*path)) {
            for (line, marker) in content.lines.iter().enumerate().flat_map(|(at, line)| line.markers.iter().map(move |marker| (at + 1, marker))) {
                case.markers.push(Placed { marker: marker.clone(), head: false, path: path.clone(), line });
            }
        }
        let bytes = |tree: BTreeMap<String, Content>| tree.into_iter().map(|(path, content)| (path, content.bytes())).collect();
        case.base.files = bytes(self.base);
        case.head.files = bytes(self.head);
        let known_good = Tree { files: bytes(self.known_good), links: case.known_good.take().unwrap_or_default().links };
        case.known_good = self.names_known_good.then_some(known_good);
        case
    }
}
