//! Reads a PCRE pattern and writes it in the dialect of our regex engine, or says what cannot be written.
//!
//! Works on bytes, as nginx does without `(*UTF8)`: every byte above 0x7f of the pattern is a character of its own. Source of the syntax:
//! the `pcrepattern` manual page. What has no exact counterpart is refused; a wrong reading would be worse than none.

use std::fmt::Write as _;

/// What the written pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To match texts: everything is kept.
    Match,
    /// To make texts of it: look-arounds, atomic and possessive marks are dropped, so the language is a little larger.
    Sample,
}

/// Why a pattern is refused: the part of it that has no counterpart.
pub(super) type Refused = String;

/// Returns `pattern` rewritten.
pub(super) fn translate(pattern: &str, purpose: Purpose) -> Result<String, Refused> {
    let mut reader =
        Reader { bytes: pattern.as_bytes(), at: 0, out: String::with_capacity(pattern.len() + 16), purpose, modes: vec![Mode::default()] };
    while reader.at < reader.bytes.len() {
        reader.item()?;
    }
    Ok(reader.out)
}

/// Inline flags that change how later characters are read; the rest is left to the engine.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    /// `(?m)`: `$` and `^` also match at line ends.
    multi_line: bool,
    /// The group is a look-around that [`Purpose::Sample`] drops.
    dropped: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    purpose: Purpose,
    /// One for each open group, the outermost first.
    modes: Vec<Mode>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest_starts(&self, text: &str) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn mode(&self) -> Mode {
        self.modes.last().copied().unwrap_or_default()
    }

    /// Takes the bytes up to and with the first `end`; refused when there is none.
    fn take_through(&mut self, end: u8) -> Result<String, Refused> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == end).ok_or_else(|| format!("an unclosed `{}`", String::from_utf8_lossy(rest)))?;
        let taken = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned();
        self.at += length + 1;
        Ok(taken)
    }

    /// Writes one byte that stands for itself.
    fn literal(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'/' {
            self.out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            write!(self.out, "\\x{byte:02X}").unwrap_or_default();
        }
    }

    fn item(&mut self) -> Result<(), Refused> {
        let Some(byte) = self.peek(0) else { return Ok(()) };
        match byte {
            b'\\' => self.escape(),
            b'[' => self.class(),
            b'(' => self.group(),
            b')' => {
                self.at += 1;
                self.out.push(')');
                let closed = if self.modes.len() > 1 { self.modes.pop() } else { None };
                if closed.is_some_and(|mode| mode.dropped) {
                    self.out.push_str("{0}");
                }
                Ok(())
            }
            b'$' => {
                self.at += 1;
                self.out.push_str(match (self.mode().multi_line, self.purpose) {
                    (true, _) => "(?m:$)",
                    (false, Purpose::Match) => r"(?=\n?\z)",
                    (false, Purpose::Sample) => r"\z",
                });
                Ok(())
            }
            b'{' if self.quantifier_length().is_none() => {
                self.at += 1;
                self.literal(b'{');
                Ok(())
            }
            b'*' | b'+' | b'?' | b'{' => {
                self.quantifier(byte);
                Ok(())
            }
            // Blanks and `#` mean something under `(?x)`, which the engine knows.
            b'.' | b'^' | b'|' | b' ' | b'\t' | b'\n' | b'#' => {
                self.at += 1;
                self.out.push(char::from(byte));
                Ok(())
            }
            _ => {
                self.at += 1;
                self.literal(byte);
                Ok(())
            }
        }
    }

    /// Returns the length of the counted repetition that begins here, if it is one: `{,3}` is plain text in PCRE.
    fn quantifier_length(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| *byte == b'}')?;
        let inner = std::str::from_utf8(rest.get(..length)?).ok()?;
        let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (number(least) && (most.is_empty() || number(most))).then_some(length + 2)
    }

    fn quantifier(&mut self, first: u8) {
        let length = if first == b'{' { self.quantifier_length().unwrap_or(1) } else { 1 };
        let text = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        self.out.push_str(&String::from_utf8_lossy(text));
        self.at += length;
        match self.peek(0) {
            Some(b'?') => {
                self.out.push('?');
                self.at += 1;
            }
            Some(b'+') => {
                if self.purpose == Purpose::Match {
                    self.out.push('+');
                }
                self.at += 1;
            }
            _ => {}
        }
    }

    fn group(&mut self) -> Result<(), Refused> {
        if self.rest_starts("(*") {
            return Err(self.quoted(12));
        }
        self.at += 1;
        if self.peek(0) != Some(b'?') {
            self.out.push('(');
            self.modes.push(Mode { dropped: false, ..self.mode() });
            return Ok(());
        }
        if self.rest_starts("?#") {
            self.take_through(b')')?;
            return Ok(());
        }
        for (mark, kept) in [("?:", "(?:"), ("?>", "(?>")] {
            if self.rest_starts(mark) {
                self.at += mark.len();
                self.out.push_str(if self.purpose == Purpose::Match { kept } else { "(?:" });
                self.modes.push(Mode { dropped: false, ..self.mode() });
                return Ok(());
            }
        }
        for mark in ["?=", "?!", "?<=", "?<!"] {
            if self.rest_starts(mark) {
                self.at += mark.len();
                let dropped = self.purpose == Purpose::Sample;
                self.out.push_str(if dropped { "(?:" } else { "(" });
                self.out.push_str(if dropped { "" } else { mark });
                self.modes.push(Mode { dropped, ..self.mode() });
                return Ok(());
            }
        }
        for (mark, end) in [("?P<", b'>'), ("?<", b'>'), ("?'", b'\'')] {
            if self.rest_starts(mark) {
                self.at += mark.len();
                let name = self.take_through(end)?;
                self.out.extend(["(?P<", &name, ">"]);
                self.modes.push(Mode { dropped: false, ..self.mode() });
                return Ok(());
            }
        }
        self.flags()
    }

    /// Reads `?i-s)` or `?i:`.
    fn flags(&mut self) -> Result<(), Refused> {
        let start = self.at;
        self.at += 1;
        let (mut on, mut multi_line) = (true, self.mode().multi_line);
        loop {
            match self.peek(0) {
                Some(b'-') => on = false,
                Some(b'm') => multi_line = on,
                Some(b'i' | b's' | b'x' | b'U') => {}
                Some(b')') => {
                    if let Some(mode) = self.modes.last_mut() {
                        mode.multi_line = multi_line;
                    }
                    break;
                }
                Some(b':') => {
                    self.modes.push(Mode { multi_line, dropped: false });
                    break;
                }
                _ => {
                    self.at = start.saturating_sub(1);
                    return Err(self.quoted(6));
                }
            }
            self.at += 1;
        }
        self.at += 1;
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        self.out.push('(');
        self.out.push_str(&String::from_utf8_lossy(text));
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refused> {
        if self.rest_starts("\\Q") {
            self.at += 2;
            while self.at < self.bytes.len() && !self.rest_starts("\\E") {
                let byte = self.peek(0).unwrap_or_default();
                self.literal(byte);
                self.at += 1;
            }
            self.at += 2;
            return Ok(());
        }
        let plain = match self.peek(1) {
            Some(b'A') => r"\A",
            Some(b'Z') if self.purpose == Purpose::Match => r"(?=\n?\z)",
            Some(b'z' | b'Z') => r"\z",
            Some(b'b') => r"\b",
            Some(b'B') => r"\B",
            Some(b'R') if self.purpose == Purpose::Match => r"(?>\r\n|[\n\x0B\x0C\r\x85])",
            Some(b'R') => r"\n",
            Some(b'N') => r"[^\n]",
            Some(b'C') => r"(?s:.)",
            Some(b'E') => "",
            Some(digit @ b'1'..=b'9') => return self.back_reference(digit),
            Some(b'k' | b'g' | b'G' | b'K' | b'X' | b'p' | b'P') => return Err(self.quoted(2)),
            _ => return self.class_escape(false).map(|_| ()),
        };
        self.out.push_str(plain);
        self.at += 2;
        Ok(())
    }

    /// A single digit is always a reference; more digits may be an octal number, which nobody means.
    fn back_reference(&mut self, digit: u8) -> Result<(), Refused> {
        if self.purpose == Purpose::Sample || self.peek(2).is_some_and(|next| next.is_ascii_digit()) {
            return Err(self.quoted(3));
        }
        self.out.push_str("(?:\\");
        self.out.push(char::from(digit));
        self.out.push(')');
        self.at += 2;
        Ok(())
    }

    /// Reads an escape that means the same inside a class. Returns whether it is a set of characters, after which `-` is plain.
    fn class_escape(&mut self, inside: bool) -> Result<bool, Refused> {
        let Some(byte) = self.peek(1) else { return Err(self.quoted(1)) };
        let set = match byte {
            b'd' => r"\d",
            b'D' => r"\D",
            b'w' => r"\w",
            b'W' => r"\W",
            b's' => r"\s",
            b'S' => r"\S",
            b'h' if inside => r"\t\x20\xA0",
            b'h' => r"[\t\x20\xA0]",
            b'H' if !inside => r"[^\t\x20\xA0]",
            b'v' if inside => r"\n\x0B\x0C\r\x85",
            b'v' => r"[\n\x0B\x0C\r\x85]",
            b'V' if !inside => r"[^\n\x0B\x0C\r\x85]",
            _ => "",
        };
        if !set.is_empty() {
            self.out.push_str(set);
            self.at += 2;
            return Ok(true);
        }
        let single = match byte {
            b'a' => 7,
            b'e' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' if inside => 8,
            b'0'..=b'7' => return self.octal(),
            b'x' => return self.hexadecimal(),
            b'c' => {
                let Some(control) = self.peek(2).filter(u8::is_ascii) else { return Err(self.quoted(2)) };
                self.at += 1;
                control.to_ascii_uppercase() ^ 0x40
            }
            other if other.is_ascii_alphanumeric() => return Err(self.quoted(2)),
            other => other,
        };
        self.literal(single);
        self.at += 2;
        Ok(false)
    }

    fn octal(&mut self) -> Result<bool, Refused> {
        let digits: Vec<u8> =
            self.bytes.get(self.at + 1..).unwrap_or_default().iter().copied().take(3).take_while(|b| (b'0'..=b'7').contains(b)).collect();
        let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
        let byte = u8::try_from(value).map_err(|_too_large| self.quoted(4))?;
        self.literal(byte);
        self.at += 1 + digits.len();
        Ok(false)
    }

    fn hexadecimal(&mut self) -> Result<bool, Refused> {
        let start = self.at;
        self.at += 2;
        let digits = if self.peek(0) == Some(b'{') {
            self.at += 1;
            self.take_through(b'}')?
        } else {
            let digits: Vec<u8> = self.bytes.get(self.at..).unwrap_or_default().iter().copied().take(2).take_while(u8::is_ascii_hexdigit).collect();
            self.at += digits.len();
            String::from_utf8_lossy(&digits).into_owned()
        };
        let value = if digits.is_empty() { Some(0) } else { u8::from_str_radix(&digits, 16).ok() };
        let Some(byte) = value else {
            self.at = start;
            return Err(self.quoted(6));
        };
        self.literal(byte);
        Ok(false)
    }

    fn class(&mut self) -> Result<(), Refused> {
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some(b'^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        // Whether the last item was a set (`\w`) or nothing yet: a `-` after it is plain.
        let mut after_set = true;
        loop {
            let Some(byte) = self.peek(0) else { return Err("an unclosed `[`".to_owned()) };
            match byte {
                b']' if !first => break,
                b'\\' => after_set = self.class_escape(true)?,
                b'[' if self.rest_starts("[:") => after_set = self.posix_class(),
                b'-' => {
                    let plain =
                        after_set || self.peek(1) == Some(b']') || matches!((self.peek(1), self.peek(2)), (Some(b'\\'), Some(b'd' | b'w' | b's')));
                    self.out.push_str(if plain { r"\-" } else { "-" });
                    self.at += 1;
                    after_set = !plain || after_set;
                }
                _ => {
                    self.literal(byte);
                    self.at += 1;
                    after_set = false;
                }
            }
            first = false;
        }
        self.out.push(']');
        self.at += 1;
        Ok(())
    }

    fn posix_class(&mut self) -> bool {
        let rest = self.bytes.get(self.at + 2..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'^').count();
        if rest.get(length..length + 2) != Some(b":]") {
            self.literal(b'[');
            self.at += 1;
            return false;
        }
        let name = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned();
        self.out.extend(["[:", &name, ":]"]);
        self.at += length + 4;
        true
    }

    /// Returns the next `length` bytes as they stand, for the reason of a refusal.
    fn quoted(&self, length: usize) -> Refused {
        let end = (self.at + length).min(self.bytes.len());
        format!("`{}`", String::from_utf8_lossy(self.bytes.get(self.at..end).unwrap_or_default()))
    }
}
