//! From a regular expression to a language.
//!
//! The parts of a pattern are put together from left to right. What looks around is a set operation at that place: what looks back is an intersection
//! with the texts so far, what looks ahead one with the texts to come. `^(?!/api)` is "everything, and not what begins with `/api`".

use super::alphabet::ByteSet;
use super::node::{ALL, Arena, BLANK, NOTHING};
use super::shape::{greedy_end, longest, looks_around, nth_group, one_byte, shortest, ungrouped, unreadable};
use super::{LanguageId, NotRegular, OutOfBudget};
use crate::model::{Capture, Regex, RegexDialect};
use crate::space::dialect::{Purpose, translate};
use fancy_regex::{Assertion, Expr, LookAround};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, HirKind};
use std::collections::BTreeMap;

/// The longest pattern that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// The most ways that alternatives with look-arounds in them are taken apart into.
const MOST_WAYS: usize = 256;

/// The most times that something that looks around is repeated, if not without an end.
const MOST_TIMES: usize = 4;

/// Returns the texts in which `regex` finds something.
pub(super) fn pattern(arena: &mut Arena, regex: &Regex) -> Result<LanguageId, NotRegular> {
    let (tree, _) = parsed(regex)?;
    let mut compiler = Compiler { arena, ways: 0, group: None };
    compiler.sequence(Left { texts: ALL, cut: false }, &[&tree], Right { texts: ALL, cut: false })
}

/// Returns the texts in which there is a way to match `regex` so that a group of it is one of `texts`; without the group it is the empty text.
pub(super) fn pattern_with_group(arena: &mut Arena, regex: &Regex, group: &Capture, texts: LanguageId) -> Result<LanguageId, NotRegular> {
    let (tree, names) = parsed(regex)?;
    let number = match group {
        Capture::Index(number) => usize::from(*number),
        Capture::Named(name) => *names.get(&**name).ok_or_else(|| NotRegular("a group that is not there".to_owned()))?,
    };
    let mut left = number;
    let found = if number == 0 { None } else { nth_group(&tree, &mut left) };
    // A group that the pattern does not have is always the empty text.
    let Some(target) = found else {
        return if number > 0 && arena.has_blank(texts) {
            pattern(arena, regex)
        } else if number > 0 {
            Ok(NOTHING)
        } else {
            Err(NotRegular("the whole match".to_owned()))
        };
    };
    // What a greedy end leaves behind is not one of its bytes: `^/([^/]+)` takes all of the segment.
    let more = greedy_end(&tree).cloned();
    let mut compiler = Compiler { arena, ways: 0, group: None };
    let after = match more {
        Some(byte) => {
            let byte = compiler.plain(&byte)?;
            let goes_on = compiler.arena.then(byte, ALL);
            compiler.arena.not(goes_on)
        }
        None => ALL,
    };
    compiler.group = Some((std::ptr::from_ref(target), texts));
    compiler.sequence(Left { texts: ALL, cut: false }, &[&tree], Right { texts: after, cut: false })
}

/// Returns the tree of a pattern, with the numbers of its named groups.
fn parsed(regex: &Regex) -> Result<(Expr, BTreeMap<String, usize>), NotRegular> {
    if regex.pattern.len() > LONGEST {
        return Err(NotRegular(format!("the pattern has more than {LONGEST} bytes")));
    }
    let text = match regex.dialect {
        RegexDialect::Pcre => translate(&regex.pattern, Purpose::Match).map_err(NotRegular)?,
        RegexDialect::Re2Full => format!(r"\A(?:{})\z", regex.pattern),
        RegexDialect::Re2Search => regex.pattern.to_string(),
    };
    let text = if regex.caseless { format!("(?i){text}") } else { text };
    let tree = Expr::parse_tree_with_flags(&text, 0).map_err(|error| NotRegular(error.to_string()))?;
    if tree.contains_subroutines {
        return Err(NotRegular("a group that calls a group".to_owned()));
    }
    let once = |(name, numbers): (String, Vec<usize>)| if let [number] = numbers.as_slice() { Some((name, *number)) } else { None };
    Ok((tree.expr, tree.named_groups.into_iter().filter_map(once).collect()))
}

/// The texts before a place in the pattern.
#[derive(Clone, Copy)]
struct Left {
    texts: LanguageId,
    /// Only a part of what is before, back to a look-ahead.
    cut: bool,
}

/// The texts after what is read.
#[derive(Clone, Copy)]
struct Right {
    texts: LanguageId,
    /// Only a part of what comes: this is inside a look-behind.
    cut: bool,
}

/// What must come after a place: texts of each of these, that say so within so many bytes.
#[derive(Default)]
struct Ahead {
    each: Vec<LanguageId>,
    reach: u32,
}

impl Ahead {
    fn add(&mut self, texts: LanguageId, reach: u32) {
        self.each.push(texts);
        self.reach = self.reach.max(reach);
    }
}

/// What holds at a place between two bytes, or not.
enum Place<'e> {
    /// Looks at what is before: the end of it is in the language, or is not.
    Back(&'e Expr, bool),
    /// Looks at what comes.
    Ahead(&'e Expr, bool),
    /// Is there.
    Anchor(Assertion),
}

struct Compiler<'a> {
    arena: &'a mut Arena,
    ways: usize,
    /// A group by its place in the tree, and what it has to be.
    group: Option<(*const Expr, LanguageId)>,
}

impl Compiler<'_> {
    /// Returns the texts made of one of `left`, one for each of `parts`, and one of `right`.
    fn sequence(&mut self, mut left: Left, parts: &[&Expr], right: Right) -> Result<LanguageId, NotRegular> {
        let mut rest: Vec<&Expr> = parts.iter().rev().copied().collect();
        while let Some(part) = rest.pop() {
            if left.texts == NOTHING {
                return Ok(NOTHING);
            }
            if !looks_around(part) {
                rest.push(part);
                let texts = self.plain_run(&mut rest)?;
                left.texts = self.arena.then(left.texts, texts);
                continue;
            }
            let plainly = matches!(part, Expr::Concat(_)) || matches!(part, Expr::Group(_)) && !self.is_wanted(part);
            if self.holds_wanted(part) && !plainly {
                return Err(NotRegular("a group that looks around, or in what does".to_owned()));
            }
            match part {
                Expr::Concat(inner) => rest.extend(inner.iter().rev()),
                Expr::Group(inner) => rest.push(inner),
                Expr::Alt(ways) => {
                    let ways: Vec<Vec<&Expr>> = ways.iter().map(|way| vec![way]).collect();
                    return self.branch(left, &ways, &rest, right);
                }
                Expr::Repeat { child, lo, hi: usize::MAX, .. } if *lo <= MOST_TIMES => {
                    let after = self.remaining(&rest, right)?;
                    let repeated = self.repeated(child, after, right.cut)?;
                    let first: Vec<&Expr> = vec![child.as_ref(); *lo];
                    return self.sequence(left, &first, Right { texts: repeated, ..right });
                }
                Expr::Repeat { child, lo, hi, .. } => {
                    if *hi > MOST_TIMES {
                        return Err(NotRegular("what looks around, repeated often".to_owned()));
                    }
                    let ways: Vec<Vec<&Expr>> = (*lo..=*hi).map(|times| vec![child.as_ref(); times]).collect();
                    return self.branch(left, &ways, &rest, right);
                }
                Expr::AtomicGroup(inner) => {
                    let after = self.remaining(&rest, right)?;
                    if !self.takes_all_anyway(inner, after)? {
                        return Err(NotRegular("a group that gives nothing back".to_owned()));
                    }
                    rest.push(inner);
                }
                Expr::Assertion(_) | Expr::LookAround(..) => {
                    rest.push(part);
                    return self.at_place(left, rest, right);
                }
                other => return Err(NotRegular(unreadable(other).to_owned())),
            }
        }
        Ok(self.arena.then(left.texts, right.texts))
    }

    /// Takes the parts that do not look around, and returns their texts, one after the other.
    fn plain_run(&mut self, rest: &mut Vec<&Expr>) -> Result<LanguageId, NotRegular> {
        let mut run = Vec::new();
        while let Some(part) = rest.pop_if(|part| !looks_around(part)) {
            run.push(self.plain(part)?);
        }
        Ok(self.arena.sequence(&run))
    }

    /// Returns the texts with one of `ways` at this place.
    fn branch(&mut self, left: Left, ways: &[Vec<&Expr>], rest: &[&Expr], right: Right) -> Result<LanguageId, NotRegular> {
        self.ways += ways.len();
        if self.ways > MOST_WAYS {
            return Err(NotRegular("too many alternatives that look around".to_owned()));
        }
        let mut all = Vec::with_capacity(ways.len());
        for way in ways {
            let parts: Vec<&Expr> = way.iter().copied().chain(rest.iter().rev().copied()).collect();
            all.push(self.sequence(left, &parts, right)?);
        }
        Ok(self.arena.any(all))
    }

    /// Returns the texts of any number of `part`, which looks ahead, and then one of `after`: `((?!x).)*`.
    fn repeated(&mut self, part: &Expr, after: LanguageId, cut: bool) -> Result<LanguageId, NotRegular> {
        if cut || shortest(part) == 0 {
            return Err(NotRegular("what looks around and may be empty, repeated".to_owned()));
        }
        // Whether it is one that matters depends on what follows, which is the loop itself.
        if part.has_descendant_or_self(|part| matches!(part, Expr::AtomicGroup(_))) {
            return Err(NotRegular("a group that gives nothing back".to_owned()));
        }
        let (repeated, new) = self.arena.repeated(&format!("{part:?}"), after);
        if new {
            let once = self.sequence(Left { texts: BLANK, cut: true }, &[part], Right { texts: repeated, cut: false })?;
            let unfolded = self.arena.any(vec![after, once]);
            self.arena.unfold(repeated, unfolded);
        }
        Ok(repeated)
    }

    /// Returns the texts of what is left to read, `rest` being in reverse.
    fn remaining(&mut self, rest: &[&Expr], right: Right) -> Result<LanguageId, NotRegular> {
        let parts: Vec<&Expr> = rest.iter().rev().copied().collect();
        self.sequence(Left { texts: BLANK, cut: true }, &parts, right)
    }

    /// Reads all assertions at one place; they may stand in any order.
    fn at_place(&mut self, mut left: Left, mut rest: Vec<&Expr>, right: Right) -> Result<LanguageId, NotRegular> {
        let mut places = Vec::new();
        while let Some(part) = rest.last() {
            match part {
                Expr::Assertion(assertion) => places.push(Place::Anchor(*assertion)),
                Expr::LookAround(inner, LookAround::LookAhead) => places.push(Place::Ahead(inner, true)),
                Expr::LookAround(inner, LookAround::LookAheadNeg) => places.push(Place::Ahead(inner, false)),
                Expr::LookAround(inner, LookAround::LookBehind) => places.push(Place::Back(inner, true)),
                Expr::LookAround(inner, LookAround::LookBehindNeg) => places.push(Place::Back(inner, false)),
                Expr::Empty => {}
                _ => break,
            }
            rest.pop();
        }
        let mut ahead = Ahead::default();
        let mut boundaries = Vec::new();
        for place in &places {
            match place {
                Place::Anchor(Assertion::WordBoundary) => boundaries.push(true),
                Place::Anchor(Assertion::NotWordBoundary) => boundaries.push(false),
                Place::Anchor(anchor) => self.anchor(*anchor, &mut left, &mut ahead)?,
                Place::Back(inner, wanted) => {
                    let reach = longest(inner);
                    let start = Left { texts: ALL, cut: reach.is_none() && left.cut };
                    let texts = self.sequence(start, &[inner], Right { texts: BLANK, cut: true })?;
                    let texts = if *wanted { texts } else { self.arena.not(texts) };
                    left.texts = self.back(left, texts, reach.unwrap_or(u32::MAX))?;
                }
                Place::Ahead(inner, wanted) => {
                    let start = Left { texts: BLANK, cut: left.cut || left.texts != BLANK };
                    let texts = self.sequence(start, &[inner], Right { texts: ALL, cut: false })?;
                    let texts = if *wanted { texts } else { self.arena.not(texts) };
                    ahead.add(texts, longest(inner).unwrap_or(u32::MAX));
                }
            }
        }
        match boundaries.as_slice() {
            [] => self.joined(left, &ahead, &rest, right),
            [first, others @ ..] if others.iter().all(|other| other == first) => self.at_boundary(left, *first, &ahead, (&rest, right)),
            _ => Ok(NOTHING),
        }
    }

    fn anchor(&mut self, anchor: Assertion, left: &mut Left, ahead: &mut Ahead) -> Result<(), NotRegular> {
        let feed = self.arena.bytes(ByteSet::of([b'\n']));
        match anchor {
            Assertion::StartText => left.texts = self.back(*left, BLANK, 0)?,
            Assertion::StartLine { crlf: false } => {
                let line = self.arena.then(ALL, feed);
                let line = self.arena.any(vec![BLANK, line]);
                left.texts = self.back(*left, line, 1)?;
            }
            Assertion::EndText => ahead.add(BLANK, 1),
            Assertion::EndLine { crlf: false } => {
                let line = self.arena.then(feed, ALL);
                let line = self.arena.any(vec![BLANK, line]);
                ahead.add(line, 1);
            }
            _ => return Err(NotRegular("an anchor of another dialect".to_owned())),
        }
        Ok(())
    }

    /// Returns the texts with a word on one side of this place and none on the other, or else with the same on both.
    fn at_boundary(&mut self, left: Left, differs: bool, ahead: &Ahead, (rest, right): (&[&Expr], Right)) -> Result<LanguageId, NotRegular> {
        let word = self.arena.bytes(ByteSet::of((0..=u8::MAX).filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')));
        let ends_in_word = self.arena.then(ALL, word);
        let begins_with_word = self.arena.then(word, ALL);
        let mut all = Vec::new();
        for word_before in [true, false] {
            let before = if word_before { ends_in_word } else { self.arena.not(ends_in_word) };
            let word_after = word_before != differs;
            let after = if word_after { begins_with_word } else { self.arena.not(begins_with_word) };
            let texts = self.back(left, before, 1)?;
            let each = ahead.each.iter().copied().chain([after]).collect();
            all.push(self.joined(Left { texts, ..left }, &Ahead { each, reach: ahead.reach.max(1) }, rest, right)?);
        }
        Ok(self.arena.any(all))
    }

    /// Returns the texts of `left` with those of `rest` and `right` after them that are also in each of `ahead`.
    fn joined(&mut self, left: Left, ahead: &Ahead, rest: &[&Expr], right: Right) -> Result<LanguageId, NotRegular> {
        let parts: Vec<&Expr> = rest.iter().rev().copied().collect();
        if ahead.each.is_empty() {
            return self.sequence(left, &parts, right);
        }
        if left.texts == NOTHING {
            return Ok(NOTHING);
        }
        let cut = left.cut || left.texts != BLANK;
        let after = self.sequence(Left { texts: BLANK, cut }, &parts, right)?;
        if right.cut && self.arena.least_length(after) < ahead.reach {
            return Err(NotRegular("what looks ahead to after what looks back".to_owned()));
        }
        let after = self.arena.both(ahead.each.iter().copied().chain([after]).collect());
        Ok(self.arena.then(left.texts, after))
    }

    /// Returns the texts before that are also in `wanted`, which looks back so many bytes.
    fn back(&mut self, left: Left, wanted: LanguageId, reach: u32) -> Result<LanguageId, NotRegular> {
        let least = self.arena.least_length(left.texts);
        if left.cut && (wanted == BLANK && least == 0 || least < reach) {
            return Err(NotRegular("what looks back to before what looks ahead".to_owned()));
        }
        Ok(self.arena.both(vec![left.texts, wanted]))
    }

    /// Returns whether a group that gives nothing back matches the same as one that does, when `after` follows.
    fn takes_all_anyway(&mut self, inner: &Expr, after: LanguageId) -> Result<bool, NotRegular> {
        let limit = |_: OutOfBudget| NotRegular("too large".to_owned());
        if after == ALL {
            return Ok(true);
        }
        if looks_around(inner) {
            return Ok(false);
        }
        let texts = self.plain(inner)?;
        // As many bytes of a set as there are, and what follows begins with none of them.
        if let Expr::Repeat { child, hi, greedy: true, .. } = ungrouped(inner)
            && *hi == usize::MAX
            && one_byte(ungrouped(child))
        {
            let byte = self.plain(child)?;
            let taken = self.arena.first_bytes(byte).map_err(limit)?;
            let next = self.arena.first_bytes(after).map_err(limit)?;
            if !self.arena.has_blank(after) && taken.intersection(next) == ByteSet::NONE {
                return Ok(true);
            }
        }
        // No text of it begins with a shorter one: there is nothing to give back.
        let any = self.arena.bytes(ByteSet::ALL);
        let longer = self.arena.sequence(&[texts, any, ALL]);
        let both = self.arena.both(vec![texts, longer]);
        self.arena.is_empty(both).map_err(limit)
    }

    fn is_wanted(&self, part: &Expr) -> bool {
        self.group.is_some_and(|(group, _)| std::ptr::eq(group, part))
    }

    fn holds_wanted(&self, part: &Expr) -> bool {
        self.group.is_some() && part.has_descendant_or_self(|part| self.is_wanted(part))
    }

    /// Returns whether a group that takes no part, and so is empty, is as wanted.
    fn unset_counts(&self) -> bool {
        self.group.is_none_or(|(_, wanted)| self.arena.has_blank(wanted))
    }

    /// Returns the texts of a part that does not look around.
    fn plain(&mut self, part: &Expr) -> Result<LanguageId, NotRegular> {
        match part {
            Expr::Empty | Expr::KeepOut => Ok(BLANK),
            Expr::Any { newline, crlf } => {
                let excluded: &[u8] = match (newline, crlf) {
                    (true, _) => b"",
                    (false, false) => b"\n",
                    (false, true) => b"\r\n",
                };
                Ok(self.arena.bytes(ByteSet::of(excluded.iter().copied()).complement()))
            }
            Expr::Literal { val, casei } => Ok(self.arena.literal(val.as_bytes(), *casei)),
            Expr::LiteralBytes { bytes } => Ok(self.arena.literal(bytes, false)),
            Expr::Concat(parts) => {
                let parts = parts.iter().map(|part| self.plain(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.arena.sequence(&parts))
            }
            Expr::Alt(parts) => {
                let unset = self.unset_counts();
                let holds = self.holds_wanted(part);
                let parts = parts.iter().filter(|way| !holds || unset || self.holds_wanted(way)).collect::<Vec<_>>();
                let parts = parts.into_iter().map(|part| self.plain(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.arena.any(parts))
            }
            Expr::Group(inner) => {
                let texts = self.plain(inner)?;
                match self.group {
                    Some((_, wanted)) if self.is_wanted(part) => Ok(self.arena.both(vec![texts, wanted])),
                    _ => Ok(texts),
                }
            }
            Expr::Repeat { child, lo: 0, hi: 1, .. } if self.holds_wanted(child) => {
                let mut ways = vec![self.plain(child)?];
                if self.unset_counts() {
                    ways.push(BLANK);
                }
                Ok(self.arena.any(ways))
            }
            Expr::Repeat { child, lo, hi, .. } if (*lo, *hi) != (1, 1) && self.holds_wanted(child) => {
                Err(NotRegular("a group that is repeated".to_owned()))
            }
            Expr::Repeat { child, lo, hi, .. } => {
                let of = self.plain(child)?;
                let count = |number: usize| u32::try_from(number).map_err(|_large| NotRegular("a repetition that is too large".to_owned()));
                let most = if *hi == usize::MAX { None } else { Some(count(*hi)?) };
                let least = count(*lo)?;
                Ok(if most.is_some_and(|most| most < least) { NOTHING } else { self.arena.times(of, least, most) })
            }
            Expr::Delegate { inner, casei } => {
                let key = (inner.clone(), *casei);
                let set = match self.arena.sets.get(&key) {
                    Some(set) => *set,
                    None => class(inner, *casei)?,
                };
                self.arena.sets.insert(key, set);
                Ok(self.arena.bytes(set))
            }
            other => Err(NotRegular(unreadable(other).to_owned())),
        }
    }
}

/// Returns the bytes of a class as the engine writes it.
fn class(text: &str, caseless: bool) -> Result<ByteSet, NotRegular> {
    let parsed = ParserBuilder::new().utf8(false).unicode(false).case_insensitive(caseless).nest_limit(20).build().parse(text);
    let parsed = parsed.map_err(|error| NotRegular(error.to_string()))?;
    match parsed.kind() {
        HirKind::Class(Class::Bytes(class)) => Ok(ByteSet::of(class.ranges().iter().flat_map(|range| range.start()..=range.end()))),
        HirKind::Literal(literal) if literal.0.len() == 1 => Ok(ByteSet::of(literal.0.iter().copied())),
        _ => Err(NotRegular(format!("`{text}`"))),
    }
}
