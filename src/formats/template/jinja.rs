//! Jinja: `{{ }}`, `{% %}`, `{# #}`.
//!
//! Jinja2's own documentation of templates is the source of the tags; Ansible and Salt add filters and a few tags.

use super::expr::{Expr, negated, parse};
use super::scan::{Ending, MOST_DEFECTS, Scanned, ending, line_end, meant, quote_in, unclosed};
use super::tree::{Defect, Import, Kind, Tag};
use std::ops::Range;

/// The tags of Jinja2, its extensions and Salt.
const TAGS: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "endfilter",
    "block",
    "endblock",
    "with",
    "endwith",
    "raw",
    "endraw",
    "autoescape",
    "endautoescape",
    "include",
    "import",
    "from",
    "extends",
    "do",
    "break",
    "continue",
    "trans",
    "endtrans",
    "load_yaml",
    "load_json",
    "load_text",
    "endload",
    "import_yaml",
    "import_json",
    "import_text",
    "debug",
    "profile",
    "endprofile",
    "scope",
    "endscope",
    "verbatim",
    "endverbatim",
];

/// Reads the tags of `text`. Linear, but for quotes that are not closed.
pub(super) fn scan(text: &str) -> Scanned {
    let mut found = Scanned { unreadable: custom(text), ..Scanned::default() };
    if found.unreadable.is_some() {
        return found;
    }
    let mut at = 0;
    while let Some(open) = next_open(text, at).filter(|_| found.defects.len() < MOST_DEFECTS) {
        at = match text.as_bytes().get(open + 1) {
            Some(b'#') => comment(text, open, &mut found),
            Some(b'%') => statement(text, open, &mut found),
            _ => print(text, open, &mut found),
        };
    }
    found
}

/// Returns the next `{{`, `{%` or `{#` from `at` on.
fn next_open(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let found = rest.as_bytes().windows(2).position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"));
    found.map(|found| at + found)
}

/// A first line `#jinja2: variable_start_string:'[%'` changes what a tag is (Ansible's `template` module).
fn custom(text: &str) -> Option<String> {
    let header = text.lines().next()?.trim_start_matches('\u{feff}').strip_prefix("#jinja2:")?;
    let changes = ["variable_start_string", "variable_end_string", "block_start_string", "block_end_string", "line_statement_prefix"];
    let changed = changes.iter().find(|name| header.contains(**name))?;
    Some(format!("its first line gives Jinja other marks (`{changed}`)"))
}

fn trims(text: &str, range: &Range<usize>) -> (bool, bool) {
    let tag = text.get(range.clone()).unwrap_or_default().as_bytes();
    (tag.get(2) == Some(&b'-'), tag.len() > 4 && tag.get(tag.len().wrapping_sub(3)) == Some(&b'-'))
}

/// Returns the inside of a tag without the signs for blanks.
fn inside<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    let inner = text.get(range.start + 2..range.end.saturating_sub(2)).unwrap_or_default();
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    inner.strip_suffix(['-', '+']).unwrap_or(inner).trim()
}

fn add(text: &str, range: Range<usize>, kind: Kind, found: &mut Scanned) -> usize {
    let (trim_before, trim_after) = trims(text, &range);
    let end = range.end;
    found.tags.push(Tag { range, kind, trim_before, trim_after });
    end
}

fn comment(text: &str, open: usize, found: &mut Scanned) -> usize {
    let Some(end) = text.get(open + 2..).and_then(|rest| rest.find("#}")) else {
        // Shell and nginx write `{#` too: only a comment that is never closed is one that Jinja refuses.
        found.defects.push(unclosed(text, open, "{#", "#}"));
        return add(text, open..text.len(), Kind::Nothing, found);
    };
    add(text, open..open + 2 + end + 2, Kind::Nothing, found)
}

/// Returns the range of the tag that opens at `open`; notes what is wrong with its end.
fn range_of(text: &str, open: usize, marks: (&str, &str), found: &mut Scanned) -> Range<usize> {
    let close = marks.1;
    match ending(text, open + 2, close) {
        Ending::At(end) => {
            let inner = text.get(open + 2..end).unwrap_or_default();
            // `{{ a }` runs on into the next tag, on another line.
            let runs_on = inner.find("{{").or_else(|| inner.find("{%")).filter(|at| inner.get(..*at).is_some_and(|before| before.contains('\n')));
            if runs_on.is_some() {
                found.defects.push(unclosed(text, open, marks.0, close));
                return open..line_end(text, open);
            }
            open..end + 2
        }
        Ending::InQuote(end) => {
            let range = open..end + 2;
            found.defects.push(quote_in(range.clone(), text.get(open + 2..end).unwrap_or_default()));
            range
        }
        Ending::Never => {
            found.defects.push(unclosed(text, open, marks.0, close));
            open..line_end(text, open)
        }
    }
}

fn print(text: &str, open: usize, found: &mut Scanned) -> usize {
    let before = found.defects.len();
    let range = range_of(text, open, ("{{", "}}"), found);
    let broken = found.defects.len() > before;
    let inner = inside(text, &range);
    let first = inner.split_whitespace().next().unwrap_or_default();
    if !broken && matches!(first, "if" | "elif" | "else" | "endif" | "for" | "endfor" | "set") && is_statement(inner) {
        let message = format!("`{{{{ {first} … }}}}` prints; Jinja decides with `{{% {first} … %}}`");
        found.defects.push(Defect::fatal(range.clone(), message, "write `{% … %}`; nothing is rendered until then"));
        let kind = classify(inner, &range, found);
        return add(text, range, kind, found);
    }
    if !broken && inner.is_empty() {
        let message = "this tag is empty".to_owned();
        found.defects.push(Defect::fatal(range.clone(), message, "write what it should print; nothing is rendered until then"));
    }
    if text.get(..open).is_some_and(|before| before.ends_with('$')) && !first.starts_with('$') {
        let message = "a `$` stands before this tag and is printed with it".to_owned();
        let named = format!("${}", inner.trim());
        if inner.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.') {
            let help = "take the `$` out, if the value itself is meant";
            found.unknown.push((range.clone(), format!("`{named}`: {message}; {help}")));
        }
    }
    add(text, range, Kind::Print(parse(inner)), found)
}

/// Returns whether what stands in `{{ }}` can only be a statement: `if x`, `endif`; `if` alone might be a name.
fn is_statement(inner: &str) -> bool {
    let words: Vec<&str> = inner.split_whitespace().collect();
    matches!(words.as_slice(), ["endif" | "endfor" | "else"] | ["if" | "elif", _, ..] | ["for", _, "in", ..] | ["set", _, "=", ..])
}

fn statement(text: &str, open: usize, found: &mut Scanned) -> usize {
    let range = range_of(text, open, ("{%", "%}"), found);
    let inner = inside(text, &range);
    let name = inner.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    if matches!(name, "raw" | "verbatim") {
        return raw(text, range, name, found);
    }
    let kind = classify(inner, &range, found);
    add(text, range, kind, found)
}

/// What stands between `raw` and `endraw` is printed as it stands.
fn raw(text: &str, range: Range<usize>, name: &str, found: &mut Scanned) -> usize {
    let start = range.end;
    let mut at = start;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find("{%")).map(|next| at + next) {
        let end = text.get(next..).and_then(|rest| rest.find("%}")).map_or(text.len(), |end| next + end + 2);
        if inside(text, &(next..end)).strip_prefix("end") == Some(name) {
            add(text, range, Kind::Nothing, found);
            return add(text, next..end, Kind::Nothing, found);
        }
        at = next + 2;
    }
    let message = format!("`{{% {name} %}}` is never ended");
    found.defects.push(Defect::fatal(range.clone(), message, &format!("end it with `{{% end{name} %}}`; nothing is rendered until then")));
    add(text, range, Kind::Nothing, found)
}

/// Returns what the tag with the words `inner` does.
fn classify(inner: &str, range: &Range<usize>, found: &mut Scanned) -> Kind {
    let (name, rest) = inner.split_at(inner.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inner.len()));
    let rest = rest.trim();
    match name {
        "if" | "elif" if rest.is_empty() => {
            let message = format!("`{name}` has no condition");
            found.defects.push(Defect::fatal(range.clone(), message, "write the condition; nothing is rendered until then"));
            Kind::If(Expr::Opaque(String::new()))
        }
        "if" => Kind::If(parse(rest)),
        "elif" => Kind::ElseIf(parse(rest)),
        "else" if rest.is_empty() => Kind::Else,
        "else" | "elseif" | "elsif" | "elseelif" => wrong_else(name, rest, range, found),
        "for" => for_tag(rest, range, found),
        "set" => match rest.split_once('=') {
            Some((target, value)) if !target.contains('|') => Kind::Set(target.trim().to_owned(), parse(value.trim())),
            _ => Kind::Define("set", rest.split('|').next().unwrap_or_default().trim().to_owned(), Vec::new()),
        },
        "macro" => macro_tag(rest),
        "load_yaml" | "load_json" | "load_text" => Kind::Aside("load"),
        "call" => Kind::Changed("call", Expr::Opaque(inner.to_owned())),
        "filter" => Kind::Changed("filter", Expr::Opaque(inner.to_owned())),
        "block" => Kind::Group("block"),
        "with" => Kind::Group("with"),
        "autoescape" => Kind::Group("autoescape"),
        "trans" => Kind::Group("trans"),
        "scope" => Kind::Group("scope"),
        "include" => include_tag(inner, rest),
        "import" | "from" => import_tag(rest).unwrap_or(Kind::Nothing),
        "extends" => {
            found.unreadable = Some(format!("it fills in a layout that is elsewhere (`{inner}`)"));
            Kind::Nothing
        }
        "endif" => Kind::End(Some("if")),
        "endfor" => Kind::End(Some("for")),
        _ => other(name, range, found),
    }
}

/// `macro name(a, b='c')`.
fn macro_tag(rest: &str) -> Kind {
    let (name, inside) = rest.split_once('(').unwrap_or((rest, ""));
    let parameters = split_outside(inside.trim_end().strip_suffix(')').unwrap_or(inside)).into_iter().filter(|one| !one.trim().is_empty());
    let parameter = |one: &str| match one.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), Some(parse(value.trim()))),
        None => (one.trim().to_owned(), None),
    };
    Kind::Define("macro", name.trim().to_owned(), parameters.map(parameter).collect())
}

/// Returns the parts of `text` between commas that stand in no bracket and no quote.
pub(super) fn split_outside(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.extend(text.get(from..at));
                from = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.extend(text.get(from..));
    parts
}

/// `include 'x'`, `include ['x', 'y'] ignore missing with context`. A name that is an expression is a hole.
fn include_tag(inner: &str, rest: &str) -> Kind {
    let mut name = rest;
    for ending in ["without context", "with context"] {
        name = name.strip_suffix(ending).unwrap_or(name).trim_end();
    }
    let optional = name.ends_with("ignore missing");
    name = name.strip_suffix("ignore missing").unwrap_or(name).trim_end();
    let text = |expr: Expr| match expr {
        Expr::Text(name) => Some(name),
        _ => None,
    };
    let names = match parse(name) {
        Expr::Text(name) => Some(vec![name]),
        Expr::List(all) => all.into_iter().map(text).collect(),
        _ => None,
    };
    match names {
        Some(names) => Kind::Include { names, optional, import: None },
        None => Kind::Print(Expr::Opaque(inner.split_whitespace().collect::<Vec<_>>().join(" "))),
    }
}

/// `import 'x' as y`, `from 'x' import a, b as c`.
fn import_tag(rest: &str) -> Option<Kind> {
    let rest = rest.strip_suffix("with context").or_else(|| rest.strip_suffix("without context")).unwrap_or(rest).trim();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, rest) = rest.get(1..)?.split_once(quote)?;
    let rest = rest.trim();
    let import = match (rest.strip_prefix("as "), rest.strip_prefix("import ")) {
        (Some(alias), _) => Import::All(alias.trim().to_owned()),
        (None, Some(all)) => Import::Some(
            all.split(',')
                .map(|one| match one.split_once(" as ") {
                    Some((name, alias)) => (name.trim().to_owned(), alias.trim().to_owned()),
                    None => (one.trim().to_owned(), one.trim().to_owned()),
                })
                .collect(),
        ),
        (None, None) => return None,
    };
    Some(Kind::Include { names: vec![name.to_owned()], optional: true, import: Some(import) })
}

fn other(name: &str, range: &Range<usize>, found: &mut Scanned) -> Kind {
    let ends = ["set", "macro", "load", "call", "filter", "block", "with", "autoescape", "trans", "scope"];
    if let Some(end) = name.strip_prefix("end").and_then(|end| ends.into_iter().find(|known| *known == end)) {
        return Kind::End(Some(end));
    }
    if TAGS.contains(&name) {
        return Kind::Nothing;
    }
    let Some(meant) = meant(name, TAGS) else {
        found.unknown.push((range.clone(), format!("the tag `{name}` is not one of Jinja's own")));
        return Kind::Nothing;
    };
    let message = format!("there is no tag `{name}`");
    let help = format!("did you mean `{meant}`? nothing is rendered with a tag that Jinja does not know");
    found.defects.push(Defect::fatal(range.clone(), message, &help));
    match meant {
        "endif" => Kind::End(Some("if")),
        "endfor" => Kind::End(Some("for")),
        "else" => Kind::Else,
        _ => Kind::Nothing,
    }
}

fn wrong_else(name: &str, rest: &str, range: &Range<usize>, found: &mut Scanned) -> Kind {
    let condition = rest.strip_prefix("if").filter(|_| name == "else").unwrap_or(rest).trim();
    let message = format!("there is no tag `{name}{}`", if name == "else" { format!(" {rest}") } else { String::new() });
    found.defects.push(Defect::fatal(range.clone(), message, "did you mean `elif`? nothing is rendered with a tag that Jinja does not know"));
    Kind::ElseIf(parse(condition))
}

/// `for name in list`, `for key, value in dict.items()`, `for x in list if condition`, `… recursive`.
fn for_tag(rest: &str, range: &Range<usize>, found: &mut Scanned) -> Kind {
    let Some((names, list)) = rest.split_once(" in ") else {
        let message = "this `for` has no `in`".to_owned();
        found.defects.push(Defect::fatal(range.clone(), message, "write `for NAME in LIST`; nothing is rendered until then"));
        return Kind::For { names: Vec::new(), list: Expr::Opaque(rest.to_owned()), when: None };
    };
    let names = names.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).split(',').map(|name| name.trim().to_owned()).collect();
    let list = list.trim().strip_suffix(" recursive").unwrap_or(list).trim();
    // `x for x in list if c else d` is a value; only what has no `else` is a condition.
    let (list, when) = match list.rsplit_once(" if ") {
        Some((list, when)) if !when.contains(" else ") => (list, Some(parse(when.trim()))),
        _ => (list, None),
    };
    let when = match when {
        Some(Expr::Opaque(words)) if words.is_empty() => Some(negated(Expr::Bool(false))),
        when => when,
    };
    Kind::For { names, list: parse(list.trim()), when }
}
