//! Files that are templates. They are recognised, so that their braces are not taken for mistakes, and not read.

use super::lexer::{Kind, Token};
use crate::model::Unknown;
use crate::span::{Span, TreePath};

/// Returns what to say of `text`, if it is a template.
pub(super) fn find(path: &TreePath, text: &str, tokens: &[Token]) -> Option<Unknown> {
    let marker = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Unclosed | Kind::Open))
        .find_map(|(at, token)| marker(text, token).or_else(|| double_brace(text, tokens, at)));
    let (language, at) = match (marker, language_of_name(path)) {
        (Some(found), _) => found,
        (None, Some(language)) => (language, 0),
        (None, None) => return None,
    };
    let end = text.get(at..).map_or(at, |rest| at + rest.find('\n').unwrap_or(rest.len()));
    let end = at + text.get(at..end).unwrap_or_default().trim_end().len();
    Some(Unknown { span: Span::new(path.clone(), at, end), reason: format!("this file is a template ({language}); it is not read yet") })
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

fn marker(text: &str, token: &Token) -> Option<(&'static str, usize)> {
    let written = text.get(token.range.clone())?;
    let languages = [("{{", "Jinja or Go"), ("{%", "Jinja"), ("<%", "ERB")];
    let found = languages.iter().find_map(|(marker, language)| Some((*language, token.range.start + written.find(marker)?)));
    found.or_else(|| Some(("environment variables", token.range.start + environment_variable(written)?)))
}

/// Returns where `${NAME}` stands in `word`: nginx's own variables are written in lower case.
fn environment_variable(word: &str) -> Option<usize> {
    word.match_indices("${").map(|(at, _)| at).find(|at| {
        let name = word.get(at + 2..).and_then(|rest| rest.split_once('}')).map_or("", |(name, _)| name);
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

/// `{{` and `{%` outside of words: in nginx no block begins with a brace or a `%`.
fn double_brace(text: &str, tokens: &[Token], at: usize) -> Option<(&'static str, usize)> {
    let (token, next) = (tokens.get(at)?, tokens.get(at + 1)?);
    if token.kind != Kind::Open {
        return None;
    }
    let percent = text.get(next.range.clone()).is_some_and(|written| written.starts_with('%'));
    match next.kind {
        Kind::Open => Some(("Jinja or Go", token.range.start)),
        Kind::Word if percent => Some(("Jinja", token.range.start)),
        _ => None,
    }
}
