//! Texts of which some parts are known and others are whatever the request carries.

use crate::model::{Capture, Converter, Name, Regex};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

/// The most known bytes of a text; no proxy takes a longer line.
const LONGEST: usize = 64 << 10;

/// The most pieces of a text.
const MOST_PIECES: usize = 64;

/// The longest words for what is not known, in bytes.
const LONGEST_WORDS: usize = 400;

/// Something a request carries that tests can look at independently of everything else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::analysis) enum Dim {
    /// The path as the tests see it.
    Path,
    Host,
    /// Without `?`.
    Query,
    Method,
    /// The address of the other end of the connection.
    Source,
    Header(Name),
    Cookie(Name),
    /// Whether a header or cookie is there, or the `?` of a query, where what it holds is empty: `1`, else empty. Of one that is not empty nothing is said here.
    Carried(Box<Dim>),
    /// Whether the client spells the path otherwise than it is seen, with escapes, dots or slashes in a row: `1`, else empty.
    Spelled,
    /// Whether the client speaks TLS to a listener that passes bytes on: `1`, else empty.
    Tls,
}

/// What is made of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::analysis) enum Making {
    Converted(Converter),
    /// The value of a parameter of a query.
    Parameter {
        name: Name,
        caseless: bool,
    },
    /// A group of a regex that was found in it.
    Group(Regex, Capture),
}

/// A piece of a [`Sym`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::analysis) enum Piece {
    /// These bytes; never empty.
    Text(Rc<[u8]>),
    /// What the request carries there, without its first bytes; it is at least that long.
    Rest { of: Dim, from: usize },
    /// `?` where the client sends a query that is not empty; `bare` where it sends `?`, be there nothing behind it.
    Mark { bare: bool },
    /// The path as the client spells it, where a proxy sees another.
    Spelling,
    /// What is made of another text.
    Made { by: Rc<Making>, of: Sym },
    /// Something that cannot be followed: equal to what is made in the same way, and nothing else is known of it.
    Unknown(Rc<str>),
}

/// What a client sends behind the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    /// `?` and no query.
    Mark,
    /// A query that is not empty.
    Query,
}

/// A text made while requests are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::analysis) struct Sym(Rc<Vec<Piece>>);

impl Sym {
    pub(super) fn text(text: &[u8]) -> Self {
        if text.is_empty() { Self::default() } else { Self::piece(Piece::Text(Rc::from(text))) }
    }

    pub(super) fn all(of: Dim) -> Self {
        Self::piece(Piece::Rest { of, from: 0 })
    }

    /// Returns the text that is known by nothing but how it is made. Long words are told apart by a number made of them.
    pub(super) fn unknown(words: &str) -> Self {
        if words.len() <= LONGEST_WORDS {
            return Self::piece(Piece::Unknown(Rc::from(words)));
        }
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        let start: String = words.chars().take(40).collect();
        Self::piece(Piece::Unknown(Rc::from(format!("{start}… {:016x}", hasher.finish()))))
    }

    /// Returns what `by` makes of this. What would be too long to say is no longer followed.
    pub(super) fn made(self, by: Making) -> Self {
        let made = Self::piece(Piece::Made { by: Rc::new(by), of: self });
        let words = made.to_string();
        if words.len() <= LONGEST_WORDS * 4 { made } else { Self::unknown(&words) }
    }

    pub(super) fn piece(piece: Piece) -> Self {
        Self(Rc::new(vec![piece]))
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Returns this followed by `other`. What gets too long is no longer followed: a variable that doubles itself would fill the memory.
    pub(super) fn then(&self, other: &Self) -> Self {
        if self.0.is_empty() {
            return other.clone();
        }
        if self.len() + other.len() > LONGEST || self.0.len() + other.0.len() > MOST_PIECES {
            return Self::unknown(&format!("{self}{other}"));
        }
        let mut pieces = (*self.0).clone();
        for piece in other.0.iter() {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(text)) => *last = last.iter().chain(text.iter()).copied().collect(),
                _ => pieces.push(piece.clone()),
            }
        }
        Self(Rc::new(pieces))
    }

    /// Returns how many bytes of it are known.
    fn len(&self) -> usize {
        self.0.iter().map(|piece| if let Piece::Text(text) = piece { text.len() } else { 0 }).sum()
    }

    /// Returns the bytes where all of it is known.
    pub(super) fn known(&self) -> Option<&[u8]> {
        match self.pieces() {
            [] => Some(&[]),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the dimension when this is all of it and nothing else.
    pub(super) fn whole(&self) -> Option<&Dim> {
        match self.pieces() {
            [Piece::Rest { of, from: 0 }] => Some(of),
            _ => None,
        }
    }

    /// Returns the one unknown part as dimension and its first byte, with the known texts around it.
    pub(super) fn around(&self) -> Option<(&[u8], &Dim, usize, &[u8])> {
        match self.pieces() {
            [Piece::Rest { of, from }] => Some((&[], of, *from, &[])),
            [Piece::Text(before), Piece::Rest { of, from }] => Some((before, of, *from, &[])),
            [Piece::Rest { of, from }, Piece::Text(after)] => Some((&[], of, *from, after)),
            [Piece::Text(before), Piece::Rest { of, from }, Piece::Text(after)] => Some((before, of, *from, after)),
            _ => None,
        }
    }

    /// Returns this without its first `most` bytes, which it has.
    pub(super) fn without_front(&self, most: usize) -> Self {
        let mut left = most;
        let mut pieces = Vec::with_capacity(self.0.len());
        for piece in self.0.iter() {
            match piece {
                Piece::Text(text) if left > 0 => {
                    let rest = text.get(left..).unwrap_or_default();
                    left = left.saturating_sub(text.len());
                    if !rest.is_empty() {
                        pieces.push(Piece::Text(Rc::from(rest)));
                    }
                }
                Piece::Rest { of, from } if left > 0 => {
                    pieces.push(Piece::Rest { of: of.clone(), from: from + left });
                    left = 0;
                }
                Piece::Unknown(_) | Piece::Made { .. } | Piece::Spelling if left > 0 => {
                    pieces.push(Piece::Unknown(Rc::from(format!("{} from byte {left}", Self::piece(piece.clone())))));
                    left = 0;
                }
                Piece::Text(_) | Piece::Rest { .. } | Piece::Mark { .. } | Piece::Made { .. } | Piece::Spelling | Piece::Unknown(_) => {
                    pieces.push(piece.clone());
                }
            }
        }
        Self(Rc::new(pieces))
    }

    /// Returns this with every [`Piece::Mark`] as it is for requests with such a query, and without the query where that is empty.
    pub(super) fn with_query(&self, sent: Sent) -> Self {
        let mut all = Self::default();
        for piece in self.0.iter() {
            match piece {
                Piece::Mark { bare } if sent == Sent::Query || sent == Sent::Mark && *bare => all = all.then(&Self::text(b"?")),
                Piece::Mark { .. } => {}
                Piece::Rest { of: Dim::Query, .. } if sent != Sent::Query => {}
                Piece::Made { by, of } if of.has_mark() => all = all.then(&of.with_query(sent).made((**by).clone())),
                other => all = all.then(&Self::piece(other.clone())),
            }
        }
        all
    }

    /// Returns the known bytes at its beginning.
    pub(super) fn known_front(&self) -> &[u8] {
        match self.pieces() {
            [Piece::Text(text), ..] => text,
            _ => &[],
        }
    }

    /// Returns whether a piece could not be followed, or was made so that another one may come out the same.
    pub(super) fn is_guess(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Unknown(_) | Piece::Made { .. }))
    }

    /// Returns whether a piece depends on whether there is a query.
    pub(super) fn has_mark(&self) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Mark { .. } => true,
            Piece::Made { of, .. } => of.has_mark(),
            Piece::Text(_) | Piece::Rest { .. } | Piece::Spelling | Piece::Unknown(_) => false,
        })
    }

    /// Returns whether it depends on how the client spells the path.
    pub(super) fn has_spelling(&self) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Spelling => true,
            Piece::Made { of, .. } => of.has_spelling(),
            Piece::Text(_) | Piece::Rest { .. } | Piece::Mark { .. } | Piece::Unknown(_) => false,
        })
    }

    /// Returns this for a path that is spelled as it is seen.
    pub(super) fn as_seen(&self) -> Self {
        let seen = |piece: &Piece| match piece {
            Piece::Spelling => Self::all(Dim::Path),
            Piece::Made { by, of } if of.has_spelling() => of.as_seen().made((**by).clone()),
            other => Self::piece(other.clone()),
        };
        self.0.iter().fold(Self::default(), |all, piece| all.then(&seen(piece)))
    }
}

impl fmt::Display for Sym {
    /// In a form that is the same for equal texts and for no others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.iter() {
            match piece {
                Piece::Text(text) => f.write_str(&String::from_utf8_lossy(text))?,
                Piece::Rest { of, from } => write!(f, "{{{of:?} from {from}}}")?,
                Piece::Mark { bare: false } => f.write_str("{?}")?,
                Piece::Mark { bare: true } => f.write_str("{bare ?}")?,
                Piece::Spelling => f.write_str("{path as sent}")?,
                Piece::Made { by, of } => write!(f, "{{{by:?} of {of}}}")?,
                Piece::Unknown(words) => write!(f, "{{{words}}}")?,
            }
        }
        Ok(())
    }
}
