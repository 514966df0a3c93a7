//! The syntax tree: names, arguments, blocks, spans. No meaning, no defaults.

use crate::formats::source::{has_hole, shown};
use crate::model::Label;
use crate::span::Span;
use std::sync::{Arc, OnceLock};

/// One statement: `name args…;` or `name args… { block }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The first word.
    pub name: Word,
    /// The other words. For `if`, the words as split, parentheses included; for `*_by_lua_block` the code is not among them.
    pub args: Vec<Word>,
    /// The statements of the block, if there is one; includes already expanded. Shared with the file's own tree where it has no include.
    pub block: Option<Arc<[Directive]>>,
    /// The code inside a `*_by_lua_block`, as written; its `block` is there and empty.
    pub raw: Option<Arc<str>>,
    /// From the name to the end of the last argument: not the `;`, not the block.
    pub head: Span,
    /// The whole statement, including `;` or the block with its braces.
    pub span: Span,
    /// The text of its label once it was asked for.
    pub(super) label: OnceLock<Arc<str>>,
}

/// One word, quotes and escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text nginx sees; variables are still `$name`.
    pub text: Arc<str>,
    /// As written, quotes included.
    pub span: Span,
    /// Whether it was quoted.
    pub quoted: bool,
}

impl Directive {
    /// Returns a block that nobody wrote, at `span`.
    pub(super) fn synthetic(name: &str, span: Span, block: Vec<Self>) -> Self {
        let name = Word { text: name.into(), span: span.clone(), quoted: false };
        Self { name, args: Vec::new(), block: Some(block.into()), raw: None, head: span.clone(), span, label: OnceLock::new() }
    }

    /// Returns this without its block.
    pub(super) fn shallow(&self) -> Self {
        Self {
            name: self.name.clone(),
            args: self.args.clone(),
            block: None,
            raw: self.raw.clone(),
            head: self.head.clone(),
            span: self.span.clone(),
            label: self.label.clone(),
        }
    }

    /// Returns the statements of the block; none where there is no block.
    pub fn inside(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }

    /// Returns whether a template expression stands in its head.
    pub(super) fn has_hole(&self) -> bool {
        std::iter::once(&self.name).chain(&self.args).any(|word| has_hole(&word.text))
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// Returns argument `index`, from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).map(|word| &*word.text)
    }

    /// Returns the label of this statement: its head, as written on one line.
    pub fn label(&self) -> Label {
        let text = self.label.get_or_init(|| {
            if self.args.is_empty() {
                return shown(&self.name.text).into();
            }
            let words = std::iter::once(&self.name).chain(&self.args);
            let mut text = String::with_capacity(words.clone().map(|word| word.text.len() + 1).sum());
            for word in words {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(&word.text);
            }
            shown(&text).into()
        });
        Label { span: self.head.clone(), text: Arc::clone(text) }
    }
}
