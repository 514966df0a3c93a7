//! Converters: what is done to a sample on its way.
//!
//! HAProxy: `configuration.txt` 7.3.1. A converter that is not read makes the whole expression a free value under its own words.

use super::Lowering;
use super::expression::{Call, Expression};
use super::fetch::{Kind, Sample, converted, pcre};
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Converter, Field, Matcher, Name, Value};
use crate::span::Span;
use std::sync::Arc;

/// Returns the whole number that `value` begins with.
pub(super) fn integer(value: Value) -> Value {
    converted(value, Converter::Integer)
}

impl Lowering<'_, '_> {
    /// Returns what `expression` gives; `words` and `span` are its own.
    pub(super) fn lower_sample(&mut self, proxy: &Proxy<'_>, expression: &Expression, words: &str, span: &Span) -> Sample {
        let words = shown(words);
        let mut sample = self.lower_fetch(proxy, &expression.fetch, &words);
        let mut told = false;
        for call in &expression.converters {
            if sample.opaque.is_some() {
                break;
            }
            sample = self.lower_converter(sample, call, &words, span);
            // A map that is not here is the reason, and was said.
            told = call.name.starts_with("map") && call.arg(0).is_some_and(|file| !self.files.has(self.config, file));
        }
        if sample.opaque.is_some() && !told && self.is_news(&expression.fetch) {
            self.unknown(span, format!("`{words}` is not read: it can be anything"));
        }
        sample
    }

    fn lower_converter(&mut self, sample: Sample, call: &Call, words: &str, span: &Span) -> Sample {
        if call.name == "map" || call.name.starts_with("map_") {
            return self.lower_map(sample, call, words, span);
        }
        let input = sample.value.clone();
        let text = !matches!(sample.kind, Kind::Truth(_) | Kind::Count(_));
        self.text_converter(sample, call).filter(|_| text).unwrap_or_else(|| Sample::opaque(words, input))
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
            "field" | "word" if call.args.len() == 2 => {
                let index = call.arg(0)?.parse().ok().filter(|index| *index != 0)?;
                let delimiters = Arc::from(call.arg(1)?);
                by(sample, if call.name == "field" { Converter::Field { index, delimiters } } else { Converter::Word { index, delimiters } })
            }
            "url_dec" if call.args.is_empty() => by(sample, Converter::PercentDecode),
            "regsub" => {
                let flags = call.arg(2).unwrap_or_default();
                let regex = pcre(call.arg(0)?, flags.contains('i'));
                by(sample, Converter::Replace { regex, with: Arc::from(call.arg(1).unwrap_or_default()), all: flags.contains('g') })
            }
            "length" => Sample { kind: Kind::Number, ..by(sample, Converter::Length) },
            "bytes" => {
                let length = call.arg(1).map(|text| text.parse().ok()).map_or(Some(None), |length| length.map(Some))?;
                let start: usize = call.arg(0)?.parse().ok()?;
                // Past the end it fails (`sample_conv_bytes`).
                let mut cut = by(sample, Converter::Bytes { start, length });
                if start > 0 {
                    cut.present = Some(crate::model::Condition::test(cut.value.clone(), Matcher::Present));
                }
                cut
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
