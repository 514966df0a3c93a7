//! Expressions of Jinja, Ruby and Puppet, as far as conditions and simple values need them. What is not understood is one opaque word.

use std::fmt;

/// The deepest nesting of an expression that is read.
const MAX_DEPTH: u32 = 40;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true`, `false`.
    Bool(bool),
    /// `none`, `nil`.
    None,
    /// A variable.
    Name(String),
    /// `a.b`; also `a['b']`, which is the same.
    Field(Box<Expr>, String),
    /// `a[b]`.
    Index(Box<Expr>, Box<Expr>),
    /// `a | name(…)`, and `a.name(…)` where it takes the place of one.
    Filter(Box<Expr>, String, Vec<Expr>),
    /// `name(…)`.
    Call(String, Vec<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// Both.
    And(Box<Expr>, Box<Expr>),
    /// At least one.
    Or(Box<Expr>, Box<Expr>),
    /// Equal.
    Equal(Box<Expr>, Box<Expr>),
    /// The first is among the second.
    In(Box<Expr>, Box<Expr>),
    /// `a is name`.
    Is(Box<Expr>, String),
    /// `x if c else y`, `c ? x : y`.
    If {
        /// The condition.
        when: Box<Expr>,
        /// Its value where that holds.
        then: Box<Expr>,
        /// Its value where not.
        otherwise: Box<Expr>,
    },
    /// Another operation, by its sign.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// Not understood: its words.
    Opaque(String),
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, all: &[Self]| {
            for (at, one) in all.iter().enumerate() {
                write!(f, "{}{one}", if at > 0 { ", " } else { "" })?;
            }
            Ok(())
        };
        match self {
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::None => f.write_str("none"),
            Self::Name(name) | Self::Opaque(name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{of}.{name}"),
            Self::Index(of, at) => write!(f, "{of}[{at}]"),
            Self::Filter(of, name, arguments) if arguments.is_empty() => write!(f, "{of} | {name}"),
            Self::Filter(of, name, arguments) => {
                write!(f, "{of} | {name}(")?;
                list(f, arguments)?;
                f.write_str(")")
            }
            Self::Call(name, arguments) => {
                write!(f, "{name}(")?;
                list(f, arguments)?;
                f.write_str(")")
            }
            Self::List(all) => {
                f.write_str("[")?;
                list(f, all)?;
                f.write_str("]")
            }
            Self::Not(of) => write!(f, "not {of}"),
            Self::And(a, b) => write!(f, "({a} and {b})"),
            Self::Or(a, b) => write!(f, "({a} or {b})"),
            Self::Equal(a, b) => write!(f, "{a} == {b}"),
            Self::In(a, b) => write!(f, "{a} in {b}"),
            Self::Is(of, test) => write!(f, "{of} is {test}"),
            Self::If { when, then, otherwise } => write!(f, "({then} if {when} else {otherwise})"),
            Self::Binary(sign, a, b) => write!(f, "({a} {sign} {b})"),
        }
    }
}

/// Reads `text`. Never fails: what is not understood is [`Expr::Opaque`] as a whole.
pub(super) fn parse(text: &str) -> Expr {
    let tokens = tokens(text);
    let whole = || Expr::Opaque(text.split_whitespace().collect::<Vec<_>>().join(" "));
    let Some(tokens) = tokens else { return whole() };
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    let found = reader.ternary();
    match found {
        Some(found) if reader.at == tokens.len() => found,
        Some(_) | None => whole(),
    }
}

/// Returns whether `text` has a quote that is not closed.
pub(super) fn open_quote(text: &str) -> bool {
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    quote.is_some()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(i64),
    Sign(&'static str),
}

/// The signs, longer ones first.
const SIGNS: &[&str] = &[
    "===", "!==", "==", "!=", "=~", "!~", "<=", ">=", "&&", "||", "//", "**", "..", "<", ">", "!", "(", ")", "[", "]", "{", "}", ",", "|", "~", "+",
    "-", "*", "/", "%", ".", ":", "?", "&", "=",
];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            let (word, tail) = quoted(rest, first)?;
            found.push(Token::Text(word));
            rest = tail;
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, tail) = rest.split_at_checked(end)?;
            found.push(Token::Number(digits.parse().ok()?));
            rest = tail;
        } else if first.is_alphabetic() || matches!(first, '_' | '@' | '$') {
            let end = rest.char_indices().skip(1).find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '@'))).map_or(rest.len(), |(at, _)| at);
            let (mut word, mut tail) = rest.split_at_checked(end)?;
            // Ruby's `defined?` and `empty?`; Puppet's `$a::b`.
            while let Some(after) = tail.strip_prefix("::").filter(|_| word.starts_with(['$', '@']) || first.is_ascii_uppercase()) {
                let more = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
                (word, tail) = rest.split_at_checked(word.len() + 2 + more)?;
            }
            if tail.starts_with('?') && (word == "defined" || !tail.starts_with("? ")) {
                (word, tail) = rest.split_at_checked(word.len() + 1)?;
            }
            found.push(Token::Word(word.to_owned()));
            rest = tail;
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..)?;
        }
        rest = rest.trim_start();
    }
    Some(found)
}

fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => word.push(chars.next()?.1),
            c if c == quote => return Some((word, text.get(at + 1..)?)),
            c => word.push(c),
        }
    }
    None
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(have)) if *have == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(have)) if have == word);
        self.at += usize::from(found);
        found
    }

    fn any_word(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(word.clone())
    }

    fn ternary(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let first = self.or()?;
        let found = if self.word("if") {
            let when = self.or()?;
            let otherwise = if self.word("else") { self.ternary()? } else { Expr::Text(String::new()) };
            Expr::If { when: Box::new(when), then: Box::new(first), otherwise: Box::new(otherwise) }
        } else if self.sign("?") {
            let then = self.ternary()?;
            if !self.sign(":") {
                return None;
            }
            let otherwise = self.ternary()?;
            Expr::If { when: Box::new(first), then: Box::new(then), otherwise: Box::new(otherwise) }
        } else {
            first
        };
        self.depth -= 1;
        Some(found)
    }

    fn or(&mut self) -> Option<Expr> {
        let mut left = self.and()?;
        while self.word("or") || self.sign("||") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut left = self.not()?;
        while self.word("and") || self.sign("&&") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Expr> {
        if self.word("not") || self.sign("!") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return None;
            }
            let inner = self.not()?;
            self.depth -= 1;
            return Some(negated(inner));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Option<Expr> {
        let mut left = self.sum()?;
        loop {
            if self.sign("==") {
                left = equal(left, self.sum()?);
            } else if self.sign("!=") {
                left = negated(equal(left, self.sum()?));
            } else if self.word("in") {
                left = Expr::In(Box::new(left), Box::new(self.sum()?));
            } else if matches!(self.tokens.get(self.at..self.at + 2), Some([Token::Word(a), Token::Word(b)]) if a == "not" && b == "in") {
                self.at += 2;
                left = negated(Expr::In(Box::new(left), Box::new(self.sum()?)));
            } else if self.word("is") {
                let not = self.word("not");
                left = self.test(left)?;
                left = if not { negated(left) } else { left };
            } else if let Some(sign) = ["<=", ">=", "<", ">", "=~"].into_iter().find(|sign| self.sign(sign)) {
                left = Expr::Binary(sign, Box::new(left), Box::new(self.sum()?));
            } else if self.sign("!~") {
                left = negated(Expr::Binary("=~", Box::new(left), Box::new(self.sum()?)));
            } else {
                return Some(left);
            }
        }
    }

    /// `is name`, `is name(…)`, `is name argument`.
    fn test(&mut self, of: Expr) -> Option<Expr> {
        let name = self.any_word()?;
        Some(match name.as_str() {
            "undefined" => negated(Expr::Is(Box::new(of), "defined".to_owned())),
            "true" | "True" => of,
            "false" | "False" => negated(of),
            _ => {
                let mut words = name;
                if self.sign("(") {
                    let arguments = self.list(")")?;
                    words = Expr::Call(words, arguments).to_string();
                } else if matches!(self.tokens.get(self.at), Some(Token::Text(_) | Token::Number(_))) {
                    words = format!("{words} {}", self.atom()?);
                }
                Expr::Is(Box::new(of), words)
            }
        })
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        while let Some(sign) = ["+", "-", "~"].into_iter().find(|sign| self.sign(sign)) {
            left = Expr::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.filtered()?;
        while let Some(sign) = ["*", "//", "/", "%"].into_iter().find(|sign| self.sign(sign)) {
            left = Expr::Binary(sign, Box::new(left), Box::new(self.filtered()?));
        }
        Some(left)
    }

    fn filtered(&mut self) -> Option<Expr> {
        let mut of = self.postfix()?;
        while self.sign("|") {
            let mut name = self.any_word()?;
            while self.sign(".") {
                name = format!("{name}.{}", self.any_word()?);
            }
            let arguments = if self.sign("(") { self.list(")")? } else { Vec::new() };
            of = Expr::Filter(Box::new(of), name, arguments);
        }
        Some(of)
    }

    fn postfix(&mut self) -> Option<Expr> {
        let mut of = self.atom()?;
        loop {
            if self.sign(".") {
                let name = match self.tokens.get(self.at)? {
                    Token::Word(name) => name.clone(),
                    Token::Number(number) => number.to_string(),
                    Token::Text(_) | Token::Sign(_) => return None,
                };
                self.at += 1;
                of = if self.sign("(") { method(of, name, self.list(")")?) } else { Expr::Field(Box::new(of), name) };
            } else if self.sign("[") {
                let index = self.ternary()?;
                if !self.sign("]") {
                    return None;
                }
                of = match index {
                    Expr::Text(name) => Expr::Field(Box::new(of), name),
                    index => Expr::Index(Box::new(of), Box::new(index)),
                };
            } else if is_pillar_get(&of) && self.sign("(") {
                of = method(Expr::Name("pillar".to_owned()), "get".to_owned(), self.list(")")?);
            } else {
                return Some(of);
            }
        }
    }

    fn list(&mut self, end: &str) -> Option<Vec<Expr>> {
        let mut all = Vec::new();
        while !self.sign(end) {
            // A named argument is one by its place: the few filters that are read take them so.
            if matches!(self.tokens.get(self.at..self.at + 2), Some([Token::Word(_), Token::Sign("=")])) {
                self.at += 2;
            }
            all.push(self.ternary()?);
            if !self.sign(",") && !matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign == end) {
                return None;
            }
        }
        Some(all)
    }

    fn atom(&mut self) -> Option<Expr> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(match token {
            Token::Text(text) => Expr::Text(text.clone()),
            Token::Number(number) => Expr::Number(*number),
            Token::Word(word) => match word.as_str() {
                "true" | "True" => Expr::Bool(true),
                "false" | "False" => Expr::Bool(false),
                "none" | "None" | "nil" | "undef" => Expr::None,
                "defined?" => Expr::Is(Box::new(self.postfix()?), "defined".to_owned()),
                "and" | "or" | "not" | "in" | "is" | "if" | "else" => return None,
                _ if self.sign("(") => Expr::Call(word.clone(), self.list(")")?),
                _ => Expr::Name(word.clone()),
            },
            Token::Sign("(") => {
                let inner = self.ternary()?;
                self.sign(")").then_some(inner)?
            }
            Token::Sign("[") => Expr::List(self.list("]")?),
            Token::Sign("-") => match self.atom()? {
                Expr::Number(number) => Expr::Number(number.checked_neg()?),
                _ => return None,
            },
            Token::Sign(_) => return None,
        })
    }
}

/// Salt's `salt['pillar.get'](…)`.
fn is_pillar_get(of: &Expr) -> bool {
    matches!(of, Expr::Field(salt, name) if **salt == Expr::Name("salt".to_owned()) && name == "pillar.get")
}

/// A method that is a filter or a test under another name.
fn method(of: Expr, name: String, arguments: Vec<Expr>) -> Expr {
    match (name.as_str(), arguments.as_slice()) {
        ("get", [Expr::Text(key)]) => Expr::Field(Box::new(of), key.clone()),
        ("get", [Expr::Text(key), _]) => {
            let field = Expr::Field(Box::new(of), key.clone());
            Expr::Filter(Box::new(field), "default".to_owned(), arguments.into_iter().skip(1).collect())
        }
        // Puppet's functions in Ruby: `scope.call_function('lookup', ['a'])`, `scope.function_hiera(['a'])`.
        ("call_function", [Expr::Text(function), keys]) if matches!(function.as_str(), "lookup" | "hiera") => asked(keys.clone()),
        ("function_lookup" | "function_hiera", [keys]) => asked(keys.clone()),
        _ => Expr::Filter(Box::new(of), name, arguments),
    }
}

fn asked(keys: Expr) -> Expr {
    Expr::Call("lookup".to_owned(), if let Expr::List(all) = keys { all } else { vec![keys] })
}

/// Returns the opposite; a double negation cancels.
pub(super) fn negated(of: Expr) -> Expr {
    match of {
        Expr::Not(inner) => *inner,
        of => Expr::Not(Box::new(of)),
    }
}

/// Returns the comparison; with a boolean it is the other side or its opposite. The constant stands last.
pub(super) fn equal(a: Expr, b: Expr) -> Expr {
    let constant = |of: &Expr| matches!(of, Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::None);
    let (a, b) = if constant(&a) && !constant(&b) { (b, a) } else { (a, b) };
    match b {
        Expr::Bool(true) => a,
        Expr::Bool(false) => negated(a),
        b => Expr::Equal(Box::new(a), Box::new(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_has_one_form() {
        for (text, expected) in [
            ("x", "x"),
            ("not x", "not x"),
            ("!x", "not x"),
            ("not not x", "x"),
            ("x is not defined", "not x is defined"),
            ("x is undefined", "not x is defined"),
            ("x == true", "x"),
            ("a != 'b'", "not a == 'b'"),
            ("'b' != a", "not a == 'b'"),
            ("a['b'].c", "a.b.c"),
            ("a.get('b')", "a.b"),
            ("a and b or not c", "((a and b) or not c)"),
            ("a && !b", "(a and not b)"),
            ("@ssl", "@ssl"),
            ("defined? @x", "@x is defined"),
            ("x | default('a', true) | lower", "x | default('a', true) | lower"),
            ("'a' if b else 'c'", "('a' if b else 'c')"),
            ("b ? 'a' : 'c'", "('a' if b else 'c')"),
            ("a not in b", "not a in b"),
            ("$facts::os", "$facts::os"),
            ("what { is this", "what { is this"),
            ("hostvars[h].ansible_host", "hostvars[h].ansible_host"),
        ] {
            assert_eq!(parse(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_deep_expression_is_opaque() {
        let deep = format!("{}x{}", "(".repeat(5000), ")".repeat(5000));
        assert!(matches!(parse(&deep), Expr::Opaque(_)));
        let deep = format!("{}x", "not ".repeat(5000));
        assert!(matches!(parse(&deep), Expr::Opaque(_)));
    }

    #[test]
    fn an_open_quote_is_seen() {
        assert!(open_quote("x == 'a"));
        assert!(!open_quote("x == 'it\\'s'"));
        assert!(!open_quote("x == \"it's\""));
    }
}
