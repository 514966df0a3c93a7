-- Deliveries in the order in which they came. Under a random key every one went to another place of the tree, and with the bodies in the same
-- tree two hundred pages were read to find it.
DROP INDEX deliveries_by_age;
DROP INDEX deliveries_outstanding;
DROP INDEX delivery_jobs_by_job;
ALTER TABLE deliveries RENAME TO old_deliveries;
ALTER TABLE delivery_jobs RENAME TO old_delivery_jobs;

CREATE TABLE deliveries (
    id             INTEGER PRIMARY KEY,
    guid           TEXT NOT NULL UNIQUE,
    event          TEXT NOT NULL,
    -- received: work is outstanding; done: nothing is left to do; failed: given up, a redelivery starts it again
    state          TEXT NOT NULL CHECK (state IN ('received', 'done', 'failed')),
    received_at_ms INTEGER NOT NULL
);
CREATE INDEX deliveries_outstanding ON deliveries (received_at_ms) WHERE state = 'received';

-- Apart, because a row is written anew as a whole when its state changes.
CREATE TABLE delivery_bodies (
    delivery_id INTEGER PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    body        BLOB NOT NULL
);

CREATE TABLE delivery_jobs (
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (delivery_id, job_id)
) WITHOUT ROWID;
CREATE INDEX delivery_jobs_by_job ON delivery_jobs (job_id);

INSERT INTO deliveries (guid, event, state, received_at_ms)
    SELECT guid, event, state, received_at_ms FROM old_deliveries ORDER BY received_at_ms, guid;
INSERT INTO delivery_bodies (delivery_id, body)
    SELECT deliveries.id, old.body FROM deliveries JOIN old_deliveries AS old ON old.guid = deliveries.guid ORDER BY deliveries.id;
INSERT INTO delivery_jobs (delivery_id, job_id)
    SELECT deliveries.id, old.job_id FROM deliveries JOIN old_delivery_jobs AS old ON old.guid = deliveries.guid;
DROP TABLE old_delivery_jobs;
DROP TABLE old_deliveries;
