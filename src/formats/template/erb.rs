//! ERB (`<% %>` around Ruby) and EPP (the same around Puppet, with braces for bodies).
//!
//! Sources: Ruby's `erb` library (`TrimScanner`: `-%>` takes the line end after it, `<%-` the blanks before it on its line, `<%%` is `<%`), Puppet's
//! language reference on EPP.

use super::expr::{Expr, negated, parse};
use super::scan::{MOST_DEFECTS, Scanned, ahead, unclosed};
use super::tree::{Defect, Kind, Tag};
use std::ops::Range;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Ruby.
    Erb,
    /// Puppet.
    Epp,
}

/// Reads the tags of `text`. Linear.
pub(super) fn scan(text: &str, dialect: Dialect) -> Scanned {
    let mut found = Scanned::default();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("<%")).map(|next| at + next) {
        if found.defects.len() >= MOST_DEFECTS {
            break;
        }
        let rest = ahead(text, open + 2);
        if rest.starts_with('%') {
            at = open + 3;
            continue;
        }
        let Some(close) = rest.find("%>").map(|end| open + 2 + end) else {
            found.defects.push(unclosed(text, open, "<%", "%>"));
            let end = super::scan::line_end(text, open);
            found.tags.push(Tag { range: open..end, kind: Kind::Nothing, trim_before: false, trim_after: false });
            at = end;
            continue;
        };
        let range = open..close + 2;
        let inner = text.get(open + 2..close).unwrap_or_default();
        if let Some(next) = inner.find("<%").filter(|next| inner.get(..*next).is_some_and(|before| before.contains('\n'))) {
            found.defects.push(unclosed(text, open, "<%", "%>"));
            let end = super::scan::line_end(text, open).min(open + 2 + next);
            found.tags.push(Tag { range: open..end, kind: Kind::Nothing, trim_before: false, trim_after: false });
            at = end;
            continue;
        }
        tag(inner, range.clone(), dialect, &mut found);
        at = range.end;
    }
    found
}

fn tag(inner: &str, range: Range<usize>, dialect: Dialect, found: &mut Scanned) {
    let trim_after = inner.ends_with('-');
    let body = inner.strip_suffix('-').unwrap_or(inner);
    if body.starts_with('#') || body.starts_with("-#") {
        found.tags.push(Tag { range, kind: Kind::Nothing, trim_before: false, trim_after });
        return;
    }
    if let Some(printed) = body.strip_prefix('=') {
        let printed = printed.trim();
        let first = printed.split_whitespace().next().unwrap_or_default();
        let alone = matches!(first, "if" | "unless" | "elsif" | "case" | "while") && !ends_with_end(printed);
        if dialect == Dialect::Erb && (alone || matches!(printed, "end" | "else")) {
            let message = format!("`<%= {first} … %>` prints; ERB decides with `<% {first} … %>`");
            found.defects.push(Defect::fatal(range.clone(), message, "write `<% … %>`; nothing is rendered until then"));
            statements(printed, &range, dialect, found, trim_after);
            return;
        }
        if let Some(name) = partial(printed) {
            let kind = Kind::Include { names: vec![name], optional: false, import: None };
            found.tags.push(Tag { range, kind, trim_before: false, trim_after });
            return;
        }
        let what = printed_value(printed);
        found.tags.push(Tag { range, kind: Kind::Print(what), trim_before: false, trim_after });
        return;
    }
    let body = body.strip_prefix('-').unwrap_or(body).trim();
    if dialect == Dialect::Epp && body.starts_with('|') {
        found.tags.push(Tag { range, kind: Kind::Nothing, trim_before: false, trim_after });
        return;
    }
    statements(body, &range, dialect, found, trim_after);
}

/// Returns the name of the template that `printed` puts here: Puppet's `scope.function_template(['module/x.erb'])` and `epp('module/x.epp')`, Chef's
/// `render 'x.erb'`.
fn partial(printed: &str) -> Option<String> {
    let calls = ["scope.function_template(", "scope.call_function('template',", "scope.function_epp(", "epp(", "render(", "render "];
    let rest = calls.iter().find_map(|call| printed.strip_prefix(call))?.trim_start().trim_start_matches(['[', ' ']);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = rest.get(1..)?.split_once(quote)?;
    (!name.contains("#{") && name.contains('.')).then(|| name.to_owned())
}

/// A value that is printed: `x.to_s` and `x.join(' ')` are as in Jinja.
fn printed_value(text: &str) -> Expr {
    match parse(text) {
        Expr::Opaque(words) => match words.strip_prefix("scope.lookupvar(").or_else(|| words.strip_prefix("scope[")) {
            Some(rest) => Expr::Name(rest.trim_matches(|c| matches!(c, '\'' | '"' | ')' | ']')).to_owned()),
            None => Expr::Opaque(words),
        },
        Expr::Filter(of, name, arguments) if arguments.is_empty() && matches!(name.as_str(), "to_s" | "strip" | "chomp") => *of,
        value => value,
    }
}

fn ends_with_end(code: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').rfind(|word| !word.is_empty()) == Some("end")
}

/// Adds what the statements of one tag do to the bodies around it. Bodies that begin and end inside the tag do nothing.
fn statements(code: &str, range: &Range<usize>, dialect: Dialect, found: &mut Scanned, trim_after: bool) {
    let mut kinds: Vec<Kind> = Vec::new();
    let lines: Vec<&str> = if dialect == Dialect::Erb { code.split(['\n', ';']).collect() } else { vec![code] };
    for line in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let more = match dialect {
            Dialect::Erb => ruby(line),
            Dialect::Epp => puppet(line),
        };
        for kind in more {
            let ends = matches!(kind, Kind::End(_));
            let inner = kinds.iter().rposition(|kind| kind.begins().is_some());
            match inner.filter(|_| ends) {
                // Begun in this tag: its statements decide nothing outside.
                Some(at) => kinds.truncate(at),
                None => kinds.push(kind),
            }
        }
    }
    if kinds.is_empty() {
        kinds.push(Kind::Nothing);
    }
    let last = kinds.len() - 1;
    for (at, kind) in kinds.into_iter().enumerate() {
        // One tag for each, the first with the text of the whole.
        let place = if at == 0 { range.clone() } else { range.end..range.end };
        found.tags.push(Tag { range: place, kind, trim_before: false, trim_after: trim_after && at == last });
    }
}

/// Returns what a line of Ruby does.
fn ruby(line: &str) -> Vec<Kind> {
    let (first, rest) = line.split_at(line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len()));
    let condition = |rest: &str| {
        let rest = rest.trim();
        parse(rest.strip_suffix(" then").unwrap_or(rest))
    };
    if ends_with_end(line) && matches!(first, "if" | "unless" | "case" | "begin" | "while" | "until" | "for") {
        return Vec::new();
    }
    match first {
        "if" => vec![Kind::If(condition(rest))],
        "unless" => vec![Kind::If(negated(condition(rest)))],
        "elsif" => vec![Kind::ElseIf(condition(rest))],
        "else" => vec![Kind::Else],
        "case" => vec![Kind::Case(condition(rest))],
        "when" => vec![Kind::When(values(rest.trim().strip_suffix(" then").unwrap_or(rest)))],
        "begin" => vec![Kind::Group("begin")],
        "def" => vec![Kind::Aside("def")],
        "while" | "until" => vec![Kind::For { names: Vec::new(), list: Expr::Opaque(line.to_owned()), when: None }],
        "for" => {
            let rest = rest.trim().strip_suffix(" do").unwrap_or(rest);
            let (names, list) = rest.split_once(" in ").unwrap_or(("", rest));
            vec![Kind::For { names: names.split(',').map(|name| name.trim().to_owned()).collect(), list: parse(list.trim()), when: None }]
        }
        "end" => vec![Kind::End(None)],
        _ if line == "}" => vec![Kind::End(None)],
        _ if begins_value(line) => assignment(line).into_iter().chain([Kind::Group("begin")]).collect(),
        _ => iteration(line).map_or_else(|| assignment(line), |kind| vec![kind]),
    }
}

/// Returns whether `line` gives a name the value of a body that begins here: `ports = if @tls`. It ends with an `end` of its own.
fn begins_value(line: &str) -> bool {
    let Some((_, value)) = line.split_once('=') else { return false };
    let first = value.split_whitespace().next().unwrap_or_default();
    matches!(first, "if" | "unless" | "case" | "begin" | "while" | "until") && !ends_with_end(line)
}

/// `list.each do |a, b|`, `list.each { |a|`.
fn iteration(line: &str) -> Option<Kind> {
    let (head, names) = match line.strip_suffix('|').and_then(|line| line.rsplit_once('|')) {
        Some((head, names)) => (head.trim_end(), names),
        None => (line, ""),
    };
    let call = head.strip_suffix('{').or_else(|| head.strip_suffix("do").filter(|call| call.ends_with([' ', ')'])))?.trim_end();
    let names = names.split(',').map(|name| name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).to_owned());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    // What is iterated stands before the last `.each…`; anything else is a list that is not known.
    let list = match call.rsplit_once('.') {
        Some((list, method)) if method.starts_with("each") => parse(list),
        _ => Expr::Opaque(call.to_owned()),
    };
    Some(Kind::For { names, list, when: None })
}

fn assignment(line: &str) -> Vec<Kind> {
    let Some((name, value)) = line.split_once('=') else { return Vec::new() };
    let name = name.trim();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '$'));
    if plain && !value.starts_with(['=', '~', '>']) { vec![Kind::Set(name.to_owned(), parse(value.trim()))] } else { Vec::new() }
}

/// Returns what a tag of Puppet does: bodies are in braces.
fn puppet(line: &str) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut rest = line;
    if let Some(after) = rest.strip_prefix('}') {
        rest = after.trim();
        if let Some(condition) = rest.strip_prefix("elsif").and_then(|rest| rest.strip_suffix('{')) {
            return vec![Kind::ElseIf(parse(condition.trim()))];
        }
        if rest.strip_prefix("else").is_some_and(|rest| rest.trim() == "{") {
            return vec![Kind::Else];
        }
        kinds.push(Kind::End(None));
    }
    if let Some(head) = rest.strip_suffix('{') {
        let head = head.trim();
        let (first, condition) = head.split_at(head.find(|c: char| !c.is_alphanumeric()).unwrap_or(head.len()));
        kinds.push(match first {
            "if" => Kind::If(parse(condition.trim())),
            "unless" => Kind::If(negated(parse(condition.trim()))),
            "case" => Kind::Case(parse(condition.trim())),
            _ => puppet_iteration(head),
        });
    } else if kinds.is_empty() {
        kinds = assignment(rest);
    }
    kinds
}

/// `$list.each |$a, $b|`; anything else in braces is one of the values of a `case`.
fn puppet_iteration(head: &str) -> Kind {
    let Some((call, names)) = head.strip_suffix('|').and_then(|head| head.rsplit_once('|')) else {
        return Kind::Group("body");
    };
    let names = names.split(',').filter_map(|name| name.split_whitespace().next_back()).map(str::to_owned).collect();
    let list = call.trim().rsplit_once('.').map_or_else(|| Expr::Opaque(call.to_owned()), |(list, _)| parse(list));
    Kind::For { names, list, when: None }
}

/// Returns the values of a `when`.
fn values(text: &str) -> Vec<Expr> {
    match parse(&format!("[{text}]")) {
        Expr::List(all) => all,
        other => vec![other],
    }
}
