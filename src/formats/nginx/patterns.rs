//! Conditions of `if`, and regular expressions, as far as nginx refuses them when it reads the file.

use super::syntax::Directive;

/// Says what is wrong with the condition of `if`: a variable, a variable compared with one value, or a file test. Its parentheses are looked at elsewhere.
///
/// nginx: `ngx_http_rewrite_if_condition`.
pub(super) fn condition(directive: &Directive) -> Option<(String, &'static str)> {
    const OPERATORS: &[&str] = &["=", "!=", "~", "~*", "!~", "!~*"];
    const FORMS: &str = "write `$variable`, `$variable OPERATOR value`, or `-f`, `-d`, `-e` or `-x` with a path";
    let mut words: Vec<&str> = directive.args.iter().map(|word| &*word.text).collect();
    let first = words.first_mut()?;
    *first = first.strip_prefix('(')?;
    if first.is_empty() {
        words.remove(0);
    }
    let last = words.last_mut()?;
    *last = last.strip_suffix(')')?;
    if last.is_empty() {
        words.pop();
    }
    match words.as_slice() {
        [] => Some(("`if` has no condition".to_owned(), FORMS)),
        [name, rest @ ..] if name.len() > 1 && name.starts_with('$') => match rest {
            [] => None,
            [operator] if OPERATORS.contains(operator) => {
                Some((format!("`{operator}` has nothing behind it in this condition"), "write `\"\"` for the empty text"))
            }
            [operator, _] if OPERATORS.contains(operator) => None,
            [operator, _] => Some((format!("`if` knows no operator `{operator}`"), "it has `=`, `!=`, `~`, `~*`, `!~` and `!~*`")),
            [_] => Some((format!("`if` compares `{name}` with nothing"), FORMS)),
            [..] => Some(("this condition of `if` has too many words".to_owned(), "nginx has no `and` and no `or`; quote a value with blanks")),
        },
        ["-f" | "-d" | "-e" | "-x" | "!-f" | "!-d" | "!-e" | "!-x", _] => None,
        [first, ..] => Some((format!("a condition of `if` cannot begin with `{first}`"), FORMS)),
    }
}

/// Says what is not closed in the key of a `map`, where it is a regular expression.
pub(super) fn broken_key(key: &str) -> Option<(String, &'static str)> {
    let pattern = key.strip_prefix('~')?;
    broken(pattern.strip_prefix('*').unwrap_or(pattern))
}

/// Looks at the pattern behind one of `operators`.
pub(super) fn after(directive: &Directive, operators: &[&str]) -> Option<(String, &'static str)> {
    let at = directive.args.iter().position(|word| operators.contains(&&*word.text))?;
    let word = directive.args.get(at + 1)?;
    // The parenthesis of `if (…)` may stick to it.
    let is_last = directive.name() == "if" && at + 2 == directive.args.len() && !word.quoted;
    broken(if is_last { word.text.strip_suffix(')').unwrap_or(&word.text) } else { &word.text })
}

/// Says what is not closed in a regular expression; all else is left to PCRE.
pub(super) fn broken(pattern: &str) -> Option<(String, &'static str)> {
    let mut open = 0_u32;
    let mut letters = pattern.chars().peekable();
    let broken = |what: &str, help| Some((format!("the pattern `{pattern}` {what}"), help));
    // Quoted parts and comments have rules of their own.
    if pattern.contains("\\Q") || pattern.contains("(?#") || pattern.contains("(*") {
        return None;
    }
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '(' => open += 1,
            ')' => match open.checked_sub(1) {
                Some(less) => open = less,
                None => return broken("closes a `)` that nothing opens", "remove it, or write `\\)`"),
            },
            '[' => {
                letters.next_if_eq(&'^');
                letters.next_if_eq(&']');
                if !closes_class(&mut letters) {
                    return broken("has a `[` that is not closed", "close it with `]`, or write `\\[`");
                }
            }
            _ => {}
        }
    }
    if open > 0 { broken("has a `(` that is not closed", "close it with `)`, or write `\\(`") } else { None }
}

/// Goes behind the `]` of a class; `[:alpha:]` is part of it.
fn closes_class(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    while let Some(letter) = letters.next() {
        match letter {
            ']' => return true,
            '\\' => {
                letters.next();
            }
            '[' if letters.peek() == Some(&':') => {
                letters.by_ref().find(|letter| *letter == ']');
            }
            _ => {}
        }
    }
    false
}
