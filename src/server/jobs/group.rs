//! A merge group is reviewed: what the queue wants to put on the branch, as a whole.
//!
//! Pull requests that are harmless each may do harm together. Where the group has an error that none of its pull requests has alone, the
//! two that have it together are looked for and named.

use super::review::in_force;
use super::together::{Member, pair};
use super::{App, JobError, Turn};
use crate::github::{Conclusion, GroupCommit, OpenRun, Place, PrNumber, Publisher, Remote, RepoApi, Sha, Trees};
use crate::policy::Decision;
use crate::report::{self, CheckOutput, CommentContext, replies};
use crate::review::{Change, Verdict};
use crate::server::work::{Group, Work};
use crate::{formats, review};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Of a longer queue only the last are told apart: each is a tree to be read.
const MOST_MEMBERS: usize = 5;

/// Returns the key of the note that says how a group was asked about.
pub(super) fn note(place: &Place, head: &Sha) -> String {
    format!("group:{}:{head}", place.repository_id)
}

/// Returns the work on a group that was asked about once.
pub(in crate::server) async fn group_again(app: &App, place: &Place, head: &Sha) -> Result<Option<Work>, JobError> {
    let kept = app.store.note(note(place, head)).await?;
    Ok(kept.and_then(|json| serde_json::from_str(&json).ok()).map(|group| Work::Group(Group { forced: true, ..group })))
}

/// Answers the queue, or ends the check where there is no question any more.
pub(super) async fn run(app: &Arc<App>, group: &Group, turn: Turn) -> Result<(), JobError> {
    let api = app.api.at(&group.place);
    let note = note(&group.place, &group.head);
    let kept: Option<Group> = app.store.note(note.clone()).await?.and_then(|json| serde_json::from_str(&json).ok());
    let asked = kept.is_some();
    // Answered before, unless it was cut off. What was answered stays so when the queue lets go of it: merged, it is the branch's own commit.
    let was_cut_off = app.store.note(format!("open-run:{}:group-{}", group.place.repository_id, group.head)).await?.is_some();
    if !was_cut_off && !group.forced && (asked || !group.wanted) {
        return Ok(());
    }
    let publisher = Publisher::for_group(api.clone(), Arc::clone(&app.store), &group.head).held(turn.hold, group.forced);
    let mut run = match publisher.begin(&group.head, &replies::in_progress(group.head.short())).await.map_err(JobError::from) {
        Ok(run) => run,
        // The queue has dropped the commit.
        Err(error) if matches!(error.status, Some(403 | 404 | 422)) => return Ok(publisher.all_written().await?),
        Err(error) => return Err(error),
    };
    app.store.keep_note(note, serde_json::to_string(group).ok()).await?;
    if group.wanted {
        answer(app, &api, group, (&publisher, &mut run), turn.last).await?;
    } else {
        publisher.conclude(&mut run, Conclusion::Cancelled, &report::together::group_gone()).await?;
    }
    publisher.all_written().await?;
    Ok(())
}

async fn answer(app: &App, api: &RepoApi, group: &Group, (to, run): (&Publisher, &mut OpenRun), last: bool) -> Result<(), JobError> {
    match make(app, api, group).await {
        Ok((verdict, check)) => {
            let conclusion = if verdict == Verdict::Fail { Conclusion::Failure } else { Conclusion::Success };
            to.conclude(run, conclusion, &check).await?;
            app.metrics.reviews.fetch_add(1, Ordering::Relaxed);
            app.metrics.requests_of_review(api.requests());
            tracing::info!(repository = %group.place.repo, head = %group.head, ?conclusion, "merge group reviewed");
        }
        Err(error) if error.passing && !last => return Err(error),
        Err(error) => {
            tracing::error!(repository = %group.place.repo, head = %group.head, error = error.text, "no review of a merge group could be made");
            to.conclude(run, Conclusion::Failure, &replies::no_review(&error.text)).await?;
            app.metrics.reviews_failed.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Makes the review of the group.
async fn make(app: &App, api: &RepoApi, group: &Group) -> Result<(Verdict, CheckOutput), JobError> {
    let trees = Trees::new(api.clone(), Arc::clone(&app.store));
    let limit = app.settings.review_limit;
    let (base, head) = (trees.snapshot(&group.base).await?, trees.snapshot(&group.head).await?);
    let mut all = vec![Arc::clone(&base), Arc::clone(&head)];
    let reading = {
        let all = all.clone();
        move || all.iter().for_each(|side| drop(formats::read(side)))
    };
    trees.run(&all, limit, Arc::new(reading)).await?;
    let cx = CommentContext { repository_url: None, head_sha: group.head.to_string(), base_sha: group.base.to_string(), lead: None };
    let reviewing = |decisions: Vec<Decision>| {
        let (base, head, cx) = (Arc::clone(&base), Arc::clone(&head), cx.clone());
        move || {
            let review = review::review_with(&Change::of(&base, &head), &decisions);
            let mut check = report::check_output(&review, &base, &head, &cx);
            // They are about a pull request, and a group is several.
            check.buttons.clear();
            (review, check)
        }
    };
    let (mut review, mut check) = trees.run(&all, limit, Arc::new(reviewing(Vec::new()))).await?;
    if review.verdict != Verdict::Fail {
        return Ok((review.verdict, check));
    }
    // Only now, because it costs requests: who is in the group, and what was decided of what they do.
    let numbered = numbered(api, group).await?;
    let mut decisions = Vec::new();
    for (number, ..) in &numbered {
        decisions.extend(in_force(app, &group.place, *number).await?);
    }
    if !decisions.is_empty() {
        (review, check) = trees.run(&all, limit, Arc::new(reviewing(decisions))).await?;
    }
    if review.verdict == Verdict::Fail
        && let Some((tip, members)) = members(&trees, &numbered).await?
    {
        all.push(Arc::clone(&tip));
        all.extend(members.iter().flat_map(|member| [Arc::clone(&member.before), Arc::clone(&member.after)]));
        let wrong = review.clone();
        let found = trees.run(&all, limit, Arc::new(move || pair(&tip, &members, &wrong))).await?;
        if let Some(words) = found.as_ref().map(report::together::pair) {
            check.title.clone_from(&words.title);
            check.summary = format!("{}\n\n{}", words.summary, check.summary);
        }
    }
    Ok((review.verdict, check))
}

/// A pull request of a group: what the queue had before it, and with it.
type Numbered = (PrNumber, Sha, Sha);

/// Returns the pull requests that the group puts on its branch, the last one first, as far as they are known.
async fn numbered(api: &RepoApi, group: &Group) -> Result<Vec<Numbered>, JobError> {
    if group.branch.is_empty() {
        return Ok(Vec::new());
    }
    let commits = match api.commits_ahead(&group.branch, &group.head).await {
        Ok(commits) => commits,
        Err(error) if error.status() == Some(404) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    // Along the first parents: what else is there came with a pull request's own branch.
    let mut chain: Vec<&GroupCommit> = Vec::new();
    let mut next = Some(&group.head);
    while let Some(commit) = next.and_then(|sha| commits.iter().find(|commit| commit.sha == *sha)) {
        chain.push(commit);
        next = commit.parent();
    }
    let known = chain.iter().filter_map(|commit| Some((commit.pull()?, commit.parent()?.clone(), commit.sha.clone())));
    Ok(known.take(MOST_MEMBERS).collect())
}

/// Returns the tip of the branch and the pull requests that are put on it, in order; `None` where that is one or not known.
async fn members(trees: &Trees, numbered: &[Numbered]) -> Result<Option<(Remote, Vec<Member>)>, JobError> {
    let Some((_, tip, _)) = numbered.last().filter(|_| numbered.len() > 1) else { return Ok(None) };
    let tip = trees.snapshot(tip).await?;
    let mut members = Vec::new();
    for (number, before, after) in numbered.iter().rev() {
        members.push(Member { number: *number, before: trees.snapshot(before).await?, after: trees.snapshot(after).await? });
    }
    Ok(Some((tip, members)))
}
