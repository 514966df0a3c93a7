//! Decisions and their record: always in one transaction.

use super::{Sql, Writing, signed, unsigned};
use crate::policy::Decision;
use crate::store::decisions::{kind_of, kind_word};
use crate::store::{AuditRecord, Effect, StoreError, StoredDecision};
use sqlx::Row;
use sqlx::any::AnyRow;

/// See [`crate::store::Store::decide`].
pub(super) async fn decide(sql: &Sql, record: AuditRecord, effect: Effect) -> Result<bool, StoreError> {
    let mut tx = sql.write().await?;
    let finding = (signed(record.repository_id), signed(record.number), record.fingerprint.clone());
    let at_ms = record.at_ms;
    if !write_down(&mut tx, record).await? {
        return Ok(false);
    }
    match effect {
        Effect::None => {}
        Effect::Give(given) => give(&mut tx, &finding, given, at_ms).await?,
        Effect::Withdraw(kind, lapsing_at_ms) => {
            sqlx::query(
                "DELETE FROM decisions WHERE repository_id = $1 AND number = $2 AND fingerprint = $3 AND kind = $4 AND ($5 IS NULL OR lapses_at_ms = $5)",
            )
            .bind(finding.0)
            .bind(finding.1)
            .bind(finding.2)
            .bind(kind_word(kind))
            .bind(lapsing_at_ms)
            .execute(&mut **tx)
            .await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Adds a line to the record; `false` where its source has one.
async fn write_down(tx: &mut Writing, record: AuditRecord) -> Result<bool, StoreError> {
    let written = sqlx::query(
        "INSERT INTO audit (source, at_ms, repository_id, number, repository, head_sha, actor_id, actor, role, command, fingerprint, rule, rule_digest, outcome, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (source) DO NOTHING",
    )
    .bind(record.source)
    .bind(record.at_ms)
    .bind(signed(record.repository_id))
    .bind(signed(record.number))
    .bind(record.repository)
    .bind(record.head_sha)
    .bind(record.actor_id.map(signed))
    .bind(record.actor)
    .bind(record.role)
    .bind(record.command)
    .bind(record.fingerprint)
    .bind(record.rule)
    .bind(record.rule_digest)
    .bind(record.outcome)
    .bind(record.detail)
    .execute(&mut ***tx)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Puts a decision in place of an earlier one of its kind.
async fn give(tx: &mut Writing, finding: &(i64, i64, String), given: StoredDecision, at_ms: i64) -> Result<(), StoreError> {
    let StoredDecision { decision, lapses_at_ms, place, .. } = given;
    sqlx::query(
        "INSERT INTO decisions (repository_id, number, fingerprint, kind, content, actor, reason, until_day, lapses_at_ms, place, given_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (repository_id, number, fingerprint, kind) DO UPDATE SET content = excluded.content, actor = excluded.actor,
         reason = excluded.reason, until_day = excluded.until_day, lapses_at_ms = excluded.lapses_at_ms, place = excluded.place,
         given_at_ms = excluded.given_at_ms",
    )
    .bind(finding.0)
    .bind(finding.1)
    .bind(finding.2.clone())
    .bind(kind_word(decision.kind))
    .bind(decision.content)
    .bind(decision.by)
    .bind(decision.reason)
    .bind(decision.until)
    .bind(lapses_at_ms)
    .bind(place)
    .bind(at_ms)
    .execute(&mut ***tx)
    .await?;
    Ok(())
}

/// See [`crate::store::Store::decisions`].
pub(super) async fn decisions(sql: &Sql, repository_id: u64, number: u64) -> Result<Vec<StoredDecision>, StoreError> {
    let rows = sqlx::query("SELECT * FROM decisions WHERE repository_id = $1 AND number = $2 ORDER BY given_at_ms, fingerprint, kind")
        .bind(signed(repository_id))
        .bind(signed(number))
        .fetch_all(&sql.pool)
        .await?;
    Ok(rows.iter().map(stored).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::lapsed`].
pub(super) async fn lapsed(sql: &Sql, now_ms: i64) -> Result<Vec<StoredDecision>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM decisions WHERE lapses_at_ms <= $1 ORDER BY lapses_at_ms LIMIT 500").bind(now_ms).fetch_all(&sql.pool).await?;
    Ok(rows.iter().map(stored).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::audit`].
pub(super) async fn audit(sql: &Sql, repository_id: u64, number: u64) -> Result<Vec<AuditRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM audit WHERE repository_id = $1 AND number = $2 ORDER BY id LIMIT 1000")
        .bind(signed(repository_id))
        .bind(signed(number))
        .fetch_all(&sql.pool)
        .await?;
    Ok(rows.iter().map(record).collect::<Result<_, _>>()?)
}

fn stored(row: &AnyRow) -> Result<StoredDecision, sqlx::Error> {
    Ok(StoredDecision {
        repository_id: unsigned(row.try_get("repository_id")?),
        number: unsigned(row.try_get("number")?),
        decision: Decision {
            kind: kind_of(&row.try_get::<String, _>("kind")?),
            fingerprint: row.try_get("fingerprint")?,
            content: row.try_get("content")?,
            by: row.try_get("actor")?,
            reason: row.try_get("reason")?,
            until: row.try_get("until_day")?,
        },
        lapses_at_ms: row.try_get("lapses_at_ms")?,
        place: row.try_get("place")?,
    })
}

fn record(row: &AnyRow) -> Result<AuditRecord, sqlx::Error> {
    Ok(AuditRecord {
        source: row.try_get("source")?,
        at_ms: row.try_get("at_ms")?,
        repository_id: unsigned(row.try_get("repository_id")?),
        number: unsigned(row.try_get("number")?),
        repository: row.try_get("repository")?,
        head_sha: row.try_get("head_sha")?,
        actor_id: row.try_get::<Option<i64>, _>("actor_id")?.map(unsigned),
        actor: row.try_get("actor")?,
        role: row.try_get("role")?,
        command: row.try_get("command")?,
        fingerprint: row.try_get("fingerprint")?,
        rule: row.try_get("rule")?,
        rule_digest: row.try_get("rule_digest")?,
        outcome: row.try_get("outcome")?,
        detail: row.try_get("detail")?,
    })
}
