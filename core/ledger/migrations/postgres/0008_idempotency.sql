-- Keys under which clients enqueued tasks: a request that is sent again enqueues none. Each user's are numbered, so that
-- the oldest give way to the newest.

CREATE TABLE idempotency_keys (
    "user"  TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    number  BIGINT NOT NULL,
    -- SHA-256 of what was asked.
    request BYTEA NOT NULL,
    upid    TEXT COLLATE "C" NOT NULL,
    used    BIGINT NOT NULL,
    PRIMARY KEY ("user", key)
);
CREATE UNIQUE INDEX idempotency_keys_number ON idempotency_keys ("user", number);
CREATE INDEX idempotency_keys_used ON idempotency_keys (used);
