//! File contents, reviews and notes.

use super::{Sql, signed, unsigned};
use crate::store::{Note, ReviewKey, StoreError, StoredReview, now_ms};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// See [`crate::store::Store::blobs`].
pub(super) async fn blobs(sql: &Sql, repository_id: u64, shas: Vec<String>) -> Result<BTreeMap<String, Arc<[u8]>>, StoreError> {
    let mut found = BTreeMap::new();
    for sha in shas {
        let row = sqlx::query("SELECT content FROM blobs WHERE repository_id = $1 AND sha = $2")
            .bind(signed(repository_id))
            .bind(sha.clone())
            .fetch_optional(&sql.pool)
            .await?;
        if let Some(row) = row {
            found.insert(sha, Arc::from(row.try_get::<Vec<u8>, _>("content")?));
        }
    }
    if !found.is_empty() {
        let mut tx = sql.write().await?;
        for sha in found.keys() {
            sqlx::query("UPDATE blobs SET used_at_ms = $3 WHERE repository_id = $1 AND sha = $2")
                .bind(signed(repository_id))
                .bind(sha.clone())
                .bind(now_ms())
                .execute(&mut **tx)
                .await?;
        }
        tx.commit().await?;
    }
    Ok(found)
}

/// See [`crate::store::Store::keep_blobs`].
pub(super) async fn keep_blobs(sql: &Sql, repository_id: u64, blobs: Vec<(String, Arc<[u8]>)>) -> Result<(), StoreError> {
    let mut tx = sql.write().await?;
    for (sha, content) in blobs {
        sqlx::query("INSERT INTO blobs (repository_id, sha, content, bytes, used_at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
            .bind(signed(repository_id))
            .bind(sha)
            .bind(content.to_vec())
            .bind(signed(content.len() as u64))
            .bind(now_ms())
            .execute(&mut **tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// See [`crate::store::Store::keep_review`].
pub(super) async fn keep_review(sql: &Sql, review: StoredReview) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO reviews (repository_id, number, owner, name, head_sha, base_sha, inputs, title, verdict, summary, review, report, reviewed_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (repository_id, number) DO UPDATE SET owner = excluded.owner, name = excluded.name, head_sha = excluded.head_sha,
            base_sha = excluded.base_sha, inputs = excluded.inputs, title = excluded.title, verdict = excluded.verdict,
            summary = excluded.summary, review = excluded.review, report = excluded.report, reviewed_at_ms = excluded.reviewed_at_ms",
    )
    .bind(signed(review.repository_id))
    .bind(signed(review.number))
    .bind(review.owner)
    .bind(review.name)
    .bind(review.head_sha)
    .bind(review.base_sha)
    .bind(review.inputs)
    .bind(review.title)
    .bind(review.verdict)
    .bind(review.summary)
    .bind(review.review)
    .bind(review.report)
    .bind(review.reviewed_at_ms)
    .execute(&sql.pool)
    .await?;
    Ok(())
}

/// See [`crate::store::Store::review`].
pub(super) async fn review(sql: &Sql, key: ReviewKey) -> Result<Option<StoredReview>, StoreError> {
    let query = match key {
        ReviewKey::Id { repository_id, number } => {
            sqlx::query("SELECT * FROM reviews WHERE repository_id = $1 AND number = $2").bind(signed(repository_id)).bind(signed(number))
        }
        ReviewKey::Name { owner, name, number } => sqlx::query(
            "SELECT * FROM reviews WHERE LOWER(owner) = LOWER($1) AND LOWER(name) = LOWER($2) AND number = $3 ORDER BY reviewed_at_ms DESC LIMIT 1",
        )
        .bind(owner)
        .bind(name)
        .bind(signed(number)),
    };
    Ok(query.fetch_optional(&sql.pool).await?.as_ref().map(stored_review).transpose()?)
}

/// See [`crate::store::Store::reviews`].
pub(super) async fn reviews(sql: &Sql, at_most: u32) -> Result<Vec<StoredReview>, StoreError> {
    let rows = sqlx::query("SELECT * FROM reviews ORDER BY reviewed_at_ms DESC LIMIT $1").bind(i64::from(at_most)).fetch_all(&sql.pool).await?;
    Ok(rows.iter().map(stored_review).collect::<Result<_, _>>()?)
}

fn stored_review(row: &AnyRow) -> Result<StoredReview, sqlx::Error> {
    Ok(StoredReview {
        repository_id: unsigned(row.try_get("repository_id")?),
        number: unsigned(row.try_get("number")?),
        owner: row.try_get("owner")?,
        name: row.try_get("name")?,
        head_sha: row.try_get("head_sha")?,
        base_sha: row.try_get("base_sha")?,
        inputs: row.try_get("inputs")?,
        title: row.try_get("title")?,
        verdict: row.try_get("verdict")?,
        summary: row.try_get("summary")?,
        review: row.try_get("review")?,
        report: row.try_get("report")?,
        reviewed_at_ms: row.try_get("reviewed_at_ms")?,
    })
}

/// See [`crate::store::Store::note`].
pub(super) async fn note(sql: &Sql, key: String) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT value FROM notes WHERE key = $1").bind(key).fetch_optional(&sql.pool).await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

/// See [`crate::store::Store::notes`].
pub(super) async fn notes(sql: &Sql, prefix: String) -> Result<Vec<Note>, StoreError> {
    let rows =
        sqlx::query("SELECT key, value FROM notes WHERE SUBSTR(key, 1, LENGTH($1)) = $1 ORDER BY key").bind(prefix).fetch_all(&sql.pool).await?;
    rows.iter().map(|row| Ok(Note { key: row.try_get("key")?, value: row.try_get("value")? })).collect()
}

/// See [`crate::store::Store::keep_note`].
pub(super) async fn keep_note(sql: &Sql, key: String, value: Option<String>) -> Result<(), StoreError> {
    match value {
        Some(value) => {
            sqlx::query("INSERT INTO notes (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value").bind(key).bind(value)
        }
        None => sqlx::query("DELETE FROM notes WHERE key = $1").bind(key),
    }
    .execute(&sql.pool)
    .await?;
    Ok(())
}

/// See [`crate::store::Store::tidy`].
pub(super) async fn tidy(sql: &Sql, before_ms: i64, blob_bytes: u64) -> Result<(), StoreError> {
    let mut tx = sql.write().await?;
    // They are in the order in which they came, so only the old ones are looked at.
    sqlx::query(
        "DELETE FROM deliveries WHERE state <> 'received'
         AND id < COALESCE((SELECT id FROM deliveries WHERE received_at_ms >= $1 ORDER BY id LIMIT 1), 9223372036854775807)",
    )
    .bind(before_ms)
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM jobs WHERE created_at_ms < $1 AND state IN ('done', 'failed')").bind(before_ms).execute(&mut **tx).await?;
    sqlx::query(
        "DELETE FROM blobs WHERE (repository_id, sha) IN
            (SELECT repository_id, sha FROM
                (SELECT repository_id, sha, SUM(bytes) OVER (ORDER BY used_at_ms DESC, repository_id, sha) AS so_far FROM blobs) AS sized
             WHERE so_far > $1)",
    )
    .bind(signed(blob_bytes))
    .execute(&mut **tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
