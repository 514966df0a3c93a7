//! What an expression comes to where the repository says so.

use super::expr::{Expr, parse};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// How many values may be made of each other.
const MAX_DEPTH: u32 = 12;

/// The most elements of a list that is made.
const MAX_ELEMENTS: usize = 20_000;

/// A value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::formats) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// Nothing.
    None,
    /// A list.
    List(Vec<Value>),
    /// Names and values, in file order.
    Map(Vec<(String, Value)>),
    /// Not to be known: encrypted, or different in two places.
    Unknown,
    /// Not known, and said in these words where it comes from: what a macro was called with, an element of a list.
    Expression(String),
}

/// The values a template can use, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::formats) struct Values {
    names: BTreeMap<String, Value>,
    /// They are defaults that others may replace: they answer no condition.
    defaults: bool,
}

impl Values {
    /// Returns the values of `names`.
    pub(in crate::formats) fn new(names: BTreeMap<String, Value>) -> Self {
        Self { names, defaults: false }
    }

    /// Returns these as defaults.
    pub(super) fn of_defaults(self) -> Self {
        Self { defaults: true, ..self }
    }

    /// Returns whether conditions are answered by them.
    pub(super) fn decide(&self) -> bool {
        !self.defaults
    }

    /// Returns whether the repository says anything of `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }
}

impl Value {
    /// Returns how it is printed; `None` for what is not printed in one word.
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(true) => Some("True".to_owned()),
            Self::Bool(false) => Some("False".to_owned()),
            Self::None | Self::List(_) | Self::Map(_) | Self::Unknown | Self::Expression(_) => None,
        }
    }

    /// Returns whether it counts as true.
    pub(super) fn holds(&self) -> Option<bool> {
        Some(match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0,
            Self::Bool(value) => *value,
            Self::None => false,
            Self::List(all) => !all.is_empty(),
            Self::Map(all) => !all.is_empty(),
            Self::Unknown | Self::Expression(_) => return None,
        })
    }

    /// Adds the texts in which other names are used to `texts`.
    pub(super) fn templates(&self, texts: &mut Vec<String>) {
        match self {
            Self::Text(text) if text.contains("{{") => texts.push(text.clone()),
            Self::List(all) => all.iter().for_each(|one| one.templates(texts)),
            Self::Map(all) => all.iter().for_each(|(_, one)| one.templates(texts)),
            Self::Text(_) | Self::Number(_) | Self::Bool(_) | Self::None | Self::Unknown | Self::Expression(_) => {}
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(all) => match all.iter().find(|(key, _)| key == name) {
                Some((_, value)) => Some(value),
                // Salt's `pillar.get('nginx:port')`.
                None => name.split_once(':').and_then(|(first, rest)| self.field(first)?.field(rest)),
            },
            Self::List(all) => all.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

/// Where names are looked up: the nearest first.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) values: &'a Values,
    /// Names of loops and of `set`, the last first; `None` is one whose value is not known.
    pub(super) locals: Vec<(String, Option<Value>)>,
}

impl Scope<'_> {
    fn name(&self, name: &str, depth: u32) -> Option<Value> {
        match self.locals.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => value.clone(),
            None => self.resolved(self.values.names.get(name)?, depth),
        }
    }

    fn imported(&self, from: &Expr, name: &str) -> Option<&Option<Value>> {
        let Expr::Name(from) = from else { return None };
        let known = |local: &&(String, Option<Value>)| local.0.strip_prefix(from.as_str()).and_then(|rest| rest.strip_prefix('.')) == Some(name);
        self.locals.iter().rev().find(known).map(|(_, value)| value)
    }

    /// Returns whether nobody in the repository says what `name` is.
    fn is_nowhere(&self, name: &str) -> bool {
        !self.locals.iter().any(|(known, _)| known == name) && !self.values.names.contains_key(name)
    }

    /// Returns `value` with the expressions in its texts put in; `None` where one is not known.
    fn resolved(&self, value: &Value, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match value {
            Value::Text(text) if text.contains("{%") => return None,
            Value::Text(text) if text.contains("{{") => self.template(text, depth)?,
            Value::Unknown => return None,
            // What is not known of an element hides that element only.
            Value::List(all) => Value::List(all.iter().map(|one| self.resolved(one, depth + 1).unwrap_or(Value::Unknown)).collect()),
            Value::Map(all) => {
                Value::Map(all.iter().map(|(name, one)| (name.clone(), self.resolved(one, depth + 1).unwrap_or(Value::Unknown))).collect())
            }
            other => other.clone(),
        })
    }

    fn template(&self, text: &str, depth: u32) -> Option<Value> {
        let whole = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).filter(|inner| !inner.contains("{{"));
        if let Some(inner) = whole {
            return self.value_at(&parse(inner.trim()), depth + 1);
        }
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inner, tail) = after.split_once("}}")?;
            made.push_str(before);
            made.push_str(&self.value_at(&parse(inner.trim()), depth + 1)?.printed()?);
            rest = tail;
        }
        made.push_str(rest);
        Some(Value::Text(made))
    }

    /// Returns what `expr` comes to; `None` where that is not known.
    pub(super) fn value(&self, expr: &Expr) -> Option<Value> {
        self.value_at(expr, 0).filter(|value| *value != Value::Unknown)
    }

    fn value_at(&self, expr: &Expr, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH * 4 {
            return None;
        }
        let of = |expr: &Expr| self.value_at(expr, depth + 1).filter(|value| !matches!(value, Value::Unknown | Value::Expression(_)));
        Some(match expr {
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Bool(value) => Value::Bool(*value),
            Expr::None => Value::None,
            Expr::Name(name) => self.name(name, depth)?,
            // What another template sets, imported under a name.
            Expr::Field(from, name) if self.imported(from, name).is_some() => self.imported(from, name)?.clone()?,
            Expr::Field(from, name) => match self.value_at(from, depth + 1)? {
                Value::Expression(words) => Value::Expression(format!("{words}.{name}")),
                value => value.field(name)?.clone(),
            },
            Expr::Index(from, at) => of(from)?.field(&of(at)?.printed()?)?.clone(),
            Expr::List(all) => Value::List(all.iter().map(of).collect::<Option<_>>()?),
            Expr::Not(inner) => Value::Bool(!of(inner)?.holds()?),
            Expr::And(a, b) => match (of(a).and_then(|a| a.holds()), of(b).and_then(|b| b.holds())) {
                (Some(false), _) | (_, Some(false)) => Value::Bool(false),
                (Some(true), Some(true)) => Value::Bool(true),
                _ => return None,
            },
            Expr::Or(a, b) => match (of(a), of(b)) {
                (Some(a), _) if a.holds() == Some(true) => a,
                (Some(_), b) => b?,
                (None, Some(b)) if b.holds() == Some(true) => Value::Bool(true),
                (None, _) => return None,
            },
            Expr::Equal(a, b) => Value::Bool(of(a)? == of(b)?),
            Expr::In(a, b) => match (of(a)?, of(b)?) {
                (one, Value::List(all)) if !all.contains(&Value::Unknown) => Value::Bool(all.contains(&one)),
                (Value::Text(one), Value::Text(all)) => Value::Bool(all.contains(&one)),
                (Value::Text(one), Value::Map(all)) => Value::Bool(all.iter().any(|(key, _)| *key == one)),
                _ => return None,
            },
            Expr::Is(what, test) => self.is(what, test, depth)?,
            Expr::If { when, then, otherwise } => {
                if of(when)?.holds()? {
                    of(then)?
                } else {
                    of(otherwise)?
                }
            }
            Expr::Binary(sign, a, b) => binary(sign, &of(a)?, &of(b)?)?,
            Expr::Filter(what, name, arguments) if matches!(name.as_str(), "default" | "d") => self.default(what, arguments, depth)?,
            Expr::Filter(what, name, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(of).collect::<Option<_>>()?;
                filter(of(what)?, name, &arguments)?
            }
            Expr::Call(name, arguments) if name == "lookup" => match arguments.as_slice() {
                [Expr::Text(key)] => self.name(key, depth)?,
                _ => return None,
            },
            Expr::Opaque(words) => self.values.names.get(words)?.clone(),
            Expr::Call(..) => return None,
        })
    }

    /// `default`: what stands there, where the repository has no value. With a second `true` also for an empty one.
    fn default(&self, what: &Expr, arguments: &[Expr], depth: u32) -> Option<Value> {
        let instead = || arguments.first().map_or(Some(Value::Text(String::new())), |expr| self.value_at(expr, depth + 1));
        let empty_too = matches!(arguments.get(1), Some(Expr::Bool(true)));
        match self.value_at(what, depth + 1) {
            Some(Value::Unknown | Value::Expression(_)) => None,
            Some(value) if empty_too && value.holds() == Some(false) => instead(),
            Some(value) => Some(value),
            None => match what {
                Expr::Name(name) if self.is_nowhere(name) => instead(),
                // A field that a known map does not have.
                Expr::Field(from, name) => match self.value_at(from, depth + 1) {
                    Some(Value::Map(all)) if !all.iter().any(|(key, _)| key == name) => instead(),
                    _ => None,
                },
                _ => None,
            },
        }
    }

    fn is(&self, what: &Expr, test: &str, depth: u32) -> Option<Value> {
        let value = self.value_at(what, depth + 1).filter(|value| !matches!(value, Value::Expression(_)));
        match test {
            "defined" => match (&value, what) {
                (Some(_), _) => Some(Value::Bool(true)),
                (None, Expr::Field(from, name)) => match self.value_at(from, depth + 1) {
                    Some(Value::Map(all)) if !all.iter().any(|(key, _)| key == name) => Some(Value::Bool(false)),
                    _ => None,
                },
                _ => None,
            },
            "none" => Some(Value::Bool(value? == Value::None)),
            "string" => Some(Value::Bool(matches!(value?, Value::Text(_)))),
            "mapping" => Some(Value::Bool(matches!(value?, Value::Map(_)))),
            "number" => Some(Value::Bool(matches!(value?, Value::Number(_)))),
            _ => None,
        }
    }
}

fn binary(sign: &str, a: &Value, b: &Value) -> Option<Value> {
    let compared = || match (a, b) {
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => None,
    };
    Some(match (sign, a, b) {
        ("~", a, b) => Value::Text(format!("{}{}", a.printed()?, b.printed()?)),
        ("+", Value::Text(a), Value::Text(b)) => Value::Text(format!("{a}{b}")),
        ("+", Value::List(a), Value::List(b)) if a.len() + b.len() <= MAX_ELEMENTS => Value::List(a.iter().chain(b).cloned().collect()),
        ("+", Value::Number(a), Value::Number(b)) => Value::Number(a.checked_add(*b)?),
        ("-", Value::Number(a), Value::Number(b)) => Value::Number(a.checked_sub(*b)?),
        ("*", Value::Number(a), Value::Number(b)) => Value::Number(a.checked_mul(*b)?),
        ("//", Value::Number(a), Value::Number(b)) => Value::Number(a.checked_div_euclid(*b)?),
        ("<", ..) => Value::Bool(compared()? == Ordering::Less),
        (">", ..) => Value::Bool(compared()? == Ordering::Greater),
        ("<=", ..) => Value::Bool(compared()? != Ordering::Greater),
        (">=", ..) => Value::Bool(compared()? != Ordering::Less),
        _ => return None,
    })
}

/// The filters of Jinja2 and Ansible that are met often; any other makes the value unknown.
fn filter(of: Value, name: &str, arguments: &[Value]) -> Option<Value> {
    let text = |at: usize| arguments.get(at).and_then(Value::printed);
    Some(match (name, of) {
        ("lower", of) => Value::Text(of.printed()?.to_lowercase()),
        ("upper", of) => Value::Text(of.printed()?.to_uppercase()),
        ("trim", of) => Value::Text(of.printed()?.trim().to_owned()),
        ("string", of) => Value::Text(of.printed()?),
        ("quote", of) => Value::Text(format!("\"{}\"", of.printed()?)),
        ("int", Value::Text(text)) => Value::Number(text.trim().parse().ok()?),
        ("int", Value::Number(number)) => Value::Number(number),
        ("bool", Value::Bool(value)) => Value::Bool(value),
        ("bool", Value::Text(text)) => Value::Bool(matches!(text.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1")),
        ("replace", of) => Value::Text(of.printed()?.replace(&text(0)?, &text(1)?)),
        ("basename", of) => Value::Text(of.printed()?.rsplit('/').next()?.to_owned()),
        ("length" | "count", Value::List(all)) => Value::Number(i64::try_from(all.len()).ok()?),
        ("length" | "count", Value::Map(all)) => Value::Number(i64::try_from(all.len()).ok()?),
        ("length" | "count", Value::Text(all)) => Value::Number(i64::try_from(all.chars().count()).ok()?),
        ("join", Value::List(all)) => {
            let words: Vec<String> = all.iter().map(Value::printed).collect::<Option<_>>()?;
            Value::Text(words.join(&text(0).unwrap_or_default()))
        }
        ("first", Value::List(all)) => all.into_iter().next()?,
        ("last", Value::List(all)) => all.into_iter().next_back()?,
        ("list", Value::List(all)) => Value::List(all),
        ("sort", Value::List(mut all)) if arguments.is_empty() && all.iter().all(|one| matches!(one, Value::Text(_))) => {
            all.sort_by_key(Value::printed);
            Value::List(all)
        }
        ("unique", Value::List(all)) if !all.contains(&Value::Unknown) => {
            let mut once: Vec<Value> = Vec::new();
            for one in all {
                if !once.contains(&one) {
                    once.push(one);
                }
            }
            Value::List(once)
        }
        ("items" | "iteritems", Value::Map(all)) => {
            Value::List(all.into_iter().map(|(key, value)| Value::List(vec![Value::Text(key), value])).collect())
        }
        ("dict2items", Value::Map(all)) if arguments.is_empty() => {
            let item = |(key, value)| Value::Map(vec![("key".to_owned(), Value::Text(key)), ("value".to_owned(), value)]);
            Value::List(all.into_iter().map(item).collect())
        }
        ("keys", Value::Map(all)) => Value::List(all.into_iter().map(|(key, _)| Value::Text(key)).collect()),
        ("values", Value::Map(all)) => Value::List(all.into_iter().map(|(_, value)| value).collect()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_come_to_what_jinja_makes_of_them() {
        let text = |text: &str| Value::Text(text.to_owned());
        let hosts = Value::List(vec![text("a"), text("b")]);
        let app = Value::Map(vec![("port".to_owned(), Value::Number(80)), ("name".to_owned(), text("{{ prefix }}-x"))]);
        let names = [("hosts", hosts), ("app", app), ("prefix", text("web")), ("secret", Value::Unknown), ("loop_a", text("{{ loop_a }}"))];
        let values = Values::new(names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let scope = Scope { values: &values, locals: vec![("item".to_owned(), None)] };
        for (expr, expected) in [
            ("hosts | join(' ')", Some("a b")),
            ("app.name", Some("web-x")),
            ("app['port'] + 1", Some("81")),
            ("app.path | default('/')", Some("/")),
            ("nowhere | default('x')", Some("x")),
            ("nowhere", None),
            ("secret | default('x')", None),
            ("item.port | default(80)", None),
            ("'yes' if 'a' in hosts else 'no'", Some("yes")),
            ("hosts | length", Some("2")),
            ("prefix | upper | replace('W', 'V')", Some("VEB")),
            ("prefix | no_such_filter", None),
            ("loop_a", None),
            ("hosts.1", Some("b")),
        ] {
            assert_eq!(scope.value(&parse(expr)).and_then(|value| value.printed()).as_deref(), expected, "{expr}");
        }
    }
}
