//! What is done to texts, headers and the client's address on the way.

use super::normalize::encode_query;
use super::text::Text;
use super::walk::Walk;
use crate::model::{Cidr, Converter, Name, Value};
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
            Converter::Field { index, delimiters } => known(nth(bytes.split(|byte| delimiters.as_bytes().contains(byte)).collect(), *index)),
            Converter::Word { index, delimiters } => {
                let words = bytes.split(|byte| delimiters.as_bytes().contains(byte)).filter(|word| !word.is_empty());
                known(nth(words.collect(), *index))
            }
            Converter::PercentDecode => known(percent_decoded(bytes)),
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
            Converter::Integer => known(integer(bytes)),
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

    /// Returns whether the request carries a header of this name, be it empty.
    pub(super) fn has_header(&self, name: &str) -> bool {
        match self.state.headers.get(name) {
            Some(changed) => !changed.is_empty(),
            None => name.eq_ignore_ascii_case("host") || self.request.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name)),
        }
    }
}

/// Returns the whole number that `bytes` begins with (HAProxy: `read_int64`: a sign, then digits; what does not fit stays at the end of the range).
fn integer(bytes: &[u8]) -> Vec<u8> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let size = digits.fold(0_i64, |number, byte| number.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    (if negative { size.saturating_neg() } else { size }).to_string().into_bytes()
}

/// Returns the `index`-th of `parts`, counted from 1, from the end where negative.
fn nth(mut parts: Vec<&[u8]>, index: i32) -> Vec<u8> {
    if index < 0 {
        parts.reverse();
    }
    let at = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    at.checked_sub(1).and_then(|at| parts.get(at)).map(|part| part.to_vec()).unwrap_or_default()
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
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
            _ => decoded.push(*first),
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
