//! Fenced blocks as lines with their markers.

use super::Failure;

/// One line of a file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    pub(super) markers: Vec<Marker>,
}

/// What must be said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The line of the page, from 1.
    pub(super) at: usize,
    pub(super) level: String,
    /// A category or a rule.
    pub(super) what: Option<String>,
    /// Part of the message.
    pub(super) text: Option<String>,
}

/// A fenced block: what follows the fence, and the lines with their places.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The line of the opening fence, from 1.
    pub(super) at: usize,
    pub(super) language: String,
    pub(super) words: Vec<String>,
    pub(super) lines: Vec<(usize, String)>,
}

impl Block {
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|have| have == word)
    }

    /// Refuses words after the language that mean nothing.
    pub(super) fn only(&self, allowed: &[&str]) -> Result<(), Failure> {
        match self.words.iter().find(|word| !allowed.contains(&word.as_str())) {
            Some(word) => Err(Failure::new(self.at, format!("`{word}` after the language means nothing here"))),
            None => Ok(()),
        }
    }

    /// Returns the lines without their markers; a marker alone on a line goes to the next one.
    pub(super) fn content(&self) -> Result<Vec<Line>, Failure> {
        let escaped = self.has("escaped");
        let mut lines = Vec::new();
        let mut waiting = Vec::new();
        for (at, text) in &self.lines {
            let (text, markers) = cut(*at, text)?;
            waiting.extend(markers);
            // In a diff block a marker alone may stand behind the sign.
            if !waiting.is_empty() && text.trim_matches(['+', ' ', '-', '\t']).is_empty() {
                continue;
            }
            let bytes = if escaped { unescape(*at, text)? } else { text.as_bytes().to_vec() };
            lines.push(Line { bytes, markers: std::mem::take(&mut waiting) });
        }
        match waiting.first() {
            Some(marker) => Err(Failure::new(marker.at, "a marker stands above nothing")),
            None => Ok(lines),
        }
    }
}

/// Splits a line into its text and its markers.
fn cut(at: usize, line: &str) -> Result<(&str, Vec<Marker>), Failure> {
    let Some((text, rest)) = line.split_once("#~") else { return Ok((line, Vec::new())) };
    let markers = rest.split("#~").map(|marker| read(at, marker.trim())).collect::<Result<_, _>>()?;
    Ok((text.trim_end(), markers))
}

fn read(at: usize, marker: &str) -> Result<Marker, Failure> {
    let bad = |why: &str| Failure::new(at, format!("the marker `#~ {marker}` {why}"));
    let (head, text) = match marker.split_once('"') {
        Some((head, rest)) => (head, Some(rest.strip_suffix('"').ok_or_else(|| bad("has text after or without its closing quote"))?.to_owned())),
        None => (marker, None),
    };
    let mut words = head.split_whitespace();
    let level = words.next().unwrap_or_default().to_owned();
    if !["error", "warning", "info", "unknown"].contains(&level.as_str()) {
        return Err(bad("begins with none of error, warning, info, unknown"));
    }
    let what = words.next().map(str::to_owned);
    if words.next().is_some() {
        return Err(bad("has more than one category or rule"));
    }
    if what.is_none() && level != "unknown" {
        return Err(bad("names no category or rule"));
    }
    Ok(Marker { at, level, what, text })
}

fn unescape(at: usize, text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.bytes());
        if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
            continue;
        }
        let digits = after.strip_prefix('x').and_then(|digits| digits.get(..2));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| Failure::new(at, "after `\\` comes `\\` or `x` with two digits"))?);
        rest = after.get(3..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    Ok(bytes)
}
