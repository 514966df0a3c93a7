//! Jobs: lanes, coalescing, leases.

use super::script::{Script, pieces};
use super::{Sql, Writing, unsigned};
use crate::store::{Claimed, End, Fence, JobId, Merge, NewJob, QueueState, StoreError, now_ms};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// See [`crate::store::Store::enqueue`].
pub(super) async fn enqueue(sql: &Sql, jobs: Vec<NewJob>) -> Result<(), StoreError> {
    let mut tx = sql.write().await?;
    let mut script = Script::new(sql.engine, &mut tx);
    add_all(&mut script, sql.merge, &jobs.iter().collect::<Vec<_>>()).await?;
    script.send().await?;
    tx.commit().await?;
    Ok(())
}

/// Adds jobs, or makes the queued job with the same key do a job's work too. Returns their numbers by key.
pub(super) async fn add_all(script: &mut Script<'_>, merge: Merge, jobs: &[&NewJob]) -> Result<BTreeMap<String, i64>, StoreError> {
    let wanted = merged(merge, jobs);
    ask(script, &wanted).await?;
    let rows = script.send().await?;
    answered(script, merge, &wanted, &rows).await
}

/// Returns jobs with those of the same key as one.
pub(super) fn merged(merge: Merge, jobs: &[&NewJob]) -> Vec<NewJob> {
    let mut wanted: Vec<NewJob> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for job in jobs {
        if let Some(have) = places.get(job.dedupe.as_str()).and_then(|at| wanted.get_mut(*at)) {
            have.payload = merge(&have.payload, &job.payload);
        } else {
            places.insert(&job.dedupe, wanted.len());
            wanted.push((*job).clone());
        }
    }
    wanted
}

/// Adds the statements that queue jobs. Each gives a row for [`answered`].
pub(super) async fn ask(script: &mut Script<'_>, wanted: &[NewJob]) -> Result<(), StoreError> {
    let now = now_ms();
    for piece in pieces(wanted) {
        // A job that waits out a retry is due now: something new has happened.
        let after = "ON CONFLICT (dedupe) WHERE state = 'queued' DO UPDATE SET attempt = 0,
            run_at_ms = CASE WHEN jobs.run_at_ms < excluded.run_at_ms THEN jobs.run_at_ms ELSE excluded.run_at_ms END RETURNING id, dedupe, payload";
        script.add_rows("INSERT INTO jobs (lane, dedupe, payload, state, run_at_ms, created_at_ms)", (piece.len(), 6), after).await?;
        for job in piece {
            script.bind(job.lane.clone())?;
            script.bind(job.dedupe.clone())?;
            script.bind(job.payload.clone())?;
            script.bind("queued")?;
            script.bind(now)?;
            script.bind(now)?;
        }
    }
    Ok(())
}

/// Sees to jobs that were queued already: they do the work of both. Returns the numbers of all by key; rows of other statements are passed over.
pub(super) async fn answered(script: &mut Script<'_>, merge: Merge, wanted: &[NewJob], rows: &[AnyRow]) -> Result<BTreeMap<String, i64>, StoreError> {
    let new: BTreeMap<&str, &str> = wanted.iter().map(|job| (job.dedupe.as_str(), job.payload.as_str())).collect();
    let mut numbers = BTreeMap::new();
    for row in rows {
        let Ok(dedupe) = row.try_get::<String, _>("dedupe") else { continue };
        let (id, have): (i64, String) = (row.try_get("id")?, row.try_get("payload")?);
        let new = new.get(dedupe.as_str()).copied().unwrap_or_default();
        // The same twice is the same.
        let both = if have == new { have.clone() } else { merge(&have, new) };
        if both != have {
            script.add("UPDATE jobs SET payload = $1 WHERE id = $2").await?;
            script.bind(both)?;
            script.bind(id)?;
            script.send().await?;
        }
        numbers.insert(dedupe, id);
    }
    Ok(numbers)
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
    sqlx::query("INSERT INTO delivery_jobs (delivery_id, job_id) SELECT delivery_id, $2 FROM delivery_jobs WHERE job_id = $1 ON CONFLICT DO NOTHING")
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

/// See [`crate::store::Store::is_waiting`].
pub(super) async fn is_waiting(sql: &Sql, lane: String) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM jobs WHERE lane = $1 AND state = 'queued' LIMIT 1").bind(lane).fetch_optional(&sql.pool).await?;
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
        End::Done(at_end) => {
            close(&mut tx, fence.job, "done", None).await?;
            let mut script = Script::new(sql.engine, &mut tx);
            for note in at_end.forget {
                script.add("DELETE FROM notes WHERE key = $1").await?;
                script.bind(note)?;
                script.send().await?;
            }
            add_all(&mut script, sql.merge, &at_end.jobs.iter().collect::<Vec<_>>()).await?;
        }
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
        "UPDATE deliveries SET state = $2 WHERE id IN (SELECT delivery_id FROM delivery_jobs WHERE job_id = $1) AND state = 'received'
         AND ($2 = 'failed' OR NOT EXISTS (SELECT 1 FROM delivery_jobs AS of JOIN jobs ON jobs.id = of.job_id
                                           WHERE of.delivery_id = deliveries.id AND jobs.state IN ('queued', 'running')))",
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
                     WHERE of.delivery_id = deliveries.id AND jobs.state IN ('queued', 'running'))) AS dropped,
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
