-- What is outstanding is asked for often, and is little of what is kept.
CREATE INDEX deliveries_outstanding ON deliveries (received_at_ms) WHERE state = 'received';
CREATE INDEX jobs_running ON jobs (lease_until_ms) WHERE state = 'running';
