//! The actions of `http-request` and `tcp-request` rules.
//!
//! HAProxy: `configuration.txt` 4.2, `http-request`, `tcp-request`.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::rules::Effect;
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Action, Condition, Name, Opaque, Outcome, Part, Step, Value};
use std::sync::Arc;

/// Actions that change neither where a request goes nor whether it is served. `set-method` changes what the server is asked with; later conditions still
/// see the client's (`smp_fetch_meth`, seen on 2.6.12).
const WITHOUT_EFFECT: &[&str] = &[
    "cache-use",
    "capture",
    "disable-l7-retry",
    "early-hint",
    "expect-netscaler-cip",
    "expect-proxy",
    "inspect-delay",
    "sc-add-gpc",
    "sc-inc-gpc",
    "sc-inc-gpc0",
    "sc-inc-gpc1",
    "sc-set-gpt",
    "sc-set-gpt0",
    "set-log-level",
    "set-mark",
    "set-method",
    "set-nice",
    "set-priority-class",
    "set-priority-offset",
    "set-src-port",
    "set-timeout",
    "set-tos",
    "strict-mode",
    "wait-for-body",
    "wait-for-handshake",
    "send-spoe-group",
];

impl Lowering<'_, '_> {
    /// Returns what the rule of `line` does; `words` are those before its condition.
    pub(super) fn effect(&mut self, proxy: &Proxy<'_>, line: &Line, words: &[Word]) -> Effect {
        let keyword = line.keyword();
        if keyword == "redirect" {
            return Effect::End(self.lower_redirect(proxy, line, words.get(1..).unwrap_or_default(), false));
        }
        // `tcp-request content ACTION`, `http-request ACTION`.
        let skip = if keyword == "tcp-request" && words.get(1).is_some_and(|word| *word.text != *"inspect-delay") { 2 } else { 1 };
        let Some((action, args)) = words.get(skip..).and_then(|words| words.split_first()) else { return Effect::Nothing };
        let (name, inner) = action.text.split_once('(').map_or((&*action.text, None), |(name, rest)| (name, rest.strip_suffix(')')));
        match name {
            "allow" | "accept" => Effect::Leave,
            "deny" => Effect::End(self.lower_answer(proxy, line, args, 403)),
            "tarpit" => Effect::End(self.lower_answer(proxy, line, args, 500)),
            "return" => Effect::End(self.lower_answer(proxy, line, args, 200)),
            "reject" | "silent-drop" => Effect::End(Step::end(Outcome::Close { label: line.label() })),
            "auth" => Effect::End(self.refuse(proxy, 401, line)),
            "redirect" => Effect::End(self.lower_redirect(proxy, line, args, true)),
            "use-service" => Effect::End(self.service(line, args)),
            "set-var" | "set-var-fmt" => self.set_variable(proxy, line, inner.unwrap_or_default(), args),
            "unset-var" => {
                let variable = Name::from(inner.unwrap_or_default());
                Effect::Change(Condition::Always, vec![Action::Set { variable, value: Value::default(), label: Some(line.label()) }])
            }
            "set-src" => match args.first() {
                Some(word) => {
                    let made = self.lower_expression(proxy, word);
                    let change = Action::SetSource { value: made.value, trusted: Vec::new(), recursive: false, label: Some(line.label()) };
                    Effect::Change(made.present.unwrap_or(Condition::Always), vec![change])
                }
                None => Effect::Nothing,
            },
            "set-header" | "add-header" | "del-header" | "replace-header" | "replace-value" => self.lower_header(proxy, line, name, args),
            "set-path" | "set-pathq" | "set-query" | "set-uri" | "replace-path" | "replace-pathq" | "replace-uri" => {
                self.lower_rewrite(proxy, line, name, args)
            }
            "normalize-uri" => self.lower_normalize(line, args),
            _ if name.starts_with("track-sc") || WITHOUT_EFFECT.contains(&name) => Effect::Nothing,
            _ => self.unread(line, name),
        }
    }

    /// `set-var(NAME) EXPRESSION`: nothing is set where the expression fails.
    fn set_variable(&mut self, proxy: &Proxy<'_>, line: &Line, name: &str, args: &[Word]) -> Effect {
        let variable = Name::from(name.split(',').next().unwrap_or_default());
        let Some(word) = args.first() else { return Effect::Nothing };
        let (value, present) = if line.words.iter().any(|word| word.text.starts_with("set-var-fmt(")) {
            (self.lower_format(proxy, word), None)
        } else {
            // Blanks may stand between the converters.
            let text: String = args.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
            let made = self.lower_expression(proxy, &Word { text: Arc::from(text), span: word.span.clone() });
            (made.value, made.present)
        };
        Effect::Change(present.unwrap_or(Condition::Always), vec![Action::Set { variable, value, label: Some(line.label()) }])
    }

    fn lower_header(&mut self, proxy: &Proxy<'_>, line: &Line, action: &str, args: &[Word]) -> Effect {
        let Some(name) = args.first().map(|word| Name::from(word.text.to_ascii_lowercase())) else { return Effect::Nothing };
        let label = Some(line.label());
        match (action, args.get(1)) {
            ("del-header", None) => Effect::Change(Condition::Always, vec![Action::SetHeader { name, value: None, add: false, label }]),
            ("set-header" | "add-header", Some(value)) => {
                let value = Some(self.lower_format(proxy, value));
                Effect::Change(Condition::Always, vec![Action::SetHeader { name, value, add: action == "add-header", label }])
            }
            ("replace-header" | "replace-value", Some(pattern)) => {
                // The whole value becomes the new text, where the pattern is found in it.
                let Some(with) = args.get(2) else { return Effect::Nothing };
                let (regex, value) = (super::fetch::pcre(&pattern.text, false), self.replacement(proxy, with));
                let elements = action == "replace-value";
                Effect::Change(Condition::Always, vec![Action::ReplaceHeader { name, regex, value, elements, label }])
            }
            _ => self.unread(line, action),
        }
    }

    /// Returns the text of a replacement: a log format in which `\1` is the first group of the pattern that was just found.
    pub(super) fn replacement(&mut self, proxy: &Proxy<'_>, word: &Word) -> Value {
        let made = self.lower_format(proxy, word);
        let mut parts = Vec::new();
        for part in made.parts {
            match part {
                Part::Literal(text) => parts.extend(super::map::with_groups(&text).parts),
                other => parts.push(other),
            }
        }
        Value { parts }
    }

    /// A service that answers itself.
    fn service(&mut self, line: &Line, args: &[Word]) -> Step {
        let name = args.first().map(|word| shown(&word.text).into_owned()).unwrap_or_default();
        if name == "prometheus-exporter" {
            return Step::end(Outcome::Respond { status: 200, label: line.label() });
        }
        self.unknown(&line.span, format!("the service `{name}` makes the answer"));
        Step::end(Outcome::Opaque { reason: Arc::from(format!("the service `{name}` makes the answer")), label: line.label() })
    }

    /// An action that is not read. Code may answer; anything else may change what later rules see.
    pub(super) fn unread(&mut self, line: &Line, name: &str) -> Effect {
        self.unknown(&line.span, format!("`{name}` is not read: it may change where a request goes"));
        if !name.starts_with("lua.") {
            return Effect::Nothing;
        }
        let reason = Arc::from(format!("`{name}` decides, which is not read"));
        let guard = Condition::Opaque(Opaque { text: Arc::from(format!("`{name}` answers or redirects the request")), input: Value::default() });
        Effect::Perhaps(guard, Step::end(Outcome::Opaque { reason, label: line.label() }))
    }
}
