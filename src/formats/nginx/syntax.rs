//! The syntax tree: names, arguments, blocks, spans. No meaning, no defaults.

use crate::model::Label;
use crate::span::Span;
use std::sync::Arc;

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
        Self { name, args: Vec::new(), block: Some(block.into()), raw: None, head: span.clone(), span }
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
        }
    }

    /// Returns the statements of the block; none where there is no block.
    pub fn inside(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
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
        let mut text = self.name.text.to_string();
        for arg in &self.args {
            text.push(' ');
            text.push_str(&arg.text);
        }
        Label { span: self.head.clone(), text: text.into() }
    }
}
