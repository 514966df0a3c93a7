//! YAML as a tree with places, for every format that is written in it.
//!
//! Aliases share the node they name and merge keys are resolved, both bounded: a tree whose expansion is larger than [`MAX_NODES`] is refused,
//! so whoever walks one never meets an alias bomb. A document that cannot be read is left out and said; the others are there.

use granit_parser::{Event, Parser, ScalarStyle, Span as Range, options};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most nodes of a document, aliases expanded.
pub(crate) const MAX_NODES: usize = 500_000;

/// The most levels of a document, aliases expanded.
const MAX_DEPTH: usize = 200;

/// A value and where it is written.
#[derive(Debug)]
pub(crate) struct Node {
    /// First byte in the file.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// The tag as written (`!vault`), if any.
    pub(crate) tag: Option<String>,
    /// The value.
    pub(crate) value: Value,
    /// How many nodes it stands for.
    size: usize,
    /// How many levels it has.
    depth: usize,
}

/// The kinds of values.
#[derive(Debug)]
pub(crate) enum Value {
    /// A text, a number, a boolean: as written, escapes resolved.
    Scalar(Box<str>),
    /// Nothing: `~`, `null` or no value at all.
    Null,
    /// A list.
    Sequence(Vec<Arc<Node>>),
    /// Keys and values in file order, each key once, merge keys resolved.
    Mapping(Vec<(Arc<Node>, Arc<Node>)>),
}

/// A file's documents and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Yaml {
    /// The documents that could be read, in file order.
    pub(crate) documents: Vec<Arc<Node>>,
    /// Why others could not, in file order.
    pub(crate) errors: Vec<Fault>,
    /// Keys written twice in a mapping, in file order; the last one counts.
    pub(crate) duplicates: Vec<Duplicate>,
}

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where, in bytes.
    pub(crate) at: usize,
    /// Why: lower case, no full stop.
    pub(crate) reason: String,
}

/// A key written twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Duplicate {
    /// The key.
    pub(crate) key: String,
    /// The bytes of the one that is dropped.
    pub(crate) dropped: std::ops::Range<usize>,
    /// The bytes of the one that counts.
    pub(crate) kept: std::ops::Range<usize>,
}

impl Node {
    /// Returns the text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Returns the keys and values of a mapping; none for anything else. A key that is no scalar is left out.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &Node, &Node)> {
        let pairs = match &self.value {
            Value::Mapping(pairs) => pairs.as_slice(),
            Value::Scalar(_) | Value::Null | Value::Sequence(_) => &[],
        };
        pairs.iter().filter_map(|(key, value)| Some((key.text()?, &**key, &**value)))
    }

    /// Returns the items of a sequence; none for anything else.
    pub(crate) fn items(&self) -> &[Arc<Node>] {
        match &self.value {
            Value::Sequence(items) => items,
            Value::Scalar(_) | Value::Null | Value::Mapping(_) => &[],
        }
    }

    /// Returns the value of `key` of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs().find(|(name, ..)| *name == key).map(|(_, _, value)| value)
    }

    /// Returns whether this is a mapping.
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// Returns whether this is nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

/// Reads `text`.
pub(crate) fn parse(text: &str) -> Yaml {
    let options = options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut yaml = Yaml::default();
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let fault = match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, range)) => builder.take(event, &range, &mut yaml).err(),
            Err(error) => Some(Fault { at: error.marker().byte_offset().unwrap_or(text.len()).min(text.len()), reason: error.info() }),
        };
        if let Some(fault) = fault {
            yaml.errors.push(fault);
            builder = Builder::default();
            if !parser.proceed_next_document().unwrap_or(false) {
                break;
            }
        }
    }
    yaml
}

/// A document in the making.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Arc<Node>>,
    duplicates: Vec<Duplicate>,
}

/// A sequence or mapping whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    tag: Option<String>,
    mapping: bool,
    children: Vec<Arc<Node>>,
    size: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, range: &Range, yaml: &mut Yaml) -> Result<(), Fault> {
        let bytes = range.byte_range().unwrap_or_default();
        let fault = |reason: &str| Fault { at: bytes.start, reason: reason.to_owned() };
        match event {
            Event::DocumentStart(..) => *self = Self::default(),
            Event::DocumentEnd => yaml.duplicates.append(&mut self.duplicates),
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null { Value::Null } else { Value::Scalar(text.into()) };
                let tag = tag.map(|tag| tag.original());
                let node = Node { start: bytes.start, end: bytes.end, tag, value, size: 1, depth: 1 };
                self.add(node.into(), anchor, yaml)?;
            }
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned().ok_or_else(|| fault("an alias stands inside what it names"))?;
                self.add(node, 0, yaml)?;
            }
            Event::UnresolvedAlias(name) => return Err(fault(&format!("nothing before the alias `*{name}` has that anchor"))),
            Event::SequenceStart(_, anchor, tag) => self.open(false, bytes.start, anchor, tag.map(|tag| tag.original())),
            Event::MappingStart(_, anchor, tag) => self.open(true, bytes.start, anchor, tag.map(|tag| tag.original())),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let anchor = open.anchor;
                    let node = self.close(open, bytes.end);
                    self.add(node.into(), anchor, yaml)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, mapping: bool, start: usize, anchor: usize, tag: Option<String>) {
        self.open.push(Open { start, anchor, tag, mapping, children: Vec::new(), size: 1 });
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Arc<Node>, anchor: usize, yaml: &mut Yaml) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        let levels = self.open.len() + node.depth;
        let Some(open) = self.open.last_mut() else {
            yaml.documents.push(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        if open.size > MAX_NODES {
            return Err(Fault { at: node.start, reason: format!("more than {MAX_NODES} values, aliases expanded") });
        }
        if levels > MAX_DEPTH {
            return Err(Fault { at: node.start, reason: format!("more than {MAX_DEPTH} levels, aliases expanded") });
        }
        open.children.push(node);
        Ok(())
    }

    fn close(&mut self, open: Open, end: usize) -> Node {
        let value = if open.mapping { Value::Mapping(self.pairs(&open.children)) } else { Value::Sequence(open.children) };
        let (size, depth) = match &value {
            Value::Sequence(items) => (total(items.iter()), deepest(items.iter())),
            Value::Mapping(pairs) => (total(pairs.iter().flat_map(|(k, v)| [k, v])), deepest(pairs.iter().flat_map(|(k, v)| [k, v]))),
            Value::Scalar(_) | Value::Null => (0, 0),
        };
        Node { start: open.start, end, tag: open.tag, value, size: size.saturating_add(1), depth: depth + 1 }
    }

    /// Pairs up keys and values, notes duplicates, and resolves merge keys: a mapping's own keys win, then the first merged mapping's.
    fn pairs(&mut self, children: &[Arc<Node>]) -> Vec<(Arc<Node>, Arc<Node>)> {
        let mut pairs: Vec<(Arc<Node>, Arc<Node>)> = Vec::new();
        let mut merged: Vec<Arc<Node>> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for pair in children.chunks(2) {
            let [key, value] = pair else { continue };
            match key.text() {
                Some("<<") if value.is_mapping() => merged.push(Arc::clone(value)),
                Some("<<") if !value.items().is_empty() => merged.extend(value.items().iter().filter(|item| item.is_mapping()).cloned()),
                Some(text) => {
                    if let Some(slot) = seen.get(text).and_then(|at| pairs.get_mut(*at)) {
                        let dropped = slot.0.start..slot.0.end;
                        self.duplicates.push(Duplicate { key: text.to_owned(), dropped, kept: key.start..key.end });
                        *slot = (Arc::clone(key), Arc::clone(value));
                        continue;
                    }
                    seen.insert(text.to_owned(), pairs.len());
                    pairs.push((Arc::clone(key), Arc::clone(value)));
                }
                None => pairs.push((Arc::clone(key), Arc::clone(value))),
            }
        }
        let mut known: BTreeSet<String> = seen.into_keys().collect();
        for mapping in merged {
            if let Value::Mapping(more) = &mapping.value {
                let new = more.iter().filter(|(key, _)| key.text().is_some_and(|text| known.insert(text.to_owned())));
                pairs.extend(new.cloned());
            }
        }
        pairs
    }
}

fn total<'a>(nodes: impl Iterator<Item = &'a Arc<Node>>) -> usize {
    nodes.fold(0, |sum, node| sum.saturating_add(node.size))
}

fn deepest<'a>(nodes: impl Iterator<Item = &'a Arc<Node>>) -> usize {
    nodes.map(|node| node.depth).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_bytes() {
        let text = "ä: 1\nlist: [a, \"b c\"]\n";
        let yaml = parse(text);
        let [document] = yaml.documents.as_slice() else { panic!("{yaml:?}") };
        let b = &document.get("list").unwrap().items()[1];
        assert_eq!((b.text(), text.get(b.start..b.end)), (Some("b c"), Some("\"b c\"")));
    }

    #[test]
    fn merge_keys_and_aliases_are_resolved_and_own_keys_win() {
        let yaml = parse("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: {<<: [*a, {z: 4}]}\n");
        let document = &yaml.documents[0];
        let read = |name: &str| document.get(name).unwrap().pairs().map(|(k, _, v)| format!("{k}{}", v.text().unwrap())).collect::<Vec<_>>();
        assert_eq!(read("b"), ["y3", "x1"]);
        assert_eq!(read("c"), ["x1", "y2", "z4"]);
    }

    #[test]
    fn a_broken_document_leaves_the_others() {
        let yaml = parse("a: 1\n---\nb: [1\n---\nc: 3\n");
        assert_eq!(yaml.errors.len(), 1);
        assert_eq!(yaml.documents.len(), 2);
        assert_eq!(yaml.documents[1].get("c").unwrap().text(), Some("3"));
    }

    #[test]
    fn a_key_written_twice_is_said_and_the_last_counts() {
        let text = "a: 1\nb: 2\na: 3\n";
        let yaml = parse(text);
        assert_eq!(yaml.duplicates, [Duplicate { key: "a".to_owned(), dropped: 0..1, kept: 10..11 }]);
        assert_eq!(yaml.documents[0].get("a").unwrap().text(), Some("3"));
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{inner}]\n");
        }
        assert!(parse(&bomb).errors[0].reason.contains("aliases expanded"));
        assert_eq!(parse(&"[".repeat(100_000)).errors.len(), 1);
        assert_eq!(parse("a: &a [*a]\n").errors.len(), 1);
        assert_eq!(parse("a: *nobody\n").errors.len(), 1);
    }
}
