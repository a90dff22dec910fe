-- Silences that somebody made. They are kept after their end, for a time.
CREATE TABLE silences (
    id         TEXT COLLATE "C" PRIMARY KEY,
    -- Whose groups are quiet; everybody's when none.
    project    TEXT COLLATE "C",
    matchers   TEXT COLLATE "C" NOT NULL,
    begins     BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    comment    TEXT COLLATE "C" NOT NULL,
    created    BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    -- When somebody ended it before its time, and who.
    ended      BIGINT,
    ended_by   TEXT COLLATE "C",
    -- Under which key of its maker, and SHA-256 of what was asked: a request that is sent again makes no other.
    key        TEXT COLLATE "C",
    request    BYTEA
);
CREATE INDEX silences_until ON silences (until);
CREATE UNIQUE INDEX silences_key ON silences (created_by, key) WHERE key IS NOT NULL;

CREATE TABLE maintenance_windows (
    -- The project, or '-' for the hub.
    owner TEXT COLLATE "C" NOT NULL,
    name  TEXT COLLATE "C" NOT NULL,
    body  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, name)
);

-- Who was kept from hearing of what.
CREATE TABLE silenced (
    seq      BIGINT NOT NULL REFERENCES events (seq),
    handler  TEXT COLLATE "C" NOT NULL,
    -- By which silence or window: the last one, where one followed the other.
    silencer TEXT COLLATE "C" NOT NULL,
    -- When it is over, and it is looked at whether the trouble lasts.
    due      BIGINT NOT NULL,
    -- When that was looked at, and whether the handler was told then.
    looked   BIGINT,
    told     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (seq, handler)
);
CREATE INDEX silenced_due ON silenced (due, handler) WHERE looked IS NULL;
CREATE INDEX silenced_open_of ON silenced (handler, due) WHERE looked IS NULL;

-- The event that told of the condition when it began.
ALTER TABLE conditions ADD COLUMN event TEXT COLLATE "C";
CREATE INDEX conditions_event ON conditions (event);
