//! Files that are templates. They are recognised, so that their braces are not taken for mistakes, and not read.

use crate::model::Unknown;
use crate::span::{Span, TreePath};

/// What begins an expression of a template, with what ends it and the languages.
const MARKS: &[(&str, &str, &str)] =
    &[("{{", "}}", "Jinja or Go"), ("{% ", "%}", "Jinja"), ("{%-", "%}", "Jinja"), ("{#", "#}", "Jinja"), ("<%", "%>", "ERB")];

/// Returns what to say of `text`, if it is a template.
pub(super) fn find(path: &TreePath, text: &str) -> Option<Unknown> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let marked = MARKS.iter().find_map(|(open, close, language)| {
            let from = line.find(open)?;
            line.get(from..)?.contains(close).then_some((at + from, *language))
        });
        if let Some((from, language)) = marked {
            let end = at + line.trim_end().len();
            return Some(said(path, from..end.max(from), language));
        }
        at += line.len();
    }
    language_of_name(path).map(|language| said(path, 0..0, language))
}

fn said(path: &TreePath, range: std::ops::Range<usize>, language: &str) -> Unknown {
    Unknown { span: Span::new(path.clone(), range.start, range.end), reason: format!("this file is a template ({language}); it is not read yet") }
}

/// Returns whether the name says that the file is a template.
pub(super) fn language_of_name(path: &TreePath) -> Option<&'static str> {
    let (_, extension) = path.file_name().rsplit_once('.')?;
    match extension {
        "j2" | "jinja" | "jinja2" => Some("Jinja"),
        "erb" => Some("ERB"),
        "epp" => Some("EPP"),
        "tmpl" | "tpl" | "gotmpl" | "ctmpl" => Some("Go template"),
        "template" => Some("environment variables"),
        _ => None,
    }
}
