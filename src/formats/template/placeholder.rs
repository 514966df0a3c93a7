//! Names that a script or `envsubst` replaces: `${NAME}`, `$NAME`, `%%NAME%%`, `@NAME@`, `__NAME__` is left alone.
//!
//! Only names in upper case: nginx's own variables, HAProxy's fetches and Lua are written in lower case.

use super::expr::Expr;
use super::scan::Scanned;
use super::tree::{Kind, Tag};
use std::ops::Range;

/// The pairs of marks.
const MARKS: &[(&str, &str)] = &[("${", "}"), ("%%", "%%"), ("@", "@")];

/// Reads the placeholders of `text`; with `bare` also `$NAME`. Linear.
pub(super) fn scan(text: &str, bare: bool) -> Scanned {
    let mut found = Scanned::default();
    let mut at = 0;
    while let Some(tag) = next(text, at, bare) {
        let name = text.get(tag.clone()).unwrap_or_default();
        at = tag.end;
        let default = name.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).and_then(|rest| rest.split_once(":-"));
        let what = match default {
            Some((name, default)) if !default.is_empty() => {
                found.unknown.push((tag.clone(), format!("the environment may set `{name}`; it is taken to be `{default}`")));
                Expr::Text(default.to_owned())
            }
            _ => Expr::Opaque(name.to_owned()),
        };
        found.tags.push(Tag { range: tag, kind: Kind::Print(what), trim_before: false, trim_after: false });
    }
    found
}

/// Returns the next placeholder from `at` on.
fn next(text: &str, at: usize, bare: bool) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    memchr::memchr3_iter(b'$', b'%', b'@', rest.as_bytes())
        .find_map(|found| placeholder(rest.get(found..)?, bare).map(|length| at + found..at + found + length))
}

/// Returns the length of the placeholder that `text` begins with.
fn placeholder(text: &str, bare: bool) -> Option<usize> {
    for (open, close) in MARKS {
        let Some(inner) = text.strip_prefix(open) else { continue };
        let name = name_length(inner);
        // `${NAME:-default}` is a shell's.
        let tail = inner.get(name..)?;
        let default = if *open == "${" && tail.starts_with(":-") { tail.find('}').unwrap_or(0) } else { 0 };
        if name > 0 && inner.get(name + default..)?.starts_with(close) {
            return Some(open.len() + name + default + close.len());
        }
    }
    let name = name_length(text.strip_prefix('$')?);
    (bare && name > 1).then_some(1 + name)
}

/// Returns the length of the name in upper case that `text` begins with; 0 where it goes on in lower case.
fn name_length(text: &str) -> usize {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    let upper = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if upper && name.bytes().any(|byte| byte.is_ascii_uppercase()) { end } else { 0 }
}

/// Returns whether `text` has a placeholder in braces or between two marks.
pub(super) fn any(text: &str) -> bool {
    next(text, 0, false).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_names_are_placeholders() {
        let found =
            |text: &str, bare| scan(text, bare).tags.iter().map(|tag| text.get(tag.range.clone()).unwrap().to_owned()).collect::<Vec<_>>().join(" ");
        assert_eq!(found("listen ${PORT}; server_name $host ${host} $HOST;", false), "${PORT}");
        assert_eq!(found("listen $PORT; server_name $host;", true), "$PORT");
        assert_eq!(found("a %%NAME%% @HOST@ ${A:-80} @named %[src] %{+Q}o", true), "%%NAME%% @HOST@ ${A:-80}");
    }
}
