-- The schedule of a message goes by the attempts that failed: those of senders that were lost are not its fault.
ALTER TABLE messages ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET failures = attempts;

-- Handlers that fail, and those that were switched off for it. Of handlers that are well there is no row.
CREATE TABLE handler_health (
    handler       TEXT PRIMARY KEY,
    -- Every attempt since then has failed.
    failing_since INTEGER,
    disabled      INTEGER,
    error         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
