-- What GitHub sent us. Written before GitHub is answered.
CREATE TABLE deliveries (
    guid           TEXT PRIMARY KEY,
    event          TEXT NOT NULL,
    body           BLOB NOT NULL,
    -- received: work is outstanding; done: nothing is left to do; failed: given up, a redelivery starts it again
    state          TEXT NOT NULL CHECK (state IN ('received', 'done', 'failed')),
    received_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_by_age ON deliveries (received_at_ms);

-- What is to be done. A lane is worked one job at a time; queued jobs with the same dedupe key are one job.
CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    lane           TEXT NOT NULL,
    dedupe         TEXT NOT NULL,
    payload        TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    attempt        INTEGER NOT NULL DEFAULT 0,
    run_at_ms      INTEGER NOT NULL,
    lease_until_ms INTEGER,
    -- counts claims: who holds an older number has lost the job
    fence          INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    created_at_ms  INTEGER NOT NULL
);
CREATE UNIQUE INDEX jobs_one_running_a_lane ON jobs (lane) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_one_queued_a_key ON jobs (dedupe) WHERE state = 'queued';
CREATE INDEX jobs_due ON jobs (run_at_ms, id) WHERE state = 'queued';

CREATE TABLE delivery_jobs (
    guid   TEXT NOT NULL REFERENCES deliveries (guid) ON DELETE CASCADE,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (guid, job_id)
) WITHOUT ROWID;
CREATE INDEX delivery_jobs_by_job ON delivery_jobs (job_id);

-- Contents of files, by repository and git object id. Never changes; the least recently used go first.
CREATE TABLE blobs (
    repository_id INTEGER NOT NULL,
    sha           TEXT NOT NULL,
    content       BLOB NOT NULL,
    bytes         INTEGER NOT NULL,
    used_at_ms    INTEGER NOT NULL,
    PRIMARY KEY (repository_id, sha)
);
CREATE INDEX blobs_by_use ON blobs (used_at_ms);

-- The last review of each pull request, for the pages and to know whether anything is new.
CREATE TABLE reviews (
    repository_id  INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    owner          TEXT NOT NULL,
    name           TEXT NOT NULL,
    head_sha       TEXT NOT NULL,
    base_sha       TEXT NOT NULL,
    -- the title, body and trees it was made of: the same inputs need no second review
    inputs         TEXT NOT NULL,
    title          TEXT NOT NULL,
    verdict        TEXT NOT NULL,
    summary        TEXT NOT NULL,
    review         TEXT NOT NULL,
    report         TEXT NOT NULL,
    reviewed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (repository_id, number)
);
CREATE INDEX reviews_by_name ON reviews (owner, name, number);
CREATE INDEX reviews_by_age ON reviews (reviewed_at_ms);

-- Small facts about what we have written on GitHub: the sticky comment's id, the check run that is open.
CREATE TABLE notes (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
