-- Handlers with different limits share a destination: each gathers what is beyond its own.
ALTER TABLE rates DROP COLUMN gathering;
ALTER TABLE rates DROP COLUMN gathered;
-- What each handler gathers, a JSON object by handler; and the largest limit, which says how many times are kept.
ALTER TABLE rates ADD COLUMN gathering TEXT NOT NULL DEFAULT '{}';
ALTER TABLE rates ADD COLUMN most INTEGER NOT NULL DEFAULT 0;

-- The time between two messages, for a destination that asked for it, microseconds.
ALTER TABLE circuits ADD COLUMN gap INTEGER;

-- When it failed last: failures that are long apart are no row of failures.
ALTER TABLE handler_health ADD COLUMN last_failed INTEGER;
UPDATE handler_health SET last_failed = failing_since;
