//! Jobs: lanes, coalescing, leases.

use super::{Sql, Writing, unsigned};
use crate::store::{Claimed, End, Fence, JobId, Merge, NewJob, QueueState, StoreError, now_ms};
use sqlx::Row;

/// See [`crate::store::Store::enqueue`].
pub(super) async fn enqueue(sql: &Sql, jobs: Vec<NewJob>) -> Result<(), StoreError> {
    let mut tx = sql.write().await?;
    for job in jobs {
        add(&mut tx, sql.merge, &job).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Adds a job, or makes the queued job with the same key do this one's work too. Returns its number.
pub(super) async fn add(tx: &mut Writing, merge: Merge, job: &NewJob) -> Result<i64, StoreError> {
    let now = now_ms();
    let new = sqlx::query(
        "INSERT INTO jobs (lane, dedupe, payload, state, run_at_ms, created_at_ms) VALUES ($1, $2, $3, 'queued', $4, $4)
         ON CONFLICT (dedupe) WHERE state = 'queued' DO NOTHING RETURNING id",
    )
    .bind(job.lane.clone())
    .bind(job.dedupe.clone())
    .bind(job.payload.clone())
    .bind(now)
    .fetch_optional(&mut ***tx)
    .await?;
    if let Some(row) = new {
        return Ok(row.try_get("id")?);
    }
    let queued =
        sqlx::query("SELECT id, payload FROM jobs WHERE dedupe = $1 AND state = 'queued'").bind(job.dedupe.clone()).fetch_one(&mut ***tx).await?;
    let id: i64 = queued.try_get("id")?;
    let payload = merge(&queued.try_get::<String, _>("payload")?, &job.payload);
    // A job that waits out a retry is due now: something new has happened.
    sqlx::query("UPDATE jobs SET payload = $1, run_at_ms = CASE WHEN run_at_ms < $2 THEN run_at_ms ELSE $2 END, attempt = 0 WHERE id = $3")
        .bind(payload)
        .bind(now)
        .bind(id)
        .execute(&mut ***tx)
        .await?;
    Ok(id)
}

/// See [`crate::store::Store::claim`].
pub(super) async fn claim(sql: &Sql, now_ms: i64, lease_ms: i64) -> Result<Option<Claimed>, StoreError> {
    // Most polls find nothing to do; they should not take the write lock to learn that.
    let waiting =
        sqlx::query("SELECT 1 FROM jobs WHERE (state = 'queued' AND run_at_ms <= $1) OR (state = 'running' AND lease_until_ms < $1) LIMIT 1")
            .bind(now_ms)
            .fetch_optional(&sql.pool)
            .await?;
    if waiting.is_none() {
        return Ok(None);
    }
    let mut tx = sql.write().await?;
    take_back(&mut tx, sql.merge, now_ms).await?;
    let row = sqlx::query(
        "UPDATE jobs SET state = 'running', fence = fence + 1, attempt = attempt + 1, lease_until_ms = $2
         WHERE id = (SELECT id FROM jobs AS due WHERE state = 'queued' AND run_at_ms <= $1
                     AND NOT EXISTS (SELECT 1 FROM jobs AS busy WHERE busy.lane = due.lane AND busy.state = 'running')
                     ORDER BY id LIMIT 1)
         RETURNING id, fence, lane, payload, attempt, created_at_ms",
    )
    .bind(now_ms)
    .bind(now_ms.saturating_add(lease_ms))
    .fetch_optional(&mut **tx)
    .await?;
    let claimed = row
        .map(|row| {
            Ok::<_, sqlx::Error>(Claimed {
                fence: Fence { job: JobId(row.try_get("id")?), claim: row.try_get("fence")? },
                lane: row.try_get("lane")?,
                payload: row.try_get("payload")?,
                created_ms: row.try_get("created_at_ms")?,
                attempt: u32::try_from(row.try_get::<i64, _>("attempt")?).unwrap_or(u32::MAX),
            })
        })
        .transpose()?;
    tx.commit().await?;
    Ok(claimed)
}

/// Puts the jobs of workers that died back into the queue.
async fn take_back(tx: &mut Writing, merge: Merge, now_ms: i64) -> Result<(), StoreError> {
    let lost = sqlx::query("SELECT id FROM jobs WHERE state = 'running' AND lease_until_ms < $1").bind(now_ms).fetch_all(&mut ***tx).await?;
    for row in lost {
        requeue(tx, merge, row.try_get("id")?, now_ms).await?;
    }
    Ok(())
}

/// Puts a running job back. Where a newer one with the same key waits already, that one does the work of both.
async fn requeue(tx: &mut Writing, merge: Merge, id: i64, at_ms: i64) -> Result<(), StoreError> {
    let newer = sqlx::query(
        "SELECT newer.id, newer.payload AS new, old.payload AS old FROM jobs AS newer JOIN jobs AS old ON newer.dedupe = old.dedupe
         WHERE old.id = $1 AND newer.state = 'queued'",
    )
    .bind(id)
    .fetch_optional(&mut ***tx)
    .await?;
    let Some(newer) = newer else {
        sqlx::query("UPDATE jobs SET state = 'queued', run_at_ms = $2, lease_until_ms = NULL WHERE id = $1")
            .bind(id)
            .bind(at_ms)
            .execute(&mut ***tx)
            .await?;
        return Ok(());
    };
    let payload = merge(&newer.try_get::<String, _>("old")?, &newer.try_get::<String, _>("new")?);
    let newer: i64 = newer.try_get("id")?;
    sqlx::query("UPDATE jobs SET payload = $2 WHERE id = $1").bind(newer).bind(payload).execute(&mut ***tx).await?;
    sqlx::query("INSERT INTO delivery_jobs (guid, job_id) SELECT guid, $2 FROM delivery_jobs WHERE job_id = $1 ON CONFLICT DO NOTHING")
        .bind(id)
        .bind(newer)
        .execute(&mut ***tx)
        .await?;
    sqlx::query("UPDATE jobs SET state = 'done', lease_until_ms = NULL WHERE id = $1").bind(id).execute(&mut ***tx).await?;
    Ok(())
}

/// See [`crate::store::Store::renew`].
pub(super) async fn renew(sql: &Sql, fence: Fence, lease_until_ms: i64) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE jobs SET lease_until_ms = $3 WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(fence.job.0)
        .bind(fence.claim)
        .bind(lease_until_ms)
        .execute(&sql.pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// See [`crate::store::Store::holds`].
pub(super) async fn holds(sql: &Sql, fence: Fence) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running' AND lease_until_ms > $3")
        .bind(fence.job.0)
        .bind(fence.claim)
        .bind(now_ms())
        .fetch_optional(&sql.pool)
        .await?;
    Ok(row.is_some())
}

/// See [`crate::store::Store::is_busy`].
pub(super) async fn is_busy(sql: &Sql, lane: String) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT 1 FROM jobs WHERE lane = $1 AND state IN ('queued', 'running') LIMIT 1").bind(lane).fetch_optional(&sql.pool).await?;
    Ok(row.is_some())
}

/// See [`crate::store::Store::finish`].
pub(super) async fn finish(sql: &Sql, fence: Fence, end: End) -> Result<bool, StoreError> {
    let mut tx = sql.write().await?;
    let ours = sqlx::query("SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(fence.job.0)
        .bind(fence.claim)
        .fetch_optional(&mut **tx)
        .await?;
    if ours.is_none() {
        return Ok(false);
    }
    match end {
        End::Done => close(&mut tx, fence.job, "done", None).await?,
        End::Failed { error } => close(&mut tx, fence.job, "failed", Some(error)).await?,
        End::Retry { at_ms, error } => {
            sqlx::query("UPDATE jobs SET error = $2 WHERE id = $1").bind(fence.job.0).bind(error).execute(&mut **tx).await?;
            requeue(&mut tx, sql.merge, fence.job.0, at_ms).await?;
        }
        End::HandOver => {
            sqlx::query("UPDATE jobs SET attempt = attempt - 1 WHERE id = $1").bind(fence.job.0).execute(&mut **tx).await?;
            requeue(&mut tx, sql.merge, fence.job.0, now_ms()).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Ends a job, and the deliveries that waited for it and for nothing else.
async fn close(tx: &mut Writing, job: JobId, state: &'static str, error: Option<String>) -> Result<(), StoreError> {
    sqlx::query("UPDATE jobs SET state = $2, error = $3, lease_until_ms = NULL WHERE id = $1")
        .bind(job.0)
        .bind(state)
        .bind(error)
        .execute(&mut ***tx)
        .await?;
    sqlx::query(
        "UPDATE deliveries SET state = $2 WHERE guid IN (SELECT guid FROM delivery_jobs WHERE job_id = $1) AND state = 'received'
         AND ($2 = 'failed' OR NOT EXISTS (SELECT 1 FROM delivery_jobs AS of JOIN jobs ON jobs.id = of.job_id
                                           WHERE of.guid = deliveries.guid AND jobs.state IN ('queued', 'running')))",
    )
    .bind(job.0)
    .bind(state)
    .execute(&mut ***tx)
    .await?;
    Ok(())
}

/// See [`crate::store::Store::queue_state`].
pub(super) async fn state(sql: &Sql) -> Result<QueueState, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'queued') AS queued,
                (SELECT COUNT(*) FROM jobs WHERE state = 'running') AS running,
                (SELECT COUNT(*) FROM jobs WHERE state = 'failed') AS failed,
                (SELECT MIN(created_at_ms) FROM jobs WHERE state = 'queued' AND run_at_ms <= $1) AS oldest_queued,
                (SELECT MIN(received_at_ms) FROM deliveries WHERE state = 'received') AS oldest_outstanding,
                (SELECT COUNT(*) FROM deliveries WHERE state = 'received' AND NOT EXISTS
                    (SELECT 1 FROM delivery_jobs AS of JOIN jobs ON jobs.id = of.job_id
                     WHERE of.guid = deliveries.guid AND jobs.state IN ('queued', 'running'))) AS dropped,
                (SELECT COUNT(*) FROM deliveries) AS deliveries",
    )
    .bind(now_ms())
    .fetch_one(&sql.pool)
    .await?;
    Ok(QueueState {
        queued: unsigned(row.try_get("queued")?),
        running: unsigned(row.try_get("running")?),
        failed: unsigned(row.try_get("failed")?),
        oldest_queued_ms: row.try_get("oldest_queued")?,
        oldest_outstanding_ms: row.try_get("oldest_outstanding")?,
        dropped: unsigned(row.try_get("dropped")?),
        deliveries: unsigned(row.try_get("deliveries")?),
    })
}
