//! Whether any request passes one condition and none of several others, worked out with languages.
//!
//! Each text that is looked at is taken to be anything that a person can type, whatever the others are, and whatever the configuration did to it before. So "none does"
//! is certain, and "some may" is not. Texts with control bytes are left out: `.` is no line feed, and nobody needs the route that `%0A` reaches.

use crate::model::{Action, Condition, Field, Gateway, Matcher, Part, Regex, RegexDialect, Test, Value};
use crate::space::{LanguageId, Languages, Universe};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The steps that languages may take for all questions about a gateway.
const MOST_STEPS: u64 = 1_000_000;

/// The most sets of requests that a condition is taken apart into.
const MOST_CUBES: usize = 64;

/// The most questions about a gateway.
const MOST_QUESTIONS: usize = 40_000;

/// Requests of which some texts are in languages and outside of others, and some questions are answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Cube<'m> {
    texts: BTreeMap<&'m Value, (Vec<LanguageId>, Vec<LanguageId>)>,
    /// What cannot be told from a text: a comparison with something else, a file, a table of rates.
    answers: Vec<(&'m Condition, bool)>,
}

/// It was too much work, or a condition is too large.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMuch;

/// Answers questions about conditions.
#[derive(Debug)]
pub(super) struct Cover {
    languages: Languages,
    asked: usize,
    /// Texts without control bytes.
    typable: LanguageId,
    /// The client's paths, where nothing rewrites them.
    paths: LanguageId,
}

impl Cover {
    pub(super) fn new(gateway: &Gateway) -> Self {
        let mut languages = Languages::new(MOST_STEPS);
        let plain = Regex { pattern: Arc::from(r"^[^\x00-\x1f\x7f]*\z"), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() };
        let typable = languages.matcher(&Matcher::Regex(plain)).unwrap_or(LanguageId::ALL);
        let rules = gateway.normalization;
        let paths = languages.universe(Universe::Path { decoded: rules.decode_path, merged: rules.merge_slashes });
        let paths = if rewrites(gateway) { typable } else { languages.intersection(&[paths, typable]) };
        Self { languages, asked: 0, typable, paths }
    }

    /// Returns all requests that pass `condition`.
    pub(super) fn of<'m>(&mut self, condition: &'m Condition) -> Result<Vec<Cube<'m>>, TooMuch> {
        self.parted(&Cube::default(), condition, true)
    }

    /// Returns those of `cubes` that do not pass `condition`.
    pub(super) fn without<'m>(&mut self, cubes: &[Cube<'m>], condition: &'m Condition) -> Result<Vec<Cube<'m>>, TooMuch> {
        self.each(cubes, condition, false)
    }

    /// Returns whether some of `cubes` may pass `condition`.
    pub(super) fn overlaps<'m>(&mut self, cubes: &[Cube<'m>], condition: &'m Condition) -> Result<bool, TooMuch> {
        Ok(!self.each(cubes, condition, true)?.is_empty())
    }

    fn each<'m>(&mut self, cubes: &[Cube<'m>], condition: &'m Condition, wanted: bool) -> Result<Vec<Cube<'m>>, TooMuch> {
        let mut all = Vec::new();
        for cube in cubes {
            all.extend(self.parted(cube, condition, wanted)?);
            if all.len() > MOST_CUBES {
                return Err(TooMuch);
            }
        }
        Ok(all)
    }

    /// Returns the parts of `cube` in which `condition` answers as wanted.
    fn parted<'m>(&mut self, cube: &Cube<'m>, condition: &'m Condition, wanted: bool) -> Result<Vec<Cube<'m>>, TooMuch> {
        self.asked += 1;
        if self.asked > MOST_QUESTIONS {
            return Err(TooMuch);
        }
        match (condition, wanted) {
            (Condition::Always, true) => Ok(vec![cube.clone()]),
            (Condition::Always, false) => Ok(Vec::new()),
            (Condition::Not(inner), _) => self.parted(cube, inner, !wanted),
            (Condition::All(all), true) | (Condition::Any(all), false) => {
                all.iter().try_fold(vec![cube.clone()], |cubes, condition| self.each(&cubes, condition, wanted))
            }
            // The first that answers so: the parts do not overlap.
            (Condition::All(all), false) | (Condition::Any(all), true) => {
                let mut found = Vec::new();
                let mut open = vec![cube.clone()];
                for condition in all {
                    found.extend(self.each(&open, condition, wanted)?);
                    open = self.each(&open, condition, !wanted)?;
                    if found.len() > MOST_CUBES {
                        return Err(TooMuch);
                    }
                }
                Ok(found)
            }
            (Condition::Test(test), _) => match self.language(test) {
                Some(language) => self.in_language(cube, &test.subject, (language, wanted)),
                None => Ok(answered(cube, condition, wanted)),
            },
            (Condition::Opaque(_), _) => Ok(answered(cube, condition, wanted)),
        }
    }

    /// Returns the texts that pass a test; `None` for what is not only about the text.
    fn language(&mut self, test: &Test) -> Option<LanguageId> {
        let converted = matches!(test.subject.parts.as_slice(), [Part::Converted(_)]);
        match &test.matcher {
            // What is there may be empty, and one of several values is not the text.
            Matcher::Present | Matcher::Each(_) => None,
            Matcher::Element(_) if converted => None,
            matcher => self.languages.matcher(matcher).ok(),
        }
    }

    fn in_language<'m>(&mut self, cube: &Cube<'m>, subject: &'m Value, (language, wanted): (LanguageId, bool)) -> Result<Vec<Cube<'m>>, TooMuch> {
        let mut cube = cube.clone();
        let possible = if subject.as_field() == Some(&Field::Path) { self.paths } else { self.typable };
        let (inside, outside) = cube.texts.entry(subject).or_insert_with(|| (vec![possible], Vec::new()));
        let side = if wanted { &mut *inside } else { &mut *outside };
        if !side.contains(&language) {
            side.push(language);
        }
        match self.languages.is_empty(inside, outside) {
            Ok(true) => Ok(Vec::new()),
            Ok(false) => Ok(vec![cube]),
            Err(_out_of_budget) => Err(TooMuch),
        }
    }
}

/// Returns whether anything changes paths on the way.
fn rewrites(gateway: &Gateway) -> bool {
    let steps = gateway.tables.iter().flat_map(|table| table.routes.iter().map(|route| &route.step).chain([&table.otherwise]));
    steps.flat_map(|step| &step.actions).any(|action| matches!(action, Action::Rewrite { path: Some(_), .. }))
}

fn answered<'m>(cube: &Cube<'m>, condition: &'m Condition, wanted: bool) -> Vec<Cube<'m>> {
    match cube.answers.iter().find(|(known, _)| *known == condition) {
        Some((_, answer)) if *answer == wanted => vec![cube.clone()],
        Some(_) => Vec::new(),
        None => {
            let mut cube = cube.clone();
            cube.answers.push((condition, wanted));
            vec![cube]
        }
    }
}
