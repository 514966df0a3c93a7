//! Slash commands: seen at once, answered once.

use crate::support::rig::{REPOSITORY, Rig, shop};

#[tokio::test(flavor = "multi_thread")]
async fn help_is_answered_once_however_often_it_is_delivered() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost help");
    rig.until("the rocket", || rig.reactions(number, comment).contains(&"rocket".to_owned()).then_some(())).await;
    assert_eq!(rig.reactions(number, comment), ["eyes", "rocket"]);
    let delivery = rig.standin.deliveries().into_iter().find(|delivery| delivery.event == "issue_comment").unwrap();
    rig.standin.redeliver(&delivery.guid);
    rig.quiet().await;
    let answers = rig.ours(number);
    assert_eq!(answers.len(), 1, "{answers:?}");
    for command in ["/waypost help", "/waypost review", "/waypost trace URL"] {
        assert!(answers[0].body.contains(command), "{}", answers[0].body);
    }
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_word_is_answered_with_the_right_one() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "Hm.\n/waypost reveiw\n");
    rig.until("the confused face", || rig.reactions(number, comment).contains(&"confused".to_owned()).then_some(())).await;
    rig.quiet().await;
    let answers = rig.ours(number);
    assert_eq!(answers.len(), 1);
    assert!(answers[0].body.contains("Did you mean `/waypost review`?"), "{}", answers[0].body);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_was_asked_for_is_made_and_the_asker_told() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.until("the rocket", || rig.reactions(number, comment).contains(&"rocket".to_owned()).then_some(())).await;
    rig.quiet().await;
    assert_eq!(rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count(), 2);
    assert_eq!(rig.ours(number).len(), 1, "the review says it all in the one comment");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_answered() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.12"));
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost trace http://shop.example.com/cart");
    rig.until("the rocket", || rig.reactions(number, comment).contains(&"rocket".to_owned()).then_some(())).await;
    rig.quiet().await;
    let answered = rig.ours(number).into_iter().any(|seen| seen.body.starts_with(&format!("<!-- waypost:reply:{comment} -->")));
    assert!(answered);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_and_quotations_are_not_answered() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    rig.concluded(number).await;
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "> /waypost help\n\n`/waypost help`\n\n```\n/waypost help\n```\n");
    // Our own answer quotes commands, and comes back to us as a delivery.
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost help");
    rig.until("the answer", || rig.ours(number).pop()).await;
    rig.quiet().await;
    assert_eq!(rig.ours(number).len(), 1);
    running.shutdown().await;
}
