//! Slash commands: seen at once, answered once.

use crate::support::rig::{REPOSITORY, Rig, shop};
use waypost::standin::Fault;

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

/// Says something and waits for the answer to it.
async fn answered(rig: &Rig, number: u64, body: &str) -> String {
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", body);
    let marker = format!("<!-- waypost:reply:{comment} -->\n");
    let answer = || rig.ours(number).into_iter().find_map(|seen| seen.body.strip_prefix(&marker).map(str::to_owned));
    let answer = rig.until("the answer", answer).await;
    rig.until("the end", || rig.reactions(number, comment).iter().any(|one| one != "eyes").then_some(())).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_asked_is_answered() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let explained = answered(&rig, number, "/waypost explain missing-server").await;
    assert!(explained.starts_with("### traffic/missing-server"), "{explained}");
    let slip = answered(&rig, number, "/waypost explain mising-server").await;
    assert!(slip.contains("Did you mean `/waypost explain traffic/missing-server`?"), "{slip}");
    let down = answered(&rig, number, "/waypost simulate down=10.20.1.15:8080").await;
    assert!(down.contains("If `10.20.1.15` dies after this change, which is in `web_pool`"), "{down}");
    let nobody = answered(&rig, number, "/waypost simulate down=10.20.1.51").await;
    assert!(nobody.contains("Did you mean `10.20.1.15`?"), "{nobody}");
    let back = answered(&rig, number, "/waypost rollback").await;
    assert!(back.contains("a rollback that only copies the old files does the same"), "{back}");
    let status = answered(&rig, number, "/waypost status").await;
    assert!(status.contains("**fail**") && status.contains("traffic/missing-server"), "{status}");
    let doctor = answered(&rig, number, "/waypost doctor").await;
    assert!(doctor.contains("`main` does not require the check `waypost`"), "{doctor}");
    rig.standin.require_check(REPOSITORY, "main", "waypost", Some(rig.standin.app_id));
    let doctor = answered(&rig, number, "/waypost doctor").await;
    assert!(doctor.starts_with("All is well"), "{doctor}");
    let both = answered(&rig, number, "/waypost status\n\nand\n\n/waypost explain drain-all").await;
    assert!(both.contains("**fail**") && both.contains("\n\n---\n\n### traffic/drain-all"), "{both}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_comment_does_nothing_and_says_so_once() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    rig.concluded(number).await;
    let comment = rig.standin.comment_as_user(REPOSITORY, number, "kim", "Looks good");
    for _ in 0..2 {
        rig.standin.edit_comment(REPOSITORY, comment, "Looks good\n/waypost help");
    }
    rig.until("the hint", || rig.ours(number).pop()).await;
    rig.quiet().await;
    let ours = rig.ours(number);
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].body.ends_with("An edited comment does nothing. Write a new one with the command."), "{}", ours[0].body);
    assert_eq!(rig.reactions(number, comment), ["confused"]);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_review_are_heard_too() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    rig.concluded(number).await;
    let review = rig.standin.review_as_user(REPOSITORY, number, "kim", "Fine.\n\n/waypost help");
    let answer = rig.until("the answer", || rig.ours(number).pop()).await;
    assert!(answer.body.starts_with(&format!("<!-- waypost:reply:review:{review} -->")), "{}", answer.body);
    rig.until("the rocket", || (rig.standin.review_reactions(review) == ["eyes", "rocket"]).then_some(())).await;
    let again = rig.standin.review_as_user(REPOSITORY, number, "kim", "/waypost review");
    rig.until("the rocket", || (rig.standin.review_reactions(again) == ["eyes", "rocket"]).then_some(())).await;
    assert_eq!(rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count(), 2, "the rocket comes when it is done");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_do_what_they_say_for_who_may() {
    let rig = Rig::new().await;
    let mut base = shop("10.20.1.11");
    base.insert(".waypost.yaml".to_owned(), waypost::standin::File::from("commands: { review: write }\n"));
    rig.standin.push(REPOSITORY, "main", &base, "Settings");
    let running = rig.serve(rig.settings()).await;
    let mut head = shop("10.20.1.15");
    head.insert(".waypost.yaml".to_owned(), base[".waypost.yaml"].clone());
    let number = rig.open(&head);
    let check = rig.concluded(number).await;
    rig.quiet().await;
    let before = rig.ours(number).len();
    rig.standin.set_role(REPOSITORY, "kim", "read");
    for button in ["explain", "waiver", "explain"] {
        assert!(rig.standin.click(REPOSITORY, check.id, button, "kim"));
        rig.quiet().await;
    }
    let said: Vec<String> = rig.ours(number).into_iter().skip(before).map(|comment| comment.body).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("### traffic/missing-server"), "{}", said[0]);
    assert!(said[1].contains("`kim` asks for a waiver") && said[1].contains("/waypost waive "), "{}", said[1]);
    assert!(rig.standin.click(REPOSITORY, check.id, "rerun", "kim"));
    rig.quiet().await;
    assert_eq!(rig.checks(number).len(), 1);
    let refused = rig.ours(number).pop().unwrap().body;
    assert!(refused.contains("`/waypost review` needs the role `write`"), "{refused}");
    rig.standin.set_role(REPOSITORY, "lee", "write");
    assert!(rig.standin.click(REPOSITORY, check.id, "rerun", "lee"));
    rig.until("a second check", || (rig.checks(number).len() == 2).then_some(())).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_on_a_line_gets_its_reactions() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    let api = crate::standin::client::Api::installation(&rig.standin).await;
    let ours = api.get(&format!("/repos/{REPOSITORY}/pulls/{number}/comments")).await.json()[0]["id"].as_u64().unwrap();
    let comment = rig.standin.reply_as_user(REPOSITORY, ours, "kim", "/waypost explain missing-server");
    rig.until("the answer", || rig.ours(number).into_iter().find(|seen| seen.body.contains(&format!("reply:line:{comment}")))).await;
    rig.quiet().await;
    let given = api.get(&format!("/repos/{REPOSITORY}/pulls/comments/{comment}/reactions")).await.json();
    let given: Vec<&str> = given.as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap()).collect();
    assert_eq!(given, ["eyes", "rocket"]);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_taken_back_is_not_done() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.11"));
    rig.concluded(number).await;
    rig.quiet().await;
    // As GitHub answers for a comment that somebody has deleted by then.
    rig.standin.fail("POST", "/reactions", 1, Fault::Status(404));
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost help");
    rig.quiet().await;
    assert_eq!(rig.ours(number), []);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_said_the_command_is_done_all_the_same() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.quiet().await;
    // A locked conversation: neither comments nor reactions.
    rig.standin.fail("POST", "/issues/", 100, Fault::Status(403));
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost status\n\n/waypost review");
    rig.until("a second check", || (rig.checks(number).iter().filter(|check| check.conclusion.is_some()).count() == 2).then_some(())).await;
    running.shutdown().await;
}
