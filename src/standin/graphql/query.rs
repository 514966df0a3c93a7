//! The part of the GraphQL language that clients of GitHub use: operations, fields with aliases and arguments, variables, inline fragments.

use serde_json::{Map, Number, Value};

/// A field that is asked for, and what of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// What the answer calls it.
    pub(super) alias: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) fields: Vec<Self>,
    /// Only for objects of this type: the field stands in `... on Type`.
    pub(super) on: Option<String>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) mutation: bool,
    pub(super) fields: Vec<Field>,
}

/// Deeper than this no query of ours goes.
const MAX_DEPTH: usize = 30;

struct Parser<'a> {
    rest: &'a str,
    variables: &'a Map<String, Value>,
}

/// Parses the one operation of a document.
///
/// # Errors
/// In words, as GitHub's parser words it.
pub(super) fn parse(text: &str, variables: &Map<String, Value>) -> Result<Operation, String> {
    let mut parser = Parser { rest: text, variables };
    let word = if parser.peek() == Some('{') { "query" } else { parser.name()? };
    if word != "query" && word != "mutation" {
        return Err(format!("Parse error on {word:?}: expected an operation"));
    }
    let mutation = word == "mutation";
    if parser.peek().is_some_and(|next| next.is_ascii_alphabetic()) {
        parser.name()?;
    }
    if parser.take('(') {
        parser.definitions()?;
    }
    let fields = parser.selection(0, None)?;
    match parser.peek() {
        None => Ok(Operation { mutation, fields }),
        Some(next) => Err(format!("Parse error on {next:?}: one operation is enough")),
    }
}

impl<'a> Parser<'a> {
    fn skip(&mut self) {
        loop {
            let trimmed = self.rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
            let Some(comment) = trimmed.strip_prefix('#') else {
                self.rest = trimmed;
                return;
            };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest.chars().next()
    }

    fn take(&mut self, mark: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(format!("Parse error on {:?}: expected {mark:?}", self.rest.chars().take(12).collect::<String>())) }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        self.skip();
        let end = self.rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if name.is_empty() {
            return Err(format!("Parse error on {:?}: expected a name", self.rest.chars().take(12).collect::<String>()));
        }
        self.rest = rest;
        Ok(name)
    }

    /// Variables are declared with types; a required one must be there.
    fn definitions(&mut self) -> Result<(), String> {
        while !self.take(')') {
            self.expect('$')?;
            let name = self.name()?;
            self.expect(':')?;
            while self.take('[') {}
            let kind = self.name()?;
            let mut required = false;
            loop {
                if self.take('!') {
                    required = true;
                } else if self.take(']') {
                    required = false;
                } else {
                    break;
                }
            }
            let default = if self.take('=') { Some(self.value()?) } else { None };
            if required && default.is_none() && self.variables.get(name).is_none_or(Value::is_null) {
                return Err(format!("Variable ${name} of type {kind}! was provided invalid value"));
            }
        }
        Ok(())
    }

    fn selection(&mut self, depth: usize, on: Option<&str>) -> Result<Vec<Field>, String> {
        if depth > MAX_DEPTH {
            return Err("Query has depth beyond the maximum".to_owned());
        }
        self.expect('{')?;
        let mut fields = Vec::new();
        while !self.take('}') {
            if self.rest.starts_with("...") {
                self.rest = self.rest.strip_prefix("...").unwrap_or_default();
                if self.name()? != "on" {
                    return Err("Named fragments are not used here".to_owned());
                }
                let kind = self.name()?.to_owned();
                fields.extend(self.selection(depth + 1, Some(&kind))?);
                continue;
            }
            fields.push(self.field(depth, on)?);
        }
        Ok(fields)
    }

    fn field(&mut self, depth: usize, on: Option<&str>) -> Result<Field, String> {
        let first = self.name()?;
        let name = if self.take(':') { self.name()? } else { first };
        let arguments = if self.take('(') { self.arguments(')')? } else { Map::new() };
        let fields = if self.peek() == Some('{') { self.selection(depth + 1, None)? } else { Vec::new() };
        Ok(Field { alias: first.to_owned(), name: name.to_owned(), arguments, fields, on: on.map(str::to_owned) })
    }

    fn arguments(&mut self, end: char) -> Result<Map<String, Value>, String> {
        let mut out = Map::new();
        while !self.take(end) {
            let name = self.name()?.to_owned();
            self.expect(':')?;
            out.insert(name, self.value()?);
        }
        Ok(out)
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some('$') => {
                self.expect('$')?;
                let name = self.name()?;
                Ok(self.variables.get(name).cloned().unwrap_or_default())
            }
            Some('{') => {
                self.expect('{')?;
                self.arguments('}').map(Value::Object)
            }
            Some('[') => {
                self.expect('[')?;
                let mut items = Vec::new();
                while !self.take(']') {
                    items.push(self.value()?);
                }
                Ok(Value::Array(items))
            }
            Some('"') => self.string(),
            Some(letter) if letter == '-' || letter.is_ascii_digit() => self.number(),
            _ => Ok(match self.name()? {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                word => Value::String(word.to_owned()),
            }),
        }
    }

    /// A string is JSON's: the escapes are the same.
    fn string(&mut self) -> Result<Value, String> {
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let text = stream.next().and_then(Result::ok).ok_or_else(|| "Parse error: an unfinished string".to_owned())?;
        let used = stream.byte_offset();
        self.rest = self.rest.get(used..).unwrap_or_default();
        Ok(Value::String(text))
    }

    fn number(&mut self) -> Result<Value, String> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        digits.parse::<i64>().map(|number| Value::Number(Number::from(number))).map_err(|error| format!("Parse error on {digits:?}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_with_variables_aliases_and_fragments_is_read() {
        let variables = json!({"id": "PRRT_1", "n": 7});
        let text = "query T($id: ID!, $n: Int = 3) { # a comment\n node(id: $id) { ... on PullRequestReviewThread { id, resolved: isResolved } }\n r: repository(owner: \"a\\\"b\", list: [1, -2], in: {x: true}) { id } }";
        let operation = parse(text, variables.as_object().unwrap()).unwrap();
        assert!(!operation.mutation);
        assert_eq!(operation.fields[0].arguments, *json!({"id": "PRRT_1"}).as_object().unwrap());
        let inner = &operation.fields[0].fields;
        assert_eq!(
            (inner[1].alias.as_str(), inner[1].name.as_str(), inner[1].on.as_deref()),
            ("resolved", "isResolved", Some("PullRequestReviewThread"))
        );
        assert_eq!(operation.fields[1].arguments, *json!({"owner": "a\"b", "list": [1, -2], "in": {"x": true}}).as_object().unwrap());
    }

    #[test]
    fn what_is_no_query_is_said_to_be_none() {
        for bad in ["", "{", "query {", "query Q($id: ID!) { node(id: $id) { id } }", "{ a } { b }", "{ a(b: \"x) }", "subscription { a }"] {
            assert!(parse(bad, &Map::new()).is_err(), "{bad}");
        }
    }
}
