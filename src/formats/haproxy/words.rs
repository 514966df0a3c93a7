//! A line of text -> words.
//!
//! The rules are those of HAProxy 2.6's `src/tools.c`, `parse_line`. What surprises: variables are replaced inside double quotes only; `\` before a
//! letter it does not know stays; a quote may open in the middle of a word; a quote that is not closed on its line is refused; a `"` after a variable
//! that is not set goes away together with the blanks after it. `tests/it/haproxy_syntax/` holds them against the real program.

use super::environment::{Environment, Value};
use super::syntax::Word;
use crate::formats::source::{HOLE_CLOSE, HOLE_OPEN, Source, hole};
use std::ops::Range;
use std::sync::Arc;

/// The most words of one line (HAProxy: `MAX_LINE_ARGS`).
const MAX_WORDS: usize = 64;

/// What HAProxy refuses in a line before it looks at the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// The bytes of the text that are to blame.
    pub(super) range: Range<usize>,
    /// What happened.
    pub(super) message: String,
    /// What to do.
    pub(super) help: &'static str,
}

/// Returns the words of the bytes `line` of `source`, which hold no line feed; and what is wrong with them. Linear.
pub(super) fn split(source: &Source, line: Range<usize>, environment: &mut Environment) -> (Vec<Word>, Option<Slip>) {
    let end = line.end;
    let text = source.text.get(..end).unwrap_or_default();
    let mut splitter = Splitter { source, text, at: line.start, word: None, words: Vec::new(), quote: None, slip: None };
    splitter.run(environment);
    (splitter.words, splitter.slip)
}

/// A word while it is read.
struct Unfinished {
    text: String,
    start: usize,
}

struct Splitter<'a> {
    source: &'a Source,
    /// The file up to the end of the line.
    text: &'a str,
    at: usize,
    word: Option<Unfinished>,
    words: Vec<Word>,
    /// The open quote and its place.
    quote: Option<(u8, usize)>,
    slip: Option<Slip>,
}

impl Splitter<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn run(&mut self, environment: &mut Environment) {
        while let Some(byte) = self.byte(self.at) {
            let quote = self.quote.map(|(quote, _)| quote);
            match byte {
                b'\r' => break,
                b'#' if quote.is_none() => break,
                b'"' | b'\'' if quote.is_none() => self.open(byte),
                b'"' | b'\'' if quote == Some(byte) => {
                    self.quote = None;
                    self.at += 1;
                }
                b'\\' if quote != Some(b'\'') => self.escape(quote),
                b' ' | b'\t' | 0x0b | 0x0c if quote.is_none() => {
                    self.finish();
                    self.at += 1;
                }
                b'$' if quote == Some(b'"') => self.variable(environment),
                _ => self.plain(),
            }
            if self.slip.is_some() {
                break;
            }
        }
        self.finish();
        if let (Some((_, start)), None) = (self.quote, &self.slip) {
            let message = "a quote is opened here and not closed on this line".to_owned();
            self.slip =
                Some(Slip { range: start..self.text.len(), message, help: "close the quote; HAProxy refuses the whole configuration until then" });
        }
    }

    /// Returns the word that is being read; one begins here if there is none.
    fn current(&mut self) -> &mut String {
        let start = self.at;
        &mut self.word.get_or_insert_with(|| Unfinished { text: String::new(), start }).text
    }

    fn push(&mut self, text: &str) {
        self.current().push_str(text);
    }

    fn finish(&mut self) {
        let Some(word) = self.word.take() else { return };
        let range = word.start..self.at;
        if self.words.len() == MAX_WORDS && self.slip.is_none() {
            let message = format!("this line has more than {MAX_WORDS} words");
            self.slip =
                Some(Slip { range: range.clone(), message, help: "write it on several lines; HAProxy refuses the whole configuration until then" });
        }
        self.words.push(Word { text: Arc::from(word.text), span: self.source.span(range) });
    }

    fn open(&mut self, quote: u8) {
        self.current();
        self.quote = Some((quote, self.at));
        self.at += 1;
    }

    /// Takes everything up to the next byte that may mean something.
    fn plain(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(HOLE_OPEN) {
            let length = rest.find(HOLE_CLOSE).map_or(rest.len(), |close| close + HOLE_CLOSE.len_utf8());
            self.push(rest.get(..length).unwrap_or_default());
            self.at += length;
            return;
        }
        let special =
            |(at, char): (usize, char)| at > 0 && matches!(char, '"' | '\'' | '\\' | '#' | '$' | ' ' | '\t' | '\r' | '\x0b' | '\x0c' | HOLE_OPEN);
        let length = rest.char_indices().find(|found| special(*found)).map_or(rest.len(), |(at, _)| at);
        self.push(rest.get(..length).unwrap_or_default());
        self.at += length;
    }

    fn escape(&mut self, quote: Option<u8>) {
        let resolved = match self.byte(self.at + 1) {
            Some(b' ') => Some(" "),
            Some(b'\\') => Some("\\"),
            Some(b't') => Some("\t"),
            Some(b'n') => Some("\n"),
            Some(b'r') => Some("\r"),
            Some(b'#') => Some("#"),
            Some(b'\'') => Some("'"),
            Some(b'"') => Some("\""),
            Some(b'$') if quote == Some(b'"') => Some("$"),
            Some(b'x') => return self.hexadecimal(),
            Some(_) | None => None,
        };
        self.push(resolved.unwrap_or("\\"));
        self.at += if resolved.is_some() { 2 } else { 1 };
    }

    /// `\xHH`, a byte.
    fn hexadecimal(&mut self) {
        let digits = self.text.get(self.at + 2..self.at + 4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            // A byte that is no character of its own is shown as everywhere else in files that are not UTF-8.
            self.current().push(if byte.is_ascii() { char::from(byte) } else { '?' });
            self.at += 4;
        } else {
            let end = (self.at + 2).min(self.text.len());
            let help = "write two hexadecimal digits after it; HAProxy refuses the whole configuration until then";
            self.slip = Some(Slip { range: self.at..end, message: "`\\x` is not followed by two hexadecimal digits".to_owned(), help });
            self.at = end;
        }
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`.
    fn variable(&mut self, environment: &mut Environment) {
        let start = self.at;
        match Reference::read(self.text, start) {
            Err((end, message)) => {
                let help = "mend the variable, or write `\\$` for a dollar; HAProxy refuses the whole configuration until then";
                self.current();
                self.slip = Some(Slip { range: start..end, message: message.to_owned(), help });
                self.at = end;
            }
            Ok(reference) => {
                let value = environment.value(reference.name, reference.default, &self.source.path);
                // The word begins with the quote, so there is one.
                self.current();
                self.at = reference.end;
                match value {
                    Value::Text(text) if reference.spread => self.spread(&text, start),
                    Value::Text(text) => self.push(&text),
                    Value::Unknown => {
                        let written = hole(self.text.get(start..reference.end).unwrap_or_default());
                        self.push(&written);
                    }
                    Value::Unset => self.swallow_quote(),
                }
            }
        }
    }

    /// `${NAME[*]}`: each blank of the value ends a word.
    fn spread(&mut self, text: &str, start: usize) {
        for (index, part) in text.split([' ', '\t', '\n', '\r']).filter(|part| !part.is_empty()).enumerate() {
            if index > 0 {
                self.finish();
                self.word = Some(Unfinished { text: String::new(), start });
            }
            self.push(part);
        }
    }

    /// After a variable that is not set and ends its quotes, those are gone, and the blanks after them.
    fn swallow_quote(&mut self) {
        if self.byte(self.at) == Some(b'"') {
            self.quote = None;
            self.at += 1;
            while matches!(self.byte(self.at), Some(b' ' | b'\t')) {
                self.at += 1;
            }
        }
    }
}

/// A variable as written.
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
    /// `[*]`: its words count as words of the line.
    spread: bool,
    end: usize,
}

impl<'a> Reference<'a> {
    /// Reads the reference at `start`, a `$`; the error is its end and what is wrong.
    fn read(text: &'a str, start: usize) -> Result<Self, (usize, &'static str)> {
        let bytes = text.as_bytes();
        let brace = bytes.get(start + 1) == Some(&b'{');
        let from = start + 1 + usize::from(brace);
        let dot = usize::from(bytes.get(from) == Some(&b'.'));
        let length = bytes.iter().skip(from + dot).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let mut at = from + dot + length;
        let name = text.get(from..at).unwrap_or_default();
        if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '.') {
            return Err((at, "this `$` in double quotes is not followed by the name of a variable"));
        }
        if !brace {
            return Ok(Self { name, default: None, spread: false, end: at });
        }
        let spread = bytes.get(at) == Some(&b'[');
        if spread {
            if text.get(at..at + 3) != Some("[*]") {
                return Err((at, "only `[*]` may follow the name of a variable in `${…}`"));
            }
            at += 3;
        }
        let rest = text.get(at..).unwrap_or_default();
        let close = rest.find('}').map(|close| at + close);
        match (bytes.get(at), close) {
            (Some(b'}'), _) => Ok(Self { name, default: None, spread, end: at + 1 }),
            (Some(b'-'), Some(close)) => Ok(Self { name, default: text.get(at + 1..close), spread, end: close + 1 }),
            (_, close) => {
                Err((close.map_or(text.len(), |close| close + 1), "this `${` is not closed as it should be: only `-default` may follow the name"))
            }
        }
    }
}
