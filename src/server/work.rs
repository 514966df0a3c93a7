//! What a job is: written as JSON into the queue, read by a worker.

use crate::github::webhook::Event;
use crate::github::{CommentId, Place, PrNumber, Sha};
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
        asked_in: BTreeSet<CommentId>,
    },
    /// Do what a comment says.
    Comment { place: Place, number: PrNumber, comment: CommentId, body: String },
    /// Find the pull requests of a commit whose check is wished for again, and review them.
    Find {
        place: Place,
        head: Sha,
        /// Those GitHub named; none for forks, and then it is asked.
        #[serde(default)]
        pulls: Vec<PrNumber>,
    },
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
            Event::Comment { pull, comment, body } => {
                // Most comments hold no command; a job for each would be noise.
                if crate::github::commands::commands_in(&body).is_empty() {
                    return Vec::new();
                }
                vec![Self::Comment { place: pull.place, number: pull.number, comment, body }]
            }
            Event::Rerun { place, head, pulls } => vec![Self::Find { place, head, pulls }],
        }
    }

    /// Returns the job for the queue. Reviews of a pull request are one lane and one key; answers to comments do not wait for them.
    pub(super) fn job(&self) -> NewJob {
        let (lane, dedupe) = match self {
            Self::Review { place, number, .. } => {
                let lane = format!("review:{}:{}", place.repository_id, number.0);
                (lane.clone(), lane)
            }
            Self::Comment { place, number, comment, .. } => {
                (format!("comments:{}:{}", place.repository_id, number.0), format!("comment:{}:{}", place.repository_id, comment.0))
            }
            Self::Find { place, head, .. } => {
                let lane = format!("find:{}:{head}", place.repository_id);
                (lane.clone(), lane)
            }
        };
        NewJob { lane, dedupe, payload: serde_json::to_string(self).unwrap_or_default() }
    }
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
        _ => new.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::{InstallationId, Repo};

    #[test]
    fn two_wishes_for_a_review_are_one_that_forgets_neither() {
        let place = Place { installation: InstallationId(1), repository_id: 2, repo: Repo::new("a/b").unwrap() };
        let asked =
            |comment| Work::Review { place: place.clone(), number: PrNumber(3), forced: true, asked_in: BTreeSet::from([CommentId(comment)]) };
        let pushed = Work::review(place.clone(), PrNumber(3), false);
        let merged = merge(&merge(&asked(7).job().payload, &pushed.job().payload), &asked(8).job().payload);
        let both = Work::Review { place: place.clone(), number: PrNumber(3), forced: true, asked_in: BTreeSet::from([CommentId(7), CommentId(8)]) };
        assert_eq!(serde_json::from_str::<Work>(&merged).unwrap(), both);
    }
}
