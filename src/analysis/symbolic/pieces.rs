//! Texts of several parts: which requests have one that is in a language.

use super::ask::{Asker, Parts, Stop, all};
use super::cell::Cell;
use super::front::Front;
use super::sym::{Dim, Making, Piece};
use crate::space::LanguageId;

/// How many kinds of beginnings a text of two parts may have.
const MOST_BEGINNINGS: usize = 60;

/// The most parts that a cell is split into by one text.
const MOST_PARTS: usize = 400;

/// The parts of a cell, or why the text was not followed.
pub(super) type Followed = Result<Result<Parts, String>, Stop>;

impl Asker {
    /// Returns which requests of `cell` have a text of these pieces in `language`.
    ///
    /// Known text is read off; where more than one part is unknown, the first may lead the reader of the language to any of a few places, and what may follow is
    /// another language for each.
    pub(super) fn pieces_in(&mut self, cell: &Cell, pieces: &[Piece], language: LanguageId) -> Followed {
        self.spend()?;
        match pieces {
            [] => Ok(Ok(all(cell, self.languages.contains(language, b"")?))),
            [Piece::Text(text), rest @ ..] => {
                let language = self.languages.after(language, text)?;
                self.pieces_in(cell, rest, language)
            }
            [piece] => self.piece_in(cell, piece, language),
            [piece, Piece::Text(after)] => {
                let language = self.languages.pulled(language, 0, &[], after)?;
                self.piece_in(cell, piece, language)
            }
            [piece, Piece::Text(between), rest @ ..] => self.one_after_the_other(cell, piece, (between, rest), language),
            [piece, rest @ ..] => self.one_after_the_other(cell, piece, (&[], rest), language),
        }
    }

    fn one_after_the_other(&mut self, cell: &Cell, piece: &Piece, (between, rest): (&[u8], &[Piece]), language: LanguageId) -> Followed {
        let Some(beginnings) = self.languages.beginnings(language, between, MOST_BEGINNINGS)? else {
            return Ok(Err("a text is made of several unknown parts".to_owned()));
        };
        let last = beginnings.len().saturating_sub(1);
        let mut parts = Vec::new();
        let mut open = vec![cell.clone()];
        for (number, (texts, left)) in beginnings.into_iter().enumerate() {
            let mut next = Vec::new();
            for cell in open {
                let found = if number == last {
                    all(&cell, true)
                } else {
                    match self.piece_in(&cell, piece, texts)? {
                        Ok(found) => found,
                        Err(why) => return Ok(Err(why)),
                    }
                };
                for (part, yes) in found {
                    if !yes {
                        next.push(part);
                    } else if self.satisfiable(&part)? {
                        match self.pieces_in(&part, rest, left)? {
                            Ok(found) => parts.extend(found),
                            Err(why) => return Ok(Err(why)),
                        }
                    }
                }
            }
            if parts.len() + next.len() > MOST_PARTS {
                return Ok(Err("a text is made of several unknown parts".to_owned()));
            }
            open = next;
        }
        Ok(Ok(parts))
    }

    fn piece_in(&mut self, cell: &Cell, piece: &Piece, language: LanguageId) -> Followed {
        match piece {
            Piece::Text(text) => Ok(Ok(all(cell, self.languages.contains(language, text)?))),
            Piece::Rest { of: Dim::Source, .. } => Ok(Err("an address is compared as a text".to_owned())),
            Piece::Rest { of, from } => {
                let language = if *from == 0 { language } else { self.languages.pulled(language, *from, &[], &[])? };
                self.text_passes(cell, of, language, Front::default()).map(Ok)
            }
            Piece::Made { by, of } => {
                let before = match &**by {
                    Making::Converted(by) => self.languages.before_conversion(language, by),
                    Making::Parameter { name, caseless } => Some(self.languages.parameter_in(language, name, *caseless)),
                    Making::Group(regex, group) => match self.languages.group_in(language, regex, group) {
                        Ok(language) => Some(language),
                        Err(why) => return Ok(Err(why.to_string())),
                    },
                };
                match before {
                    Some(language) => self.pieces_in(cell, of.pieces(), language),
                    None => Ok(Err("a text is converted in a way that is not followed".to_owned())),
                }
            }
            Piece::Mark { .. } | Piece::Spelling | Piece::Unknown(_) => Ok(Err("a text is made of several unknown parts".to_owned())),
        }
    }
}
