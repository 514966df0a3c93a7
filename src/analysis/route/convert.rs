//! What is done to texts, headers and the client's address on the way.

use super::normalize::encode_query;
use super::text::Text;
use super::walk::Walk;
use crate::model::{Arithmetic, Cidr, Converter, Name, Regex, Value};
use std::net::IpAddr;
use std::rc::Rc;

impl<'m> Walk<'_, 'm> {
    /// Returns `text` after `by`. What cannot be read stays so, under the converter's own words.
    pub(super) fn converted(&mut self, text: &Rc<Text>, by: &'m Converter) -> Rc<Text> {
        if text.hole {
            return Rc::new(Text::hole(&format!("{} {by:?}", text.lossy())));
        }
        let bytes = text.bytes.as_slice();
        let known = |bytes: Vec<u8>| Rc::new(Text::known(bytes));
        match by {
            Converter::Lower => known(bytes.to_ascii_lowercase()),
            Converter::Upper => known(bytes.to_ascii_uppercase()),
            Converter::Field { .. } | Converter::Word { .. } => known(part(bytes, by).unwrap_or_default().to_vec()),
            Converter::PercentDecode { form } => known(percent_decoded(bytes, *form)),
            Converter::Replace { regex, with, all } => {
                let Some(pattern) = self.engine.patterns.get(regex) else {
                    self.exact = false;
                    return Rc::new(Text::hole(&format!("{} {by:?}", text.lossy())));
                };
                match pattern.replace(bytes, with, *all) {
                    Ok(replaced) => known(replaced),
                    Err(_too_hard) => Rc::new(Text::hole(&format!("{} {by:?}", text.lossy()))),
                }
            }
            Converter::Length => known(bytes.len().to_string().into_bytes()),
            Converter::Integer => known(integer(bytes).to_string().into_bytes()),
            Converter::Elements => {
                let elements = if bytes.is_empty() { 0 } else { bytes.split(|byte| *byte == b',').count() };
                known(elements.to_string().into_bytes())
            }
            Converter::LooseInteger => known(loose_integer(bytes).to_string().into_bytes()),
            Converter::Arithmetic { operation, operand } => known(calculated(integer(bytes), *operation, *operand).to_string().into_bytes()),
            Converter::Normalize(normalizer) => known(super::uri::normalized(bytes, *normalizer)),
            Converter::Bytes { start, length } => {
                let rest = bytes.get(*start..).unwrap_or_default();
                known(length.and_then(|length| rest.get(..length)).unwrap_or(rest).to_vec())
            }
            Converter::Forwarded { list, trusted, recursive } => self.forwarded(text, list, trusted, *recursive).unwrap_or_else(|| Rc::clone(text)),
            Converter::EncodeAgain if self.quoted => known(encode_query(bytes).into_bytes()),
            Converter::EncodeAgain => Rc::clone(text),
            Converter::DecodeRedirect => known(redirect_decoded(bytes)),
            Converter::Mask(bits) => {
                let masked = text.lossy().parse::<IpAddr>().ok().and_then(|ip| Cidr::new(ip, *bits));
                known(masked.map(|network| network.address().to_string().into_bytes()).unwrap_or_default())
            }
        }
    }

    /// Returns the client's address as believed so far.
    pub(super) fn source(&self) -> Rc<Text> {
        self.state.source.clone().unwrap_or_else(|| self.peer())
    }

    /// Returns the address of the other end of the connection.
    pub(super) fn peer(&self) -> Rc<Text> {
        Rc::new(self.request.from.map_or_else(|| Text::hole("the client's address"), |ip| Text::known(ip.to_string())))
    }

    /// Believes what `value` says of the client's address, if the other end may be believed; returns whether it did.
    pub(super) fn believe(&mut self, value: &'m Value, trusted: &[Cidr], recursive: bool) -> bool {
        let now = self.source();
        let found = self.forwarded(&now, value, trusted, recursive);
        let believed = found.is_some();
        self.state.source = found.or(self.state.source.take());
        believed
    }

    /// Returns the address that `list` says in place of `now`; `None` where that may not be believed, or says none
    /// (nginx: `ngx_http_realip_handler`, `ngx_http_get_forwarded_addr`).
    fn forwarded(&mut self, now: &Text, list: &'m Value, trusted: &[Cidr], recursive: bool) -> Option<Rc<Text>> {
        let trusts = |ip: IpAddr| trusted.is_empty() || trusted.iter().any(|network| network.contains(ip));
        let now = now.lossy().parse::<IpAddr>().ok().filter(|_| !now.hole);
        if !trusted.is_empty() && !now.is_some_and(trusts) {
            return None;
        }
        let said = self.value(list);
        if said.hole {
            return Some(said);
        }
        let text = said.lossy();
        // Commas and blanks part them alike; what is no address ends the list.
        let mut found = None;
        for ip in text.rsplit([',', ' ']).filter(|one| !one.is_empty()).map_while(address) {
            found = Some(ip);
            if !recursive || !trusts(ip) {
                break;
            }
        }
        found.map(|found| Rc::new(Text::known(found.to_string())))
    }

    /// Changes a header.
    pub(super) fn set_header(&mut self, name: &Name, value: Option<Rc<Text>>, add: bool) {
        let mut all = Vec::new();
        if add {
            let own = self.request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
            all = self.state.headers.get(name).cloned().unwrap_or_else(|| own.map(|(_, value)| Rc::new(Text::known(value.trim()))).collect());
        }
        all.extend(value);
        self.state.headers.insert(Name::clone(name), all);
    }

    /// Returns the headers of this name as they are now, one by one.
    pub(super) fn header_lines(&self, name: &str) -> Vec<Rc<Text>> {
        if let Some(changed) = self.state.headers.get(name) {
            return changed.clone();
        }
        if name.eq_ignore_ascii_case("host") {
            return vec![Rc::new(Text::known(super::walk::raw_host(self.request).as_bytes()))];
        }
        let own = self.request.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
        own.map(|(_, value)| Rc::new(Text::known(value.trim()))).collect()
    }

    /// Replaces the headers of this name in which `regex` is found, or the elements between their commas.
    pub(super) fn replace_header(&mut self, name: &Name, regex: &'m Regex, value: &'m Value, elements: bool) {
        let mut all = Vec::new();
        for line in self.header_lines(name) {
            if line.hole || !elements {
                all.push(self.replaced(&line, regex, value));
                continue;
            }
            let mut whole = Text::default();
            for (at, element) in line.bytes.split(|byte| *byte == b',').enumerate() {
                if at > 0 {
                    whole.push(&Text::known(b",".as_slice()));
                }
                let trimmed = element.trim_ascii();
                let start = element.len() - element.trim_ascii_start().len();
                whole.push(&Text::known(element.get(..start).unwrap_or_default()));
                whole.push(&self.replaced(&Rc::new(Text::known(trimmed)), regex, value));
                whole.push(&Text::known(element.get(start + trimmed.len()..).unwrap_or_default()));
            }
            all.push(Rc::new(whole));
        }
        self.state.headers.insert(Name::clone(name), all);
    }

    fn replaced(&mut self, text: &Rc<Text>, regex: &'m Regex, value: &'m Value) -> Rc<Text> {
        if text.hole {
            return Rc::new(Text::hole(&format!("{} {} {value:?}", text.lossy(), regex.pattern)));
        }
        if self.finds(regex, text, &format!("{} matches {}", text.lossy(), regex.pattern)) { self.value(value) } else { Rc::clone(text) }
    }

    /// Returns whether the request carries a header of this name, be it empty.
    pub(super) fn has_header(&self, name: &str) -> bool {
        match self.state.headers.get(name) {
            Some(changed) => !changed.is_empty(),
            None => name.eq_ignore_ascii_case("host") || self.request.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name)),
        }
    }
}

/// Returns whether `by` gives nothing for such a text, which is not the same as an empty text (HAProxy: `sample_conv_field` returns 0).
pub(super) fn fails(bytes: &[u8], by: &Converter) -> bool {
    matches!(by, Converter::Field { .. }) && part(bytes, by).is_none()
}

/// Returns the part of `bytes` that a converter of fields or words takes (HAProxy: `sample_conv_field`, `sample_conv_word`).
fn part<'t>(bytes: &'t [u8], by: &Converter) -> Option<&'t [u8]> {
    let (index, delimiters, count, words) = match by {
        Converter::Field { index, delimiters, count } => (*index, delimiters.as_bytes(), *count, false),
        Converter::Word { index, delimiters, count } => (*index, delimiters.as_bytes(), *count, true),
        _ => return None,
    };
    let mut parts = Vec::new();
    let mut start = 0;
    for end in (0..=bytes.len()).filter(|at| bytes.get(*at).is_none_or(|byte| delimiters.contains(byte))) {
        if !words || end > start {
            parts.push((start, end));
        }
        start = end + 1;
    }
    let at = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    let last = at.checked_add(count)?.checked_sub(1).filter(|_| count > 0);
    let (from, to) = if index > 0 {
        let (from, _) = *parts.get(at)?;
        let until = last.and_then(|last| parts.get(last)).map(|(_, end)| *end);
        (from, until.unwrap_or(bytes.len()))
    } else {
        parts.reverse();
        let (_, to) = *parts.get(at)?;
        let since = last.and_then(|last| parts.get(last)).map(|(start, _)| *start);
        (since.unwrap_or(0), to)
    };
    bytes.get(from..to)
}

/// Returns the number that HAProxy makes of what stands in a header (`strl2ic`: any byte below the digits goes on, as a digit below 0, in 32 bits).
fn loose_integer(bytes: &[u8]) -> i64 {
    let (negative, digits) = bytes.strip_prefix(b"-").map_or((false, bytes), |rest| (true, rest));
    let digits = digits.iter().map(|byte| i32::from(*byte) - i32::from(b'0')).take_while(|digit| *digit <= 9);
    let number = digits.fold(0_i32, |number, digit| {
        let more = number.wrapping_mul(10);
        if negative { more.wrapping_sub(digit) } else { more.wrapping_add(digit) }
    });
    i64::from(number)
}

/// Returns `number` changed by `operand` (HAProxy: `arith_add`, `sample_conv_arith_div` and their kin).
fn calculated(number: i64, operation: Arithmetic, operand: i64) -> i64 {
    match operation {
        Arithmetic::Add => number.saturating_add(operand),
        Arithmetic::Subtract => number.saturating_sub(operand),
        Arithmetic::Multiply => number.saturating_mul(operand),
        Arithmetic::Divide if operand == 0 => i64::MAX,
        Arithmetic::Divide => number.saturating_div(operand),
        Arithmetic::Modulo => number.checked_rem(operand).unwrap_or(0),
        Arithmetic::And => number & operand,
        Arithmetic::Or => number | operand,
        Arithmetic::ExclusiveOr => number ^ operand,
    }
}

/// Returns the whole number that `bytes` begins with (HAProxy: `read_int64`: a sign, then digits; what does not fit stays at the end of the range).
fn integer(bytes: &[u8]) -> i64 {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let size = digits.fold(0_i64, |number, byte| number.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    if negative { size.saturating_neg() } else { size }
}

/// Decodes escapes; behind the first `?`, or anywhere in a form, `+` is a blank (HAProxy: `url_decode`).
fn percent_decoded(bytes: &[u8], mut form: bool) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                decoded.push(digit(high).unwrap_or_default() << 4 | digit(low).unwrap_or_default());
                rest = after;
            }
            (b'+', _) if form => decoded.push(b' '),
            _ => {
                form |= *first == b'?';
                decoded.push(*first);
            }
        }
    }
    decoded
}

/// Returns a location with the escapes of plain characters decoded, up to the first `?` (nginx: `ngx_unescape_uri` with `NGX_UNESCAPE_REDIRECT`).
fn redirect_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = match (first, tail) {
            (b'%', [high, low, after @ ..]) => digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let plain = escape.filter(|(byte, _)| (b'&'..0x7f).contains(byte));
        decoded.push(plain.map_or(*first, |(byte, _)| byte));
        rest = plain.map_or(rest, |(_, after)| after);
        if decoded.last() == Some(&b'?') {
            decoded.extend_from_slice(rest);
            break;
        }
    }
    decoded
}

/// Reads an address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}
