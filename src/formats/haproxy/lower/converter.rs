//! Converters: what is done to a sample on its way.
//!
//! HAProxy: `configuration.txt` 7.3.1. A converter that is not read makes the whole expression a free value under its own words.

use super::Lowering;
use super::expression::{Call, Expression};
use super::fetch::{Kind, Many, Sample, converted, exactly, pcre};
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Arithmetic, Condition, Converter, Field, Label, Lookup, LookupEntry, Matcher, Name, NumberRange, Part, Test, Value};
use crate::span::Span;
use std::sync::Arc;

/// Returns the whole number that `value` begins with.
pub(super) fn integer(value: Value) -> Value {
    converted(value, Converter::Integer)
}

impl Lowering<'_, '_> {
    /// Returns what `expression` gives; `words` and `span` are its own. Where it is matched (`each`), a fetch gives one value after the other, else one
    /// of them (HAProxy: `SMP_OPT_ITERATE`).
    pub(super) fn lower_sample(&mut self, proxy: &Proxy<'_>, expression: &Expression, words: &str, (span, each): (&Span, bool)) -> Sample {
        let words = shown(words);
        let mut sample = self.lower_fetch(proxy, &expression.fetch, &words);
        if !each && sample.many != Many::One {
            sample = sample.single();
        }
        let mut told = false;
        for call in &expression.converters {
            if sample.opaque.is_some() {
                break;
            }
            sample = self.lower_converter(sample, call, &words, (span, each));
            // A map that is not here is the reason, and was said.
            told = call.name.starts_with("map") && call.arg(0).is_some_and(|file| !self.files.has(self.config, file));
        }
        if sample.opaque.is_some() && !told && self.is_news(&expression.fetch) {
            self.unknown(span, format!("`{words}` is not read: it can be anything"));
        }
        sample
    }

    fn lower_converter(&mut self, sample: Sample, call: &Call, words: &str, (span, each): (&Span, bool)) -> Sample {
        if call.name == "map" || call.name.starts_with("map_") {
            return self.lower_map(sample, call, words, (span, each));
        }
        let input = sample.value.clone();
        let made = match &sample.kind {
            Kind::Truth(condition) => {
                let condition = (**condition).clone();
                self.truth_converter(&sample, condition, call, (words, span))
            }
            Kind::Count { .. } => None,
            Kind::Text | Kind::Number | Kind::Address | Kind::Method | Kind::Any => {
                number_converter(&sample, call).or_else(|| self.text_converter(sample, call))
            }
        };
        made.unwrap_or_else(|| Sample::opaque(words, input))
    }

    /// What becomes of something that holds or does not.
    fn truth_converter(&mut self, sample: &Sample, condition: Condition, call: &Call, (words, span): (&str, &Span)) -> Option<Sample> {
        match call.name.as_str() {
            "bool" | "debug" => Some(sample.clone()),
            "not" => Some(Sample { kind: Kind::Truth(Box::new(opposite(condition))), ..sample.clone() }),
            "iif" => {
                let (yes, no) = (super::text::literal(call.arg(0)?), super::text::literal(call.arg(1)?));
                let value = match condition {
                    Condition::Always => yes,
                    Condition::Any(none) if none.is_empty() => no,
                    Condition::Test(when) => self.either(when, (yes, no), words, span),
                    Condition::Not(inner) => match *inner {
                        Condition::Test(when) => self.either(when, (no, yes), words, span),
                        _ => return None,
                    },
                    _ => return None,
                };
                Some(Sample { kind: Kind::Text, value, ..sample.clone() })
            }
            _ => None,
        }
    }

    /// Returns the value that is the first of two where `when` holds, else the second.
    fn either(&mut self, when: Test, (yes, no): (Value, Value), words: &str, span: &Span) -> Value {
        let label = Label { span: span.clone(), text: Arc::from(words) };
        let name = self.lookup_name(words);
        let entries = vec![LookupEntry { when, value: yes, label: label.clone() }];
        self.lookups.push(Lookup { name: Name::clone(&name), entries, otherwise: no, volatile: false, label });
        Value { parts: vec![Part::Variable(name)] }
    }

    /// Returns `sample` after a converter from text to text; `None` for one that is not read.
    fn text_converter(&mut self, sample: Sample, call: &Call) -> Option<Sample> {
        let by = |sample: Sample, by: Converter| {
            let value = converted(sample.value, by);
            Sample { value, kind: if sample.kind == Kind::Any { Kind::Any } else { Kind::Text }, ..sample }
        };
        let set = |characters: &str| characters.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat();
        let replaced =
            |sample: Sample, pattern: &str| by(sample, Converter::Replace { regex: pcre(pattern, false), with: Arc::from(""), all: false });
        Some(match call.name.as_str() {
            "lower" if !self.changes_host && sample.value.as_field() == Some(&Field::Header(Name::from("host"))) => {
                Sample { value: self.caseless_subject(&sample.value), ..sample }
            }
            "lower" => by(sample, Converter::Lower),
            "upper" => by(sample, Converter::Upper),
            "field" | "word" => {
                let index = call.arg(0)?.parse().ok().filter(|index| *index != 0)?;
                let delimiters = Arc::from(call.arg(1)?);
                let count = call.arg(2).map_or(Some(1), |count| count.parse().ok())?;
                if call.name == "word" {
                    by(sample, Converter::Word { index, delimiters, count })
                } else {
                    // A field that is not there is nothing, a word that is not there the empty text (seen on 2.6.12).
                    let cut = by(sample, Converter::Field { index, delimiters, count });
                    let there = cut.test(&cut.value, Matcher::Present);
                    Sample { present: Some(there), ..cut }
                }
            }
            "url_dec" => by(sample, Converter::PercentDecode { form: call.arg(0).is_some_and(|form| form != "0") }),
            // Behind text that is there stands a variable, which may be empty, and text again.
            "concat" => {
                let mut parts = sample.value.parts.clone();
                parts.extend(super::text::literal(call.arg(0).unwrap_or_default()).parts);
                parts.extend(call.arg(1).filter(|name| !name.is_empty()).map(|name| Part::Variable(Name::from(name))));
                parts.extend(super::text::literal(call.arg(2).unwrap_or_default()).parts);
                Sample { value: Value { parts }, kind: Kind::Text, ..sample }
            }
            "regsub" => {
                let flags = call.arg(2).unwrap_or_default();
                let regex = pcre(call.arg(0)?, flags.contains('i'));
                by(sample, Converter::Replace { regex, with: Arc::from(call.arg(1).unwrap_or_default()), all: flags.contains('g') })
            }
            "length" => Sample { kind: Kind::Number, ..by(sample, Converter::Length) },
            "bytes" => {
                let length = call.arg(1).map(|text| text.parse().ok()).map_or(Some(None), |length| length.map(Some))?;
                let start: usize = call.arg(0)?.parse().ok()?;
                by(sample, Converter::Bytes { start, length })
            }
            "ltrim" => replaced(sample, &format!("^[{}]+", set(call.arg(0)?))),
            "rtrim" => replaced(sample, &format!("[{}]+$", set(call.arg(0)?))),
            "ipmask" if sample.kind == Kind::Address && call.args.len() == 1 => {
                let mask = call.arg(0)?;
                let bits = mask.parse().ok().or_else(|| super::acl::network(&format!("0.0.0.0/{mask}")).map(|network| network.bits()))?;
                Sample { kind: Kind::Address, ..by(sample, Converter::Mask(bits)) }
            }
            "host_only" => replaced(sample, ":[0-9]+$"),
            "debug" | "str" => sample,
            _ => return None,
        })
    }
}

/// What becomes of a number (`configuration.txt` 7.3.1: `add`, `odd`, …); a text is read as one first, which fails where it is empty (`c_str2int`).
fn number_converter(sample: &Sample, call: &Call) -> Option<Sample> {
    let number = || super::acl::as_number(sample);
    let operand = || call.arg(0)?.parse::<i64>().ok();
    let by = |operation: Arithmetic, operand: i64| converted(number(), Converter::Arithmetic { operation, operand });
    let present = match sample.kind {
        Kind::Number => sample.present.clone(),
        _ => Some(sample.test(&sample.value, Matcher::Truthy { zero_is_false: false })),
    };
    let truth = |value: Value, ranges: Vec<NumberRange>| {
        let holds = sample.test(&value, Matcher::Number(ranges));
        Sample { kind: Kind::Truth(Box::new(holds)), value: Value::default(), many: Many::One, present: present.clone(), ..sample.clone() }
    };
    let value = match call.name.as_str() {
        "add" => by(Arithmetic::Add, operand()?),
        "sub" => by(Arithmetic::Subtract, operand()?),
        "mul" => by(Arithmetic::Multiply, operand()?),
        "div" => by(Arithmetic::Divide, operand().filter(|operand| *operand != 0)?),
        "mod" => by(Arithmetic::Modulo, operand().filter(|operand| *operand != 0)?),
        "and" => by(Arithmetic::And, operand()?),
        "or" => by(Arithmetic::Or, operand()?),
        "xor" => by(Arithmetic::ExclusiveOr, operand()?),
        "cpl" => by(Arithmetic::ExclusiveOr, -1),
        "neg" => by(Arithmetic::Multiply, -1),
        "even" => return Some(truth(by(Arithmetic::And, 1), vec![exactly(0)])),
        "odd" => return Some(truth(by(Arithmetic::And, 1), vec![exactly(1)])),
        "bool" => return Some(truth(by(Arithmetic::Or, 0), complement(&[exactly(0)])?)),
        "not" => return Some(truth(by(Arithmetic::Or, 0), vec![exactly(0)])),
        _ => return None,
    };
    Some(Sample { value, kind: Kind::Number, present, ..sample.clone() })
}

/// Returns the opposite of `condition`, which of several values is one that some value has: not even is "one of them is odd".
fn opposite(condition: Condition) -> Condition {
    let other = |matcher: &Matcher| match matcher {
        Matcher::Number(ranges) => complement(ranges).map(Matcher::Number),
        _ => None,
    };
    match &condition {
        Condition::Test(Test { subject, matcher: Matcher::Each(inner) }) => match other(inner) {
            Some(matcher) => Condition::test(subject.clone(), Matcher::Each(Box::new(matcher))),
            None => condition.negated(),
        },
        _ => condition.negated(),
    }
}

/// Returns all whole numbers but those in `ranges`, which are one number or all but one.
fn complement(ranges: &[NumberRange]) -> Option<Vec<NumberRange>> {
    match ranges {
        [NumberRange { from: Some(from), to: Some(to) }] => {
            Some(vec![NumberRange { from: None, to: Some(from.checked_sub(1)?) }, NumberRange { from: Some(to.checked_add(1)?), to: None }])
        }
        [NumberRange { from: None, to: Some(to) }, NumberRange { from: Some(from), to: None }] => {
            Some(vec![NumberRange { from: Some(to.checked_add(1)?), to: Some(from.checked_sub(1)?) }])
        }
        _ => None,
    }
}
