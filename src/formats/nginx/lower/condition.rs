//! What an `if` asks. nginx: `ngx_http_rewrite_if_condition`.

use super::super::Directive;
use super::Lowering;
use super::rewrite::encoded_again;
use super::scope::Scope;
use super::variable::regex;
use crate::model::{Condition, Matcher, Opaque, Value};
use std::sync::Arc;

impl Lowering<'_> {
    /// The condition of an `if`; `quoted` where captures are encoded again.
    pub(super) fn if_condition(&mut self, directive: &Directive, scope: &Scope<'_>, quoted: bool) -> Condition {
        let words = condition_words(directive);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let opaque = |text: &str, input: Value| Condition::Opaque(Opaque { text: Arc::from(text), input });
        match words.as_slice() {
            [test @ ("-f" | "!-f" | "-d" | "!-d" | "-e" | "!-e" | "-x" | "!-x"), file] => {
                let what = match test.trim_start_matches('!') {
                    "-f" => Opaque::FILE,
                    "-d" => Opaque::DIRECTORY,
                    "-e" => Opaque::FILE_OR_DIRECTORY,
                    _ => Opaque::EXECUTABLE,
                };
                let condition = opaque(what, self.value(file, scope, &directive.head));
                if test.starts_with('!') { condition.negated() } else { condition }
            }
            [variable] if variable.starts_with('$') => {
                Condition::test(self.value(variable, scope, &directive.head), Matcher::Truthy { zero_is_false: true })
            }
            [variable, operator, right] if variable.starts_with('$') => {
                let subject = self.value(variable, scope, &directive.head);
                let mut equals = || {
                    let text = encoded_again(self.value(right, scope, &directive.head), quoted);
                    Condition::test(subject.clone(), Matcher::Equals { text, caseless: false })
                };
                match *operator {
                    "=" => equals(),
                    "!=" => equals().negated(),
                    "~" => Condition::test(subject, Matcher::Regex(regex(right, false))),
                    "~*" => Condition::test(subject, Matcher::Regex(regex(right, true))),
                    "!~" => Condition::test(subject, Matcher::Regex(regex(right, false))).negated(),
                    "!~*" => Condition::test(subject, Matcher::Regex(regex(right, true))).negated(),
                    _ => unread_condition(directive),
                }
            }
            _ => unread_condition(directive),
        }
    }
}

/// A condition that nginx would refuse, which the check of values tells, or that an expression stands in.
fn unread_condition(directive: &Directive) -> Condition {
    Condition::Opaque(Opaque { text: directive.label().text, input: Value::default() })
}

/// Returns the words of a condition without the parentheses around it.
fn condition_words(directive: &Directive) -> Vec<String> {
    let mut words: Vec<String> = directive.args.iter().map(|word| word.text.to_string()).collect();
    if let Some(first) = words.first_mut()
        && let Some(rest) = first.strip_prefix('(')
    {
        *first = rest.to_owned();
    }
    if words.first().is_some_and(String::is_empty) {
        words.remove(0);
    }
    if let Some(last) = words.last_mut()
        && let Some(rest) = last.strip_suffix(')')
    {
        *last = rest.to_owned();
        if last.is_empty() && (words.len() != 2 || words.first().is_some_and(|first| first.starts_with('$'))) {
            words.pop();
        }
    }
    words
}
