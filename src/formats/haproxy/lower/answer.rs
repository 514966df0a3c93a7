//! Answers that HAProxy makes itself: `deny`, `return`, `redirect`.
//!
//! HAProxy: `http_apply_redirect_rule`, `http_action_return`; `configuration.txt` 4.2.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::settings::Proxy;
use crate::model::{Condition, Field, Matcher, Name, Outcome, Part, Route, Step, TableKind, Value};
use std::sync::Arc;

impl Lowering<'_, '_> {
    /// `deny`, `tarpit` and `return`: the status is their own or the one given. A `return` with a `Location` is a redirect.
    pub(super) fn lower_answer(&mut self, proxy: &Proxy<'_>, line: &Line, args: &[Word], default: u16) -> Step {
        let value = |name: &str| {
            let at = args.iter().position(|word| *word.text == *name)?;
            args.get(at + 1)
        };
        let status = value("status").or_else(|| value("deny_status")).and_then(|word| word.text.parse().ok()).unwrap_or(default);
        let location = args.windows(3).find_map(|words| match words {
            [hdr, name, value] if *hdr.text == *"hdr" && name.text.eq_ignore_ascii_case("location") => Some(value),
            _ => None,
        });
        let label = line.label();
        // What is given here goes before what the section says of the status.
        let refuses =
            args.iter().all(|word| *word.text != *"content-type") && (default >= 400 || args.iter().any(|word| *word.text == *"default-errorfiles"));
        if let Some(file) = value("errorfile") {
            return self.answer_of_file(file, status, line);
        }
        if let Some(group) = value("errorfiles") {
            return self.refuse_from(&group.text, status, line);
        }
        match location {
            None if refuses => self.refuse(proxy, status, line),
            Some(location) if (300..400).contains(&status) => {
                Step::end(Outcome::Redirect { status, location: self.lower_format(proxy, location), label })
            }
            _ if status >= 400 => Step::end(Outcome::Reject { status, label }),
            _ => Step::end(Outcome::Respond { status, label }),
        }
    }

    /// `redirect location|prefix|scheme TO [code N] [drop-query] [append-slash] …`; in the statement of that name `TO` is no log format.
    pub(super) fn lower_redirect(&mut self, proxy: &Proxy<'_>, line: &Line, args: &[Word], format: bool) -> Step {
        let (mut kind, mut to, mut status) = ("", Value::default(), 302);
        let (mut drop_query, mut append_slash) = (false, false);
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match &*word.text {
                name @ ("location" | "prefix" | "scheme") => {
                    kind = name;
                    let Some(target) = words.next() else { break };
                    to = if format { self.lower_format(proxy, target) } else { super::text::literal(&target.text) };
                }
                "code" => status = words.next().and_then(|code| code.text.parse().ok()).unwrap_or(status),
                "drop-query" => drop_query = true,
                "append-slash" => append_slash = true,
                "set-cookie" | "clear-cookie" => drop(words.next()),
                _ => {}
            }
        }
        let label = line.label();
        let end = |parts: Vec<Part>| Step::end(Outcome::Redirect { status, location: Value { parts }, label: label.clone() });
        let target = if drop_query { Field::Path } else { Field::Url };
        match kind {
            "scheme" => {
                to.parts.extend([Part::Literal(Arc::from("://")), Part::Field(Field::Header(Name::from("host"))), Part::Field(target)]);
                end(to.parts)
            }
            "prefix" => {
                // A prefix that is only a slash adds nothing.
                let mut parts = if to.as_literal() == Some("/") { Vec::new() } else { to.parts };
                parts.push(Part::Field(target));
                if !(drop_query && append_slash) {
                    return end(parts);
                }
                let closed = Condition::test(Value::field(Field::Path), Matcher::Suffix { text: Arc::from("/"), caseless: false });
                let as_it_is = end(parts.clone());
                parts.push(Part::Literal(Arc::from("/")));
                let routes = vec![Route { when: closed, step: as_it_is, label: None }];
                let otherwise = end(parts);
                Step::table(self.table(TableKind::Instruction, &label, routes, otherwise))
            }
            _ => end(to.parts),
        }
    }
}
