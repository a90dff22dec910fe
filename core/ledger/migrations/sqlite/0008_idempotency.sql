-- Keys under which clients enqueued tasks: a request that is sent again enqueues none. Each user's are numbered, so that
-- the oldest give way to the newest.

CREATE TABLE idempotency_keys (
    "user"  TEXT NOT NULL,
    key     TEXT NOT NULL,
    number  INTEGER NOT NULL,
    -- SHA-256 of what was asked.
    request BLOB NOT NULL,
    upid    TEXT NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY ("user", key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX idempotency_keys_number ON idempotency_keys ("user", number);
CREATE INDEX idempotency_keys_used ON idempotency_keys (used);
