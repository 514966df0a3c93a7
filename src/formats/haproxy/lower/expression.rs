//! Sample expressions taken apart: `hdr(host),lower,field(1,:)`.
//!
//! HAProxy: `sample_parse_expr` and `make_arg_list`: arguments are parted by commas; quotes and backslashes protect (`configuration.txt` 2.2).

/// A name with its arguments: a fetch or a converter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: Vec<String>,
}

impl Call {
    pub(super) fn arg(&self, at: usize) -> Option<&str> {
        self.args.get(at).map(String::as_str)
    }
}

/// A fetch with its converters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) fetch: Call,
    pub(super) converters: Vec<Call>,
}

/// Reads an expression that is the whole of `text`; `None` where a parenthesis or a quote stays open, or something follows.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let (expression, rest) = parse_start(text)?;
    rest.is_empty().then_some(expression)
}

/// Reads an expression at the start of `text`, and returns what follows it.
pub(super) fn parse_start(text: &str) -> Option<(Expression, &str)> {
    let (fetch, mut rest) = call(text)?;
    let mut converters = Vec::new();
    while let Some(after) = rest.strip_prefix(',') {
        let (converter, next) = call(after)?;
        rest = next;
        converters.push(converter);
    }
    Some((Expression { fetch, converters }, rest))
}

fn call(text: &str) -> Option<(Call, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    let (args, rest) = match rest.strip_prefix('(') {
        Some(inner) => arguments(inner)?,
        None => (Vec::new(), rest),
    };
    Some((Call { name: name.to_owned(), args }, rest.strip_prefix(' ').map_or(rest, str::trim_start)))
}

/// Reads arguments up to the closing parenthesis. Outside quotes blanks before an argument are skipped.
fn arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let mut args = Vec::new();
    let mut current = String::new();
    let mut quote = None;
    let mut bytes = text.char_indices();
    while let Some((at, c)) = bytes.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                let (_, next) = bytes.next()?;
                current.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            (',', None) => args.push(std::mem::take(&mut current)),
            (')', None) => {
                if !(args.is_empty() && current.is_empty()) {
                    args.push(current);
                }
                return Some((args, text.get(at + 1..)?));
            }
            (c, _) => current.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_a_fetch_with_converters() {
        let read = parse(r#"hdr(host),field(1,:),regsub('^(a|b),',"x)",g),lower"#).unwrap();
        assert_eq!(read.fetch, Call { name: "hdr".to_owned(), args: vec!["host".to_owned()] });
        let names: Vec<(&str, Vec<&str>)> =
            read.converters.iter().map(|call| (call.name.as_str(), call.args.iter().map(String::as_str).collect())).collect();
        assert_eq!(names, [("field", vec!["1", ":"]), ("regsub", vec!["^(a|b),", "x)", "g"]), ("lower", vec![])]);
        assert_eq!(parse("path").unwrap().converters, []);
        assert_eq!(parse("hdr(host"), None);
        assert_eq!(parse("path]"), None);
        assert_eq!(parse_start("path]x").unwrap().1, "]x");
        assert_eq!(parse(r"path,field(1,\,)").unwrap().converters[0].args, ["1", ","]);
    }
}
