//! What happens while the server is killed, and what it is to come to: the same as if nothing had been.

use crate::support::rig::{REPOSITORY, Rig, shop};
use waypost::standin::NewPull;
use waypost::store::{Database, Store, now_ms};

/// An address that the inventory does not have.
const MISSING: &str = "10.20.1.15";
/// One that it has.
const THERE: &str = "10.20.1.12";

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Story {
    /// A pull request is opened.
    Opened,
    /// The same, and no delivery tells of it.
    Untold,
    /// A push takes a finding away.
    Mended,
    /// A pull request comes into the merge queue.
    Grouped,
    /// Somebody asks something.
    Asked,
    /// Somebody asks for another review.
    Wished,
    /// Somebody presses "Re-run".
    Again,
    /// Somebody waives what blocks.
    Waived,
}

/// Where it happens.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    pub(super) branch: String,
    pub(super) number: u64,
    fingerprint: String,
    comment: u64,
    group: String,
}

impl Story {
    /// Returns whether there is a pull request before the story begins, and what it forwards to.
    fn before(self) -> Option<&'static str> {
        match self {
            Self::Opened | Self::Untold => None,
            Self::Grouped => Some(THERE),
            Self::Mended | Self::Asked | Self::Wished | Self::Again | Self::Waived => Some(MISSING),
        }
    }

    /// Prepares the scene, with a server that lives. What it does is to be waited for.
    pub(super) fn prepare(self, rig: &Rig, branch: String) -> Scene {
        rig.standin.push(REPOSITORY, &branch, &shop(self.before().unwrap_or(MISSING)), &branch);
        let number = if self.before().is_some() { open(rig, &branch) } else { 0 };
        Scene { branch, number, ..Scene::default() }
    }

    /// Returns whether what was prepared is there.
    pub(super) fn is_prepared(self, rig: &Rig, scene: &Scene) -> bool {
        match self.before() {
            None => true,
            Some(MISSING) => has_comment(rig, scene.number),
            Some(_) => rig.checks(scene.number).iter().any(|check| check.conclusion.is_some()),
        }
    }

    /// Looks up what the story needs.
    pub(super) async fn look(self, store: &Database, scene: &mut Scene) {
        if self == Self::Waived {
            let review = store.reviews(1).await.unwrap().pop().unwrap();
            assert_eq!(review.number, scene.number);
            let review: serde_json::Value = serde_json::from_str(&review.review).unwrap();
            let finding = review["findings"].as_array().unwrap().iter().find(|finding| finding["severity"] == "error").unwrap();
            scene.fingerprint = finding["fingerprint"].as_str().unwrap().to_owned();
        }
    }

    /// Lets it happen.
    pub(super) fn happen(self, rig: &Rig, scene: &mut Scene) {
        let number = scene.number;
        let say = |body: &str| rig.standin.comment_as_user(REPOSITORY, number, "kim", body);
        match self {
            Self::Opened | Self::Untold => scene.number = open(rig, &scene.branch),
            Self::Mended => drop(rig.standin.push(REPOSITORY, &scene.branch, &shop(THERE), "Mended")),
            Self::Grouped => scene.group = rig.standin.enqueue(REPOSITORY, number),
            Self::Asked => scene.comment = say("/waypost trace http://shop.example.com/cart"),
            Self::Wished => scene.comment = say("/waypost review"),
            Self::Again => assert!(rig.standin.rerequest(REPOSITORY, rig.checks(number)[0].id)),
            Self::Waived => {
                rig.standin.set_role(REPOSITORY, "kim", "maintain");
                let tomorrow = jiff::Timestamp::from_millisecond(now_ms() + 86_400_000).unwrap().strftime("%Y-%m-%d");
                scene.comment = say(&format!("/waypost waive {} until={tomorrow} reason=\"x\"", scene.fingerprint));
            }
        }
    }

    /// Returns whether it came to something; the rest is a matter of waiting until nothing is left to do.
    pub(super) fn is_over(self, rig: &Rig, scene: &Scene) -> bool {
        let number = scene.number;
        match self {
            Self::Opened | Self::Untold => has_comment(rig, number),
            Self::Mended => !rig.checks(number).is_empty() && rig.standin.lines(REPOSITORY, number).iter().all(|line| line.resolved),
            Self::Grouped => !rig.standin.checks(REPOSITORY, &scene.group).is_empty(),
            Self::Asked | Self::Waived | Self::Wished => rig.reactions(number, scene.comment).contains(&"rocket".to_owned()),
            Self::Again => rig.checks(number).len() > 1,
        }
    }

    /// Holds that it came to what it would have come to undisturbed.
    pub(super) async fn check(self, rig: &Rig, store: &Database, scene: &Scene, at: &str) {
        let number = scene.number;
        let on = if self == Self::Grouped { scene.group.clone() } else { rig.standin.head(REPOSITORY, number) };
        let conclusions: Vec<Option<String>> = rig.standin.checks(REPOSITORY, &on).into_iter().map(|check| check.conclusion).collect();
        let conclusions: Vec<&str> = conclusions.iter().map(|one| one.as_deref().unwrap_or("none")).collect();
        let wanted: &[&str] = match self {
            Self::Opened | Self::Untold | Self::Asked => &["failure"],
            Self::Mended | Self::Grouped => &["success"],
            Self::Wished | Self::Again => &["failure", "failure"],
            Self::Waived => &["failure", "success"],
        };
        assert_eq!(conclusions, wanted, "{at}: {:#?}", rig.standin.checks(REPOSITORY, &on));
        let mut begun: Vec<String> = rig.ours(number).iter().map(|comment| comment.body.lines().next().unwrap_or_default().to_owned()).collect();
        begun.sort();
        let mut marks = vec!["<!-- waypost:review -->".to_owned()];
        if matches!(self, Self::Asked | Self::Waived) {
            marks.insert(0, format!("<!-- waypost:reply:{} -->", scene.comment));
        }
        if self == Self::Grouped {
            // Nothing of it harms, and it has one server for another: said in the one comment all the same.
            assert!(begun.len() <= 1, "{at}: {begun:?}");
        } else {
            assert_eq!(begun, marks, "{at}");
        }
        if scene.comment > 0 {
            assert_eq!(rig.reactions(number, scene.comment), ["eyes", "rocket"], "{at}");
        }
        let lines = rig.standin.lines(REPOSITORY, number);
        if self != Self::Grouped {
            assert_eq!(lines.len(), 1, "{at}: {lines:#?}");
            // What is waived needs no answer on its line either.
            assert_eq!(lines[0].resolved, matches!(self, Self::Mended | Self::Waived), "{at}");
        }
        if self == Self::Waived {
            let repository = store.reviews(1).await.unwrap()[0].repository_id;
            let outcomes: Vec<String> = store.audit(repository, number).await.unwrap().into_iter().map(|record| record.outcome).collect();
            assert_eq!(outcomes, ["given"], "{at}");
            assert_eq!(store.decisions(repository, number).await.unwrap().len(), 1, "{at}");
        }
    }

    /// Clears away, so that the next scene is as this one was.
    pub(super) fn clear(self, rig: &Rig, scene: &Scene) {
        if self == Self::Grouped {
            rig.standin.dequeue(REPOSITORY, scene.number, "dequeued");
        }
        rig.standin.close(REPOSITORY, scene.number);
        // What could not be delivered is forgotten in time, and not looked for again.
        rig.standin.pass_time(8 * 86_400);
    }
}

fn open(rig: &Rig, branch: &str) -> u64 {
    rig.standin.open_pull_request(REPOSITORY, &NewPull { head: branch, base: "main", title: branch, body: "" })
}

fn has_comment(rig: &Rig, number: u64) -> bool {
    rig.ours(number).iter().any(|comment| comment.body.starts_with("<!-- waypost:review -->"))
}
