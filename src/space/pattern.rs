//! One regular expression of a configuration, matched on bytes as the proxy matches it.

use super::dialect::{Purpose, translate};
use crate::model::{Name, Regex, RegexDialect};
use fancy_regex::{BytesMode, RegexOptionsBuilder};
use std::fmt;

/// How often the engine may go back before a text counts as too hard. PCRE has such a limit too (`pcre_match_limit`); nginx then answers 500.
const BACKTRACK_LIMIT: usize = 100_000;

/// The most bytes of compiled program for one pattern.
const PROGRAM_BYTES: usize = 4 << 20;

/// A compiled regular expression.
pub struct Pattern {
    regex: fancy_regex::Regex,
    names: Vec<(Name, usize)>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.regex.as_str()).finish()
    }
}

/// Why a pattern cannot be used: what it contains that cannot be read, or that it is too large.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// A text on which the pattern needs more steps than a proxy would spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern takes too many steps on this text")]
pub struct TooHard;

/// What a pattern found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures {
    /// The groups by number, 0 the whole match; `None` where a group took no part.
    pub groups: Vec<Option<Vec<u8>>>,
    /// The named groups that took part.
    pub named: Vec<(Name, Vec<u8>)>,
}

impl Pattern {
    /// Compiles `regex`.
    ///
    /// # Errors
    /// [`Unreadable`] when it holds something without an exact counterpart, or is too large.
    pub fn new(regex: &Regex) -> Result<Self, Unreadable> {
        let pattern = match regex.dialect {
            RegexDialect::Pcre => translate(&regex.pattern, Purpose::Match).map_err(Unreadable)?,
            RegexDialect::Re2Full => format!(r"\A(?:{})\z", regex.pattern),
            RegexDialect::Re2Search => regex.pattern.to_string(),
        };
        let compiled = RegexOptionsBuilder::new()
            .bytes_mode(BytesMode::Ascii)
            .case_insensitive(regex.caseless)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(PROGRAM_BYTES)
            .max_prog_size(PROGRAM_BYTES / 64)
            .build(pattern)
            .map_err(|error| Unreadable(error.to_string()))?;
        let names = compiled.capture_names().enumerate().filter_map(|(at, name)| name.map(|name| (Name::from(name), at))).collect();
        Ok(Self { regex: compiled, names })
    }

    /// Returns what the pattern finds in `text`, `None` when it does not match.
    ///
    /// # Errors
    /// [`TooHard`] at the step limit.
    pub fn find(&self, text: &[u8]) -> Result<Option<Captures>, TooHard> {
        // Most patterns do not match most texts, and finding that out is cheaper than finding groups.
        if !self.regex.is_match(text).map_err(|_limit| TooHard)? {
            return Ok(None);
        }
        let Some(found) = self.regex.captures(text).map_err(|_limit| TooHard)? else { return Ok(None) };
        let group = |at: usize| found.get(at).map(|group| group.as_bytes().to_vec());
        let groups: Vec<Option<Vec<u8>>> = (0..found.len()).map(group).collect();
        let named = self.names.iter().filter_map(|(name, at)| group(*at).map(|text| (Name::clone(name), text))).collect();
        Ok(Some(Captures { groups, named }))
    }

    /// Returns `text` with what the pattern finds replaced by `with`, in which `\1` is the first group; every occurrence with `all`.
    ///
    /// # Errors
    /// [`TooHard`] at the step limit.
    pub fn replace(&self, text: &[u8], with: &str, all: bool) -> Result<Vec<u8>, TooHard> {
        let mut replaced = Vec::with_capacity(text.len());
        let mut at = 0;
        while at <= text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let Some(found) = self.regex.captures(rest).map_err(|_limit| TooHard)? else { break };
            let Some(whole) = found.get(0) else { break };
            replaced.extend_from_slice(rest.get(..whole.start()).unwrap_or_default());
            let mut template = with.bytes().peekable();
            while let Some(byte) = template.next() {
                match (byte, template.peek()) {
                    (b'\\', Some(digit)) if digit.is_ascii_digit() => {
                        let group = usize::from(digit - b'0');
                        replaced.extend_from_slice(found.get(group).map(|group| group.as_bytes()).unwrap_or_default());
                        template.next();
                    }
                    (b'\\', Some(_)) => replaced.extend(template.next()),
                    _ => replaced.push(byte),
                }
            }
            at += whole.end();
            if whole.end() == whole.start() {
                // Nothing was found: one byte on, so that it ends.
                replaced.extend(text.get(at));
                at += 1;
            }
            if !all {
                break;
            }
        }
        replaced.extend_from_slice(text.get(at.min(text.len())..).unwrap_or_default());
        Ok(replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn pcre(pattern: &str) -> Result<Pattern, Unreadable> {
        Pattern::new(&Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() })
    }

    fn matches(pattern: &str, text: &[u8]) -> bool {
        pcre(pattern).unwrap().find(text).unwrap().is_some()
    }

    #[test]
    fn a_dollar_also_matches_before_a_final_line_feed() {
        assert!(matches(r"\.php$", b"/x.php\n"));
        assert!(matches(r"\.php\Z", b"/x.php\n"));
        assert!(!matches(r"\.php\z", b"/x.php\n"));
        assert!(!matches(r"\.php$", b"/x.php\n\n"));
        assert!(matches(r"(?m)a$", b"a\nb"));
    }

    #[test]
    fn bytes_are_characters() {
        assert!(matches("^/ä$", "/ä".as_bytes()));
        assert!(matches(r"^/..$", "/ä".as_bytes()));
        assert!(matches(r"^[^\w]+$", "ä".as_bytes()));
        assert!(!matches(r"^/\w$", "/ä".as_bytes()));
        assert!(matches(r"^/\xC3\xA4$", "/ä".as_bytes()));
        assert!(matches("^/.*$", b"/\xff\xfe"));
    }

    #[test]
    fn the_syntax_of_pcre_is_read() {
        for (pattern, text) in [
            (r"\Qa.b\E$", "a.b"),
            ("^[]a]+$", "]a"),
            ("^[^]a]+$", "bc"),
            (r"^[\w-.]+$", "a-."),
            ("^[a&&b]+$", "&a"),
            ("^[[a]+$", "[a"),
            ("^[[:digit:]x]+$", "1x"),
            ("^a{,3}$", "a{,3}"),
            ("x{", "x{"),
            (r"\/x", "/x"),
            (r"^(\w+)/\1$", "ab/ab"),
            ("^a++b$", "aab"),
            ("^(?>a+)b$", "aab"),
            (r"^\x{41}\x41\cA$", "AA\u{1}"),
            (r"^\h\R$", " \r\n"),
            ("(?#note)^a#b$", "a#b"),
            ("(?x) ^ a b $", "ab"),
            ("(?i)^ABC$", "abc"),
            ("^(?!/api)/.*", "/web"),
            (r"^/[a-z0-9_\-]+$", "/a-b"),
            (r"^[+\-*/]$", "-"),
        ] {
            assert!(matches(pattern, text.as_bytes()), "{pattern} should match {text:?}");
        }
        assert!(!matches("^(?!/api)/.*", b"/api/x"));
        assert!(!matches("^a++ab$", b"aaab"));
        assert!(!matches(r"^[\w-.]$", b"+"));
    }

    #[test]
    fn all_spellings_of_a_named_group_are_one() {
        for pattern in ["/(?<user>[a-z]+)/", "/(?P<user>[a-z]+)/", "/(?'user'[a-z]+)/"] {
            let found = pcre(pattern).unwrap().find(b"/ann/x").unwrap().unwrap();
            assert_eq!(found.named, [(Name::from("user"), b"ann".to_vec())]);
            assert_eq!(found.groups[1], Some(b"ann".to_vec()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for pattern in ["(?R)", "(?1)", r"a\K", r"\p{L}", "(?|a|b)", "(*UTF8)a", "(?(1)a)", "[a", "(a", "*a", r"\k{n}"] {
            assert!(pcre(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_bomb_goes_off_in_the_limit() {
        let text = [b"a".repeat(60), b"!".to_vec()].concat();
        assert!(pcre(r"^(?=(a+)+$)\1").unwrap().find(&text).is_err() || pcre("^(a|a)*+$").unwrap().find(&text).is_ok());
        assert!(pcre("((a{1000}){1000}){1000}").is_err());
    }
}
