//! The two databases, and the little in which they differ: how they are opened, and how a transaction that writes begins.
//!
//! The statements are the same text for both (`$1`, `ON CONFLICT`, `RETURNING`, partial indices), over sqlx's `Any` driver. Tables are
//! written in SQLite's words; [`for_postgres`] says those that PostgreSQL has others for.

use crate::store::StoreError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor, Row, Transaction};
use std::str::FromStr;
use std::time::Duration;

/// Connections to SQLite: the inbox has one, one writes, the others read. Each costs about a megabyte.
const SQLITE_CONNECTIONS: u32 = 4;
/// Connections of one replica to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;
/// The key under which replicas wait for each other; any number that no other program uses in this database.
const LOCK: i64 = 0x0057_6179_706f_7374;

/// Said to every SQLite connection. Write-ahead log, so that pages are read while a delivery is written; FULL, because a power cut
/// after 202 must not lose the delivery.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                              PRAGMA cache_size = -1024;";

/// The steps from an empty database to today's tables. Only ever added to.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_inbox.sql"),
    include_str!("../migrations/0002_decisions.sql"),
    include_str!("../migrations/0003_outstanding.sql"),
    include_str!("../migrations/0004_in_order.sql"),
];

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// A file.
    Sqlite,
    /// A server that several replicas may share.
    Postgres,
}

impl Engine {
    /// Returns the database that `url` names.
    pub(super) fn of(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }

    /// Opens `url`; a file that is not there is created.
    pub(super) async fn open(self, url: &str) -> Result<AnyPool, StoreError> {
        let open_error = |error: &sqlx::Error| StoreError::Open { url: without_password(url), cause: words(error) };
        sqlx::any::install_default_drivers();
        let create = self == Self::Sqlite && !url.contains("mode=") && !url.contains(":memory:");
        let url = if create { format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' }) } else { url.to_owned() };
        let options = AnyConnectOptions::from_str(&url).map_err(|error| open_error(&error))?;
        let connections = if self == Self::Sqlite { SQLITE_CONNECTIONS } else { POSTGRES_CONNECTIONS };
        AnyPoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(Duration::from_mins(1))
            .acquire_timeout(Duration::from_secs(20))
            // A file does not hang up.
            .test_before_acquire(self == Self::Postgres)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if self == Self::Sqlite {
                        connection.execute(SQLITE_PRAGMAS).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .map_err(|error| open_error(&error))
    }

    /// Begins a transaction that may write; there is one at a time. SQLite: a transaction that first reads and then wants to write
    /// fails at once when another writer was faster, whatever the busy timeout. PostgreSQL: so that both behave the same.
    pub(super) async fn begin(self, pool: &AnyPool) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self {
            Self::Sqlite => pool.begin_with(self.begin_words()).await,
            Self::Postgres => {
                let mut tx = pool.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
                Ok(tx)
            }
        }
    }

    /// The first statement of a transaction that may write.
    pub(super) fn begin_words(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// The second, where there is one: see [`Engine::begin`].
    pub(super) fn lock_words(self) -> Option<String> {
        (self == Self::Postgres).then(|| format!("SELECT 1 FROM (SELECT pg_advisory_xact_lock({LOCK})) AS locked"))
    }

    /// Brings the tables up to date: each step once.
    pub(super) async fn migrate(self, pool: &AnyPool) -> Result<(), sqlx::Error> {
        self.migrate_by(pool, MIGRATIONS).await
    }

    async fn migrate_by(self, pool: &AnyPool, steps: &[&'static str]) -> Result<(), sqlx::Error> {
        let mut tx = self.begin(pool).await?;
        let version = match self {
            Self::Sqlite => "PRAGMA user_version",
            Self::Postgres => {
                tx.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
                "SELECT COALESCE(MAX(version), 0) FROM schema_version"
            }
        };
        let done: i64 = tx.fetch_one(version).await?.try_get(0)?;
        for (step, at) in steps.iter().zip(1_i64..).filter(|(_, at)| *at > done) {
            match self {
                Self::Sqlite => {
                    sqlx::raw_sql(*step).execute(&mut *tx).await?;
                    sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {at}"))).execute(&mut *tx).await?;
                }
                Self::Postgres => {
                    sqlx::raw_sql(AssertSqlSafe(for_postgres(step))).execute(&mut *tx).await?;
                    sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(at).execute(&mut *tx).await?;
                }
            }
        }
        tx.commit().await
    }
}

/// Returns a step in PostgreSQL's words.
fn for_postgres(step: &str) -> String {
    step.replace("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .replace("INTEGER PRIMARY KEY,", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        .replace(") WITHOUT ROWID", ")")
}

/// Returns what the database says, without the codes around it.
fn words(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

/// Returns a database's URL as it may be shown.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((who, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = who.split_once(':').map_or(who, |(user, _)| user);
    format!("{scheme}://{user}@{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://waypost:s3cret@db.example.com/waypost"), "postgres://waypost@db.example.com/waypost");
        assert_eq!(without_password("postgres://waypost:s3@cret@db/waypost"), "postgres://waypost@db/waypost");
        assert_eq!(without_password("sqlite://waypost.db"), "sqlite://waypost.db");
    }

    #[tokio::test]
    async fn what_an_older_version_kept_is_there_after_the_change() {
        let file = std::env::temp_dir().join(format!("waypost-migration-{}.db", std::process::id()));
        let pool = Engine::Sqlite.open(&format!("sqlite://{}", file.display())).await.unwrap();
        Engine::Sqlite.migrate_by(&pool, &MIGRATIONS[..3]).await.unwrap();
        let old = "INSERT INTO jobs (id, lane, dedupe, payload, state, run_at_ms, created_at_ms) VALUES (7, 'l', 'l', 'p', 'queued', 1, 1);
            INSERT INTO deliveries (guid, event, body, state, received_at_ms) VALUES ('b', 'push', x'01', 'received', 2), ('a', 'ping', x'02', 'done', 1);
            INSERT INTO delivery_jobs (guid, job_id) VALUES ('b', 7);";
        sqlx::raw_sql(old).execute(&pool).await.unwrap();
        Engine::Sqlite.migrate(&pool).await.unwrap();
        let kept = "SELECT guid, event, state, received_at_ms, body, job_id FROM deliveries JOIN delivery_bodies AS bodies ON bodies.delivery_id = deliveries.id
            LEFT JOIN delivery_jobs ON delivery_jobs.delivery_id = deliveries.id ORDER BY deliveries.id";
        let rows = sqlx::query(kept).fetch_all(&pool).await.unwrap();
        let read = |row: &sqlx::any::AnyRow| {
            let job: Option<i64> = row.try_get("job_id").unwrap();
            (row.try_get::<String, _>("guid").unwrap(), row.try_get::<Vec<u8>, _>("body").unwrap(), job)
        };
        assert_eq!(rows.iter().map(read).collect::<Vec<_>>(), [("a".to_owned(), vec![2], None), ("b".to_owned(), vec![1], Some(7))]);
        pool.close().await;
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_table_is_said_in_postgresqls_words() {
        let step = "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body BLOB) WITHOUT ROWID;";
        assert_eq!(for_postgres(step), "CREATE TABLE a (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, body BYTEA);");
    }
}
