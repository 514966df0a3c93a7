//! Decisions in the store: written once, taken back, lapsing; and the record of them.

use crate::support::on_both;
use waypost::policy::{Decision, DecisionKind};
use waypost::store::{AuditRecord, Database, Effect, Store, StoredDecision};

fn waiver(fingerprint: &str, lapses_at_ms: Option<i64>) -> StoredDecision {
    let decision = Decision {
        kind: DecisionKind::Waiver,
        fingerprint: fingerprint.to_owned(),
        content: "c".to_owned(),
        by: "kim".to_owned(),
        reason: "planned".to_owned(),
        until: Some("2026-12-31".to_owned()),
    };
    StoredDecision { repository_id: 1, number: 2, decision, lapses_at_ms, place: "{}".to_owned() }
}

fn record(source: &str, fingerprint: &str) -> AuditRecord {
    AuditRecord { source: source.to_owned(), repository_id: 1, number: 2, fingerprint: fingerprint.to_owned(), at_ms: 5, ..AuditRecord::default() }
}

async fn open(url: &str) -> Database {
    Database::open(url, |_, new| new.to_owned()).await.unwrap()
}

on_both!(a_decision_is_written_once_and_taken_back_once, a_waiver_that_was_renewed_does_not_lapse_at_its_old_date);

async fn a_decision_is_written_once_and_taken_back_once(url: String) {
    let store = open(&url).await;
    assert!(store.decide(record("comment:1:0", "f"), Effect::Give(waiver("f", Some(100)))).await.unwrap());
    assert!(!store.decide(record("comment:1:0", "f"), Effect::Give(waiver("g", None))).await.unwrap());
    assert_eq!(store.decisions(1, 2).await.unwrap(), [waiver("f", Some(100))]);
    assert_eq!(store.decisions(1, 3).await.unwrap(), []);
    // A redelivery of the first does not bring back what was taken back meanwhile.
    assert!(store.decide(record("comment:2:0", "f"), Effect::Withdraw(DecisionKind::Waiver, None)).await.unwrap());
    assert!(!store.decide(record("comment:1:0", "f"), Effect::Give(waiver("f", Some(100)))).await.unwrap());
    assert_eq!(store.decisions(1, 2).await.unwrap(), []);
    let sources: Vec<String> = store.audit(1, 2).await.unwrap().into_iter().map(|record| record.source).collect();
    assert_eq!(sources, ["comment:1:0", "comment:2:0"]);
}

async fn a_waiver_that_was_renewed_does_not_lapse_at_its_old_date(url: String) {
    let store = open(&url).await;
    store.decide(record("a", "f"), Effect::Give(waiver("f", Some(100)))).await.unwrap();
    assert_eq!(store.lapsed(99).await.unwrap(), []);
    assert_eq!(store.lapsed(100).await.unwrap(), [waiver("f", Some(100))]);
    store.decide(record("b", "f"), Effect::Give(waiver("f", Some(200)))).await.unwrap();
    store.decide(record("lapse", "f"), Effect::Withdraw(DecisionKind::Waiver, Some(100))).await.unwrap();
    assert_eq!(store.decisions(1, 2).await.unwrap(), [waiver("f", Some(200))]);
    assert_eq!(store.lapsed(100).await.unwrap(), []);
}
