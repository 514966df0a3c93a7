//! The ways an open question can turn out, in as few words as possible: ways with equal ends are one alternative.

use crate::analysis::destination::{Alternative, Destination};
use crate::model::{Opaque, Request};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whether this holds of this input.
    Whether { text: String, input: String },
    /// Which way chance takes at this place (its address in the model, never shown).
    Chance { place: usize, weights: Vec<u32> },
}

/// Questions with their answers, in the order in which they came up.
pub(super) type Path<'t> = Vec<(&'t Asked, usize)>;

impl Asked {
    /// Returns how many answers there are.
    pub(super) fn ways(&self) -> usize {
        match self {
            Self::Whether { .. } => 2,
            Self::Chance { weights, .. } => weights.iter().filter(|weight| **weight > 0).count(),
        }
    }

    /// Returns the path of the file that is asked about, and what it would be.
    fn file(&self) -> Option<(&str, &'static str)> {
        let Self::Whether { text, input } = self else { return None };
        let kind = match text.as_str() {
            Opaque::FILE => "file",
            Opaque::DIRECTORY => "directory",
            Opaque::FILE_OR_DIRECTORY => "file or directory",
            Opaque::EXECUTABLE => "executable file",
            _ => return None,
        };
        Some((input, kind))
    }

    /// Returns whether `other` cannot hold where this does: a path names a file or a directory.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let plain = |asked: &Self| match asked {
            Self::Whether { text, input } if text == Opaque::FILE || text == Opaque::DIRECTORY => {
                Some((text == Opaque::FILE, input.trim_end_matches('/').to_owned()))
            }
            Self::Whether { .. } | Self::Chance { .. } => None,
        };
        matches!((plain(self), plain(other)), (Some((file, ours)), Some((other_file, theirs))) if file != other_file && ours == theirs)
    }

    /// Returns the answer in words.
    fn words(&self, answer: usize) -> String {
        if let Some((path, kind)) = self.file() {
            return if answer == 0 { format!("the {kind} {path} exists") } else { format!("there is no {kind} {path}") };
        }
        match self {
            Self::Whether { text, input } => {
                let not = if answer == 0 { "" } else { "not " };
                if input.is_empty() || text.contains(input) { format!("{not}{text}") } else { format!("{not}{text}: {input}") }
            }
            Self::Chance { weights, .. } => {
                let weight = weights.iter().filter(|weight| **weight > 0).nth(answer).copied().unwrap_or(0);
                let all: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
                let percent = f64::from(weight) * 100.0 / f64::from(u32::try_from(all).unwrap_or(u32::MAX));
                format!("{} % of the requests", (percent * 100.0).round() / 100.0)
            }
        }
    }
}

/// Returns one alternative for each end, in the order in which the ends first come up.
pub(super) fn alternatives(ends: &[(Path<'_>, &Destination)]) -> Vec<Alternative> {
    let mut groups: Vec<(&Destination, Vec<Path<'_>>)> = Vec::new();
    for (path, end) in ends {
        match groups.iter_mut().find(|(have, _)| have.same(end)) {
            Some((_, paths)) => paths.push(path.clone()),
            None => groups.push((end, vec![path.clone()])),
        }
    }
    let one = |(end, paths): (&Destination, Vec<Path<'_>>)| {
        let words: Vec<String> = shortened(&paths).iter().map(|path| path_words(path)).collect();
        Alternative { when: words.join(", or "), outcome: Box::new(end.clone()) }
    };
    groups.into_iter().map(one).collect()
}

/// Returns why it cannot be told where `request` ends.
pub(super) fn reason(ends: &[(Path<'_>, &Destination)], request: &Request) -> String {
    let questions: Vec<&Asked> = ends.iter().flat_map(|(path, _)| path.iter().map(|(asked, _)| *asked)).collect();
    let files: Vec<&str> = questions.iter().filter_map(|asked| asked.file().map(|(path, _)| path)).collect();
    if files.len() == questions.len() && !files.is_empty() {
        return match root(&files, ends, request) {
            Some(root) => format!("it depends on which files exist below {root}"),
            None => "it depends on which files exist".to_owned(),
        };
    }
    match questions.first() {
        Some(Asked::Whether { text, .. }) => format!("it depends on whether {text}"),
        Some(Asked::Chance { .. }) => "it is decided by chance".to_owned(),
        None => String::new(),
    }
}

/// Returns the directory that all `files` are in: one that files are served from, else what stands before the path of the request. It does not depend
/// on the rest of the path, so that all requests of a region have the same reason.
fn root<'a>(files: &[&'a str], ends: &[(Path<'_>, &'a Destination)], request: &Request) -> Option<&'a str> {
    let path = request.target.split_once('?').map_or(request.target.as_str(), |(path, _)| path);
    let served = ends.iter().filter_map(|(_, end)| match end {
        Destination::Files { root } => Some(root.as_str()),
        _ => None,
    });
    let before = files.iter().filter_map(|file| file.split_once(path.trim_end_matches('/')).map(|(before, _)| before));
    let all_in = |root: &&str| !root.is_empty() && files.iter().all(|file| file.starts_with(*root));
    served.chain(before).map(|root| if root.len() > 1 { root.trim_end_matches('/') } else { root }).find(all_in)
}

/// Returns `paths` without answers that say nothing: where `a` alone leads to this end, `not a and b` is as good as `b`.
fn shortened<'t>(paths: &[Path<'t>]) -> Vec<Path<'t>> {
    let redundant = |path: &Path<'t>, at: usize| {
        let (asked, answer) = path.get(at).copied()?;
        let positive = answer > 0 && matches!(asked, Asked::Whether { .. });
        let other: Path<'t> = path.iter().take(at).copied().chain([(asked, 0)]).collect();
        (positive && path.len() > at + 1 && paths.contains(&other)).then_some(())
    };
    let shorten = |path: &Path<'t>| (0..path.len()).filter(|at| redundant(path, *at).is_none()).filter_map(|at| path.get(at).copied()).collect();
    paths.iter().map(shorten).collect()
}

/// Returns what must hold for the answers of `path`.
fn path_words(path: &[(&Asked, usize)]) -> String {
    if !path.is_empty() && path.iter().all(|(asked, answer)| asked.file().is_some() && *answer > 0) {
        return "there is no such file".to_owned();
    }
    // What is a directory is no file.
    let implied = |at: usize, asked: &Asked, answer: usize| {
        let (Some((file, _)), true) = (asked.file(), answer > 0) else { return false };
        path.iter().skip(at + 1).any(|(later, answer)| *answer == 0 && later.file().is_some_and(|(path, _)| path == file))
    };
    let told = path.iter().enumerate().filter(|(at, (asked, answer))| !implied(*at, asked, *answer));
    told.map(|(_, (asked, answer))| asked.words(*answer)).collect::<Vec<_>>().join(" and ")
}
