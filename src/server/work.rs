//! What a job is: written as JSON into the queue, read by a worker.

use crate::github::webhook::Event;
use crate::github::{CheckRunId, CommentRef, InstallationId, Place, PrNumber, Sha, User};
use crate::store::NewJob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
pub(super) enum Work {
    /// Review a pull request as it is when this runs.
    Review {
        place: Place,
        number: PrNumber,
        /// Also when nothing has changed since the last review: somebody asked.
        forced: bool,
        /// The comments that asked, which get a reaction at the end.
        asked_in: BTreeSet<CommentRef>,
    },
    /// Do what a comment says.
    Comment {
        place: Place,
        number: PrNumber,
        comment: CommentRef,
        body: String,
        by: User,
        #[serde(default)]
        edited: bool,
    },
    /// Do what a button says.
    Button { place: Place, head: Sha, pulls: Vec<PrNumber>, button: String, by: User, run: CheckRunId },
    /// Find the pull requests of a commit whose check is wished for again, and review them.
    Find {
        place: Place,
        head: Sha,
        /// Those GitHub named; none for forks, and then it is asked.
        #[serde(default)]
        pulls: Vec<PrNumber>,
    },
    /// Say whether a merge group may go in, or end the check on one that nobody asks about any more.
    Group(Group),
    /// The default branch moved: review the pull requests into it again, if that matters to them.
    Moved { place: Place, branch: String, before: Sha, after: Sha },
    /// Look at the open pull requests of an installation, or of one repository of it.
    Sweep { installation: InstallationId, place: Option<Place> },
    /// Forget what was open where we may not go any more; no repositories are all.
    Forget { installation: InstallationId, repositories: Vec<u64> },
}

/// A merge group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) place: Place,
    /// The outcome.
    pub(super) head: Sha,
    /// What it is put on.
    pub(super) base: Sha,
    /// Where it is to go.
    pub(super) branch: String,
    /// False where the queue has no more use for an answer.
    pub(super) wanted: bool,
    /// Also when it was answered before: somebody asked.
    #[serde(default)]
    pub(super) forced: bool,
}

impl Work {
    /// Returns the review of a pull request.
    pub(super) fn review(place: Place, number: PrNumber, forced: bool) -> Self {
        Self::Review { place, number, forced, asked_in: BTreeSet::new() }
    }

    /// Returns what an event asks for.
    pub(super) fn of(event: Event) -> Vec<Self> {
        match event {
            Event::Ping | Event::Nothing(_) | Event::Unreadable(_) => Vec::new(),
            Event::Pull(pull) => vec![Self::review(pull.place, pull.number, false)],
            Event::Button { place, head, pulls, button, by, run } => vec![Self::Button { place, head, pulls, button, by, run }],
            Event::Comment { pull, comment, body, by, edited } => {
                // Most comments hold no command; a job for each would be noise.
                if crate::github::commands::commands_in(&body).is_empty() {
                    return Vec::new();
                }
                vec![Self::Comment { place: pull.place, number: pull.number, comment, body, by, edited }]
            }
            Event::Rerun { place, head, pulls } => vec![Self::Find { place, head, pulls }],
            Event::Group { place, head, base, branch, wanted } => vec![Self::Group(Group { place, head, base, branch, wanted, forced: false })],
            Event::Moved { place, branch, before, after } => vec![Self::Moved { place, branch, before, after }],
            Event::Installed { installation, place } => vec![Self::Sweep { installation, place }],
            Event::Uninstalled { installation, repositories } => vec![Self::Forget { installation, repositories }],
        }
    }

    /// Returns the repository it is about, where it is one.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Review { place, .. }
            | Self::Comment { place, .. }
            | Self::Button { place, .. }
            | Self::Find { place, .. }
            | Self::Group(Group { place, .. })
            | Self::Moved { place, .. } => Some(place),
            Self::Sweep { place, .. } => place.as_ref(),
            Self::Forget { .. } => None,
        }
    }

    /// Returns the job for the queue. Reviews of a pull request are one lane and one key; answers to comments do not wait for them.
    pub(super) fn job(&self) -> NewJob {
        let (lane, dedupe) = match self {
            Self::Review { place, number, .. } => one(format!("review:{}:{}", place.repository_id, number.0)),
            Self::Comment { place, number, comment: CommentRef { kind, id, .. }, edited, .. } => {
                let edited = if *edited { ":edited" } else { "" };
                (format!("comments:{}:{}", place.repository_id, number.0), format!("comment:{}:{kind:?}:{}{edited}", place.repository_id, id.0))
            }
            Self::Button { place, button, run, .. } => one(format!("button:{}:{}:{button}", place.repository_id, run.0)),
            Self::Find { place, head, .. } => one(format!("find:{}:{head}", place.repository_id)),
            Self::Group(group) => one(group.lane()),
            Self::Moved { place, branch, .. } => one(format!("moved:{}:{branch}", place.repository_id)),
            Self::Sweep { installation, place: None } => one(format!("sweep:{}", installation.0)),
            Self::Sweep { place: Some(place), .. } => one(format!("sweep:{}:{}", place.installation.0, place.repository_id)),
            // Not merged with another: each names other repositories.
            Self::Forget { installation, repositories } => one(format!("forget:{}:{repositories:?}", installation.0)),
        };
        NewJob { lane, dedupe, payload: serde_json::to_string(self).unwrap_or_default() }
    }
}

impl Group {
    /// Returns the lane of all work on this group.
    pub(super) fn lane(&self) -> String {
        format!("group:{}:{}", self.place.repository_id, self.head)
    }
}

/// Returns a lane with one key.
fn one(lane: String) -> (String, String) {
    (lane.clone(), lane)
}

/// Returns the job that does the work of both.
pub(super) fn merge(queued: &str, new: &str) -> String {
    match (serde_json::from_str(queued), serde_json::from_str(new)) {
        (
            Ok(Work::Review { forced: was_forced, asked_in: mut asked, .. }),
            // The newer name of the repository wins.
            Ok(Work::Review { place, number, forced, asked_in }),
        ) => {
            asked.extend(asked_in);
            Work::Review { place, number, forced: forced || was_forced, asked_in: asked }.job().payload
        }
        // Whichever came last counts, but for a group that is given up: deliveries have no order, and a destroyed group does not come back.
        (Ok(Work::Group(was)), Ok(Work::Group(is))) => {
            Work::Group(Group { wanted: was.wanted && is.wanted, forced: was.forced || is.forced, ..is }).job().payload
        }
        (Ok(Work::Moved { before, .. }), Ok(Work::Moved { place, branch, after, .. })) => Work::Moved { place, branch, before, after }.job().payload,
        _ => new.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::{CommentId, CommentKind, Repo};

    fn comment(id: u64) -> CommentRef {
        CommentRef { kind: CommentKind::Conversation, id: CommentId(id), node: None }
    }

    #[test]
    fn two_wishes_for_a_review_are_one_that_forgets_neither() {
        let place = Place { installation: InstallationId(1), repository_id: 2, repo: Repo::new("a/b").unwrap() };
        let asked = |id| Work::Review { place: place.clone(), number: PrNumber(3), forced: true, asked_in: BTreeSet::from([comment(id)]) };
        let pushed = Work::review(place.clone(), PrNumber(3), false);
        let merged = merge(&merge(&asked(7).job().payload, &pushed.job().payload), &asked(8).job().payload);
        let both = Work::Review { place: place.clone(), number: PrNumber(3), forced: true, asked_in: BTreeSet::from([comment(7), comment(8)]) };
        assert_eq!(serde_json::from_str::<Work>(&merged).unwrap(), both);
    }
}
