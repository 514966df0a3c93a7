//! Review -> text, markdown, JSON, annotations. Pure.

#![forbid(unsafe_code)]

pub mod answers;
mod budget;
mod check;
mod clip;
mod comment;
mod escape;
mod excerpt;
mod explain;
#[cfg(test)]
mod fixture;
mod hunks;
mod json;
mod lines;
mod markdown;
pub(crate) mod put;
pub mod replies;
mod text;
pub mod together;
mod trace;
mod words;

pub use check::check_output;
pub use clip::clipped;
pub use comment::{PastRun, comment, with_history};
pub use explain::{rule_list, rule_page};
pub use json::{BatchError, batch_error_json, json, trace_json};
pub use lines::{LineComment, Spot, gone, line_comments, review_words};
pub use markdown::percent_encoded;
pub use text::text;
pub use trace::{trace_comment, trace_text};

/// What GitHub's check run shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutput {
    /// One line.
    pub title: String,
    /// Markdown, at most 60,000 bytes.
    pub summary: String,
    /// Markdown, at most 60,000 bytes.
    pub text: Option<String>,
    /// The worst first; the publisher sends them in batches of 50.
    pub annotations: Vec<Annotation>,
    /// At most three.
    pub buttons: Vec<Button>,
}

/// A button of a concluded check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Button {
    /// At most 20 characters.
    pub label: &'static str,
    /// At most 40 characters.
    pub description: &'static str,
    /// What the click is known by; at most 20 characters.
    pub identifier: &'static str,
}

/// A note on lines of a file of the head tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// From 1.
    pub start_line: usize,
    /// From 1.
    pub end_line: usize,
    /// Only where both lines are the same.
    pub columns: Option<(usize, usize)>,
    /// `failure`, `warning` or `notice`.
    pub level: &'static str,
    /// At most 255 characters.
    pub title: String,
    /// At most 64 KB.
    pub message: String,
}

/// Where a comment stands, for its links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommentContext {
    /// `https://github.com/acme/edge`: to link lines; `None` links nothing.
    pub repository_url: Option<String>,
    /// The commit reviewed.
    pub head_sha: String,
    /// The commit compared with.
    pub base_sha: String,
    /// Markdown that comes before everything else.
    pub lead: Option<String>,
}
