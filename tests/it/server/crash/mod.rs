//! The server is killed at the steps between a delivery and its last write, and started again on the same database: it comes to what it would
//! have come to undisturbed, and nothing is lost. The steps are counted, not slept for: each statement of the store, each request before it
//! is carried out and after.
//!
//! Every step is a run of its own, so one in [`EVERY`] is taken, another one for each story and database; `WAYPOST_CRASH_EVERY=1` takes all.

mod mortal;
mod story;

use crate::support::on_both;
use crate::support::rig::{REPOSITORY, Rig};
use mortal::{At, LEASE, Mortal};
use std::time::Duration;
use story::{Scene, Story};
use waypost::server::{MERGE, Reconcile, Running, Settings};
use waypost::standin::Moment;
use waypost::store::{Database, Store};

/// Of so many steps one is taken.
const EVERY: usize = 5;
/// More steps than this no story has.
const MOST_STEPS: usize = 300;

on_both!(
    a_pull_request_is_opened,
    a_pull_request_is_opened_and_no_delivery_tells,
    a_push_takes_a_finding_away,
    a_pull_request_comes_into_the_merge_queue,
    a_question_is_answered,
    another_review_is_asked_for_in_a_comment,
    another_review_is_asked_for_with_a_button,
    what_blocks_is_waived,
);

async fn a_pull_request_is_opened(url: String) {
    kill_in(Story::Opened, url).await;
}

async fn a_pull_request_is_opened_and_no_delivery_tells(url: String) {
    kill_in(Story::Untold, url).await;
}

async fn a_push_takes_a_finding_away(url: String) {
    kill_in(Story::Mended, url).await;
}

async fn a_pull_request_comes_into_the_merge_queue(url: String) {
    kill_in(Story::Grouped, url).await;
}

async fn a_question_is_answered(url: String) {
    kill_in(Story::Asked, url).await;
}

async fn another_review_is_asked_for_in_a_comment(url: String) {
    kill_in(Story::Wished, url).await;
}

async fn another_review_is_asked_for_with_a_button(url: String) {
    kill_in(Story::Again, url).await;
}

async fn what_blocks_is_waived(url: String) {
    kill_in(Story::Waived, url).await;
}

/// The stage of a story: GitHub, and the database of whoever is the server.
struct Stage {
    rig: Rig,
    url: String,
    reader: Database,
}

impl Stage {
    fn settings(&self, looking: bool) -> Settings {
        let mut settings = self.rig.settings();
        settings.database_url.clone_from(&self.url);
        settings.workers = 1;
        // What is sent between the start and the moment when webhooks find the new server is looked for soon.
        settings.reconcile = looking.then(|| Reconcile { deliveries: Duration::from_millis(500), ..Reconcile::default() });
        settings
    }

    /// Starts a server that lives. It has a long lease: on a busy machine it must not lose its own jobs.
    async fn live(&self) -> Running {
        self.rig.serve(self.settings(true)).await
    }

    /// Waits until every delivery was answered or will not be any more.
    async fn delivered(&self) {
        self.rig.until("the deliveries", || self.rig.standin.deliveries().iter().all(|delivery| delivery.done).then_some(())).await;
    }

    /// Waits until every delivery was taken in, nothing is left to do, and it has come to something.
    async fn settled(&self, what: &str, is_over: impl Fn() -> bool) {
        for _ in 0..2000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if is_over() && self.rig.standin.deliveries().iter().all(|delivery| delivery.done) && self.is_idle().await {
                return;
            }
        }
        panic!(
            "{what}: it does not settle: {:#?} {:#?}",
            self.reader.queue_state().await,
            self.rig.standin.requests().iter().rev().take(40).collect::<Vec<_>>()
        );
    }

    async fn is_idle(&self) -> bool {
        // First what has come in: it may bring work.
        for delivery in self.rig.standin.deliveries() {
            if !self.reader.is_known(delivery.guid).await.unwrap() {
                return false;
            }
        }
        let state = self.reader.queue_state().await.unwrap();
        state.queued + state.running == 0 && self.reader.notes("open-run:".to_owned()).await.unwrap().is_empty()
    }
}

/// Kills at each chosen step of a story, until one is not reached any more.
async fn kill_in(story: Story, url: String) {
    let reader = Database::open(&url, MERGE).await.unwrap();
    let stage = Stage { rig: Rig::new().await, reader, url };
    let every = every();
    // Another one in each test, so that together they take more than one in so many.
    let first = (story as usize * 2 + usize::from(stage.url.starts_with("postgres"))) % every;
    let mut running = stage.live().await;
    let mut taken = 0;
    let kinds: [fn(usize) -> At; 3] = [At::Statement, |left| At::Request(left, Moment::Before), |left| At::Request(left, Moment::After)];
    for kind in kinds {
        let mut step = first;
        loop {
            assert!(step < MOST_STEPS, "there is no end of steps");
            let (next, died) = killed_at(&stage, running, story, kind(step)).await;
            running = next;
            taken += 1;
            if !died {
                break;
            }
            step += every;
        }
        assert!(step > first || every > 1, "no step was met");
    }
    println!("{story:?}: killed at {taken} steps");
    running.shutdown().await;
    stage.reader.close().await.unwrap();
}

/// Tells the story, kills the server there, starts another and checks what it comes to. Returns that other, and whether it came that far.
async fn killed_at(stage: &Stage, before: Running, story: Story, at: At) -> (Running, bool) {
    let rig = &stage.rig;
    let what = format!("{story:?}, killed at {at:?}");
    let branch = what.replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_ascii_lowercase();
    let mut scene = story.prepare(rig, branch);
    stage.settled(&format!("{what}, before"), || story.is_prepared(rig, &scene)).await;
    story.look(&stage.reader, &mut scene).await;
    before.shutdown().await;

    let died = if story == Story::Untold {
        story.happen(rig, &mut scene);
        stage.delivered().await;
        let mortal = Mortal::start(rig, stage.settings(true), at).await;
        mortal.killed(rig, over(stage, story, &scene)).await
    } else {
        let mortal = Mortal::start(rig, stage.settings(false), at).await;
        rig.standin.set_webhook_url(&mortal.webhook());
        story.happen(rig, &mut scene);
        mortal.killed(rig, over(stage, story, &scene)).await
    };
    stage.delivered().await;
    tokio::time::sleep(LEASE).await;

    let running = stage.live().await;
    stage.settled(&what, || story.is_over(rig, &scene)).await;
    story.check(rig, &stage.reader, &scene, &what).await;
    let state = stage.reader.queue_state().await.unwrap();
    assert_eq!((state.dropped, state.failed, state.oldest_outstanding_ms), (0, 0, None), "{what}");
    story.clear(rig, &scene);
    assert!(rig.standin.checks(REPOSITORY, &rig.standin.head(REPOSITORY, scene.number)).iter().all(|check| check.conclusion.is_some()));
    (running, died)
}

/// Waits until the story is over without anybody having died. What no delivery told is then still untold.
async fn over(stage: &Stage, story: Story, scene: &Scene) {
    if story == Story::Untold {
        stage.rig.until("the review", || story.is_over(&stage.rig, scene).then_some(())).await;
        while stage.reader.queue_state().await.unwrap().running > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    } else {
        stage.settled(&format!("{story:?}, alive"), || story.is_over(&stage.rig, scene)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever has the time takes every step")]
fn every() -> usize {
    std::env::var("WAYPOST_CRASH_EVERY").ok().and_then(|text| text.parse().ok()).filter(|every| *every > 0).unwrap_or(EVERY)
}
