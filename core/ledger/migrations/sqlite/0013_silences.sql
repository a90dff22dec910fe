-- Silences that somebody made. They are kept after their end, for a time.
CREATE TABLE silences (
    id         TEXT PRIMARY KEY,
    -- Whose groups are quiet; everybody's when none.
    project    TEXT,
    matchers   TEXT NOT NULL,
    begins     INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    comment    TEXT NOT NULL,
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    -- When somebody ended it before its time, and who.
    ended      INTEGER,
    ended_by   TEXT,
    -- Under which key of its maker, and SHA-256 of what was asked: a request that is sent again makes no other.
    key        TEXT,
    request    BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX silences_until ON silences (until);
CREATE UNIQUE INDEX silences_key ON silences (created_by, key) WHERE key IS NOT NULL;

CREATE TABLE maintenance_windows (
    -- The project, or '-' for the hub.
    owner TEXT NOT NULL,
    name  TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

-- Who was kept from hearing of what.
CREATE TABLE silenced (
    seq      INTEGER NOT NULL REFERENCES events (seq),
    handler  TEXT NOT NULL,
    -- By which silence or window: the last one, where one followed the other.
    silencer TEXT NOT NULL,
    -- When it is over, and it is looked at whether the trouble lasts.
    due      INTEGER NOT NULL,
    -- When that was looked at, and whether the handler was told then.
    looked   INTEGER,
    told     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (seq, handler)
) STRICT, WITHOUT ROWID;
CREATE INDEX silenced_due ON silenced (due, handler) WHERE looked IS NULL;
CREATE INDEX silenced_open_of ON silenced (handler, due) WHERE looked IS NULL;

-- The event that told of the condition when it began.
ALTER TABLE conditions ADD COLUMN event TEXT;
CREATE INDEX conditions_event ON conditions (event);
