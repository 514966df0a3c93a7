//! Acknowledgements and waivers, from a comment to the check: who may, what for, until when.

use crate::support::rig::{REPOSITORY, Rig, shop};
use serde_json::Value;
use waypost::server::Settings;
use waypost::standin::{File, Files};
use waypost::store::{AuditRecord, Database, Effect, Store, now_ms};

/// A rig with the founding outage opened and reviewed, and the fingerprint of what blocks it.
async fn blocked(rig: &Rig) -> (u64, String) {
    let number = rig.open(&shop("10.20.1.15"));
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"), "{check:?}");
    rig.quiet().await;
    (number, blocking(rig).await)
}

async fn store(rig: &Rig) -> Database {
    Database::open(&rig.settings().database_url, |_, new| new.to_owned()).await.unwrap()
}

async fn review(rig: &Rig) -> Value {
    let store = store(rig).await;
    let review = store.reviews(1).await.unwrap().pop().unwrap();
    store.close().await.unwrap();
    serde_json::from_str(&review.review).unwrap()
}

async fn blocking(rig: &Rig) -> String {
    let review = review(rig).await;
    let errors: Vec<&Value> = review["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0]["fingerprint"].as_str().unwrap().to_owned()
}

async fn audit(rig: &Rig, number: u64) -> Vec<AuditRecord> {
    let store = store(rig).await;
    let repository_id = store.reviews(1).await.unwrap()[0].repository_id;
    let records = store.audit(repository_id, number).await.unwrap();
    store.close().await.unwrap();
    records
}

/// Says something and waits for the end of it: the reaction, and everything that follows. Returns the answer.
async fn say(rig: &Rig, number: u64, login: &str, body: &str, reaction: &str) -> String {
    let comment = rig.standin.comment_as_user(REPOSITORY, number, login, body);
    rig.until("the reaction", || rig.reactions(number, comment).contains(&reaction.to_owned()).then_some(())).await;
    rig.quiet().await;
    let marker = format!("<!-- waypost:reply:{comment} -->\n");
    let mut answers = rig.ours(number).into_iter().filter_map(|seen| seen.body.strip_prefix(&marker).map(str::to_owned));
    let answer = answers.next().unwrap_or_default();
    assert_eq!(answers.next(), None, "one answer at most");
    answer
}

/// A waiver until tomorrow.
fn waive(fingerprint: &str) -> String {
    format!("/waypost waive {fingerprint} until={} reason=\"x\"", day(now_ms() + 86_400_000))
}

/// The day of a time.
fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%d").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_lets_through_until_it_is_taken_back_and_all_of_it_is_on_record() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    for (login, role) in [("kim", "maintain"), ("lee", "write")] {
        rig.standin.set_role(REPOSITORY, login, role);
    }
    let refused = say(&rig, number, "lee", &waive(&fingerprint), "confused").await;
    assert!(refused.contains("needs the role `maintain`") && refused.contains("your role is `write`"), "{refused}");
    assert_eq!(rig.checks(number).pop().unwrap().conclusion.as_deref(), Some("failure"));

    let said = say(&rig, number, "kim", &waive(&fingerprint[..8]), "rocket").await;
    assert!(said.starts_with("Let through until the end of"), "{said}");
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("success"), "{check:?}");
    assert!(check.text.unwrap().contains("1 finding waived"));
    let waived =
        review(&rig).await["findings"].as_array().unwrap().iter().find(|finding| finding["fingerprint"] == fingerprint).unwrap()["waived"].clone();
    assert_eq!((&waived["by"], &waived["reason"]), (&Value::from("kim"), &Value::from("x")));

    // Who may push may take a waiver back.
    say(&rig, number, "lee", &format!("/waypost unwaive {fingerprint}"), "rocket").await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    let again = say(&rig, number, "lee", &format!("/waypost unwaive {fingerprint}"), "confused").await;
    assert!(again.contains("is not waived"), "{again}");

    let records = audit(&rig, number).await;
    let told: Vec<(&str, &str, &str, &str)> =
        records.iter().map(|record| (record.actor.as_str(), record.role.as_str(), record.command.as_str(), record.outcome.as_str())).collect();
    assert_eq!(
        told,
        [
            ("lee", "", "waive", "refused"),
            ("kim", "maintain", "waive", "given"),
            ("lee", "write", "unwaive", "withdrawn"),
            ("lee", "", "unwaive", "refused")
        ]
    );
    let given = &records[1];
    assert_eq!((given.head_sha.as_str(), given.rule.as_str()), (rig.standin.head(REPOSITORY, number).as_str(), "traffic/missing-server"));
    assert!(given.actor_id.is_some() && given.rule_digest.len() == 16 && given.fingerprint == fingerprint);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_says_something_else_is_open_again() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    rig.standin.set_role(REPOSITORY, "kim", "admin");
    say(&rig, number, "kim", &waive(&fingerprint), "rocket").await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    // A comment above moves the line and changes nothing.
    let mut files = shop("10.20.1.15");
    let config = |prefix: &str, server: &str| {
        format!(
            "{prefix}events {{}}\nhttp {{\n  upstream web_pool {{\n    {server}\n  }}\n  server {{\n    listen 80;\n    server_name shop.example.com;\n    location / {{ proxy_pass http://web_pool; }}\n  }}\n}}\n"
        )
    };
    files.insert("nginx/nginx.conf".to_owned(), File::from(config("# moved\n", "server 10.20.1.15:8080;").as_str()));
    push(&rig, number, &files).await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    // Now a part of the requests is served: the same finding says something else.
    let mixed = "server 10.20.1.15:8080 weight=3 max_fails=0;\n    server 10.20.1.11:8080 max_fails=0;";
    files.insert("nginx/nginx.conf".to_owned(), File::from(config("", mixed).replace("proxy_pass", "proxy_next_upstream off; proxy_pass").as_str()));
    push(&rig, number, &files).await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    running.shutdown().await;
}

async fn push(rig: &Rig, number: u64, files: &Files) {
    let before = rig.standin.head(REPOSITORY, number);
    rig.standin.push(REPOSITORY, "change", files, "Again");
    rig.until("the push", || (rig.standin.head(REPOSITORY, number) != before).then_some(())).await;
    rig.concluded(number).await;
    rig.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authors_waive_nothing_of_their_own_and_the_base_says_who_else_may() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    rig.standin.set_role(REPOSITORY, "you", "admin");
    let own = say(&rig, number, "you", &waive(&fingerprint), "confused").await;
    assert!(own.contains("somebody else than the author"), "{own}");
    // Seeing one's own finding is no exception from it.
    let seen = say(&rig, number, "you", &format!("/waypost ack {fingerprint} reason='on it'"), "rocket").await;
    assert!(seen.starts_with("Noted"), "{seen}");
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("failure"));
    let sticky = rig.ours(number).into_iter().find(|comment| comment.body.contains("waypost:review")).unwrap();
    assert!(sticky.body.contains("Seen by `you`: on it"), "{}", sticky.body);

    // The head's own settings give nobody a right.
    let mut files = shop("10.20.1.15");
    files.insert(".waypost.yaml".to_owned(), File::from("commands:\n  waive: { role: anyone, own: true }\n"));
    push(&rig, number, &files).await;
    let own = say(&rig, number, "you", &waive(&fingerprint), "confused").await;
    assert!(own.contains("somebody else than the author"), "{own}");

    let mut base = shop("10.20.1.11");
    base.insert(".waypost.yaml".to_owned(), File::from("commands:\n  waive: { role: nobody, teams: [oncall] }\n  ack: { rolle: read }\n"));
    rig.standin.push(REPOSITORY, "main", &base, "Settings");
    rig.quiet().await;
    let unread = say(&rig, number, "kim", &waive(&fingerprint), "confused").await;
    assert!(unread.contains("line 3") && unread.contains("did you mean `role`?"), "{unread}");
    base.insert(".waypost.yaml".to_owned(), File::from("commands:\n  waive: { role: nobody, teams: [oncall] }\n"));
    rig.standin.push(REPOSITORY, "main", &base, "Settings");
    rig.quiet().await;
    rig.standin.set_role(REPOSITORY, "kim", "admin");
    rig.standin.set_team("acme", "oncall", &["sam"]);
    // Before any token for it is there: one that is keeps what it may.
    rig.standin.permit("members", "");
    let unknown = say(&rig, number, "sam", &waive(&fingerprint), "confused").await;
    assert!(unknown.contains("Organization members: read"), "{unknown}");
    rig.standin.permit("members", "read");
    let refused = say(&rig, number, "kim", &waive(&fingerprint), "confused").await;
    assert!(refused.contains("is for the team `oncall`"), "{refused}");
    say(&rig, number, "sam", &waive(&fingerprint), "rocket").await;
    rig.quiet().await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"), "{:?}", rig.concluded(number).await);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_lapses_on_a_pull_request_where_nothing_else_happens() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    rig.standin.set_role(REPOSITORY, "kim", "admin");
    say(&rig, number, "kim", &waive(&fingerprint), "rocket").await;
    assert_eq!(rig.concluded(number).await.conclusion.as_deref(), Some("success"));
    running.shutdown().await;
    // As if the day were over.
    let store = store(&rig).await;
    let repository_id = store.reviews(1).await.unwrap()[0].repository_id;
    let mut given = store.decisions(repository_id, number).await.unwrap().pop().unwrap();
    given.lapses_at_ms = Some(now_ms() - 1);
    // And as if the repository had been another's when the waiver was given.
    let newest = given.place.clone();
    given.place = newest.replace("\"installation\":", "\"installation\":9");
    store.keep_note(format!("place:{repository_id}"), Some(newest)).await.unwrap();
    let record = AuditRecord { source: "test".to_owned(), repository_id, number, fingerprint, ..AuditRecord::default() };
    store.decide(record, Effect::Give(given)).await.unwrap();
    store.close().await.unwrap();
    let settings: Settings = rig.settings();
    let running = rig.serve(settings).await;
    rig.until("the check to fail again", || rig.checks(number).pop().filter(|check| check.conclusion.as_deref() == Some("failure"))).await;
    rig.quiet().await;
    assert_eq!(audit(&rig, number).await.pop().unwrap().outcome, "lapsed");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_is_not_there_is_answered_with_those_that_are() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    rig.standin.set_role(REPOSITORY, "kim", "admin");
    let answer = say(&rig, number, "kim", &waive("0000"), "confused").await;
    assert!(answer.contains(&fingerprint), "{answer}");
    let mut slip = fingerprint.clone().into_bytes();
    slip.swap(3, 4);
    slip[15] = if slip[15] == b'0' { b'1' } else { b'0' };
    let answer = say(&rig, number, "kim", &waive(std::str::from_utf8(&slip).unwrap()), "confused").await;
    assert!(answer.contains("Did you mean") && answer.contains(&fingerprint), "{answer}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waived_is_waived_in_the_merge_queue() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let (number, fingerprint) = blocked(&rig).await;
    let group = |sha: &str| rig.standin.checks(REPOSITORY, sha).pop().filter(|check| check.conclusion.is_some());
    let blocking = rig.standin.enqueue(REPOSITORY, number);
    assert_eq!(rig.until("the group's check", || group(&blocking)).await.conclusion.as_deref(), Some("failure"));
    rig.standin.set_role(REPOSITORY, "kim", "maintain");
    say(&rig, number, "kim", &waive(&fingerprint), "rocket").await;
    // The same group again: asked for by the button.
    assert!(rig.standin.rerequest(REPOSITORY, group(&blocking).unwrap().id));
    let passed = || group(&blocking).filter(|check| check.conclusion.as_deref() == Some("success"));
    let check = rig.until("another answer", passed).await;
    assert!(check.text.unwrap().contains("1 finding waived"));
    running.shutdown().await;
}
