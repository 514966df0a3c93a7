//! nginx: `nginx.conf`, what it includes, and parts that no entry includes.

mod addresses;
mod buffers;
mod check;
mod directives;
mod discovery;
mod files;
mod include;
mod layout;
mod lexer;
mod locate;
mod lower;
mod names;
mod needed;
mod parser;
mod patterns;
mod syntax;
mod template;
mod values;

pub use discovery::configs;
pub use syntax::{Directive, Word};

use super::template::agreed;
use crate::model::Model;
use crate::snapshot::Snapshot;
use crate::span::TreePath;
use std::sync::Arc;

/// Adds a gateway for each nginx entry file of the tree, and one more for each further reading of its templates.
pub fn read(snapshot: &Snapshot, model: &mut Model) {
    let configs = configs(snapshot, model);
    for readings in configs.chunk_by(|a, b| a.id == b.id) {
        let mut found = Vec::new();
        for config in readings {
            let before = model.problems.len();
            lower::lower(config, model);
            found.push((model.problems.split_off(before), template::Statements::of(&config.directives)));
        }
        model.problems.extend(agreed(&found, template::Statements::has));
    }
}

/// One configuration: an entry file with every include put in its place.
#[derive(Clone, Debug)]
pub struct Config {
    /// The path of the entry file, or of the folder for parts without an entry.
    pub id: TreePath,
    /// Which reading of its templates this is; `None` for the first and where there are none.
    pub variant: Option<Arc<str>>,
    /// The statements of the main context, includes expanded in place (the `include` itself is gone). For parts without an entry
    /// they stand inside a synthetic `http` block whose span is the first part's start.
    pub directives: Vec<Directive>,
    /// Something was not there or could not be read (a missing include, a file too large): names may be defined in it.
    pub complete: bool,
    /// Every file that these include is there and was read: what stands in a block is all that it has.
    pub whole: bool,
    /// Parts without a main file around them: what that file sets for all of `http` is not known.
    pub assumed: bool,
}
