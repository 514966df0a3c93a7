//! Go's `text/template`, as Helm, consul-template, confd and docker-gen use it: `{{ }}`, `{{- -}}`.
//!
//! Source: the package documentation of `text/template`.

use super::expr::{Expr, equal, negated};
use super::scan::{Ending, MOST_DEFECTS, Scanned, ahead, ending, line_end, quote_in, unclosed};
use super::tree::{Defect, Kind, Tag};

/// Reads the tags of `text`. Linear, but for quotes that are not closed.
pub(super) fn scan(text: &str) -> Scanned {
    let mut found = Scanned::default();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|next| at + next) {
        if found.defects.len() >= MOST_DEFECTS {
            break;
        }
        let close = match comment_end(text, open).map_or_else(|| ending(text, open + 2, "}}"), Ending::At) {
            Ending::At(close) => close,
            Ending::InQuote(close) => {
                found.defects.push(quote_in(open..close + 2, text.get(open + 2..close).unwrap_or_default()));
                close
            }
            Ending::Never => {
                found.defects.push(unclosed(text, open, "{{", "}}"));
                at = line_end(text, open);
                found.tags.push(Tag { range: open..at, kind: Kind::Nothing, trim_before: false, trim_after: false });
                continue;
            }
        };
        let range = open..close + 2;
        let inner = text.get(open + 2..close).unwrap_or_default();
        if inner.find("{{").is_some_and(|next| inner.get(..next).is_some_and(|before| before.contains('\n'))) {
            found.defects.push(unclosed(text, open, "{{", "}}"));
            at = line_end(text, open);
            found.tags.push(Tag { range: open..at, kind: Kind::Nothing, trim_before: false, trim_after: false });
            continue;
        }
        let (trim_before, trim_after) = (inner.starts_with("- "), inner.ends_with(" -"));
        let code = inner.strip_prefix('-').unwrap_or(inner);
        let code = code.strip_suffix('-').unwrap_or(code).trim();
        if code.is_empty() {
            found.defects.push(Defect::fatal(
                range.clone(),
                "this tag is empty".to_owned(),
                "write what it should print; nothing is rendered until then",
            ));
        }
        at = range.end;
        found.tags.push(Tag { range, kind: classify(code), trim_before, trim_after });
    }
    found
}

/// Returns where the comment that opens at `open` ends.
fn comment_end(text: &str, open: usize) -> Option<usize> {
    let rest = ahead(text, open + 2);
    rest.strip_prefix("- ").unwrap_or(rest).starts_with("/*").then_some(())?;
    let end = rest.find("*/")?;
    rest.get(end..)?.find("}}").map(|close| open + 2 + end + close)
}

fn classify(code: &str) -> Kind {
    let (first, rest) = code.split_at(code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len()));
    let rest = rest.trim();
    match first {
        "" if code.starts_with("/*") => Kind::Nothing,
        "if" => Kind::If(condition(rest)),
        "with" => Kind::If(condition(assigned(rest).1)),
        "else" => match rest.strip_prefix("if").or_else(|| rest.strip_prefix("with")) {
            Some(rest) => Kind::ElseIf(condition(rest.trim())),
            None => Kind::Else,
        },
        "end" => Kind::End(None),
        "range" => {
            let (names, list) = assigned(rest);
            let mut names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
            names.push(".".to_owned());
            Kind::For { names, list: condition(list), when: None }
        }
        "define" => Kind::Define("define", rest.trim_matches('"').to_owned(), Vec::new()),
        "block" => Kind::Group("block"),
        "break" | "continue" => Kind::Nothing,
        _ if code.starts_with('$') && (code.contains(":=") || code.contains(" = ")) => {
            let (name, value) = code.split_once(":=").or_else(|| code.split_once('=')).unwrap_or((code, ""));
            Kind::Set(name.trim().to_owned(), condition(value.trim()))
        }
        _ => Kind::Print(condition(code)),
    }
}

/// Splits `$a, $b := list` into the names and the list.
fn assigned(text: &str) -> (&str, &str) {
    text.split_once(":=").map_or(("", text), |(names, list)| (names.trim(), list.trim()))
}

/// Reads a pipeline as far as `not`, `eq`, `ne`, `and`, `or` and brackets go; the rest is taken by its words.
fn condition(text: &str) -> Expr {
    let words = words(text);
    of_words(&words, 0).unwrap_or_else(|| Expr::Opaque(text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// A word or something in brackets.
#[derive(Clone, Debug)]
enum Word {
    One(String),
    Bracket(Vec<Word>),
}

fn words(text: &str) -> Vec<Word> {
    let mut levels: Vec<Vec<Word>> = vec![Vec::new()];
    let mut word = String::new();
    let mut quote = None;
    let flush = |word: &mut String, levels: &mut Vec<Vec<Word>>| {
        if !word.is_empty()
            && let Some(level) = levels.last_mut()
        {
            level.push(Word::One(std::mem::take(word)));
        }
    };
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) => {
                word.push(c);
                quote = Some(open).filter(|open| *open != c);
            }
            (None, '"' | '`') => {
                word.push(c);
                quote = Some(c);
            }
            (None, '(') if word.is_empty() => levels.push(Vec::new()),
            (None, ')') => {
                flush(&mut word, &mut levels);
                if levels.len() > 1 {
                    let inner = levels.pop().unwrap_or_default();
                    levels.last_mut().into_iter().for_each(|level| level.push(Word::Bracket(inner.clone())));
                }
            }
            (None, c) if c.is_whitespace() => flush(&mut word, &mut levels),
            (None, c) => word.push(c),
        }
    }
    flush(&mut word, &mut levels);
    levels.into_iter().next().unwrap_or_default()
}

fn of_words(words: &[Word], depth: u32) -> Option<Expr> {
    if depth > 20 {
        return None;
    }
    let one = |word: &Word| match word {
        Word::One(text) => Some(literal(text)),
        Word::Bracket(inner) => of_words(inner, depth + 1),
    };
    if let Some(at) = words.iter().rposition(|word| matches!(word, Word::One(sign) if sign == "|")) {
        return piped(of_words(words.get(..at)?, depth + 1)?, words.get(at + 1..)?);
    }
    let (first, rest) = words.split_first()?;
    let Word::One(name) = first else {
        return rest.is_empty().then(|| one(first)).flatten();
    };
    match (name.as_str(), rest) {
        ("not", [of]) => Some(negated(one(of)?)),
        ("eq", [a, b]) => Some(equal(one(a)?, one(b)?)),
        ("ne", [a, b]) => Some(negated(equal(one(a)?, one(b)?))),
        ("and", [a, more @ ..]) if !more.is_empty() => {
            more.iter().try_fold(one(a)?, |left, right| Some(Expr::And(Box::new(left), Box::new(one(right)?))))
        }
        ("or", [a, more @ ..]) if !more.is_empty() => {
            more.iter().try_fold(one(a)?, |left, right| Some(Expr::Or(Box::new(left), Box::new(one(right)?))))
        }
        (_, []) => Some(literal(name)),
        _ => None,
    }
}

/// `value | default 80`, and the functions of Helm's that have a filter of the same kind.
fn piped(of: Expr, function: &[Word]) -> Option<Expr> {
    let (name, arguments) = match function {
        [Word::One(name), Word::One(value)] if name == "default" => ("default", vec![literal(value), Expr::Bool(true)]),
        [Word::One(name)] => match name.as_str() {
            "quote" => ("quote", Vec::new()),
            "toString" => ("string", Vec::new()),
            "int" | "lower" | "upper" | "trim" => (name.as_str(), Vec::new()),
            _ => return None,
        },
        _ => return None,
    };
    Some(Expr::Filter(Box::new(of), name.to_owned(), arguments))
}

fn literal(text: &str) -> Expr {
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (quoted('"').or_else(|| quoted('`')), text) {
        (Some(inner), _) => Expr::Text(inner.to_owned()),
        (None, "true") => Expr::Bool(true),
        (None, "false") => Expr::Bool(false),
        (None, "nil") => Expr::None,
        (None, _) => text.parse().map_or_else(|_| Expr::Name(text.to_owned()), Expr::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_one_form() {
        for (text, expected) in [
            (".Values.ssl", ".Values.ssl"),
            ("not .Values.ssl", "not .Values.ssl"),
            ("eq .a \"b\"", ".a == 'b'"),
            ("ne .a \"b\"", "not .a == 'b'"),
            ("and .a (not .b)", "(.a and not .b)"),
            ("len .a | gt 3", "len .a | gt 3"),
        ] {
            assert_eq!(condition(text).to_string(), expected, "{text}");
        }
    }
}
