//! From webhook to verdict: a signed webhook in, a check with an annotation and a comment out.

use super::standin::client::send;
use super::standin::world::{REPOSITORY, World};
use serde_json::Value;
use waypost::standin::{File, founding};

const BOT: &str = "waypost[bot]";

fn by_bot(world: &World, number: u64) -> Vec<String> {
    let comments = world.github.comments(REPOSITORY, number);
    comments.into_iter().filter(|comment| comment.author == BOT).map(|comment| comment.body).collect()
}

#[tokio::test]
async fn the_founding_outage_is_stopped_and_the_fix_lets_through() {
    let (world, number) = World::founding("founding").await;
    let check = world.check(number).await;
    assert_eq!((check.name.as_str(), check.conclusion.as_deref()), ("waypost", Some("failure")), "{check:#?}");
    assert_eq!(check.head_sha, world.github.head(REPOSITORY, number));
    let deciding = check.annotations.iter().find(|note| note["path"] == founding::CHANGED && note["start_line"] == 8);
    let deciding = deciding.unwrap_or_else(|| panic!("no annotation on the deciding line: {:#?}", check.annotations));
    assert_eq!(deciding["annotation_level"], "failure");
    assert!(deciding["message"].as_str().unwrap().contains("10.20.1.15:8080"), "{deciding}");

    let comments = world.comments(number, 1).await;
    assert_eq!((comments.len(), comments[0].author.as_str()), (1, BOT));
    assert!(comments[0].body.contains("10.20.1.15:8080") && comments[0].body.contains("85"), "{}", comments[0].body);
    assert!(comments[0].body.contains("http://shop.example.com/"), "{}", comments[0].body);

    world.github.push(REPOSITORY, "rack-b-back", &founding::fix(), "Fix");
    let fixed = world.check(number).await;
    assert_eq!((fixed.name.as_str(), fixed.conclusion.as_deref()), ("waypost", Some("success")), "{fixed:#?}");
    assert_ne!(fixed.head_sha, check.head_sha);
    let updated =
        world.until("an updated comment", |github| github.comments(REPOSITORY, number).into_iter().find(|now| now.body != comments[0].body)).await;
    assert_eq!(updated.id, comments[0].id, "the comment is updated in place");
    world.settle().await;
    assert_eq!(by_bot(&world, number).len(), 1);
    assert_eq!(world.github.checks(REPOSITORY, &check.head_sha).len(), 1, "one run a commit");
}

#[tokio::test]
async fn commands_are_answered_once_and_redelivery_changes_nothing() {
    let (world, number) = World::founding("commands").await;
    world.check(number).await;
    world.comments(number, 1).await;
    let asked = world.github.comment_as_user(REPOSITORY, number, "you", "/waypost trace http://shop.example.com/cart");
    let comments = world.comments(number, 3).await;
    assert!(comments[2].body.contains("10-upstreams.conf") && comments[2].body.contains("10.20.1.15:8080"), "{}", comments[2].body);
    assert_eq!(comments[2].author, BOT);
    let reactions = world
        .until("a reaction", |github| {
            let comments = github.comments(REPOSITORY, number);
            comments.into_iter().find(|comment| comment.id == asked).map(|comment| comment.reactions).filter(|reactions| !reactions.is_empty())
        })
        .await;
    assert!(reactions.iter().all(|(_, by)| by == BOT), "{reactions:?}");
    world.github.comment_as_user(REPOSITORY, number, "you", "/waypost help");
    let comments = world.comments(number, 5).await;
    assert!(comments[4].body.contains("/waypost trace"), "{}", comments[4].body);

    // Everything again, under the same GUIDs.
    world.settle().await;
    let requests = world.github.requests().len();
    for delivery in world.github.deliveries() {
        assert!(world.github.redeliver(&delivery.guid));
    }
    world.settle().await;
    assert_eq!(world.github.comments(REPOSITORY, number).len(), 5);
    assert_eq!(world.github.checks(REPOSITORY, &world.github.head(REPOSITORY, number)).len(), 1);
    assert_eq!(world.github.requests().len(), requests, "a delivery that is done asks GitHub nothing");
    assert!(world.github.deliveries().iter().all(|delivery| delivery.status == 202), "{:#?}", world.github.deliveries());
}

#[tokio::test]
async fn a_pull_request_without_traffic_config_gets_a_check_and_no_comment() {
    let (world, _) = World::founding("irrelevant").await;
    let mut files = founding::base();
    files.insert("README.md".to_owned(), File::from("# Edge\n"));
    let number = world.open("readme", &files, "Say what this is");
    let check = world.check(number).await;
    assert_eq!((check.name.as_str(), check.conclusion.as_deref()), ("waypost", Some("success")));
    world.settle().await;
    assert!(by_bot(&world, number).is_empty());
}

#[tokio::test]
async fn the_bot_does_not_answer_itself() {
    let (world, number) = World::founding("itself").await;
    world.comments(number, 1).await;
    world.github.comment_as_user(REPOSITORY, number, "you", "/waypost help");
    world.comments(number, 3).await;
    world.settle().await;
    // The help names every command; GitHub has told the bot of its own comment, and it stayed silent.
    let own =
        world.github.deliveries().into_iter().filter(|delivery| delivery.event == "issue_comment" && delivery.body.contains("\"type\":\"Bot\""));
    assert!(own.count() >= 2);
    assert_eq!(world.github.comments(REPOSITORY, number).len(), 3);
}

#[tokio::test]
async fn re_run_buttons_make_a_new_run_of_the_same_name() {
    let (world, number) = World::founding("rerun").await;
    let first = world.check(number).await;
    world.settle().await;
    assert!(world.github.rerequest(REPOSITORY, first.id));
    let runs = |wanted: usize| {
        move |github: &waypost::standin::Standin| {
            let runs = github.checks(REPOSITORY, &first.head_sha);
            (runs.len() == wanted && runs.iter().all(|run| run.conclusion.is_some())).then_some(runs)
        }
    };
    let head = world.github.head(REPOSITORY, number);
    assert_eq!(head, world.check(number).await.head_sha);
    let two = world.until("a second run", runs.clone()(2)).await;
    assert!(two.iter().all(|run| run.name == "waypost" && run.conclusion.as_deref() == Some("failure")));
    assert!(world.github.rerequest_suite(REPOSITORY, number));
    world.until("a third run", runs(3)).await;
    world.settle().await;
    assert_eq!(by_bot(&world, number).len(), 1);
}

#[tokio::test]
async fn a_forged_signature_is_refused_and_leaves_no_trace() {
    let (world, number) = World::founding("forged").await;
    world.comments(number, 1).await;
    world.settle().await;
    let before = world.github.requests().len();
    let genuine = world.github.deliveries().into_iter().find(|delivery| delivery.event == "pull_request").unwrap();
    let payload: Value = serde_json::from_str(&genuine.body).unwrap();
    let url = format!("http://{}/webhook", world.server.address);
    let headers = [
        ("x-github-event", "pull_request"),
        ("x-github-delivery", "00000000-0000-4000-a000-000000000000"),
        ("x-hub-signature-256", "sha256=0000000000000000000000000000000000000000000000000000000000000000"),
        ("content-type", "application/json"),
    ];
    let answer = send("POST", &url, &headers, payload.to_string()).await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.text);
    world.settle().await;
    assert_eq!(world.github.requests().len(), before);
}
