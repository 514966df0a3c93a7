-- What people have decided about findings of a pull request, as long as it is in force.
CREATE TABLE decisions (
    repository_id INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    fingerprint   TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('acknowledgement', 'waiver')),
    -- a digest of what the finding said
    content       TEXT NOT NULL,
    actor         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    -- the last day a waiver holds, and the first millisecond after it
    until_day     TEXT,
    lapses_at_ms  INTEGER,
    -- where the pull request is, so that it can be reviewed again when nothing else happens on it
    place         TEXT NOT NULL,
    given_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (repository_id, number, fingerprint, kind)
);
CREATE INDEX decisions_by_end ON decisions (lapses_at_ms) WHERE lapses_at_ms IS NOT NULL;

-- Every decision that was made or refused, by whom, on which commit. Only ever added to.
CREATE TABLE audit (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- what it came from (a comment and its line): the same is written down once
    source        TEXT NOT NULL UNIQUE,
    at_ms         INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    repository    TEXT NOT NULL,
    head_sha      TEXT NOT NULL,
    actor_id      INTEGER,
    actor         TEXT NOT NULL,
    role          TEXT NOT NULL,
    command       TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    rule          TEXT NOT NULL,
    rule_digest   TEXT NOT NULL,
    -- given, withdrawn, refused, lapsed
    outcome       TEXT NOT NULL,
    detail        TEXT NOT NULL
);
CREATE INDEX audit_by_pull ON audit (repository_id, number, id);
