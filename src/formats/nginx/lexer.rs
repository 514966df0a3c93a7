//! Bytes -> tokens. Total and lossless: every text has tokens, and joined they are the text.
//!
//! The rules are those of nginx's `src/core/ngx_conf_file.c`, `ngx_conf_read_token`, and surprise in four places: a quote counts only at the start
//! of a word; `#` likewise; `}` inside a word is part of it; `{` right after `$` does not end it. `tests/it/nginx_syntax.rs` holds them
//! against the real program.

use std::borrow::Cow;
use std::ops::Range;

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its bytes.
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks and line ends, or a byte order mark at the start.
    Blank,
    /// `#` to the end of the line.
    Comment,
    /// A word as written.
    Word,
    /// A word in quotes, quotes included.
    Quoted,
    /// A quoted word whose quote is not closed where it should be; it is cut at the end of its first line.
    Unclosed,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// The inside of a `*_by_lua_block`, braces not included.
    Raw,
}

/// Returns the tokens of `text`, in order, without gaps. Linear.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, tokens: Vec::with_capacity(text.len() / 4), lua: false, first: true };
    if text.starts_with('\u{feff}') {
        lexer.push(Kind::Blank, '\u{feff}'.len_utf8());
    }
    while lexer.at < lexer.bytes.len() {
        lexer.next();
    }
    lexer.tokens
}

/// Returns what nginx makes of a word written as `text`: quotes gone, escapes resolved. `\` before anything but a quote, itself,
/// `t`, `r` and `n` stays.
pub(super) fn unquote(text: &str, quoted: bool) -> Cow<'_, str> {
    let inner = if quoted { text.get(1..text.len() - 1).unwrap_or_default() } else { text };
    if inner.contains('\\') { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) }
}

/// Returns `inner` with nginx's escapes resolved.
pub(super) fn unescape(inner: &str) -> String {
    let mut word = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(char) = rest.next() {
        let escaped = if char == '\\' { rest.clone().next() } else { None };
        let resolved = match escaped {
            Some('"' | '\'' | '\\') => escaped,
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('n') => Some('\n'),
            Some(_) | None => None,
        };
        if resolved.is_some() {
            rest.next();
        }
        word.push(resolved.unwrap_or(char));
    }
    word
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    /// The statement that is being read began with `*_by_lua_block`.
    lua: bool,
    /// The next word begins a statement.
    first: bool,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Adds a token from here to `end`.
    fn push(&mut self, kind: Kind, end: usize) {
        let end = end.clamp(self.at, self.bytes.len());
        self.tokens.push(Token { kind, range: self.at..end });
        self.at = end;
    }

    /// Adds the token that starts here; it is never empty.
    fn next(&mut self) {
        let Some(byte) = self.byte(self.at) else { return };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.push(Kind::Blank, self.end_of(self.at, |b| !is_blank(b))),
            b'#' => self.push(Kind::Comment, self.end_of(self.at, |b| b == b'\n')),
            b';' => self.terminator(Kind::Semicolon),
            b'{' => {
                let lua = self.lua;
                self.terminator(Kind::Open);
                if lua {
                    self.push(Kind::Raw, lua_end(self.bytes, self.at));
                }
            }
            b'}' => self.terminator(Kind::Close),
            b'"' | b'\'' => self.quoted(byte),
            _ => self.word(),
        }
    }

    fn terminator(&mut self, kind: Kind) {
        self.push(kind, self.at + 1);
        self.first = true;
        self.lua = false;
    }

    /// Returns the first place from `at` on where `stop` holds, or the end.
    fn end_of(&self, at: usize, stop: impl Fn(u8) -> bool) -> usize {
        let length = self.bytes.get(at..).and_then(|rest| rest.iter().position(|byte| stop(*byte)));
        length.map_or(self.bytes.len(), |length| at + length)
    }

    fn word(&mut self) {
        let start = self.at;
        let mut at = start;
        let mut variable = false;
        loop {
            let plain = self.end_of(at, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b'\\' | b'$'));
            variable &= plain == at;
            at = plain;
            match self.byte(at) {
                None => break,
                Some(b'\\') => {
                    variable = false;
                    at = self.skip_escaped(at);
                    continue;
                }
                Some(b'$') => variable = true,
                Some(b'{') if variable => {}
                Some(_) if at > start => break,
                Some(_) => variable = false,
            }
            at += 1;
        }
        self.push(Kind::Word, at);
        if self.first {
            self.lua = self.bytes.get(start..at).is_some_and(|word| word.ends_with(b"_by_lua_block"));
        }
        self.first = false;
    }

    /// Returns the place after the backslash at `at` and the character it protects.
    fn skip_escaped(&self, at: usize) -> usize {
        let next = at + 2;
        (next..self.bytes.len()).find(|at| self.byte(*at).is_none_or(|b| b & 0xc0 != 0x80)).unwrap_or(self.bytes.len())
    }

    /// Reads a quoted word. nginx wants a blank, `;`, `{` or `)` after it. Where something else follows a word that runs over a line end, or
    /// the quote is never closed, the quote that is missing is most likely on the line where this one opens.
    fn quoted(&mut self, quote: u8) {
        self.first = false;
        let mut at = self.at + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\\' => at = self.skip_escaped(at),
                _ if byte == quote => {
                    let followed = self.byte(at + 1).is_none_or(|b| is_blank(b) || matches!(b, b';' | b'{' | b')'));
                    let one_line = || !self.bytes.get(self.at..at).is_some_and(|word| word.contains(&b'\n'));
                    if followed || one_line() {
                        return self.push(Kind::Quoted, at + 1);
                    }
                    break;
                }
                _ => at += 1,
            }
        }
        let line = self.end_of(self.at, |b| b == b'\n');
        let written = self.bytes.get(self.at..line).unwrap_or_default().trim_ascii_end();
        let written = written.strip_suffix(b";").or_else(|| written.strip_suffix(b"{")).unwrap_or(written).trim_ascii_end();
        self.push(Kind::Unclosed, self.at + written.len().max(1));
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Returns where the Lua code that starts at `at` ends: at the `}` that closes the block, or at the end of the text. Braces in Lua's strings
/// and comments do not count (lua-nginx-module, `ngx_http_lua_conf_lua_block_parse`).
fn lua_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    let starts = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'}' if depth == 0 => return at,
            b'}' => depth -= 1,
            b'{' => depth += 1,
            b'"' | b'\'' => at = lua_string_end(bytes, at, byte),
            b'-' if starts(at, b"--") => {
                at = match long_bracket(bytes, at + 2) {
                    Some(end) => end,
                    None => (at..bytes.len()).find(|at| bytes.get(*at) == Some(&b'\n')).unwrap_or(bytes.len()),
                };
                continue;
            }
            b'[' => {
                if let Some(end) = long_bracket(bytes, at) {
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Returns the place of the quote that ends the Lua string opened at `at`, or of the line end before it.
fn lua_string_end(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            _ if byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Returns the end of the long bracket (`[[…]]`, `[==[…]==]`) that opens at `at`, if one does.
fn long_bracket(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|b| **b == b'=').count();
    let inside = rest.get(level..)?.strip_prefix(b"[")?;
    let close: Vec<u8> = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
    let start = bytes.len() - inside.len();
    let end = inside.windows(close.len()).position(|window| window == close);
    Some(end.map_or(bytes.len(), |end| start + end + close.len()))
}
