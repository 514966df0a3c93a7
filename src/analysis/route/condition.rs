//! Conditions at request time.

use super::text::Text;
use super::walk::Walk;
use super::words::test_words;
use crate::model::{Condition, Converter, Field, Matcher, Part, Regex, Step, Test, Value};
use crate::space::Captures;
use std::net::IpAddr;

/// What a search for a pattern costs, in tests of a plain condition.
const FINDING: usize = 10;

impl<'m> Walk<'_, 'm> {
    /// Returns whether `condition` holds. What the configuration does not say is asked once for a walk.
    pub(super) fn holds(&mut self, condition: &'m Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::All(all) => all.iter().all(|one| self.holds(one)),
            Condition::Any(any) => any.iter().any(|one| self.holds(one)),
            Condition::Not(inner) => !self.holds(inner),
            Condition::Test(test) => self.passes(test),
            Condition::Opaque(opaque) => {
                let input = self.value(&opaque.input);
                self.questions.yes(&opaque.text, &input.lossy())
            }
        }
    }

    /// Returns whether the subject passes the matcher; a regex that matches leaves its groups.
    pub(super) fn passes(&mut self, test: &'m Test) -> bool {
        if let Matcher::Each(inner) = &test.matcher {
            return self.each_passes(inner, test);
        }
        let subject = self.value(&test.subject);
        self.engine.patterns.spend(1 + subject.bytes.len() / 64);
        if let Matcher::Equals { text, caseless } = &test.matcher {
            let expected = self.value(text);
            if equal(&subject, &expected, *caseless) {
                return true;
            }
            return (subject.hole || expected.hole)
                && self.questions.yes(&test_words(test), &format!("{} and {}", subject.lossy(), expected.lossy()));
        }
        if subject.hole {
            return self.questions.yes(&test_words(test), &subject.lossy());
        }
        self.accepts(&test.matcher, &subject, test)
    }

    /// Returns whether one of the values of the field that the subject is made of passes, looked at as if it were the only one.
    fn each_passes(&mut self, matcher: &'m Matcher, test: &'m Test) -> bool {
        let Some(field) = self.field_of(&test.subject, 0) else { return self.one_passes(matcher, test) };
        let outer = self.narrowed.take();
        let lookups = (std::mem::take(&mut self.computed), std::mem::take(&mut self.found));
        let mut passed = false;
        for one in self.values_of(field) {
            self.computed.clear();
            self.found.clear();
            self.narrowed = Some((field, one));
            passed = self.one_passes(matcher, test);
            // What cannot be converted ends the search, whatever comes after it (HAProxy: `acl_exec_cond`, seen on 2.6.12).
            if passed || self.converts_to_nothing(&test.subject) {
                break;
            }
        }
        self.narrowed = outer;
        (self.computed, self.found) = lookups;
        passed
    }

    /// Returns whether a converter or a lookup that `value` is made by gives nothing for the request as it stands now.
    fn converts_to_nothing(&mut self, value: &'m Value) -> bool {
        match value.parts.as_slice() {
            [Part::Converted(converted)] => {
                // The empty text is no number to calculate with.
                if let (Converter::Arithmetic { .. }, [Part::Converted(number)]) = (&converted.by, converted.value.parts.as_slice())
                    && number.by == Converter::Integer
                    && self.value(&number.value).bytes.is_empty()
                {
                    return true;
                }
                let input = self.value(&converted.value);
                super::convert::fails(&input.bytes, &converted.by) || self.converts_to_nothing(&converted.value)
            }
            [Part::Variable(name)] => {
                let lookup = self.entrance.gateway.lookups.iter().find(|lookup| lookup.name == *name);
                lookup.is_some_and(|lookup| lookup.otherwise.parts.is_empty()) && !self.found.contains(name)
            }
            _ => false,
        }
    }

    fn one_passes(&mut self, matcher: &'m Matcher, test: &'m Test) -> bool {
        let subject = self.value(&test.subject);
        self.engine.patterns.spend(1 + subject.bytes.len() / 64);
        if subject.hole { self.questions.yes(&test_words(test), &subject.lossy()) } else { self.accepts(matcher, &subject, test) }
    }

    /// Returns the first field of which a request can carry several that `value` is made of, also through what is done to it and lookups.
    fn field_of(&self, value: &'m Value, depth: u32) -> Option<&'m Field> {
        value.parts.iter().find_map(|part| match part {
            Part::Field(field @ (Field::Header(_) | Field::HeaderLine { .. } | Field::QueryParam(_) | Field::Cookie(_))) => Some(field),
            Part::Converted(converted) => self.field_of(&converted.value, depth),
            Part::Variable(name) if depth < 4 => {
                let lookup = self.entrance.gateway.lookups.iter().find(|lookup| lookup.name == *name)?;
                self.field_of(&lookup.entries.first()?.when.subject, depth + 1)
            }
            Part::Variable(_) | Part::Field(_) | Part::Literal(_) | Part::Capture(_) | Part::Hole(_) => None,
        })
    }

    /// Returns whether a subject that can be read passes the matcher; `test` is for the words.
    fn accepts(&mut self, matcher: &'m Matcher, subject: &Text, test: &'m Test) -> bool {
        let bytes = subject.bytes.as_slice();
        match matcher {
            // Only elements come here; those are compared with what does not depend on the request.
            Matcher::Equals { text, caseless } => {
                let expected = self.value(text);
                equal(subject, &expected, *caseless)
            }
            Matcher::Prefix { text, caseless } => bytes.get(..text.len()).is_some_and(|start| same(start, text.as_bytes(), *caseless)),
            Matcher::Suffix { text, caseless } => {
                bytes.len().checked_sub(text.len()).and_then(|at| bytes.get(at..)).is_some_and(|end| same(end, text.as_bytes(), *caseless))
            }
            Matcher::Contains { text, caseless } => {
                text.is_empty() || bytes.windows(text.len()).any(|window| same(window, text.as_bytes(), *caseless))
            }
            Matcher::Regex(regex) => self.finds(regex, subject, &test_words(test)),
            // An IPv4 address written as IPv6 is one all the same (nginx: `IN6_IS_ADDR_V4MAPPED` in `ngx_http_access_handler`; HAProxy: `pat_match_ip`).
            Matcher::Network(network) => address(&subject.lossy()).is_some_and(|ip| network.contains(ip.to_canonical())),
            Matcher::Truthy { zero_is_false } => !bytes.is_empty() && (bytes != b"0" || !*zero_is_false),
            Matcher::Segment { text, caseless, delimiters } => has_segment(bytes, text.as_bytes(), delimiters.as_bytes(), *caseless),
            Matcher::Number(ranges) => {
                let number = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<i64>().ok());
                number.is_some_and(|number| ranges.iter().any(|range| range.contains(number)))
            }
            Matcher::Length(ranges) => i64::try_from(bytes.len()).is_ok_and(|length| ranges.iter().any(|range| range.contains(length))),
            Matcher::Present => self.is_there(&test.subject, subject),
            Matcher::Each(inner) => self.accepts(inner, subject, test),
            Matcher::Element(inner) => {
                let elements: Vec<Text> = bytes.split(|byte| *byte == b',').map(|part| Text::known(part.trim_ascii())).collect();
                elements.iter().any(|element| self.accepts(inner, element, test))
            }
        }
    }

    /// Returns whether `regex` is found, and leaves its groups; `words` are for where that cannot be told.
    pub(super) fn finds(&mut self, regex: &Regex, subject: &Text, words: &str) -> bool {
        self.engine.patterns.spend(FINDING + subject.bytes.len() / 4);
        let found = self.engine.patterns.get(regex).map(|pattern| pattern.find(&subject.bytes));
        match found {
            Some(Ok(None)) => false,
            Some(Ok(Some(captures))) => {
                self.remember(captures);
                true
            }
            // Not readable, or too hard on this text: a free boolean with the pattern's own words.
            None | Some(Err(_)) => {
                self.exact = false;
                self.questions.yes(words, &subject.lossy())
            }
        }
    }

    fn remember(&mut self, captures: Captures) {
        self.state.groups = captures.groups;
        self.state.named.extend(captures.named);
    }

    /// Returns one of the weighted ways; `None` when there is none with a weight.
    pub(super) fn split(&mut self, ways: &'m [(u32, Step)]) -> Option<&'m Step> {
        let weights: Vec<u32> = ways.iter().map(|(weight, _)| *weight).collect();
        let picked = self.questions.which(std::ptr::from_ref(ways).addr(), &weights)?;
        ways.get(picked).map(|(_, step)| step)
    }
}

/// Reads an address; what follows an IPv4 address does not count, be it a port or a comma and more (HAProxy: `buf2ip`, seen on 2.6.12).
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        text.split_at_checked(end).and_then(|(start, _)| start.parse().ok())
    })
}

fn same(ours: &[u8], theirs: &[u8], caseless: bool) -> bool {
    if caseless { ours.eq_ignore_ascii_case(theirs) } else { ours == theirs }
}

/// Returns whether `text`, without delimiters at its ends, stands in `bytes` between delimiters or ends (HAProxy: `match_word` in `pattern.c`).
fn has_segment(bytes: &[u8], text: &[u8], delimiters: &[u8], caseless: bool) -> bool {
    let delimits = |byte: &u8| delimiters.contains(byte);
    let start = text.iter().position(|byte| !delimits(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !delimits(byte)).map_or(start, |at| at + 1);
    let text = text.get(start..end).unwrap_or_default();
    if text.len() > bytes.len() {
        return false;
    }
    (0..=bytes.len() - text.len()).any(|at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).is_none_or(delimits);
        let after = bytes.get(at + text.len()).is_none_or(delimits);
        before && after && bytes.get(at..at + text.len()).is_some_and(|window| same(window, text, caseless))
    })
}

fn equal(ours: &Text, theirs: &Text, caseless: bool) -> bool {
    ours.hole == theirs.hole && same(&ours.bytes, &theirs.bytes, caseless)
}
